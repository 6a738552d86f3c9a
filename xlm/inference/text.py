"""From texts to token ids, by the exact text path: words, lower case, BPE, vocabulary.

    encoder = TextEncoder(vocabulary, Path("codes"), languages=("en", "sw"), rules=rules)
    encoder.encode(["Watoto wanacheza."], ["sw"])  # [array([ 812, 4061, ...], dtype=int32)]

`<mask>` and `<special1>` are the mask. In the text path, a mask is a foreign word: the rules of
languages see it as a word that they do not know.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xlm.bpe.apply import BpeApplier
from xlm.bpe.vocabulary import MASK, Vocabulary
from xlm.errors import ConfigError, DataError
from xlm.inference.rules import TokenizationRules
from xlm.text.chain import Tokenizer

Ids = NDArray[np.int32]
"""The ids of one text, (T,)."""
Name = Callable[[int], str]
"""How messages name a text, by its index."""

MASK_WORDS = ("<mask>", "<special1>")
_MASK = re.compile("|".join(map(re.escape, MASK_WORDS)), re.IGNORECASE)
_FOREIGN_WORD = "Xmask"
"""Stands for a mask in the text path. With a capital letter, a full stop before it ends a word."""


def text_name(index: int) -> str:
    """`text 1` for index 0."""
    return f"text {index + 1}"


def unknown_language(language: object, known: Sequence[str], where: str = "") -> ConfigError:
    """The error for a language that the model does not have; `where` says where it is named."""
    place = f"{where}: " if where else ""
    return ConfigError(
        f"{place}the model has no language {str(language)[:40]!r}",
        fix=f"use one of {' '.join(known)}",
    )


class TextEncoder:
    """Turns texts of a model's languages into ids; caches words, so reuse it.

    Args:
        vocabulary: the model's vocabulary.
        codes: its BPE merges.
        languages: its languages.
        rules: how the languages are tokenized.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        codes: Path,
        *,
        languages: Sequence[str],
        rules: TokenizationRules,
    ) -> None:
        self.vocabulary = vocabulary
        self._bpe = BpeApplier(codes)
        self._languages = tuple(languages)
        self._rules = rules
        self._tokenizers: dict[str, Tokenizer] = {}

    def encode(
        self, texts: Sequence[str], languages: Sequence[str], name: Name = text_name
    ) -> list[Ids]:
        """The ids of each text, without `</s>`; masks have id 5.

        Raises:
            ConfigError: a language is unknown, or its segmenter is missing.
            DataError: a text is not a string, or has no tokens.
        """
        by_language: dict[str, list[int]] = {}
        for index, language in enumerate(languages):
            by_language.setdefault(language, []).append(index)
        found: list[Ids] = [np.empty(0, dtype=np.int32)] * len(texts)
        for language, indices in by_language.items():
            tokenize = self._tokenizer(language)
            lines = [_checked(texts[index], name(index)) for index in indices]
            for index, ids in zip(indices, self._encode_lines(lines, tokenize), strict=True):
                found[index] = ids
        for index, ids in enumerate(found):
            if not len(ids):
                raise DataError(f"{name(index)} has no tokens", fix="remove it, or write a text")
        return found

    def _encode_lines(self, lines: Sequence[str], tokenize: Tokenizer) -> list[Ids]:
        """The ids of lines; the text between masks is split into subwords on its own."""
        parts: list[list[str]] = []
        for line in lines:
            if _MASK.search(line) is None:
                parts.append([tokenize(line)])
                continue
            word = _unused_word(line)
            tokens = tokenize(_replace_masks(line, word))
            parts.append(re.split(re.escape(word), tokens, flags=re.IGNORECASE))
        subwords = iter(self._bpe.lines([part for line_parts in parts for part in line_parts]))
        found = []
        for line_parts in parts:
            ids: list[int] = []
            for number, _ in enumerate(line_parts):
                ids += [MASK] * bool(number)
                ids += self.vocabulary.ids(next(subwords).split())
            found.append(np.array(ids, dtype=np.int32))
        return found

    def _tokenizer(self, language: str) -> Tokenizer:
        if language not in self._tokenizers:
            if language not in self._languages:
                raise unknown_language(language, self._languages)
            self._tokenizers[language] = self._rules.tokenizer(language)
        return self._tokenizers[language]


def _checked(text: object, name: str) -> str:
    """The text on one line.

    Raises:
        DataError: it is not a string, or not Unicode text.
    """
    if not isinstance(text, str):
        raise DataError(f"{name} is a {type(text).__name__}, not a string", fix="pass strings")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"{name} is not Unicode text: {error.reason} at character {error.start + 1}",
            fix="decode it as UTF-8",
        ) from None
    return text.replace("\n", " ")


def _unused_word(line: str) -> str:
    """A word that is not in the line."""
    word, lower = _FOREIGN_WORD, line.lower()
    while word.lower() in lower:
        word += "x"
    return word


def _replace_masks(line: str, word: str) -> str:
    """The line with a word for each mask, and spaces towards letters that it could join."""
    text, *rest = _MASK.split(line)
    for part in rest:
        text += f"{' ' * _joins(text[-1:])}{word}{' ' * _joins(part[:1])}{part}"
    return text


def _joins(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character or " ").startswith("M")
