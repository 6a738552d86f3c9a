"""`xlm results`: the tables of the last run, or what its stages took."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from xlm.cli.output import show
from xlm.config.settings import Settings
from xlm.pipeline.results import artifact_of, cost_table, costs_of, results_of, vocabulary_of
from xlm.pipeline.run_record import last_run
from xlm.release.fertility import fertility_table
from xlm.store.root import resolve_root
from xlm.xnli.tables import tables


def print_results(profile: str | None, root: str | None, as_json: bool) -> None:
    """Print accuracy, perplexity, retrieval and vocabulary by language, and where the model is."""
    home = _root(root)
    record = last_run(home, profile=profile, reaching="evaluate")
    results = results_of(record, home)
    vocabulary = vocabulary_of(record, home)
    if as_json:
        shares = {code: asdict(share) for code, share in vocabulary.items()}
        content = results.model_dump(mode="json") | {"vocabulary": shares}
        show(json.dumps(content, indent=1, ensure_ascii=False))
        return
    found = fertility_table(vocabulary)
    for one in [*tables(results), *([found] if found else [])]:
        show(f"{one.title}\n{_aligned(one.header, one.rows)}\n")
    if not any(node["stage"] == "publish" for node in record["nodes"]):
        return  # a run that was to end with the evaluation
    published = artifact_of(record, home, "publish")
    show(f"model   {published / 'classifier'}\n        {published / 'masked-lm'}")
    show(f"card    {published / 'classifier' / 'README.md'}")
    show(f"Prefect {home / 'prefect'} (seen with `make ui`)")


def print_costs(profile: str | None, root: str | None, as_json: bool) -> None:
    """Print wall time, CPU time and peak memory of each stage."""
    home = _root(root)
    record = last_run(home, profile=profile)
    costs = costs_of(record, home)
    if as_json:
        show(json.dumps([cost._asdict() for cost in costs], indent=1))
        return
    show(_aligned(*cost_table(costs)))


def _root(root: str | None) -> Path:
    return resolve_root(Settings.of_environment(root).root, write=False)


def _aligned(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
