"""`xlm status` and `xlm logs`: running and stopped builds of real processes, and artifacts."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from xlm.cli.activity.logs import print_logs
from xlm.cli.activity.status import print_status
from xlm.errors import StoreError
from xlm.store.publication import publish_artifact
from xlm.store.store import ArtifactStore
from xlm.store.underway import note_build

KEY, OTHER = "a" * 24, "b" * 24
XLM = Path(sys.executable).with_name("xlm")
BUILDER = """
import sys, time
from xlm.store.store import ArtifactStore
store = ArtifactStore.open(sys.argv[1])
with store.lock("pretrain", sys.argv[2]):
    print("locked", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore.open(str(tmp_path / "data"))


def begin(store: ArtifactStore, stage: str, key: str, unit: str, **logs: str) -> None:
    staging = store.open_staging(stage, key)
    note_build(staging, {"unit": unit}, "node7")
    for name, text in logs.items():
        (staging.logs / f"{name.replace('_', '-')}.log").write_text(text)


def publish(store: ArtifactStore, stage: str, key: str, unit: str) -> None:
    description = {
        "stage": stage, "unit": unit, "key": key, "code_version": 1, "config": {}, "upstream": {},
        "tools": {}, "counts": {}, "sources": [], "resolved_config": {},
    }  # fmt: skip
    publish_artifact(store, store.open_staging(stage, key), description, {"wall_seconds": 1.0})


@pytest.fixture
def builder(store: ArtifactStore) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock of pretrain, with two updates of five done."""
    begin(store, "pretrain", KEY, "all", processes="one\ntwo\n", processes_1="other\n")
    speed = [{"step": step, "total": 5, "seconds_left": 65.0, "note": ""} for step in (1, 2)]
    (store.open_staging("pretrain", KEY).logs / "speed.jsonl").write_text(
        "".join(f"{json.dumps(line)}\n" for line in speed) + '{"step": 3, "to'
    )
    command = [sys.executable, "-c", BUILDER, str(store.root), KEY]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        yield process
        process.kill()


def rows(store: ArtifactStore, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    print_status(str(store.root), as_json=True)
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def printed(
    store: ArtifactStore, capsys: pytest.CaptureFixture[str], name: str, **more: Any
) -> str:
    options = {"lines": None, "follow": False, "process": 0} | more
    print_logs(name, root=str(store.root), **options)
    return capsys.readouterr().out


def test_an_empty_store_runs_nothing(
    store: ArtifactStore, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rows(store, capsys) == []
    print_status(str(store.root), as_json=False)
    assert capsys.readouterr().out == f"Nothing runs in {store.root}, and nothing was stopped.\n"
    assert not store.root.exists()


def test_a_build_runs_until_its_process_dies(
    store: ArtifactStore, builder: subprocess.Popen[str], capsys: pytest.CaptureFixture[str]
) -> None:
    begin(store, "tokenize", OTHER, "sw")
    first, second = rows(store, capsys)
    assert (first["node"], first["state"], first["place"]) == ("pretrain", "running", "node7")
    assert first["progress"] == "2 of 5, 1 min 05 s left"
    assert (first["step"], first["total"]) == (2, 5)
    assert first["seconds"] >= 0
    assert (second["node"], second["state"], second["seconds"]) == ("tokenize[sw]", "stopped", None)
    builder.send_signal(signal.SIGKILL)
    builder.wait()
    states = {row["node"]: (row["state"], row["progress"]) for row in rows(store, capsys)}
    assert states["pretrain"] == ("stopped", "2 of 5")


def test_a_build_of_an_older_version_is_named_by_its_key(
    store: ArtifactStore, capsys: pytest.CaptureFixture[str]
) -> None:
    store.open_staging("split", KEY)
    (row,) = rows(store, capsys)
    assert (row["node"], row["began"], row["place"]) == (f"split[{KEY[:12]}]", "", "")


@pytest.mark.parametrize(
    "note",
    [
        "",
        "[]",
        '{"ingredients": {"unit": 3}}',
        '{"ingredients": {"unit": "sw"}, "began": "soon"}',
        "\udcff",
        "[" * 9999,
    ],
)
def test_a_damaged_note_hides_no_build(
    store: ArtifactStore, capsys: pytest.CaptureFixture[str], note: str
) -> None:
    staging = store.open_staging("split", KEY)
    (staging.base / "build.json").write_text(note, errors="surrogateescape")
    assert len(rows(store, capsys)) == 1


def test_logs_are_of_the_main_process_unless_another_is_named(
    store: ArtifactStore, builder: subprocess.Popen[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert printed(store, capsys, "pretrain") == "one\ntwo\n"
    assert printed(store, capsys, KEY[:8], lines=1) == "two\n"
    assert printed(store, capsys, "pretrain", lines=0) == ""
    assert printed(store, capsys, "pretrain", lines=99) == "one\ntwo\n"
    assert printed(store, capsys, "pretrain", process=1) == "other\n"
    with pytest.raises(StoreError, match="pretrain has no log of process 2; leave out --process"):
        printed(store, capsys, "pretrain", process=2)


def test_logs_of_an_artifact_with_several_programs(
    store: ArtifactStore, capsys: pytest.CaptureFixture[str]
) -> None:
    begin(store, "extract", KEY, "sw", first="1\n", second="2\n")
    publish(store, "extract", KEY, "sw")
    expected = "==> first.log <==\n1\n==> second.log <==\n2\n"
    assert printed(store, capsys, "extract[sw]") == expected
    assert printed(store, capsys, "extract", follow=True) == expected


def test_a_running_build_comes_before_an_artifact(
    store: ArtifactStore, builder: subprocess.Popen[str], capsys: pytest.CaptureFixture[str]
) -> None:
    begin(store, "pretrain", OTHER, "all", processes="old\n")
    publish(store, "pretrain", OTHER, "all")
    assert printed(store, capsys, "pretrain") == "one\ntwo\n"
    assert printed(store, capsys, OTHER[:6]) == "old\n"


def test_several_units_need_a_choice(
    store: ArtifactStore, capsys: pytest.CaptureFixture[str]
) -> None:
    begin(store, "extract", KEY, "sw", tool="1\n")
    begin(store, "extract", OTHER, "en", tool="2\n")
    with pytest.raises(
        StoreError, match=r"extract has 2 units; name one .* extract\[en\], extract"
    ):
        printed(store, capsys, "extract")
    assert printed(store, capsys, "extract[en]") == "2\n"


def test_names_without_logs(store: ArtifactStore, capsys: pytest.CaptureFixture[str]) -> None:
    begin(store, "tokenize", KEY, "sw")
    with pytest.raises(StoreError, match=r"tokenize\[sw\] has written no log"):
        printed(store, capsys, "tokenize")
    with pytest.raises(StoreError, match=r"no build or artifact 'tokenise' .* mean 'tokenize'"):
        printed(store, capsys, "tokenise")
    with pytest.raises(StoreError, match=r"no build or artifact 'x' .*; `xlm status` lists"):
        printed(store, capsys, "x")


def test_follow_prints_until_the_build_ends(
    store: ArtifactStore, builder: subprocess.Popen[str]
) -> None:
    log = store.open_staging("pretrain", KEY).logs / "processes.log"
    command = [XLM, "logs", "pretrain", "-f", "--root", store.root]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as follower:
        assert follower.stdout is not None
        assert [follower.stdout.readline() for _ in range(2)] == ["one\n", "two\n"]
        with log.open("ab") as file:
            encoded = "três\n".encode()
            file.write(encoded[:3])  # half a character
            file.flush()
            time.sleep(1.2)
            file.write(encoded[3:])
        assert follower.stdout.readline() == "três\n"
        assert follower.poll() is None
        log.write_text("last\n")  # cut off, as by a resumed run
        publish(store, "pretrain", KEY, "all")
        builder.kill()
        assert follower.wait(30) == 0
        rest = follower.stdout.read()
    assert "Traceback" not in rest


def test_ctrl_c_ends_follow_quietly(store: ArtifactStore, builder: subprocess.Popen[str]) -> None:
    # A background process of a shell ignores SIGINT, and so would its children.
    xlm = ["env", "--default-signal=INT", XLM]
    command = [*xlm, "logs", "pretrain", "-f", "--root", store.root]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as follower:
        try:
            assert follower.stdout is not None
            assert follower.stderr is not None
            follower.stdout.readline()
            follower.send_signal(signal.SIGINT)
            assert follower.wait(30) in (130, -signal.SIGINT)
            assert "Traceback" not in follower.stderr.read()
        finally:
            follower.kill()
