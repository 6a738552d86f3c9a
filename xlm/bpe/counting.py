"""Count tokens in the corpus and report how each language is covered by the vocabulary."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from xlm.bpe.vocabulary import CONTINUATION_MARKER, NUM_SPECIAL_TOKENS, UNK, Vocabulary

MAX_UNKNOWN_SHARE = 0.05
"""Share of unknown tokens above which a warning is logged."""


def count_tokens(path: Path) -> Counter[str]:
    """Count each token of a text file.

    Only space and newline separate tokens, as in fastBPE's getvocab.
    """
    with path.open(encoding="utf-8", newline="\n") as lines:
        return count_line_tokens(line.removesuffix("\n") for line in lines)


def count_line_tokens(lines: Iterable[str]) -> Counter[str]:
    """Count each token of lines without their newlines."""
    counts: Counter[str] = Counter()
    for line in lines:
        counts.update(line.split(" "))
    del counts[""]
    return counts


def format_counts(counts: Mapping[str, int]) -> Iterator[str]:
    """Yield lines `token count`, largest count first, then by the bytes of the token."""
    # The order of code points is the order of UTF-8 bytes.
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return (f"{token} {count}\n" for token, count in ordered)


def write_counts(counts: Mapping[str, int], path: Path) -> None:
    """Write lines `token count` to a file, in the order of `format_counts`."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(format_counts(counts))


def unknown_tokens_warning(
    name: str, unknown: int, tokens: int, *, enlarge: str = "add tokens to the vocabulary"
) -> str | None:
    """Return the warning for a text with many tokens outside the vocabulary, or None.

    Args:
        name: name of the text.
        unknown: how many of its tokens are not in the vocabulary.
        tokens: how many it has.
        enlarge: how the user adds tokens to the vocabulary.
    """
    if unknown <= MAX_UNKNOWN_SHARE * tokens:
        return None
    return (
        f"{name}: {unknown:,} of {tokens:,} tokens ({unknown / tokens:.1%}) are unknown; check "
        f"that the codes file and the vocabulary belong together, or {enlarge}"
    )


def language_report(
    counts: Mapping[str, Counter[str]], vocabulary: Vocabulary
) -> dict[str, dict[str, float]]:
    """Report for each language: tokens per word, unknown tokens, share of the vocabulary.

    Tokens are counted as they become ids (`Vocabulary.ids`): one with white space other than a
    space counts as several, and the name of a special token is dropped. `fertility` is tokens per
    word. `unknown_rate` is the share of tokens outside the vocabulary. `vocabulary_share` is the
    share of ids, without special tokens, that occur in the language.
    """
    return {language: _report(counts[language], vocabulary) for language in sorted(counts)}


def _report(counts: Counter[str], vocabulary: Vocabulary) -> dict[str, float]:
    tokens = words = unknown = 0
    types: set[str] = set()
    used: set[int] = set()
    for token, count in counts.items():
        fields = token.split()
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


def _ratio(part: int, total: int) -> float:
    return round(part / total, 6) if total else 0.0
