"""An environment with some of the packages of this one, built from links.

    site = link_packages(tmp_path / "site", ["torch", "transformers"])
    subprocess.run([sys.executable, "-S", ...], env={"PYTHONPATH": site})

With `-S` Python ignores its site-packages, so packages that are not linked are not importable.
"""

import importlib.metadata
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def link_packages(site: Path, names: Sequence[str]) -> Path:
    """Link the packages that `pip install NAMES` would install, requirements included."""
    site.mkdir()
    installed = Path(sysconfig.get_path("purelib"))
    for name in needed_by(names):
        files = importlib.metadata.distribution(name).files or []
        for entry in {file.parts[0] for file in files} - {"..", "__pycache__"}:
            if not (site / entry).is_symlink():
                (site / entry).symlink_to(installed / entry)
    return site


def needed_by(names: Sequence[str]) -> set[str]:
    """Return the canonical names of the distributions and of all their requirements."""
    found: set[str] = set()
    waiting = [str(canonicalize_name(name)) for name in names]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        for requirement in map(Requirement, importlib.metadata.requires(name) or []):
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(str(canonicalize_name(requirement.name)))
    return found
