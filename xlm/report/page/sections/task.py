"""The classification task: accuracies with intervals and the paper's, and confusion matrices.

Charts are drawn from a tidy list of accuracies, so that more settings and seeds are more rows.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from xlm.classification.evaluation.intervals import wilson_interval
from xlm.classification.results.paper import MLM_TLM
from xlm.classification.results.records import Results, read_results
from xlm.classification.results.tables import task_table
from xlm.config.languages.names import Names, name_with_code
from xlm.config.languages.pairs import ENGLISH
from xlm.display.markdown import format_percent
from xlm.errors import DataError
from xlm.report.page.charts import PALETTE, Bars, bar_chart, label
from xlm.report.page.content import (
    Block,
    Chart,
    DataTable,
    Details,
    Matrices,
    Matrix,
    Note,
    Section,
)
from xlm.report.page.run_nodes import RunNodes

_MAX_CONFUSION_LABELS = 12
_PAPER_SYMBOLS = ("diamond", "circle", "square", "triangle-up", "cross", "x", "star")


class AccuracyRow(NamedTuple):
    """How many rows of one split a classifier labelled correctly."""

    run: str
    setting: str
    """`zero-shot`, or which languages it was trained on."""
    language: str
    split: str
    seed: int
    n: int
    correct: int


def accuracy_rows(results: Results, run: str, seed: int) -> list[AccuracyRow]:
    """The accuracies of one evaluation."""
    trained = results.training_languages
    setting = "zero-shot" if trained == (ENGLISH,) else f"trained on {', '.join(trained)}"
    return [
        AccuracyRow(run, setting, row.code, split, seed, scores.total, scores.right)
        for row in results.languages
        for split, scores in (("dev", row.dev), ("test", row.test))
        if scores is not None
    ]


def task_section(nodes: RunNodes, names: Names, run: str) -> Section:
    """Accuracy by language, and confusion matrices; or why there are none."""
    return Section("task", "Classification", list(_task(nodes, names, run)))


def accuracy_chart(
    rows: Sequence[AccuracyRow], results: Results, names: Names, *, split: str
) -> Chart:
    """A bar for each language, setting and seed, with its interval; marks for the paper's rows."""
    chosen = [row for row in rows if row.split == split]
    groups: dict[tuple[str, str, int], list[AccuracyRow]] = {}
    for row in chosen:
        groups.setdefault((row.run, row.setting, row.seed), []).append(row)
    several_runs = len({row.run for row in chosen}) > 1
    bars = []
    for (run, setting, seed), members in groups.items():
        title = f"{run}, {setting}" if several_runs else setting
        named = {name_with_code(row.language, names): row for row in members}
        bounds = {
            name: wilson_interval(row.correct, row.n, results.confidence)
            for name, row in named.items()
        }
        bars.append(
            Bars(
                f"{title}, seed {seed}",
                {name: 100 * row.correct / max(row.n, 1) for name, row in named.items()},
                low={name: 100 * low for name, (low, _) in bounds.items()},
                high={name: 100 * high for name, (_, high) in bounds.items()},
            )
        )
    chance = 100 / max(len(results.labels), 1)
    interval = f"{100 * results.confidence:g} % intervals"
    title = (
        f"{_task_name(results)}: accuracy in {split}, with {interval}; dashed: chance, {chance:.1f}"
    )
    chart = bar_chart(title, bars, unit="correct rows, per cent")
    languages = dict.fromkeys(row.language for row in chosen)
    marks = _paper_marks(results, list(languages), names) if split == "test" else []
    layout = {
        **chart.layout,
        "showlegend": len(bars) + len(marks) > 1,
        "xaxis": {"title": {"text": "correct rows, per cent"}, "range": [0, 100]},
        "shapes": [
            {
                "type": "line", "x0": chance, "x1": chance, "y0": 0, "y1": 1, "yref": "paper",
                "line": {"dash": "dash", "width": 1.5},
            }
        ],
    }  # fmt: skip
    legend = 22 * len(marks)
    return Chart(chart.title, chart.summary, [*chart.traces, *marks], layout, chart.height + legend)


def confusion_matrices(results: Results, names: Names) -> Matrices | None:
    """The matrix of each language with a test set; None without counts."""
    if len(results.labels) > _MAX_CONFUSION_LABELS:
        return None
    found = [
        Matrix(name_with_code(row.code, names), results.labels, row.test.confusion, "label")
        for row in results.languages
        if row.test and row.test.confusion
    ]
    return Matrices(found) if found else None


def _task(nodes: RunNodes, names: Names, run: str) -> Iterator[Block]:
    directory = nodes.files("evaluate")
    if directory is None:
        return
    try:
        results = read_results(directory)
    except DataError as error:
        yield Note(str(error), is_warning=True)
        return
    if not results.task:
        yield Note("This run has no classification task, so it has no classifier.")
        return
    if results.collapsed:
        yield Note(
            "Fine-tuning collapsed: dev accuracy in the training languages never exceeded chance, "
            "so this classifier has not learned the task.",
            is_warning=True,
        )
    rows = accuracy_rows(results, run, _seed(nodes))
    split = "test" if any(row.split == "test" for row in rows) else "dev"
    table = task_table(results, names)
    if table is None:
        yield Note(f"{_task_name(results)} was not evaluated.")
        return
    yield accuracy_chart(rows, results, names, split=split)
    yield DataTable(*table)
    yield Note(
        "An interval shows what other test rows could change, and not what another seed could. "
        f"The weights were selected by {results.selected_by}."
    )
    yield from _paper_table(results, names)
    if matrices := confusion_matrices(results, names):
        yield Details("Confusion matrices by language: labels and predictions in test", [matrices])
    elif len(results.labels) > _MAX_CONFUSION_LABELS:
        yield Note(f"Confusion matrices of {len(results.labels)} labels are in results.json.")


def _seed(nodes: RunNodes) -> int:
    manifests = [node.manifest for node in nodes.of_stage("finetune") if node.manifest]
    return int(manifests[0].config.get("finetune", {}).get("seed", 0)) if manifests else 0


def _paper_marks(
    results: Results, languages: Sequence[str], names: Names
) -> list[dict[str, object]]:
    """A mark for each language of each row of the paper; a click on the legend shows the others."""
    marks: list[dict[str, object]] = []
    for number, (title, values) in enumerate(_paper_rows(results).items()):
        known = [code for code in languages if code in values]
        if known:
            marks.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": f"paper: {title}",
                    "x": [100 * values[code] for code in known],
                    "y": [label(name_with_code(code, names)) for code in known],
                    "marker": {
                        "symbol": _PAPER_SYMBOLS[number % len(_PAPER_SYMBOLS)],
                        "color": PALETTE[(number + 1) % len(PALETTE)],
                        "size": 9,
                        "line": {"width": 1},
                    },
                    "visible": True if title == MLM_TLM else "legendonly",
                    "hovertemplate": f"%{{y}}: %{{x:.1f}}<extra>paper: {label(title)}</extra>",
                }
            )
    return marks


def _paper_table(results: Results, names: Names) -> Iterator[Block]:
    found = _paper_rows(results)
    codes = [
        row.code for row in results.languages if any(row.code in one for one in found.values())
    ]
    if codes:
        yield Details(
            "The paper's rows, test accuracy in per cent",
            [
                DataTable(
                    "Test accuracy in the paper, on the real XNLI and with the full-size models",
                    ("language", *found),
                    [
                        (
                            name_with_code(code, names),
                            *(format_percent(row.get(code)) for row in found.values()),
                        )
                        for code in codes
                    ],
                )
            ],
        )


def _paper_rows(results: Results) -> dict[str, dict[str, float]]:
    """The paper's rows, the one that a zero-shot run is compared with first."""
    rows = results.published_row
    return {title: rows[title] for title in sorted(rows, key=lambda name: name != MLM_TLM)}


def _task_name(results: Results) -> str:
    name = results.task or ""
    return name[:1].upper() + name[1:]
