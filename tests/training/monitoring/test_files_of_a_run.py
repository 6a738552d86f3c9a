"""The files that a run writes to its logs: event files, figures, documents."""

import json
import logging
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.training.runs import ALONE, BrokenAt18, files, json_lines, make_trainer
from xlm.dataloader.mixture import preview
from xlm.display.plotting import Style
from xlm.training.launch.distributed import ProcessGroup
from xlm.training.launch.job import PretrainJob
from xlm.training.monitoring import curves, mixture, tensorboard, throughput
from xlm.training.records.curves import read_curves
from xlm.training.records.plots import plot_curves
from xlm.training.trainer import Trainer

pytestmark = pytest.mark.slow

MakeJob = Callable[..., PretrainJob]


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    found = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    found.Reload()
    return {
        tag: [(event.step, event.value) for event in found.Scalars(tag)]
        for tag in found.Tags()["scalars"]
    }


def png_size(path: Path) -> tuple[int, int]:
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", content[16:24])
    return width, height


def test_event_files_hold_every_number_of_the_run(make_job: MakeJob) -> None:
    job = make_job(tensorboard=True, speed_updates=4)
    make_trainer(job).run()
    found = scalars(job.logs / "tensorboard")
    records = json_lines(job.out / "metrics.jsonl")
    for name in ("learning_rate", "gradient_norm", "tokens"):
        expected = [(r["step"], pytest.approx(r[name], rel=1e-6)) for r in records]
        assert found[f"training/{name}"] == expected
    for objective in ("mlm", "tlm"):
        assert found[f"training/loss/{objective}"] == [
            (r["step"], pytest.approx(r["loss"][objective], rel=1e-6))
            for r in records
            if objective in r["loss"]
        ]
    assert [step for step, _ in found["speed/tokens_per_second"]] == [4, 8, 12, 16, 20]
    assert {"speed/seconds_left", "speed/waiting_share"} <= found.keys()
    validations = json.loads((job.out / "validation.json").read_text())["validations"]
    assert found["validation/valid_sw_mlm_ppl"] == [
        (v["step"], pytest.approx(v["valid_sw_mlm_ppl"], rel=1e-6)) for v in validations
    ]
    by_task = {name.rsplit("/", 1)[1] for name in found if "loss_by_step" in name}
    assert by_task == {name for record in records for name in record["loss_by_step"]}


def test_a_resumed_run_has_every_event_once(make_job: MakeJob) -> None:
    shape: dict[str, object] = {"tensorboard": True, "speed_updates": 1, "metrics_updates": 2}
    straight = make_job("straight", **shape)
    make_trainer(straight).run()
    job = make_job("again", checkpoint_updates=7, **shape)

    with pytest.raises(KeyboardInterrupt):
        make_trainer(job, kind=BrokenAt18).run()
    # The events are on disk, although the file was not closed.
    assert scalars(job.logs / "tensorboard")["speed/tokens_per_second"][-1][0] == 18
    make_trainer(job).run()
    found, expected = (scalars(j.logs / "tensorboard") for j in (job, straight))
    assert found.keys() == expected.keys()
    for tag, points in expected.items():
        if tag.startswith("speed/"):  # measured, so only the steps are equal
            assert [step for step, _ in found[tag]] == [step for step, _ in points]
        else:
            assert found[tag] == points


def test_a_run_without_tensorboard_and_figures_writes_neither(make_job: MakeJob) -> None:
    job = make_job()
    make_trainer(job).run()
    assert sorted(path.name for path in job.logs.iterdir()) == ["mixture.md", "speed.jsonl"]


@pytest.fixture
def _fonts(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path_factory.getbasetemp() / "matplotlib"))


@pytest.mark.usefixtures("_fonts")
def test_the_mixture_is_reported_before_the_first_update(make_job: MakeJob) -> None:
    job = make_job(figures=True)

    class Stopped(Trainer):
        def _update(self, batch: Any) -> float:
            raise KeyboardInterrupt

    trainer = make_trainer(job, kind=Stopped)
    with pytest.raises(KeyboardInterrupt):
        trainer.run()
    rows = preview.mixture(trainer.loader, trainer.config)
    assert png_size(job.logs / "mixture.png") == (1000, round(100 * (1.5 + 0.3 * len(rows))))
    table = (job.logs / "mixture.md").read_text()
    for row in rows:
        assert f"| {row.task} | {row.lines:,} | {row.tokens:,} |" in table
        assert f"{row.batch_tokens:,.0f} | {row.repetitions:,.2f} |" in table


@pytest.mark.usefixtures("_fonts")
def test_curves_are_plotted_during_the_run_and_at_its_end(make_job: MakeJob) -> None:
    job = make_job(figures=True)
    plotted: list[tuple[int, bytes]] = []

    class Observed(Trainer):
        def _validate(self) -> None:
            super()._validate()
            plotted.append((self.state.update, (job.logs / "curves.png").read_bytes()))

    make_trainer(job, kind=Observed).run()
    assert [update for update, _ in plotted] == [10, 20]
    assert png_size(job.logs / "curves.png") == (1000, 760)
    # The second validation came too soon after the first plot. The end plots in any case.
    assert plotted[0][1] == plotted[1][1]
    assert (job.logs / "curves.png").read_bytes() != plotted[1][1]
    again = job.logs / "again.png"
    validations = json.loads((job.out / "validation.json").read_text())["validations"]
    plot_curves(again, read_curves(job.out / "metrics.jsonl", validations), Style(100))
    assert again.read_bytes() == (job.logs / "curves.png").read_bytes()
    document = (job.logs / "curves.md").read_text()
    assert f"| perplexity, Swahili | 20 | {validations[-1]['valid_sw_mlm_ppl']:.4g} |" in document
    before, picture, after = document.partition("![curves](data:image/png;base64,")
    assert picture
    assert before == "## Curves\n\n"
    assert "\n| curve |" in after


def test_a_file_that_cannot_be_written_does_not_stop_a_run(
    make_job: MakeJob, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    plain = make_job("plain")
    make_trainer(plain).run()

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no fonts")

    monkeypatch.setattr(mixture, "plot_mixture", fail)
    monkeypatch.setattr(curves, "plot_curves", fail)
    monkeypatch.setattr(tensorboard.EventFiles, "write", fail)
    monkeypatch.setattr(throughput.ThroughputMeter, "count", fail)
    job = make_job("broken", figures=True, tensorboard=True)
    with caplog.at_level(logging.WARNING):
        make_trainer(job).run()
    assert files(job.out) == files(plain.out)
    messages = [record.getMessage() for record in caplog.records]
    for name in ("mixture", "throughput", "tensorboard", "curves"):
        assert messages.count(f"{name} failed, training continues: no fonts") == 1


class Follower(ProcessGroup):
    """The group of a process that is not the main process, and trains alone."""

    @property
    def is_main_process(self) -> bool:
        return False


def test_only_the_main_process_writes_files(make_job: MakeJob) -> None:
    job = make_job(tensorboard=True, figures=True)
    make_trainer(job, group=Follower(0, 1, ALONE.device)).run()
    assert list(job.logs.iterdir()) == []
