"""Writes the artifact of a model that is used as it is, in place of one of a pretraining run.

counts = copy_encoder(slice, inputs, out)
"""

import json
from collections.abc import Mapping
from pathlib import Path

from xlm.bpe.vocabulary import load_vocabulary
from xlm.config.training.pretrain import PretrainSlice
from xlm.errors import DataError
from xlm.model.formats.ours import CLASSIFIER, save_weights
from xlm.model.formats.source_files import identity_of
from xlm.model.formats.sources import read_model
from xlm.training.launch.job import METRICS_FILE
from xlm.training.records.curves import VALIDATION_FILE


def copy_encoder(
    config: PretrainSlice, inputs: Mapping[str, Path], out: Path
) -> dict[str, int | float | str]:
    """Write the encoder of a model of any format, with empty records of training.

    All of its languages stay, so their ids stay the same. The head of a model without one is new,
    and its classifier is left out.

    Returns:
        The counts of the artifact.

    Raises:
        DataError: the model cannot be read, has changed since the plan, or has another vocabulary.
    """
    source = Path(config.pretrain.warm_start or "")
    if identity_of(source) != config.warm_start:
        raise DataError(f"{source} changed during the run", fix="run again")
    vocabulary = load_vocabulary(inputs["vocabulary"])
    model = read_model(source).with_vocabulary(vocabulary, str(source)).with_head()
    weights = {n: t for n, t in model.weights.items() if not n.startswith(CLASSIFIER)}
    save_weights(out, model.description, weights)
    (out / METRICS_FILE).write_bytes(b"")
    counts = {
        "updates": 0,
        "tokens": 0,
        "parameters": sum(tensor.numel() for tensor in weights.values()),
    }
    text = json.dumps({**counts, "best_criterion": None, "validations": []}, indent=1)
    (out / VALIDATION_FILE).write_text(text + "\n", encoding="utf-8")
    return dict(counts)
