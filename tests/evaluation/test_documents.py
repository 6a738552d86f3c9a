"""The commands of the page on evaluation run, on a small random model."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from tests.repository import REPOSITORY
from tests.tutorial import TutorialShell

HOW_TO = REPOSITORY / "docs" / "how-to" / "evaluate-a-checkpoint.md"


@pytest.mark.slow
def test_the_commands_of_the_how_to_page(release: Path, tmp_path: Path) -> None:
    shutil.copytree(release, tmp_path / "data" / "artifacts" / "publish" / "KEY")
    page = HOW_TO.read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    shell = TutorialShell(tmp_path, (), os.environ)
    printed = shell.run("set -e\n" + "\n".join(blocks))
    for title in (
        "XNLI, in per cent",
        "Swahili (sw): rows by label, predicted label to the right",
        "rows.tsv, in per cent",
        "label\tpredicted\tcontradiction",
        "Perplexity of the masked language model",
        "en to sw",
    ):
        assert title in printed
    assert json.loads((tmp_path / "scores" / "results.json").read_text())["task"] == "classify"
