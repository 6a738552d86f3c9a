"""Reads files of `torch.save` without running code that they contain.

    content = read_pickled(Path("mlm_tlm_xnli15_1024.pth"))

These files are pickles, and a pickle can run any code. torch's weights-only reader accepts tensors
and plain containers. The original's checkpoints also contain numpy arrays and scalars (`params`,
`best_metrics`). We do not need them, so their names are mapped to a class that discards its
content: numpy's own functions would build arrays of objects from the bytes of a file.
"""

import re
import warnings
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import torch

from xlm.errors import DataError


class NumpyValue:
    """Replaces an array or scalar of numpy."""

    def __init__(self, *parts: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


_NUMPY_NAMES = (
    # The core is numpy.core in numpy 1 and numpy._core in numpy 2; there are files of both.
    *(
        f"numpy.{core}.multiarray.{function}"
        for core in ("core", "_core")
        for function in ("_reconstruct", "scalar")
    ),
    "numpy.ndarray",
    "numpy.dtype",
)
_ALLOWED: list[Any] = [(NumpyValue, name) for name in _NUMPY_NAMES]
_FORBIDDEN = re.compile(r"GLOBAL (\S+)|`add_safe_globals`,? but got <[\w -]+ '?([\w.]+)")


def read_pickled(path: Path, *, mapped: bool = False) -> object:
    """The content of a file of `torch.save`, tensors on the CPU.

    `mapped`: tensors are read when they are used; files from before torch 1.6 are read completely.

    Raises:
        DataError: the file uses a function or class that could run code, or is damaged.
    """
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(_ALLOWED):
            # Warnings about pickle protocols: a protocol that cannot be read is an error anyway.
            warnings.simplefilter("ignore")
            content: object = torch.load(
                path, map_location="cpu", weights_only=True, mmap=mapped and is_zipfile(path)
            )
    except Exception as error:  # damaged bytes can make the reader raise any exception
        text = str(error)
        if found := _FORBIDDEN.search(text):
            name = found[1] or found[2]
            name = name if "." in name else f"builtins.{name}"  # torch omits this module
            raise DataError(
                f"{path} uses {name}, which could run code, so it is not loaded",
                fix="save it again with tensors and plain values only",
            ) from None
        # The reader's own message ("pop from empty list") does not help.
        raise DataError(
            f"{path} is not a complete file of torch.save",
            fix="use a .pth file of the original; if it is one, it is damaged: download it again",
        ) from None
    return content
