"""Runs a reader on seeded mutations of valid samples.

    count = fuzz(lambda data: list(read(data)), [valid_file, other_file], seconds=2.0)

For any input, a reader must return or raise an `XlmError` with a message of one line. Any other
exception fails the test; the message has the seed and the input to reproduce it.
"""

import random
import time
from collections.abc import Callable, Sequence

from xlm.errors import XlmError

_INTERESTING = (
    b"", b"\0", b"\xff", b"\n", b"\r", b"\xef\xbb\xbf", b"\xed\xa0\x80", "²".encode(), "٣".encode(),
    b"-1", b"9" * 30, b"9" * 5000, b"1e999", b"nan", b"%00", b"{0}", b"[" * 3000, b"{" * 3000,
    b"<" * 500, b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"\x00\x00\x00\x80", b"null", b"../../x",
)  # fmt: skip
_MAX_SAMPLE_BYTES = 1 << 20


def fuzz(
    target: Callable[[bytes], object],
    samples: Sequence[bytes],
    *,
    seed: int = 0,
    seconds: float = 2.0,
    most: int = 2000,
    slowest_seconds: float = 20.0,
    words: Sequence[bytes] = (),
) -> int:
    """Run `target` on the samples and their mutations; returns the number of inputs.

    Args:
        target: the reader.
        samples: valid inputs.
        seed: seed of the mutations; the n-th input depends only on n and the seed.
        seconds: time limit, after which no new input starts.
        most: maximum number of inputs.
        slowest_seconds: time limit of a single input.
        words: byte strings with a meaning in the format, which mutations insert.
    """
    ends = time.monotonic() + seconds
    refused = count = 0
    for number in range(most):
        # The first inputs always run, even on a busy machine.
        if number >= len(samples) + 20 and time.monotonic() > ends:
            break
        data = samples[number] if number < len(samples) else _mutant(samples, seed, number, words)
        began = time.monotonic()
        count += 1
        message = ""
        try:
            target(data)
        except XlmError as error:
            refused += 1
            message = str(error)
        except Exception as error:
            shown = data if len(data) < 400 else data[:400] + b"..."
            raise AssertionError(
                f"{type(error).__name__}: {error} (seed {seed}, input {number}): {shown!r}"
            ) from error
        assert "\n" not in message, f"an error of several lines: {message!r}"
        spent = time.monotonic() - began
        assert spent < slowest_seconds, f"{spent:.1f} s (seed {seed}, input {number})"
    print(f"fuzz: {count:,} inputs, {refused:,} refused")
    return count


def _mutant(samples: Sequence[bytes], seed: int, number: int, words: Sequence[bytes]) -> bytes:
    rng = random.Random(f"{seed}.{number}")
    data = bytearray(rng.choice(samples)[:_MAX_SAMPLE_BYTES])
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        _mutate(data, rng, samples, words)
    return bytes(data)


def _mutate(
    data: bytearray, rng: random.Random, samples: Sequence[bytes], words: Sequence[bytes]
) -> None:
    start = rng.randrange(len(data) + 1)
    stop = min(len(data), start + rng.choice((1, 1, 2, 4, 16, 256)))
    kind = rng.randrange(7)
    if kind == 0 and start < len(data):
        data[start] ^= 1 << rng.randrange(8)
    elif kind == 1:
        data[start:stop] = b""
    elif kind == 2:
        data[start:stop] = rng.randbytes(stop - start)
    elif kind == 3:
        data[start:start] = data[start:stop] * rng.choice((1, 2, 50))
    elif kind == 4:
        data[start:] = b""
    elif kind == 5:
        other = rng.choice(samples)[:_MAX_SAMPLE_BYTES]
        data[start:] = other[rng.randrange(len(other) + 1) :]
    else:
        data[start:stop] = rng.choice((*_INTERESTING, *words))
