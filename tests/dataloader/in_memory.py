"""Batches as the first version drew them, from ids in memory: what the disk must give too.

A plain reading of spec 3.1 to 3.3 and 3.6: no flat files, no compact orders, no arithmetic on
places. Only how masks are drawn is taken from the code under test.
"""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xlm.config.training.pretrain import PretrainConfig
from xlm.dataloader.batch import Batch, Selected, join_batches
from xlm.dataloader.masking.host import Masker
from xlm.dataloader.randomness import generator
from xlm.model.formats.description import ModelDescription
from xlm.shards.lines import Lines, Pairs
from xlm.shards.reader import read_lines, read_pairs

Rows = tuple[
    NDArray[np.int64], NDArray[np.int64], NDArray[np.int64] | None, NDArray[np.bool_] | None
]


def stream_rows(
    lines: Lines, name: str, language_id: int, config: PretrainConfig
) -> Iterator[Rows]:
    """Chunks of a language for ever, from a buffer in memory."""
    rows, tokens = config.stream_rows // config.languages_per_batch, config.stream_tokens
    chunks = math.ceil(len(lines.ids) / (rows * tokens))
    buffer = np.full(chunks * rows * tokens, 1, dtype=np.int64)
    buffer[len(buffer) - len(lines.ids) :] = lines.ids
    rows_BS = np.concatenate([np.ones((rows, 1), dtype=np.int64), buffer.reshape(rows, -1)], axis=1)
    epoch = 0
    while True:
        for chunk in generator(config.seed, name, epoch).permutation(chunks).tolist():
            tokens_BT = rows_BS[:, chunk * tokens : (chunk + 1) * tokens]
            yield tokens_BT, np.full_like(tokens_BT, language_id), None, None
        epoch += 1


def joined(
    first: Lines, second: Lines, numbers: list[int], language_ids: tuple[int, int], positions: int
) -> Rows:
    """Pairs in rows of Python lists: tokens, languages, positions, what is real."""
    columns: tuple[list[list[int]], ...] = ([], [], [], [])
    for number in numbers:
        a, b = ([1, *_row(lines, number), 1] for lines in (first, second))
        columns[0].append(a + b)
        columns[1].append([language_ids[0]] * len(a) + [language_ids[1]] * len(b))
        columns[2].append([*range(len(a)), *range(len(b))])
        columns[3].append([1] * len(a + b))
    width = max(map(len, columns[0]))
    for column, kind in zip(columns, ("pad", "language", "position", "real"), strict=True):
        for row in column:
            while len(row) < width:
                following = {
                    "pad": 2,
                    "language": language_ids[1],
                    "position": min(row[-1] + 1, positions - 1),
                    "real": 0,
                }
                row.append(following[kind])
    tokens, languages, places, real = (np.array(column, dtype=np.int64) for column in columns)
    return tokens, languages, places, real.astype(np.bool_)


def _row(lines: Lines, number: int) -> list[int]:
    row: list[int] = lines.ids[lines.offsets[number] : lines.offsets[number + 1]].tolist()
    return row


def pair_rows(
    first: Lines,
    second: Lines,
    name: str,
    language_ids: tuple[int, int],
    config: PretrainConfig,
    positions: int,
) -> Iterator[Rows]:
    """Batches of one direction for ever."""
    lengths = np.stack([np.diff(first.offsets), np.diff(second.offsets)])
    longest = min(config.pair_max_tokens, positions - 2)
    kept = np.flatnonzero((lengths.min(0) > 0) & (lengths.max(0) <= longest))
    keys = lengths.sum(0)[kept] + 4
    budget = config.pair_tokens // config.languages_per_batch
    epoch = 0
    while True:
        random = generator(config.seed, name, epoch)
        order = random.permutation(len(keys))
        order = order[np.argsort(keys[order], kind="stable")]
        batch_of = np.cumsum(keys[order]) // budget
        batches = np.split(order, np.flatnonzero(np.diff(batch_of)) + 1)
        for number in random.permutation(len(batches)):
            yield joined(first, second, kept[batches[number]].tolist(), language_ids, positions)
        epoch += 1


def batches_in_memory(
    mono: Mapping[str, Path],
    pairs: Mapping[str, Path],
    config: PretrainConfig,
    description: ModelDescription,
    counts: NDArray[np.int64],
) -> Iterator[Batch]:
    """The global batches of all updates."""
    number_of, positions = description.language_id, description.model.max_positions
    lines = {code: read_lines(mono[code], "train", description.vocabulary_hash) for code in mono}
    steps: dict[str, list[tuple[int, Iterator[Rows]]]] = {"mlm": [], "tlm": []}
    for code in sorted(lines):
        rows = stream_rows(lines[code], f"mlm.{code}", number_of(code), config)
        steps["mlm"].append((len(lines[code]), rows))
    for name in sorted(pairs):
        found: Pairs = read_pairs(pairs[name], "train", description.vocabulary_hash)
        a, b = found.languages
        lengths = np.stack([np.diff(found.first.offsets), np.diff(found.second.offsets)])
        longest = min(config.pair_max_tokens, positions - 2)
        usable = int(((lengths.min(0) > 0) & (lengths.max(0) <= longest)).sum())
        for step, sides, codes in (
            (f"tlm.{name}", (found.first, found.second), (a, b)),
            (f"tlm.{b}-{a}", (found.second, found.first), (b, a)),
        ):
            ids = (number_of(codes[0]), number_of(codes[1]))
            steps["tlm"].append((usable, pair_rows(*sides, step, ids, config, positions)))
    masker = Masker(counts, config.sample_alpha, predict_specials=config.predict_specials)
    mono_updates = min(config.mono_steps, len(steps["mlm"]))
    pair_updates = min(config.pair_steps, len(steps["tlm"]))
    update = 0
    while True:
        within = update % (mono_updates + pair_updates)
        objective = "mlm" if within < mono_updates else "tlm"
        sizes = np.array([size for size, _ in steps[objective]], dtype=np.float64)
        shares = (sizes / sizes.sum()) ** config.language_alpha
        drawn = generator(config.seed, "steps", update).choice(
            len(shares), size=config.languages_per_batch, p=shares / shares.sum()
        )
        parts = []
        for part, number in enumerate(drawn.tolist()):
            tokens_BT, languages_BT, positions_BT, real_BT = next(steps[objective][number][1])
            masked = masker.mask(
                tokens_BT,
                real_BT,
                rate=config.mlm_mask_rate if objective == "mlm" else config.tlm_mask_rate,
                random=generator(config.seed, "mask", update, part),
            )
            first = 0 if objective == "mlm" else len(steps["mlm"])
            parts.append(
                Batch(
                    tokens_BT=masked.tokens_BT,
                    languages_BT=languages_BT,
                    positions_BT=positions_BT,
                    real_BT=real_BT,
                    step_B=np.full(len(tokens_BT), first + number, dtype=np.int64),
                    predicted=Selected(masked.selected_N, masked.targets_N),
                )
            )
        yield join_batches(parts)
        update += 1
