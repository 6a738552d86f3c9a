"""The package openlineage-python is checked before a run: missing, too old, or broken."""

import os
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import pytest

from tests.pipeline.toy import PROFILE
from xlm.pipeline.openlineage.client import OLDEST

_OBSERVE = """
import sys
from xlm.errors import ConfigError
from xlm.pipeline.openlineage.observer import LineageObserver
from xlm.pipeline.request import RunRequest
request = RunRequest(profile=sys.argv[1], overrides=("lineage.openlineage=file",))
try:
    LineageObserver.of(request.resolve())
except ConfigError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("version", "printed"),
    [
        ("1.9.0", "needs openlineage-python 1.54 or later, and 1.9.0 is installed"),
        ("1.54.0", "openlineage-python 1.54.0 cannot be used (ImportError: cannot import name "),
    ],
)
def test_a_package_that_cannot_be_used_is_refused_before_the_run(
    tmp_path: Path, version: str, printed: str
) -> None:
    """A package without what events are made of."""
    client = tmp_path / "openlineage" / "client"
    client.mkdir(parents=True)
    for name in ("__init__", "client", "event_v2", "facet_v2", "uuid"):
        (client / f"{name}.py").write_text("")
    about = tmp_path / f"openlineage_python-{version}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: openlineage-python\nVersion: {version}\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", _OBSERVE, str(PROFILE)],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = ended.stdout.splitlines()
    assert line.startswith("lineage.openlineage")
    assert printed in line
    assert line.endswith("; install it with `pip install --upgrade 'xlm-pipeline[lineage]'`")


def test_the_oldest_version_is_that_of_the_extra() -> None:
    oldest = ".".join(map(str, OLDEST))
    (needed,) = [
        one
        for one in requires("xlm-pipeline") or ()
        if one.startswith("openlineage-python") and "lineage" in one.partition(";")[2]
    ]
    assert needed.startswith(f"openlineage-python>={oldest};")
