"""Random numbers as a function of a key and a place, on any device, alike on all of them.

    uniform(key, cells_BT)  # float32, between 0 and 1, neither of them

The finaliser of splitmix64 (Steele, Lea, Flood 2014) over 64-bit integers: torch multiplies them
modulo 2^64 everywhere, while its own generators draw other numbers on every kind of device.
"""

import torch
from torch import Tensor

_GOLDEN, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_WORD = 1 << 64
_UNIFORM_BITS = 23
"""One less than a float32 holds exactly: half a step is added."""


def random_bits(key: int, places: Tensor) -> Tensor:
    """63 random bits for each place (int64, any shape), as non-negative int64."""
    mixed = places * _signed(_GOLDEN) + _signed(_finalised(key))
    mixed = (mixed ^ _shifted(mixed, 30)) * _signed(_FIRST)
    mixed = (mixed ^ _shifted(mixed, 27)) * _signed(_SECOND)
    return _shifted(mixed ^ _shifted(mixed, 31), 1)


def uniform(key: int, places: Tensor) -> Tensor:
    """A float32 between 0 and 1 for each place; no value is 0 or 1."""
    bits = random_bits(key, places) >> (63 - _UNIFORM_BITS)
    return (bits.to(torch.float32) + 0.5) * 2.0**-_UNIFORM_BITS


def _finalised(key: int) -> int:
    """The same finaliser on the host, so that neighbouring keys have nothing in common."""
    mixed = (key + 1) * _GOLDEN % _WORD
    mixed = (mixed ^ mixed >> 30) * _FIRST % _WORD
    mixed = (mixed ^ mixed >> 27) * _SECOND % _WORD
    return mixed ^ mixed >> 31


def _shifted(values: Tensor, bits: int) -> Tensor:
    """A logical shift to the right: zeros come in from the left, whatever the sign."""
    return (values >> bits) & ((1 << (64 - bits)) - 1)


def _signed(value: int) -> int:
    """The int64 with the same lowest 64 bits."""
    value %= _WORD
    return value - _WORD if value >= _WORD // 2 else value
