"""Word segmentation by ICU (package icu4py), which has dictionaries for scripts without spaces.

ICU finds words in Japanese and Chinese, Thai, Lao, Khmer and Burmese text, by the script of each
run of characters. The language makes no difference. The wheel contains ICU and its dictionaries.

If digits or Latin letters touch a run of South-East Asian letters, ICU returns all of them as one
word. So such runs are separated first: `ขาย20บาท` is read as `ขาย 20 บาท`.
"""

import re
from collections.abc import Callable
from importlib.util import find_spec

from xlm.errors import ToolError
from xlm.store.keys import tool_version

_PACKAGE = "icu4py"
_ROOT_LOCALE = "und"
_LETTERS = (
    "\u0e01-\u0e3a\u0e40-\u0e4e"  # Thai
    "\u0e81-\u0ebd\u0ec0-\u0ece\u0edc-\u0edf"  # Lao
    "\u1000-\u103f\u104c-\u108f\u109a-\u109f\ua9e0-\ua9ef\ua9fa-\ua9fe\uaa60-\uaa7f"  # Burmese
    "\u1780-\u17d3\u17d7\u17dc\u17dd"  # Khmer
    "\u1950-\u1974\u1980-\u19c9\u1a20-\u1a7c\u1aa7\uaa80-\uaadf"  # Tai scripts
)
"""Letters and marks, but not the digits, of scripts for which ICU uses a dictionary."""
_RUN = re.compile(f"[{_LETTERS}]+")


def load() -> Callable[[str], str]:
    """Load the segmenter.

    Raises:
        ToolError: the package is not installed.
    """
    _require_package()
    from icu4py.breakers import WordBreaker

    def segment(line: str) -> str:
        words = WordBreaker(_RUN.sub(r" \g<0> ", line), _ROOT_LOCALE)
        return " ".join([word for word in words if not word.isspace()])

    return segment


def identity() -> str:
    """Return the versions of ICU, which has the rules and the dictionaries, and of the package."""
    _require_package()
    import icu4py

    return f"ICU {icu4py.icu_version}, {_PACKAGE} {tool_version(_PACKAGE)}"


def _require_package() -> None:
    if find_spec(_PACKAGE) is None:
        raise ToolError(
            f"segmenter icu: the package {_PACKAGE} is not installed",
            fix="run `pip install 'xlm-pipeline[icu]'`",
        )
