"""`xlm store push`, `pull` and `verify --remote` on a shared folder and on a real server."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.conftest import pool, toy
from tests.engine.toy import Toy
from tests.repository import REPOSITORY
from tests.store.remote.servers import BUCKET, Server, moto
from tests.tutorial import commands_of
from xlm.engine.stage import Node, StageContext, StageResult

__all__ = ["pool", "toy"]

pytestmark = pytest.mark.slow

Xlm = Callable[..., "subprocess.CompletedProcess[str]"]
JOIN = Node("join", "all")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    with moto(tmp_path_factory.mktemp("moto")) as running:
        yield running


@pytest.fixture
def xlm(toy: Toy, server: Server, tmp_path: Path) -> Xlm:
    """Run `xlm store ...` with the remote store in the environment."""
    variables = {
        **server.environment(),
        "XLM_REMOTE": f"s3://{BUCKET}/{tmp_path.name}",
        "XLM_ROOT": str(toy.root),
    }

    def run(*words: str, code: int = 0, **others: str) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [Path(sys.executable).with_name("xlm"), "store", *words],
            env={**os.environ, **variables, **others},
            capture_output=True,
            text=True,
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        assert "canary" not in done.stdout + done.stderr
        return done

    return run


def objects(server: Server, tmp_path: Path) -> list[str]:
    return list(server.objects(f"{tmp_path.name}/artifacts"))


def test_push_verify_and_pull(xlm: Xlm, toy: Toy, server: Server, tmp_path: Path) -> None:
    toy.run()
    assert xlm("push").stdout.startswith("0 artifacts pushed to s3://")
    rows = json.loads(xlm("push", "--all", "--json").stdout)
    assert {row["outcome"] for row in rows} == {"pushed"}
    assert {row["stage"] for row in rows} == {"read", "join", "last"}
    again = xlm("push", "--all").stdout
    assert again.count("is in the remote store ") == 4
    assert "4 artifacts checked (deep, " in xlm("verify", "--remote").stdout
    key = toy.directory(JOIN).name
    other = str(tmp_path / "other")
    pulled = json.loads(xlm("pull", f"join/{key[:8]}", "--root", other, "--json").stdout)
    assert [(row["stage"], row["key"], row["outcome"]) for row in pulled] == [
        ("join", key, "pulled")
    ]
    assert "0 artifacts removed" in xlm("gc", "--root", other).stdout
    assert xlm("verify", "--root", other).stdout.startswith("1 artifacts checked")
    assert xlm("pull", "--all", "--root", other).stdout.endswith(
        f"3 artifacts pulled from s3://{BUCKET}/{tmp_path.name}\n"
    )


def test_nothing_of_the_remote_store_is_removed_by_local_commands(
    xlm: Xlm, toy: Toy, server: Server, tmp_path: Path
) -> None:
    toy.run()
    xlm("push", "--all")
    before = objects(server, tmp_path)
    xlm("rm", toy.directory(Node("last", "all")).name)
    for path in (toy.root / "references").glob("*/*/*.json"):
        path.unlink()
    assert "3 artifacts removed" in xlm("gc").stdout
    assert objects(server, tmp_path) == before


def test_other_bytes_are_only_replaced_on_request(
    xlm: Xlm, toy: Toy, server: Server, tmp_path: Path
) -> None:
    toy.run()
    xlm("push", "--all")

    def other(context: StageContext) -> StageResult:
        (context.out / "joined.txt").write_text("other\n")
        return StageResult()

    toy.with_stage("join", run=other).run(refresh=("join",))
    key = toy.directory(JOIN).name.partition(".")[0]
    refused = xlm("push", key, code=1)
    assert "keeps other bytes" in refused.stderr
    assert refused.stdout.startswith("not pushed join[all]")
    assert "--replace needs the keys" in xlm("push", "--all", "--replace", code=1).stderr
    assert xlm("push", key, "--replace").stdout.startswith("pushed join[all]")
    found = json.loads(xlm("verify", "--remote", "--json").stdout)
    assert found["damaged"] == []
    (orphan,) = found["orphans"]
    assert (orphan["stage"], orphan["key"], orphan["objects"]) == ("join", key, 2)
    # It is younger than a day.
    kept = json.loads(xlm("verify", "--remote", "--remove-orphans", "1", "--json").stdout)
    assert (len(kept["orphans"]), kept["removed"]) == (1, [])


def test_damage_is_found_named_and_repaired(
    xlm: Xlm, toy: Toy, server: Server, tmp_path: Path
) -> None:
    toy.run()
    xlm("push", "--all")
    (name,) = [one for one in objects(server, tmp_path) if one.endswith("joined.txt")]
    server.put(name, b"en 0\nsw 1\n")
    assert "0 damaged" in xlm("verify", "--remote", "--fast").stdout
    found = xlm("verify", "--remote", code=1)
    assert name.removeprefix(f"{tmp_path.name}/") in found.stdout
    assert "does not match its sha256" in found.stdout
    key = toy.directory(JOIN).name
    failed = xlm("pull", key, "--root", str(tmp_path / "other"), code=1)
    assert "joined.txt in s3://" in failed.stderr
    assert f"xlm store push join/{key} --replace" in failed.stderr
    # One damaged artifact does not keep the others from being pulled.
    third = str(tmp_path / "third")
    rows = json.loads(xlm("pull", "--all", "--json", "--root", third, code=1).stdout)
    assert {row["stage"]: row["outcome"] for row in rows} == {
        "read": "pulled", "join": "failed", "last": "pulled",
    }  # fmt: skip
    xlm("push", f"join/{key}", "--replace")
    assert "0 damaged, 1 orphan" in xlm("verify", "--remote").stdout
    # A manifest without files is completed by a push, without --replace.
    for one in objects(server, tmp_path):
        if one.endswith("size.txt"):
            server.delete(one)
    assert "is missing" in xlm("verify", "--remote", "--fast", code=1).stdout
    assert "pushed last[all]" in xlm("push", "--all").stdout
    xlm("verify", "--remote")


def test_errors_are_one_line(xlm: Xlm, toy: Toy) -> None:
    toy.run()
    for words, reason in (
        (("push", "abc", "--all"), "cannot be combined"),
        (("pull",), "name the keys to pull"),
        (("pull", "ffff"), "no artifact in s3://"),
        (("pull", "x.*"), "no artifact in s3://"),
        (("push", "--all", "--url", "s3://no-such-bucket"), "does not exist"),
        (("push", "--all", "--url", "s3://a:canary@b"), "contains credentials"),
        (("verify", "--remove-orphans", "3"), "need --remote"),
        (("verify", "--remote", "--remove-orphans", "0"), "use a whole number"),
    ):
        failed = xlm(*words, code=1)
        assert reason in failed.stderr
        assert failed.stderr.count("\n") == 1
    assert "no remote store is set" in xlm("pull", "--all", code=1, XLM_REMOTE="").stderr


def test_the_commands_of_the_guide(xlm: Xlm, toy: Toy) -> None:
    toy.run()
    key = toy.directory(JOIN).name
    guide = REPOSITORY / "docs" / "how-to" / "share-a-store.md"
    lines = [shlex.split(line, comments=True) for line in commands_of(guide)]
    words = [line[2:] for line in lines if line[:2] == ["xlm", "store"]]
    assert len(words) > 5
    for one in words:
        xlm(*(word.replace("bf7e6a41", key) for word in one))
