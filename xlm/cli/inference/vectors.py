"""Vectors on their way to a `.npy` or Parquet file: a temporary file of rows, read once more.

with VectorSpool(folder, dimension=1024, with_texts=False) as spool:
    spool.add(vectors_ND, lines)
spool.write(Path("vectors.npy"), mean_D, "sw")
"""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from xlm.cli.text.stream import write_output
from xlm.errors import ToolError

_BLOCK_ROWS = 4096


def target_of(output: Path | None) -> Literal["npy", "parquet"]:
    """The format of an output; standard output is `.npy`."""
    return "parquet" if output is not None and output.suffix == ".parquet" else "npy"


class VectorSpool:
    """Rows in temporary files of a folder."""

    def __init__(self, folder: Path, dimension: int, *, with_texts: bool) -> None:
        self.rows = 0
        self._folder, self._dimension = folder, dimension
        self._sum_D = np.zeros(dimension, dtype=np.float64)
        self._vectors = (folder / "vectors").open("wb")
        self._texts = (
            (folder / "texts").open("w", encoding="utf-8", newline="\n") if with_texts else None
        )

    def __enter__(self) -> "VectorSpool":
        return self

    def __exit__(self, *_: object) -> None:
        self._vectors.close()
        if self._texts is not None:
            self._texts.close()

    def add(self, vectors_ND: NDArray[np.float32], texts: Sequence[str]) -> None:
        """Add rows, and their texts, which have no line ends."""
        self.rows += len(vectors_ND)
        self._sum_D += vectors_ND.sum(0, dtype=np.float64)
        self._vectors.write(np.ascontiguousarray(vectors_ND).tobytes())
        if self._texts is not None:
            self._texts.writelines(f"{text}\n" for text in texts)

    def mean(self) -> NDArray[np.float32]:
        """The mean of all rows, (D,)."""
        return (self._sum_D / max(self.rows, 1)).astype(np.float32)

    def write(self, output: Path | None, mean_D: NDArray[np.float32], language: str) -> None:
        """Write all rows minus `mean_D`; None: to standard output.

        Raises:
            ToolError: the file cannot be written.
        """
        if output is None:
            write_output(self._header())
            for block_ND in self._blocks(mean_D):
                write_output(block_ND.tobytes())
            return
        finished = self._folder / "finished"
        try:
            if target_of(output) == "npy":
                with finished.open("wb") as file:
                    file.write(self._header())
                    for block_ND in self._blocks(mean_D):
                        file.write(block_ND.tobytes())
            else:
                self._write_parquet(finished, mean_D, language)
            finished.replace(output)
        except OSError as error:
            raise ToolError(
                f"--output {output} cannot be written: {error.strerror}",
                fix="write it elsewhere, or free some space",
            ) from None

    def _header(self) -> bytes:
        header = io.BytesIO()
        shape = (self.rows, self._dimension)
        np.lib.format.write_array_header_1_0(
            header, {"descr": "<f4", "fortran_order": False, "shape": shape}
        )
        return header.getvalue()

    def _blocks(self, mean_D: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
        with (self._folder / "vectors").open("rb") as file:
            while data := file.read(_BLOCK_ROWS * self._dimension * 4):
                yield np.frombuffer(data, dtype="<f4").reshape(-1, self._dimension) - mean_D

    def _write_parquet(self, path: Path, mean_D: NDArray[np.float32], language: str) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        vector = pa.list_(pa.float32(), self._dimension)
        schema = pa.schema([("text", pa.string()), ("language", pa.string()), ("vector", vector)])
        with (
            pq.ParquetWriter(path, schema) as writer,
            (self._folder / "texts").open(encoding="utf-8", newline="\n") as lines,
        ):
            for block_ND in self._blocks(mean_D):
                texts = [next(lines).removesuffix("\n") for _ in block_ND]
                vectors = pa.FixedSizeListArray.from_arrays(block_ND.ravel(), self._dimension)
                languages = pa.array([language] * len(texts))
                columns = [pa.array(texts), languages, vectors]
                writer.write_batch(pa.record_batch(columns, schema=schema))
