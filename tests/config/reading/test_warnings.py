"""Warnings about valid but probably wrong settings; `xlm plan` prints them to stderr."""

import subprocess
import sys
from pathlib import Path

import pytest

from xlm.config.pipeline import PipelineConfig
from xlm.config.reading.resolve import profile_names, resolve
from xlm.config.reading.warnings import config_warnings

OPUS = {"kind": "opus", "corpus": "A", "version": "1"}


@pytest.mark.parametrize("profile", profile_names())
def test_profiles_have_no_warning(profile: str) -> None:
    assert config_warnings(resolve(profile)) == []


def test_a_warm_up_longer_than_the_run_is_a_warning() -> None:
    found = config_warnings(resolve("mini15", ["pretrain.updates=99", "finetune.updates=59"]))
    assert [line.partition(":")[0] for line in found] == [
        "pretrain.schedule.warmup_updates 100 is more than pretrain.updates 99",
        "finetune.schedule.warmup_updates 60 is more than finetune.updates 59",
    ]
    assert config_warnings(resolve("mini15", ["pretrain.updates=100"])) == []


@pytest.mark.parametrize("section", ["pretrain", "finetune"])
def test_a_default_warm_up_gives_no_warning(section: str, tmp_path: Path) -> None:
    """Regression: each short run of a profile with the original's schedule gave a warning."""
    profile = tmp_path / "mine.yaml"
    profile.write_text("languages: [en, fr]\n")
    short = ("pretrain.objectives=[mlm]", f"{section}.updates=20")
    config = resolve(str(profile), short)
    default = getattr(config, section).schedule.warmup_updates
    warmup = f"{section}.schedule.warmup_updates"
    other_setting = f"{section}.schedule.kind=constant"
    assert default > 20
    assert config_warnings(resolve(str(profile), [*short, other_setting])) == []
    for named in (f"{warmup}={default}", f"{section}.schedule={{warmup_updates: {default}}}"):
        (line,) = config_warnings(resolve(str(profile), [*short, named]))
        assert line.startswith(f"{warmup} {default:,} is more than {section}.updates 20")
    profile.write_text(f"languages: [en, fr]\n{section}: {{schedule: {{warmup_updates: 21}}}}\n")
    assert len(config_warnings(resolve(str(profile), short))) == 1


def test_a_sweep_that_is_probably_a_mistake_is_a_warning() -> None:
    many = f"finetune.sweep.seeds={list(range(101))}"
    (line,) = config_warnings(resolve("mini15", [many]))
    assert line.startswith("finetune.sweep and xnli.settings train 101 models: 101 combinations")
    few = "finetune.sweep.seeds=[0,1,2,3,4,5,6]"
    assert config_warnings(resolve("mini15", [few])) == []
    translated = "xnli.settings=[zero-shot,translate-train,translate-test]"
    (line,) = config_warnings(resolve("mini15", [few, translated]))
    assert "train 105 models: 7 combinations for each of 15 sets of training rows" in line
    base = [
        "finetune.updates=800",
        "finetune.batch_pairs=32",
        "finetune.schedule.warmup_updates=60",
    ]
    assert config_warnings(resolve("mini15", [*base, "finetune.sweep.batch_pairs=[8,256]"])) == []
    (line,) = config_warnings(resolve("mini15", [*base, "finetune.sweep.batch_pairs=[8,512]"]))
    assert line.startswith("finetune.sweep.batch_pairs has 512, with which there are 50 updates")


def test_translation_without_a_pair_is_a_warning() -> None:
    (line,) = config_warnings(resolve("mini15", ["sources.parallel=[]"]))
    assert line.startswith(
        "pretrain.objectives contains tlm, but sources.parallel is empty, so TLM has no data"
    )
    (line,) = config_warnings(resolve("mini15", [], languages=["en"]))
    assert "but no parallel corpus has a pair of these languages, so TLM" in line
    masked = ["sources.parallel=[]", "pretrain.objectives=[mlm]"]
    assert config_warnings(resolve("mini15", masked)) == []


PAIRS_ONLY = (
    "sources.wikipedia=null",
    "sources.parallel=[{kind: tsv, pair: fr-sw, path: a.tsv}]",
)


def test_languages_that_no_objective_trains_are_a_warning() -> None:
    tlm = config_warnings(
        resolve("mini15", [*PAIRS_ONLY, "pretrain.objectives=[mlm, tlm]"], ["fr", "sw"])
    )
    assert tlm == [
        "pretrain.objectives contains mlm, but no language has monolingual text, so only TLM "
        "trains; add text to sources, or set pretrain.objectives=[tlm]"
    ]
    text = "sources.text=[{kind: text, language: fr, path: a.txt}]"
    (line,) = config_warnings(
        resolve("mini15", [*PAIRS_ONLY, text, "pretrain.objectives=[mlm]"], ["fr", "sw"])
    )
    assert line.startswith("pretraining has no text of sw: only pairs")
    both = [*PAIRS_ONLY, text, "pretrain.objectives=[mlm, tlm]"]
    assert config_warnings(resolve("mini15", both, ["fr", "sw"])) == []


def test_own_files_of_other_languages_are_a_warning() -> None:
    sources = [*PAIRS_ONLY, "sources.text=[{kind: text, language: en, path: a.txt}]"]
    lines = config_warnings(resolve("mini15", [*sources, "pretrain.objectives=[mlm]"], ["en"]))
    assert lines == ["not used, because their languages are not in `languages`: own of fr-sw"]


@pytest.mark.slow
def test_the_plan_prints_warnings_to_stderr(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "flows.commands.main",
                "plan",
                "--root",
                str(tmp_path / "root"),
            ),
            *("--set", "pretrain.updates=5", "--set", "pretrain.schedule.warmup_updates=6"),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.startswith("xlm: warning: pretrain.schedule.warmup_updates 6 is more than")
    assert done.stderr.count("\n") == 1
    assert "warmup" not in done.stdout


def test_a_language_without_spaces_needs_a_segmenter() -> None:
    declared = {"code": "xx", "script": "Thai"}
    languages = ["en", "ja", "ko", "zh", declared]
    values = {"languages": languages, "sources": {"parallel": [{**OPUS, "pairs": "all"}]}}
    found = config_warnings(PipelineConfig.model_validate(values))
    assert [line.split(":")[0] for line in found] == [
        "ja is written without spaces and has no segmenter",
        "xx is written without spaces and has no segmenter",
    ]
    chosen = {**values, "text": {"segmenters": {"ja": "icu", "xx": "newmm", "zh": "jieba"}}}
    assert config_warnings(PipelineConfig.model_validate(chosen)) == []


def test_the_same_labelled_file_for_two_splits_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("train.tsv", "dev.tsv"):
        (tmp_path / name).write_text("text\tlabel\na\tb\n", encoding="utf-8")
    task = {
        "task": "files", "text": "text", "train": {"en": "train.tsv"}, "dev": {"en": "dev.tsv"},
        "test": {"en": str(tmp_path / "." / "train.tsv")},
    }  # fmt: skip
    config = PipelineConfig.model_validate(
        {"languages": ["en"], "classify": task, "pretrain": {"objectives": ["mlm"]}}
    )
    (line,) = config_warnings(config)
    assert line.startswith("classify.test.en is the same file as classify.train.en, so its")
    task["test"] = {"en": "other.tsv"}
    other = PipelineConfig.model_validate(config.model_dump() | {"classify": task})
    assert config_warnings(other) == []
