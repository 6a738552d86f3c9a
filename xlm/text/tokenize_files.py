"""Tokenize files: texts line by line, tables of labelled rows field by field."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from xlm.errors import DataError
from xlm.text.chain import Tokenizer, cased_tokenizer_for, tokenizer_for
from xlm.text.characters.accents import lower_without_accents


def tokenize_text(
    source: Path,
    target: Path,
    *,
    language: str,
    segmenters: Mapping[str, str],
    moses: str = "",
    cased: bool = False,
) -> dict[str, int]:
    """Tokenize a text file line by line; returns the counts of lines and tokens."""
    tokenize = _cached_tokenizer(language, tuple(sorted(segmenters.items())), moses, cased)
    counts = {"lines": 0, "tokens": 0}
    with target.open("w", encoding="utf-8", newline="\n") as out:
        for line in read_lines(source):
            tokens = tokenize(line)
            out.write(tokens + "\n")
            counts["lines"] += 1
            counts["tokens"] += len(tokens.split())
    return counts


def tokenize_labelled(
    source: Path,
    target: Path,
    *,
    language: str,
    segmenters: Mapping[str, str],
    already_tokenized: bool,
    moses: str = "",
    cased: bool = False,
) -> dict[str, int]:
    """Tokenize the sentences of each labelled row; returns the counts of lines and tokens.

    Args:
        source: table of one or two sentences and a label.
        target: table to write; labels do not change.
        language: language code.
        segmenters: segmenter by language.
        already_tokenized: the text is Moses output (training rows of MultiNLI), so that only
            lowercasing and accent removal remain; Moses would split it further.
        moses: language whose Moses rules to use; empty: see `tokenizer_for`.
        cased: keep case and accents.

    Raises:
        DataError: a row has no sentence or no label, or another number of fields than the first.
    """
    tokenize: Tokenizer = str if cased else lower_without_accents
    if not already_tokenized:
        tokenize = _cached_tokenizer(language, tuple(sorted(segmenters.items())), moses, cased)
    counts = {"lines": 0, "tokens": 0}
    width = 0
    with target.open("w", encoding="utf-8", newline="\n") as out:
        for number, line in enumerate(read_lines(source), start=1):
            *sentences, label = line.split("\t")
            width = width or len(sentences)
            if len(sentences) not in (1, 2) or len(sentences) != width:
                raise DataError(
                    f"{source}, line {number} has {len(sentences) + 1} fields, "
                    f"not {width + 1 if number > 1 else '2 or 3'}",
                    fix="rebuild the upstream artifacts",
                )
            tokens = [tokenize(sentence) for sentence in sentences]
            out.write("\t".join([*tokens, label]) + "\n")
            counts["lines"] += 1
            counts["tokens"] += sum(len(text.split()) for text in tokens)
    return counts


def read_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a UTF-8 file without their newlines; only "\\n" ends a line.

    Raises:
        DataError: a line is not UTF-8.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield line.removesuffix(b"\n").decode()
            except UnicodeDecodeError as error:
                raise DataError(
                    f"{path}, line {number}: not UTF-8 ({error.reason} at byte {error.start})",
                    fix="convert the source to UTF-8",
                ) from error


@cache
def _cached_tokenizer(
    language: str, segmenters: tuple[tuple[str, str], ...], moses: str, cased: bool
) -> Tokenizer:
    make = cased_tokenizer_for if cased else tokenizer_for
    return make(language, dict(segmenters), moses)
