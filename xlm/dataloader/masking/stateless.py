"""Random numbers as a function of a key and a counter, equal on every device.

    uniform(key, counters_BT)  # float32 in (0, 1)

The function is the finaliser of splitmix64 (Steele, Lea, Flood 2014) over 64-bit integers, which
torch multiplies modulo 2^64 on every device. torch's own generators give other numbers on each kind
of device.
"""

import torch
from torch import Tensor

_GOLDEN, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_WORD = 1 << 64
_UNIFORM_BITS = 23
"""One bit less than a float32 holds exactly, because half a step is added."""


def random_bits(key: int, counters: Tensor) -> Tensor:
    """63 random bits for each counter (int64, any shape), as non-negative int64."""
    mixed = counters * _signed(_GOLDEN) + _signed(_mixed_key(key))
    mixed = (mixed ^ _shifted(mixed, 30)) * _signed(_FIRST)
    mixed = (mixed ^ _shifted(mixed, 27)) * _signed(_SECOND)
    return _shifted(mixed ^ _shifted(mixed, 31), 1)


def uniform(key: int, counters: Tensor) -> Tensor:
    """A float32 for each counter, greater than 0 and less than 1."""
    bits = random_bits(key, counters) >> (63 - _UNIFORM_BITS)
    return (bits.to(torch.float32) + 0.5) * 2.0**-_UNIFORM_BITS


def _mixed_key(key: int) -> int:
    """The same finaliser on the host, so that neighbouring keys give unrelated numbers."""
    mixed = (key + 1) * _GOLDEN % _WORD
    mixed = (mixed ^ mixed >> 30) * _FIRST % _WORD
    mixed = (mixed ^ mixed >> 27) * _SECOND % _WORD
    return mixed ^ mixed >> 31


def _shifted(values: Tensor, bits: int) -> Tensor:
    """A logical right shift: zeros enter from the left, also for negative values."""
    return (values >> bits) & ((1 << (64 - bits)) - 1)


def _signed(value: int) -> int:
    """The int64 with the same lowest 64 bits."""
    value %= _WORD
    return value - _WORD if value >= _WORD // 2 else value
