"""Detects a model that has stopped learning, or never began to, from its validations."""

import json
import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xlm.config.training.guards import GuardConfig
from xlm.errors import TrainingError
from xlm.training.monitoring.callback import Callback, TrainingRun
from xlm.training.monitoring.diagnostics import keep_newest, try_write
from xlm.training.validation import stop_criterion

log = logging.getLogger(__name__)


class CollapseGuard(Callback):
    """Checks every validation after the warm-up; every process comes to the same result."""

    name = "collapse"

    def on_run_start(self, run: TrainingRun) -> None:
        """Prepare the check; only the main process writes reports."""
        self._check = CollapseCheck(
            run.config.guard,
            run.token_counts,
            warmup_updates=run.config.schedule.warmup_updates,
            reports=run.job.logs / "collapse" if run.group.is_main_process else None,
            run=run.config.model_dump(mode="json"),
        )

    def on_validation(
        self, validations: Sequence[Mapping[str, float]], predicted_ids: int | None
    ) -> None:
        """Warn of a collapse, or stop the run."""
        self._check.check(validations, predicted_ids=predicted_ids)


class CollapseCheck:
    """Compares the newest validation with what a model can reach without learning."""

    def __init__(
        self,
        config: GuardConfig,
        counts: NDArray[np.int64],
        *,
        warmup_updates: int,
        reports: Path | None,
        run: Mapping[str, Any],
    ) -> None:
        """Prepare the check.

        Args:
            counts: how often each id occurs in the training data, (V,).
            reports: folder of reports; None: this process writes none, and does not warn.
            run: configuration of the run, for the reports.
        """
        self._config = config
        self._unigram = unigram_perplexity(counts)
        self._warmup_updates = warmup_updates
        self._reports = reports
        self._run = run

    def reasons(
        self, validations: Sequence[Mapping[str, float]], *, predicted_ids: int | None
    ) -> list[str]:
        """The signs of collapse in the newest validation; none before there are enough."""
        warm = [record for record in validations if record["step"] > self._warmup_updates]
        if self._config.collapse == "off" or len(warm) < self._config.collapse_validations:
            return []
        newest, found = validations[-1], []
        perplexity = stop_criterion(newest)
        if perplexity is not None and not perplexity < self._unigram:
            found.append(
                f"validation perplexity {perplexity:,.1f} is not better than {self._unigram:,.1f}, "
                "the perplexity of the token frequencies"
            )
        accuracies = [v for name, v in newest.items() if name.endswith("_acc")]
        if accuracies and not any(accuracies):
            found.append("no token was predicted correctly")
        if predicted_ids == 1:
            found.append("every prediction is the same id")
        return found

    def check(
        self, validations: Sequence[Mapping[str, float]], *, predicted_ids: int | None = None
    ) -> None:
        """Warn of a collapse, or stop.

        Args:
            validations: records with a `step`, the newest last.
            predicted_ids: number of distinct ids that the newest validation predicted, in the task
                with the most of them; None: no data.

        Raises:
            TrainingError: the run has collapsed, and the configuration says stop.
        """
        reasons = self.reasons(validations, predicted_ids=predicted_ids)
        if not reasons:
            return
        what = f"collapsed at update {int(validations[-1]['step'])}: {'; '.join(reasons)}"
        fix = "lower the learning rate, lengthen the warm-up, check the shards"
        if folder := self._reports:
            fix += f"; {try_write(lambda: self._write(folder, validations, reasons))}"
        if self._config.collapse == "stop":
            raise TrainingError(what, fix=fix)
        if folder:
            log.warning("%s; %s", what, fix)

    def _write(
        self, folder: Path, validations: Sequence[Mapping[str, float]], reasons: Sequence[str]
    ) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        report = {
            "reasons": list(reasons),
            "unigram_perplexity": self._unigram,
            "validations": list(validations),
            "config": self._run,
        }
        path = folder / f"update-{int(validations[-1]['step']):09d}.json"
        path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        keep_newest(folder, self._config.diagnostics)
        return path


def unigram_perplexity(counts: NDArray[np.int64]) -> float:
    """The perplexity of guessing by frequency: exp of the entropy of the counts."""
    present = counts[counts > 0].astype(np.float64)
    if not len(present):
        return math.inf
    shares = present / present.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))
