"""Batches with the position after each, to be made ahead of the training that takes them.

    with Prefetcher(ready_batches(source), most=2) as batches:
        for ready in batches:
            ready.batch, ready.position  # where the source goes on after this batch

What is made does not depend on when: from the first batch on, the source is the iterator's alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from xlm.dataloader.batch import Batch
from xlm.dataloader.loader import BatchSource, Position


@dataclass(frozen=True)
class Ready:
    """A batch, and the position of the batch after it."""

    batch: Batch
    position: Position


def ready_batches(source: BatchSource) -> Iterator[Ready]:
    """The batches of a source, without end."""
    while True:
        yield Ready(source.next_batch(), source.position)
