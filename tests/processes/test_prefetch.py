"""Prefetching changes neither the items nor errors, early ends and the lifetime of items."""

import gc
import threading
import time
import weakref

import pytest

from xlm.processes.prefetch import Prefetcher

_PATIENCE_SECONDS = 30


def test_items_come_in_order_and_the_next_one_is_computed_meanwhile():
    reached = [threading.Event() for _ in range(4)]

    def items():
        for number, event in enumerate(reached):
            event.set()
            yield number

    with Prefetcher(items()) as prefetched:
        seen = []
        for number in prefetched:
            if number + 1 < len(reached):
                assert reached[number + 1].wait(_PATIENCE_SECONDS)
            seen.append(number)
    assert seen == [0, 1, 2, 3]


@pytest.mark.parametrize("most", [1, 2])
def test_no_more_items_than_requested_are_prefetched(most):
    made = []

    def items():
        for number in range(10):
            made.append(number)
            yield number

    with Prefetcher(items(), most=most) as prefetched:
        for number in prefetched:
            time.sleep(0.02)
            assert number <= max(made) <= number + most


@pytest.mark.slow
def test_items_are_freed_when_the_caller_is_done_with_them():
    class Item:
        pass

    references = []

    def items():
        for _ in range(4):
            item = Item()
            references.append(weakref.ref(item))
            yield item
            del item

    alive = []
    with Prefetcher(items()) as prefetched:
        for item in prefetched:
            del item
            gc.collect()
            alive.append(sum(reference() is not None for reference in references))
    assert max(alive) <= 2


def test_an_error_comes_after_the_items_before_it():
    def items():
        yield 1
        raise ValueError("damaged")

    seen = []
    with pytest.raises(ValueError, match="damaged"), Prefetcher(items()) as prefetched:
        seen.extend(prefetched)
    assert seen == [1]


def test_a_caller_that_leaves_early_stops_the_iterator_and_its_thread():
    stopped = threading.Event()

    def items():
        yield 0
        while not stopped.wait(0.01):
            pass
        yield 1

    def leave_at_the_first():
        with Prefetcher(items(), stop=stopped.set) as prefetched:
            for _ in prefetched:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        leave_at_the_first()
    assert not any(thread.name == "prefetch" for thread in threading.enumerate())


def test_processor_time_of_the_thread_is_reported():
    def items():
        ends = time.thread_time() + 0.05
        while time.thread_time() < ends:
            pass
        yield 0

    with Prefetcher(items()) as prefetched:
        list(prefetched)
    assert prefetched.cpu_seconds >= 0.05
