"""`xlm runs`, `compare`, `report` and `lineage`: what runs did, and what a file was made from."""

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
    app.command(
        "lineage",
        epilog=examples(
            "xlm lineage data/artifacts/publish/KEY/classifier",
            "xlm lineage copy/model.safetensors --format json",
            "xlm lineage release --format mermaid > release.mmd",
        ),
    )(lineage)
    app.command(
        "report",
        epilog=examples("xlm report", "xlm report base --out base.html", "xlm report 12"),
    )(report)


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


def lineage(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH",
            help="A file or folder of an artifact, or a copy of one: the store of --root tells by "
            "sha256 which artifact it equals.",
        ),
    ],
    output_format: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="text, json or mermaid.")
    ] = "text",
    root: Root = None,
) -> None:
    """Follow a published file back through every artifact to its sources.

    Each artifact with key, digest, date and version; each source with URL, licence, size and
    sha256. The exit code is 1 if a manifest is missing or damaged; the rest is printed. See
    docs/how-to/trace-a-model.md.
    """
    from xlm.cli.runs.lineage import print_lineage

    print_lineage(path, output_format, root)


def report(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[RUN]",
            show_default=False,
            help="Name, number or start time of a run, as `xlm runs` prints them; without it, the "
            "last run.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="The file to write or replace; without it, the .html file next to the record of "
            "the run.",
        ),
    ] = None,
    root: Root = None,
) -> None:
    """Write the report of a run: one page of HTML that needs no network.

    It has the stages with times and cache hits, results with intervals, curves, data and costs.
    Each run writes it at its end. See docs/how-to/read-a-report.md.
    """
    from xlm.cli.runs.report import print_report

    print_report(name, out, root)
