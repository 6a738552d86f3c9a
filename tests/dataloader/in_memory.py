"""Reference batches from ids in memory, which batches from disk must equal.

A literal implementation of spec 3.1 to 3.3 and 3.6, without flat files, compact orders or index
arithmetic. Only masking and joining are the code under test.
"""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from xlm.config.training.pretrain import PretrainConfig
from xlm.dataloader.batch import Batch
from xlm.dataloader.collate import join
from xlm.dataloader.masking.host import Masker
from xlm.dataloader.randomness import generator
from xlm.dataloader.sequences import Sequences
from xlm.model.formats.description import ModelDescription
from xlm.shards.lines import Lines, Pairs
from xlm.shards.reader import read_lines, read_pairs


def stream_rows(
    lines: Lines, name: str, language_id: int, config: PretrainConfig
) -> Iterator[Sequences]:
    """Endless chunks of a language, from a buffer in memory."""
    rows, tokens = config.stream_rows // config.languages_per_batch, config.stream_tokens
    chunks = math.ceil(len(lines.ids) / (rows * tokens))
    buffer = np.full(chunks * rows * tokens, 1, dtype=np.int64)
    buffer[len(buffer) - len(lines.ids) :] = lines.ids
    rows_BS = np.concatenate([np.ones((rows, 1), dtype=np.int64), buffer.reshape(rows, -1)], axis=1)
    epoch = 0
    while True:
        for chunk in generator(config.seed, name, epoch).permutation(chunks).tolist():
            tokens_BT = rows_BS[:, chunk * tokens : (chunk + 1) * tokens]
            yield Sequences(tokens_BT, np.full_like(tokens_BT, language_id))
        epoch += 1


def joined(
    first: Lines, second: Lines, numbers: list[int], language_ids: tuple[int, int], positions: int
) -> Sequences:
    """Pairs joined in Python lists: tokens, languages, positions, attention mask."""
    columns: tuple[list[list[int]], ...] = ([], [], [], [])
    for number in numbers:
        a, b = ([1, *_row(lines, number), 1] for lines in (first, second))
        columns[0].append(a + b)
        columns[1].append([language_ids[0]] * len(a) + [language_ids[1]] * len(b))
        columns[2].append([*range(len(a)), *range(len(b))])
        columns[3].append([1] * len(a + b))
    width = max(map(len, columns[0]))
    for column, kind in zip(columns, ("pad", "language", "position", "mask"), strict=True):
        for row in column:
            while len(row) < width:
                following = {
                    "pad": 2,
                    "language": language_ids[1],
                    "position": min(row[-1] + 1, positions - 1),
                    "mask": 0,
                }
                row.append(following[kind])
    tokens, languages, positions_BT, mask = (np.array(column) for column in columns)
    return Sequences(tokens, languages, positions_BT, mask.astype(np.bool_))


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
) -> Iterator[Sequences]:
    """Endless batches of one direction."""
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
    tasks: dict[str, list[tuple[int, Iterator[Sequences]]]] = {"mlm": [], "tlm": []}
    for code in sorted(lines):
        rows = stream_rows(lines[code], f"mlm.{code}", number_of(code), config)
        tasks["mlm"].append((len(lines[code]), rows))
    for name in sorted(pairs):
        found: Pairs = read_pairs(pairs[name], "train", description.vocabulary_hash)
        a, b = found.languages
        lengths = np.stack([np.diff(found.first.offsets), np.diff(found.second.offsets)])
        longest = min(config.pair_max_tokens, positions - 2)
        usable = int(((lengths.min(0) > 0) & (lengths.max(0) <= longest)).sum())
        for task, sides, codes in (
            (f"tlm.{name}", (found.first, found.second), (a, b)),
            (f"tlm.{b}-{a}", (found.second, found.first), (b, a)),
        ):
            ids = (number_of(codes[0]), number_of(codes[1]))
            tasks["tlm"].append((usable, pair_rows(*sides, task, ids, config, positions)))
    masker = Masker(counts, config.sample_alpha, predict_special_tokens=config.predict_specials)
    mono_updates = min(config.mono_steps, len(tasks["mlm"]))
    pair_updates = min(config.pair_steps, len(tasks["tlm"]))
    update = 0
    while True:
        within = update % (mono_updates + pair_updates)
        objective = "mlm" if within < mono_updates else "tlm"
        sizes = np.array([size for size, _ in tasks[objective]], dtype=np.float64)
        shares = (sizes / sizes.sum()) ** config.language_alpha
        drawn = generator(config.seed, "steps", update).choice(
            len(shares), size=config.languages_per_batch, p=shares / shares.sum()
        )
        first = 0 if objective == "mlm" else len(tasks["mlm"])
        parts, masked = [], []
        for part, number in enumerate(drawn.tolist()):
            sequences = next(tasks[objective][number][1])
            parts.append(sequences)
            masked.append(
                masker.mask(
                    sequences.tokens_BT,
                    sequences.attention_mask_BT,
                    rate=config.mlm_mask_rate if objective == "mlm" else config.tlm_mask_rate,
                    random=generator(config.seed, "mask", update, part),
                )
            )
        task_B = [
            first + number
            for number, part in zip(drawn.tolist(), parts, strict=True)
            for _ in range(len(part))
        ]
        yield join(parts, masked, np.array(task_B))
        update += 1
