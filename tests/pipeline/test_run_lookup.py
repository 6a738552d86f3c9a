"""Names, numbers and start times of runs, and the state of runs that did not end."""

import pytest

from tests.pipeline.toy import PipelineToy
from xlm.errors import ConfigError, PipelineError, StoreError
from xlm.pipeline.request import RunRequest
from xlm.pipeline.run_lookup import find_run
from xlm.pipeline.run_record import (
    all_runs,
    begin_run_record,
    record_paths,
    run_state,
    runs,
    write_run_record,
)
from xlm.report.runs.listing import run_rows


def test_a_run_is_found_by_name_number_and_start(pipeline_toy: PipelineToy) -> None:
    for name, seed in (("base", 1), ("base", 2), (None, 3)):
        request = pipeline_toy.request(f"bpe.seed={seed}", name=name)
        with pipeline_toy.built(request) as run:
            write_run_record(run)
    root = run.store.root

    def seed_of(text: str) -> int | None:
        found = find_run(root, text)
        return found["config"]["bpe"]["seed"] if found else None

    assert seed_of("base") == 2  # the newest of this name
    assert [seed_of(text) for text in ("1", "2", "3", "#3", "000003")] == [1, 2, 3, 3, 3]
    whole = run.started.isoformat()
    assert [seed_of(text) for text in (whole, whole[:-6], whole.replace("T", " ")[:26])] == [3] * 3
    with pytest.raises(StoreError, match=r"3 runs started at 2\d{3}.*; name one of them: 3, base"):
        find_run(root, whole[:10])
    for text in ("other", "0", "4", "", "9" * 5000, "2001-01-01", "bas", "²"):
        assert find_run(root, text) is None


@pytest.mark.parametrize("name", ["1", "2026", "-x", "a b", "a/b", "..", "é", "a\n", "x" * 65])
def test_a_name_that_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="invalid run name"):
        RunRequest(name=name)


def test_a_command_that_continues_a_run_keeps_its_name(pipeline_toy: PipelineToy) -> None:
    request = pipeline_toy.request(name="base")
    with pipeline_toy.open(request) as run:
        assert "--name base" in request.building("join").command(run.store.root)


def test_states_of_runs(pipeline_toy: PipelineToy) -> None:
    with pipeline_toy.open() as run:
        record = begin_run_record(run)
        root = run.store.root
        assert [run_state(one, root) for one in all_runs(root)] == ["running"]
        assert list(runs(root)) == []
        assert [(row.state, row.nodes) for row in run_rows(root)] == [("running", 0)]
    # Without `write_run_record`, as if the process had been killed.
    assert [run_state(one, root) for one in all_runs(root)] == ["killed"]
    with pipeline_toy.open() as run:
        run.build(run.selected[0])
        write_run_record(run, begin_run_record(run))
    with pipeline_toy.open() as run:
        run.interruption.interrupt()
        with pytest.raises(PipelineError):
            run.build(run.selected[0])
        write_run_record(run)
    with pipeline_toy.built() as run:
        write_run_record(run)
    assert [row.state for row in run_rows(root)] == ["finished", "stopped", "failed", "killed"]
    assert [row.number for row in run_rows(root)] == ["4", "3", "2", "1"]
    assert len(record_paths(root)) == 4
    assert record == record_paths(root)[0]


def test_the_list_shows_what_a_run_changed(pipeline_toy: PipelineToy) -> None:
    request = pipeline_toy.request("bpe.seed=5", name="base", until="join")
    with pipeline_toy.built(request) as run:
        write_run_record(run)
    (row,) = run_rows(run.store.root)
    assert row.changes == ("bpe.seed=5", "--until join")
    assert (row.name, row.nodes, row.selected, row.figures) == ("base", 3, 3, {})
    assert list(run_rows(run.store.root, "mini15")) == []
    assert list(run_rows(run.store.root, request.profile)) == [row]
