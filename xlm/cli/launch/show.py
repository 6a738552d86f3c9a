"""`xlm launch show`: what would be submitted for a pretraining."""

from pathlib import Path

from xlm.cli.output import show
from xlm.cluster.job import ClusterJob, job_name
from xlm.cluster.schedulers import nodes_of
from xlm.config.environment import MachineSettings
from xlm.config.pipeline import PipelineConfig
from xlm.errors import ConfigError
from xlm.pipeline.request import RunRequest
from xlm.store.artifact import Staging
from xlm.store.disk.root import resolve_root
from xlm.training.launch.cluster import job_directory, spread

_KEY, _TOKEN = "0" * 24, "000000"


def print_job(request: RunRequest, root: str | None) -> None:
    """Print the batch script or the manifest for the configuration of a request.

    Raises:
        ConfigError: the launcher is this machine, or a setting is missing.
    """
    config = request.resolve()
    job = _pretraining(
        config, resolve_root(MachineSettings.from_environment(root).root, write=False)
    )
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


def _pretraining(config: PipelineConfig, root: Path) -> ClusterJob:
    pretrain, settings = config.pretrain, config.launcher
    nodes = spread(pretrain.processes, nodes_of(settings))
    staging = Staging(root / "staging" / "pretrain" / _KEY)
    return ClusterJob(
        name=job_name("pretrain", _KEY, _TOKEN),
        directory=job_directory(staging),
        module="xlm.training.launch.entry",
        job_file=staging.scratch / "job.json",
        nodes=nodes,
        processes_per_node=pretrain.processes // nodes,
        threads_per_process=pretrain.threads_per_process,
        log_path=staging.logs / "processes.log",
        save_seconds=pretrain.save_seconds,
        uses_gpu=pretrain.device == "cuda",
        folders=(root,),
    )
