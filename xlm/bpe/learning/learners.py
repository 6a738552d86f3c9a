"""Learning codes, by one of two programs.

    learn_merges(Path("sample.txt"), Path("codes"), num_merges=2000, messages=Path("messages.log"))

`fastbpe` is the original's C++ program, `fast learnbpe`: its ties follow the hash order of the C++
library, so no other learner gives the same merges. What it does not check is checked here: texts
that are empty or not UTF-8, a last word without newline (it is lost), counts beyond 32 bits (they
wrap), pairs that run out (it goes on printing a pair with count 0).

`deterministic` is ours (`native/`), with the tie rule of `native/merges.hh`: the same codes on any
platform and with any number of threads, counts of 63 bits, and time that does not grow with the
length of words.
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
_REFUSED = 2
"""Exit status of our program for a text that does not do."""
_BUILD = "run `python infra/build_learners.py` in this environment"
_NO_PAIR = "the sample for byte-pair codes holds no word of two characters"


@dataclass(frozen=True)
class LearnedMerges:
    """How many merges there are, whether the text had no more, and what the program took."""

    num_merges: int
    exhausted: bool
    process: ProcessResult


def find_fastbpe() -> Path:
    """fastBPE's program `fast`.

    Raises:
        ToolError: it was never built.
    """
    return find_program("fast", fix=_BUILD)


def find_learn_bpe() -> Path:
    """Our program `learn-bpe`.

    Raises:
        ToolError: it was never built.
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
    on_merge: Callable[[int], None] = lambda done: None,
) -> LearnedMerges:
    """Write up to `num_merges` lines `left right count`; stop where no pair is left.

    Args:
        sample: text whose words are separated by spaces and newlines.
        messages: file that receives what the program says.
        threads: for `deterministic`; they change no byte.
        on_merge: told the number of merges so far.

    Raises:
        DataError: the text is not UTF-8, has no pair of characters, or counts would not fit.
        ToolError: the program is missing or failed.
    """
    messages.unlink(missing_ok=True)
    run = _Run(target, num_merges, messages, on_merge)
    if learner == "fastbpe":
        return _learn_fast(sample, run)
    return run.collect(
        [str(find_learn_bpe()), str(num_merges), str(sample), "--threads", str(threads)]
    )


def _learn_fast(sample: Path, run: "_Run") -> LearnedMerges:
    from xlm.bpe.learning.scan import scan_text

    facts = scan_text(sample)
    if not facts.pair_bound:
        raise _no_pair()
    if facts.pair_bound > _COUNT_LIMIT:
        raise DataError(
            f"a pair may occur {facts.pair_bound} times in the sample, "
            f"fastBPE counts to {_COUNT_LIMIT}",
            fix="take the learner deterministic (bpe.learner), or less text (bpe.sample_lines)",
        )
    if facts.longest_word_bytes > _LONG_WORD_BYTES:
        log.warning(
            "the longest word has %d bytes: fastBPE walks through all of it at each of its merges; "
            "bpe.learner=deterministic does not",
            facts.longest_word_bytes,
        )
    command = [str(find_fastbpe()), "learnbpe", str(run.num_merges), str(sample)]
    if not facts.open_word_bytes:
        return run.collect(command)
    # It drops a word that no separator ends; it takes a second text, which holds that word.
    with TemporaryDirectory(prefix="xlm-bpe-") as name:
        last = Path(name) / "last-word"
        with sample.open("rb") as text, last.open("wb") as file:
            text.seek(-facts.open_word_bytes, 2)
            shutil.copyfileobj(text, file)
            file.write(b"\n")
        return run.collect([*command, str(last)])


@dataclass(frozen=True)
class _Run:
    """One run of a learner: takes its lines as they come, then judges how it ended."""

    target: Path
    num_merges: int
    messages: Path
    on_merge: Callable[[int], None]

    def collect(self, command: list[str]) -> LearnedMerges:
        printed, exhausted = 0, False
        seen: set[bytes] = set()
        with self.target.open("wb") as file:

            def take(line: bytes) -> bool:
                nonlocal printed, exhausted
                exhausted = line.endswith(b" 0\n")
                if exhausted:
                    return False
                printed += 1
                pair = line.rpartition(b" ")[0]
                # A text that itself holds `</w>` can spell one pair by two: the first one counts.
                if pair not in seen:
                    seen.add(pair)
                    file.write(line)
                self.on_merge(printed)
                return True

            process = stream_process(command, log_path=self.messages, on_line=take)
        # fastBPE does not end where pairs run out, ours does.
        if not exhausted and (process.returncode != 0 or not printed):
            raise self._failure(Path(command[0]).name, process.returncode)
        return LearnedMerges(len(seen), exhausted or printed < self.num_merges, process)

    def _failure(self, program: str, code: int) -> DataError | ToolError:
        said = self.messages.read_text(encoding="utf-8", errors="replace").strip().split("\n")[-2:]
        if code == 0:
            return _no_pair()
        if code == _REFUSED:
            what = said[-1].removeprefix(f"{program}: ")
            return DataError(what, fix="give tokenized text in UTF-8")
        fix = "run it again, or take the learner deterministic (in a run: bpe.learner)"
        if code == -signal.SIGKILL:
            fix = "free some memory, or give less text (in a run: bpe.sample_lines)"
        if any("bad_alloc" in line for line in said):
            fix = "fastBPE reserves 12 GB of address space: raise `ulimit -v` or allow overcommit"
        return ToolError(f"{program} ended with {code}: {' / '.join(said)}", fix=fix)


def _no_pair() -> DataError:
    return DataError(_NO_PAIR, fix="give more text; in a run: are train splits empty?")
