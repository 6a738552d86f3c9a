"""Random numbers that depend on a seed and a purpose alone, never on earlier draws.

    generator(seed, "mask", update, group).random(5)

A resumed run therefore needs no generator state, and every process can draw the numbers of any
other process.
"""

import zlib

import numpy as np
import torch


def generator(seed: int, *path: int | str) -> np.random.Generator:
    """A new generator for the given seed and path; equal paths give equal numbers."""
    return np.random.default_rng(np.random.SeedSequence([seed, *map(_number, path)]))


def seed_dropout(device: torch.device, seed: int) -> None:
    """Seed the generator that torch's dropout uses on a device.

    torch.manual_seed keeps a stack trace of every call as long as CUDA is not initialised.
    """
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)
    else:
        torch.default_generator.manual_seed(seed)


def torch_seed(seed: int, *path: int | str) -> int:
    """A seed for one of torch's generators."""
    words = np.random.SeedSequence([seed, *map(_number, path)]).generate_state(1, np.uint64)
    return int(words[0]) >> 1  # torch takes signed 64 bits


def _number(part: int | str) -> int:
    # hash() differs between processes, crc32 does not.
    return part if isinstance(part, int) else zlib.crc32(part.encode())
