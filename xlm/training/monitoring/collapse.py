"""Looks at validations for a model that has stopped to learn, or never began.

guard = CollapseGuard(config, counts, warmup_updates=4000, diagnostics=logs / "collapse")
guard.check(state.validations, predicted_ids=validator.predicted_ids(sums))
"""

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
from xlm.training.monitoring.diagnostics import drop_oldest, kept
from xlm.training.validation import stop_criterion

log = logging.getLogger(__name__)


def unigram_perplexity(counts: NDArray[np.int64]) -> float:
    """What guessing by frequency alone would reach: exp of the entropy of the counts."""
    present = counts[counts > 0].astype(np.float64)
    if not len(present):
        return math.inf
    shares = present / present.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


class CollapseGuard:
    """Judges the newest of several validations; the same in every process."""

    def __init__(
        self,
        config: GuardConfig,
        counts: NDArray[np.int64],
        *,
        warmup_updates: int,
        diagnostics: Path | None,
        run: Mapping[str, Any],
    ) -> None:
        """Watch a run.

        Args:
            counts: how often each id of the vocabulary was seen.
            diagnostics: folder for reports; None in processes that write no files.
            run: configuration, for the report.
        """
        self._config = config
        self._unigram = unigram_perplexity(counts)
        self._warmup_updates = warmup_updates
        self._diagnostics = diagnostics
        self._run = run

    def reasons(
        self, validations: Sequence[Mapping[str, float]], *, predicted_ids: int | None
    ) -> list[str]:
        """What is wrong with the newest validation; nothing before there are enough of them."""
        warm = [record for record in validations if record["step"] > self._warmup_updates]
        if self._config.collapse == "off" or len(warm) < self._config.collapse_validations:
            return []
        newest, found = validations[-1], []
        perplexity = stop_criterion(newest)
        if perplexity is not None and not perplexity < self._unigram:
            found.append(
                f"validation perplexity {perplexity:,.1f} is no better than that of word "
                f"frequencies, {self._unigram:,.1f}"
            )
        accuracies = [v for name, v in newest.items() if name.endswith("_acc")]
        if accuracies and not any(accuracies):
            found.append("no token was predicted rightly")
        if predicted_ids == 1:
            found.append("one and the same id is predicted everywhere")
        return found

    def check(
        self, validations: Sequence[Mapping[str, float]], *, predicted_ids: int | None = None
    ) -> None:
        """Warn of a collapse, or stop.

        Args:
            validations: records with a `step`, the newest one last.
            predicted_ids: how many different ids the newest one predicted at most in a task.

        Raises:
            TrainingError: it has collapsed, and the configuration says stop.
        """
        reasons = self.reasons(validations, predicted_ids=predicted_ids)
        if not reasons:
            return
        what = f"collapsed at update {int(validations[-1]['step'])}: {'; '.join(reasons)}"
        fix = "lower the learning rate, lengthen the warm-up, check the shards"
        if folder := self._diagnostics:
            fix += f"; {kept(lambda: self._write(folder, validations, reasons))}"
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
        drop_oldest(folder, self._config.evidence)
        return path
