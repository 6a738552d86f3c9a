"""Models on the Hub: repositories, one commit, what is sent again, and that no token is shown."""

import logging
from pathlib import Path

import pytest
from huggingface_hub import constants

from tests.release.targets.hub_server import TOKEN, FakeHub
from tests.release.targets.models import (
    CLASSIFIER,
    MASKED_LM,
    revision,
    write_artifact,
    write_folder,
)
from tests.store.remote.servers import free_port
from xlm.errors import PublishError
from xlm.release.targets.opening import open_target
from xlm.release.targets.publication import Publication, read_publication


def publish(publication: Publication, *, public: bool = False, branch: str | None = None) -> None:
    for model, target in open_target("hf://org/xlm", public=public, branch=branch)(publication):
        target.write(model, target.compare(model), "Publish run base", lambda count: None)


def sent(hub: FakeHub, what: str) -> list[str]:
    return [request for request in hub.requests if what in request]


def test_two_models_become_two_private_repositories(
    hub: FakeHub, publication: Publication, caplog: pytest.LogCaptureFixture
) -> None:
    [(model, target), _] = open_target("hf://org/xlm")(publication)
    comparison = target.compare(model)
    assert comparison.note == "new repository, private"
    assert set(comparison.states.values()) == {"new"}
    assert hub.repositories == {}
    with caplog.at_level(logging.DEBUG):
        publish(publication)
    assert set(hub.repositories) == {"org/xlm", "org/xlm-masked-lm"}
    classifier = hub.repositories["org/xlm"]
    assert classifier.private
    assert classifier.messages == ["initial", "Publish run base"]
    files = classifier.files()
    assert files.pop(".gitattributes")
    assert files == dict(CLASSIFIER)
    assert hub.repositories["org/xlm-masked-lm"].files().keys() > MASKED_LM.keys()
    assert "hf://org/xlm: Warnings while validating" in caplog.text
    assert TOKEN not in caplog.text
    assert target.compare(model).is_complete


def test_a_run_without_a_classifier_gets_the_name_itself(hub: FakeHub, tmp_path: Path) -> None:
    publish(read_publication(write_artifact(tmp_path / "lm", classifier=None)), public=True)
    assert set(hub.repositories) == {"org/xlm"}
    assert not hub.repositories["org/xlm"].private


def test_only_what_differs_is_sent(hub: FakeHub, publication: Publication, tmp_path: Path) -> None:
    publish(publication)
    hub.uploads.clear()
    newer = read_publication(
        write_folder(tmp_path / "newer", {**CLASSIFIER, "README.md": b"# Newer\n"})
    )
    [(model, target)] = open_target("hf://org/xlm")(newer)
    comparison = target.compare(model)
    assert [name for name, state in comparison.states.items() if state != "same"] == ["README.md"]
    assert comparison.note == "private"
    target.write(model, comparison, "Publish run newer", lambda count: None)
    assert hub.uploads == []
    assert hub.repositories["org/xlm"].files()["README.md"] == b"# Newer\n"


def test_an_upload_that_broke_sends_only_the_rest(hub: FakeHub, publication: Publication) -> None:
    hub.refuse["/commit/main"] = (500, "storage is away")
    with pytest.raises(PublishError, match=r"the Hub failed \(uploading, status 500: storage is"):
        publish(publication)
    assert set(hub.repositories["org/xlm"].files()) == {".gitattributes"}
    assert len(hub.uploads) == 1
    hub.refuse.clear()
    publish(publication.only("classifier"))
    assert len(hub.uploads) == 1
    assert hub.repositories["org/xlm"].files().keys() > CLASSIFIER.keys()


def test_files_of_others_are_named_and_stay(hub: FakeHub, publication: Publication) -> None:
    hub.create("org/xlm", **{"notes.txt": b"mine"})
    [(model, target), _] = open_target("hf://org/xlm", public=True)(publication)
    comparison = target.compare(model)
    assert comparison.others == ("notes.txt",)
    assert comparison.note == "public"
    target.write(model, comparison, "Publish", lambda count: None)
    assert hub.repositories["org/xlm"].files()["notes.txt"] == b"mine"


def test_a_branch_is_made_from_main(hub: FakeHub, publication: Publication, tmp_path: Path) -> None:
    publish(publication)
    earlier = read_publication(
        write_folder(tmp_path / "earlier", {**CLASSIFIER, "vocab.json": b"{}"})
    )
    [(model, target)] = open_target("hf://org/xlm", branch="step-10")(earlier)
    assert target.name == "hf://org/xlm@step-10"
    comparison = target.compare(model)
    assert comparison.note == "private, new branch"
    target.write(model, comparison, "Publish step 10", lambda count: None)
    repository = hub.repositories["org/xlm"]
    assert repository.files("step-10")["vocab.json"] == b"{}"
    assert repository.files()["vocab.json"] == CLASSIFIER["vocab.json"]
    assert target.compare(model).is_complete


def test_a_branch_is_made_although_main_has_the_same_files(
    hub: FakeHub, publication: Publication
) -> None:
    publish(publication)
    [(model, target), *_] = open_target("hf://org/xlm", branch="v1")(publication)
    comparison = target.compare(model)
    assert set(comparison.states.values()) == {"same"}
    assert not comparison.is_complete
    repository = hub.repositories["org/xlm"]
    assert "v1" not in repository.branches
    line = target.write(model, comparison, "Publish v1", lambda count: None)
    assert line == "hf://org/xlm@v1 has all files of the commit that it starts from"
    assert repository.files("v1") == repository.files()
    assert target.compare(model).is_complete


def test_revisions_become_branches_without_the_files_of_main(
    hub: FakeHub, with_revisions: Publication
) -> None:
    """A branch from main would have the plots of the last model too, and be refused later."""
    repository = hub.create("org/xlm-masked-lm")
    main = {**repository.files(), **MASKED_LM, "training.png": b"\x89PNG"}
    repository.add("main", main, "Publish run base")
    chosen = with_revisions.only("masked-lm")
    targets = open_target("hf://org/xlm")(chosen)
    assert [target.name for _, target in targets] == [
        "hf://org/xlm-masked-lm",
        "hf://org/xlm-masked-lm@step-500",
        "hf://org/xlm-masked-lm@step-1000",
    ]
    for model, target in targets[1:]:
        comparison = target.compare(model)
        assert (comparison.note, comparison.others) == ("public, new branch", ())
        assert set(comparison.states.values()) == {"new"}
        assert set(repository.branches) < {"main", "step-500", "step-1000"}
        target.write(model, comparison, "Publish run base", lambda count: None)
        assert target.compare(model).is_complete
    assert repository.files("step-500").keys() == {*MASKED_LM, ".gitattributes"}
    assert repository.files() == main


def test_a_broken_upload_of_a_revision_is_continued(
    hub: FakeHub, with_revisions: Publication
) -> None:
    hub.refuse["/commit/step-1000"] = (500, "storage is away")
    with pytest.raises(PublishError, match=r"@step-1000: the Hub failed \(uploading, status 500"):
        publish(with_revisions)
    repository = hub.repositories["org/xlm-masked-lm"]
    assert repository.files("step-1000").keys() == {".gitattributes"}, "the branch exists already"
    hub.refuse.clear()
    hub.uploads.clear()
    [*_, (model, target)] = open_target("hf://org/xlm")(with_revisions)
    comparison = target.compare(model)
    assert (comparison.note, comparison.others) == ("private", ())
    target.write(model, comparison, "Publish again", lambda count: None)
    assert hub.uploads == [], "the Hub has the weights already"
    for update in (500, 1000):
        files = repository.files(f"step-{update}")
        assert files.pop(".gitattributes")
        assert files == revision(update)
    assert repository.files().keys() == {*MASKED_LM, ".gitattributes"}
    assert set(repository.branches) == {"main", "step-500", "step-1000"}
    assert set(hub.repositories["org/xlm"].branches) == {"main"}
    targets = open_target("hf://org/xlm")(with_revisions)
    assert all(target.compare(model).is_complete for model, target in targets)


def test_a_commit_of_somebody_else_is_not_overwritten(
    hub: FakeHub, publication: Publication
) -> None:
    """The files of the other commit were not in the table that the user saw."""
    repository = hub.create("org/xlm")
    [(model, target), _] = open_target("hf://org/xlm")(publication)
    found = target._find("main")
    repository.add("main", {"config.json": b"theirs"}, "their commit")
    target._find = lambda revision: found
    with pytest.raises(PublishError, match=r"status 412.*changed meanwhile"):
        target.write(model, target.compare(model), "Publish", lambda count: None)
    assert repository.files() == {"config.json": b"theirs"}


@pytest.mark.parametrize(
    ("request_", "status", "answer", "expected"),
    [
        ("repos/create", 403, f"no rights for {TOKEN}", "check that the token may write"),
        ("repos/create", 402, "pay first", "free some storage"),
        ("/commit/", 403, "Private repository storage limit reached", "free some storage"),
        ("/commit/", 409, "conflict", "changed meanwhile"),
        ("/commit/", 429, "too many", "wait some minutes"),
        ("/commit/", 400, "bad card", "correct what the Hub names"),
        ("PUT /lfs/", 403, "expired", "check that the token may write"),
        ("GET /api/models", 401, "Invalid credentials in Authorization header", "hf auth login"),
    ],
)
def test_a_refusal_is_one_line_without_the_token(
    hub: FakeHub, publication: Publication, request_: str, status: int, answer: str, expected: str
) -> None:
    hub.refuse[request_] = (status, answer)
    with pytest.raises(PublishError) as caught:
        publish(publication.only("classifier"))
    line = str(caught.value)
    assert line.startswith("hf://org/xlm: the Hub refused ")
    assert f"status {status}" in line
    assert expected in line
    assert "\n" not in line
    assert "canary" not in line


def test_without_a_token_nothing_is_written(
    hub: FakeHub, publication: Publication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    [(model, target), _] = open_target("hf://org/xlm")(publication)
    comparison = target.compare(model)
    assert comparison.note == "new repository, private, no token: `hf auth login` or HF_TOKEN"
    with pytest.raises(PublishError, match="without a token of the Hub; run `hf auth login`"):
        target.write(model, comparison, "Publish", lambda count: None)
    assert not sent(hub, "POST")


def test_no_network_is_one_line(
    hub: FakeHub, publication: Publication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{free_port()}")
    [(model, target), _] = open_target("hf://org/xlm")(publication)
    with pytest.raises(PublishError, match=r"the Hub does not answer \(reading, ConnectError\)"):
        target.compare(model)


def test_bytes_that_the_hub_changed_are_found(
    hub: FakeHub, publication: Publication, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = publication.folders[0].files[3]
    assert weights.name == "model.safetensors"
    hub.large[weights.sha256] = b"x" * 30_000  # the Hub believes that it has them already
    with pytest.raises(PublishError, match=r"other bytes in commit [0-9a-f]{12} .*model\.safe"):
        publish(publication)
