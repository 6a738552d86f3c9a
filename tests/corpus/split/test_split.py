"""Train, valid and test: complete, aligned, and no sentence in two splits."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xlm.config.data.split import SplitConfig, SplitSlice
from xlm.corpus.split import runs, shards
from xlm.corpus.split.assignment import HASH_RANGE, Thresholds, normalised, position, rank
from xlm.corpus.split.runs import LowestRanks
from xlm.corpus.text_files import line_ranges, unit_lines
from xlm.errors import DataError
from xlm.stages.data.split import run

SPLITS = ("train", "valid", "test")
_counter = iter(range(10**9))


def _split(make_context, columns, languages=("sw",), **config):
    """Split `columns` (lines by language) and return the result and the rows by split."""
    settings_ = SplitConfig(**{"valid_fraction": 0.2, "test_fraction": 0.2, **config})
    context = make_context(
        SplitSlice(languages=languages, **settings_.model_dump()),
        "-".join(languages),
        f"work{next(_counter)}",
    )
    text = context.scratch / "in"
    text.mkdir()
    names = ["text.txt"] if len(languages) == 1 else [f"text.{code}.txt" for code in languages]
    for name, lines in zip(names, columns, strict=True):
        (text / name).write_bytes("".join(f"{line}\n" for line in lines).encode("utf-8"))
    context.inputs["text"] = text
    result = run(context)
    return result, {split: _read(context.out, split, languages) for split in SPLITS}, context


def _read(folder, split, languages):
    endings = [""] if len(languages) == 1 else [f".{code}" for code in languages]
    columns = []
    for ending in endings:
        paths = sorted(folder.glob(f"{split}.?????{ending}.txt"))
        assert paths
        text = b"".join(path.read_bytes() for path in paths).decode("utf-8")
        columns.append(text.split("\n")[:-1])
    return list(zip(*columns, strict=True))


_LINE = st.text(st.characters(exclude_characters="\n", codec="utf-8"), min_size=1, max_size=6)
_FEW_WORDS = st.sampled_from(["a", "A", "a.", "b", "B b", "b b!", "c", "ﬁ", "fi", "...", "?"])
_ANY = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.slow
@_ANY
@given(
    lines=st.lists(st.one_of(_LINE, _FEW_WORDS), min_size=1, max_size=60),
    cap=st.integers(1, 5),
    order=st.sampled_from(["shuffled", "document"]),
)
def test_every_line_is_in_exactly_one_split(make_context, lines, cap, order):
    result, rows, _ = _split(
        make_context, [lines], max_valid_lines=cap, max_test_lines=cap, order=order
    )
    counts = result.counts
    kept = [row[0] for split in SPLITS for row in rows[split]]
    dropped = counts["valid_over_cap"] + counts["test_over_cap"]
    assert len(kept) + dropped == len(lines) == counts["input_lines"]
    assert not Counter(kept) - Counter(lines)
    distinct = [{row[0].strip() for row in rows[split]} for split in SPLITS]
    assert len(set.union(*distinct)) == sum(map(len, distinct))
    assert len(rows["valid"]) <= cap
    assert len(rows["test"]) <= cap
    assert len(rows["train"]) == counts["train_lines"]
    if len({line.strip() for line in lines}) >= 3:
        assert all(rows[split] for split in SPLITS)


@_ANY
@given(
    english=st.lists(st.one_of(_LINE, _FEW_WORDS), min_size=1, max_size=40),
    others=st.lists(_LINE, min_size=40, max_size=40),
    cut=st.integers(0, 39),
)
def test_no_english_sentence_is_in_train_of_one_pair_and_test_of_another(
    make_context, english, others, cut
):
    first = [english, others[: len(english)]]
    second_english = english[cut % len(english) :][::-1]
    second = [others[: len(second_english)], second_english]
    held_out, trained = set(), set()
    for columns, languages in ((first, ("en", "sw")), (second, ("ar", "en"))):
        result, rows, _ = _split(make_context, columns, languages, max_valid_lines=2)
        column = languages.index("en")
        trained |= {normalised(row[column]) for row in rows["train"]}
        held_out |= {normalised(row[column]) for s in ("valid", "test") for row in rows[s]}
        kept = Counter(row for split in SPLITS for row in rows[split])
        assert not kept - Counter(zip(*columns, strict=True))
        dropped = result.counts["valid_over_cap"] + result.counts["test_over_cap"]
        assert kept.total() + dropped == len(columns[0])
    assert not held_out & trained


def test_document_order_keeps_the_order_of_training_lines(make_context):
    lines = [f"line {number}" for number in range(300)]
    _, rows, _ = _split(make_context, [lines], order="document")
    for split in SPLITS:
        numbers = [int(row[0].split()[1]) for row in rows[split]]
        assert numbers == sorted(numbers)
    _, shuffled, _ = _split(make_context, [lines])
    assert sorted(shuffled["train"]) == sorted(rows["train"])
    assert shuffled["train"] != rows["train"]


@pytest.mark.slow
@_ANY
@given(
    lines=st.lists(st.one_of(_LINE, _FEW_WORDS), min_size=3, max_size=60),
    chunk_bytes=st.integers(1, 40),
    shard=st.integers(1, 30),
    order=st.sampled_from(["shuffled", "document"]),
    pair=st.booleans(),
)
def test_the_files_do_not_depend_on_the_ranges(
    make_context, lines, chunk_bytes, shard, order, pair
):
    """They are those of a split in memory, whatever the sizes of chunks, buckets and segments."""
    columns = [lines, [f"{number}{line}" for number, line in enumerate(lines)]][: 1 + pair]
    languages = ("en", "sw")[: 1 + pair]
    config = {"order": order, "lines_per_shard": shard, "max_valid_lines": 4, "max_test_lines": 3}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unit_lines, "CHUNK_BYTES", chunk_bytes)
        patch.setattr(shards, "_BUCKETS_PER_SHARD", 1 + chunk_bytes % 5)
        patch.setattr(runs, "_SEGMENT_BYTES", 5 * chunk_bytes)
        result, rows, context = _split(make_context, columns, languages, **config)
    assert rows == _in_memory(columns, languages, config, result.counts["input_lines"])
    assert [path.name for path in context.scratch.iterdir() if path.is_file()] == []
    lengths = [
        len(path.read_bytes().split(b"\n")) - 1
        for path in sorted(context.out.glob(f"train.*{'.en' if pair else ''}.txt"))
    ]
    assert set(lengths[:-1]) <= {shard}
    assert len(lengths) == result.counts["train_shards"] == max(1, -(-len(rows["train"]) // shard))


def _in_memory(columns, languages, config, total):
    """The rows of each split, by the definition."""
    settings_ = SplitSlice(
        **{"valid_fraction": 0.2, "test_fraction": 0.2, "languages": languages, **config}
    )
    rows = list(zip(*columns, strict=True))
    assert len(rows) == total
    if len(languages) == 2:
        places = [position(normalised(row[0]), settings_.seed) for row in rows]
        limits = [Thresholds.fixed(valid=0.2, test=0.2)]
    else:
        places = [position(row[0].strip(), settings_.seed) for row in rows]
        share = Thresholds.fixed(valid=min(0.2, 4 / total), test=min(0.2, 3 / total))
        low, high = min(places), max(places)
        limits = [
            Thresholds(train=max(share.train, low + 1), test=min(share.test, high)),
            Thresholds(train=low + 1, test=high),
        ]
        if len(set(places)) < 3:
            limits = [Thresholds(train=0, test=HASH_RANGE)]
    for limit in limits:
        found = {split: [] for split in SPLITS}
        for number, (place, row) in enumerate(zip(places, rows, strict=True)):
            found[limit.split(place)].append((rank(row[0], number, settings_.seed), number, row))
        if found["train"]:
            break
    for split, cap in (("train", total), ("valid", 4), ("test", 3)):
        kept = sorted(found[split])[:cap]
        if settings_.order == "document":
            kept.sort(key=lambda entry: entry[1])
        found[split] = [row for _, _, row in kept]
    return found


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"a", b"a\n", b"\n\na", b"ab\r\ncd\n\n", b"abc\nd"]
)
@pytest.mark.parametrize("chunk_bytes", [1, 2, 3, 100])
def test_ranges_have_all_lines_once(tmp_path, content, chunk_bytes):
    path = tmp_path / "text"
    path.write_bytes(content)
    counts = [line_ranges.count_lines(one) for one in line_ranges.chunks(path, chunk_bytes)]
    column = line_ranges.Column.of(path, counts, chunk_bytes)
    found = line_ranges.line_ranges([column], 5)
    lines = [row[0] for one in found for row in line_ranges.rows_of(one)]
    ended = content if content.endswith(b"\n") or not content else content + b"\n"
    assert lines == ended.split(b"\n")[:-1]
    assert [one.first for one in found] == [
        5 + sum(other.lines for other in found[:n]) for n in range(len(found))
    ]


def test_splits_have_about_their_fractions_and_respect_their_caps(make_context):
    lines = [f"line {number}" for number in range(5000)]
    result, rows, _ = _split(
        make_context, [lines], valid_fraction=0.1, test_fraction=0.1, max_test_lines=50
    )
    assert 400 < len(rows["valid"]) < 600
    assert 30 < len(rows["test"]) <= 50
    assert result.counts["test_over_cap"] < 50
    assert result.counts["train_lines"] > 4200


def test_a_capped_pair_drops_what_is_over_the_cap(make_context):
    lines = [f"line {number}" for number in range(2000)]
    result, rows, _ = _split(make_context, [lines, lines], ("en", "sw"), max_test_lines=10)
    assert len(rows["test"]) == 10
    assert 300 < result.counts["test_over_cap"] < 500
    assert result.counts["train_lines"] < 1300


def test_shards_have_the_configured_number_of_lines(make_context):
    lines = [f"line {number}" for number in range(100)]
    result, _, context = _split(make_context, [lines, lines], ("en", "sw"), lines_per_shard=7)
    shards = sorted(context.out.glob("train.*.en.txt"))
    assert [path.name for path in shards[:2]] == ["train.00000.en.txt", "train.00001.en.txt"]
    counts = [len(path.read_text().split("\n")) - 1 for path in shards]
    assert set(counts[:-1]) == {7}
    assert 1 <= counts[-1] <= 7
    assert result.counts["train_shards"] == len(shards)
    assert len(sorted(context.out.glob("train.*.sw.txt"))) == len(shards)


def test_another_seed_gives_other_splits(make_context):
    lines = [f"line {number}" for number in range(300)]
    assert _split(make_context, [lines], seed=1)[1] != _split(make_context, [lines], seed=2)[1]


def test_fewer_than_three_different_lines_all_go_to_train(make_context):
    _, rows, context = _split(make_context, [["same", "same", "other"]])
    assert len(rows["train"]) == 3
    assert (context.out / "valid.00000.txt").read_bytes() == b""


@pytest.mark.parametrize("number", range(3, 40))
def test_a_few_lines_fill_all_splits(make_context, number):
    lines = [f"{number} {line}" for line in range(number)]
    _, rows, _ = _split(make_context, [lines], valid_fraction=0.25, test_fraction=0.25)
    assert all(rows[split] for split in SPLITS)


def test_shards_of_an_earlier_attempt_are_deleted(make_context):
    lines = [f"line {number}" for number in range(50)]
    _, _, context = _split(make_context, [lines], lines_per_shard=2)
    (context.out / "train.00099.txt").write_text("left by a killed run\n")
    run(context)
    assert not (context.out / "train.00099.txt").exists()


def test_no_lines_are_an_error(make_context):
    with pytest.raises(DataError, match="sw: there are no lines to split"):
        _split(make_context, [[]])


def test_unequal_sides_are_an_error(make_context):
    with pytest.raises(
        DataError, match=r"text\.en\.txt and text\.sw\.txt have different numbers of lines"
    ):
        _split(make_context, [["a", "b"], ["a"]], ("en", "sw"))


def test_sentences_are_compared_by_letters_and_digits():
    assert normalised("The ﬁrst, No. 1!") == normalised("the FIRST no1") == "thefirstno1"
    assert normalised("Straße") == normalised("STRASSE")
    assert normalised(" ?! ") == "?!"


def test_positions_are_pinned():
    """They decide the splits: if they change, the stage needs a new version."""
    assert position("The cat sat.", 42) == 10412492018057624647
    assert rank("The cat sat.", 7, 42) == 13673660255278165692
    assert position("The cat sat.", 42) != position("The cat sat.", 43)
    assert rank("a", 1, 42) != rank("a", 2, 42)
    thresholds = Thresholds.fixed(valid=0.25, test=0.25)
    quarter = HASH_RANGE // 4
    assert [thresholds.split(p) for p in (0, quarter - 1, quarter, 3 * quarter - 1)] == [
        "valid",
        "valid",
        "train",
        "train",
    ]
    assert thresholds.split(3 * quarter) == "test"


def test_the_lowest_ranks_are_kept():
    lowest = LowestRanks(2)
    for number, order in enumerate((5, 1, 9, 3)):
        lowest.add(order, number, (str(order),))
    assert list(lowest.rows(shuffled=True)) == [("1",), ("3",)]
    assert lowest.dropped == 2
