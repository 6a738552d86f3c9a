"""The filters: raw text to tokens, tokens to subwords, text to ids, and ids to text."""

import contextlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xlm.cli.text.input_warnings import INPUT
from xlm.cli.text.languages import TextLanguage
from xlm.cli.text.stream import LineFunction, PartialOutput, line_by_line
from xlm.errors import ConfigError, DataError

if TYPE_CHECKING:
    from xlm.bpe.apply import BpeApplier
    from xlm.bpe.vocabulary import Vocabulary

_LONGEST_ID = 10


@dataclass(frozen=True)
class Tokenize:
    """Raw lines to tokens; `cased` keeps case and accents, as Moses does."""

    language: TextLanguage
    cased: bool = False

    def build(self) -> LineFunction:
        """Load the tokenizer of the language."""
        from xlm.text.chain import cased_tokenizer_for, tokenizer_for

        # The command has printed the warnings about the language.
        logging.getLogger("xlm.text").setLevel(logging.ERROR)
        chosen = self.language
        segmenters = {chosen.code: chosen.segmenter} if chosen.segmenter else {}
        load = cased_tokenizer_for if self.cased else tokenizer_for
        tokenize = load(chosen.code, segmenters, chosen.moses)
        return line_by_line(lambda line, _: tokenize(line))


@dataclass(frozen=True)
class ApplyCodes:
    """Tokens to subwords."""

    codes: Path
    vocabulary: Path | None = None
    threshold: int = 0

    def build(self) -> LineFunction:
        """Read the BPE merges, and the subwords that are allowed."""
        allowed = None
        if self.vocabulary is not None:
            allowed = open_tokens(self.vocabulary, self.threshold)
        applier = open_codes(self.codes, allowed)
        return lambda lines, _: applier.lines(lines)


@dataclass(frozen=True)
class Encode:
    """Lines to ids; without `tokenize`, the lines are already tokenized."""

    tokenize: Tokenize | None
    codes: Path
    vocabulary: Path
    size: int | None

    def build(self) -> LineFunction:
        """Load tokenizer, BPE merges and vocabulary."""
        vocabulary = open_vocabulary(self.vocabulary, self.size)
        applier = open_codes(self.codes)
        vocabulary.require_codes_hash(self.codes)

        def encode(tokens: Sequence[str]) -> list[str]:
            subwords = applier.lines(tokens)
            return [" ".join(map(str, vocabulary.ids(line.split()))) for line in subwords]

        if self.tokenize is None:
            return lambda lines, _: encode(lines)
        tokenize = self.tokenize.build()

        def encode_raw(lines: Sequence[str], first: int) -> list[str]:
            try:
                return encode(list(tokenize(lines, first)))
            except PartialOutput as partial:
                raise PartialOutput(encode(partial.lines), partial.error) from partial

        return encode_raw


@dataclass(frozen=True)
class Decode:
    """Ids to text: subwords are joined to words, special tokens appear by name."""

    vocabulary: Path
    size: int | None

    def build(self) -> LineFunction:
        """Read the vocabulary."""
        vocabulary = open_vocabulary(self.vocabulary, self.size)
        return line_by_line(lambda line, number: decode_line(line, number, vocabulary))


def decode_line(line: str, number: int, vocabulary: "Vocabulary") -> str:
    """The text of a line of ids.

    Raises:
        DataError: a field is not an id of the vocabulary.
    """
    from xlm.bpe.vocabulary import CONTINUATION_MARKER, NUM_SPECIAL_TOKENS

    text: list[str] = []
    continued = False
    for field in line.split():
        index = (
            int(field) if field.isascii() and field.isdigit() and len(field) < _LONGEST_ID else -1
        )
        if not 0 <= index < vocabulary.size:
            raise DataError(
                f"{INPUT}, line {number}: {field[:40]!r} is not an id from 0 to "
                f"{vocabulary.size - 1}",
                fix="pass --vocab the vocabulary that made these ids",
            )
        token = vocabulary.token(index)
        ordinary = index >= NUM_SPECIAL_TOKENS
        if text and not (continued and ordinary):
            text.append(" ")
        continued = ordinary and token.endswith(CONTINUATION_MARKER)
        text.append(token.removesuffix(CONTINUATION_MARKER) if continued else token)
    return "".join(text)


def open_vocabulary(path: Path, size: int | None) -> "Vocabulary":
    """Read a `token count` file, or a vocabulary artifact (its folder or its `vocabulary.json`).

    Args:
        size: largest number of ids, with the 14 special tokens; None means all.

    Raises:
        ConfigError: the file cannot be read.
        DataError: it is not a vocabulary.
    """
    from xlm.bpe.vocabulary_file import read_vocabulary

    with readable(path, "--vocab"):
        _require_rereadable(path, "--vocab")
        return read_vocabulary(path, size=size)


def open_tokens(path: Path, threshold: int) -> frozenset[str]:
    """Tokens of a `token count` file, or of a vocabulary artifact, with a count of `threshold`.

    Raises:
        ConfigError: the file cannot be read.
        DataError: it is not a vocabulary, or no token is left.
    """
    from xlm.bpe.restrict import read_allowed_tokens
    from xlm.bpe.vocabulary import VOCABULARY_FILE, load_vocabulary

    folder = path.parent if path.name == VOCABULARY_FILE else path
    with readable(path, "--vocab"):
        _require_rereadable(path, "--vocab")
        if not (folder / VOCABULARY_FILE).is_file():
            return read_allowed_tokens(path, threshold)
        vocabulary = load_vocabulary(folder)
        counted = zip(vocabulary.tokens, vocabulary.token_counts, strict=True)
        return frozenset(token for token, count in counted if count >= max(threshold, 1))


def open_codes(path: Path, allowed: frozenset[str] | None = None) -> "BpeApplier":
    """Read a file of BPE merges; only `allowed` subwords are made.

    Raises:
        ConfigError: the file cannot be read.
        DataError: it is not a file of BPE merges.
    """
    from xlm.bpe.apply import BpeApplier

    with readable(path, "--codes"):
        _require_rereadable(path, "--codes")
        return BpeApplier(path, allowed=allowed)


def _require_rereadable(path: Path, option: str) -> None:
    """Refuse a pipe (process substitution): these files are read several times."""
    path.stat()
    if not path.is_file() and not path.is_dir():
        raise ConfigError(f"{option} {path}: not a regular file", fix="write it to a file first")


@contextlib.contextmanager
def readable(path: Path, option: str) -> Iterator[None]:
    """Turn errors of reading a file, its encoding or its name into errors of one line."""
    try:
        yield
    except OSError as error:
        raise ConfigError(
            f"{option} {path}: {error.strerror or error}", fix="pass the path of a file"
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{option} {path}: not UTF-8 ({error.reason})", fix="convert it to UTF-8"
        ) from error
    except UnicodeEncodeError as error:
        raise ConfigError(
            f"{option} {str(path)!r}: the name is not UTF-8", fix="rename the file"
        ) from error
