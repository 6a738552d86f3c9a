"""`xlm sources find`: the parallel corpora that OPUS has for two languages, or for one."""

import json
from pathlib import Path

from xlm.cli.output import show, terminal_width
from xlm.config.environment import MachineSettings
from xlm.config.languages.declared import TABLE
from xlm.corpus.parallel.opus_corpora import KINDS, known_corpus
from xlm.corpus.parallel.opus_search import (
    FoundCorpus,
    Partner,
    opus_codes_in,
    search_pair,
    search_partners,
)
from xlm.display.markdown import format_integer, format_size
from xlm.display.suggest import did_you_mean
from xlm.display.text_table import text_table
from xlm.errors import ConfigError
from xlm.store.store import ArtifactStore

_SHOWN_PARTNERS = 10


def find_corpora(what: str, all_releases: bool, root: str | None, as_json: bool) -> None:
    """Print the corpora of a pair such as `en-sw`, or the languages that OPUS pairs with one.

    Raises:
        ConfigError: a language is unknown, or OPUS has no text of the pair.
    """
    codes = [code.strip() for code in what.split("-")]
    if not 1 <= len(codes) <= 2 or not all(codes) or codes[0] == codes[-1] != what:
        raise ConfigError(
            f"{what[:40]!r} is not a pair of two languages", fix="write for example en-sw"
        )
    store = ArtifactStore.open(MachineSettings.from_environment(root).root, write=False)
    with store.tool_cache() as cache:
        names = [_opus_names(cache, code) for code in codes]
        if len(codes) == 1:
            _show_partners(codes[0], search_partners(cache, names[0]), as_json)
            return
        found = search_pair(cache, (names[0], names[1]))
        if not found:
            raise ConfigError(
                f"OPUS has no parallel text of {what}",
                fix=f"through another language: {_bridges(cache, names)}",
            )
    first, second = sorted(codes)
    _show_corpora(f"{first}-{second}", found, all_releases, as_json)


def _opus_names(cache: Path, code: str) -> tuple[str, ...]:
    """The codes of a language in OPUS; a code that only OPUS knows is its own name."""
    if code in TABLE:
        return TABLE[code].opus
    known = opus_codes_in(cache)
    if code in known:
        return (code,)
    raise ConfigError(
        f"unknown language {code[:40]!r}", fix=_first_clause(did_you_mean(code, sorted(known)))
    )


def _first_clause(suggestion: str) -> str:
    """The suggestion, unless it lists hundreds of codes."""
    return suggestion if len(suggestion) < 80 else "use a code such as sw (ISO 639)"


def _bridges(cache: Path, names: list[tuple[str, ...]]) -> str:
    """The languages that OPUS pairs with both, those with the most text first."""
    first, second = (
        {_our_code(one.code): one.pairs for one in search_partners(cache, codes)} for codes in names
    )
    both = sorted(first.keys() & second.keys(), key=lambda code: -min(first[code], second[code]))
    return ", ".join(both[:5]) or "none"


def _our_code(opus_code: str) -> str:
    """The code of a language in profiles; OPUS's own if no language has it."""
    known = TABLE.by_code.values()
    return next((one.code for one in known if opus_code in one.opus), opus_code)


def _show_corpora(pair: str, found: list[FoundCorpus], all_releases: bool, as_json: bool) -> None:
    shown = [one for one in found if one.is_newest or all_releases]
    if as_json:
        show(json.dumps([_as_json(pair, one) for one in shown], indent=1, ensure_ascii=False))
        return
    rows = []
    for one in shown:
        facts = known_corpus(one.corpus)
        pairs, size = format_integer(one.file.pairs), format_size(one.file.size_bytes)
        rows.append((one.corpus, one.release, facts.kind, pairs, size, facts.licence))
    header = ("corpus", "version", "kind", "pairs", "size", "licence")
    show(text_table(header, rows, width=terminal_width(), left=(0, 1, 2, 5)))
    hidden = len(found) - len(shown)
    older = f"; {hidden} older versions with --all" if hidden else ""
    noun = "corpus" if len(shown) == 1 else "corpora"
    show(f"\n{len(shown)} {noun} of {pair} in OPUS{older}")
    for kind in dict.fromkeys(known_corpus(one.corpus).kind for one in shown):
        show(f"  {kind:<10}  {KINDS[kind]}")
    show("To use one, add it to sources.parallel of a profile:")
    show(f"  {profile_entry(shown[0], pair)}")


def profile_entry(found: FoundCorpus, *pairs: str) -> str:
    """The line of a profile that uses a corpus."""
    licence = json.dumps(known_corpus(found.corpus).licence_text)
    return (
        f"- {{kind: opus, corpus: {found.corpus}, version: {found.release}, "
        f"pairs: [{', '.join(pairs)}], licence: {licence}}}"
    )


def _as_json(pair: str, found: FoundCorpus) -> dict[str, object]:
    facts = known_corpus(found.corpus)
    return {
        "corpus": found.corpus,
        "version": found.release,
        "newest": found.is_newest,
        "pair": pair,
        "opus_codes": found.file.codes,
        "kind": facts.kind,
        "pairs": found.file.pairs,
        "size_bytes": found.file.size_bytes,
        "licence": facts.licence or None,
        "citation": facts.citation,
        "url": found.file.url,
    }


def _show_partners(code: str, found: list[Partner], as_json: bool) -> None:
    if not found:
        raise ConfigError(f"OPUS has no parallel text of {code}", fix="use monolingual text of it")
    if as_json:
        rows = [
            {"language": _our_code(one.code), "corpora": one.corpora, "pairs": one.pairs}
            for one in found
        ]
        show(json.dumps(rows, indent=1))
        return
    lines = [
        (_our_code(one.code), format_integer(one.corpora), format_integer(one.pairs))
        for one in found[:_SHOWN_PARTNERS]
    ]
    show(text_table(("language", "corpora", "pairs"), lines, width=terminal_width()))
    more = len(found) - len(lines)
    show(f"\n{len(found)} languages" + (f"; the other {more} with --json" if more else ""))
    show(f"Corpora of a pair: xlm sources find {'-'.join(sorted((code, lines[0][0])))}")
