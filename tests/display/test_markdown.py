"""Numbers and tables are formatted for readers."""

from xlm.display.markdown import (
    format_decimal,
    format_duration,
    format_integer,
    format_percent,
    format_size,
    mean,
    table,
)


def test_sizes_have_a_suitable_unit() -> None:
    assert [format_size(n) for n in (None, 12, 142_873, 2_000_000_000, 5 * 10**15)] == [
        "–",
        "12 B",
        "142.9 kB",
        "2.0 GB",
        "5000.0 TB",
    ]


def test_durations_have_suitable_units() -> None:
    assert [format_duration(s) for s in (None, 12.4, 754.2, 7260)] == [
        "–",
        "12.4 s",
        "12 min 34 s",
        "2 h 01 min",
    ]


def test_missing_values_are_dashes_and_do_not_count_in_means() -> None:
    assert (format_decimal(None), format_percent(None), format_integer(None)) == ("–", "–", "–")
    assert mean([None, 1.0, 3.0]) == 2
    assert mean([None]) is None


def test_cells_cannot_break_a_table() -> None:
    assert table(("a",), [("x|y\nz",)]).split("\n")[-1] == "| x\\|y z |"
