"""Learn BPE merges with one of two programs.

    learn_merges(Path("sample.txt"), Path("codes"), num_merges=2000, messages=Path("messages.log"))

`fastbpe` is the program of XLM, `fast learnbpe`. It breaks ties by the hash order of the C++
library, so no other learner produces the same merges. This module handles what it does not: it
refuses texts that are empty or not UTF-8 and counts above 32 bits (fastBPE wraps around), passes a
last word without newline in a second file (fastBPE drops it), and stops the program when no pair is
left (fastBPE prints a pair with count 0 forever).

`deterministic` is the program of this project (`xlm/bpe/native`). Its tie rule, in `merges.hh`,
produces the same merges on any platform and with any number of threads. Its counts have 63 bits,
and its time does not grow with the length of words.
"""

import logging
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from xlm.config.data.learners import LearnerName
from xlm.errors import DataError, ToolError
from xlm.processes.child import ProcessResult
from xlm.processes.programs import stream_process
from xlm.processes.tools import find_program

log = logging.getLogger(__name__)

_COUNT_LIMIT = (1 << 31) - 1
_LONG_WORD_BYTES = 10_000
_INVALID_TEXT_STATUS = 2
"""Exit status of `learn-bpe` for invalid text or arguments."""
_BUILD = "run `python infra/build_learners.py` in this environment"
_NO_PAIR = "the sample for BPE merges has no word of two characters"


@dataclass(frozen=True)
class LearnedMerges:
    """Result of learning; the merges are in the codes file."""

    num_merges: int
    exhausted: bool
    """Whether no pair was left before the requested number of merges."""
    process: ProcessResult
    """Time and memory of the program."""


def find_fastbpe() -> Path:
    """Find the program `fast` of fastBPE.

    Raises:
        ToolError: it is not built.
    """
    return find_program("fast", fix=_BUILD)


def find_learn_bpe() -> Path:
    """Find the program `learn-bpe` of this project.

    Raises:
        ToolError: it is not built.
    """
    return find_program("learn-bpe", fix=_BUILD)


def learn_merges(
    sample: Path,
    target: Path,
    *,
    num_merges: int,
    messages: Path,
    learner: LearnerName = "fastbpe",
    threads: int = 1,
    counted: bool = False,
    on_merge: Callable[[int], None] = lambda done: None,
) -> LearnedMerges:
    """Learn up to `num_merges` merges and write them as a codes file.

    Args:
        sample: text; spaces and newlines separate words.
        target: codes file to write, with lines `left right count`.
        num_merges: number of merges; fewer if no pair is left.
        messages: log file for the standard error of the program.
        learner: which program to run.
        threads: number of threads of `deterministic`; the merges do not depend on it.
        counted: `sample` has lines `word count` instead of text, which only `deterministic` reads.
        on_merge: called with the number of merges so far.

    Raises:
        DataError: the text is not UTF-8, has no pair of characters, or its counts are too large.
        ToolError: the program is missing or failed.
    """
    messages.unlink(missing_ok=True)
    run = _Run(target, num_merges, messages, on_merge)
    if learner == "fastbpe":
        return _learn_fast(sample, run)
    command = [str(find_learn_bpe()), str(num_merges), str(sample), "--threads", str(threads)]
    return run.collect([*command, "--counted"] if counted else command)


def _learn_fast(sample: Path, run: "_Run") -> LearnedMerges:
    from xlm.bpe.learning.scan import scan_text

    scan = scan_text(sample)
    if not scan.pair_bound:
        raise _no_pair()
    if scan.pair_bound > _COUNT_LIMIT:
        raise DataError(
            f"a pair can occur up to {scan.pair_bound} times in the sample, but fastBPE counts "
            f"only up to {_COUNT_LIMIT}",
            fix="set bpe.learner=deterministic, or use less text (bpe.sample_lines)",
        )
    if scan.longest_word_bytes > _LONG_WORD_BYTES:
        log.warning(
            "the longest word has %d bytes: fastBPE scans all of it for each merge in it; "
            "bpe.learner=deterministic does not",
            scan.longest_word_bytes,
        )
    command = [str(find_fastbpe()), "learnbpe", str(run.num_merges), str(sample)]
    if not scan.open_word_bytes:
        return run.collect(command)
    # fastBPE drops a last word that no separator ends: pass that word in a second file.
    with TemporaryDirectory(prefix="xlm-bpe-") as name:
        last = Path(name) / "last-word"
        with sample.open("rb") as text, last.open("wb") as file:
            text.seek(-scan.open_word_bytes, 2)
            shutil.copyfileobj(text, file)
            file.write(b"\n")
        return run.collect([*command, str(last)])


@dataclass(frozen=True)
class _Run:
    """One run of a learner: collects its merges and checks its exit status."""

    target: Path
    num_merges: int
    messages: Path
    on_merge: Callable[[int], None]

    def collect(self, command: list[str]) -> LearnedMerges:
        printed, exhausted = 0, False
        seen: set[bytes] = set()
        with self.target.open("wb") as file:

            def collect_line(line: bytes) -> bool:
                nonlocal printed, exhausted
                exhausted = line.endswith(b" 0\n")
                if exhausted:
                    return False
                printed += 1
                pair = line.rpartition(b" ")[0]
                # If the text contains `</w>`, two pairs can have one spelling: keep the first.
                if pair not in seen:
                    seen.add(pair)
                    file.write(line)
                self.on_merge(printed)
                return True

            process = stream_process(command, log_path=self.messages, on_line=collect_line)
        # If no pair is left, `fast` is stopped and `learn-bpe` exits by itself.
        if not exhausted and (process.returncode != 0 or not printed):
            raise self._failure(Path(command[0]).name, process.returncode)
        return LearnedMerges(len(seen), exhausted or printed < self.num_merges, process)

    def _failure(self, program: str, code: int) -> DataError | ToolError:
        text = self.messages.read_text(encoding="utf-8", errors="replace")
        last_lines = text.strip().split("\n")[-2:]
        if code == 0:
            return _no_pair()
        if code == _INVALID_TEXT_STATUS:
            what = last_lines[-1].removeprefix(f"{program}: ")
            return DataError(what, fix="pass tokenized text in UTF-8")
        fix = "run it again, or use the learner deterministic (in a run: bpe.learner)"
        if code == -signal.SIGKILL:
            fix = "free memory, or use less text (in a run: bpe.sample_lines)"
        if any("bad_alloc" in line for line in last_lines):
            fix = "fastBPE reserves 12 GB of address space: raise `ulimit -v` or allow overcommit"
        return ToolError(f"{program} exited with {code}: {' / '.join(last_lines)}", fix=fix)


def _no_pair() -> DataError:
    return DataError(
        _NO_PAIR, fix="use more text; in a run, check that the train splits are not empty"
    )
