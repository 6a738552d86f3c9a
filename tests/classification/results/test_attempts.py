"""What the record of fine-tuning says about collapses."""

import json
from collections.abc import Sequence
from pathlib import Path

from xlm.classification.results.attempts import ATTEMPTS_FILE, Attempts, read_attempts


def written(directory: Path, kept: int, collapsed: Sequence[bool], tries: int = 0) -> Attempts:
    """Restarts with learning rate 1e-4, of which the published one had earlier tries with 2e-4."""
    attempts = [
        {
            "restart": number,
            "english_dev": 0.5,
            "learning_rate": 1e-4,
            "collapsed": is_collapsed,
            "collapsed_tries": [{"learning_rate": 2e-4}] * (tries if number == kept else 0),
        }
        for number, is_collapsed in enumerate(collapsed)
    ]
    content = {"selected_by": "english", "kept_restart": kept, "attempts": attempts}
    (directory / ATTEMPTS_FILE).write_text(json.dumps(content))
    return read_attempts(directory)


def test_nothing_collapsed(tmp_path: Path) -> None:
    found = written(tmp_path, 0, [False, False])
    assert (found.collapses, found.collapsed_count) == ((), 0)


def test_a_collapse_of_a_restart_that_is_not_published_is_named(tmp_path: Path) -> None:
    found = written(tmp_path, 1, [True, False, True])
    assert found.collapses == ("restarts that collapsed and are not published: 2 of 3",)
    assert (found.count, found.collapsed_count) == (3, 2)


def test_the_published_restart_collapsed_too(tmp_path: Path) -> None:
    found = written(tmp_path, 0, [True, True])
    assert found.collapses == (
        "fine-tuning collapsed with learning rate 0.0001",
        "restarts that collapsed and are not published: 1 of 2",
    )


def test_a_first_try_collapsed(tmp_path: Path) -> None:
    found = written(tmp_path, 0, [False], tries=1)
    assert found.collapses == ("fine-tuning collapsed with learning rate 0.0002",)
    assert found.collapsed_count == 0
