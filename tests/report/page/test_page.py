"""The report of a run: every section that has data, escaped text, no network."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.classification.results.sweeps import (
    DIFFERENT,
    sweep_results,
    sweep_rows,
    translated_rows,
)
from tests.report.page.html_page import HtmlPage
from tests.report.page.runs import (
    HOSTILE,
    SECRET,
    STAGES,
    results_of_task,
    write_run,
)
from xlm.classification.results.records import LanguageResults, Retrieval, averages
from xlm.pipeline.run_record import delete_record, record_paths, report_path
from xlm.report.page.write import report_page, write_report

ALL_SECTIONS = [
    "summary", "dag", "task", "encoder", "training", "mixture", "vocabulary", "data", "cost",
    "settings",
]  # fmt: skip


def sections(page: HtmlPage) -> list[str]:
    return [attributes["id"] for tag, attributes in page.tags if tag == "section"]


@pytest.fixture
def page(tmp_path: Path) -> HtmlPage:
    return HtmlPage(report_page(*write_run(tmp_path)))


def test_a_complete_run_has_all_sections(page: HtmlPage) -> None:
    assert sections(page) == ALL_SECTIONS
    assert "Left out" not in page.text
    titles = {trace["name"] for chart in page.charts for trace in chart["data"] if "name" in trace}
    assert {"zero-shot, seed 5", "paper: zero-shot, XLM MLM+TLM", "to English", "MLM"} <= titles
    assert "2 cached, 8 built" in page.texts
    for shown in ("Swahili (sw)", "CC-BY-SA-4.0", "2.0 MB", "20,200", "xlm run --profile mini15"):
        assert shown in page.text


def test_the_curves_of_fine_tuning_are_drawn_or_missed(tmp_path: Path) -> None:
    store, record = write_run(tmp_path)
    page = HtmlPage(report_page(store, record))
    curves = [c["data"][0] for c in page.charts if c["data"][0].get("x") == [10, 20]]
    assert [curve["y"] for curve in curves] == [[50.0, 50.0], [1.0, 1.0]]
    (attempts,) = tmp_path.rglob("attempts.json")
    attempts.write_text("{")
    assert "The curves of finetune cannot be read." in HtmlPage(report_page(store, record)).text


def test_gpu_hours_are_those_of_processes(tmp_path: Path) -> None:
    store, record = write_run(tmp_path)
    assert "Time in a queue" not in HtmlPage(report_page(store, record)).text
    (directory,) = (tmp_path / "artifacts" / "pretrain").iterdir()
    manifest, run = directory / "manifest.json", directory / "run.json"
    on_gpus = {"resolved_config": {"pretrain": {"device": "cuda", "processes": 600}}}
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | on_gpus))
    page = HtmlPage(report_page(store, record))
    assert "10.2" in page.texts
    assert "The GPU hours of 1 artifact of an earlier version" in page.text
    run.write_text(json.dumps(json.loads(run.read_text()) | {"process_seconds": 72_000.0}))
    page = HtmlPage(report_page(store, record))
    assert "20.0" in page.texts
    assert "Time in a queue does not count." in page.text
    assert "earlier version" not in page.text


def test_numbers_of_charts_are_in_tables_too(page: HtmlPage) -> None:
    (accuracy,) = [chart for chart in page.charts if chart["layout"].get("shapes")]
    bars = accuracy["data"][0]
    assert bars["x"] == [70.0, 70.0]
    assert "70.0" in page.texts
    assert bars["error_x"]["arrayminus"] == pytest.approx([10, 10])
    assert accuracy["layout"]["shapes"][0]["x0"] == pytest.approx(100 / 3)


def test_the_page_is_complete_and_loads_nothing(tmp_path: Path) -> None:
    store, record = write_run(tmp_path)
    path = tmp_path / "report.html"
    write_report(store, record, path)
    text = path.read_text(encoding="utf-8")
    page = HtmlPage(text)
    assert page.loads == ["data:,"]
    assert "default-src 'none'; script-src 'unsafe-inline'" in text
    assert text.count("plotly.js v") == 1
    assert path.stat().st_size < 6_000_000


def test_the_page_can_be_read_without_seeing_its_charts(page: HtmlPage) -> None:
    """Headings in order, a name for every table and picture, unique ids."""
    headings = [tag for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert headings == ["h1", *["h2"] * len(ALL_SECTIONS)]
    tags = [tag for tag, _ in page.tags]
    assert tags.count("table") == tags.count("caption") > 5
    pictures = [found for _, found in page.tags if found.get("role") == "img"]
    assert len(pictures) == len(page.charts) + 1
    assert all(len(found["aria-label"]) > 20 for found in pictures)
    assert len(set(page.ids())) == len(page.ids())
    assert ("html", {"lang": "en"}) in page.tags


def test_text_of_users_is_escaped_and_secrets_are_not_shown(tmp_path: Path) -> None:
    """Names of sources, labels, changed settings, errors."""
    url = f"https://me:{SECRET}@host/a?token={SECRET}"
    request = {"profile": f"/data/{HOSTILE}.yaml", "name": "base", "overrides": [f"a={HOSTILE}"]}
    store, record = write_run(
        tmp_path,
        found=results_of_task(["good", HOSTILE]),
        request=request,
        config={
            "sources": {"mirror": url},
            "declared_languages": [{"code": "sw", "name": HOSTILE}],
        },
        failures={"publish": f"{url} did not answer {HOSTILE}"},
    )
    text = report_page(store, record)
    assert "<script>alert" not in text
    assert SECRET not in text
    page = HtmlPage(text)
    assert f"publish failed: https://***@host/a?token=*** did not answer {HOSTILE}" in page.texts
    assert HOSTILE in page.texts  # a label
    # Plotly renders some HTML in names.
    drawn = json.dumps(page.charts)
    assert "&lt;script&gt;" in drawn
    assert "<" not in re.sub(r"<extra>|</extra>", "", drawn)


@pytest.mark.parametrize(
    ("stages", "shown"),
    [
        (("download",), ["summary", "dag", "data", "cost", "settings"]),
        (STAGES[:4], ["summary", "dag", "vocabulary", "data", "cost", "settings"]),
        ((), ["summary", "dag", "settings"]),
    ],
)
def test_a_run_of_a_part_has_what_it_has(
    tmp_path: Path, stages: tuple[str, ...], shown: list[str]
) -> None:
    store, record = write_run(tmp_path, stages, selected=12, state="stopped")
    page = HtmlPage(report_page(store, record))
    assert sections(page) == shown
    assert "Left out, because this run has no data for it: Classification," in page.text
    assert f"{12 - len(record['nodes'])} of 12 nodes have no artifact." in page.texts


def test_a_run_of_one_stage_shows_what_it_was_built_from(tmp_path: Path) -> None:
    store, record = write_run(tmp_path, ["finetune"], inputs=STAGES[:5])
    page = HtmlPage(report_page(store, record))
    assert sections(page) == [name for name in ALL_SECTIONS if name not in ("task", "encoder")]
    assert page.texts.count("1 built") >= 2
    assert "2 input" in page.texts


def test_a_run_without_a_classifier_says_so(tmp_path: Path) -> None:
    found = results_of_task()
    bare = [row.model_copy(update={"dev": None, "test": None}) for row in found.languages]
    changes = {"task": None, "selected_by": "", "languages": tuple(bare)}
    store, record = write_run(tmp_path, found=found.model_copy(update=changes))
    page = HtmlPage(report_page(store, record))
    assert "This run has no classification task, so it has no classifier." in page.texts
    assert "Sentence retrieval" in page.texts


def test_own_labels_and_pairs_without_english(tmp_path: Path) -> None:
    retrieval = Retrieval(
        pairs=50, raw_from_english=0.5, raw_to_english=0.6, centred_from_english=0.7,
        centred_to_english=0.8,
    )  # fmt: skip
    task = results_of_task(["bad", "good"])
    pair = LanguageResults(code="sw-yo", pair_perplexity=9.0, retrieval=retrieval)
    alone = [row.model_copy(update={"retrieval": None}) for row in task.languages]
    changes: dict[str, Any] = {
        "task": "sentiment",
        "training_languages": ("sw",),
        "languages": (*alone, pair),
        "published_row": {},
        "averages": averages(alone),
    }
    store, record = write_run(tmp_path, found=task.model_copy(update=changes))
    page = HtmlPage(report_page(store, record))
    names = [trace["name"] for chart in page.charts for trace in chart["data"] if "name" in trace]
    assert "trained on sw, seed 5" in names
    assert "to the first language" in names
    assert not any(name.startswith("paper") for name in names)
    assert {"bad", "good", "sw-yo"} <= set(page.texts)
    (chart,) = [chart for chart in page.charts if chart["layout"].get("shapes")]
    assert chart["layout"]["shapes"][0]["x0"] == 50


@pytest.mark.parametrize(("size", "is_shown"), [(8, True), (9, False)])
def test_wide_confusion_matrices_are_named_and_not_drawn(
    tmp_path: Path, size: int, is_shown: bool
) -> None:
    found = results_of_task([f"label{one}" for one in range(size)])
    store, record = write_run(tmp_path, found=found)
    texts = HtmlPage(report_page(store, record)).texts
    assert ("label7" in texts) == is_shown
    note = "matrices of 9 labels are too wide to show: results.json of stage evaluate has them."
    assert any(note in text for text in texts) != is_shown


def test_damaged_and_removed_artifacts_do_not_hide_the_others(tmp_path: Path) -> None:
    store, record = write_run(tmp_path)
    (directory,) = (tmp_path / "artifacts" / "pretrain").iterdir()
    (directory / "mixture.json").write_text("{")
    (directory / "metrics.jsonl").write_text("nonsense\n")
    (tokenized, _) = sorted((tmp_path / "artifacts" / "tokenize").iterdir())
    for path in tokenized.iterdir():
        path.unlink()
    tokenized.rmdir()
    page = HtmlPage(report_page(store, record))
    assert sections(page)[:4] == ALL_SECTIONS[:4]
    assert re.search(r"This part cannot be shown: \S+mixture.json cannot be read", page.text)
    assert re.search(r"The curves cannot be read: \S+metrics.jsonl is not readable", page.text)
    assert "built, removed since" in page.texts


def test_a_sweep_has_bars_for_each_setting_and_rule(tmp_path: Path) -> None:
    rows = [*sweep_rows(), *translated_rows()]
    page = HtmlPage(report_page(*write_run(tmp_path, found=sweep_results(rows))))
    (chart,) = [chart for chart in page.charts if chart["layout"].get("shapes")]
    bars = {one["name"]: one for one in chart["data"] if one["type"] == "bar"}
    assert list(bars) == ["zero-shot, English/mean dev", "zero-shot, own dev", "translate-train"]
    assert bars["zero-shot, own dev"]["x"] == pytest.approx([82, 75, 65])
    assert bars["zero-shot, own dev"]["error_x"]["array"] == pytest.approx([4.968] * 3, abs=1e-3)
    shown = {one["name"] for one in chart["data"] if one.get("visible") is True}
    assert shown == {
        "paper: zero-shot, XLM MLM+TLM", "paper: translate-train, XLM MLM+TLM",
    }  # fmt: skip
    assert "XNLI: accuracy in test, mean of 3 seeds, with 95 % intervals over seeds" in page.text
    assert "XNLI, sweep: mean dev accuracy in per cent" in page.text
    assert "Own dev: for each language the best in that language" in page.text


def test_many_groups_are_hidden_at_first_and_one_seed_has_intervals_of_rows(
    tmp_path: Path,
) -> None:
    rows = [*sweep_rows([0], DIFFERENT), *translated_rows([0])]
    page = HtmlPage(report_page(*write_run(tmp_path, found=sweep_results(rows))))
    (chart,) = [chart for chart in page.charts if chart["layout"].get("shapes")]
    bars = {one["name"]: one for one in chart["data"] if one["type"] == "bar"}
    assert [one.get("visible", True) for one in bars.values()] == [
        "legendonly", "legendonly", True, True,
    ]  # fmt: skip
    # Wilson's interval of 80 of 100.
    assert bars["zero-shot, English dev"]["error_x"]["arrayminus"][0] == pytest.approx(
        80 - 71.11, abs=0.01
    )
    assert "over seeds" not in page.text.partition("The tables below")[0]


def test_the_report_goes_with_its_record(tmp_path: Path) -> None:
    store, record = write_run(tmp_path)
    (path,) = record_paths(tmp_path)
    write_report(store, record, report_path(path))
    delete_record(tmp_path, record)
    assert list((tmp_path / "runs").iterdir()) == []
