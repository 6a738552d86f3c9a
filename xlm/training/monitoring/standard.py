"""The callbacks of a pretraining run, chosen by its configuration.

Trainer(job, group, standard_callbacks(job, group)).run()
"""

from xlm.training.launch.distributed import ProcessGroup
from xlm.training.launch.job import PretrainJob
from xlm.training.monitoring.callback import Callback
from xlm.training.monitoring.collapse import CollapseGuard
from xlm.training.monitoring.curves import CurvePlots
from xlm.training.monitoring.metrics import MetricsFile
from xlm.training.monitoring.mixture import MixtureReport
from xlm.training.monitoring.overfit import OverfitCheck
from xlm.training.monitoring.spikes import SpikeGuard
from xlm.training.monitoring.tensorboard import TensorBoard
from xlm.training.monitoring.throughput import Throughput


def standard_callbacks(job: PretrainJob, group: ProcessGroup) -> list[Callback]:
    """The callbacks of this process; only the main process writes files that all share.

    The curves are plotted before a collapse stops the run, because they show what led to it.
    """
    config = job.pretrain
    files: list[Callback] = [MetricsFile(), Throughput()]
    if config.tensorboard:
        files.append(TensorBoard())
    if config.figures:
        files.append(CurvePlots())
    return [
        *([MixtureReport()] if group.is_main_process else []),
        OverfitCheck(),
        *(files if group.is_main_process else []),
        SpikeGuard(config.guard, clip_norm=config.optimizer.clip_norm),
        CollapseGuard(),
    ]
