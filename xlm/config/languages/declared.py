"""Languages that a profile declares, and the table of a run: known and declared languages.

languages: [en, sw, {code: xx, name: Examplish, script: Latn, tokenizer: en}]

run = Languages.of((DeclaredLanguage(code="xx", tokenizer="en"),))
run["sw"].opus        # ("sw", "swh", "swa"), from the table
run["xx"].tokenizer   # "en", declared
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from xlm.config.languages.pairs import KNOWN_LANGUAGES, language
from xlm.config.languages.suggest import CODE_PATTERN, nearest_language
from xlm.config.languages.table import Language, direction_of
from xlm.engine.config import Config, as_list
from xlm.errors import ConfigError

_MAX_NAME = 60


class DeclaredLanguage(Config):
    """A language that the table does not contain, or different facts about one that it does."""

    code: str = Field(
        pattern=CODE_PATTERN, description="Code in this profile, e.g. an ISO 639-3 code."
    )
    name: str = Field(default="", description="English name; empty: the code.")
    script: str = Field(
        default="", pattern=r"^([A-Z][a-z]{3})?$", description="Script (ISO 15924); empty: Latn."
    )
    direction: Literal["", "ltr", "rtl"] = Field(
        default="", description="Direction of the text, ltr or rtl; empty: that of the script."
    )
    tokenizer: str = Field(
        default="",
        description="Language whose Moses rules tokenize it, e.g. en; empty: its own, or those of "
        "English.",
    )
    wiki: str = Field(
        default="",
        pattern=r"^[a-z0-9_]*$",
        description="Code of its Wikipedia, as in the database name `{wiki}wiki`; empty: none.",
    )
    opus: Annotated[tuple[str, ...], BeforeValidator(as_list)] = Field(
        default=(), description="Codes in OPUS, most common first; empty: `code`."
    )
    ntrex: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9_-]*$",
        description="Code in the file names of NTREX-128; empty: none.",
    )

    @field_validator("name")
    @classmethod
    def _is_one_line(cls, name: str) -> str:
        if not name.isprintable():
            raise ValueError(f"{name!r} has a line break or a control character; remove it")
        if len(name) > _MAX_NAME:
            raise ValueError(f"it has {len(name)} characters; write at most {_MAX_NAME}")
        return name.strip()

    @field_validator("opus")
    @classmethod
    def _are_codes(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        for code in codes:
            if not re.fullmatch(r"[A-Za-z]+([_-][A-Za-z0-9]+)*", code):
                raise ValueError(f"{code[:40]!r} is not a code of OPUS; write e.g. swh or zh_CN")
        return codes

    @field_validator("tokenizer")
    @classmethod
    def _is_known(cls, code: str) -> str:
        if code and code not in KNOWN_LANGUAGES:
            near = nearest_language(code, KNOWN_LANGUAGES.values())
            choice = f"did you mean {near.code!r} ({near.name})? " if near else ""
            raise ConfigError(
                f"languages: tokenizer {code[:40]!r} is not a known language",
                fix=f"{choice}choose one with similar apostrophes and quotes, e.g. en or fr",
            )
        return code


@dataclass(frozen=True)
class Languages:
    """The languages that a run can use: those of the table, and those that its profile declares."""

    by_code: Mapping[str, Language]

    @classmethod
    def of(cls, declared: Sequence[DeclaredLanguage]) -> "Languages":
        """Add declared languages to the table; their settings replace those of the table."""
        if not declared:
            return TABLE
        return cls({**KNOWN_LANGUAGES, **{one.code: _entry(one) for one in declared}})

    def __getitem__(self, code: str) -> Language:
        """Look up a language.

        Raises:
            ConfigError: the code is neither known nor declared.
        """
        return self.by_code.get(code) or language(code)

    def __contains__(self, code: object) -> bool:
        return code in self.by_code


TABLE = Languages(KNOWN_LANGUAGES)
"""The known languages, without declared ones."""


def split_declarations(entries: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """Split the entries of `languages:` into codes and declarations (mappings with a code)."""
    codes: list[Any] = []
    declared: list[Any] = []
    for entry in entries:
        if isinstance(entry, Mapping):
            declared.append(entry)
            codes.append(entry.get("code", ""))
        else:
            codes.append(entry)
    return codes, declared


def _entry(declared: DeclaredLanguage) -> Language:
    code = declared.code
    base = KNOWN_LANGUAGES.get(code) or Language(code, code, "Latn", "ltr", "", (code,), "")
    if declared.script:
        base = replace(base, direction=direction_of(declared.script))
    given = {
        name: value
        for name, value in declared.model_dump(exclude={"code"}).items()
        if value not in ("", ())
    }
    if declared.tokenizer:
        given["tokenizer"] = language(declared.tokenizer).moses
    return replace(base, **given)
