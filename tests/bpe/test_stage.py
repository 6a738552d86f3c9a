"""The stage learn-bpe: its sample, its learners, and the packages that it imports."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.bpe.learning.naive_learner import NaiveLearner, words_of
from xlm.bpe.learning import memory
from xlm.config.reading.resolve import resolve
from xlm.engine.building.mapper import ExecutorMapper, SerialMapper, Usage
from xlm.engine.stage import ALL, Mapper, StageContext, StageResult
from xlm.errors import DataError
from xlm.processes.pool.executor import worker_pool
from xlm.stages.text import bpe_sample
from xlm.stages.text.learn_bpe import LEARN_BPE

ENGLISH = ["the lower house met", "newer laws they called the lowest"] * 50
SWAHILI = ["bunge la chini lilikutana", "sheria mpya zilisemwa"] * 5
LINES = {"en/train.00000.txt": ENGLISH, "en/train.00001.txt": ENGLISH[:30]}
LINES |= {"sw/train.00000.txt": SWAHILI, "en/valid.00000.txt": ["never learned from"]}
LINES |= {"en-sw/train.00000.en.txt": ENGLISH[:9], "en-sw/train.00000.sw.txt": SWAHILI[:9]}


def _run(folder: Path, mapper: Mapper, workers: int, *overrides: str) -> tuple[StageResult, str]:
    for name, lines in LINES.items():
        path = folder / "tokenized" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    folders = {name: folder / name for name in ("out", "scratch", "logs")}
    for path in folders.values():
        path.mkdir(parents=True, exist_ok=True)
    config = resolve("sample", ["languages=[en, sw]", "bpe.codes=40", *overrides])
    inputs = {unit: folder / "tokenized" / unit for unit in ("en", "sw", "en-sw")}
    context = StageContext(
        ALL, LEARN_BPE.slice(config, ALL), inputs, **folders, mapper=mapper, workers=workers
    )
    result = LEARN_BPE.run(context)
    assert {path.name for path in (folder / "scratch").iterdir()} <= {"records"}
    return result, (folder / "out" / "codes").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("learner", "max_text_bytes"),
    [("fastbpe", 1 << 30), ("deterministic", 1 << 30), ("deterministic", 0)],
)
def test_sample_and_merges_do_not_depend_on_the_number_of_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, learner: str, max_text_bytes: int
) -> None:
    monkeypatch.setattr(bpe_sample, "MAX_TEXT_BYTES", max_text_bytes)
    override = f"bpe.learner={learner}"
    one = _run(tmp_path / "one", SerialMapper(), 1, override)
    with worker_pool(2, tmp_path / "tools") as pool:
        two = _run(tmp_path / "two", ExecutorMapper(pool, Usage()), 2, override)
    assert one[1] == two[1]
    assert one[0].counts == two[0].counts
    counts = one[0].counts
    assert (counts["codes"], counts["pairs_exhausted"]) == (40, 0)
    assert (counts["lines_en"], counts["lines_sw"]) == (139, 19)
    # n^0.5 shares of 158 lines: 115.4 and 42.6.
    assert counts["sampled_en"] == pytest.approx(115, abs=15)
    assert counts["sampled_sw"] == pytest.approx(43, abs=6)
    assert float(one[0].measured["peak_memory_bytes"]) > 1_000_000


def test_fastbpe_is_refused_if_its_words_do_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    types = len({word for name, lines in LINES.items() if "train" in name for line in lines
                 for word in line.split()})  # fmt: skip
    monkeypatch.setattr(memory, "available_bytes", lambda: types * 1300)
    _run(tmp_path / "enough", SerialMapper(), 1, "bpe.sample_alpha=1")
    monkeypatch.setattr(memory, "available_bytes", lambda: types * 1300 - 1)
    with pytest.raises(DataError, match=f"for the {types} distinct words") as refused:
        _run(tmp_path / "little", SerialMapper(), 1, "bpe.sample_alpha=1")
    assert "bpe.learner=deterministic" in refused.value.fix
    _run(tmp_path / "ours", SerialMapper(), 1, "bpe.sample_alpha=1", "bpe.learner=deterministic")


@pytest.mark.parametrize("max_text_bytes", [0, 1 << 30])
def test_with_alpha_1_each_line_is_sampled_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, max_text_bytes: int
) -> None:
    """From the text, and from the counts of the workers."""
    monkeypatch.setattr(bpe_sample, "MAX_TEXT_BYTES", max_text_bytes)
    override = ("bpe.sample_alpha=1", "bpe.learner=deterministic")
    result, codes = _run(tmp_path, SerialMapper(), 1, *override)
    counts = result.counts
    assert all(counts[f"sampled_{code}"] == counts[f"lines_{code}"] for code in ("en", "sw"))
    lines = [line for name, found in LINES.items() if "train" in name for line in found]
    assert codes == "".join(NaiveLearner(words_of("\n".join(lines))).learn(40)[0])


def test_sample_size_and_seed_change_the_sample(tmp_path: Path) -> None:
    override = ("bpe.sample_lines=40", "bpe.learner=deterministic")
    first, _ = _run(tmp_path / "first", SerialMapper(), 1, *override)
    other, _ = _run(tmp_path / "other", SerialMapper(), 1, *override, "bpe.seed=1")
    sampled = [sum(int(o.counts[f"sampled_{c}"]) for c in ("en", "sw")) for o in (first, other)]
    assert sampled == pytest.approx([40, 40], abs=15)
    assert first.counts != other.counts


def test_empty_train_splits_are_refused(tmp_path: Path) -> None:
    context = StageContext(
        ALL,
        LEARN_BPE.slice(resolve("sample", []), ALL),
        {"en": tmp_path},
        *(tmp_path for _ in range(3)),
        mapper=SerialMapper(),
        workers=1,
    )
    with pytest.raises(DataError, match="all train splits are empty; check the sources"):
        LEARN_BPE.run(context)


def test_filters_import_no_heavy_package() -> None:
    """`xlm bpe learn` and `xlm encode` must start fast."""
    modules = "xlm.bpe.apply, xlm.bpe.codes_file, xlm.bpe.learning.learners, xlm.bpe.vocabulary"
    code = f"import sys, {modules}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    heavy = {"torch", "prefect", "pyarrow", "transformers", "numpy", "pydantic", "fastBPE"}
    assert heavy.isdisjoint(loaded.stdout.split())
