"""JSON lines: a record is written completely or not at all."""

import errno
import json
import os
import resource
import signal
from pathlib import Path

import pytest

from xlm.training.records.json_lines import JsonLines


def test_records_are_appended(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    JsonLines(path).append({"step": 1})
    JsonLines(path).append({"step": 2})
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"step": 1},
        {"step": 2},
    ]


def test_a_line_that_does_not_fit_leaves_the_others_complete(tmp_path: Path) -> None:
    """A full disk may take part of a line, which must not precede the next one."""
    path = tmp_path / "speed.jsonl"
    lines = JsonLines(path)
    lines.append({"step": 1})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 5, hard))
        with pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
            lines.append({"step": 2, "long": "line" * 9999})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    lines.append({"step": 3})
    assert [json.loads(line)["step"] for line in path.read_text().splitlines()] == [1, 3]
