"""`xlm bpe learn`: tokenized text on standard input, byte-pair codes on standard output.

What the learner's program prints stays in a temporary file; standard error gets our own lines.
"""

import signal
import sys
import tempfile
from pathlib import Path

from xlm.cli.text.filter_oddities import INPUT
from xlm.cli.text.filter_stream import decode_lines, ending_by_signal, read_batches, write_output
from xlm.cli.text.learning_lines import LearningLines
from xlm.config.data.learners import LEARNERS
from xlm.display.suggest import did_you_mean
from xlm.errors import ConfigError, DataError

_BLOCK_BYTES = 1 << 20


def learn(codes: int, learner: str, threads: int) -> None:
    """Learn merges; nothing is written before all of them are.

    Raises:
        ConfigError: there is no such learner.
        DataError: the text is not UTF-8, or has no pair of characters.
        ToolError: the learner's program is missing or failed.
    """
    from xlm.bpe.learning.learners import learn_merges

    if learner not in LEARNERS:
        raise ConfigError(f"no learner {learner!r}", fix=did_you_mean(learner, LEARNERS))
    signal.signal(signal.SIGTERM, _stop)
    # Learners read their text more than once: a pipe will not do.
    with ending_by_signal(), tempfile.TemporaryDirectory(prefix="xlm-bpe-") as folder:
        sample, target, messages = (Path(folder) / name for name in ("sample", "codes", "log"))
        with LearningLines(codes) as lines:
            _keep_input(sample)
            learned = learn_merges(
                sample,
                target,
                num_merges=codes,
                messages=messages,
                learner=learner,
                threads=threads,
                on_merge=lines.merged,
            )
        with target.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                write_output(block)
    if learned.exhausted:
        sys.stderr.write(
            f"xlm: only {learned.num_merges} of {codes} merges: the text has no more pairs\n"
        )


def _stop(number: int, _: object) -> None:
    """A plain end by SIGTERM would leave the text behind."""
    raise SystemExit(128 + number)


def _keep_input(sample: Path) -> None:
    first = 1
    with sample.open("wb") as file:
        for batch, _ in read_batches():
            _, fault = decode_lines(batch, first)
            if fault is not None:
                raise fault
            if (place := batch.find(b"\0")) >= 0:
                number = first + batch.count(b"\n", 0, place)
                raise DataError(f"{INPUT}, line {number}: a NUL byte", fix="give tokenized text")
            file.write(batch)
            first += batch.count(b"\n")
