"""Counting pieces over the corpus, and what each language gets of the vocabulary."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from xlm.bpe.vocabulary import CONTINUATION_MARKER, NUM_SPECIAL_TOKENS, UNK, Vocabulary

MAX_UNKNOWN_SHARE = 0.05
"""Share of unknown tokens above which a text is reported."""


def count_tokens(path: Path) -> Counter[str]:
    """Occurrences of each piece of a text; separators are space and newline alone, as getvocab."""
    with path.open(encoding="utf-8", newline="\n") as lines:
        return count_line_tokens(line.removesuffix("\n") for line in lines)


def count_line_tokens(lines: Iterable[str]) -> Counter[str]:
    """Occurrences of each piece of lines without their newlines."""
    counts: Counter[str] = Counter()
    for line in lines:
        counts.update(line.split(" "))
    del counts[""]
    return counts


def format_counts(counts: Mapping[str, int]) -> Iterator[str]:
    """Lines `token count`: largest count first, ties in the order of the tokens' bytes."""
    # Code point order is the order of UTF-8 bytes.
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return (f"{token} {count}\n" for token, count in ordered)


def write_counts(counts: Mapping[str, int], path: Path) -> None:
    """Write the lines of counts to a file."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(format_counts(counts))


def unknown_tokens_warning(name: str, unknown: int, tokens: int) -> str | None:
    """What to report of a text with many tokens outside of the vocabulary."""
    if unknown <= MAX_UNKNOWN_SHARE * tokens:
        return None
    return (
        f"{name}: {unknown:,} of {tokens:,} tokens ({unknown / tokens:.1%}) are unknown; check "
        "that the codes and the vocabulary belong together, or make the vocabulary larger"
    )


def language_report(
    counts: Mapping[str, Counter[str]], vocabulary: Vocabulary
) -> dict[str, dict[str, float]]:
    """Per language: how finely words are cut, what is unknown, what share of ids it uses.

    Tokens are what becomes ids: a piece that holds white space other than a space is several, a
    special name in the text is none (`Vocabulary.ids`). `fertility` is tokens per word,
    `unknown_rate` is the share of tokens outside the vocabulary, `vocabulary_share` the share of
    ordinary ids that occur in the language.
    """
    return {language: _report(counts[language], vocabulary) for language in sorted(counts)}


def _report(pieces: Counter[str], vocabulary: Vocabulary) -> dict[str, float]:
    tokens = words = unknown = 0
    types: set[str] = set()
    used: set[int] = set()
    for piece, count in pieces.items():
        fields = piece.split()
        ids = vocabulary.ids(fields)
        tokens += count * len(ids)
        unknown += count * ids.count(UNK)
        words += count * sum(not field.endswith(CONTINUATION_MARKER) for field in fields)
        types.update(fields)
        used.update(ids)
    used.discard(UNK)
    return {
        "tokens": tokens,
        "words": words,
        "types": len(types),
        "fertility": _ratio(tokens, words),
        "unknown": unknown,
        "unknown_rate": _ratio(unknown, tokens),
        "vocabulary_used": len(used),
        "vocabulary_share": _ratio(len(used), vocabulary.size - NUM_SPECIAL_TOKENS),
    }


def _ratio(part: int, whole: int) -> float:
    return round(part / whole, 6) if whole else 0.0
