"""Unusual environments: locales, homes, missing or read-only folders, very long names."""

import errno
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.commands.main import main
from tests.cli.text.filter_process import REPOSITORY
from xlm.cli.output import describe, one_line
from xlm.errors import StoreError
from xlm.store.disk.root import resolve_root

XLM = Path(sys.executable).with_name("xlm")
SMALL = REPOSITORY / "tests" / "flows" / "small.yaml"
PrintedLine = Callable[..., str]


@pytest.fixture
def printed_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> PrintedLine:
    """The only line that a command prints, run in this process."""

    def run(*arguments: str) -> str:
        monkeypatch.setattr("sys.argv", ["xlm", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        line = capsys.readouterr().err
        assert ended.value.code == 1, line
        assert line.startswith("xlm: ")
        assert line.count("\n") == 1
        assert len(line) < 600
        return line

    return run


@pytest.mark.slow
def test_a_locale_without_letters_no_home_and_no_stdin(tmp_path: Path) -> None:
    profile = tmp_path / "Größe 中文.yaml"
    profile.write_bytes(SMALL.read_bytes())
    command = shlex.join([str(XLM), "plan", "--until", "make-world", "--profile", str(profile)])

    def run(**variables: str) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            ["sh", "-c", f"{command} <&-"],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"} | variables,
            capture_output=True,
            check=False,
        )

    done = run()
    assert done.returncode == 0, done.stderr
    first, *estimates, last = done.stdout.splitlines()
    assert (first, last) == (b"make-world  build    never built", b"1 build")
    assert all(line.startswith(b"estimate: ") for line in estimates)
    # With Python's own help against such locales off, the name cannot be read.
    done = run(PYTHONCOERCECLOCALE="0", PYTHONUTF8="0")
    assert done.returncode == 1
    assert done.stderr.startswith(b"xlm: ")
    assert done.stderr.endswith(b"is not UTF-8; write it in UTF-8, in a locale such as C.UTF-8\n")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize("command", ["plan", "run", "results", "store ls"])
def test_a_folder_that_was_removed_is_one_line(
    tmp_path: Path, command: str, printed_line: PrintedLine
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    here = Path.cwd()
    try:
        os.chdir(gone)
        gone.rmdir()
        line = printed_line(*command.split())
    finally:
        os.chdir(here)
    assert line == (
        "xlm: the current folder cannot be used: No such file or directory; "
        "change to another folder\n"
    )


def test_a_read_only_folder_is_one_line(
    monkeypatch: pytest.MonkeyPatch, printed_line: PrintedLine
) -> None:
    monkeypatch.delenv("XLM_ROOT", raising=False)
    monkeypatch.chdir("/proc/self")
    line = printed_line("run", "--until", "make-world")
    assert "/proc/" in line


def test_a_file_system_that_is_mounted_read_only_is_one_line(
    tmp_path: Path, printed_line: PrintedLine
) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user cannot mount")
    try:
        assert "read-only" in printed_line("run", "--root", str(tmp_path))
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--profile", "/tmp"),
            "profile /tmp is a folder; use the name of a profile or a .yaml file",
        ),
        (("--profile", "./x"), "profile ./x is a path that does not end in .yaml"),
        (("--profile", "x.yaml"), "profile 'x.yaml' does not exist; check the path"),
        (("--profile", f"{'x' * 3000}.yaml"), "cannot be read: File name too long; check"),
        (("--profile", "x" * 3000), "choose from mini15, modern15, sample, xnli15"),
        (("--root", f"/tmp/{'x' * 300}"), ": File name too long; choose another directory"),
        (("--root", "x/" * 3000), ": File name too long; choose another directory"),
        (("--root", "/a", "--root", "/b"), "xlm plan: --root is given 2 times; remove one"),
        (("-p", "sample", "--profile=mini15"), "xlm plan: --profile is given 2 times"),
        (("--root", " "), "--root is blank; name a folder, or remove the option"),
        (("--root", ""), "--root is blank"),
        (("--root", "a\nb"), "contains a control character; check --root or XLM_ROOT"),
        (("--root", "/tmp/\udcff"), "is not valid UTF-8; check --root or XLM_ROOT"),
        (("--root", "~nobody-of-this-name/x"), "names an unknown user"),
        (("--root", "/dev/null"), "/dev/null is a file; choose a directory"),
        (("--root", "s3://bucket/x"), "does not support atomic renames"),
        (("--set", "release.author=\udcff"), "is not UTF-8; write it in UTF-8"),
    ],
)
def test_an_invalid_value_is_one_line(
    arguments: tuple[str, ...], message: str, printed_line: PrintedLine
) -> None:
    assert message in printed_line("plan", *arguments)


@pytest.mark.parametrize("value", ["x", "0", "²", "9" * 5000, "1.5"])
def test_invalid_numbers_of_workers(
    value: str, monkeypatch: pytest.MonkeyPatch, printed_line: PrintedLine
) -> None:
    monkeypatch.setenv("XLM_WORKERS", value)
    assert "is not a positive whole number; set it to 1 or more" in printed_line("plan")


def test_a_profile_that_is_a_folder_or_a_pipe(tmp_path: Path, printed_line: PrintedLine) -> None:
    (tmp_path / "d.yaml").mkdir()
    assert "d.yaml cannot be read: Is a directory" in printed_line(
        "plan", "-p", str(tmp_path / "d.yaml")
    )
    os.mkfifo(tmp_path / "p.yaml")
    assert "p.yaml is not a regular file" in printed_line("plan", "-p", str(tmp_path / "p.yaml"))


def test_roots_have_one_leading_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the folder / the default root was //data."""
    monkeypatch.chdir("/")
    assert str(resolve_root("./data", write=False)) == "/data"
    assert str(resolve_root("///tmp//x/", write=False)) == "/tmp/x"
    with pytest.raises(StoreError):
        resolve_root("\t", write=False)


def test_long_names_keep_their_ends() -> None:
    shown = one_line(f"store root /a{'b' * 5000}c: x\ny")
    assert shown.endswith("bc: x y")
    assert len(shown) < 250


@pytest.mark.parametrize(("number", "fix"), [
    (errno.EACCES, "check its owner and permissions"),
    (errno.ENOSPC, "free some space, or use another disk"),
    (errno.EIO, "check the path and its disk"),
])  # fmt: skip
def test_a_system_error_has_a_fix(number: int, fix: str) -> None:
    line = describe(OSError(number, os.strerror(number), "/data/x"))
    assert line == f"/data/x: {os.strerror(number)}; {fix}"


def test_a_name_cannot_control_the_terminal() -> None:
    assert one_line("a\x1b[2Jb\u202ec\nd") == r"a\x1b[2Jb\u202ec d"
