"""`xlm launch logs`: what the pods of a job print."""

from xlm.cli.output import printable, show
from xlm.errors import ConfigError
from xlm.pipeline.request import RunRequest


def print_pod_logs(request: RunRequest, name: str) -> None:
    """Print the lines of all pods of a job until it ends.

    Raises:
        ClusterError: there is no such job, or the server refuses to show it.
    """
    launcher = request.resolve().launcher
    if launcher.kind != "kubernetes":
        raise ConfigError(
            f"launcher.kind is {launcher.kind}, which has no pods",
            fix="use `xlm logs`, or add --launcher kubernetes",
        )
    from xlm.cluster.kubernetes.scheduler import KubernetesScheduler

    for line in KubernetesScheduler(launcher.kubernetes).logs(name):
        show(printable(line))
