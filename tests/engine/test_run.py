"""Building, serving, refreshing and selecting nodes."""

import errno
import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.engine.conftest import JOIN, LAST, PROFILE, READ, JoinSlice, Recorder, Toy
from xlm.engine.stage import ALL, Node, Stage, StageContext, StageResult
from xlm.errors import (
    ConfigError,
    DataError,
    MissingUpstreamError,
    PipelineError,
    StoreError,
    TrainingError,
)
from xlm.pipeline.request import RunRequest
from xlm.pipeline.run_record import last_run, write_run_record
from xlm.report.results import artifact_of, costs_of, known_costs
from xlm.store.manifest import RUN_NAME

ALL_BUILT = dict.fromkeys(["read[en]", "read[sw]", "join", "last"], "built")
ALL_CACHED = dict.fromkeys(ALL_BUILT, "cached")


def test_a_second_run_is_all_hits(toy: Toy) -> None:
    assert toy.run() == ALL_BUILT
    assert toy.run() == ALL_CACHED


def test_an_irrelevant_setting_rebuilds_nothing(toy: Toy) -> None:
    toy.run()
    assert toy.run("sources.mirror=/elsewhere", "pretrain.seed=5") == ALL_CACHED


def test_identical_bytes_of_a_rebuilt_input_leave_the_rest_cached(toy: Toy) -> None:
    """4,000 and 4,001 codes write the same text in the toy: early cut-off."""
    toy.run()
    statuses = toy.run("bpe.codes=4001")
    assert statuses["read[en]"] == statuses["read[sw]"] == "built"
    assert statuses["join"] == statuses["last"] == "cached"


def test_changed_bytes_rebuild_what_is_made_from_them(toy: Toy) -> None:
    toy.run()
    assert toy.run("bpe.codes=40000") == ALL_BUILT


def test_a_bumped_version_rebuilds(
    toy: Toy, bumped: Callable[[Stage[Any, Any]], Stage[Any, Any]]
) -> None:
    toy.run()
    toy.use(READ, bumped(JOIN), LAST)
    assert toy.run() == ALL_CACHED | {"join": "built"}


def test_a_damaged_artifact_is_rebuilt_and_what_is_behind_it_stays(toy: Toy) -> None:
    toy.run()
    with toy.open(toy.request()) as run:
        directory = run.locate(Node("read", "sw")).directory
    (directory / "text.txt").write_text("cut")
    assert toy.run() == ALL_CACHED | {"read[sw]": "built"}


def test_refresh_builds_again_one_stage_or_one_node(toy: Toy) -> None:
    toy.run()
    assert toy.run(refresh=("join",)) == ALL_CACHED | {"join": "built"}
    assert toy.run(refresh=("read[sw]",)) == ALL_CACHED | {"read[sw]": "built"}


def test_what_a_stage_warns_of_is_shown_when_it_is_built(toy: Toy) -> None:
    def warn(context: StageContext[JoinSlice]) -> StageResult:
        return replace(JOIN.run(context), warnings=["no pairs"])

    toy.use(READ, replace(JOIN, run=warn), LAST)
    recorder = Recorder()
    with toy.open(toy.request(), recorder) as run:
        for node in run.selected:
            run.build(node)
    assert recorder.notices == ["join: warning: no pairs"]


def test_only_builds_a_stage_alone(toy: Toy) -> None:
    toy.run()
    assert toy.run(only=("join",)) == {"join": "cached"}


def test_only_with_a_missing_input_says_how_to_build_it(toy: Toy) -> None:
    with pytest.raises(MissingUpstreamError) as caught:
        toy.run("bpe.seed=3", only=("last",))
    assert str(caught.value).startswith("join has not been built; run `xlm run --profile ")
    assert f" --set bpe.seed=3 --until join --root {toy.settings.root}`" in str(caught.value)


def test_until_builds_what_it_needs(toy: Toy) -> None:
    assert set(toy.run(until="join")) == {"read[en]", "read[sw]", "join"}


@pytest.mark.parametrize("fields", [{"until": "jion"}, {"only": ("jion",)}])
def test_unknown_stages_are_refused(toy: Toy, fields: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"no stage 'jion'; did you mean 'join'\?"):
        toy.run(**fields)


def test_unknown_stages_to_refresh_are_refused(toy: Toy) -> None:
    with pytest.raises(ConfigError, match="nothing named 'raed'"):
        toy.run(refresh=("raed",))


def test_a_failing_stage_leaves_no_artifact_and_the_next_run_builds_it(toy: Toy) -> None:
    def fail(context: object) -> StageResult:
        raise DataError("sw is empty", fix="check the dump")

    toy.use(READ, replace(JOIN, run=fail), LAST)
    with pytest.raises(DataError, match="sw is empty"):
        toy.run()
    toy.use(READ, JOIN, LAST)
    assert toy.run() == {
        "read[en]": "cached",
        "read[sw]": "cached",
        "join": "built",
        "last": "built",
    }


def test_the_next_attempt_goes_on_in_the_logs_of_the_last(toy: Toy) -> None:
    """A rerun deleted its own logs, and the evidence that the error named."""

    def attempt(context: StageContext[Any], end: BaseException | None) -> StageResult:
        assert not (context.out / "half").exists()
        (context.out / "half").write_text("half")
        with (context.logs / "processes.log").open("a") as log:
            log.write("attempt\n")
        evidence = context.logs / "divergence-0" / "update-7-spike" / "report.json"
        if end is not None:
            evidence.parent.mkdir(parents=True)
            evidence.write_text("{}")
            raise end
        assert evidence.exists()
        (context.out / "half").unlink()
        return JOIN.run(context)

    toy.use(
        READ, replace(JOIN, run=lambda context: attempt(context, TrainingError("diverged"))), LAST
    )
    with pytest.raises(TrainingError, match="diverged"):
        toy.run()
    toy.use(READ, replace(JOIN, run=lambda context: attempt(context, None)), LAST)
    assert toy.run()["join"] == "built"
    with toy.open(toy.request()) as run:
        logs = run.locate(Node("join", ALL)).directory / "logs"
    assert (logs / "processes.log").read_text() == "attempt\nattempt\n"
    assert (logs / "divergence-0" / "update-7-spike" / "report.json").exists()


def test_a_stale_artifact_is_rebuilt(toy: Toy) -> None:
    toy.run()
    toy.use(replace(READ, stale=lambda config, manifest: "the mirror moved"), JOIN, LAST)
    assert toy.run()["read[en]"] == "built"


def test_manifest_and_measures_tell_what_happened(toy: Toy) -> None:
    toy.run()
    with toy.open(toy.request()) as run:
        artifact = run.locate(Node("join", "all"))
    manifest = artifact.manifest
    assert manifest.upstream["sw"].stage == "read"
    assert manifest.resolved_config["languages"] == ["en", "sw"]
    assert manifest.config == {"seed": 0}
    measured = json.loads((artifact.directory / RUN_NAME).read_text())
    assert measured["peak_memory_bytes"] == 7
    assert measured["wall_seconds"] >= 0
    assert {"host", "cores", "python", "finished"} <= set(measured)


def test_workers_are_measured(toy: Toy) -> None:
    toy.run()
    with toy.open(toy.request()) as run:
        artifact = run.locate(Node("read", "sw"))
    measured = json.loads((artifact.directory / RUN_NAME).read_text())
    assert measured["peak_memory_bytes"] > 1_000_000
    assert artifact.manifest.counts == {"letters": 5}


def test_a_stage_without_workers_is_measured_in_the_driver(toy: Toy) -> None:
    """Its row in the table of costs said 0 B and 0 s."""

    def work_hard(context: object) -> StageResult:
        began = time.thread_time()
        while time.thread_time() - began < 0.1:
            pass
        return StageResult(measured={"cpu_seconds": 1.0})

    toy.use(READ, replace(JOIN, run=work_hard), replace(LAST, run=lambda context: StageResult()))
    toy.run()
    with toy.open(toy.request()) as run:
        artifact = run.locate(Node("join", "all"))
    measured = json.loads((artifact.directory / RUN_NAME).read_text())
    assert measured["peak_memory_bytes"] > 1_000_000
    assert 1.1 <= measured["cpu_seconds"] < 1.5


def test_an_interrupted_run_stops_stages_at_their_next_report(toy: Toy) -> None:
    def work_on(context: StageContext[JoinSlice]) -> StageResult:
        run.interrupt()
        context.progress.update(1, 2, "lines")
        raise AssertionError("it should have stopped")

    toy.use(READ, replace(JOIN, run=work_on), LAST)
    recorder = Recorder()
    with toy.open(toy.request(), recorder) as run:
        for node in run.selected[:2]:
            run.build(node)
        for node in run.selected[2:]:
            with pytest.raises(PipelineError, match="interrupted; the same run goes on"):
                run.build(node)
        assert set(run.failures.values()) == {"interrupted"}
    assert recorder.statuses["join"] == recorder.statuses["last"] == "failed"
    toy.use(READ, JOIN, LAST)
    assert toy.run()["read[en]"] == "cached"


def test_ctrl_c_interrupts_the_run(toy: Toy) -> None:
    with pytest.raises(KeyboardInterrupt), toy.open(toy.request()) as run:
        raise KeyboardInterrupt
    with pytest.raises(PipelineError, match="interrupted"):
        run.build(run.selected[0])


def test_the_last_run_that_built_a_stage_is_found_behind_those_that_found_it(toy: Toy) -> None:
    for _ in range(2):
        with toy.open(toy.request()) as run:
            for node in run.selected:
                run.build(node)
            write_run_record(run)
    root = run.store.root
    assert last_run(root, reaching="join")["nodes"][0]["status"] == "cached"
    assert last_run(root, reaching="join", built=True)["nodes"][0]["status"] == "built"


def test_a_run_record_means_the_same_profile_in_every_folder(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(PROFILE.parent)
    with toy.open(RunRequest(profile=PROFILE.name), Recorder()) as run:
        write_run_record(run)
    monkeypatch.chdir(tmp_path)
    assert last_run(run.store.root, profile=str(PROFILE))["request"]["profile"] == str(PROFILE)


def test_the_run_record_lists_every_node(toy: Toy) -> None:
    with toy.open(toy.request()) as run:
        for node in run.selected:
            run.build(node)
        write_run_record(run)
        record = last_run(run.store.root, profile=str(PROFILE), reaching="join")
        with pytest.raises(StoreError, match="that reached publish"):
            last_run(run.store.root, reaching="publish")
    assert [node["stage"] for node in record["nodes"]] == ["read", "read", "join", "last"]
    root = run.store.root
    (root / "runs" / "000099-20991128T000000000000.json").write_text("{")
    assert last_run(root) == record
    assert [cost.stage for cost in costs_of(record, root)] == ["read", "join", "last"]
    joined = artifact_of(record, root, "join")
    joined.rename(root / "elsewhere")
    for read in (costs_of, lambda record, root: artifact_of(record, root, "join")):
        with pytest.raises(StoreError, match="was removed since the last run"):
            read(record, root)
    with pytest.raises(StoreError, match="has no evaluate"):
        artifact_of(record, root, "evaluate")


def test_costs_of_stages_that_the_last_run_did_not_have_are_those_last_known(toy: Toy) -> None:
    requests = [toy.request(), toy.request().model_copy(update={"until": "read"})]
    for request in requests:
        with toy.open(request) as run:
            for node in run.selected:
                run.build(node)
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


def test_a_run_that_did_not_get_there_is_told_with_the_command_that_continues_it(toy: Toy) -> None:
    with toy.open(toy.request().model_copy(update={"until": "read"})) as run:
        for node in run.selected:
            run.build(node)
        write_run_record(run)
    root = run.store.root
    told = rf"no run that reached last in {root}; continue with `xlm run --profile {PROFILE} .*"
    with pytest.raises(StoreError, match=told):
        last_run(root, reaching="last")


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (errno.ENOSPC, "is full; free some space and run again"),
        (errno.EPERM, "'somewhere'; let this user write there (chown, chmod, mount) and run again"),
        (errno.EROFS, "'somewhere'; let this user write there (chown, chmod, mount) and run again"),
    ],
)
def test_a_disk_that_takes_no_more_is_told_with_advice(toy: Toy, number: int, told: str) -> None:
    def write(context: object) -> StageResult:
        raise OSError(number, os.strerror(number), "somewhere")

    toy.use(READ, replace(JOIN, run=write), LAST)
    with toy.open(toy.request()) as run:
        for node in run.selected[:2]:
            run.build(node)
        with pytest.raises(OSError, match="somewhere"):
            run.build(Node("join", "all"))
        assert run.failures[Node("join", "all")].endswith(told)
