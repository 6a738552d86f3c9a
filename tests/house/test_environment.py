"""The environment that `make setup` makes."""

from importlib.util import cache_from_source
from pathlib import Path

import prefect

_MOST_WITHOUT = 0.02
"""Templates and files for other versions of Python do not compile."""


def test_installed_packages_are_compiled() -> None:
    """uv compiles nothing by itself, and then an import of Prefect takes seconds more."""
    sources = sorted(Path(prefect.__file__).parent.rglob("*.py"))
    missing = [path for path in sources if not Path(cache_from_source(str(path))).exists()]
    assert len(missing) <= _MOST_WITHOUT * len(sources), missing[:5]
