"""Models in a local folder: compared, written atomically, resumed, and nothing foreign removed."""

import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.release.targets.models import CLASSIFIER, MASKED_LM, contents, revision
from xlm.errors import ConfigError, PublishError
from xlm.release.targets import folder as folder_module
from xlm.release.targets.folder import FolderTarget
from xlm.release.targets.opening import open_target
from xlm.release.targets.publication import Publication
from xlm.release.targets.target import Comparison


def copy(publication: Publication, to: Path) -> list[Comparison]:
    found = []
    for model, target in open_target(str(to))(publication):
        found.append(target.compare(model))
        target.write(model, found[-1], "", lambda count: None)
    return found


def test_both_models_are_written_below_the_folder(publication: Publication, tmp_path: Path) -> None:
    to = tmp_path / "out" / "models"
    first = copy(publication, to)
    assert {state for one in first for state in one.states.values()} == {"new"}
    assert contents(to / "classifier") == dict(CLASSIFIER)
    assert contents(to / "masked-lm") == dict(MASKED_LM)
    again = copy(publication, to)
    assert all(one.is_complete for one in again)


def test_revisions_get_a_folder_each(with_revisions: Publication, tmp_path: Path) -> None:
    copy(with_revisions, tmp_path / "out")
    assert contents(tmp_path / "out" / "revisions") == {
        f"step-{update}/{name}": data
        for update in (500, 1000)
        for name, data in revision(update).items()
    }
    again = copy(with_revisions, tmp_path / "out")
    assert len(again) == 4
    assert all(one.is_complete and not one.others for one in again)


@pytest.mark.parametrize(
    ("written", "named"), [("out", "out"), ("a%20b%2525", "a b%25"), ("ü", "ü")]
)
@pytest.mark.parametrize("scheme", ["file", "FILE"])
def test_a_file_url_names_a_folder(
    publication: Publication, tmp_path: Path, scheme: str, written: str, named: str
) -> None:
    targets = open_target(f"{scheme}://{tmp_path}/{written}")(publication)
    assert [target.name for _, target in targets] == [
        f"{tmp_path}/{named}/classifier",
        f"{tmp_path}/{named}/masked-lm",
    ]


def test_a_folder_may_have_a_colon_in_its_name(publication: Publication) -> None:
    [(_, target), _] = open_target("./s3:/x")(publication)
    assert target.name == "s3:/x/classifier"


_KILLED = """
import os, signal, sys
from pathlib import Path
from xlm.release.targets.publication import read_publication
from xlm.release.targets.opening import open_target

calls = 0

def kill_in_the_second_file(count):
    global calls
    calls += 1
    if calls == 2:
        os.kill(os.getpid(), signal.SIGKILL)

model, target = open_target(sys.argv[2])(read_publication(Path(sys.argv[1])))[0]
target.write(model, target.compare(model), "", kill_in_the_second_file)
"""


@pytest.mark.slow
@pytest.mark.fault
def test_a_killed_copy_is_no_model_and_is_continued(
    artifact: Path, publication: Publication, tmp_path: Path
) -> None:
    """The weights of a new model next to the configuration of an old one would be loaded."""
    to = tmp_path / "out"
    copy(publication, to)
    here = to / "classifier"
    (here / "model.safetensors").write_bytes(b"an older model")
    (here / "vocab.json").write_bytes(b"{}")
    killed = subprocess.run([sys.executable, "-c", _KILLED, artifact, to], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert any(name.endswith(".part") for name in contents(here))
    model, target = open_target(str(to))(publication)[0]
    comparison = target.compare(model)
    assert comparison.states == {
        **dict.fromkeys(("accuracy.png", "model.safetensors"), "same"),
        "vocab.json": "changed",
        **dict.fromkeys(("README.md", "config.json"), "new"),
    }
    assert comparison.others == ()
    sent: list[int] = []
    target.write(model, comparison, "", sent.append)
    assert contents(here) == dict(CLASSIFIER)
    assert sum(sent) == sum(len(CLASSIFIER[n]) for n in ("vocab.json", "config.json", "README.md"))


def test_files_of_others_are_named_and_stay(publication: Publication, tmp_path: Path) -> None:
    here = tmp_path / "out" / "classifier"
    here.mkdir(parents=True)
    (here / "notes.txt").write_text("mine")
    found = copy(publication, tmp_path / "out")
    assert found[0].others == ("notes.txt",)
    assert contents(here) == {**CLASSIFIER, "notes.txt": b"mine"}


def test_faults_of_the_disk_are_one_line(
    publication: Publication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    model = publication.folders[0]
    target = FolderTarget(tmp_path / "file" / "classifier")
    with pytest.raises(PublishError, match=r"file/classifier cannot be .*Not a directory"):
        target.compare(model)

    target = FolderTarget(tmp_path / "full")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(
            PublishError, match=r"full cannot be written: File too large; free some"
        ):
            target.write(model, target.compare(model), "", lambda count: None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert contents(tmp_path / "full").keys() == {"accuracy.png"}
    monkeypatch.setattr(folder_module.shutil, "disk_usage", lambda path: _Usage())
    with pytest.raises(PublishError, match=r"too full: 25,\d+ bytes are needed, 10 are free"):
        target.write(model, target.compare(model), "", lambda count: None)


class _Usage:
    free = 10


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        ("", "blank"),
        ("hub:org/name", "hf://ORG/NAME"),
        ("https://huggingface.co/org/name", "hf://ORG/NAME"),
        ("hf://name", "not ORG/NAME"),
        ("hf://org/name@main", "not ORG/NAME"),
        ("hf://org/a--b", "not a valid name"),
        ("hf://org/" + "n" * 90, "not a valid name"),
        ("ftp://host/x", "unsupported scheme"),
        ("s3://", "no bucket"),
        ("file://host/x", "does not name a folder"),
        ("s3:/bucket/x", r"'s3:/bucket/x' is not a URL: s3: is not followed by //"),
        (
            "gs:bucket",
            r"gs: is not followed by //; .*az://.*of that name is \./gs:bucket",
        ),
        ("file:/tmp/x", "file: is not followed by //"),
        ("file:///tmp/a%00b", "zero byte"),
    ],
)
def test_a_wrong_target_is_one_line(publication: Publication, to: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        open_target(to)(publication)


def test_options_of_the_hub_are_refused_elsewhere(publication: Publication) -> None:
    with pytest.raises(ConfigError, match="for the Hugging Face Hub only"):
        open_target("out", public=True)(publication)
    with pytest.raises(ConfigError, match="invalid --branch"):
        open_target("hf://org/name", branch="a b")(publication)


@pytest.mark.parametrize(
    "to",
    [
        "hf://me:canarySecret@org/name",
        "s3://me:canarySecret@bucket/x",
        "hf://hf_canarySecretcanarySecret/name",
        "s3://bucket/x?token=canarySecret",
    ],
)
def test_a_secret_in_a_target_is_not_repeated(publication: Publication, to: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_target(to)(publication)
    assert "canary" not in str(caught.value)
