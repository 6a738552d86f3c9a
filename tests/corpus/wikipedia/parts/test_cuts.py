"""However a dump is cut into parts, the text, the counts and the errors are the same."""

import bz2
import random
from itertools import count, pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.corpus.wikipedia.dumps import SITE, page, run_extract, text_of, write_dump
from xlm.corpus.wikipedia.dump_file import DumpFile, Part
from xlm.corpus.wikipedia.parts import cuts, extraction
from xlm.corpus.wikipedia.parts.cuts import cut_dump
from xlm.errors import DataError

_NUMBERS = count()
NAME = "enwiki-20261101-pages-articles-multistream.xml"
_ANY_CUT = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def _pages():
    """Pages of all kinds; many have the id of the page before."""
    return [
        page(1, "One"),
        page(1, "Twin of one"),
        page(2, "Two &amp; more", "Text &lt;page&gt; with &lt;/page&gt; names.\n\nLast."),
        page(3, "Moved", "#REDIRECT [[Two]]", redirect="Two"),
        page(2, "Twin of two, after a redirect"),
        page(4, "Template:Box", "box", ns=10),
        page(5, "Hostile", "=" * 400),
        page(5, "No twin: the one before is dropped"),
        page(5, "Twin", "x"),
        page(6, "Empty", ""),
        *(page(number, f"Page {number}", "A sentence here. " * number) for number in range(7, 20)),
        page(19, "Last twin"),
    ]


XML = (SITE + "".join(_pages()) + "</mediawiki>\n").encode()


def _parts(starts):
    return [Part(start, end) for start, end in pairwise([*starts, None])]


def _extract(make_context, folder, name, content, starts, monkeypatch, engine="builtin"):
    """The text, counts and logs of a dump that is cut at these bytes."""
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    (folder / name).write_bytes(content)
    monkeypatch.setattr(extraction, "cut_dump", lambda *_: _parts(starts))

    def fresh(config, unit, **inputs):
        return make_context(config, unit, f"work{next(_NUMBERS)}", **inputs)

    context, result = run_extract(fresh, folder, engine, missing_pages=1.0)
    logs = [path.read_text() for path in sorted(context.logs.glob("*.tsv"))]
    return text_of(context.out), result.counts, logs


@pytest.fixture
def whole(make_context, tmp_path, monkeypatch):
    found = _extract(make_context, tmp_path / "whole", NAME, XML, [0], monkeypatch)
    assert found[1]["documents"] == 17
    assert (found[1]["missing_pages"], found[1]["dropped_pages"]) == (4, 1)
    assert found[2] == [
        "5\tHostile\ta run of more than 300 equals signs\n",
        "1\tTwin of one\n2\tTwin of two, after a redirect\n5\tTwin\n19\tLast twin\n",
    ]
    return found


@_ANY_CUT
@given(starts=st.sets(st.integers(1, len(XML) - 1), max_size=40))
def test_plain_xml_can_be_cut_at_any_byte(make_context, tmp_path, monkeypatch, whole, starts):
    cut = _extract(make_context, tmp_path / "in", NAME, XML, [0, *sorted(starts)], monkeypatch)
    assert cut == whole


@_ANY_CUT
@given(
    cuts=st.sets(st.integers(1, len(XML) - 1), min_size=1, max_size=30),
    kept=st.lists(st.booleans(), min_size=31, max_size=31),
)
def test_streams_may_end_inside_pages(make_context, tmp_path, monkeypatch, whole, cuts, kept):
    """Parallel compressors end a stream at any byte, not between two pages."""
    borders = [0, *sorted(cuts), len(XML)]
    streams = [bz2.compress(XML[start:end]) for start, end in pairwise(borders)]
    ends = [sum(map(len, streams[: number + 1])) for number in range(len(streams) - 1)]
    starts = [0, *(end for end, keep in zip(ends, kept, strict=False) if keep)]
    content = b"".join(streams)
    cut = _extract(make_context, tmp_path / "in", f"{NAME}.bz2", content, starts, monkeypatch)
    assert cut == whole


@pytest.mark.parametrize("least_bytes", [1, 300, 1000])
def test_streams_are_found_by_their_mark(tmp_path, least_bytes):
    path = write_dump(tmp_path, *_pages())
    content = path.read_bytes()
    parts = cut_dump(DumpFile.open(path), least_bytes)
    assert parts[0].start == 0
    assert parts[-1].end is None
    for part, following in pairwise(parts):
        assert part.end == following.start > part.start
        assert bz2.decompress(content[part.start : part.end])
    assert len(parts) >= 5


def test_a_mark_between_two_reads_is_found(tmp_path, monkeypatch):
    path = write_dump(tmp_path, *_pages())
    found = cut_dump(DumpFile.open(path), 500)
    for chunk_bytes in (1, 7, 100):
        monkeypatch.setattr(cuts, "_CHUNK_BYTES", chunk_bytes)
        assert cut_dump(DumpFile.open(path), 500) == found


def test_one_stream_is_one_part(tmp_path):
    path = tmp_path / "dump.xml.bz2"
    path.write_bytes(bz2.compress(XML))
    assert cut_dump(DumpFile.open(path), 100) == [Part()]


def test_a_part_that_does_not_end_with_a_stream_is_refused(make_context, tmp_path, monkeypatch):
    """If data happened to contain the mark of a stream, nothing may be lost silently."""
    content = bz2.compress(XML)
    with pytest.raises(DataError, match="a bzip2 stream does not end at byte 300, where another"):
        _extract(make_context, tmp_path / "in", f"{NAME}.bz2", content, [0, 300], monkeypatch)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("<title>Two &amp; more</title>", "<heading>x</heading>", "without a valid title"),
        ("  <page>\n    <title>Two", "  <page><page>\n    <title>Two", "a page inside a page"),
        ("  <page>\n    <title>Two", "junk <page>\n    <title>Two", "b'junk' between pages"),
        ("  <page>\n    <title>Two", "</mediawiki><page>\n    <title>Two", "a page after its end"),
        ("</mediawiki>\n", "</mediawiki>\n<more>", "not well-formed XML"),
        ("</mediawiki>\n", "  <page>\n", "ends inside a page"),
        ("</mediawiki>\n", "<!DOCTYPE x>", "not well-formed XML"),
        ("&lt;page&gt;", "&bomb;", "not well-formed XML .undefined entity., at byte"),
    ],
)
@pytest.mark.parametrize("parts", [1, 2, 20])
def test_damage_is_the_same_error_in_any_part(
    make_context, tmp_path, monkeypatch, old, new, why, parts
):
    chance = random.Random(parts)
    assert old in XML.decode()
    damaged = XML.decode().replace(old, new, 1).encode()
    for _ in range(4):
        starts = [0, *sorted(chance.sample(range(1, len(damaged)), parts - 1))]
        with pytest.raises(DataError, match=why) as caught:
            _extract(make_context, tmp_path / "in", NAME, damaged, starts, monkeypatch)
        assert "\n" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("count_of_parts", [1, 3, 9])
def test_the_program_writes_and_loses_the_same_pages(
    make_context, tmp_path, monkeypatch, whole, count_of_parts
):
    starts = [len(XML) * number // count_of_parts for number in range(count_of_parts)]
    found = _extract(make_context, tmp_path / "in", NAME, XML, starts, monkeypatch, "wikiextractor")
    assert found == whole
