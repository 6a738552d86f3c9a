"""`xlm embed`: a vector for each line, as `.npy` or Parquet.

Vectors go to a temporary file first. So the output is complete or not there at all, the mean can be
subtracted, and memory does not grow with the text.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from xlm.cli.inference.lines import TextLines
from xlm.cli.inference.results import warn_of_truncation
from xlm.cli.inference.vectors import VectorSpool, target_of
from xlm.cli.progress_lines import ProgressLines
from xlm.cli.text.stream import exit_by_signal
from xlm.errors import ConfigError, DataError
from xlm.inference.compute import Pooling
from xlm.inference.model import Model


def require_target(output: Path | None) -> None:
    """Check where the vectors go, before a model is loaded.

    Raises:
        ConfigError: the suffix is unknown, the folder does not exist, or it is a folder or a
            terminal.
    """
    if output is None:
        if sys.stdout is not None and sys.stdout.isatty():
            raise ConfigError(
                "vectors are not text, and standard output is a terminal",
                fix="add > vectors.npy, or --output FILE",
            )
        return
    if output.suffix not in (".npy", ".parquet"):
        raise ConfigError(f"--output {output}: unknown format", fix="end it in .npy or .parquet")
    if output.is_dir():
        raise ConfigError(f"--output {output} is a folder", fix="choose another name")
    if not output.absolute().parent.is_dir():
        raise ConfigError(f"--output {output}: the folder does not exist", fix="create it")


def embed(
    model: Model,
    file: Path | None,
    language: str,
    output: Path | None,
    *,
    pooling: Pooling,
    layer: int,
    subtract_mean: bool,
) -> None:
    """Write the vectors of the lines of a file, or of standard input.

    Raises:
        ConfigError: the model does not have the language, the layer or the pooling.
        DataError: a line is empty.
    """
    model.require_language(language)
    model.embed_ids([], language=[], pooling=pooling, layer=layer)  # refuses a wrong layer now
    source = TextLines.of(file)

    def parse(line: str, number: int) -> str:
        if not line.strip():
            raise DataError(f"{source.where(number)} is empty", fix="remove it, or write a text")
        return line

    total = source.check(parse)
    with (
        exit_by_signal(),
        tempfile.TemporaryDirectory(prefix=".xlm-embed-", dir=_scratch(output)) as folder,
    ):
        spool = VectorSpool(
            Path(folder), model.dimension, with_texts=target_of(output) == "parquet"
        )
        with spool, ProgressLines("embed", "lines", total=total) as progress:
            for part in source.parts():
                lines = [parse(line, part.first + i) for i, line in enumerate(part.lines)]
                if part.error is not None:
                    raise part.error
                spool.add(
                    _vectors(model, lines, part.first, source, language, pooling, layer), lines
                )
                progress.update(spool.rows)
        mean_D = spool.mean() if subtract_mean else np.zeros(model.dimension, dtype=np.float32)
        spool.write(output, mean_D, language)
    warn_of_truncation(model)


def _vectors(
    model: Model,
    lines: Sequence[str],
    first: int,
    source: TextLines,
    language: str,
    pooling: Pooling,
    layer: int,
) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    ids = model.encode(lines, language=language, name=lambda index: source.where(first + index))
    return model.embed_ids(ids, language=language, pooling=pooling, layer=layer)


def _scratch(output: Path | None) -> Path | None:
    return None if output is None else output.absolute().parent
