"""`xlm lineage`: formats, exit codes, and one line for bad input."""

import json
import os
import shutil
from pathlib import Path

import pytest
import typer

from tests.report.lineage.small_store import MODEL, small_store
from xlm.cli.runs.lineage import print_lineage
from xlm.errors import ConfigError, StoreError
from xlm.report.lineage.document import SCHEMA_VERSION, Lineage


def test_each_format_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "data"
    model = small_store(root)["publish"].directory / MODEL
    printed = {}
    for name in ("text", "json", "mermaid"):
        print_lineage(model, name, None)
        printed[name] = capsys.readouterr().out
    assert "8 artifacts" not in printed["text"]
    assert "7 artifacts, 4 sources" in printed["text"]
    document = json.loads(printed["json"])
    assert document["schema_version"] == SCHEMA_VERSION == 1
    assert len(Lineage.model_validate(document).artifacts) == 7
    assert printed["mermaid"].startswith("flowchart TD\n")


def test_a_fault_is_a_line_on_stderr_and_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = small_store(tmp_path / "data")
    shutil.rmtree(made["tokenize[sw]"].directory)
    with pytest.raises(typer.Exit) as ended:
        print_lineage(made["publish"].directory, "json", None)
    output = capsys.readouterr()
    assert ended.value.exit_code == 1
    assert len(json.loads(output.out)["artifacts"]) == 6
    assert output.err.count("\n") == 1
    assert output.err.startswith("xlm: tokenize[sw] ")


def test_a_name_that_is_not_utf_8_is_escaped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = small_store(tmp_path / "data")
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/r\xe9l"))
    shutil.copytree(made["publish"].directory / "classifier", folder)
    print_lineage(folder, "text", str(tmp_path / "data"))
    assert capsys.readouterr().out.startswith(f"{tmp_path}/r\\xe9l is equal to classifier of ")
    print_lineage(folder, "json", str(tmp_path / "data"))
    assert json.loads(capsys.readouterr().out)["subject"]["path"] == f"{tmp_path}/r\\xe9l"
    Path(os.fsdecode(os.fsencode(folder) + b"/\xe9")).write_text("strange")
    with pytest.raises(typer.Exit):
        print_lineage(folder, "json", str(tmp_path / "data"))
    output = capsys.readouterr()
    assert json.loads(output.out)["faults"] == [f"{tmp_path}/r\\xe9l: \\xe9 is not of publish[all]"]
    assert output.err.encode().count(b"\n") == 1


def test_bad_input_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="invalid --format 'jsn'; did you mean"):
        print_lineage(tmp_path, "jsn", None)
    with pytest.raises(StoreError, match="does not exist"):
        print_lineage(tmp_path / "absent", "text", str(tmp_path / "data"))
