"""Reports the training mixture before the first update: tokens and repetitions of every task.

The log gets a table; the logs folder gets `mixture.md` and, with `pretrain.figures`, `mixture.png`.
"""

import logging
from typing import Final

from xlm.dataloader.mixture.figure import mixture_markdown, plot_mixture
from xlm.dataloader.mixture.preview import mixture, mixture_table
from xlm.display.plotting import Style
from xlm.store.disk.filesystem import write_atomically
from xlm.training.launch.job import MIXTURE
from xlm.training.monitoring.callback import Callback, TrainingRun

log = logging.getLogger(__name__)

_STYLE: Final = Style(100)


class MixtureReport(Callback):
    """Logs the mixture and writes it as a document and a figure."""

    name = "mixture"
    may_fail = True

    def on_run_start(self, run: TrainingRun) -> None:
        """Report the mixture, and every objective that has no training data."""
        rows, logs = mixture(run.loader, run.config), run.job.logs
        log.info("training mixture:\n%s", mixture_table(rows))
        for objective in run.loader.without_data:
            log.warning("objective %s has no training data and is left out", objective)
        write_atomically(logs / f"{MIXTURE}.md", mixture_markdown(rows).encode())
        if run.config.figures:
            plot_mixture(logs / f"{MIXTURE}.png", rows, _STYLE)
