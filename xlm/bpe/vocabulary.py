"""The vocabulary: the id and the count of each token.

    vocabulary = read_counted_vocabulary(Path("vocabulary.txt"), size=95_000)
    vocabulary.ids("ams picked".split())  # [27269, 94999]

Ids 0 to 13 are special tokens, with count 0. Subwords follow from id 14, most frequent first.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from xlm.errors import DataError
from xlm.store.disk.hashing import file_sha256

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BOS, EOS, PAD, UNK, MASK = 0, 1, 2, 3, 5
SPECIAL_TOKENS = ("<s>", "</s>", "<pad>", "<unk>", *(f"<special{i}>" for i in range(10)))
NUM_SPECIAL_TOKENS = len(SPECIAL_TOKENS)

CONTINUATION_MARKER = "@@"
"""Follows a subword that does not end its word."""

VOCABULARY_FILE = "vocabulary.json"

_LINE_SEPARATOR = "\u2028"
_BYTE_ORDER_MARK = "\ufeff"
_MAX_COUNT_DIGITS = 18
"""Such a count fits into 63 bits."""
_FIX = "use a vocabulary as fastBPE's getvocab writes it, largest count first"


@dataclass(frozen=True)
class Vocabulary:
    """Tokens by id, special tokens first, with their counts."""

    tokens: tuple[str, ...]
    token_counts: tuple[int, ...]
    codes_hash: str = ""
    """sha256 of the codes file that produced the tokens; empty if it is unknown."""

    @property
    def size(self) -> int:
        """Number of ids, special tokens included."""
        return len(self.tokens)

    @cached_property
    def hash(self) -> str:
        """sha256 of the tokens in the order of their ids, each followed by a newline."""
        text = "".join(token + "\n" for token in self.tokens)
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def counts(self) -> "NDArray[np.int64]":
        """Count of each id in the text that the vocabulary was counted on; 0 for special tokens."""
        import numpy as np

        return np.array(self.token_counts, dtype=np.int64)

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Id by token."""
        return {token: index for index, token in enumerate(self.tokens)}

    def token(self, index: int) -> str:
        """Return the token of an id."""
        return self.tokens[index]

    def ids(self, tokens: Sequence[str]) -> list[int]:
        """Look up the ids of tokens; the id of an unknown token is 3.

        The name of a special token is dropped, as in XLM, so that no text can end a sentence or
        mask a word. `<unk>` stays.
        """
        get = self.index.get
        found = [get(token, UNK) for token in tokens]
        if found and min(found) < NUM_SPECIAL_TOKENS:
            return [
                index
                for index, token in zip(found, tokens, strict=True)
                if index >= NUM_SPECIAL_TOKENS or token not in _DROPPED
            ]
        return found

    def require_codes_hash(self, codes: Path) -> None:
        """Refuse a codes file other than the one that produced the tokens.

        Raises:
            DataError: the hashes differ; the message names both.
        """
        found = file_sha256(codes.resolve())
        if self.codes_hash not in ("", found):
            raise DataError(
                f"the codes file {codes} has sha256 {found}, but the vocabulary was made with "
                f"{self.codes_hash}",
                fix="use the codes file and the vocabulary of one run",
            )


_DROPPED = frozenset(SPECIAL_TOKENS) - {"<unk>"}


def read_counted_vocabulary(path: Path, *, size: int, min_count: int = 0) -> Vocabulary:
    """Read lines `token count` by XLM's rules and keep the first `size` ids.

    A line is skipped, and takes no id, if it contains U+2028, does not have two fields (a token of
    white space), or repeats a token (`@@` alone can occur twice).

    Args:
        path: vocabulary file, largest count first.
        size: largest number of ids, special tokens included.
        min_count: smallest count of a token.

    Raises:
        DataError: a count is not a number or exceeds the count before it, or the file has no token
            or is not UTF-8.
    """
    counts: dict[str, int] = dict.fromkeys(SPECIAL_TOKENS, 0)
    previous: int | None = None
    for number, line in enumerate(_decoded(path), start=1):
        fields = line.split()
        if _LINE_SEPARATOR in line or len(fields) != 2 or fields[0] in counts:
            continue
        count = int(fields[1]) if _is_count(fields[1]) else None
        if count is None or (previous is not None and count > previous):
            above = "" if previous is None else f" up to {previous}, the count before it"
            raise DataError(
                f"{path}, line {number}: count {fields[1][:40]!r} is not a number{above}", fix=_FIX
            )
        counts[fields[0]] = previous = count
    if previous is None:
        raise DataError(f"{path} contains no line `token count`", fix=_FIX)
    tokens = [
        token
        for index, token in enumerate(counts)
        if index < NUM_SPECIAL_TOKENS or counts[token] >= min_count
    ][:size]
    return Vocabulary(tuple(tokens), tuple(counts[token] for token in tokens))


def extended_vocabulary(
    source: Vocabulary, counted: Path, *, new_tokens: int, min_count: int = 0
) -> Vocabulary:
    """The ids of a vocabulary with the counts of a text, and the text's new tokens after them.

    The counts of the source are of another text, or unknown, so they are not used. They are kept if
    there is no text.

    Args:
        counted: vocabulary file of the text, largest count first.
        new_tokens: largest number of tokens to add, most frequent first.
        min_count: smallest count of a new token.

    Raises:
        DataError: the file is malformed.
    """
    if not counted.stat().st_size:
        return source
    text = read_counted_vocabulary(counted, size=counted.stat().st_size + NUM_SPECIAL_TOKENS)
    counts = dict(zip(text.tokens, text.token_counts, strict=True))
    new = [
        token for token, count in counts.items() if token not in source.index and count >= min_count
    ][:new_tokens]
    tokens = (*source.tokens, *new)
    return Vocabulary(tokens, tuple(counts.get(token, 0) for token in tokens), source.codes_hash)


def _is_count(text: str) -> bool:
    return text.isdecimal() and len(text) <= _MAX_COUNT_DIGITS


def _decoded(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8", newline="\n") as lines:
            for number, line in enumerate(lines):
                if not number and line.startswith(_BYTE_ORDER_MARK):
                    raise DataError(f"{path} starts with a byte order mark", fix="remove it")
                yield line
    except UnicodeDecodeError:
        raise DataError(f"{path}: not UTF-8", fix=_FIX) from None


def write_vocabulary(vocabulary: Vocabulary, directory: Path) -> None:
    """Write `vocabulary.json`: hashes, size, tokens and counts, in the order of the ids."""
    content = {
        "hash": vocabulary.hash,
        "codes_hash": vocabulary.codes_hash,
        "size": vocabulary.size,
        "tokens": vocabulary.tokens,
        "counts": vocabulary.token_counts,
    }
    path = directory / VOCABULARY_FILE
    with path.open("w", encoding="utf-8", newline="\n") as file:
        json.dump(content, file, ensure_ascii=False, indent=0)
        file.write("\n")


def load_vocabulary(directory: Path) -> Vocabulary:
    """Read `vocabulary.json` from a `vocabulary` artifact.

    Raises:
        DataError: the file is malformed, or its tokens do not match its hash.
    """
    path = directory / VOCABULARY_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        vocabulary = Vocabulary(
            tuple(content["tokens"]), tuple(content["counts"]), content["codes_hash"]
        )
        _validate(vocabulary)
        found, stored = vocabulary.hash, content["hash"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise DataError(
            f"{path} is not a vocabulary of this version "
            f"({type(error).__name__}: {str(error)[:200]})",
            fix="rebuild the vocabulary",
        ) from error
    if found != stored:
        raise DataError(
            f"{path}: the tokens have hash {found}, but the file records {str(stored)[:64]!r}",
            fix="rebuild the vocabulary",
        )
    return vocabulary


def _validate(vocabulary: Vocabulary) -> None:
    counts = vocabulary.token_counts
    if len(counts) != vocabulary.size:
        raise ValueError(f"{len(counts)} counts for {vocabulary.size} tokens")
    if not all(isinstance(count, int) and count >= 0 for count in counts):
        raise ValueError("a count is not a number of at least 0")
    if not isinstance(vocabulary.codes_hash, str):
        raise TypeError("codes_hash is not a string")
