"""The expected mixture, as a figure and as a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from xlm.config.training.pretrain import PretrainConfig
from xlm.dataloader.mixture.figure import mixture_markdown, plot_mixture, short_number
from xlm.dataloader.mixture.preview import MixtureRow, mixture
from xlm.display.plotting import Style

ROWS = [
    MixtureRow("mlm.en", 5_000, 120_000, 0.75, 900.0, 14_745_600.0, 122.88),
    MixtureRow("tlm.en-sw", 400, 9_000, 1.0, 300.0, 1_200_000.0, 133.3),
]


def test_the_table_has_expected_tokens_and_repetitions() -> None:
    lines = mixture_markdown(ROWS).splitlines()
    assert lines[2].split("|")[1].strip() == "task"
    assert lines[4] == "| mlm.en | 5,000 | 120,000 | 0.750 | 900 | 14,745,600 | 122.88 |"


@pytest.mark.slow
def test_the_figure_does_not_depend_on_the_order_of_the_rows(tmp_path: Path) -> None:
    for name, rows in (("a", ROWS), ("b", ROWS[::-1]), ("c", ROWS[:1])):
        plot_mixture(tmp_path / name, rows, Style(50))
    a, b, c = ((tmp_path / name).read_bytes() for name in "abc")
    assert a == b != c


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.123456, "0.123"), (12.0, "12"), (999.0, "999"), (1500.0, "1.5k"),
     (14_745_600.0, "14.7M"), (2.5e9, "2.5G"), (3e13, "30T")],
)  # fmt: skip
def test_short_numbers(value: float, text: str) -> None:
    assert short_number(value) == text


@dataclass(frozen=True)
class _Task:
    name: str
    objective: str
    lines: int
    tokens: int


@dataclass(frozen=True)
class _Loader:
    tasks: Sequence[_Task]

    def probability(self, number: int) -> float:
        return 1.0

    def share_of_updates(self, objective: str) -> float:
        return 0.5


@pytest.mark.parametrize(
    ("languages", "tokens", "seen", "times"),
    [
        (1, {"mlm": 1_024_000, "tlm": 10**6}, {"mlm": 1024, "tlm": 4000}, None),
        (4, {"mlm": 1_024_000, "tlm": 1000}, {"mlm": 1024, "tlm": 4000}, None),  # 1,000 per task
        (1, {"mlm": 1536, "tlm": 5000}, {"mlm": 768, "tlm": 2500}, 0.5),  # two batches, not full
        (4, {"mlm": 100, "tlm": 400}, {"mlm": 400, "tlm": 1600}, 4.0),  # all of it, four times
    ],
)
def test_expected_tokens_of_a_task_in_an_update(
    languages: int, tokens: dict[str, int], seen: dict[str, int], times: float | None
) -> None:
    config = PretrainConfig(
        updates=2, stream_rows=64, stream_tokens=16, languages_per_batch=languages
    )
    tasks = [_Task(name, name, 1, tokens[name]) for name in ("mlm", "tlm")]
    loader: Any = _Loader(tasks)
    for row in mixture(loader, config):
        assert row.batch_tokens == seen[row.task]
        assert row.repetitions == (times or seen[row.task] / tokens[row.task])
