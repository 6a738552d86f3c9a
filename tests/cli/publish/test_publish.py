"""`xlm publish` from the command line: which models, what is shown, and what --yes does."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.recorded_runs import RecordedRuns
from tests.release.targets.hub_server import TOKEN, FakeHub, fake_hub
from tests.release.targets.models import CLASSIFIER, MASKED_LM, contents, revision
from xlm.cli.publish.publishing import Options, publish_models
from xlm.errors import ConfigError, PublishError, StoreError

Publish = Callable[..., str]

_BOTH = {"classifier": CLASSIFIER, "masked-lm": MASKED_LM}
_REVISIONS = {f"revisions/step-{update}": revision(update) for update in (1000, 500)}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A store with three runs that published, the last one `more`, and a newer one that did not."""
    runs = RecordedRuns(tmp_path / "data")
    runs.add(name="base", published=_BOTH)
    runs.add(name="revised", published={**_BOTH, **_REVISIONS})
    runs.add(name="more", published={"masked-lm": MASKED_LM})
    runs.add(name="short")
    return tmp_path / "data"


@pytest.fixture
def publish(root: Path, capsys: pytest.CaptureFixture[str]) -> Publish:
    def run(source: str | None = None, **options: Any) -> str:
        given: dict[str, Any] = {
            **dict.fromkeys(("only", "branch")),
            **dict.fromkeys(("yes", "force", "public", "revisions", "as_json"), False),
        }
        publish_models(source, Options(**given | options), str(root))
        return capsys.readouterr().out

    return run


def test_without_yes_nothing_is_written(publish: Publish, tmp_path: Path) -> None:
    printed = publish("base", to=str(tmp_path / "out"))
    assert printed.startswith("run base, digest ")
    assert f"\n\nclassifier to {tmp_path}/out/classifier (new folder)\n" in printed
    assert "model.safetensors  new    25.6 kB" in printed
    assert "9 new, 0 changed, 0 same" in printed
    assert printed.endswith("Nothing was written. Add --yes to write.\n")
    assert not (tmp_path / "out").exists()


def test_the_last_run_that_published_is_the_default(publish: Publish, tmp_path: Path) -> None:
    printed = publish(to=str(tmp_path / "out"), yes=True)
    assert printed.startswith("run more, digest ")
    assert contents(tmp_path / "out") == {f"masked-lm/{n}": d for n, d in MASKED_LM.items()}
    assert f"4 files written to {tmp_path}/out/masked-lm" in printed
    again = publish(to=str(tmp_path / "out"), yes=True)
    assert "0 new, 0 changed, 4 same; 0 B to write" in again
    assert again.endswith("masked-lm has all files already\n")


def test_a_key_and_a_folder_are_sources_too(
    publish: Publish, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [with_both] = [
        path.parent
        for path in root.glob("artifacts/publish/*/classifier")
        if not (path.parent / "revisions").exists()
    ]
    by_key = publish(with_both.name[:10], to=str(tmp_path / "out"), as_json=True)
    found = json.loads(by_key)
    assert found["source"] == f"publish/{with_both.name}"
    assert [one["model"] for one in found["targets"]] == ["classifier", "masked-lm"]
    assert (found["dry_run"], found["written"]) == (True, [])
    folder = str(with_both / "masked-lm")
    only = json.loads(publish(folder, to=str(tmp_path / "out"), as_json=True))
    assert [one["model"] for one in only["targets"]] == ["masked-lm"]
    assert only["digest"] == found["digest"]
    same = json.loads(publish("base", to=str(tmp_path / "out"), only="masked-lm", as_json=True))
    assert same["targets"] == only["targets"]


def test_other_files_are_refused_unless_forced(publish: Publish, tmp_path: Path) -> None:
    here = tmp_path / "out" / "masked-lm"
    here.mkdir(parents=True)
    (here / "notes.txt").write_text("mine")
    printed = publish(to=str(tmp_path / "out"))
    assert "notes.txt          other, stays" in printed
    assert "--yes would refuse: " in printed
    with pytest.raises(PublishError, match=r"has 1 other file \(notes\.txt\).*--force"):
        publish(to=str(tmp_path / "out"), yes=True)
    assert contents(here) == {"notes.txt": b"mine"}
    publish(to=str(tmp_path / "out"), yes=True, force=True)
    assert contents(here) == {**MASKED_LM, "notes.txt": b"mine"}


def test_revisions_are_published_if_asked_for(publish: Publish, tmp_path: Path) -> None:
    out = tmp_path / "out"
    publish("revised", to=str(out), yes=True)
    assert {path.name for path in out.iterdir()} == {"classifier", "masked-lm"}
    planned = publish("revised", to=str(out), revisions=True)
    assert f"\nrevisions/step-500 to {out}/revisions/step-500 (new folder)\n" in planned
    assert "8 new, 0 changed, 9 same" in planned
    assert planned.index("step-500") < planned.index("step-1000")
    assert {path.name for path in out.iterdir()} == {"classifier", "masked-lm"}
    publish("revised", to=str(out), revisions=True, yes=True)
    assert contents(out / "revisions" / "step-500") == revision(500)
    again = json.loads(publish("revised", to=str(out), revisions=True, yes=True, as_json=True))
    assert [one["model"] for one in again["targets"]] == [
        "classifier", "masked-lm", "revisions/step-500", "revisions/step-1000",
    ]  # fmt: skip
    assert again["targets"][2]["target"] == f"{out}/revisions/step-500"
    states = {file["state"] for one in again["targets"] for file in one["files"]}
    assert states == {"same"}
    assert all(line.endswith("has all files already") for line in again["written"])
    only = publish("revised", to=str(out), revisions=True, only="masked-lm", as_json=True)
    assert json.loads(only)["targets"] == again["targets"][1:]


def test_revisions_that_do_not_exist_and_options_against_them_are_one_line(
    publish: Publish, root: Path
) -> None:
    with pytest.raises(ConfigError, match=r"run base has no revisions; set pretrain\.revision_upd"):
        publish("base", to="out", revisions=True)
    with pytest.raises(ConfigError, match="--revisions and --branch exclude each other"):
        publish("revised", to="hf://org/xlm", revisions=True, branch="trial")
    with pytest.raises(ConfigError, match="--revisions and --only classifier exclude each other"):
        publish("revised", to="out", revisions=True, only="classifier")
    [artifact] = {path.parent.parent for path in root.glob("artifacts/publish/*/revisions/*")}
    with pytest.raises(ConfigError, match="classifier has no revisions"):
        publish(str(artifact / "classifier"), to="out", revisions=True)


def test_wrong_words_are_one_line(publish: Publish, root: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"unknown model 'clasifier'; did you mean 'classifier'"):
        publish(to="out", only="clasifier")
    with pytest.raises(ConfigError, match="no classifier; it has masked-lm"):
        publish("more", to="out", only="classifier")
    with pytest.raises(StoreError, match=r"no run and no folder 'nope'"):
        publish("nope", to="out")
    with pytest.raises(StoreError, match="did not reach publish"):
        publish("short", to="out")
    with pytest.raises(ConfigError, match="is in the store"):
        publish(to=str(root / "artifacts" / "x"))
    (tmp_path / "models").mkdir()
    stored = next((root / "artifacts" / "publish").glob("*/masked-lm"))
    (tmp_path / "models" / "masked-lm").symlink_to(stored)
    with pytest.raises(ConfigError, match="models/masked-lm' is in the store"):
        publish(to=str(tmp_path / "models"), yes=True)


def test_a_bad_target_is_refused_before_any_file_is_read(publish: Publish, root: Path) -> None:
    """Hashing the files of a large model takes minutes."""
    for weights in root.glob("artifacts/publish/*/*/model.safetensors"):
        weights.write_bytes(b"damaged")
    with pytest.raises(StoreError, match="does not match its sha256"):
        publish("base", to="out")
    for to, reason in (
        ("s3:/bucket/x", "not followed by //"),
        ("hf://name", "not ORG/NAME"),
        ("hf://org/a--b", "not a valid name"),
        (str(root / "models"), "is in the store"),
    ):
        with pytest.raises(ConfigError, match=reason):
            publish("base", to=to)


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with fake_hub() as running:
        yield running


@pytest.mark.slow
def test_the_console_script_publishes_to_the_hub_and_shows_no_token(
    root: Path, hub: FakeHub, tmp_path: Path
) -> None:
    variables = {
        **os.environ,
        "XLM_ROOT": str(root),
        "HF_ENDPOINT": hub.address,
        "HF_TOKEN": TOKEN,
        "HF_HUB_DISABLE_XET": "1",
        "HF_DEBUG": "1",
        "HF_HOME": str(tmp_path / "home"),
        "NO_PROXY": "127.0.0.1",
    }

    def xlm(*words: str, code: int) -> str:
        done = subprocess.run(
            [Path(sys.executable).with_name("xlm"), "publish", *words],
            env=variables,
            capture_output=True,
            text=True,
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        assert "canary" not in done.stdout + done.stderr
        return done.stdout + done.stderr

    written = xlm("base", "--to", "hf://org/xlm", "--yes", code=0)
    assert f"5 files written to {hub.address}/org/xlm/commit/" in written
    assert hub.repositories["org/xlm"].messages[-1].startswith("Publish run base, digest ")
    [folder] = {
        path.parent
        for path in root.glob("artifacts/publish/*/masked-lm")
        if not (path.parent / "classifier").exists()
    }
    xlm(str(folder), "--to", "hf://org/other", "--yes", code=0)
    messages = hub.repositories["org/other"].messages
    assert messages[-1].startswith("Publish masked-lm, digest ")
    assert not any(str(root.parent) in message for message in messages)
    listed = xlm("revised", "--to", "hf://org/xlm", "--revisions", code=0)
    assert "revisions/step-500 to hf://org/xlm-masked-lm@step-500 (private, new branch" in listed
    xlm("revised", "--to", "hf://org/xlm", "--revisions", "--yes", code=0)
    assert set(hub.repositories["org/xlm-masked-lm"].branches) == {"main", "step-500", "step-1000"}
    hub.refuse["GET /api/models"] = (403, f"not with {TOKEN}")
    refused = xlm("base", "--to", "hf://org/xlm", "--yes", code=1)
    assert refused.splitlines()[-1].startswith("xlm: hf://org/xlm: the Hub refused reading")
