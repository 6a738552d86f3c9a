"""Chinese by pkuseg (package spacy-pkuseg), with a model folder of the user's.

The package carries no model. Asked for one by name, it would download it into the home and unpack
it there unchecked: so only a folder is taken, one that holds all that the package reads.
"""

import contextlib
import io
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from xlm.errors import ToolError
from xlm.store.keys import tool_version
from xlm.text.segmenters.digest import files_digest

_PACKAGE = "spacy-pkuseg"
_WEIGHTS = "weights.npz"
_FEATURES = ("features.msgpack", "features.pkl")
"""The first that is there is read; the other is the form of older models."""


def load(path: str | None) -> Callable[[str], str]:
    """The segmenter with the model in the folder `path`.

    Raises:
        ToolError: package or model is not there, or the model cannot be read.
    """
    folder, _ = _model(path)
    # The package says on stderr which form of the features it tries.
    with contextlib.redirect_stderr(io.StringIO()):
        import spacy_pkuseg

        try:
            cut = spacy_pkuseg.pkuseg(str(folder)).cut
        except Exception as error:  # whatever a damaged file makes its readers raise
            raise ToolError(
                f"the pkuseg model in {folder} cannot be read: {error}",
                fix="unpack the model again",
            ) from error
    return lambda line: " ".join(cut(line))


def identity(path: str | None) -> str:
    """Version of the package and digest of the model."""
    folder, files = _model(path)
    return f"{_PACKAGE} {tool_version(_PACKAGE)}, model {files_digest(folder, files)}"


def _model(path: str | None) -> tuple[Path, list[Path]]:
    if find_spec("spacy_pkuseg") is None:
        raise ToolError(
            f"segmenter pkuseg: the package {_PACKAGE} is not installed",
            fix="run `pip install 'xlm-pipeline[pkuseg]'`, or choose jieba",
        )
    if path is None:
        raise ToolError(
            "segmenter pkuseg: no model was named, and the package carries none",
            fix="write pkuseg:FOLDER or set XLM_PKUSEG_MODEL (docs/reference/segmenters.md)",
        )
    folder = Path(path).absolute()  # a bare name would be one to download
    features = next((folder / name for name in _FEATURES if (folder / name).is_file()), None)
    if features is None or not (folder / _WEIGHTS).is_file():
        raise ToolError(
            f"segmenter pkuseg: {path} holds no model ({_WEIGHTS} and {' or '.join(_FEATURES)})",
            fix="name the folder of an unpacked model",
        )
    return folder, [features, folder / _WEIGHTS]
