"""What the filters do to a line: raw text to tokens, to pieces, to ids, and ids to text."""

import contextlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xlm.cli.text.filter_oddities import INPUT
from xlm.cli.text.filter_stream import Answer, Partly, each
from xlm.errors import ConfigError, DataError

if TYPE_CHECKING:
    from xlm.bpe.apply import BpeApplier
    from xlm.bpe.vocabulary import Vocabulary

_LONGEST_ID = 10


@dataclass(frozen=True)
class Tokenize:
    """Raw lines to tokens; `cased` leaves case and accents, as Moses does."""

    language: str
    segmenter: str | None
    cased: bool = False

    def build(self) -> Answer:
        """The chain of the language."""
        from xlm.text.chain import cased_tokenizer_for, tokenizer_for

        # What there is to say of the language, the command has said once.
        logging.getLogger("xlm.text").setLevel(logging.ERROR)
        segmenters = {self.language: self.segmenter} if self.segmenter else {}
        tokenize = (cased_tokenizer_for if self.cased else tokenizer_for)(self.language, segmenters)
        return each(lambda line, _: tokenize(line))


@dataclass(frozen=True)
class ApplyCodes:
    """Tokens to pieces."""

    codes: Path
    vocabulary: Path | None = None
    threshold: int = 0

    def build(self) -> Answer:
        """The codes of the file."""
        allowed = None
        if self.vocabulary is not None:
            allowed = open_tokens(self.vocabulary, self.threshold)
        applier = open_codes(self.codes, allowed)
        return lambda lines, _: applier.lines(lines)


@dataclass(frozen=True)
class Encode:
    """Lines to ids; without `tokenize` they are tokens already."""

    tokenize: Tokenize | None
    codes: Path
    vocabulary: Path
    size: int | None

    def build(self) -> Answer:
        """The chain, the codes and the vocabulary, one after the other."""
        vocabulary = open_vocabulary(self.vocabulary, self.size)
        applier = open_codes(self.codes)
        vocabulary.require_codes_hash(self.codes)

        def encode(tokens: Sequence[str]) -> list[str]:
            pieces = applier.lines(tokens)
            return [" ".join(map(str, vocabulary.ids(line.split()))) for line in pieces]

        if self.tokenize is None:
            return lambda lines, _: encode(lines)
        tokenize = self.tokenize.build()

        def encode_raw(lines: Sequence[str], first: int) -> list[str]:
            try:
                return encode(list(tokenize(lines, first)))
            except Partly as partly:
                raise Partly(encode(partly.answers), partly.fault) from partly

        return encode_raw


@dataclass(frozen=True)
class Decode:
    """Ids to text: pieces joined to words, special tokens by their names."""

    vocabulary: Path
    size: int | None

    def build(self) -> Answer:
        """The vocabulary."""
        vocabulary = open_vocabulary(self.vocabulary, self.size)
        return each(lambda line, number: decode_line(line, number, vocabulary))


def decode_line(line: str, number: int, vocabulary: "Vocabulary") -> str:
    """The text of a line of ids.

    Raises:
        DataError: something in it is no id of the vocabulary.
    """
    from xlm.bpe.vocabulary import CONTINUATION_MARKER, NUM_SPECIAL_TOKENS

    text: list[str] = []
    glued = False
    for field in line.split():
        index = (
            int(field) if field.isascii() and field.isdigit() and len(field) < _LONGEST_ID else -1
        )
        if not 0 <= index < vocabulary.size:
            raise DataError(
                f"{INPUT}, line {number}: {field[:40]!r} is no id from 0 to {vocabulary.size - 1}",
                fix="give ids with the vocabulary that made them",
            )
        token = vocabulary.token(index)
        ordinary = index >= NUM_SPECIAL_TOKENS
        if text and not (glued and ordinary):
            text.append(" ")
        glued = ordinary and token.endswith(CONTINUATION_MARKER)
        text.append(token.removesuffix(CONTINUATION_MARKER) if glued else token)
    return "".join(text)


def open_vocabulary(path: Path, size: int | None) -> "Vocabulary":
    """A `token count` file, or a vocabulary artifact (its folder or its `vocabulary.json`).

    Args:
        size: largest number of ids, the 14 special ones included; None: all.

    Raises:
        ConfigError: there is no such file.
        DataError: it is no vocabulary.
    """
    from xlm.bpe.vocabulary import (
        NUM_SPECIAL_TOKENS,
        VOCABULARY_FILE,
        Vocabulary,
        read_counted_vocabulary,
    )
    from xlm.bpe.vocabulary import load_vocabulary as load

    folder = path.parent if path.name == VOCABULARY_FILE else path
    with readable(path, "--vocab"):
        _require_rereadable(path, "--vocab")
        if (folder / VOCABULARY_FILE).is_file():
            whole = load(folder)
            found = Vocabulary(whole.tokens[:size], whole.token_counts[:size], whole.codes_hash)
        else:
            _require_counted(path)
            unlimited = path.stat().st_size + NUM_SPECIAL_TOKENS
            found = read_counted_vocabulary(path, size=size or unlimited)
    return found


def open_tokens(path: Path, threshold: int) -> frozenset[str]:
    """The tokens of a `token count` file, or of a vocabulary artifact, that were seen so often.

    Raises:
        ConfigError: there is no such file.
        DataError: it is no vocabulary, or no token is left.
    """
    from xlm.bpe.restrict import read_allowed_tokens
    from xlm.bpe.vocabulary import VOCABULARY_FILE, load_vocabulary

    folder = path.parent if path.name == VOCABULARY_FILE else path
    with readable(path, "--vocab"):
        _require_rereadable(path, "--vocab")
        if not (folder / VOCABULARY_FILE).is_file():
            return read_allowed_tokens(path, threshold)
        whole = load_vocabulary(folder)
        counted = zip(whole.tokens, whole.token_counts, strict=True)
        return frozenset(token for token, count in counted if count >= max(threshold, 1))


def _require_counted(path: Path) -> None:
    """The reader skips what it cannot read: of another file it would make an empty vocabulary."""
    with path.open(encoding="utf-8", newline="\n") as file:
        first = next((line for line in file if line.split()), "")
    # Other white space than a space may stand in a token.
    token, _, _ = first.removesuffix("\n").rpartition(" ")
    if " " in token or not first:
        raise DataError(
            f"{path}: not `token count`: {first[:40].rstrip()!r}",
            fix="give --vocab a vocabulary and --codes the codes",
        )


def open_codes(path: Path, allowed: frozenset[str] | None = None) -> "BpeApplier":
    """The applier of a codes file, to pieces that are allowed.

    Raises:
        ConfigError: there is no such file.
        DataError: it is no codes file.
    """
    from xlm.bpe.apply import BpeApplier

    with readable(path, "--codes"):
        _require_rereadable(path, "--codes")
        return BpeApplier(path, allowed=allowed)


def _require_rereadable(path: Path, option: str) -> None:
    """A pipe (process substitution) can be read once, and these files are read more often."""
    path.stat()
    if not path.is_file() and not path.is_dir():
        raise ConfigError(f"{option} {path}: no regular file", fix="write it to a file first")


@contextlib.contextmanager
def readable(path: Path, option: str) -> Iterator[None]:
    """Tell a file that cannot be read, or that (or whose name) is not UTF-8, in one line."""
    try:
        yield
    except OSError as error:
        raise ConfigError(
            f"{option} {path}: {error.strerror or error}", fix="give the path of a file"
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{option} {path}: not UTF-8 ({error.reason})", fix="check the file"
        ) from error
    except UnicodeEncodeError as error:
        raise ConfigError(
            f"{option} {str(path)!r}: a name that is not UTF-8", fix="rename the file"
        ) from error
