"""`xlm launch show`: what would be submitted for a pretraining."""

from xlm.cli.output import show
from xlm.cluster.checks.example import EXAMPLE_KEY, example_job
from xlm.cluster.job import job_name
from xlm.config.environment import MachineSettings
from xlm.errors import ConfigError
from xlm.pipeline.request import RunRequest
from xlm.store.disk.root import resolve_root

_TOKEN = "000000"


def print_job(request: RunRequest, root: str | None) -> None:
    """Print the batch script or the manifest for the configuration of a request.

    Raises:
        ConfigError: the launcher is this machine, or a setting is missing.
    """
    config = request.resolve()
    store = resolve_root(MachineSettings.from_environment(root).root, write=False)
    job = example_job(config, store, name=job_name("pretrain", EXAMPLE_KEY, _TOKEN))
    if config.launcher.kind == "slurm":
        from xlm.cluster.slurm.script import render_script

        show(render_script(job, config.launcher.slurm))
    elif config.launcher.kind == "kubernetes":
        from xlm.cluster.kubernetes.scheduler import KubernetesScheduler

        show(KubernetesScheduler(config.launcher.kubernetes).render(job))
    else:
        raise ConfigError(
            "launcher.kind is local: nothing is submitted",
            fix="add --launcher slurm or --launcher kubernetes",
        )
