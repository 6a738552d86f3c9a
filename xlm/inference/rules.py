"""How the texts of a model were tokenized: segmenters, Moses rules, case.

    rules = rules_of(Path("data/artifacts/publish/KEY/masked-lm"), ("en", "km"))
    rules.tokenizer("km")      # a function from a line to its tokens

The rules are those of the run that made the artifact. A published folder that was copied elsewhere
has them in its `tokenizer_config.json`. Other models have the default segmenters.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xlm.config.languages.pairs import KNOWN_LANGUAGES
from xlm.config.languages.segmenters import (
    DEFAULT_SEGMENTERS,
    is_unspaced,
    missing_segmenter_warning,
    split_spec,
)
from xlm.errors import StoreError
from xlm.model.formats.source_files import read_json
from xlm.store.integrity.presence import is_present
from xlm.store.manifest import MANIFEST_NAME, read_manifest
from xlm.text.chain import Tokenizer, cased_tokenizer_for, tokenizer_for

log = logging.getLogger(__name__)

_CONFIG = "tokenizer_config.json"
_UNCASED, _OURS = "do_lowercase_and_remove_accent", "xlm_text"


@dataclass(frozen=True)
class TokenizationRules:
    """How a model's texts were tokenized."""

    segmenters: Mapping[str, str]
    """`NAME` or `NAME:PATH` by language."""
    moses: Mapping[str, str] = field(default_factory=dict)
    """The language whose Moses rules are used, by language; others use their own."""
    cased: bool = False
    """Whether case and accents are kept."""

    def tokenizer(self, language: str) -> Tokenizer:
        """The tokenizer of a language.

        Raises:
            ConfigError: its segmenter is unknown.
            ToolError: its segmenter is not installed.
        """
        entry = KNOWN_LANGUAGES.get(language)
        if entry and is_unspaced(entry) and language not in self.segmenters:
            log.warning("%s", missing_segmenter_warning(language))
        make = cased_tokenizer_for if self.cased else tokenizer_for
        return make(language, self.segmenters, self.moses.get(language, ""))

    def settings(self) -> dict[str, Any]:
        """The entries of `tokenizer_config.json`; XLMTokenizer ignores those that only we read.

        Paths of segmenters are left out, because they hold on one machine only.
        """
        names = {code: split_spec(spec)[0] for code, spec in sorted(self.segmenters.items())}
        ours: dict[str, Any] = {
            "segmenters": {
                code: name for code, name in names.items() if name != DEFAULT_SEGMENTERS.get(code)
            },
            "moses": dict(sorted(self.moses.items())),
        }
        ours = {name: value for name, value in ours.items() if value}
        return {_UNCASED: not self.cased, **({_OURS: ours} if ours else {})}


def rules_of(
    source: Path, languages: tuple[str, ...], given: Mapping[str, str] | None = None
) -> TokenizationRules:
    """The rules of a model.

    Args:
        source: the model's file, folder or artifact.
        languages: languages of the model.
        given: segmenters that replace those of the model, by language.
    """
    segmenters = {c: DEFAULT_SEGMENTERS[c] for c in languages if c in DEFAULT_SEGMENTERS}
    moses: Mapping[str, str] = {}
    cased = False
    if is_present(source / _CONFIG):
        config = read_json(source / _CONFIG)
        ours = config.get(_OURS, {})
        segmenters |= ours.get("segmenters", {})
        moses, cased = ours.get("moses", {}), config.get(_UNCASED) is False
    if settings := settings_of_run(source):
        text = settings.get("text", {})
        segmenters = {c: s for c, s in text.get("segmenters", segmenters).items() if c in languages}
        declared = settings.get("declared_languages", ())
        moses = {one["code"]: one["tokenizer"] for one in declared if one.get("tokenizer")}
        cased = cased or bool(text.get("cased"))
    return TokenizationRules({**segmenters, **(given or {})}, moses, cased)


def settings_of_run(source: Path) -> dict[str, Any]:
    """The settings of the run that made the artifact at or around a path; empty: no artifact."""
    for folder in (source, source.parent):
        if (folder / MANIFEST_NAME).is_file():
            try:
                return read_manifest(folder).resolved_config
            except StoreError:
                continue  # another program's file of this name
    return {}
