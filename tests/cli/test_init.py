"""`xlm init`: profiles that a run takes as they are."""

import json
import re
from pathlib import Path

import pytest

from tests.cli.mirror_of_downloads import sentence, write_mirror_of
from tests.flows.console import start, xlm
from xlm.config.pipeline import PipelineConfig, mono_languages, pairs
from xlm.config.reading.resolve import resolve

pytestmark = pytest.mark.slow
SMALL = (
    "model.layers=1",
    "model.dimension=16",
    "model.heads=2",
    "pretrain.updates=20",
    "pretrain.validation_updates=10",
    "pretrain.schedule.warmup_updates=5",
    "bpe.codes=200",
)
"""So little training that a run takes seconds; all else is as `xlm init` wrote it."""


def written(folder: Path, *arguments: str, code: int = 0) -> str:
    """What `xlm init` prints, in `folder`."""
    process = start(folder / "data", "init", *arguments, cwd=folder)
    printed, _ = process.communicate(timeout=120)
    assert process.returncode == code, printed
    return printed


def profile_of(folder: Path, *arguments: str) -> tuple[Path, PipelineConfig]:
    path = folder / "my.yaml"
    path.write_text(written(folder, *arguments), encoding="utf-8")
    return path, resolve(str(path))


def run(folder: Path, profile: Path, *arguments: str, code: int = 0) -> str:
    """What a command prints for the profile, with small sizes."""
    small = [word for setting in SMALL for word in ("--set", setting)]
    words = (*arguments[:1], "--profile", str(profile), *small, *arguments[1:])
    process = start(folder / "data", *words, cwd=folder)
    printed, _ = process.communicate(timeout=300)
    assert process.returncode == code, printed
    return printed


@pytest.fixture
def own_files(tmp_path: Path) -> Path:
    """Text of two languages, one of them unknown to the table, and pairs without English."""
    data = tmp_path / "data files"
    data.mkdir()
    for name, code in (("sw.txt", "sw"), ("qqq.txt", "qqq")):
        lines = "".join(f"{sentence(code, number)}\n" for number in range(400))
        (data / name).write_text(lines, encoding="utf-8")
    rows = [{"id": n, "sw": sentence("sw", n), "qqq": sentence("qqq", n)} for n in range(300)]
    text = "".join(f"{json.dumps(row)}\n" for row in rows)
    (data / "pairs.jsonl").write_text(text, encoding="utf-8")
    return tmp_path


def test_public_text_with_english_runs_to_shards(tmp_path: Path) -> None:
    profile, config = profile_of(tmp_path, "--languages", "en,sw,yo", "--budget", "1GB")
    assert config.languages == ("en", "sw", "yo")
    assert mono_languages(config) == config.languages
    assert pairs(config) == ("en-sw", "en-yo")
    assert "Tanzil" in profile.read_text()
    xlm(tmp_path / "data", "plan", "--profile", str(profile))
    _fill(tmp_path, profile)
    printed = run(tmp_path, profile, "run", "--set", "sources.mirror=mirror", "--until", "shard")
    assert "✓ shard[en-yo]" in printed


def test_public_text_without_english_has_other_pairs_and_segmenters(tmp_path: Path) -> None:
    profile, config = profile_of(tmp_path, "--languages", "fr, ja,wo", "--budget", "300MB")
    assert pairs(config) == ("fr-ja", "fr-wo", "ja-wo")
    assert config.text.segmenters["ja"] == "icu"
    text = profile.read_text()
    assert config.classify is None
    assert "XNLI" not in text
    _fill(tmp_path, profile)
    printed = run(tmp_path, profile, "run", "--set", "sources.mirror=mirror", "--until", "shard")
    assert "✓ shard[fr-ja]" in printed


def test_own_files_become_a_published_model_as_they_are(own_files: Path) -> None:
    profile, config = profile_of(
        own_files,
        *("--text", "sw=data files/sw.txt", "--text", "qqq=data files/qqq.txt"),
        *("--pairs", "sw-qqq=data files/pairs.jsonl"),
    )
    assert config.languages == ("qqq", "sw")
    assert config.sources.wikipedia is None
    assert pairs(config) == ("qqq-sw",)
    assert "data files/sw.txt" in profile.read_text()
    assert "build" in run(own_files, profile, "plan")
    printed = run(own_files, profile, "run")
    assert re.search(r"✓ publish", printed)


def test_the_languages_of_the_paper_with_corpora_that_are_named_as_other_sources(
    tmp_path: Path,
) -> None:
    codes = "ar,bg,de,el,en,es,fr,hi,ru,sw,th,tr,ur,vi,zh"
    given = ("--languages", codes, "--budget", "20GB", "--device", "cuda")
    profile, config = profile_of(tmp_path, *given)
    assert len(pairs(config)) == 14
    assert "corpus: Wikipedia," in profile.read_text()
    listed = json.loads(xlm(tmp_path, "sources", "ls", "--profile", str(profile), "--json"))
    assert len({one["id"] for one in listed}) == len(listed)
    assert sum(one["size_bytes"] or 0 for one in listed) <= 20e9


def test_the_profile_is_the_same_every_time_and_ends_with_one_newline(own_files: Path) -> None:
    given = ("--languages", "en,sw", "--text", "qqq=data files/qqq.txt", "--device", "cuda")
    first = written(own_files, *given)
    assert first == written(own_files, *given)
    assert first.endswith("\n")
    assert not first.endswith("\n\n")
    assert max(map(len, (line for line in first.splitlines() if line.startswith("#")))) <= 100


def test_a_larger_budget_gives_larger_sizes(tmp_path: Path) -> None:
    sizes = [
        profile_of(tmp_path, "--languages", "en,fr", "--device", "cuda", "--budget", budget)[1]
        for budget in ("5MB", "500MB", "50GB")
    ]
    dimensions = [config.model.dimension for config in sizes]
    assert dimensions == sorted(set(dimensions))
    assert sizes[0].vocabulary.size < sizes[1].vocabulary.size < sizes[2].vocabulary.size


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "neither languages nor files are named; write --languages en,sw,yo"),
        (("--languages", "en,klingon"), "unknown language 'klingon'"),
        (("--languages", "en,swh"), "did you mean 'sw'"),
        (("--languages", "en", "--budget", "lots"), "invalid --budget 'lots'"),
        (("--languages", "en", "--budget", "0.5MB"), "of at least 1MB"),
        (("--languages", "en", "--device", "tpu"), "invalid --device 'tpu'; choose cpu or cuda"),
        (("--languages", "acu,aa"), "has no Wikipedia, and OPUS has no text of it"),
        (("--text", "sw"), "--text 'sw' has no language or no path"),
        (("--text", "sw=nope.txt"), "nope.txt does not exist"),
        (("--text", "sw=data files"), "data files is a folder; write a pattern"),
        (("--text", "sw=data files/*"), "its files have different formats: jsonl, text"),
        (("--text", "sw=empty.txt"), "empty.txt is empty"),
        (("--text", "sw=blank.txt"), "blank.txt has no text"),
        (("--text", "sw=latin.txt"), "are not plain UTF-8"),
        (("--text", "sw=table.csv"), "the format .csv is not supported"),
        (("--text", "swh=data files/sw.txt"), "did you mean 'sw'"),
        (("--pairs", "sw=data files/pairs.jsonl"), "'sw' is not a pair of two languages"),
        (("--pairs", "sw-sw=data files/pairs.jsonl"), "is not a pair of two languages"),
        (("--pairs", "en-sw=data files/sw.txt"), "a text file has one language"),
        (("--pairs", "en-sw=a,b,c"), "a does not exist"),
        (("--pairs", "en-sw=blank.txt,blank.txt,blank.txt"), ": 3 files; name one file, or one"),
        (("--pairs", "en-sw=one.jsonl"), "there are no two columns of text"),
    ],
)
def test_a_mistake_is_one_line(own_files: Path, arguments: tuple[str, ...], message: str) -> None:
    (own_files / "empty.txt").write_text("")
    (own_files / "blank.txt").write_text("\n \n")
    (own_files / "latin.txt").write_bytes("déjà vu à côté\n".encode("latin-1") * 50)
    (own_files / "table.csv").write_text("a,b\n")
    (own_files / "one.jsonl").write_text('{"text": "One."}\n')
    printed = written(own_files, *arguments, code=1)
    assert printed.startswith("xlm: ")
    assert printed.count("\n") == 1
    assert message in printed


def _fill(folder: Path, profile: Path) -> None:
    listing = xlm(folder / "data", "sources", "ls", "--profile", str(profile), "--json")
    write_mirror_of(listing, folder / "mirror")
