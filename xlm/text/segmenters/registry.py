"""Word segmenters for languages that are written without spaces.

    segment = load_segmenter("jieba")  # or "stanford:/opt/stanford-segmenter-2018-10-16"
    segment("我来到北京")  # "我 来到 北京"
    segmenter_identity("jieba")  # "jieba 0.42.1"

A segmenter is a function from one line to the same line with spaces between words. Its identity
names the tool, its version and its model by contents. The identity is in the key of the segmented
text and on the model card; the path is in neither.

By default, jieba caches its dictionary in the global temporary directory, and PyThaiNLP creates a
data folder in the home directory. Both are prevented here: a home directory can be read-only, and
files from a shared temporary directory must not shape an artifact.
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
from xlm.config.languages.segmenters import SEGMENTERS, split_spec
from xlm.display.suggest import did_you_mean
from xlm.errors import ConfigError
from xlm.store.keys import tool_version
from xlm.text.segmenters import icu

_MAX_HAN_RUN = 1000
_MAX_DIGIT_RUN = 500
"""Longer runs of one kind of character are cut. Natural text has none."""

Segmenter = Callable[[str], str]
"""One line of raw text in, the same text with spaces between words out."""


@dataclass(frozen=True)
class SegmenterKind:
    """How to load and how to identify a segmenter, given its path; None is the default path."""

    load: Callable[[str | None], Segmenter]
    identity: Callable[[str | None], str]
    files: Callable[[str | None], list[Path]] = lambda _: []
    """The files outside of packages that its identity is the digest of."""


@cache
def load_segmenter(spec: str) -> Segmenter:
    """Load the segmenter `NAME` or `NAME:PATH`, once per process.

    Raises:
        ConfigError: the name is unknown, or the segmenter takes no path.
        ToolError: its program, package or model is missing.
    """
    kind, path = _find_kind(spec)
    return kind.load(path)


def segmenter_identity(spec: str) -> str:
    """Return the tool, version and model of a segmenter: what is installed, not where.

    Raises:
        ConfigError: the name is unknown, or the segmenter takes no path.
        ToolError: its program, package or model is missing.
    """
    kind, path = _find_kind(spec)
    return kind.identity(path)


def segmenter_files(spec: str) -> list[Path]:
    """Return the files outside of packages that a segmenter consists of, sorted.

    Raises:
        ConfigError: the name is unknown, or the segmenter takes no path.
        ToolError: its program, package or model is missing.
    """
    kind, path = _find_kind(spec)
    return sorted(kind.files(path))


def spec_with_path(spec: str) -> str:
    """Add the path from the environment to a spec, so that workers need no environment."""
    name, path = split_spec(spec)
    path = path or segmenter_path(name)
    return f"{name}:{Path(path).expanduser()}" if path else name


def _find_kind(spec: str) -> tuple[SegmenterKind, str | None]:
    name, path = split_spec(spec_with_path(spec))
    if name in _LIBRARIES:
        if path is not None:
            raise ConfigError(f"segmenter {spec!r}: {name} takes no path", fix=f"write {name}")
        return _LIBRARIES[name], None
    if name not in SEGMENTERS:
        raise ConfigError(f"unknown segmenter {name!r}", fix=did_you_mean(name, SEGMENTERS))
    return _kinds_with_path()[name], path


def _kinds_with_path() -> dict[str, SegmenterKind]:
    from xlm.text.segmenters import pkuseg as segment_pkuseg
    from xlm.text.segmenters import programs as segment_programs
    from xlm.text.segmenters import stanford as segment_stanford

    return {
        "pkuseg": SegmenterKind(segment_pkuseg.load, segment_pkuseg.identity, segment_pkuseg.files),
        "stanford": SegmenterKind(
            segment_stanford.load, segment_stanford.identity, segment_stanford.files
        ),
        "kytea": SegmenterKind(
            segment_programs.load_kytea,
            segment_programs.kytea_identity,
            segment_programs.kytea_files,
        ),
        "command": SegmenterKind(
            segment_programs.load_command,
            segment_programs.command_identity,
            segment_programs.command_files,
        ),
    }


def _load_jieba(_: str | None) -> Segmenter:
    import jieba

    jieba.setLogLevel(logging.WARNING)
    tokenizer = jieba.Tokenizer()
    # Equal to initialize(), but without its cache file: parsing the dictionary takes a second.
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    return _cut_long_runs(lambda line: " ".join(tokenizer.cut(line)), "\u4e00-\u9fd5", _MAX_HAN_RUN)


def _load_newmm(_: str | None) -> Segmenter:
    # In read-only mode the import creates no data folder in the home directory; the wheel contains
    # the dictionary of newmm. PyThaiNLP rejects this variable together with its older name.
    if "PYTHAINLP_READ_MODE" not in os.environ:
        os.environ.setdefault("PYTHAINLP_READ_ONLY", "1")
    from pythainlp.tokenize import word_tokenize

    # White-space tokens stay, as in XLM: they are text of the line.
    return _cut_long_runs(lambda line: " ".join(word_tokenize(line)), r"\d,.", _MAX_DIGIT_RUN)


def _cut_long_runs(segment: Segmenter, characters: str, max_length: int) -> Segmenter:
    """Cut longer runs of these characters: both libraries take quadratic time for a run."""
    run = re.compile(f"[{characters}]{{{max_length + 1},}}")

    def segment_line(line: str) -> str:
        cuts = [
            position
            for found in run.finditer(line)
            for position in range(found.start() + max_length, found.end(), max_length)
        ]
        if not cuts:
            return segment(line)
        bounds = pairwise([0, *cuts, len(line)])
        return " ".join(segment(line[start:end]) for start, end in bounds)

    return segment_line


_LIBRARIES = {
    "jieba": SegmenterKind(_load_jieba, lambda _: f"jieba {tool_version('jieba')}"),
    "icu": SegmenterKind(lambda _: icu.load(), lambda _: icu.identity()),
    "newmm": SegmenterKind(_load_newmm, lambda _: f"PyThaiNLP {tool_version('pythainlp')}, newmm"),
}
