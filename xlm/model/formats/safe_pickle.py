"""Files of `torch.save`, read without running what is in them.

    content = read_pickled(Path("mlm_tlm_xnli15_1024.pth"))

Such files are pickles, and a pickle can run anything. torch's weights-only reader takes tensors and
plain containers. Checkpoints of the original hold numpy's arrays and scalars besides (`params`,
`best_metrics`); nothing here needs them, so their names lead to a class that keeps nothing:
numpy's own would build arrays of objects from the bytes of a file.
"""

import re
import warnings
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import torch

from xlm.errors import DataError


class NumpyValue:
    """Stands where a file has an array or scalar of numpy."""

    def __init__(self, *parts: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


_NUMPY_NAMES = (
    # numpy 1 calls its core numpy.core, numpy 2 numpy._core: files of both exist.
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
    """What a file of `torch.save` holds, tensors on the CPU.

    `mapped`: tensors are read when they are used; files from before torch 1.6 are read whole.

    Raises:
        DataError: it asks for a function or class that could run code, naming it, or is damaged.
    """
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(_ALLOWED):
            # About pickle protocols: one that cannot be read is an error anyway.
            warnings.simplefilter("ignore")
            content: object = torch.load(
                path, map_location="cpu", weights_only=True, mmap=mapped and is_zipfile(path)
            )
    except Exception as error:  # the bytes of a file can make the reader raise anything
        text = str(error)
        if found := _FORBIDDEN.search(text):
            name = found[1] or found[2]
            name = name if "." in name else f"builtins.{name}"  # which torch leaves out
            raise DataError(
                f"{path} asks for {name}, which could run code",
                fix="no such file is loaded; save it again with tensors and plain values alone",
            ) from None
        # What the reader stumbled over ("pop from empty list") helps nobody.
        raise DataError(
            f"{path} is no whole file of torch.save",
            fix="give a .pth file of the original; if it is one, it is damaged: fetch it again",
        ) from None
    return content
