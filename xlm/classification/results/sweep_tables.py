"""Tables of a sweep: accuracy by setting and rule of selection over seeds, and the cells.

A run that fine-tunes one model in one setting has none, unless that model collapsed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import fmean

from xlm.classification.results.accuracies import Accuracy, Rule
from xlm.classification.results.records import Results
from xlm.classification.results.seeds import (
    MEAN,
    RULES,
    BySeed,
    Summary,
    mean_by_seed,
    student_interval,
    summaries,
)
from xlm.classification.results.table import Table, task_name, without_empty_columns
from xlm.config.languages.names import Names, name_with_code
from xlm.config.languages.pairs import ENGLISH
from xlm.config.training.sweep import SETTINGS, Setting
from xlm.display.markdown import ABSENT, format_percent, mean

RULES_NOTE = (
    "Cells are selected on dev sets alone. English dev (or training dev): the best in the "
    "languages of the training rows. Mean dev: the best mean of all languages, so that one model "
    "serves all. Own dev: for each language the best in that language, as in the paper."
)

Group = tuple[Setting, tuple[Rule, ...]]
"""A setting, and the rules that select the same cells in it."""


def sweep_groups(results: Results) -> dict[Group, list[Summary]]:
    """The test accuracies over seeds by setting and rules; empty without a sweep.

    One model in one setting is the published one, which other tables have.
    """
    tested = {(row.setting, row.cell) for row in results.accuracies if row.rule is not None}
    groups: dict[Group, list[Summary]] = {}
    if len(tested) > 1:
        for one in summaries(results.accuracies, results.confidence):
            groups.setdefault((one.setting, one.rules), []).append(one)
    return groups


def group_name(group: Group, groups: Mapping[Group, object], training: Sequence[str]) -> str:
    """`zero-shot, English/mean dev`, or only the setting if all of its rules agree."""
    setting, rules = group
    name = setting_name(setting, training)
    if sum(one == setting for one, _ in groups) == 1:
        return name
    return f"{name}, {rules_name(rules, training)}"


def setting_name(setting: Setting, training: Sequence[str]) -> str:
    """The setting, or `trained on en, sw` where zero-shot rows are not English alone."""
    if setting != "zero-shot" or tuple(training) == (ENGLISH,):
        return setting
    return f"trained on {', '.join(training)}"


def rules_name(rules: Sequence[Rule], training: Sequence[str]) -> str:
    """What selects: `mean dev`, `English/mean dev`."""
    trained = "English" if tuple(training) == (ENGLISH,) else "training"
    names: Mapping[Rule, str] = {"training": trained, "mean": "mean", "language": "own"}
    return f"{'/'.join(names[rule] for rule in rules)} dev"


def sweep_tables(results: Results, names: Names | None = None) -> list[Table]:
    """The tables of a sweep that have rows."""
    if not results.task:
        return []
    groups = sweep_groups(results)
    found = [settings_table(results, groups)] if groups else []
    found += [language_table(results, setting, groups, names) for setting in _settings(groups)]
    return [*found, *([cells] if (cells := cells_table(results)) else [])]


def settings_table(results: Results, groups: Mapping[Group, Sequence[Summary]]) -> Table:
    """Mean test accuracy by setting and rule, then the paper's rows of the same languages."""
    cells = []
    codes = _shared_codes(groups.values())
    for group, found in groups.items():
        by_seed = _over(found, codes)
        cells.append(
            (
                group_name(group, groups, results.training_languages),
                *_mean_and_interval(by_seed, results.confidence),
                str(len(by_seed)),
            )
        )
    for title, row in results.published_row.items():
        if all(code in row for code in codes):
            cells.append(
                (f"paper: {title}", format_percent(mean(row[code] for code in codes)), "", "")
            )
    measured = f"mean of {len(codes)} languages" if len(codes) > 1 else codes[0]
    header = ("setting, selected by", measured, _interval_name(results), "seeds")
    title = f"{_name(results)}, test accuracy by setting in per cent"
    return without_empty_columns(title, header, cells)


def language_table(
    results: Results,
    setting: Setting,
    groups: Mapping[Group, Sequence[Summary]],
    names: Names | None = None,
) -> Table:
    """Test accuracy of one setting by language and rule, next to the paper's rows of it."""
    shown = {rules: found for (one, rules), found in groups.items() if one == setting}
    paper = {
        title.removeprefix(f"{setting}, XLM "): row
        for title, row in results.published_row.items()
        if title.startswith(f"{setting}, XLM ")
    }
    header = ["language"]
    for rules in shown:
        header += [rules_name(rules, results.training_languages), _interval_name(results)]
    all_codes = dict.fromkeys(code for found in shown.values() for code in _codes(found))
    lines = {name_with_code(code, names): [code] for code in all_codes}
    shared = _shared_codes(shown.values())
    if len(shared) > 1:
        lines[f"mean of {len(shared)}"] = shared
    cells = []
    for title, codes in lines.items():
        line = [title]
        for found in shown.values():
            line += _mean_and_interval(_over(found, codes), results.confidence)
        line += [
            format_percent(mean(row[one] for one in codes) if set(codes) <= set(row) else None)
            for row in paper.values()
        ]
        cells.append(line)
    seeds = max(len(one.by_seed) for found in shown.values() for one in found)
    averaged = f", mean of {seeds} seeds" if seeds > 1 else ""
    named = setting_name(setting, results.training_languages)
    title = f"{_name(results)}, {named}: test accuracy in per cent{averaged}"
    return without_empty_columns(title, [*header, *(f"paper, {one}" for one in paper)], cells)


def cells_table(results: Results) -> Table | None:
    """Cells over seeds: dev accuracy, collapses, and how often each is selected.

    None: there is one cell, and it did not collapse.
    """
    found = [
        (setting, *key, members)
        for setting in SETTINGS
        for key, members in _cells_of(results.accuracies, setting).items()
    ]
    collapses = any(row.collapsed or row.retried for row in results.accuracies)
    if not results.task or (len(found) < 2 and not collapses):
        return None
    rules = [rule for rule in RULES if any(row.rule == rule for row in results.accuracies)]
    header = (
        "setting", "learning rate", "batch", "seeds", "dev", _interval_name(results), "collapsed",
        "retried", *(f"best {rules_name([rule], results.training_languages)}" for rule in rules),
    )  # fmt: skip
    cells = []
    for setting, learning_rate, batch_pairs, members in found:
        by_language: dict[str, dict[int, float]] = {}
        for row in members:
            by_language.setdefault(row.language, {})[row.seed] = row.accuracy
        by_seed = mean_by_seed(by_language.values())
        models = {row.cell: row for row in members}.values()
        cells.append(
            (
                setting_name(setting, results.training_languages),
                f"{learning_rate:g}",
                str(batch_pairs),
                str(len({row.seed for row in members})),
                *_mean_and_interval(by_seed, results.confidence),
                _counted(sum(row.collapsed for row in models), len(models)),
                _counted(sum(row.retried for row in models), len(models)),
                *(
                    _chosen(results.accuracies, setting, rule, learning_rate, batch_pairs)
                    for rule in rules
                ),
            )
        )
    of_what = "sweep" if len(found) > 1 else "fine-tuned model"
    title = f"{_name(results)}, {of_what}: mean dev accuracy in per cent"
    return without_empty_columns(title, header, cells)


def _cells_of(
    rows: Sequence[Accuracy], setting: Setting
) -> dict[tuple[float, int], list[Accuracy]]:
    """The dev rows of a setting by learning rate and batch size.

    The English model of zero-shot is also that of translate-train.
    """
    if not any(row.setting == setting and row.split == "dev" for row in rows):
        return {}
    found: dict[tuple[float, int], list[Accuracy]] = {}
    for row in rows:
        is_own = row.cell.startswith(f"{row.language}.") and setting == "translate-train"
        if row.split == "dev" and (row.setting == setting or is_own):
            found.setdefault((row.learning_rate, row.batch_pairs), []).append(row)
    return found


def _chosen(
    rows: Sequence[Accuracy], setting: Setting, rule: Rule, learning_rate: float, batch_pairs: int
) -> str:
    """How many of the selections by a rule, one for each seed and language, are this cell."""
    of_rule = [row for row in rows if row.setting == setting and row.rule == rule]
    if rule != "language":
        of_rule = list({(row.seed, row.cell): row for row in of_rule}.values())
    chosen = [
        row
        for row in of_rule
        if (row.learning_rate, row.batch_pairs) == (learning_rate, batch_pairs)
    ]
    return f"{len(chosen)} of {len(of_rule)}" if of_rule else ABSENT


def _counted(count: int, total: int) -> str:
    """A count that is empty if it is zero, so that the column is left out."""
    return f"{count} of {total}" if count else ABSENT


def _settings(groups: Mapping[Group, object]) -> Iterator[Setting]:
    yield from dict.fromkeys(setting for setting, _ in groups)


def _codes(found: Sequence[Summary]) -> list[str]:
    return [one.language for one in found if one.language != MEAN]


def _shared_codes(groups: Iterable[Sequence[Summary]]) -> list[str]:
    """The languages of all groups: without dev rows, a language has no own dev."""
    first, *others = (_codes(found) for found in groups)
    return [code for code in first if all(code in codes for codes in others)]


def _over(found: Sequence[Summary], codes: Sequence[str]) -> BySeed:
    """The mean over some languages by seed; empty if one of them is missing."""
    members = [one.by_seed for one in found if one.language in codes]
    return mean_by_seed(members) if len(members) == len(codes) else {}


def _mean_and_interval(by_seed: BySeed, confidence: float) -> tuple[str, str]:
    values = list(by_seed.values())
    bounds = student_interval(values, confidence)
    return (
        format_percent(fmean(values) if values else None),
        f"{format_percent(bounds[0])} to {format_percent(bounds[1])}" if bounds else ABSENT,
    )


def _interval_name(results: Results) -> str:
    return f"{100 * results.confidence:g} % interval"


def _name(results: Results) -> str:
    return task_name(results.task or "")
