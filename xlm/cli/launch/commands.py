"""`xlm launch`: the jobs of a cluster, seen from the command line."""

from typing import TYPE_CHECKING, Annotated

import typer

from xlm.cli.options import Root, takes_request
from xlm.cli.usage import CommandGroup, examples

if TYPE_CHECKING:
    from xlm.pipeline.request import RunRequest

launch_app = typer.Typer(
    help="Show jobs of a cluster, and what their pods print.",
    cls=CommandGroup,
    no_args_is_help=True,
    epilog=examples("xlm launch show --profile xnli15 --launcher slurm"),
)


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
