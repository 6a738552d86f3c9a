"""Chinese word segmentation with pkuseg (package spacy-pkuseg) and a model folder of the user.

The package contains no model. Given a model name, it downloads a zip file into the home directory
and unpacks it without a checksum. Only a folder with all model files is accepted here.
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
"""The package reads the first that exists; the second is the format of older models."""


def load(path: str | None) -> Callable[[str], str]:
    """Load the segmenter with the model in the folder `path`.

    Raises:
        ToolError: the package or the model is missing, or the model cannot be read.
    """
    folder, _ = _model_files(path)
    # While it loads, the package prints the features format that it tries to stderr.
    with contextlib.redirect_stderr(io.StringIO()):
        import spacy_pkuseg

        try:
            cut = spacy_pkuseg.pkuseg(str(folder)).cut
        except Exception as error:  # a damaged file can raise anything in its readers
            raise ToolError(
                f"the pkuseg model in {folder} cannot be read: {error}",
                fix="unpack the model again",
            ) from error
    return lambda line: " ".join(cut(line))


def identity(path: str | None) -> str:
    """Return the version of the package and a digest of the model."""
    folder, of_model = _model_files(path)
    return f"{_PACKAGE} {tool_version(_PACKAGE)}, model {files_digest(folder, of_model)}"


def files(path: str | None) -> list[Path]:
    """Return the files of the model."""
    return _model_files(path)[1]


def _model_files(path: str | None) -> tuple[Path, list[Path]]:
    if find_spec("spacy_pkuseg") is None:
        raise ToolError(
            f"segmenter pkuseg: the package {_PACKAGE} is not installed",
            fix="run `pip install 'xlm-pipeline[pkuseg]'`, or choose jieba",
        )
    if path is None:
        raise ToolError(
            "segmenter pkuseg: no model given, and the package contains none",
            fix="write pkuseg:FOLDER or set XLM_PKUSEG_MODEL (docs/reference/segmenters.md)",
        )
    folder = Path(path).absolute()  # the package takes a bare name as a model to download
    features = next((folder / name for name in _FEATURES if (folder / name).is_file()), None)
    if features is None or not (folder / _WEIGHTS).is_file():
        raise ToolError(
            f"segmenter pkuseg: no model in {path} ({_WEIGHTS} and {' or '.join(_FEATURES)})",
            fix="use the folder of an unpacked model",
        )
    return folder, [features, folder / _WEIGHTS]
