"""Writes the artifact of a finished run: weights, revisions, metrics, mixture and a summary.

publish_run(job, state, encoder, loader, files)
"""

import json

from xlm.dataloader.loader import BatchLoader
from xlm.dataloader.mixture.preview import MIXTURE_FILE, mixture, write_mixture
from xlm.model.encoder import Encoder
from xlm.model.formats.ours import save_encoder
from xlm.training.launch.job import METRICS_FILE, PretrainJob
from xlm.training.records.curves import VALIDATION_FILE
from xlm.training.revisions import publish_revisions
from xlm.training.state import RunFiles, RunState, load_best


def publish_run(
    job: PretrainJob, state: RunState, encoder: Encoder, loader: BatchLoader, files: RunFiles
) -> None:
    """Write the files of the artifact; with `keep: best`, the encoder gets the best weights."""
    write_mixture(job.out / MIXTURE_FILE, mixture(loader, job.pretrain))
    kept = "best" if job.pretrain.keep == "best" and files.best.exists() else "last"
    if kept == "best":
        load_best(files.best, encoder)
    save_encoder(job.out, encoder)
    publish_revisions(job, before=state.update)
    (job.out / METRICS_FILE).write_bytes(files.metrics.read_bytes())
    summary = {
        "updates": state.update,
        "tokens": state.tokens,
        "kept": kept,
        "best_update": state.best_update,
        "best_criterion": state.best_criterion,
        "stopped_early": state.stopped,
        "parameters": sum(p.numel() for p in encoder.parameters()),
        "validations": state.validations,
    }
    if len(state.processes) > 1:  # a run that was resized; others have the same bytes as before
        summary["processes"] = state.processes
    text = json.dumps(summary, indent=1)
    (job.out / VALIDATION_FILE).write_text(text + "\n", encoding="utf-8")
