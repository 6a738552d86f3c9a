"""`xlm launch`: the jobs of a cluster, seen from the command line."""

from typing import TYPE_CHECKING, Annotated

import typer

from xlm.cli.options import AsJson, Root, takes_request, whole_number
from xlm.cli.usage import CommandGroup, examples

if TYPE_CHECKING:
    from xlm.pipeline.request import RunRequest

launch_app = typer.Typer(
    help="Check a cluster, show jobs before they start, and what their pods print.",
    cls=CommandGroup,
    no_args_is_help=True,
    epilog=examples(
        "xlm launch check --profile xnli15 --launcher slurm",
        "xlm launch show --profile xnli15 --launcher slurm",
    ),
)


@launch_app.command(
    "check",
    epilog=examples(
        "xlm launch check --profile xnli15 --launcher slurm",
        "xlm launch check --profile my.yaml --submit",
        "xlm launch check --launcher kubernetes --json",
    ),
)
@takes_request("profile", "overrides", "languages", "launcher")
def check(
    request: "RunRequest",
    root: Root = None,
    submit: Annotated[
        bool,
        typer.Option(
            "--submit", help="Also run a job of one minute, which reports what a node sees."
        ),
    ] = False,
    wait: Annotated[
        int,
        typer.Option(
            "--wait",
            metavar="SECONDS",
            help="How long --submit waits for its job, also in the queue.",
            parser=whole_number("--wait", 1, 604_800),
        ),
    ] = 600,
    as_json: AsJson = False,
) -> None:
    """Look at the configured cluster, and print what would fail.

    Nothing is submitted without --submit. The exit code is 1 if a check failed.
    """
    from xlm.cli.launch.check import print_checks

    print_checks(request, root, submit=submit, wait_seconds=wait, as_json=as_json)


@launch_app.command("show", epilog=examples("xlm launch show --profile xnli15 --launcher slurm"))
@takes_request("profile", "overrides", "languages", "launcher")
def show(request: "RunRequest", root: Root = None) -> None:
    """Print the batch script or the manifest of a pretraining. Needs no cluster.

    Name and folder of the job are examples: they depend on the data.
    """
    from xlm.cli.launch.show import print_job

    print_job(request, root)


@launch_app.command(
    "logs",
    epilog=examples("xlm launch logs xlm-pretrain-0123456789ab-c0ffee"),
)
@takes_request("profile", "overrides", "launcher")
def logs(
    request: "RunRequest",
    name: Annotated[
        str, typer.Argument(metavar="JOB", help="Name of the job; `xlm run` prints it.")
    ],
) -> None:
    """Print what the pods of a job on Kubernetes print, until it ends.

    The logs of training are in the store: xlm logs pretrain. This command shows pods that cannot
    start training, and works on machines that do not see the store.
    """
    from xlm.cli.launch.logs import print_pod_logs

    print_pod_logs(request, name)
