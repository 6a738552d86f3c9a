"""The classification task: accuracies with intervals and the paper's, and confusion matrices."""

from collections.abc import Iterator

from xlm.classification.results.records import Results, read_results
from xlm.classification.results.sweep_tables import RULES_NOTE, sweep_tables
from xlm.classification.results.table import task_name
from xlm.classification.results.tables import MAX_CONFUSION_LABELS, confusion_note, task_table
from xlm.config.languages.names import Names, name_with_code
from xlm.display.markdown import format_percent
from xlm.errors import DataError
from xlm.report.page.content import (
    Block,
    DataTable,
    Details,
    Matrices,
    Matrix,
    Note,
    Section,
    folded,
)
from xlm.report.page.run_nodes import RunNodes
from xlm.report.page.sections.fine_tuning import fine_tuning_curves
from xlm.report.page.sections.task_chart import accuracy_chart, paper_rows


def task_section(nodes: RunNodes, names: Names) -> Section:
    """Accuracy by language, and confusion matrices; or why there are none."""
    return Section("task", "Classification", list(_task(nodes, names)))


def confusion_matrices(results: Results, names: Names) -> Matrices | None:
    """The matrix of each language with a test set; None without counts."""
    if len(results.labels) > MAX_CONFUSION_LABELS:
        return None
    found = [
        Matrix(name_with_code(row.code, names), results.labels, row.test.confusion, "label")
        for row in results.languages
        if row.test and row.test.confusion
    ]
    return Matrices(found) if found else None


def _task(nodes: RunNodes, names: Names) -> Iterator[Block]:
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
    table = task_table(results, names)
    if table is None:
        yield Note(f"{task_name(results.task)} was not evaluated.")
        return
    yield accuracy_chart(results, names, seed=_seed(nodes, results))
    yield DataTable(*table)
    yield Note(
        "An interval shows what other test rows could change, and not what another seed could. "
        f"The weights were selected by {results.selected_by}."
    )
    yield from _sweep(results, names)
    yield from fine_tuning_curves(nodes)
    yield from _paper_table(results, names)
    if matrices := confusion_matrices(results, names):
        yield Details("Confusion matrices by language: labels and predictions in test", [matrices])
    elif note := confusion_note(results.labels, "results.json of stage evaluate"):
        yield Note(note)


def _sweep(results: Results, names: Names) -> Iterator[Block]:
    found = sweep_tables(results, names)
    if found:
        text = "The table above is of the published model. The tables below are of all models."
        if len({row.seed for row in results.accuracies}) > 1:
            text += (
                " Each seed repeats the whole procedure, so their intervals (Student) show what "
                "another seed could change."
            )
        yield Note(f"{text} {RULES_NOTE}")
    for table in found:
        yield folded(DataTable(*table))


def _seed(nodes: RunNodes, results: Results) -> int:
    """The seed with which the published model was fine-tuned."""
    for row in results.accuracies:
        if row.cell == results.published:
            return row.seed
    # Evaluated by an earlier version, which fine-tuned one model.
    manifests = [node.manifest for node in nodes.of_stage("finetune") if node.manifest]
    return int(manifests[0].config.get("finetune", {}).get("seed", 0)) if manifests else 0


def _paper_table(results: Results, names: Names) -> Iterator[Block]:
    found = paper_rows(results)
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
