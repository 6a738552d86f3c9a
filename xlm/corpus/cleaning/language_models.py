"""Models that identify the language of a text: one of a package, or a file of fastText.

    model = load_model("py3langid")
    model.identify("Habari ya asubuhi, watoto wote")    # ("sw", 0.99)

`lid.176.bin` and `lid.176.ftz` of fastText know 176 languages. The project does not contain them;
their licence is CC-BY-SA-3.0.
"""

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from xlm.config.data.cleaning import PACKAGED_MODEL
from xlm.corpus.cleaning.fasttext_file import MAGIC, is_complete
from xlm.errors import ConfigError, ToolError
from xlm.store.disk.hashing import cached_file_sha256
from xlm.store.keys import tool_version

INSTALL = "run `pip install 'xlm-pipeline[cleaning]'`"
_FASTTEXT_MODULE = "fasttext"
_FASTTEXT_PACKAGES = ("fasttext-predict", "fasttext-predict-v2")
"""The second one has wheels for Python 3.14; both have the same module."""
_LABEL = "__label__"
_ALL_LABELS = 10_000
_DIGEST_DIGITS = 16


class LanguageModel(NamedTuple):
    """Identifies languages; `identify` returns the name of the best one and its probability."""

    names: frozenset[str]
    identify: Callable[[str], tuple[str, float]]


@cache
def load_model(spec: str) -> LanguageModel:
    """Load a model, once per process.

    Args:
        spec: `py3langid`, or the path of a model of fastText.

    Raises:
        ToolError: its package is not installed.
        ConfigError: the file is missing, or is not a model of fastText.
    """
    model_identity(spec)
    return _packaged() if spec == PACKAGED_MODEL else _fasttext(Path(spec).expanduser())


def model_identity(spec: str) -> str:
    """Return what determines the answers of a model: package and version, or digest of the file.

    Raises:
        ToolError: its package is not installed.
        ConfigError: the file is missing, or is not a model of fastText.
    """
    if spec == PACKAGED_MODEL:
        require_package(PACKAGED_MODEL, "cleaning.language_model")
        return f"{PACKAGED_MODEL} {tool_version(PACKAGED_MODEL)}"
    path = Path(spec).expanduser()
    try:
        with path.open("rb") as file:
            begin = file.read(len(MAGIC))
        digest = cached_file_sha256(path)
    except OSError as error:
        raise ConfigError(
            f"cleaning.language_model: cannot read {str(path)[:300]} ({error.strerror})",
            fix=f"name {PACKAGED_MODEL}, or the path of lid.176.bin",
        ) from error
    if begin != MAGIC:
        raise ConfigError(
            f"cleaning.language_model: {path} is not a model of fastText",
            fix=f"download lid.176.bin again, or name {PACKAGED_MODEL}",
        )
    require_package(_FASTTEXT_MODULE, "cleaning.language_model", " with a model of fastText")
    return f"{path.name} {digest[:_DIGEST_DIGITS]}, {_fasttext_version()}"


def model_files(spec: str) -> list[Path]:
    """The file of a model of fastText; nothing for a model of a package."""
    return [] if spec == PACKAGED_MODEL else [Path(spec).expanduser()]


def require_package(module: str, setting: str, addition: str = "") -> None:
    """Check that an optional package is installed.

    Raises:
        ToolError: it is not.
    """
    if find_spec(module) is None:
        raise ToolError(
            f"{setting}{addition} needs the package {module}, which is not installed", fix=INSTALL
        )


def _packaged() -> LanguageModel:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    found = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    return LanguageModel(frozenset(found.labels), found.classify)


def _fasttext(path: Path) -> LanguageModel:
    import fasttext

    if not is_complete(path):
        raise ConfigError(
            f"cleaning.language_model: {path} is truncated or damaged", fix="download it again"
        )
    model = fasttext.load_model(str(path))

    def identify(text: str) -> tuple[str, float]:
        labels, probabilities = model.predict(text.replace("\n", " "), k=1)
        if not labels:
            return "", 0.0
        return labels[0].removeprefix(_LABEL), float(probabilities[0])

    # There is no list of labels; a threshold below 0 returns all of them.
    labels, _ = model.predict("", k=_ALL_LABELS, threshold=-1.0)
    return LanguageModel(frozenset(one.removeprefix(_LABEL) for one in labels), identify)


def _fasttext_version() -> str:
    for package in _FASTTEXT_PACKAGES:
        try:
            return f"{package} {tool_version(package)}"
        except ToolError:
            continue
    return "fasttext"
