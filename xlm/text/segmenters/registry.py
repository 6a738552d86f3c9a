"""Word segmenters for languages that write no spaces, behind one small interface.

    segment = load_segmenter("jieba")          # or "stanford:/opt/stanford-segmenter-2018-10-16"
    segment("我来到北京")                      # "我 来到 北京"
    segmenter_identity("jieba")                     # "jieba 0.42.1"

A segmenter is a function from one line to the same line with a space between words. Its identity
names tool, version and model by their contents: it is in the key of what was segmented and on the
model card, while the path is in neither.

The libraries like to write: jieba dumps its dictionary into the global temporary directory,
PyThaiNLP makes a folder in the home. Neither may here: a home can be read-only, and what is found
in a shared temporary directory must not shape an artifact.
"""

import logging
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from xlm.config.environment import segmenter_path
from xlm.config.languages.segmenters import SEGMENTERS, is_unspaced, split_spec
from xlm.display.suggest import did_you_mean
from xlm.errors import ConfigError
from xlm.store.keys import tool_version

_HAN_RUN = 1000
_DIGITS_RUN = 500
"""Characters in a row that are cut; no text has so many."""

Segmenter = Callable[[str], str]
"""One line of raw text in, the same text with a space between words out."""


@dataclass(frozen=True)
class Kind:
    """How a segmenter is had and what it is, both from its path (None: where it usually lies)."""

    load: Callable[[str | None], Segmenter]
    identity: Callable[[str | None], str]


@cache
def load_segmenter(spec: str) -> Segmenter:
    """The segmenter `NAME` or `NAME:PATH`, loaded once a process.

    Raises:
        ConfigError: there is no such segmenter, or it takes no path.
        ToolError: its program, package or model is not there.
    """
    kind, path = _kind(spec)
    return kind.load(path)


def segmenter_identity(spec: str) -> str:
    """Tool, version and model of a segmenter, by what is installed, not by where.

    Raises:
        ConfigError: there is no such segmenter.
        ToolError: its program, package or model is not there.
    """
    kind, path = _kind(spec)
    return kind.identity(path)


def spec_with_path(spec: str) -> str:
    """`NAME:PATH` where the environment names the path, so that workers need no environment."""
    name, path = split_spec(spec)
    path = path or segmenter_path(name)
    return f"{name}:{Path(path).expanduser()}" if path else name


def missing_segmenter_warning(language: str, segmented: bool) -> str | None:
    """What to say of a language whose words nothing would separate."""
    if segmented or not is_unspaced(language):
        return None
    return (
        f"{language} is written without spaces and has no segmenter: whole clauses will count as "
        f"words; set text.segmenters.{language} (--segmenter) to one of {', '.join(SEGMENTERS)}"
    )


def _kind(spec: str) -> tuple[Kind, str | None]:
    name, path = split_spec(spec_with_path(spec))
    if name in _LIBRARIES:
        if path is not None:
            raise ConfigError(f"segmenter {spec!r}: {name} takes no path", fix=f"write {name}")
        return _LIBRARIES[name], None
    if name not in SEGMENTERS:
        raise ConfigError(f"no segmenter {name!r}", fix=did_you_mean(name, SEGMENTERS))
    return _others()[name], path


def _others() -> dict[str, Kind]:
    from xlm.text.segmenters import pkuseg as segment_pkuseg
    from xlm.text.segmenters import programs as segment_programs
    from xlm.text.segmenters import stanford as segment_stanford

    return {
        "pkuseg": Kind(segment_pkuseg.load, segment_pkuseg.identity),
        "stanford": Kind(segment_stanford.load, segment_stanford.identity),
        "kytea": Kind(segment_programs.load_kytea, segment_programs.kytea_identity),
        "command": Kind(segment_programs.load_command, segment_programs.command_identity),
    }


def _jieba(_: str | None) -> Segmenter:
    import jieba

    jieba.setLogLevel(logging.WARNING)
    tokenizer = jieba.Tokenizer()
    # What initialize() does, without its cache file: reading the text dictionary takes a second.
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    return _in_pieces(lambda line: " ".join(tokenizer.cut(line)), "\u4e00-\u9fd5", _HAN_RUN)


def _newmm(_: str | None) -> Segmenter:
    # Read-only mode keeps the import from making a data folder in the home; the dictionary that
    # newmm needs is in the wheel. The older name of the switch must not be set beside it.
    if "PYTHAINLP_READ_MODE" not in os.environ:
        os.environ.setdefault("PYTHAINLP_READ_ONLY", "1")
    from pythainlp.tokenize import word_tokenize

    # White-space tokens are kept, as in the original: they are text of the line.
    return _in_pieces(lambda line: " ".join(word_tokenize(line)), r"\d,.", _DIGITS_RUN)


def _in_pieces(segment: Segmenter, signs: str, longest: int) -> Segmenter:
    """Cut longer runs of these signs: both libraries take the square of their length in time."""
    run = re.compile(f"[{signs}]{{{longest + 1},}}")

    def segment_line(line: str) -> str:
        cuts = [
            place
            for found in run.finditer(line)
            for place in range(found.start() + longest, found.end(), longest)
        ]
        if not cuts:
            return segment(line)
        bounds = pairwise([0, *cuts, len(line)])
        return " ".join(segment(line[start:end]) for start, end in bounds)

    return segment_line


_LIBRARIES = {
    "jieba": Kind(_jieba, lambda _: f"jieba {tool_version('jieba')}"),
    "newmm": Kind(_newmm, lambda _: f"PyThaiNLP {tool_version('pythainlp')}, newmm"),
}
