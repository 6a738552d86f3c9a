"""`xlm runs` and `xlm compare`: the runs of a store, side by side."""

from pathlib import Path
from typing import Annotated

import typer

from xlm.cli.options import AsJson, Root
from xlm.cli.usage import examples

_RUN = "name, number or start time of a run, as `xlm runs` prints them, or the key of an artifact"


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command(
        "runs",
        epilog=examples("xlm runs", "xlm runs --profile mini15 --json", "xlm runs --forget 12"),
    )(runs)
    app.command(
        "compare",
        epilog=examples(
            "xlm compare base more",
            "xlm compare 3 4 5 --figure curves.png",
            "xlm compare base 2026-11-28T17:49 --json",
        ),
    )(compare)


def runs(
    profile: Annotated[
        str | None,
        typer.Option("--profile", "-p", metavar="PROFILE", help="List the runs of this profile."),
    ] = None,
    forget: Annotated[
        str | None,
        typer.Option(
            "--forget", metavar="RUN", help="Delete the record of a run: its name, number or start."
        ),
    ] = None,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """List the runs: when, which settings they changed, how far they came, what they reached.

    After `--forget`, the artifacts of the run stay until `xlm store gc` removes them.
    """
    from xlm.cli.runs.listing import forget_run, print_runs

    if forget is None:
        print_runs(profile, root, as_json)
    else:
        forget_run(forget, root)


def compare(
    names: Annotated[
        list[str],
        typer.Argument(metavar="RUN", help=f"Two or more runs: {_RUN}."),
    ],
    figure: Annotated[
        Path | None,
        typer.Option(
            "--figure", metavar="FILE.png", help="Draw the training curves of all runs in one file."
        ),
    ] = None,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Compare runs with the first one: settings that differ, and results with intervals.

    Accuracies on the same rows are compared in pairs: McNemar's exact test, and an interval of the
    difference. See docs/how-to/compare-runs.md.
    """
    from xlm.cli.runs.comparing import print_comparison

    print_comparison(names, figure, root, as_json)
