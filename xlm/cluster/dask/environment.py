"""The software that items run with: driver and workers must have the same, or bytes may differ.

here = Environment.of_this_process()        # in the driver
reason = here.difference(Environment.of_this_process())    # in a worker
"""

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Self

from xlm.errors import ClusterError
from xlm.store.keys import tool_version

PROJECT = "xlm-pipeline"
_PINNED = re.compile(r"([A-Za-z0-9._-]+)==")
_TOOLING = re.compile(r"""extra == ['"](test|dev|docs)['"]""")
_SHAPES_NO_BYTES = frozenset({"prefect", "dask-jobqueue"})
"""They start items and do not run in them; images for workers may have others, or none."""
_SUFFIXES = frozenset({".py", ".tsv", ".json", ".yaml", ".md"})


@dataclass(frozen=True)
class Environment:
    """Python, this project's code, and the packages that it pins because they shape bytes."""

    python: str
    code: str
    packages: tuple[tuple[str, str], ...]

    @classmethod
    def of_this_process(cls) -> Self:
        """The software of the calling process.

        Raises:
            ClusterError: this project is not installed as a package.
        """
        return cls(tool_version("python"), _code_digest(), _pinned_packages())

    def difference(self, other: Self) -> str | None:
        """What `other` has in another version; None if nothing."""
        if self.python != other.python:
            return f"it has Python {other.python}, and the driver {self.python}"
        theirs = dict(other.packages)
        for name, wanted in self.packages:
            if (found := theirs.get(name)) != wanted:
                return f"it has {name} {found or 'not installed'}, and the driver {wanted}"
        if self.code != other.code:
            return f"its code of {PROJECT} differs from that of the driver"
        return None


@cache
def _code_digest() -> str:
    home = Path(__file__).parents[2]
    digest = hashlib.sha256()
    for path in sorted(home.rglob("*")):
        if path.suffix in _SUFFIXES and path.is_file():
            digest.update(f"{path.relative_to(home)}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


@cache
def _pinned_packages() -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    try:
        requirements = requires(PROJECT) or ()
    except PackageNotFoundError as error:
        raise ClusterError(
            f"{PROJECT} is not installed as a package, so that the packages which it pins are "
            "not known",
            fix=f"run `pip install '{PROJECT}[cluster]'`",
        ) from error
    for requirement in requirements:
        pinned = _PINNED.match(requirement)
        if not pinned or pinned[1] in _SHAPES_NO_BYTES:
            continue
        if not _TOOLING.search(requirement):
            try:
                found[pinned[1]] = version(pinned[1])
            except PackageNotFoundError:
                continue
    return tuple(sorted(found.items()))
