"""All transfers of a run as one bar: bytes, rate and time left."""

from xlm.display.transfers import Transfers


def test_bytes_of_all_files_count_together() -> None:
    transfers = Transfers()
    transfers.expect({"a": 1_000_000, "b": 3_000_000})
    assert transfers.amounts() == (0, 4_000_000)
    transfers.start("a")
    transfers.start("b")
    for second in range(1, 5):
        transfers.update("a", 100_000 * second, 1_000_000, "bytes", second)
        transfers.update("b", 300_000 * second, 2_000_000, "bytes", second + 0.5)
    assert transfers.amounts() == (1_600_000, 3_000_000)
    amount, rate, left, files = transfers.facts()
    assert (amount, files) == ("1.6 MB of 3.0 MB", "0 of 2 files")
    assert rate.endswith(" kB/s")
    assert left.endswith(" left")


def test_a_size_that_is_only_expected_is_called_so() -> None:
    transfers = Transfers()
    transfers.expect({"a": 1_000_000, "b": 3_000_000})
    transfers.start("a")
    transfers.update("a", 100_000, 2_000_000, "bytes", 1)
    assert transfers.facts()[0] == "100.0 kB of about 5.0 MB"


def test_without_a_size_there_is_no_total() -> None:
    transfers = Transfers()
    transfers.start("a")
    transfers.update("a", 100_000, None, "bytes", 1)
    transfers.update("a", 300_000, None, "bytes", 3)
    assert transfers.facts() == ("300.0 kB", "100.0 kB/s", "", "0 of 1 files")


def test_what_an_earlier_run_transferred_is_not_part_of_the_rate() -> None:
    transfers = Transfers()
    transfers.start("a")
    transfers.update("a", 900_000_000, 1_000_000_000, "bytes", 1)
    transfers.update("a", 900_100_000, 1_000_000_000, "bytes", 2)
    transfers.update("a", 900_200_000, 1_000_000_000, "bytes", 3)
    amount, rate, left, _ = transfers.facts()
    assert (amount, rate) == ("900.2 MB of 1.0 GB", "100.0 kB/s")
    assert left == "16 min 38 s left"


def test_a_restart_an_end_and_a_failure_keep_the_sum_right() -> None:
    transfers = Transfers()
    transfers.expect({"a": 1000, "b": 5000})
    transfers.start("a")
    transfers.start("b")
    transfers.update("a", 800, 1000, "bytes", 1)
    transfers.update("a", 100, 1000, "bytes", 2)  # the server did not resume
    transfers.update("a", 1000, 1000, "bytes", 3)
    transfers.update("a", 9_000_000, None, "bytes checked", 4)
    transfers.finish("a")
    transfers.update("b", 2000, 5000, "bytes", 5)
    transfers.finish("b")  # it failed
    assert transfers.amounts() == (3000, 3000)
    assert transfers.facts()[3] == "2 of 2 files"
    assert not transfers.are_running


def test_files_that_wait_for_a_connection_are_counted() -> None:
    transfers = Transfers()
    for name in "abc":
        transfers.start(name)
    for name in "bc":
        transfers.update(name, 0, None, "", 1)
    assert transfers.facts()[3] == "0 of 3 files, 2 waiting for a connection"
    transfers.update("b", 5, 10, "bytes", 2)
    assert transfers.facts()[3] == "0 of 3 files, 1 waiting for a connection"


def test_a_file_that_was_there_is_not_counted() -> None:
    transfers = Transfers()
    transfers.finish("cached")
    assert transfers.facts()[3] == "0 of 0 files"
    transfers.expect({"a": 1000, "b": 1000})
    transfers.finish("other")
    transfers.finish("a")
    assert transfers.facts()[3] == "1 of 2 files"
