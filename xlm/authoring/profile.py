"""`xlm init`: a profile for languages, for the user's files, or for both.

write_profile(Wishes(languages=("en", "sw", "yo"), budget_bytes=10**9), cache)
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from xlm.authoring.choose_corpora import Choice, choose_corpora
from xlm.authoring.compose import Draft, compose, xnli_languages
from xlm.authoring.own_files import OwnEntry, code_and_path, own_pair, own_text
from xlm.authoring.scale import Device, scale_of
from xlm.config.data.corpora import WikipediaSource
from xlm.config.languages.declared import TABLE, DeclaredLanguage, Languages
from xlm.config.languages.pairs import ENGLISH, language
from xlm.config.languages.segmenters import is_unspaced
from xlm.config.languages.suggest import CODE_PATTERN, language_called
from xlm.errors import ConfigError

_XNLI_BYTES = 470_000_000
"""Size of the downloads of XNLI and MultiNLI."""
_WIKIPEDIA_SHARE = 0.5
"""Part of the budget for Wikipedias; the rest is for parallel text."""
_LEAST_HEAD_BYTES = 1_000_000
_TYPICAL_WIKIPEDIA_BYTES = 200_000_000
"""Most Wikipedias are smaller than that; no catalogue lists their sizes."""
_TEXT_PER_BYTE = 2.8
"""Bytes of text in a byte of a zip of OPUS; a dump has about as much text as bytes."""


@dataclass(frozen=True)
class Wishes:
    """What the user gave on the command line."""

    command: str
    languages: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    """`yo=data/yo.txt`"""
    pairs: tuple[str, ...] = ()
    """`en-yo=data/en-yo.tsv`"""
    budget_bytes: int = 0
    device: Device = "cpu"


def write_profile(wishes: Wishes, cache: Path) -> str:
    """The profile as YAML with comments.

    Args:
        wishes: the languages and files.
        cache: folder for the unpacked OPUS catalogue.

    Raises:
        ConfigError: a language is unknown or has no text, or a file cannot be used.
        DataError: a file is damaged or empty.
    """
    texts = [code_and_path("--text", one) for one in wishes.texts]
    pairs = [(*_pair_codes(one), one.partition("=")[2].strip()) for one in wishes.pairs]
    for code in wishes.languages:
        language(code)
    own = {code for code, _ in texts} | {
        code for first, second, _ in pairs for code in (first, second)
    }
    declared = [_declaration(code) for code in sorted(own) if code not in TABLE]
    table = Languages.of(tuple(DeclaredLanguage(**one) for one in declared))
    codes = sorted({*wishes.languages, *own})
    if not codes:
        raise ConfigError(
            "neither languages nor files are named",
            fix="write --languages en,sw,yo, or --text sw=data/sw.txt",
        )
    text_entries = _named([own_text(table[code], path) for code, path in texts])
    pair_entries = _named([own_pair((table[a], table[b]), path.split(",")) for a, b, path in pairs])
    xnli_bytes = _XNLI_BYTES if _wants_xnli(wishes) else 0
    left_bytes = max(wishes.budget_bytes - xnli_bytes, 0)
    wikipedias = [table[code] for code in sorted(set(wishes.languages)) if table[code].wiki]
    choice = Choice((), (), ())
    if len(set(wishes.languages)) > 1:
        share = 1 - _WIKIPEDIA_SHARE if wikipedias else 1.0
        choice = choose_corpora(
            cache, sorted(set(wishes.languages)), table, round(left_bytes * share)
        )
    head_bytes = _head_bytes(left_bytes - choice.size_bytes, len(wikipedias))
    _require_text(wishes.languages, own, choice, table)
    languages = [table[code] for code in codes]
    text_bytes = (
        len(wikipedias) * min(head_bytes, _TYPICAL_WIKIPEDIA_BYTES)
        + choice.size_bytes * _TEXT_PER_BYTE
        + sum(entry.text_bytes for entry in (*text_entries, *pair_entries))
    )
    scale = scale_of(
        text_bytes=round(text_bytes),
        languages=len(languages),
        unspaced=sum(map(is_unspaced, languages)),
        device=wishes.device,
    )
    return compose(
        Draft(
            command=wishes.command,
            languages=languages,
            declared=declared,
            scale=scale,
            device=wishes.device,
            wikipedias=wikipedias,
            head_bytes=head_bytes,
            date=WikipediaSource().date,
            choice=choice,
            texts=text_entries,
            pairs=pair_entries,
            xnli=xnli_languages(languages) if xnli_bytes else (),
        )
    )


def _pair_codes(given: str) -> tuple[str, str]:
    pair, _ = code_and_path("--pairs", given)
    first, _, second = pair.partition("-")
    if not first or not second or first == second or "-" in second:
        raise ConfigError(
            f"--pairs {pair[:40]!r} is not a pair of two languages",
            fix="write for example --pairs en-yo=data/en-yo.tsv",
        )
    return first, second


def _declaration(code: str) -> dict[str, str]:
    """The declaration of a language that the table does not contain.

    Raises:
        ConfigError: it is not a code, or probably a typo.
    """
    if not re.fullmatch(CODE_PATTERN, code) or language_called(code, TABLE.by_code.values()):
        language(code)  # raises the error with a suggestion
    return {"code": code, "name": code, "tokenizer": ENGLISH}


def _named(entries: Sequence[OwnEntry]) -> list[OwnEntry]:
    """The entries; the second one of a language or pair needs another name."""
    count: dict[tuple[str, ...], int] = {}
    for entry in entries:
        number = count[entry.codes] = count.get(entry.codes, 0) + 1
        if number > 1:
            entry.settings["name"] = f"own_{number}"
    return list(entries)


def _wants_xnli(wishes: Wishes) -> bool:
    """Whether XNLI applies: English is trained on, and the data may be downloaded."""
    return ENGLISH in wishes.languages and wishes.budget_bytes >= 2 * _XNLI_BYTES


def _head_bytes(left_bytes: int, wikipedias: int) -> int:
    if not wikipedias:
        return 0
    share = max(left_bytes // wikipedias, _LEAST_HEAD_BYTES)
    return share // _LEAST_HEAD_BYTES * _LEAST_HEAD_BYTES


def _require_text(
    languages: Sequence[str], own: set[str], choice: Choice, table: Languages
) -> None:
    in_pairs = {code for pair in choice.pairs for code in pair.split("-")}
    for code in languages:
        if not table[code].wiki and code not in in_pairs | own:
            raise ConfigError(
                f"{table[code].name} ({code}) has no Wikipedia, and OPUS has no text of it with "
                "the other languages",
                fix=f"give your own text: --text {code}=FILE",
            )
