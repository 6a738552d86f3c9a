"""Loads a model for inference.

model = load("data/artifacts/publish/KEY")
model.embed(["Watoto wanacheza."], language="sw")
"""

import os
from collections.abc import Mapping
from pathlib import Path

import torch

from xlm.errors import ConfigError
from xlm.inference.model import Model
from xlm.inference.sources import find_model
from xlm.inference.text import TextEncoder
from xlm.model.formats.modules import classifier_of, encoder_of
from xlm.model.formats.ours import HEAD_BIAS

AnyPath = str | os.PathLike[str]


def load(
    path: AnyPath,
    *,
    device: str | torch.device = "cpu",
    codes: AnyPath | None = None,
    vocabulary: AnyPath | None = None,
    segmenters: Mapping[str, str] | None = None,
) -> Model:
    """Load a model with its text path.

    Args:
        path: an artifact of `pretrain`, `finetune`, `select` or `publish`, one of the two folders
            of the last, a Hugging Face folder of an XLM model, or a `.pth` file of the original.
        device: `cpu`, `cuda`, `cuda:1`, ..., or `auto`: a GPU if there is one.
        codes: the BPE merges, if they are not in the folder, next to the file, or in the store.
        vocabulary: the vocabulary, in the same case.
        segmenters: `NAME` or `NAME:PATH` by language. Default: those of the run that made the
            artifact, otherwise newmm for `th` and jieba for `zh`.

    Raises:
        ConfigError: the device is not available, or a segmenter is unknown.
        DataError: there is no model, it is damaged, or its vocabulary or merges are missing or do
            not fit it.
        ToolError: a segmenter is not installed.
    """
    if not isinstance(path, str | os.PathLike):
        raise ConfigError(f"the path of the model is {path!r:.40}", fix="pass a string or a Path")
    if not os.fspath(path):
        raise ConfigError("the path of the model is empty", fix="name a model")
    if segmenters is not None and not _is_table_of_texts(segmenters):
        raise ConfigError(
            f"segmenters is {segmenters!r:.60}", fix='map languages to names: {"zh": "jieba"}'
        )
    target = _device(device)
    found = find_model(
        Path(path).expanduser(),
        codes=None if codes is None else Path(codes),
        vocabulary=None if vocabulary is None else Path(vocabulary),
        segmenters=segmenters,
    )
    classifier = None if found.classifier is None else classifier_of(found.classifier).to(target)
    if classifier is not None and found.classifier is found.encoder:
        encoder = classifier.encoder
    else:
        encoder = encoder_of(found.encoder).to(target)
    return Model(
        path=Path(path),
        encoder=encoder,
        classifier=classifier,
        has_head=HEAD_BIAS in found.encoder.weights,
        text=TextEncoder(
            found.vocabulary,
            found.codes,
            languages=found.encoder.description.languages,
            rules=found.rules,
        ),
        device=target,
    )


def _is_table_of_texts(values: object) -> bool:
    return isinstance(values, Mapping) and all(
        isinstance(text, str) for item in values.items() for text in item
    )


def _device(name: str | torch.device) -> torch.device:
    """The device.

    Raises:
        ConfigError: it is unknown or not available.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError):
        raise ConfigError(
            f"unknown device {str(name)[:40]!r}", fix="use cpu, cuda or auto"
        ) from None
    try:
        torch.zeros(1, device=device).tolist()  # refuses `meta`, which has no values
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).split("\n")[0][:200]
        raise ConfigError(
            f"device {str(name)[:40]!r} is not available: {reason}", fix="use cpu, cuda or auto"
        ) from None
    return device
