"""The guide on cleaning: its commands, on made text, and its table of settings."""

import re
from pathlib import Path

import pytest

from tests.house.guides import run_guide
from tests.repository import REPOSITORY
from tests.stages.own_data import sentences, write_lines
from xlm.config.data.cleaning import CleaningConfig

PAGE = REPOSITORY / "docs" / "how-to" / "clean-a-corpus.md"


def test_the_settings_of_the_table_switch_cleaners_on() -> None:
    rows = re.findall(r"^\| `(\w+)` \|.*\| `\w+` \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    off = [name for name, value in CleaningConfig() if value is None or value is False]
    assert sorted(rows) == sorted(off)


def _write(folder: Path) -> None:
    (profile,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (folder / "mine.yaml").write_text(profile)
    for code in ("en", "sw"):
        lines = sentences(code, 60)
        write_lines(folder / "text" / f"{code}.txt", [*lines, lines[0], "x"])
    pairs = zip(sentences("en pairs", 40), sentences("sw pairs", 40), strict=True)
    write_lines(folder / "text" / "en-sw.tsv", ["\t".join(pair) for pair in pairs])


@pytest.mark.slow
def test_the_commands_run(tmp_path: Path) -> None:
    _write(tmp_path)
    run, samples, changed = run_guide(PAGE, tmp_path).values()
    assert "clean[en-sw]" in run
    assert f"61\tduplicate\tas line 1\t{sentences('sw', 1)[0]}" in samples.splitlines()
    assert "62\ttoo_short\t1 characters\tx" in samples.splitlines()
    assert "6 cached, 3 built" in changed
