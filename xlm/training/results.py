"""What a finished run leaves: weights, curves and a summary.

publish_run(job, state, encoder, best)  # model.safetensors, metrics.jsonl, validation.json
"""

import json
from pathlib import Path

from xlm.model.encoder import Encoder
from xlm.model.formats.ours import save_encoder
from xlm.training.launch.job import METRICS_FILE, PretrainJob
from xlm.training.state import RunState, load_best


def publish_run(job: PretrainJob, state: RunState, encoder: Encoder, best: Path) -> None:
    """Write the files of the artifact: the best weights, if they are asked for and exist."""
    kept = "best" if job.pretrain.keep == "best" and best.exists() else "last"
    if kept == "best":
        load_best(best, encoder)
    save_encoder(job.out, encoder)
    (job.out / METRICS_FILE).write_bytes((job.scratch / METRICS_FILE).read_bytes())
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
    text = json.dumps(summary, indent=1)
    (job.out / "validation.json").write_text(text + "\n", encoding="utf-8")
