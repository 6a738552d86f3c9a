"""The text stages from split text to shards: counts, and bytes that never vary."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.repository import REPOSITORY
from tests.shards.text_path import UNITS, digests, run_text_path
from xlm.bpe.vocabulary import load_vocabulary
from xlm.config.data.tasks import XNLI_LABELS
from xlm.config.reading.resolve import resolve
from xlm.engine.building.mapper import SerialMapper
from xlm.engine.stage import StageResult
from xlm.errors import DataError
from xlm.shards.reader import read_examples, read_lines, read_pairs
from xlm.stages.text.tokenize import TOKENIZE

Run = tuple[Path, dict[str, StageResult]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    root = tmp_path_factory.mktemp("text-path")
    return root, run_text_path(root, SerialMapper())


@pytest.mark.slow
def test_each_stage_reports_its_counts(run: Run) -> None:
    _, results = run
    assert results["tokenize.en"].counts["train_lines"] == 100
    assert results["tokenize.xnli.en"].counts["train_tokens"] == 6
    learned = results["learn-bpe.all"].counts
    assert learned["lines_en"] == 102
    assert learned["lines_sw"] == 22
    assert learned["lines_zh"] == 2
    assert learned["codes"] == 60
    # Shares of 102, 22 and 2 lines at alpha 0.5, of a sample of 100 lines.
    assert learned["sampled_en"] == pytest.approx(62, abs=10)
    assert learned["sampled_sw"] == pytest.approx(29, abs=5)
    assert learned["sampled_zh"] == pytest.approx(9, abs=2)
    vocabulary = results["vocabulary.all"].counts
    assert vocabulary["size"] == 70
    assert vocabulary["unknown"]


def test_counts_agree_between_stages(run: Run) -> None:
    root, results = run
    for unit in UNITS:
        shard, applied = results[f"shard.{unit}"].counts, results[f"apply-bpe.{unit}"].counts
        for split in ("train", "valid", "test"):
            if f"{split}_lines" not in shard:
                continue
            assert shard[f"{split}_tokens"] == applied[f"{split}_tokens"]
            words = results[f"tokenize.{unit}"].counts[f"{split}_tokens"]
            assert applied[f"{split}_words"] == words
    report = json.loads((root / "vocabulary" / "all" / "out" / "report.json").read_text())
    assert sorted(report) == ["en", "sw", "zh"]
    # English: its monolingual lines and its side of the pair.
    assert report["en"]["tokens"] == (
        results["shard.en"].counts["train_tokens"]
        + read_pairs(
            root / "shard" / "en-sw" / "out", "train", vocabulary_hash(results)
        ).first.offsets[-1]
    )


def test_the_vocabulary_refuses_another_codes_file(run: Run, tmp_path: Path) -> None:
    root, _ = run
    vocabulary = load_vocabulary(root / "vocabulary" / "all" / "out")
    codes = root / "learn-bpe" / "all" / "out" / "codes"
    vocabulary.require_codes_hash(codes)
    (tmp_path / "codes").write_bytes(codes.read_bytes()[:-1])
    expected = f"but the vocabulary was made with {vocabulary.codes_hash}"
    with pytest.raises(DataError, match=expected):
        vocabulary.require_codes_hash(tmp_path / "codes")


def vocabulary_hash(results: dict[str, StageResult]) -> str:
    return str(results["vocabulary.all"].counts["hash"])


def test_all_kinds_of_shards_can_be_read(run: Run) -> None:
    root, results = run
    vocabulary = load_vocabulary(root / "vocabulary" / "all" / "out")
    assert vocabulary.hash == vocabulary_hash(results)
    lines = read_lines(root / "shard" / "en" / "out", "train", vocabulary.hash)
    assert len(lines) == 100
    pairs = read_pairs(root / "shard" / "en-sw" / "out", "valid", vocabulary.hash)
    assert pairs.languages == ("en", "sw")
    assert len(pairs.first) == len(pairs.second) == 2
    rows = read_examples(root / "shard" / "xnli.en" / "out", "train", vocabulary.hash, XNLI_LABELS)
    assert rows.labels.tolist() == [0]


def test_training_rows_of_xnli_keep_their_tokens(run: Run) -> None:
    root, _ = run
    folder = root / "tokenize" / "xnli.en" / "out"
    assert (folder / "train.tsv").read_text() == "it 's here .\tno !\tcontradiction\n"
    assert (folder / "test.tsv").read_text().split("\t")[1] == "don 't panic !"


@pytest.mark.slow
@pytest.mark.parametrize(("workers", "hash_seed", "locale"), [(2, "1", "C"), (1, "2", "C.UTF-8")])
def test_bytes_do_not_depend_on_workers_hash_seed_or_locale(
    run: Run, tmp_path: Path, workers: int, hash_seed: str, locale: str
) -> None:
    program = Path(__file__).with_name("text_path.py")
    environment = {
        **os.environ,
        "PYTHONHASHSEED": hash_seed,
        "LC_ALL": locale,
        "PYTHONPATH": str(REPOSITORY),
    }
    done = subprocess.run(
        [sys.executable, program, tmp_path, str(workers)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout) == digests(run[0])


def test_a_key_depends_only_on_the_segmenters_of_its_languages() -> None:
    config = resolve("sample", [])
    assert TOKENIZE.slice(config, "en-zh").segmenters == {"zh": "jieba"}
    assert TOKENIZE.slice(config, "xnli.th").segmenters == {"th": "newmm"}
    assert TOKENIZE.slice(config, "de").segmenters == {}
    assert {unit for unit in TOKENIZE.units(config) if "zh" in unit} == {"zh", "en-zh", "xnli.zh"}
