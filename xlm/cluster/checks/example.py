"""The job that a run of a configuration would submit for pretraining.

job = example_job(config, root, name="xlm-check-0123456789ab-abcdef")
"""

from pathlib import Path

from xlm.cluster.job import ClusterJob
from xlm.cluster.schedulers import nodes_of, spread
from xlm.config.pipeline import PipelineConfig
from xlm.store.artifact import Staging

EXAMPLE_KEY = "0" * 24


def example_job(config: PipelineConfig, root: Path, *, name: str) -> ClusterJob:
    """A job with the shape of pretraining; its key is an example, and none of its files exists."""
    pretrain = config.pretrain
    nodes = spread(pretrain.processes, nodes_of(config.launcher))
    staging = Staging(root / "staging" / "pretrain" / EXAMPLE_KEY)
    return ClusterJob(
        name=name,
        directory=staging.scratch / "cluster",
        module="xlm.training.launch.entry",
        job_file=staging.scratch / "job.json",
        nodes=nodes,
        processes_per_node=pretrain.processes // nodes,
        threads_per_process=pretrain.threads_per_process,
        log_path=staging.logs / "processes.log",
        save_seconds=pretrain.save_seconds,
        uses_gpu=pretrain.device == "cuda",
        folders=(root,),
        max_attempts=config.launcher.max_attempts,
        max_idle_restarts=config.launcher.max_idle_restarts,
    )
