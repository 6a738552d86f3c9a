"""The language of a filter: its segmenter and its Moses rules, with warnings about unusual ones.

    text_language("sw", None, None)   # TextLanguage(code="sw", segmenter=None, moses="sw")
    text_language("xx", None, "fr")   # the Moses rules of French

Any code is accepted. A warning says what happens to the text of a language without rules.
"""

import re
import sys
from dataclasses import dataclass

from xlm.config.languages.pairs import KNOWN_LANGUAGES, language
from xlm.config.languages.segmenters import (
    DEFAULT_SEGMENTERS,
    is_unspaced,
    missing_segmenter_warning,
)
from xlm.config.languages.suggest import nearest_language
from xlm.errors import ConfigError

_CODE = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*")


@dataclass(frozen=True)
class TextLanguage:
    """How to tokenize the text of a language."""

    code: str
    segmenter: str | None
    """NAME or NAME:PATH."""
    moses: str
    """The language whose Moses rules to use."""


def text_language(code: str, segmenter: str | None, tokenizer: str | None) -> TextLanguage:
    """Choose segmenter and Moses rules; prints a warning about an unusual language.

    Args:
        code: language of the text; it need not be known.
        segmenter: NAME or NAME:PATH, or None for the default of the language.
        tokenizer: language whose Moses rules to use, or None for its own.

    Raises:
        ConfigError: `code` is not a language code, or `tokenizer` is unknown.
    """
    from xlm.text.chain import moses_language
    from xlm.text.segmenters.registry import spec_with_path

    if not _CODE.fullmatch(code):
        raise ConfigError(f"--lang {code[:40]!r} is not a language code", fix="use one such as sw")
    if tokenizer is not None:
        language(tokenizer)
    spec = segmenter or DEFAULT_SEGMENTERS.get(code)
    moses = moses_language(code, tokenizer or "")
    if spec is None and (warning := _warning(code, moses, chosen=tokenizer is not None)):
        sys.stderr.write(f"xlm: warning: {warning}\n")
    return TextLanguage(code, spec_with_path(spec) if spec else None, moses)


def _warning(code: str, moses: str, *, chosen: bool) -> str | None:
    from xlm.text.moses.prefixes import missing_prefixes_warning

    near = nearest_language(code, KNOWN_LANGUAGES.values())
    hint = f"; did you mean {near.code!r} ({near.name})?" if near and near.code != code else ""
    if near and is_unspaced(near):
        return missing_segmenter_warning(code) + hint
    if code not in KNOWN_LANGUAGES and not chosen:
        return (
            f"{code} is not a known language: the Moses rules tokenize its text, with the "
            f"abbreviations of English; --tokenizer-language chooses another language{hint}"
        )
    return missing_prefixes_warning(moses, "--tokenizer-language")
