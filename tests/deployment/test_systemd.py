"""The units of systemd: `systemd-analyze verify`, and what they share with the containers."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.repository import REPOSITORY

UNITS = sorted((REPOSITORY / "infra" / "systemd").glob("*.service"))


def _verified(unit: Path, text: str, folder: Path) -> str:
    """What systemd says about a unit, with the programs of this environment."""
    folder.mkdir(exist_ok=True)
    copy = folder / unit.name
    copy.write_text(text.replace("/opt/xlm", str(REPOSITORY)))
    done = subprocess.run(
        ["systemd-analyze", "verify", copy], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_accepts_a_unit(unit: Path, tmp_path: Path) -> None:
    text = unit.read_text()
    assert _verified(unit, text, tmp_path / "good") == ""
    assert "Restrat" in _verified(unit, text.replace("Restart=", "Restrat="), tmp_path / "bad")


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_has_no_password_and_is_not_root(unit: Path) -> None:
    text = unit.read_text()
    assert re.search(r"^User=xlm$", text, re.MULTILINE)
    assert re.search(r"^EnvironmentFile=/etc/xlm/\w+\.env$", text, re.MULTILINE)
    assert not re.search(r"PASSWORD|AUTH_STRING|CONNECTION_URL", text)
    assert "NoNewPrivileges=true" in text
    assert "0.0.0.0" not in text
