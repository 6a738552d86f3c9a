"""Non-breaking prefixes: words with a full stop that does not end a sentence.

The lists are those of sacremoses, but read as Perl reads them. sacremoses strips the lines, so that
entries with a trailing space match (es "Fil ", sk "Pf ", nl "Nrs "); in Perl they never match.
"""

import re
import runpy
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from xlm.config.languages.pairs import XNLI_LANGUAGES
from xlm.errors import ConfigError

_NUMERIC_ONLY = re.compile(r"(.*)\s+#NUMERIC_ONLY#")

# The list of Tetun in sacremoses lacks the last line of the list in Moses.
_MISSING = {"tdt": {"Nu": True}}


def prefixes_of(language: str) -> Mapping[str, bool]:
    """Return the prefixes of a language, and for each whether it only applies before a number.

    A language without a list uses the English one.
    """
    lists = _lists()
    name = f"nonbreaking_prefix.{language}"
    if not has_prefixes(language):
        name = "nonbreaking_prefix.en"
    prefixes: dict[str, bool] = {}
    for line in lists[name].split("\n"):
        if not line or line.startswith("#"):
            continue
        numeric = _NUMERIC_ONLY.match(line)
        prefixes[numeric[1] if numeric else line] = numeric is not None
    return prefixes | _MISSING.get(language, {})


def has_prefixes(language: str) -> bool:
    """Whether Moses has a list of prefixes for a language."""
    return f"nonbreaking_prefix.{language}" in _lists()


def missing_prefixes_warning(language: str, choice: str) -> str | None:
    """Return the warning for a language that uses the English list, or None.

    `choice`: how the caller's user chooses the list of another language.

    The languages of the paper need no warning: they were tokenized that way.
    """
    if language in XNLI_LANGUAGES or has_prefixes(language):
        return None
    return (
        f"Moses has no list of abbreviations for {language}: it uses that of English; {choice} "
        "chooses that of another language"
    )


@cache
def _lists() -> Mapping[str, str]:
    # Only its module of data: importing the package also imports joblib, regex and click, which
    # takes 0.3 s.
    package = find_spec("sacremoses")
    if package is None or package.origin is None:
        raise ConfigError("sacremoses is not installed", fix="run make setup")
    data = runpy.run_path(str(Path(package.origin).with_name("_data_nonbreaking_prefixes.py")))
    lists: Mapping[str, str] = data["NONBREAKING_PREFIXES"]
    return lists
