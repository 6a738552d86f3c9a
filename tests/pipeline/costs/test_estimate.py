"""Estimates of a run: totals of the paper, sizes of sources, own rates, and a disk too small."""

import json
import platform
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.repository import REPOSITORY
from xlm.engine.plan import plan_all
from xlm.errors import StoreError
from xlm.pipeline.costs import space
from xlm.pipeline.costs.estimate import Estimate, StageEstimate, estimate_run
from xlm.pipeline.costs.rates import rate_table
from xlm.pipeline.costs.recorded import LEAST_BYTES, recorded_rates
from xlm.pipeline.dag import graph_of
from xlm.pipeline.request import RunRequest
from xlm.report.planned_costs import cost_table, costs_as_json, total_lines
from xlm.stages.registry import STAGES
from xlm.store.store import ArtifactStore

WIKIPEDIA_EN = (
    "https://dumps.wikimedia.org/enwiki/20261101/enwiki-20261101-pages-articles-multistream.xml.bz2"
)
HOUR, GIGABYTE = 3600, 10**9


def estimate(root: Path, workers: int = 2, **fields: Any) -> Estimate:
    request = RunRequest(**fields)
    graph, store = graph_of(request), ArtifactStore.open(str(root), write=False)
    planned = plan_all(graph, request, store)
    selected = graph.select(until=request.until, only=request.only)
    return estimate_run(graph, planned, selected, store, workers)


def stage(found: Estimate, name: str) -> StageEstimate:
    return next(one for one in found.stages if one.stage == name)


def test_the_totals_of_the_paper_have_the_magnitude_of_its_extrapolation(tmp_path: Path) -> None:
    """Measured growth gives about 20 CPU hours, 400 GB that stay and 500 GB at the peak."""
    found = estimate(tmp_path, profile="xnli15")
    assert 50 * GIGABYTE < found.download_bytes < 90 * GIGABYTE
    assert found.size_origins["assumed"] > found.size_origins["catalogue"] > 5 * GIGABYTE
    assert 15 * HOUR < found.cpu_seconds < 50 * HOUR
    assert 300 * GIGABYTE < found.stays_bytes < found.disk_bytes < 600 * GIGABYTE
    assert found.without_time == ("pretrain", "finetune", "score", "select", "evaluate", "publish")
    assert found.memory_bytes > 2 * GIGABYTE  # the learner
    assert {one.origin for one in found.stages} == {"table", ""}


def test_more_workers_shorten_only_stages_that_use_them(tmp_path: Path) -> None:
    few, many = (estimate(tmp_path, workers, profile="xnli15") for workers in (2, 64))
    assert few.cpu_seconds == many.cpu_seconds
    assert stage(few, "tokenize").wall_seconds == pytest.approx(
        32 * stage(many, "tokenize").wall_seconds
    )
    assert stage(few, "download").wall_seconds == stage(many, "download").wall_seconds
    small = ("bpe.sample_lines=2000000",)
    few, many = (estimate(tmp_path, n, profile="xnli15", overrides=small) for n in (2, 64))
    assert stage(few, "learn-bpe").wall_seconds == pytest.approx(
        stage(many, "learn-bpe").wall_seconds, rel=0.01
    )


def test_fastbpe_needs_more_memory_than_the_deterministic_learner(tmp_path: Path) -> None:
    fast, other = (
        estimate(tmp_path, profile="xnli15", overrides=(f"bpe.learner={name}",))
        for name in ("fastbpe", "deterministic")
    )
    assert stage(fast, "learn-bpe").memory_bytes > 3 * stage(other, "learn-bpe").memory_bytes


def test_a_bounded_sample_of_merges_bounds_their_cost(tmp_path: Path) -> None:
    def learning(lines: str, learner: str = "deterministic") -> StageEstimate:
        settings = (f"bpe.sample_lines={lines}", f"bpe.learner={learner}")
        return stage(estimate(tmp_path, profile="xnli15", overrides=settings), "learn-bpe")

    some, more, everything = learning("2000000"), learning("40000000"), learning("null")
    for field in ("cpu_seconds", "memory_bytes"):
        values = [getattr(one, field) for one in (some, more, everything)]
        assert values == sorted(values)
        assert values[0] < values[2] / 3
    # The text of a small sample is written, and of a large one only counts of words.
    assert some.scratch_bytes < GIGABYTE
    assert more.scratch_bytes < learning("40000000", "fastbpe").scratch_bytes / 2
    assert more.wall_seconds < more.cpu_seconds
    assert some.wall_seconds == pytest.approx(some.cpu_seconds, rel=0.01)


def test_sizes_come_from_the_lock_and_from_a_mirror(tmp_path: Path) -> None:
    lock = tmp_path / "own.lock.yaml"
    url = "https://dumps.wikimedia.org/swwiki/20261101/swwiki-20261101-pages-articles-multistream"
    lock.write_text(
        "version: 1\ndownloads:\n  wikipedia.sw:\n"
        f"    url: {url}.xml.bz2\n    size_bytes: 12345\n    sha256: {'ab' * 32}\n"
        "    date: '2026-11-28'\n"
    )
    fields: dict[str, Any] = {
        "profile": "xnli15",
        "languages": ("en", "sw"),
        "only": ("download[wikipedia.sw]",),
    }
    found = estimate(tmp_path, overrides=(f"sources.lock={lock}",), **fields)
    assert found.size_origins == {"lock": 12345}
    mirror = tmp_path / "mirror"
    file = mirror / url.removeprefix("https://")
    file = file.with_name(file.name + ".xml.bz2")
    file.parent.mkdir(parents=True)
    file.write_bytes(b"x" * 777)
    found = estimate(tmp_path, overrides=(f"sources.mirror={mirror}",), **fields)
    assert found.size_origins == {"mirror": 777}
    assert found.download_bytes == 0  # nothing crosses a network


def test_a_mirror_of_complete_dumps_counts_with_the_part_that_is_used(tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    dump = mirror / "dumps.wikimedia.org/swwiki/20261101"
    dump.mkdir(parents=True)
    with (dump / "swwiki-20261101-pages-articles-multistream.xml.bz2").open("wb") as file:
        file.truncate(5 * GIGABYTE)
    settings = (f"sources.mirror={mirror}", "sources.wikipedia.date=20261101")
    unit = "download[wikipedia.sw]"
    whole = estimate(tmp_path, profile="xnli15", until=unit, overrides=settings)
    assert stage(whole, "download").output_bytes == 5 * GIGABYTE
    part = (*settings, "sources.wikipedia.head_bytes=3000000")
    assert (
        stage(
            estimate(tmp_path, profile="xnli15", until=unit, overrides=part), "download"
        ).output_bytes
        == 3_000_000
    )


def test_limits_of_rows_bound_what_is_written(tmp_path: Path) -> None:
    settings = ("sources.max_pairs=1000", "sources.max_train_rows=500", "sources.max_eval_rows=100")
    limited = estimate(tmp_path, profile="xnli15", until="extract-parallel", overrides=settings)
    assert stage(limited, "extract-parallel").output_bytes < 20_000_000
    rows = estimate(tmp_path, profile="xnli15", until="extract-xnli", overrides=settings)
    assert stage(rows, "extract-xnli").output_bytes < 10_000_000


def test_own_files_count_with_their_size(tmp_path: Path) -> None:
    text = tmp_path / "sw.txt"
    text.write_bytes(b"x" * 4_000_000)
    profile = tmp_path / "own.yaml"
    profile.write_text(
        "languages: [sw]\nclassify: null\nsources:\n  text:\n"
        f"    - {{name: own, language: sw, kind: text, path: '{text}', licence: CC0-1.0}}\n"
    )
    found = estimate(tmp_path, profile=str(profile), until="split")
    assert stage(found, "extract-text").input_bytes == 4_000_000


def test_revisions_take_disk(tmp_path: Path) -> None:
    few, more = (
        estimate(tmp_path, profile="xnli15", overrides=("pretrain.updates=1000", *overrides))
        for overrides in ((), ("pretrain.revision_updates=250",))
    )
    for name in ("pretrain", "publish"):
        assert stage(more, name).output_bytes == 4 * stage(few, name).output_bytes
    weights = stage(few, "pretrain").output_bytes
    added = stage(more, "pretrain").scratch_bytes - stage(few, "pretrain").scratch_bytes
    assert added == 3 * weights
    assert stage(more, "finetune").output_bytes == stage(few, "finetune").output_bytes


def test_nothing_to_build_costs_nothing() -> None:
    empty = Estimate((), 2, 0, 0.0, {}, {}, 0, 0, (), "")
    assert list(total_lines(empty)) == []
    assert (empty.cpu_seconds, empty.wall_seconds, empty.memory_bytes) == (0, 0, 0)


def test_the_lines_say_what_is_assumed(tmp_path: Path) -> None:
    found = estimate(tmp_path, profile="xnli15")
    first, second = total_lines(found)
    assert "GB to download (54.9 GB assumed, " in first
    assert "at a polite rate; " in first
    assert "of disk at most" in first
    assert (
        "with 2 workers, without pretrain, finetune, score, select, evaluate and publish; "
        in second
    )
    assert f"of memory; rates of a reference machine ({rate_table().machine})" in second
    header, rows = cost_table(found)
    assert all(len(row) == len(header) for row in rows)
    assert rows[-1][0] == "all"
    assert json.loads(json.dumps(costs_as_json(found)))["stages"][0]["stage"] == "download"


def _built(
    root: Path, key: str, input_bytes: int, host: str, stage: str = "tokenize", unit: str = "sw"
) -> None:
    directory = root / "artifacts" / stage / key
    directory.mkdir(parents=True)
    run = {
        "host": host,
        "input_bytes": input_bytes,
        "cpu_seconds": input_bytes / 10**9 * 777,
        "peak_memory_bytes": 123,
    }
    manifest = {
        "unit": unit,
        "files": [{"path": "text", "size_bytes": input_bytes // 2}],
        "volatile": [{"path": "documents.00000.parquet", "size_bytes": input_bytes}],
    }
    (directory / "run.json").write_text(json.dumps(run))
    (directory / "manifest.json").write_text(json.dumps(manifest))


def test_own_rates_come_before_those_of_the_table(tmp_path: Path) -> None:
    store = ArtifactStore.open(str(tmp_path))
    _built(tmp_path, "a" * 24, LEAST_BYTES - 1, platform.node())
    _built(tmp_path, "b" * 24, LEAST_BYTES, "elsewhere")
    (tmp_path / "artifacts" / "tokenize" / ("d" * 24)).mkdir()  # measured by no one
    assert recorded_rates(store) == {}  # too little to say anything
    _built(tmp_path, "c" * 24, 1, platform.node())
    rate = recorded_rates(store)["tokenize", "sw"]
    assert rate.cpu_seconds_per_gigabyte == pytest.approx(777)
    assert rate.output_per_input == pytest.approx(0.5)
    assert (rate.memory_bytes, rate.origin) == (123, "recorded")
    found = estimate(tmp_path, profile="xnli15")
    assert stage(found, "tokenize").origin == "recorded"
    assert "rates of earlier runs on this machine for tokenize, else" in list(total_lines(found))[1]


def test_the_recorded_time_of_merges_is_that_for_the_corpus(tmp_path: Path) -> None:
    _built(tmp_path, "a" * 24, LEAST_BYTES, platform.node(), "learn-bpe", "all")
    found = stage(
        estimate(tmp_path, profile="xnli15", overrides=("bpe.sample_lines=500000",)), "learn-bpe"
    )
    assert found.origin == "recorded"
    assert found.cpu_seconds == pytest.approx(found.input_bytes / GIGABYTE * 777, rel=0.01)


def test_a_damaged_cache_of_measurements_is_read_again(tmp_path: Path) -> None:
    store = ArtifactStore.open(str(tmp_path))
    _built(tmp_path, "a" * 24, LEAST_BYTES, platform.node())
    first = recorded_rates(store)
    cache = tmp_path / "cache" / "costs" / "measured.json"
    assert json.loads(cache.read_text())
    assert recorded_rates(store) == first
    for text in ("{", "[]", '{"tokenize/' + "a" * 24 + '": ["sw", 3, 1, 1, 1, 1]}'):
        cache.write_text(text)
        assert recorded_rates(store) == first


def test_every_stage_of_the_data_half_has_a_rate() -> None:
    rates = {stage for stage, _ in rate_table().rates}
    needed = {one.name for one in STAGES} - {"make-world", "download"}
    assert needed - rates == {
        "pretrain", "finetune", "score", "select", "evaluate", "publish",
    }  # fmt: skip


class _Run:
    """The parts of a run that the check of the disk reads."""

    def __init__(self, root: Path, **fields: Any) -> None:
        self.request = RunRequest(profile="xnli15", **fields)
        self.graph = graph_of(self.request)
        self.store = ArtifactStore.open(str(root))
        self.selected = self.graph.select(until=self.request.until)
        self.workers, self.remote = 2, None


@pytest.mark.parametrize(("free_gigabytes", "refused"), [(100, True), (2000, False)])
def test_a_run_that_the_disk_cannot_hold_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free_gigabytes: int, refused: bool
) -> None:
    monkeypatch.setattr(space, "free_space", lambda root: free_gigabytes * GIGABYTE)
    run: Any = _Run(tmp_path)
    if not refused:
        space.require_disk_space(run)
        return
    with pytest.raises(StoreError) as caught:
        space.require_disk_space(run)
    line = str(caught.value)
    assert line.startswith("the run needs about ")
    assert f" on the disk of {tmp_path}, which has 100.0 GB free; free some space" in line
    assert "--force" in line
    forced: Any = _Run(tmp_path, force=True)
    space.require_disk_space(forced)  # only warns
    small: Any = _Run(tmp_path, languages=("en", "sw"), until="download[wikipedia.sw]")
    space.require_disk_space(small)


def test_downloads_of_exact_size_must_fit_without_any_tolerance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run: Any = _Run(tmp_path, languages=("en", "sw"), until="download")
    sizes = space.require_disk_space(run)
    known = sum(size for node, size in sizes.items() if not node.unit.startswith("wikipedia"))
    assert {node.stage for node in sizes} == {"download"}
    total = sum(sizes.values())
    monkeypatch.setattr(space, "free_space", lambda root: total * 0.9)
    assert space.require_disk_space(run) == sizes  # dumps of assumed size: a warning
    lock = tmp_path / "all.lock.yaml"
    entry = {"url": WIKIPEDIA_EN, "size_bytes": total, "sha256": "0" * 64, "date": "2026-11-28"}
    lock.write_text(yaml.safe_dump({"version": 1, "downloads": {"wikipedia.en": entry}}))
    overrides = (f"sources.lock={lock}",)
    locked: Any = _Run(tmp_path, languages=("en", "sw"), until="download", overrides=overrides)
    monkeypatch.setattr(space, "free_space", lambda root: total - 1)
    with pytest.raises(StoreError, match="the run needs about"):
        space.require_disk_space(locked)
    # What the catalogue of OPUS adds is approximate.
    monkeypatch.setattr(space, "free_space", lambda root: total + known // 4)
    space.require_disk_space(locked)


def test_the_free_space_is_that_of_the_disk_of_a_root_that_does_not_exist(tmp_path: Path) -> None:
    assert space.free_space(tmp_path / "not" / "there") > 0


def test_the_committed_rates_are_those_of_the_script() -> None:
    values = json.loads((REPOSITORY / "xlm/pipeline/costs/rates.json").read_text())
    assert values["made_by"] == "bench/cost_rates.py"
