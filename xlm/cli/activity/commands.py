"""`xlm status`, `xlm logs` and `xlm cancel`: what runs in a store, on this machine or another."""

from typing import Annotated

import typer

from xlm.cli.options import AsJson, Root, whole_number
from xlm.cli.usage import examples


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command("status", epilog=examples("xlm status", "xlm status --json"))(status)
    app.command("cancel", epilog=examples("xlm cancel pretrain"))(cancel)
    app.command(
        "logs",
        epilog=examples(
            "xlm logs pretrain -f", "xlm logs 'extract[sw]' --lines 20", "xlm logs 4ae1c09b"
        ),
    )(logs)


def cancel(
    name: Annotated[
        str,
        typer.Argument(metavar="STAGE", help="Stage, STAGE[UNIT], or the start of a key."),
    ],
    root: Root = None,
) -> None:
    """Cancel the job of a cluster that builds a stage, also one that nobody waits for.

    It has some seconds to save its state; the next run continues from there.
    """
    from xlm.cli.activity.cancel import print_cancelled

    print_cancelled(name, root)


def status(root: Root = None, as_json: AsJson = False) -> None:
    """Show the builds that run or were stopped: where, since when, how far.

    It works from every machine that sees the store, and for jobs of a cluster.
    """
    from xlm.cli.activity.status import print_status

    print_status(root, as_json)


def logs(
    name: Annotated[
        str,
        typer.Argument(metavar="STAGE", help="Stage, STAGE[UNIT], or the start of a key."),
    ],
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Print new lines until the build ends.")
    ] = False,
    lines: Annotated[
        int | None,
        typer.Option(
            "--lines",
            "-n",
            metavar="N",
            help="Print only the last N lines. [default: all]",
            parser=whole_number("--lines", 0),
        ),
    ] = None,
    process: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Process of a training or an evaluation.",
            parser=whole_number("--process", 0),
        ),
    ] = 0,
    root: Root = None,
) -> None:
    """Print the logs of a build that runs, was stopped or has ended; the newest one of this name.

    Stages that start programs have logs: training, fine-tuning, evaluation, extraction and BPE.
    """
    from xlm.cli.activity.logs import print_logs

    print_logs(name, lines, follow, process, root)
