"""Word segmentation by ICU (package icu4py), which has dictionaries for scripts without spaces.

ICU finds words in Japanese and Chinese, Thai, Lao, Khmer and Burmese text, by the script of each
run of characters. The language makes no difference. The wheel contains ICU and its dictionaries.
"""

from collections.abc import Callable
from importlib.util import find_spec

from xlm.errors import ToolError
from xlm.store.keys import tool_version

_PACKAGE = "icu4py"
_ROOT_LOCALE = "und"


def load() -> Callable[[str], str]:
    """Load the segmenter.

    Raises:
        ToolError: the package is not installed.
    """
    _require_package()
    from icu4py.breakers import WordBreaker

    def segment(line: str) -> str:
        return " ".join([part for part in WordBreaker(line, _ROOT_LOCALE) if not part.isspace()])

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
