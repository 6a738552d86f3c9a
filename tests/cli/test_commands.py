"""Commands of the console script: every mistake of the user is one line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.flows.console import xlm

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "--profile", "nope"), "unknown profile 'nope'"),
        (("plan", "--set", "bpe.cods=1"), "did you mean 'codes'?"),
        (("plan", "--languages", "en,swa"), "unknown language 'swa'; did you mean 'sw' (Swahili)?"),
        (("plan", "--until", "tokenise"), "no stage 'tokenise'; did you mean 'tokenize'?"),
        (("plan", "--refresh", "lern-bpe"), "no stage or node 'lern-bpe'"),
        (("run", "--verify", "slow"), "invalid --verify 'slow'; choose fast or deep"),
        (("run", "--workers", "0"), "invalid --workers '0'; use a whole number of at least 1"),
        (("run", "--root", "s3://b/x"), "does not support atomic renames"),
        (("run", "--until", "tokenise"), "no stage 'tokenise'; did you mean 'tokenize'?"),
        (
            ("run", "--only", "split", "--refresh", "tokenize"),
            "this run does not build tokenize, so it",
        ),
        (
            ("run", "--only", "split", "--until", "tokenize"),
            "`only` and `until` cannot be combined",
        ),
        (("store", "ls", "tokenise"), "did you mean 'tokenize'?"),
        (("results",), "no run in "),
        (("plan", "--set", "sources.mirror=/m"), "the sample world is its own mirror"),
        (("plan", "--profile", "mini16"), "did you mean 'mini15'? Or use the path of a .yaml"),
        (("plan", "--set", "=3"), "'=3' has no setting before `=`"),
        (("plan", "--set", "bpe..codes=3"), "a name is missing before or after a dot"),
        (("plan", "--only", "tokenize[xx]"), "tokenize has the units ar, bg, de, "),
        (("plan", "--only", "tokenize[ws]"), "did you mean 'tokenize[sw]'?"),
        (("plan", "--only", "pretrain[x]"), "use pretrain, which has no units"),
        (("plan", "--root", "/proc/x"), "/proc/x is read-only (/proc cannot be written)"),
        (("plan", "--set", "sources.mirror=htp://x"), "has the unsupported scheme htp://"),
        (("plan", "--set", "sources.mirror=https://"), "'https://' has no host; write a folder"),
        (("plan", "--set", "sources.mirror=https://h/x?y"), "has parameters; write a folder"),
        (
            ("plan", "--set", "sources.wikipedia.date=20261131"),
            "20261131 is not a date",
        ),
        (("tokenize", "--lang", ""), "--lang '' is not a language code; use one such as sw"),
        (("tokenize", "--lang", "../x"), "--lang '../x' is not a language code"),
    ],
)
def test_mistakes_are_one_line_and_exit_1(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    printed = xlm(tmp_path, *arguments, code=1)
    assert printed.startswith("xlm: ")
    assert printed.count("\n") == 1
    assert message in printed


def test_a_missing_mirror_folder_is_a_warning(tmp_path: Path) -> None:
    """A fully cached run does not need the mirror, but its keys depend on having one."""
    overrides = ("--profile", "mini15", "--set", f"sources.mirror={tmp_path}/nope")
    printed = xlm(tmp_path, "plan", *overrides, "--until", "download")
    assert f"xlm: warning: sources.mirror: folder {tmp_path}/nope does not exist" in printed


def test_a_read_only_root_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    printed = xlm(tmp_path, "run", "--root", str(tmp_path / "file"), code=1)
    assert printed.count("\n") == 1
    assert "is a file" in printed


def test_config_is_printed_completely(tmp_path: Path) -> None:
    shown = json.loads(xlm(tmp_path, "config", "--set", "bpe.codes=77", "--json"))
    assert shown["bpe"]["codes"] == 77
    assert "codes: 77" in xlm(tmp_path, "config", "--set", "bpe.codes=77")


def test_the_plan_of_the_paper_names_only_real_servers(tmp_path: Path) -> None:
    steps = json.loads(xlm(tmp_path, "plan", "--profile", "xnli15", "--json"))
    urls = [url for step in steps for url in step["addresses"]]
    assert len(urls) == 32
    hosts = {url.split("/")[2] for url in urls}
    assert hosts == {"dumps.wikimedia.org", "object.pouta.csc.fi", "dl.fbaipublicfiles.com"}
    sizes = {step["size"] for step in steps if step["unit"].startswith("wikipedia")}
    assert sizes == {"unknown until online"}


def test_lines_are_never_cut_when_piped(tmp_path: Path) -> None:
    printed = xlm(tmp_path, "plan", "--profile", "mini15", "--until", "download")
    assert "newstest2019-ref.zho-CN.txt" in printed
    assert len([line for line in printed.split("\n") if line.startswith("download[")]) == 46


def test_completion_is_offered(tmp_path: Path) -> None:
    assert "--install-completion" in xlm(tmp_path, "--help")


def test_a_terminal_that_cannot_show_a_letter_does_not_fail_a_run() -> None:
    """Printing the mark of a finished stage made the stage fail."""
    code = "from xlm.cli.output import print_anything; print_anything(); print('✓ split')"
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    printed = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True)
    assert printed.stdout == b"? split\n"
