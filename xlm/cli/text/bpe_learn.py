"""`xlm bpe learn`: tokenized text on standard input, BPE merges on standard output.

The learner's own output goes to a temporary file; standard error only gets our lines.
"""

import signal
import sys
import tempfile
from pathlib import Path

from xlm.cli.progress_lines import ProgressLines
from xlm.cli.text.input_warnings import INPUT
from xlm.cli.text.stream import decode_lines, exit_by_signal, read_batches, write_output
from xlm.config.data.learners import LEARNERS
from xlm.display.suggest import did_you_mean
from xlm.errors import ConfigError, DataError

_BLOCK_BYTES = 1 << 20


def learn(codes: int, learner: str, threads: int) -> None:
    """Learn BPE merges; nothing is written before the last one is learned.

    Raises:
        ConfigError: the learner is unknown.
        DataError: the text is not UTF-8, or has no pair of characters.
        ToolError: the learner is not installed, or failed.
    """
    from xlm.bpe.learning.learners import learn_merges

    if learner not in LEARNERS:
        raise ConfigError(f"unknown learner {learner!r}", fix=did_you_mean(learner, LEARNERS))
    signal.signal(signal.SIGTERM, _stop)
    # Learners read their text several times, so a pipe is not enough.
    with exit_by_signal(), tempfile.TemporaryDirectory(prefix="xlm-bpe-") as folder:
        sample, target, messages = (Path(folder) / name for name in ("sample", "codes", "log"))
        beginning = "reading and counting words"
        with ProgressLines("bpe learn", "merges", total=codes, beginning=beginning) as progress:
            _save_input(sample)
            learned = learn_merges(
                sample,
                target,
                num_merges=codes,
                messages=messages,
                learner=learner,
                threads=threads,
                on_merge=progress.update,
            )
        with target.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                write_output(block)
    if learned.exhausted:
        sys.stderr.write(
            f"xlm: only {learned.num_merges} of {codes} merges: the text has no more pairs\n"
        )


def _stop(number: int, _: object) -> None:
    """Exit by an exception: SIGTERM alone would leave the temporary folder."""
    raise SystemExit(128 + number)


def _save_input(sample: Path) -> None:
    first = 1
    with sample.open("wb") as file:
        for batch, _ in read_batches():
            _, fault = decode_lines(batch, first)
            if fault is not None:
                raise fault
            if (offset := batch.find(b"\0")) >= 0:
                number = first + batch.count(b"\n", 0, offset)
                raise DataError(f"{INPUT}, line {number}: NUL byte", fix="pass tokenized text")
            file.write(batch)
            first += batch.count(b"\n")
