"""Run records: which run is the last, what it reached, and what its stages cost."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.pipeline.toy import PROFILE, PipelineToy
from xlm.errors import MissingUpstreamError, StoreError
from xlm.pipeline.request import RunRequest
from xlm.pipeline.run_record import last_run, write_run_record
from xlm.report.costs import costs_of, known_costs
from xlm.report.run_results import artifact_of


def test_the_last_run_that_built_a_stage_is_found_before_later_hits(
    pipeline_toy: PipelineToy,
) -> None:
    for _ in range(2):
        with pipeline_toy.built() as run:
            write_run_record(run)
    root = run.store.root
    assert last_run(root, reaching="join")["nodes"][0]["status"] == "cached"
    assert last_run(root, reaching="join", built=True)["nodes"][0]["status"] == "built"


def test_a_record_names_the_same_profile_in_every_folder(
    pipeline_toy: PipelineToy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(PROFILE.parent)
    with pipeline_toy.open(RunRequest(profile=PROFILE.name)) as run:
        write_run_record(run)
    monkeypatch.chdir(tmp_path)
    assert last_run(run.store.root, profile=str(PROFILE))["request"]["profile"] == str(PROFILE)


def test_a_record_lists_every_node(pipeline_toy: PipelineToy) -> None:
    with pipeline_toy.built() as run:
        write_run_record(run)
    root = run.store.root
    record = last_run(root, profile=str(PROFILE), reaching="join")
    with pytest.raises(StoreError, match="that reached publish"):
        last_run(root, reaching="publish")
    assert [node["stage"] for node in record["nodes"]] == ["read", "read", "join", "last"]
    (root / "runs" / "000099-20991128T000000000000.json").write_text("{")
    assert last_run(root) == record
    assert [cost.stage for cost in costs_of(record, root)] == ["read", "join", "last"]
    joined = artifact_of(record, root, "join")
    joined.rename(root / "elsewhere")
    for read in (costs_of, lambda record, root: artifact_of(record, root, "join")):
        with pytest.raises(StoreError, match="was removed since the last run"):
            read(record, root)
    with pytest.raises(StoreError, match="did not reach evaluate"):
        artifact_of(record, root, "evaluate")


def test_costs_of_stages_outside_of_the_last_run_are_the_last_known(
    pipeline_toy: PipelineToy,
) -> None:
    for request in (pipeline_toy.request(), pipeline_toy.request(until="read")):
        with pipeline_toy.built(request) as run:
            write_run_record(run)
    root = run.store.root
    assert {cost.stage for cost in costs_of(last_run(root), root)} == {"read"}
    costs = {cost.stage: cost for cost in known_costs(root)}
    assert costs.keys() == {"read", "join", "last"}
    assert costs["read"].run_started > costs["join"].run_started
    artifact_of(last_run(root, reaching="join"), root, "join").rename(root / "elsewhere")
    assert {cost.stage for cost in known_costs(root)} == {"read", "last"}
    with pytest.raises(
        StoreError, match=r"no run of profile mini15 in .*; start one with `xlm run"
    ):
        known_costs(root, "mini15")


def test_a_run_that_stopped_early_is_named_with_the_command_that_continues_it(
    pipeline_toy: PipelineToy,
) -> None:
    with pipeline_toy.built(pipeline_toy.request(until="read")) as run:
        write_run_record(run)
    root = run.store.root
    message = rf"no run that reached last in {root}; continue with `xlm run --profile {PROFILE} .*"
    with pytest.raises(StoreError, match=message):
        last_run(root, reaching="last")


def test_a_clock_that_is_set_back_does_not_make_an_old_run_the_last(
    pipeline_toy: PipelineToy,
) -> None:
    for back_days in (0, 365):
        with pipeline_toy.open(pipeline_toy.request(f"bpe.seed={back_days}")) as run:
            run.started -= timedelta(days=back_days)
            write_run_record(run)
    # Records of an earlier version have no number.
    old = run.store.root / "runs" / "20991128T000000000000.json"
    old.write_bytes(next(iter((run.store.root / "runs").glob("*.json"))).read_bytes())
    assert last_run(run.store.root)["request"]["overrides"] == ["bpe.seed=365"]


def test_a_missing_input_is_named_with_the_command_that_builds_it(
    pipeline_toy: PipelineToy,
) -> None:
    request = pipeline_toy.request("bpe.seed=3", only=("last",))
    with pipeline_toy.open(request) as run, pytest.raises(MissingUpstreamError) as caught:
        run.locate_unselected()
    root = pipeline_toy.settings.root
    assert str(caught.value) == (
        f"join has not been built; run `xlm run --profile {PROFILE} --set bpe.seed=3 "
        f"--until join --root {root}`"
    )
