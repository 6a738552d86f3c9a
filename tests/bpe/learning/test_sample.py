"""The sample of lines that merges are learned from."""

from pathlib import Path

import pytest

from xlm.bpe.learning.sample import count_lines, language_shares, sample_file, sampling_rates


def test_shares_follow_the_exponent_of_the_paper() -> None:
    shares = language_shares({"en": 1_000_000, "sw": 10_000, "ur": 0}, 0.5)
    assert shares == pytest.approx({"en": 0.9091, "sw": 0.0909}, abs=1e-4)
    assert language_shares({"en": 1_000_000, "sw": 10_000}, 0.7) == pytest.approx(
        {"en": 0.9617, "sw": 0.0383}, abs=1e-4
    )


def test_the_default_sample_has_the_size_of_the_corpus() -> None:
    lines = {"en": 90_000, "sw": 10_000}
    rates = sampling_rates(lines, 0.5, None)
    assert sum(rates[name] * lines[name] for name in lines) == pytest.approx(100_000)
    assert rates["sw"] == pytest.approx(2.5)
    assert rates["en"] == pytest.approx(75_000 / 90_000)
    small = sampling_rates(lines, 0.5, 1000)
    assert sum(small[name] * lines[name] for name in lines) == pytest.approx(1000)


@pytest.mark.parametrize(
    ("content", "expected"), [(b"", 0), (b"a", 1), (b"a\n", 1), (b"\n\nx\xe2\x80\xa8", 3)]
)
def test_lines_are_counted_at_newlines(tmp_path: Path, content: bytes, expected: int) -> None:
    path = tmp_path / "text"
    path.write_bytes(content)
    assert count_lines(path) == expected


def _sample(tmp_path: Path, file_id: str, rate: float, seed: int = 0) -> list[str]:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("\n".join(f"line {i}" for i in range(2000)), encoding="utf-8")
    written = sample_file(source, target, file_id=file_id, rate=rate, seed=seed)
    lines = target.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    assert len(lines) == written
    return lines


def test_the_integer_part_repeats_lines_and_the_fraction_is_random(tmp_path: Path) -> None:
    lines = _sample(tmp_path, "sw/train.00000.txt", 2.25)
    assert set(lines) == {f"line {i}" for i in range(2000)}
    assert {lines.count(line) for line in set(lines)} == {2, 3}
    assert len(lines) == pytest.approx(4500, rel=0.02)


def test_the_sample_depends_only_on_seed_and_file(tmp_path: Path) -> None:
    first = _sample(tmp_path, "sw/train.00000.txt", 0.3)
    assert first == _sample(tmp_path, "sw/train.00000.txt", 0.3)
    assert first != _sample(tmp_path, "sw/train.00001.txt", 0.3)
    assert first != _sample(tmp_path, "sw/train.00000.txt", 0.3, seed=1)
    assert len(first) == pytest.approx(600, rel=0.15)
