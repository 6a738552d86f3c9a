"""Chinese word segmentation with the Stanford segmenter, as in the paper: model pku, UTF-8.

The user installs Java and the segmenter (stanford-segmenter-2018-10-16). It is GPL, so it runs as a
separate program and is never shipped. The options are those of its segment.sh with size 0, except
that it reads lines from standard input, so that one process serves all lines.
"""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from xlm.errors import ToolError
from xlm.text.segmenters.digest import files_digest
from xlm.text.segmenters.line_program import LineProgram

_MODEL = "pku.gz"
_DICTIONARY = "dict-chris6.ser.gz"
_UNUSED_MODEL = "ctb.gz"
_MAIN_CLASS = "edu.stanford.nlp.ie.crf.CRFClassifier"
_VERSION = re.compile(r"stanford-segmenter-(\d[\d.]*\d)\.jar")


def load(path: str | None) -> Callable[[str], str]:
    """Load the segmenter from the folder `path`; Java starts with the first line.

    Raises:
        ToolError: the folder, one of its files or `java` is missing.
    """
    folder = _find_folder(path)
    java = shutil.which("java")
    if java is None:
        raise ToolError(
            "segmenter stanford: no `java` on PATH",
            fix="install a Java runtime (8 or later), or choose jieba",
        )
    data = folder / "data"
    command = [
        *(java, "-mx2g", "-Dfile.encoding=UTF-8", "-cp", f"{folder}/*", _MAIN_CLASS),
        *("-sighanCorporaDict", str(data)),
        *("-loadClassifier", str(data / _MODEL)),
        *("-serDictionary", str(data / _DICTIONARY)),
        *("-inputEncoding", "UTF-8", "-outputEncoding", "UTF-8"),
        *("-sighanPostProcessing", "true", "-keepAllWhitespaces", "false"),
        "-readStdin",
    ]
    return LineProgram("the Stanford segmenter", command)


def identity(path: str | None) -> str:
    """Return the version and a digest of the programs, the model and the dictionaries."""
    folder, used = _find_folder(path), files(path)
    versions = [found[1] for file in sorted(used) if (found := _VERSION.fullmatch(file.name))]
    version = versions[0] if versions else "of unknown version"
    return f"Stanford segmenter {version}, pku, {files_digest(folder, used)}"


def files(path: str | None) -> list[Path]:
    """Return the programs, the model and the dictionaries."""
    folder = _find_folder(path)
    jars = [jar for jar in folder.glob("*.jar") if jar.is_file()]
    data = (folder / "data").rglob("*")
    return [*jars, *(file for file in data if file.is_file() and file.name != _UNUSED_MODEL)]


def _find_folder(path: str | None) -> Path:
    if path is None:
        raise ToolError(
            "segmenter stanford: no folder given",
            fix="write stanford:FOLDER or set XLM_STANFORD_SEGMENTER to the unpacked "
            "stanford-segmenter-2018-10-16",
        )
    folder = Path(path).absolute()
    missing = [name for name in (_MODEL, _DICTIONARY) if not (folder / "data" / name).is_file()]
    if not folder.is_dir():
        what = f"{path} is not a folder"
    elif missing:
        what = f"{path} has no data/{missing[0]}"
    elif not any(folder.glob("*.jar")):
        what = f"{path} has no jar file"
    else:
        return folder
    raise ToolError(
        f"segmenter stanford: {what}", fix="use the folder of the unpacked Stanford segmenter"
    )
