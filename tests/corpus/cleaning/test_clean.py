"""The clean stage on one unit: what it keeps, counts and shows, and that pairs stay aligned."""

import hashlib
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.corpus.cleaning.slices import clean_slice
from xlm.config.data.cleaning import CleanSlice
from xlm.corpus.cleaning import duplicates, judgement
from xlm.corpus.text_files import unit_lines
from xlm.engine.stage import StageContext, StageResult
from xlm.errors import DataError
from xlm.stages.data.clean import run

_names = map("work{}".format, count())
MakeContext = Callable[..., StageContext[Any]]
EVERYTHING: dict[str, Any] = {
    "min_characters": 2,
    "max_characters": 60,
    "language_model": "py3langid",
    "language_certainty": 0.9,
    "language_names": {"en": ("en",), "sw": ("sw",)},
    "duplicates": True,
    "near_duplicates": 0.6,
    "overlap": {"sw": 3},
}


def _write(folder: Path, languages: Sequence[str], rows: Sequence[tuple[str, ...]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    names = ["text.txt"] if len(languages) == 1 else [f"text.{code}.txt" for code in languages]
    for side, name in enumerate(names):
        text = "".join(f"{row[side]}\n" for row in rows)
        (folder / name).write_bytes(text.encode())
    return folder


def _clean(
    make_context: MakeContext, config: CleanSlice, rows: Sequence[tuple[str, ...]], **more: Path
) -> tuple[StageResult, list[tuple[str, ...]], Path]:
    context = make_context(config, "-".join(config.languages), next(_names))
    languages = config.languages
    context.inputs["text"] = _write(context.scratch / "in", languages, rows)
    context.inputs.update(more)
    result = run(context)
    sides = [
        path.read_bytes().decode().removesuffix("\n").split("\n")
        for path in sorted(context.out.glob("text*"))
    ]
    return result, list(zip(*sides, strict=True)), context.out


def _lines(*texts: str) -> list[tuple[str, ...]]:
    return [(text,) for text in texts]


def test_lines_are_counted_by_the_first_reason(make_context: MakeContext) -> None:
    config = clean_slice(min_characters=3, max_characters=9, duplicates=True, near_duplicates=0.8)
    lines = _lines("ab", "abcdef", "abcdef", "ab", "ABCDEF", "0123456789", "xyz")
    result, kept, _ = _clean(make_context, config, lines)
    assert kept == _lines("abcdef", "xyz")
    assert result.counts == {
        "input_lines": 7,
        "kept_lines": 2,
        "dropped.too_short": 2,
        "dropped.too_long": 1,
        "dropped.duplicate": 1,
        "dropped.near_duplicate": 1,
    }
    assert result.warnings == ["sw: cleaning dropped 71% of the lines (most: too_short, 2)"]


def test_samples_show_lines_reasons_and_details(make_context: MakeContext) -> None:
    config = clean_slice(min_characters=3, duplicates=True, samples=2)
    lines = _lines("abc", "ab", "abc", "b", "abc", "abc", "a", "xyz")
    _, _, out = _clean(make_context, config, lines)
    assert pq.read_table(out / "samples.parquet").to_pylist() == [
        {"line": 3, "reason": "duplicate", "detail": "as line 1", "sw": "abc"},
        {"line": 5, "reason": "duplicate", "detail": "as line 1", "sw": "abc"},
        {"line": 2, "reason": "too_short", "detail": "2 characters", "sw": "ab"},
        {"line": 4, "reason": "too_short", "detail": "1 characters", "sw": "b"},
    ]


def test_samples_of_pairs_have_a_column_for_each_language(make_context: MakeContext) -> None:
    config = clean_slice(("en", "sw"), duplicates=True)
    rows = [("Yes.", "Ndiyo."), ("Yes.", "Naam."), ("Yes.", "Ndiyo.")]
    _, kept, out = _clean(make_context, config, rows)
    assert kept == rows[:2]
    (sample,) = pq.read_table(out / "samples.parquet").to_pylist()
    assert sample == {
        "line": 3, "reason": "duplicate", "detail": "as line 1", "en": "Yes.", "sw": "Ndiyo.",
    }  # fmt: skip


def test_the_files_of_an_extraction_are_one_text(make_context: MakeContext, tmp_path: Path) -> None:
    for number, text in enumerate(("moja\nmbili\n", "", "moja\ntatu\n")):
        (tmp_path / f"text.{number:05}.txt").write_text(text)
    context = make_context(clean_slice(duplicates=True), "sw", text=tmp_path)
    assert run(context).counts["dropped.duplicate"] == 1
    assert (context.out / "text.txt").read_text() == "moja\nmbili\ntatu\n"


def test_no_samples_are_possible(make_context: MakeContext) -> None:
    config = clean_slice(duplicates=True, samples=0)
    _, _, out = _clean(make_context, config, _lines("a", "a", "b"))
    assert pq.read_table(out / "samples.parquet").num_rows == 0


def test_own_text_is_compared_with_the_text_before_it(
    make_context: MakeContext, tmp_path: Path
) -> None:
    own = _write(tmp_path / "own", ["sw"], _lines("mbili", "tatu", "tatu"))
    config = clean_slice(duplicates=True)
    result, kept, out = _clean(make_context, config, _lines("moja", "mbili"), own_text=own)
    assert kept == _lines("moja", "mbili", "tatu")
    assert result.counts["dropped.duplicate"] == 2
    shown = pq.read_table(out / "samples.parquet").to_pylist()
    assert [(one["line"], one["detail"]) for one in shown] == [
        (3, "as line 2"), (5, "as line 4"),
    ]  # fmt: skip


def test_evaluation_rows_are_dropped_in_their_language(
    make_context: MakeContext, tmp_path: Path
) -> None:
    rows = tmp_path / "rows"
    rows.mkdir()
    (rows / "valid.tsv").write_text("mtoto analala sasa hivi\tmtoto yuko macho\tcontradiction\n")
    (rows / "test.tsv").write_text("gari ni jekundu\tgari lina rangi\tneutral\n")
    (rows / "train.tsv").write_text("nyumba ni kubwa sana\tnyumba ipo\tneutral\n")
    config = clean_slice(("en", "sw"), overlap={"sw": 4})
    pairs = [
        ("a", "Leo mtoto analala sasa hivi."),
        ("mtoto analala sasa hivi", "b"),
        ("c", "Gari ni jekundu!"),
        ("d", "nyumba ni kubwa sana"),
    ]
    result, kept, _ = _clean(make_context, config, pairs, **{"rows.sw": rows})
    assert kept == [pairs[1], pairs[3]]
    assert result.counts["dropped.in_evaluation_rows"] == 2


def test_translated_evaluation_rows_are_dropped_in_english(
    make_context: MakeContext, tmp_path: Path
) -> None:
    for name, text in (("en", "a child is asleep"), ("sw-en", "the kid is sleeping")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "test.tsv").write_text(f"{text}\tnobody is here\tneutral\n")
    config = clean_slice(("en", "sw"), overlap={"en": 4})
    pairs = [
        ("Here a child is asleep.", "a"),
        ("the kid is sleeping", "b"),
        ("c", "a child is asleep"),
    ]
    folders = {f"rows.{name}": tmp_path / name for name in ("en", "sw-en")}
    _, kept, _ = _clean(make_context, config, pairs, **folders)
    assert kept == pairs[2:]


def test_nothing_left_is_refused(make_context: MakeContext) -> None:
    with pytest.raises(
        DataError, match="sw: cleaning dropped all 2 lines \\(most: too_short, 2\\)"
    ):
        _clean(make_context, clean_slice(min_characters=9), _lines("a", "b"))


def test_an_empty_text_is_refused(make_context: MakeContext) -> None:
    with pytest.raises(DataError, match="sw: there are no lines to clean"):
        _clean(make_context, clean_slice(min_characters=9), [])


def test_a_language_that_the_model_does_not_know_is_reported(make_context: MakeContext) -> None:
    config = clean_slice(
        ("xx",),
        language_model="py3langid 0.4.0",
        language_certainty=0.5,
        language_names={"xx": ("xx",)},
    )
    result, kept, _ = _clean(make_context, config, _lines("Some text that is long enough."))
    assert len(kept) == 1
    assert result.warnings == [
        "xx is not checked for other languages: py3langid 0.4.0 does not know it"
    ]


_SIDE = st.one_of(
    st.text(st.characters(exclude_characters="\n", exclude_categories=("Cs",)), max_size=80),
    st.sampled_from(
        [
            "Wanafunzi wote walikwenda shuleni jana asubuhi.",
            "All the pupils went to school yesterday.",
            "All the pupils went to school yesterday!",
            "mtoto analala sasa hivi",
        ]
    ),
)
_CLEANERS = st.fixed_dictionaries(
    {}, optional={name: st.just(value) for name, value in EVERYTHING.items() if name in
                  ("min_characters", "max_characters", "duplicates", "near_duplicates", "overlap")}
)  # fmt: skip


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.tuples(_SIDE, _SIDE), min_size=1, max_size=30),
    _CLEANERS,
    st.one_of(st.none(), st.floats(1.1, 5)),
    st.booleans(),
    st.integers(1, 90),
)
def test_pairs_stay_aligned_whatever_is_dropped(
    make_context: MakeContext,
    tmp_path: Path,
    pairs: list[tuple[str, str]],
    chosen: dict[str, Any],
    max_ratio: float | None,
    check_language: bool,
    chunk_bytes: int,
) -> None:
    """Every kept pair is a pair of the text, in its order; each line is kept or counted once."""
    rows = tmp_path / "rows"
    rows.mkdir(exist_ok=True)
    (rows / "test.tsv").write_text("mtoto analala sasa hivi\tx\tneutral\n")
    language = {name: EVERYTHING[name] for name in EVERYTHING if name.startswith("language")}
    options = chosen | ({} if max_ratio is None else {"max_ratio": max_ratio})
    config = clean_slice(("en", "sw"), **options, **(language if check_language else {}))

    def cleaned(chunk_bytes: int, batch_rows: int, partition: int) -> tuple[Any, Any, str]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(unit_lines, "CHUNK_BYTES", chunk_bytes)
            patch.setattr(judgement, "_BATCH_ROWS", batch_rows)
            patch.setattr(duplicates, "_PARTITION_ROWS", partition)
            try:
                result, kept, out = _clean(make_context, config, pairs, **{"rows.sw": rows})
            except DataError as error:
                return str(error), [], ""
        samples = hashlib.sha256((out / "samples.parquet").read_bytes()).hexdigest()
        return dict(result.counts), kept, samples

    counts, kept, samples = cleaned(32 << 20, 10_000, 1 << 22)
    assert cleaned(chunk_bytes, 2, 3) == (counts, kept, samples)
    remaining = iter(pairs)
    assert all(pair in remaining for pair in kept), "not a subsequence of the pairs"
    if kept:
        dropped = sum(value for name, value in counts.items() if name.startswith("dropped."))
        assert counts["input_lines"] == len(pairs) == len(kept) + dropped
        assert counts["kept_lines"] == len(kept)
