"""Lines of JSON: whole, or not there."""

import errno
import json
import os
import resource
import signal
from pathlib import Path

import pytest

from xlm.training.metrics import JsonLines


def test_a_resumed_run_cuts_off_what_its_checkpoint_did_not_see(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    lines = JsonLines(path, start_bytes=0)
    lines.append({"step": 1})
    seen = lines.size_bytes
    lines.append({"step": 2})
    lines.sync()
    assert JsonLines(path, start_bytes=seen).size_bytes == seen
    assert [json.loads(line) for line in path.read_text().splitlines()] == [{"step": 1}]


def test_a_line_that_does_not_fit_leaves_the_others_whole(tmp_path: Path) -> None:
    """A full disk takes the beginning of a line; the next one must not stand behind it."""
    path = tmp_path / "speed.jsonl"
    lines = JsonLines(path, start_bytes=0)
    lines.append({"step": 1})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (lines.size_bytes + 5, hard))
        with pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
            lines.append({"step": 2, "long": "line" * 9999})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    lines.append({"step": 3})
    assert [json.loads(line)["step"] for line in path.read_text().splitlines()] == [1, 3]
