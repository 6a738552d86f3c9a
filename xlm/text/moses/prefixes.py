"""Non-breaking prefixes: words whose full stop does not end a sentence. The lists are sacremoses'.

They are read as Perl reads them. sacremoses strips their lines, which lets entries with a trailing
blank match (es "Fil ", sk "Pf ", nl "Nrs "); in Perl they never do.
"""

import logging
import re
import runpy
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from xlm.config.languages.pairs import XNLI_LANGUAGES
from xlm.errors import ConfigError

log = logging.getLogger(__name__)

_NUMERIC_ONLY = re.compile(r"(.*)\s+#NUMERIC_ONLY#")

# sacremoses' list of Tetun lacks the last line of Moses'.
_MISSING = {"tdt": {"Nu": True}}


def prefixes_of(language: str) -> Mapping[str, bool]:
    """Words whose full stop stays, and whether only before a number.

    A language without a list of its own takes the English one. A warning says so, but for those of
    the paper, whose text was made that way.
    """
    lists = _lists()
    name = f"nonbreaking_prefix.{language}"
    if name not in lists:
        if language not in XNLI_LANGUAGES:
            log.warning("no Moses prefixes for %s: it is tokenized with English ones", language)
        name = "nonbreaking_prefix.en"
    prefixes: dict[str, bool] = {}
    for line in lists[name].split("\n"):
        if not line or line.startswith("#"):
            continue
        numeric = _NUMERIC_ONLY.match(line)
        prefixes[numeric[1] if numeric else line] = numeric is not None
    return prefixes | _MISSING.get(language, {})


@cache
def _lists() -> Mapping[str, str]:
    # Its module of data alone: importing the package brings joblib, regex and click along, a third
    # of a second for a dictionary.
    package = find_spec("sacremoses")
    if package is None or package.origin is None:
        raise ConfigError("sacremoses is not installed", fix="run make setup")
    data = runpy.run_path(str(Path(package.origin).with_name("_data_nonbreaking_prefixes.py")))
    lists: Mapping[str, str] = data["NONBREAKING_PREFIXES"]
    return lists
