"""Learning codes with the original's C++ program, `fast learnbpe`.

    learn_codes(Path("sample.txt"), Path("codes"), codes=2000, messages=Path("fast.log"))

Why the program and no port: its ties follow the hash order of the C++ library, so no other learner
gives the same merges. What it does not check is checked here: an empty text (it crashes), counts
beyond 32 bits (they wrap), pairs that run out (it goes on printing a pair with count 0).
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xlm.errors import DataError, ToolError
from xlm.launch.child import ProcessResult
from xlm.launch.process import stream_process
from xlm.launch.programs import find_program

_COUNT_LIMIT = (1 << 31) - 1
_CHUNK_BYTES = 1 << 24
_SPACE, _NEWLINE = 0x20, 0x0A


@dataclass(frozen=True)
class Learned:
    """How many merges there are, whether the text had no more, and what the program took."""

    codes: int
    exhausted: bool
    process: ProcessResult


def find_fast() -> Path:
    """fastBPE's program `fast`.

    Raises:
        ToolError: it was never built.
    """
    return find_program("fast", fix="run `python infra/build_fastbpe.py` in this environment")


def learn_codes(
    sample: Path,
    target: Path,
    *,
    codes: int,
    messages: Path,
    on_merge: Callable[[int], None] = lambda done: None,
) -> Learned:
    """Write up to `codes` lines `left right count`; stop where no pair is left.

    Args:
        sample: text whose words are separated by spaces and newlines.
        messages: file that receives what the program says.
        on_merge: told the number of merges so far.

    Raises:
        DataError: the text has no pair of characters, or counts would not fit into 32 bits.
        ToolError: the program is missing or failed.
    """
    if not _has_pair(sample):
        raise DataError(
            "the sample for byte-pair codes holds no word of two characters",
            fix="check that the train splits are not empty",
        )
    if sample.stat().st_size > _COUNT_LIMIT and (bound := pair_count_bound(sample)) > _COUNT_LIMIT:
        raise DataError(
            f"a pair may occur {bound} times in the sample, fastBPE counts to {_COUNT_LIMIT}",
            fix="lower bpe.sample_lines",
        )
    command = [str(find_fast()), "learnbpe", str(codes), str(sample)]
    messages.unlink(missing_ok=True)
    done, exhausted = 0, False
    with target.open("wb") as file:

        def take(line: bytes) -> bool:
            nonlocal done, exhausted
            exhausted = line.endswith(b" 0\n")
            if not exhausted:
                file.write(line)
                done += 1
                on_merge(done)
            return not exhausted

        process = stream_process(command, log_path=messages, on_line=take)
    if not exhausted and (process.returncode != 0 or done != codes):
        raise _failure(process.returncode, messages)
    return Learned(done, exhausted, process)


def pair_count_bound(sample: Path) -> int:
    """A number that no pair's count exceeds, from one pass over the bytes.

    Two neighbouring characters meet in two bytes: the last of the left one and the first of the
    right one. The most frequent such meeting bounds every pair; merges only lower counts.
    """
    counts = np.zeros(1 << 16, dtype=np.int64)
    previous = np.array([_NEWLINE], dtype=np.uint16)
    with sample.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            data = np.concatenate([previous, np.frombuffer(chunk, dtype=np.uint8)])
            counts += np.bincount(data[:-1].astype(np.int64) << 8 | data[1:], minlength=1 << 16)
            previous = data[-1:]
    meetings = counts.reshape(256, 256)
    meetings[[_SPACE, _NEWLINE], :] = 0
    meetings[:, [_SPACE, _NEWLINE]] = 0
    meetings[:, 0x80:0xC0] = 0  # continuation bytes begin no character
    return int(meetings.max())


def _has_pair(sample: Path) -> bool:
    with sample.open(encoding="utf-8", newline="\n") as lines:
        return any(len(word) > 1 for line in lines for word in line.rstrip("\n").split(" "))


def _failure(code: int, messages: Path) -> ToolError:
    said = messages.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-2:]
    fix = "see its messages in the logs of this artifact"
    if any("bad_alloc" in line for line in said):
        fix = "fastBPE reserves 12 GB of address space: raise `ulimit -v` or allow overcommit"
    return ToolError(f"fast learnbpe ended with {code}: {' / '.join(said)}", fix=fix)
