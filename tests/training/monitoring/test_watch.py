"""What a run leaves in its logs for those who watch it."""

import json
import logging
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.training.runs import BrokenAt18
from xlm.dataloader.mixture.preview import mixture
from xlm.display.plotting import Style
from xlm.training.launch.distributed import ProcessGroup
from xlm.training.launch.job import PretrainJob
from xlm.training.monitoring import watch
from xlm.training.monitoring.curves import plot_curves, read_curves
from xlm.training.trainer import Trainer

pytestmark = pytest.mark.slow

MakeJob = Callable[..., PretrainJob]
ALONE = ProcessGroup(0, 1, torch.device("cpu"))


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    found = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    found.Reload()
    return {
        tag: [(event.step, event.value) for event in found.Scalars(tag)]
        for tag in found.Tags()["scalars"]
    }


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def png_size(path: Path) -> tuple[int, int]:
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", content[16:24])
    return width, height


def test_event_files_hold_every_number_of_the_run(make_job: MakeJob) -> None:
    job = make_job(tensorboard=True, speed_updates=4)
    Trainer(job, ALONE).run()
    found = scalars(job.logs / "tensorboard")
    records = lines(job.out / "metrics.jsonl")
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


def test_a_resumed_run_has_no_point_twice_and_none_missing(make_job: MakeJob) -> None:
    shape: dict[str, object] = {"tensorboard": True, "speed_updates": 1, "metrics_updates": 2}
    straight = make_job("straight", **shape)
    Trainer(straight, ALONE).run()
    job = make_job("again", checkpoint_updates=7, **shape)

    with pytest.raises(KeyboardInterrupt):
        BrokenAt18(job, ALONE).run()
    # Whatever was written is on the disk, though nobody closed the file.
    assert scalars(job.logs / "tensorboard")["speed/tokens_per_second"][-1][0] == 18
    Trainer(job, ALONE).run()
    found, expected = (scalars(j.logs / "tensorboard") for j in (job, straight))
    assert found.keys() == expected.keys()
    for tag, points in expected.items():
        if tag.startswith("speed/"):  # measured: other values, at the same steps
            assert [step for step, _ in found[tag]] == [step for step, _ in points]
        else:
            assert found[tag] == points


def test_a_run_without_them_imports_and_writes_no_event_files(make_job: MakeJob) -> None:
    job = make_job()
    Trainer(job, ALONE).run()
    assert sorted(path.name for path in job.logs.iterdir()) == ["mixture.md", "speed.jsonl"]


@pytest.fixture
def _fonts(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path_factory.getbasetemp() / "matplotlib"))


@pytest.mark.usefixtures("_fonts")
def test_the_mixture_is_shown_before_the_first_update(make_job: MakeJob) -> None:
    job = make_job(figures=True)

    class Stopped(Trainer):
        def _update(self, batch: Any) -> float:
            raise KeyboardInterrupt

    trainer = Stopped(job, ALONE)
    with pytest.raises(KeyboardInterrupt):
        trainer.run()
    rows = mixture(trainer._loader, trainer._config)
    assert png_size(job.logs / "mixture.png") == (1000, round(100 * (1.5 + 0.3 * len(rows))))
    table = (job.logs / "mixture.md").read_text()
    for row in rows:
        assert f"| {row.step} | {row.lines:,} | {row.tokens:,} |" in table
        assert f"{row.batch_tokens:,.0f} | {row.repetitions:,.2f} |" in table


@pytest.mark.usefixtures("_fonts")
def test_curves_are_drawn_during_the_run_and_at_its_end(make_job: MakeJob) -> None:
    job = make_job(figures=True)
    drawn: list[tuple[int, bytes]] = []

    class Looking(Trainer):
        def _validate(self) -> None:
            super()._validate()
            drawn.append((self._state.update, (job.logs / "curves.png").read_bytes()))

    Looking(job, ALONE).run()
    assert [update for update, _ in drawn] == [10, 20]
    assert png_size(job.logs / "curves.png") == (1000, 760)
    # The second validation came too soon after the first picture; the end draws in any case.
    assert drawn[0][1] == drawn[1][1]
    assert (job.logs / "curves.png").read_bytes() != drawn[1][1]
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


def test_what_cannot_be_shown_ends_no_run(
    make_job: MakeJob, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    plain = make_job("plain")
    Trainer(plain, ALONE).run()

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no fonts")

    for name in ("plot_mixture", "plot_curves"):
        monkeypatch.setattr(watch, name, fail)
    monkeypatch.setattr(watch.EventFiles, "write", fail)
    monkeypatch.setattr(watch.ThroughputMeter, "count", fail)
    job = make_job("broken", figures=True, tensorboard=True)
    with caplog.at_level(logging.WARNING):
        Trainer(job, ALONE).run()
    assert {p.name: p.read_bytes() for p in job.out.iterdir()} == {
        p.name: p.read_bytes() for p in plain.out.iterdir()
    }
    told = [record.getMessage() for record in caplog.records]
    assert told.count("event files cannot be shown: no fonts") == 1
    assert told.count("the speed cannot be shown: no fonts") == 1
    assert told.count("the curves cannot be shown: no fonts") == 1
    assert "the mixture cannot be shown: no fonts" in told


class Follower(ProcessGroup):
    """Another process than the leading one, without one that leads."""

    @property
    def is_main_process(self) -> bool:
        return False


def test_only_the_leading_process_watches(make_job: MakeJob) -> None:
    job = make_job(tensorboard=True, figures=True)
    trainer = Trainer(job, Follower(0, 1, torch.device("cpu")))
    trainer.run()
    assert list(job.logs.iterdir()) == []
