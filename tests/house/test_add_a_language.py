"""The commands of the guide `add-a-language.md`, as a reader runs them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.repository import REPOSITORY
from tests.tutorial import commands_of
from xlm.config.languages.declared import DeclaredLanguage

PAGE = REPOSITORY / "docs" / "how-to" / "add-a-language.md"
SENTENCES = {
    "en": "Pupil {} reads a new book.\nThe teacher sees {} old houses.\n",
    "ja": "生徒{}は新しい本を読みます。\n先生は古い家を{}軒見ます。\n",
    "luo": "Japuonjre mar {} somo buk manyien.\nJapuonj neno udi machon {}.\n",
}


def _profile() -> str:
    profiles = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return str(profiles[-1])


def test_the_page_has_every_field_of_a_declaration() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == list(DeclaredLanguage.model_fields)


@pytest.mark.slow
def test_the_commands_run(tmp_path: Path) -> None:
    pytest.importorskip("icu4py")
    (tmp_path / "mine.yaml").write_text(_profile(), encoding="utf-8")
    (tmp_path / "data").mkdir()
    for code, text in SENTENCES.items():
        lines = "".join(text.format(number, number) for number in range(300))
        (tmp_path / "data" / f"{code}.txt").write_text(lines, encoding="utf-8")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PREF")}
    printed = {}
    for command in commands_of(PAGE):
        if command.startswith("pip "):
            continue
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=tmp_path,
            env=variables | {"PATH": path, "XLM_WORKERS": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        printed[command] = done.stdout
    find, _, japanese, english, french, *_, results = printed.values()
    assert "swwiki" in find
    assert japanese.split()[:4] == ["私", "は", "本", "を"]
    assert ("ng 'eyo" in english, "ng' eyo" in french) == (True, True)
    assert "Luo (luo)" in results
    assert "Japanese (ja)" in results
