"""Stage clean in the DAG: its units and keys, the same bytes with more workers, and its table."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.stages.own_data import build, plan, sentences, write_lines, write_profile
from xlm.config.environment import MachineSettings
from xlm.config.reading.resolve import resolve
from xlm.corpus.text_files import unit_lines
from xlm.engine.events import NoObserver
from xlm.engine.graph import Graph
from xlm.engine.stage import Node
from xlm.errors import ConfigError, ToolError
from xlm.pipeline.dag import open_request
from xlm.pipeline.request import RunRequest
from xlm.report.stage_card import stage_card
from xlm.stages.data import clean
from xlm.stages.data.clean import CLEAN
from xlm.stages.data.corpus_text import cleaned_units
from xlm.stages.registry import STAGES
from xlm.store.manifest import read_manifest

FILES_TASK: dict[str, Any] = {"task": "files", "text": "text", "labels": ["a", "b"]}


def _write(folder: Path, *, files_task: bool = False, **cleaning: Any) -> Path:
    """Text of sw and yo with repeated lines, and pairs of both; returns the profile."""
    data = folder / "data"
    swahili = sentences("sw", 150)
    write_lines(data / "sw.txt", [*swahili, *swahili[:30], "ba"])
    write_lines(data / "yo.txt", sentences("yo", 120))
    pairs = list(zip(sentences("sw pairs", 80), sentences("yo pairs", 80), strict=True))
    pairs += [*pairs[:10], ("ba", "ba de fu gi " * 20)]
    write_lines(data / "sw-yo.tsv", ["\t".join(pair) for pair in pairs])
    sections: dict[str, Any] = {"cleaning": cleaning}
    if files_task:
        for name, lines in (("train", sentences("t", 4)), ("dev", swahili[40:44])):
            rows = [f"{line}\t{'ab'[number % 2]}" for number, line in enumerate(lines)]
            write_lines(data / f"{name}.tsv", ["text\tlabel", *rows])
        paths = {name: {"sw": str(data / f"{name}.tsv")} for name in ("train", "dev")}
        sections["classify"] = FILES_TASK | paths
    return write_profile(
        folder,
        ["sw", "yo"],
        [
            {"kind": "text", "language": code, "path": str(data / f"{code}.txt")}
            for code in ("sw", "yo")
        ],
        [{"kind": "tsv", "pair": "sw-yo", "path": str(data / "sw-yo.tsv")}],
        **sections,
    )


def _statuses(profile: Path, root: Path) -> dict[str, str]:
    return {name: one.status for name, one in plan(profile, root, "split").items()}


def _dropped(folder: Path) -> Mapping[str, Any]:
    return {
        name.removeprefix("dropped."): count
        for name, count in read_manifest(folder).counts.items()
        if name.startswith("dropped.") and count
    }


def test_without_cleaning_there_is_no_unit_and_no_other_input() -> None:
    graph = Graph.of(resolve("mini15"), STAGES)
    assert not list(graph.of_stage("clean"))
    assert graph.upstream[Node("split", "sw")] == {"text": ("extract-wiki", "sw")}
    assert not any(role.startswith("cleaned.") for role in graph.upstream[Node("publish", "all")])


def test_with_cleaning_the_split_and_the_card_read_its_units() -> None:
    graph = Graph.of(resolve("modern15"), STAGES)
    assert len(list(graph.of_stage("clean"))) == 29
    assert graph.upstream[Node("split", "en-sw")] == {"text": ("clean", "en-sw")}
    assert graph.upstream[Node("publish", "all")]["cleaned.en-sw"] == ("clean", "en-sw")
    assert graph.upstream[Node("clean", "en-sw")] == {
        "text": ("extract-parallel", "en-sw"),
        "rows.en": ("extract-xnli", "en"),
        "rows.sw": ("extract-xnli", "sw"),
    }


@pytest.mark.parametrize(
    ("setting", "units"),
    [
        ("cleaning.max_ratio=3", 14),
        ("cleaning.duplicates=true", 29),
        ("cleaning.decontaminate=true", 29),
        ("cleaning.samples=3", 0),
        ("cleaning.language_certainty=0.9", 0),
    ],
)
def test_a_cleaner_has_the_units_that_it_applies_to(setting: str, units: int) -> None:
    assert len(cleaned_units(resolve("mini15", [setting]))) == units


@pytest.mark.parametrize(
    ("setting", "changed"),
    [
        ("cleaning.max_ratio=2", {"en-sw", "en-zh"}),
        ("cleaning.overlap_characters=30", {"zh", "en-zh"}),
        ("cleaning.overlap_words=9", {"en", "sw", "en-sw", "en-zh"}),
        ("cleaning.near_duplicates=0.7", {"en", "sw", "zh", "en-sw", "en-zh"}),
    ],
)
def test_a_slice_has_only_what_applies_to_its_unit(setting: str, changed: set[str]) -> None:
    languages = ["en", "sw", "zh"]
    before, after = resolve("modern15", [], languages), resolve("modern15", [setting], languages)
    found = {
        unit
        for unit in cleaned_units(before)
        if CLEAN.slice(before, unit).key_fields() != CLEAN.slice(after, unit).key_fields()
    }
    assert found == changed


def test_settings_of_a_cleaner_that_is_off_are_in_no_key() -> None:
    on = resolve("mini15", ["cleaning.duplicates=true"])
    more = [
        "cleaning.duplicates=true",
        "cleaning.language_certainty=0.5",
        "cleaning.overlap_words=9",
    ]
    other = resolve("mini15", more)
    assert CLEAN.slice(on, "en-sw").key_fields() == CLEAN.slice(other, "en-sw").key_fields()


def test_lines_and_pairs_of_own_text_are_cleaned(tmp_path: Path) -> None:
    profile = _write(
        tmp_path, files_task=True, min_characters=3, max_ratio=3, duplicates=True,
        near_duplicates=0.8, decontaminate=True, overlap_words=4,
    )  # fmt: skip
    built = build(profile, tmp_path / "root", "split")
    assert _dropped(built["clean[sw]"]) == {
        "too_short": 1, "in_evaluation_rows": 4, "duplicate": 30,
    }  # fmt: skip
    assert _dropped(built["clean[yo]"]) == {}
    assert _dropped(built["clean[sw-yo]"]) == {"too_short": 1, "duplicate": 10}
    sides = [
        (built["clean[sw-yo]"] / f"text.{code}.txt").read_text().splitlines()
        for code in ("sw", "yo")
    ]
    expected = [sentences("sw pairs", 80), sentences("yo pairs", 80)]
    assert sides == expected
    assert read_manifest(built["split[sw]"]).counts["input_lines"] == 146


def test_another_threshold_repeats_no_extraction(tmp_path: Path) -> None:
    profile, root = _write(tmp_path, max_ratio=9, duplicates=True), tmp_path / "root"
    build(profile, root, "split")
    profile.write_text(profile.read_text().replace("max_ratio: 9", "max_ratio: 2"))
    statuses = _statuses(profile, root)
    assert {name for name, status in statuses.items() if status != "cached"} == {
        "clean[sw-yo]", "split[sw-yo]",
    }  # fmt: skip
    profile.write_text(profile.read_text().replace("duplicates: true", "duplicates: false"))
    assert "clean[sw]" not in _statuses(profile, root)


@pytest.mark.slow
def test_the_bytes_do_not_depend_on_the_number_of_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = _write(tmp_path, min_characters=12, duplicates=True, near_duplicates=0.8)
    some = sentences("many", 1500)
    # The same sentences come again in many of the ranges.
    lines = [f"{line} {number % 3}" for number in range(8) for line in some]
    write_lines(tmp_path / "data" / "sw.txt", lines)

    def built(workers: int) -> dict[str, tuple[str, Mapping[str, Any]]]:
        request = RunRequest(profile=str(profile), until="split")
        root = tmp_path / f"root{workers}"
        with open_request(request, MachineSettings(str(root), workers), NoObserver()) as run:
            for node in run.selected:
                run.build(node)
            manifests = {str(node): one.artifact.manifest for node, one in run.results.items()}
        return {name: (one.digest, one.counts) for name, one in manifests.items()}

    one = built(1)
    monkeypatch.setattr(unit_lines, "CHUNK_BYTES", 20_000)
    assert built(2) == one
    _, counts = one["clean[sw]"]
    assert counts["kept_lines"] + counts["dropped.near_duplicate"] == 4500


def test_the_table_of_the_stage_shows_the_reasons(tmp_path: Path) -> None:
    profile = _write(tmp_path, min_characters=3, duplicates=True)
    request = RunRequest(profile=str(profile), until="clean")
    with open_request(request, MachineSettings(str(tmp_path / "root"), 1), NoObserver()) as run:
        for node in run.selected:
            run.build(node)
        built = [one for node, one in run.results.items() if node.stage == "clean"]
        card = stage_card(CLEAN, built, request, tmp_path / "root")
    assert "| dropped too short | 2 |" in card
    assert "| dropped duplicate | 40 |" in card


def test_a_missing_package_is_named_before_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = _write(tmp_path, near_duplicates=0.8)
    monkeypatch.setattr("xlm.corpus.cleaning.language_models.find_spec", lambda name: None)
    with pytest.raises(ToolError, match=r"cleaning\.near_duplicates needs the package rensa"):
        _statuses(profile, tmp_path / "root")


def test_a_missing_model_is_named_before_a_run(tmp_path: Path) -> None:
    profile = _write(tmp_path, language_model="/models/lid.176.bin")
    with pytest.raises(ConfigError, match=r"cannot read /models/lid\.176\.bin"):
        _statuses(profile, tmp_path / "root")


def test_the_modules_of_the_stage_are_light() -> None:
    """A plan imports them."""
    assert "numpy" not in vars(clean)
