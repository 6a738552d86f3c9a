"""Feeds seeded mutations of good samples to a reader of foreign bytes.

    count = fuzz(lambda data: list(read(data)), [good_file, other_file], seconds=2.0)

Whatever the bytes, a reader returns or raises an `XlmError` of one line; any other exception fails
the test with the seed and the input that show it again.
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
_LONGEST_SAMPLE_BYTES = 1 << 20


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
    """Run the target over the samples and their mutations; return how many inputs it got.

    Args:
        seconds: no new input is started after this time.
        most: number of inputs after which it ends earlier; the n-th input depends on n and the
            seed alone.
        slowest_seconds: one input that takes longer fails the test.
        words: bytes that the format knows, to be put into the samples.
    """
    ends = time.monotonic() + seconds
    refused = count = 0
    for number in range(most):
        # The first inputs are always tried, however loaded the machine is.
        if number >= len(samples) + 20 and time.monotonic() > ends:
            break
        data = samples[number] if number < len(samples) else _mutant(samples, seed, number, words)
        began = time.monotonic()
        count += 1
        told = ""
        try:
            target(data)
        except XlmError as error:
            refused += 1
            told = str(error)
        except Exception as error:
            shown = data if len(data) < 400 else data[:400] + b"..."
            raise AssertionError(
                f"{type(error).__name__}: {error} (seed {seed}, input {number}): {shown!r}"
            ) from error
        assert "\n" not in told, f"an error of several lines: {told!r}"
        spent = time.monotonic() - began
        assert spent < slowest_seconds, f"{spent:.1f} s (seed {seed}, input {number})"
    print(f"fuzz: {count:,} inputs, {refused:,} refused")
    return count


def _mutant(samples: Sequence[bytes], seed: int, number: int, words: Sequence[bytes]) -> bytes:
    chance = random.Random(f"{seed}.{number}")
    data = bytearray(chance.choice(samples)[:_LONGEST_SAMPLE_BYTES])
    for _ in range(chance.choice((1, 1, 2, 4, 8))):
        _mutate(data, chance, samples, words)
    return bytes(data)


def _mutate(
    data: bytearray, chance: random.Random, samples: Sequence[bytes], words: Sequence[bytes]
) -> None:
    place = chance.randrange(len(data) + 1)
    stop = min(len(data), place + chance.choice((1, 1, 2, 4, 16, 256)))
    kind = chance.randrange(7)
    if kind == 0 and place < len(data):
        data[place] ^= 1 << chance.randrange(8)
    elif kind == 1:
        data[place:stop] = b""
    elif kind == 2:
        data[place:stop] = chance.randbytes(stop - place)
    elif kind == 3:
        data[place:place] = data[place:stop] * chance.choice((1, 2, 50))
    elif kind == 4:
        data[place:] = b""
    elif kind == 5:
        other = chance.choice(samples)[:_LONGEST_SAMPLE_BYTES]
        data[place:] = other[chance.randrange(len(other) + 1) :]
    else:
        data[place:stop] = chance.choice((*_INTERESTING, *words))
