"""Building, serving, refreshing and selecting nodes."""

import errno
import json
import os
import time
from dataclasses import replace
from typing import Any

import pytest

from tests.engine.toy import ALL_BUILT, ALL_CACHED, JOIN, JoinSlice, Recorder, Toy, ToyConfig
from xlm.engine.stage import ALL, Node, StageContext, StageResult
from xlm.errors import (
    ConfigError,
    DataError,
    MissingUpstreamError,
    PipelineError,
    TrainingError,
)
from xlm.store.manifest import RUN_NAME
from xlm.store.store import ArtifactStore

JOINED = Node("join", ALL)


def test_a_second_run_is_all_hits(toy: Toy) -> None:
    assert toy.run() == ALL_BUILT
    assert toy.run() == ALL_CACHED


def test_a_setting_outside_of_every_slice_rebuilds_nothing(toy: Toy) -> None:
    toy.run()
    assert toy.run(unused=5) == ALL_CACHED


def test_identical_bytes_of_a_rebuilt_input_leave_the_rest_cached(toy: Toy) -> None:
    toy.run()
    statuses = toy.run(size=4001)
    assert statuses["read[en]"] == statuses["read[sw]"] == "built"
    assert statuses["join"] == statuses["last"] == "cached"


def test_changed_bytes_rebuild_everything_downstream(toy: Toy) -> None:
    toy.run()
    assert toy.run(size=40_000) == ALL_BUILT


def test_a_new_code_version_rebuilds(toy: Toy) -> None:
    toy.run()
    toy.with_stage("join", version=2)
    assert toy.run() == ALL_CACHED | {"join": "built"}


def test_a_damaged_artifact_is_rebuilt_and_its_consumers_stay_cached(toy: Toy) -> None:
    toy.run()
    (toy.directory(Node("read", "sw")) / "text.txt").write_text("cut")
    assert toy.run() == ALL_CACHED | {"read[sw]": "built"}


def test_refresh_rebuilds_a_stage_or_a_node(toy: Toy) -> None:
    toy.run()
    assert toy.run(refresh=("join",)) == ALL_CACHED | {"join": "built"}
    assert toy.run(refresh=("read[sw]",)) == ALL_CACHED | {"read[sw]": "built"}


def test_warnings_of_a_stage_reach_the_observer(toy: Toy) -> None:
    def warn(context: StageContext[JoinSlice]) -> StageResult:
        return replace(JOIN.run(context), warnings=["no pairs"])

    toy.with_stage("join", run=warn)
    recorder = Recorder()
    toy.run(recorder)
    assert recorder.notices == ["join: warning: no pairs"]


def test_only_builds_a_stage_alone(toy: Toy) -> None:
    toy.run()
    assert toy.run(only=("join",)) == {"join": "cached"}


def test_only_with_a_missing_input_names_the_command_that_builds_it(toy: Toy) -> None:
    with pytest.raises(MissingUpstreamError) as caught:
        toy.run(seed=3, only=("last",))
    assert str(caught.value) == (
        f"join has not been built; run `toy run --seed 3 --until 'join' --root {toy.root}`"
    )


def test_until_builds_a_stage_and_its_inputs(toy: Toy) -> None:
    assert set(toy.run(until="join")) == {"read[en]", "read[sw]", "join"}


@pytest.mark.parametrize("fields", [{"until": "jion"}, {"only": ("jion",)}])
def test_unknown_stages_are_refused(toy: Toy, fields: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"no stage 'jion'; did you mean 'join'\?"):
        toy.run(**fields)


def test_unknown_stages_to_refresh_are_refused(toy: Toy) -> None:
    with pytest.raises(ConfigError, match="no stage or node 'raed'"):
        toy.run(refresh=("raed",))


def test_a_requirement_is_checked_only_by_runs_that_build_its_stage(toy: Toy) -> None:
    def refuse(config: ToyConfig) -> None:
        raise ConfigError(f"join needs a seed, not {config.seed}")

    toy.with_stage("join", require=refuse)
    with pytest.raises(ConfigError, match="join needs a seed, not 7"):
        toy.run(seed=7)
    with pytest.raises(ConfigError, match="join needs a seed"):
        toy.plan(only=("join",))
    assert not list(toy.root.glob("artifacts/*"))
    assert toy.run(until="read") == {"read[en]": "built", "read[sw]": "built"}


def test_a_stage_that_fails_publishes_nothing_and_is_built_next_time(toy: Toy) -> None:
    def fail(context: object) -> StageResult:
        raise DataError("sw is empty", fix="check the dump")

    toy.with_stage("join", run=fail)
    with pytest.raises(DataError, match="sw is empty"):
        toy.run()
    built = {"join": "built", "last": "built"}
    assert toy.original().run() == ALL_CACHED | built


def test_the_next_attempt_appends_to_the_logs_of_the_last(toy: Toy) -> None:
    """A rerun used to delete its logs and the diagnostics that the error had named."""

    def attempt(context: StageContext[Any], end: BaseException | None) -> StageResult:
        assert not (context.out / "half").exists()
        (context.out / "half").write_text("half")
        with (context.logs / "processes.log").open("a") as log:
            log.write("attempt\n")
        report = context.logs / "divergence-0" / "update-7-spike" / "report.json"
        if end is not None:
            report.parent.mkdir(parents=True)
            report.write_text("{}")
            raise end
        assert report.exists()
        (context.out / "half").unlink()
        return JOIN.run(context)

    toy.with_stage("join", run=lambda context: attempt(context, TrainingError("diverged")))
    with pytest.raises(TrainingError, match="diverged"):
        toy.run()
    toy.with_stage("join", run=lambda context: attempt(context, None))
    assert toy.run()["join"] == "built"
    logs = toy.directory(JOINED) / "logs"
    assert (logs / "processes.log").read_text() == "attempt\nattempt\n"
    assert (logs / "divergence-0" / "update-7-spike" / "report.json").exists()


def test_a_stale_artifact_is_rebuilt(toy: Toy) -> None:
    toy.run()
    toy.with_stage("read", stale=lambda config, manifest: "the mirror moved")
    assert toy.plan()["read[en]"].reasons == ("the mirror moved",)
    assert toy.run()["read[en]"] == "built"


def test_manifest_and_measurements_describe_the_build(toy: Toy) -> None:
    toy.run()
    with toy.open() as run:
        artifact = run.locate(JOINED)
    manifest = artifact.manifest
    assert manifest.upstream["sw"].stage == "read"
    assert manifest.resolved_config["languages"] == ["en", "sw"]
    assert manifest.config == {"seed": 0}
    measured = json.loads((artifact.directory / RUN_NAME).read_text())
    assert measured["peak_memory_bytes"] == 7
    assert measured["wall_seconds"] >= 0
    assert {"host", "cores", "python", "finished"} <= set(measured)


def test_worker_processes_are_measured(toy: Toy) -> None:
    toy.run()
    with toy.open() as run:
        artifact = run.locate(Node("read", "sw"))
    measured = json.loads((artifact.directory / RUN_NAME).read_text())
    assert measured["peak_memory_bytes"] > 1_000_000
    assert artifact.manifest.counts == {"letters": 5}


def test_a_stage_without_workers_is_measured_in_the_driver(toy: Toy) -> None:
    """Its row in the table of costs used to be 0 B and 0 s."""

    def work_hard(context: object) -> StageResult:
        began = time.thread_time()
        while time.thread_time() - began < 0.1:
            pass
        return StageResult(measured={"cpu_seconds": 1.0})

    toy.with_stage("join", run=work_hard)
    toy.run(until="join")
    measured = json.loads((toy.directory(JOINED) / RUN_NAME).read_text())
    assert measured["peak_memory_bytes"] > 1_000_000
    assert 1.1 <= measured["cpu_seconds"] < 1.5


def test_an_interrupted_run_stops_stages_at_their_next_progress_report(toy: Toy) -> None:
    def work_on(context: StageContext[JoinSlice]) -> StageResult:
        run.interruption.interrupt()
        context.progress.update(1, 2, "lines")
        raise AssertionError("it should have stopped")

    toy.with_stage("join", run=work_on)
    recorder = Recorder()
    with toy.open(recorder) as run:
        for node in run.selected[:2]:
            run.build(node)
        for node in run.selected[2:]:
            with pytest.raises(PipelineError, match="interrupted; run the same command again"):
                run.build(node)
        assert set(run.failures.values()) == {"interrupted"}
    assert recorder.statuses["join"] == recorder.statuses["last"] == "failed"
    assert toy.original().run()["read[en]"] == "cached"


def test_ctrl_c_interrupts_the_run(toy: Toy) -> None:
    with pytest.raises(KeyboardInterrupt), toy.open() as run:
        raise KeyboardInterrupt
    with pytest.raises(PipelineError, match="interrupted"):
        run.build(run.selected[0])


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "is full; free some space and run again"),
        (errno.EPERM, "'somewhere'; let this user write there (chown, chmod, mount) and run again"),
        (errno.EROFS, "'somewhere'; let this user write there (chown, chmod, mount) and run again"),
    ],
)
def test_a_disk_that_cannot_be_written_is_reported_with_advice(
    toy: Toy, number: int, advice: str
) -> None:
    def write(context: object) -> StageResult:
        raise OSError(number, os.strerror(number), "somewhere")

    toy.with_stage("join", run=write)
    with toy.open() as run:
        for node in run.selected[:2]:
            run.build(node)
        with pytest.raises(OSError, match="somewhere"):
            run.build(JOINED)
        assert run.failures[JOINED].endswith(advice)


def test_what_a_builder_left_that_was_killed_just_after_it_published_is_removed(toy: Toy) -> None:
    """`xlm status` showed it as a stopped build until `gc`."""
    toy.run()
    directory = toy.directory(JOINED)
    base = toy.root / "staging" / "join" / directory.name
    (base / "scratch").mkdir(parents=True)
    store = ArtifactStore.open(str(toy.root))
    with store.lock("join", directory.name):
        assert toy.run() == ALL_CACHED
        assert base.exists(), "somebody builds there"
    (base / "out").mkdir()
    assert toy.run() == ALL_CACHED
    assert base.exists(), "a refresh was stopped, and the next one continues"
    (base / "out").rmdir()
    assert toy.run() == ALL_CACHED
    assert not base.exists()
