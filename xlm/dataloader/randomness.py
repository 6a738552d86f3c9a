"""Random numbers that depend on a seed and a purpose only, never on what was drawn before.

    generator(seed, "mask", update, group).random(5)

So a resumed run needs no generator state, and every process can draw what any other draws.
"""

import zlib

import numpy as np
import torch


def generator(seed: int, *path: int | str) -> np.random.Generator:
    """A fresh generator for the given seed and path; equal paths give equal numbers."""
    return np.random.default_rng(np.random.SeedSequence([seed, *map(_number, path)]))


def seed_dropout(device: torch.device, seed: int) -> None:
    """Set the generator that dropout on a device draws from.

    Not torch.manual_seed: where CUDA is not in use it keeps a stack trace of every call.
    """
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)
    else:
        torch.default_generator.manual_seed(seed)


def torch_seed(seed: int, *path: int | str) -> int:
    """A seed for one of torch's own generators."""
    words = np.random.SeedSequence([seed, *map(_number, path)]).generate_state(1, np.uint64)
    return int(words[0]) >> 1  # torch takes signed 64 bits


def _number(part: int | str) -> int:
    # crc32 and not hash(): the latter differs from process to process.
    return part if isinstance(part, int) else zlib.crc32(part.encode())
