"""Nodes share the cores of the machine: each takes as many as it keeps busy."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from xlm.engine.building.core_slots import CoreSlots
from xlm.engine.stage import ALL_CORES


@pytest.mark.parametrize(("count", "held", "cores"), [(3, 2, 2), (2, 1, ALL_CORES)])
def test_a_node_waits_until_all_its_slots_are_free(count: int, held: int, cores: int) -> None:
    slots, entered = CoreSlots(count), threading.Event()

    def take() -> None:
        with slots.taken(cores):
            entered.set()

    with ThreadPoolExecutor(1) as pool:
        with slots.taken(held):
            waiting = pool.submit(take)
            assert not entered.wait(0.2)
            with slots.taken(1):
                pass  # one slot is free for a node that needs no more
        waiting.result(timeout=60)
        assert entered.is_set()


def test_a_node_that_only_waits_takes_none() -> None:
    slots = CoreSlots(1)
    with slots.taken(1), slots.taken(0), slots.taken(0):
        pass


def test_slots_are_free_again_after_a_failure() -> None:
    slots = CoreSlots(1)
    for _ in range(2):
        with pytest.raises(ValueError, match="failed"), slots.taken(1):
            raise ValueError("failed")
