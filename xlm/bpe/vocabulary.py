"""The vocabulary: which piece has which id, and how often it was seen.

    vocabulary = read_counted_vocabulary(Path("vocabulary.txt"), size=95_000)
    vocabulary.ids("ams picked".split())  # [27269, 94999]

Ids 0 to 13 are special and have count 0; pieces follow from 14 in the order of their counts.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from xlm.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BOS, EOS, PAD, UNK, MASK = 0, 1, 2, 3, 5
SPECIAL_TOKENS = ("<s>", "</s>", "<pad>", "<unk>", *(f"<special{i}>" for i in range(10)))
NUM_SPECIAL_TOKENS = len(SPECIAL_TOKENS)

CONTINUATION_MARKER = "@@"
"""Ends a piece that does not end its word."""

VOCABULARY_FILE = "vocabulary.json"

_LINE_SEPARATOR = "\u2028"
_BYTE_ORDER_MARK = "\ufeff"
_LONGEST_COUNT = 18
"""Digits: what fits into 63 bits."""
_FIX = "give a vocabulary as fastBPE's getvocab writes it, largest count first"


@dataclass(frozen=True)
class Vocabulary:
    """Tokens by id, special ones first, with their counts."""

    tokens: tuple[str, ...]
    token_counts: tuple[int, ...]
    codes_hash: str = ""
    """sha256 of the codes file whose pieces these are; empty where it is not known."""

    @property
    def size(self) -> int:
        """Number of ids, the special ones included."""
        return len(self.tokens)

    @cached_property
    def hash(self) -> str:
        """sha256 over the tokens in the order of their ids, each followed by a newline."""
        text = "".join(token + "\n" for token in self.tokens)
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def counts(self) -> "NDArray[np.int64]":
        """How often each id was seen where the list was counted; 0 for the special ones."""
        import numpy as np

        return np.array(self.token_counts, dtype=np.int64)

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Id by token."""
        return {token: index for index, token in enumerate(self.tokens)}

    def token(self, index: int) -> str:
        """The token of an id."""
        return self.tokens[index]

    def ids(self, tokens: Sequence[str]) -> list[int]:
        """Ids of tokens.

        Unknown ones become 3; a special name in the text is dropped, as in the original, so that
        no text can end a sentence or mask a word.
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
        """Refuse codes that others than these pieces are made by: their ids would mean nothing.

        Raises:
            DataError: naming both hashes.
        """
        found = hashlib.sha256(codes.read_bytes()).hexdigest()
        if self.codes_hash not in ("", found):
            raise DataError(
                f"the codes {codes} have sha256 {found}, the vocabulary was made with codes of "
                f"{self.codes_hash}",
                fix="give codes and vocabulary of one run",
            )


_DROPPED = frozenset(SPECIAL_TOKENS) - {"<unk>"}


def read_counted_vocabulary(path: Path, *, size: int, min_count: int = 0) -> Vocabulary:
    """Read lines `token count` by the original's rule and cut to `size` ids.

    A line is skipped when it holds U+2028, has not two fields (a token of white space), or repeats
    a token (a bare `@@` does); skipped lines take no id.

    Raises:
        DataError: a count is no number or is larger than the one before it, the file holds no
            token, or is not UTF-8.
    """
    counts: dict[str, int] = dict.fromkeys(SPECIAL_TOKENS, 0)
    previous: int | None = None
    for number, line in enumerate(_decoded(path), start=1):
        fields = line.split()
        if _LINE_SEPARATOR in line or len(fields) != 2 or fields[0] in counts:
            continue
        count = int(fields[1]) if _is_count(fields[1]) else None
        if count is None or (previous is not None and count > previous):
            above = "" if previous is None else f" up to {previous}, that of the line before"
            raise DataError(
                f"{path}, line {number}: count {fields[1][:40]!r} is not a number{above}", fix=_FIX
            )
        counts[fields[0]] = previous = count
    if previous is None:
        raise DataError(f"{path}: no line `token count`", fix=_FIX)
    kept = [
        token
        for index, token in enumerate(counts)
        if index < NUM_SPECIAL_TOKENS or counts[token] >= min_count
    ][:size]
    return Vocabulary(tuple(kept), tuple(counts[token] for token in kept))


def _is_count(text: str) -> bool:
    return text.isdecimal() and len(text) <= _LONGEST_COUNT


def _decoded(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8", newline="\n") as lines:
            for number, line in enumerate(lines):
                if not number and line.startswith(_BYTE_ORDER_MARK):
                    raise DataError(f"{path} begins with a byte order mark", fix="remove it")
                yield line
    except UnicodeDecodeError:
        raise DataError(f"{path}: not UTF-8", fix=_FIX) from None


def write_vocabulary(vocabulary: Vocabulary, directory: Path) -> None:
    """Write hashes, size, tokens and counts as `vocabulary.json`, in the order of the ids."""
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
    """The vocabulary of a published `vocabulary` artifact.

    Raises:
        DataError: the file does not hold what its hash says, or not a count for each token.
    """
    path = directory / VOCABULARY_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        vocabulary = Vocabulary(
            tuple(content["tokens"]), tuple(content["counts"]), content["codes_hash"]
        )
        _require_kinds(vocabulary)
        found, stored = vocabulary.hash, content["hash"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise DataError(
            f"{path}: no vocabulary of this version ({type(error).__name__}: {str(error)[:200]})",
            fix="rebuild the vocabulary",
        ) from error
    if found != stored:
        raise DataError(
            f"{path}: the tokens have hash {found}, the file says {str(stored)[:64]!r}",
            fix="rebuild the vocabulary",
        )
    return vocabulary


def _require_kinds(vocabulary: Vocabulary) -> None:
    counts = vocabulary.token_counts
    if len(counts) != vocabulary.size:
        raise ValueError(f"{len(counts)} counts for {vocabulary.size} tokens")
    if not all(isinstance(count, int) and count >= 0 for count in counts):
        raise ValueError("a count is not a number from 0 on")
    if not isinstance(vocabulary.codes_hash, str):
        raise TypeError("codes_hash is no text")
