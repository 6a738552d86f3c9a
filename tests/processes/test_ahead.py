"""The next item is taken while the caller works; errors, early ends and memory are as without."""

import gc
import threading
import time
import weakref

import pytest

from xlm.processes.ahead import Ahead

_PATIENCE_SECONDS = 30


def test_items_come_in_order_and_the_next_one_while_the_caller_works():
    reached = [threading.Event() for _ in range(4)]

    def items():
        for number, event in enumerate(reached):
            event.set()
            yield number

    with Ahead(items()) as ahead:
        seen = []
        for number in ahead:
            if number + 1 < len(reached):
                assert reached[number + 1].wait(_PATIENCE_SECONDS)
            seen.append(number)
    assert seen == [0, 1, 2, 3]


@pytest.mark.parametrize("most", [1, 2])
def test_no_more_items_than_asked_are_ahead(most):
    made = []

    def items():
        for number in range(10):
            made.append(number)
            yield number

    with Ahead(items(), most=most) as ahead:
        for number in ahead:
            time.sleep(0.02)
            assert number <= max(made) <= number + most


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
    with Ahead(items()) as ahead:
        for item in ahead:
            del item
            gc.collect()
            alive.append(sum(reference() is not None for reference in references))
    assert max(alive) <= 2


def test_an_error_comes_after_the_items_before_it():
    def items():
        yield 1
        raise ValueError("damaged")

    seen = []
    with pytest.raises(ValueError, match="damaged"), Ahead(items()) as ahead:
        seen.extend(ahead)
    assert seen == [1]


def test_a_caller_that_leaves_early_stops_the_iterator_and_its_thread():
    stopped = threading.Event()

    def items():
        yield 0
        while not stopped.wait(0.01):
            pass
        yield 1

    def leave_at_the_first():
        with Ahead(items(), stop=stopped.set) as ahead:
            for _ in ahead:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        leave_at_the_first()
    assert not any(thread.name == "ahead" for thread in threading.enumerate())


def test_processor_time_of_the_thread_is_reported():
    def items():
        ends = time.thread_time() + 0.05
        while time.thread_time() < ends:
            pass
        yield 0

    with Ahead(items()) as ahead:
        list(ahead)
    assert ahead.cpu_seconds >= 0.05
