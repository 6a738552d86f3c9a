"""Texts that are not plain UTF-8 are refused with their likely encoding, or counted."""

import bz2
import gzip
import io
import logging
import lzma
import zipfile
from functools import partial
from pathlib import Path

import pytest

from xlm.config.data.downloads import ExtractParallelSlice, PairPart
from xlm.config.reading.resolve import resolve
from xlm.corpus.text_files.compressed import open_plain
from xlm.corpus.text_files.text_lines import MAX_LINE_BYTES, open_text
from xlm.errors import DataError
from xlm.stages.data.extract_parallel import EXTRACT_PARALLEL, run

ENGLISH = "".join(f"The pupil number {i} reads a book.\n" for i in range(10))
FRENCH = "".join(f"L'élève numéro {i} lit un livre à l'école, ça va.\n" for i in range(10))


def _context(make_context, folder, english, french, parts=None, max_bad_lines=0.01):
    part = PairPart(
        kind="plain", downloads=("p.en", "p.fr"), codes=(("en",), ("fr",)),
        files=("train.en", "train.fr"),
    )  # fmt: skip
    config = ExtractParallelSlice(
        languages=("en", "fr"), parts=parts or (part,), max_pairs=None, max_bad_lines=max_bad_lines
    )
    context = make_context(config, "en-fr")
    for code, content in (("en", english), ("fr", french)):
        directory = folder / code
        directory.mkdir(exist_ok=True)
        (directory / f"train.{code}").write_bytes(content)
        context.inputs[f"p.{code}"] = directory
    return context


def _lines(context, code):
    return (context.out / f"text.{code}.txt").read_bytes().decode().split("\n")[:-1]


def _utf8(text):
    return text.encode()


def test_latin1_is_refused_with_share_first_line_and_encoding(make_context, tmp_path):
    context = _context(make_context, tmp_path, _utf8("x\n") + _utf8(ENGLISH),
                 b"x\n" + FRENCH.encode("latin-1"))  # fmt: skip
    with pytest.raises(
        DataError,
        match=r"train\.fr: 10 of 11 lines \(90\.9%\) are not plain UTF-8 \(first: line 2\); "
        r"probably WINDOWS-1252; .*iconv -f WINDOWS-1252 -t UTF-8.*sources\.max_bad_lines",
    ):
        run(context)


@pytest.mark.parametrize("name", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf16_is_refused_with_any_threshold(make_context, tmp_path, name):
    context = _context(
        make_context, tmp_path, _utf8(ENGLISH), FRENCH.encode(name), max_bad_lines=1.0
    )
    with pytest.raises(DataError, match=r"train\.fr: the text is UTF-(16|32)-.E, not UTF-8"):
        run(context)


def test_few_bad_lines_are_counted_and_reported(make_context, tmp_path, caplog):
    english = [b"line %d\n" % i for i in range(300)]
    french = [b"ligne %d\n" % i for i in range(300)]
    french[41] = b"th\xe9 noir\n"
    french[99] = b"nul\0nul\n"
    context = _context(make_context, tmp_path, b"".join(english), b"".join(french))
    with caplog.at_level(logging.WARNING):
        counts = run(context).counts
    assert (counts["lines_not_utf8"], counts["lines_with_nul"], counts["pairs"]) == (1, 1, 300)
    assert _lines(context, "fr")[41] == "th\ufffd noir"
    assert "train.fr: 2 of 300 lines are not plain UTF-8 (first: line 42)" in caplog.text


def test_the_threshold_is_a_setting_outside_the_key(make_context, tmp_path):
    lax = resolve("mini15", ["sources.max_bad_lines=0.5"])
    slices = [EXTRACT_PARALLEL.slice(c, "en-fr") for c in (resolve("mini15"), lax)]
    assert [s.max_bad_lines for s in slices] == [0.01, 0.5]
    assert slices[0].key_fields() == slices[1].key_fields()
    french = b"".join(b"\xe9 %d\n" % i if i % 3 == 0 else b"e %d\n" % i for i in range(30))
    english = b"".join(b"e %d\n" % i for i in range(30))
    assert (
        run(_context(make_context, tmp_path, english, french, max_bad_lines=0.5)).counts["pairs"]
        == 30
    )
    with pytest.raises(DataError, match="10 of 30 lines"):
        run(_context(make_context, tmp_path, english, french, max_bad_lines=0.3))


def test_text_that_ends_at_cr_alone_is_read_as_lines_and_reported(make_context, tmp_path, caplog):
    returns = ENGLISH.replace("\n", "\r")
    context = _context(make_context, tmp_path, b"\xef\xbb\xbf" + _utf8(returns), _utf8(FRENCH))
    with caplog.at_level(logging.WARNING):
        counts = run(context).counts
    assert _lines(context, "en") == ENGLISH.splitlines()
    assert (counts["pairs"], counts["texts_with_cr_line_ends"]) == (10, 1)
    assert "train.en: lines end in CR alone; it is read as 10 lines" in caplog.text


def test_cr_lines_longer_than_a_block_keep_their_ends():
    lines = ["a" * (1 << 20), "", "b" * 3, "c" * ((1 << 21) + 1)]
    content = "\r".join(lines).encode()
    text = open_text(lambda: io.BufferedReader(io.BytesIO(content)), "t", "en")
    assert [line.decode() for line in text.lines()] == lines


@pytest.mark.parametrize("last", ["\n", "\r\n"])
def test_many_cr_between_few_lf_are_refused(make_context, tmp_path, last):
    mixed = ("one\r" * 30) + f"two{last}"
    context = _context(make_context, tmp_path, _utf8(mixed), _utf8("eins\n"))
    with pytest.raises(DataError, match=r"train\.en: mixed line endings, 30 CR and 1 LF"):
        run(context)


def test_crlf_and_other_line_ends_inside_keep_lines_aligned(make_context, tmp_path):
    english = "a\u2028b\r\nc\x85d\r\ne\rf\r\n"
    context = _context(make_context, tmp_path, _utf8(english), b"1\n2\n3\n")
    counts = run(context).counts
    assert _lines(context, "en") == ["a\u2028b", "c\x85d", "e\rf"]
    assert counts["returns_inside_lines"] == 1


def test_an_empty_side_is_refused_with_both_counts(make_context, tmp_path):
    with pytest.raises(DataError, match=r"train\.en has 10 lines, train\.fr has 0"):
        run(_context(make_context, tmp_path, _utf8(ENGLISH), b""))


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_packed_text_is_unpacked_with_any_name(make_context, tmp_path, pack):
    half = len(FRENCH.encode()) // 2
    members = pack(FRENCH.encode()[:half]) + pack(FRENCH.encode()[half:])
    context = _context(make_context, tmp_path, _utf8(ENGLISH), members)
    run(context)
    assert _lines(context, "fr") == FRENCH.splitlines()


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_damaged_packed_text_is_refused(make_context, tmp_path, pack):
    packed = pack(FRENCH.encode())
    flipped = bytearray(packed)
    flipped[len(packed) // 2] ^= 0xFF
    for content in (packed[:-9], bytes(flipped)):
        context = _context(make_context, tmp_path, _utf8(ENGLISH), content)
        with pytest.raises(DataError, match=r"train\.fr"):
            run(context)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize(("start", "what"), [
    (b"PK\x03\x04", "a zip archive"),
    (b"%PDF-1.7", "a PDF"), (b"PAR1\x15\x04", "a Parquet file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07\x01", "a rar archive"),
    (b"train.en".ljust(257, b"\0") + b"ustar\x0000", "a tar archive"),
])  # fmt: skip
def test_another_format_is_named(make_context, tmp_path, start, what, pack):
    context = _context(make_context, tmp_path, pack(start + b"rest\n" * 200), _utf8(FRENCH))
    with pytest.raises(DataError, match=rf"train\.en is {what}, not text"):
        run(context)


def test_unequal_sides_name_carriage_returns(make_context, tmp_path):
    """Half of the line ends are CR alone; the two line counts do not explain the fault."""
    mixed = "".join(f"line {i}" + ("\n" if i % 2 else "\r") for i in range(10))
    context = _context(make_context, tmp_path, _utf8(mixed), _utf8(FRENCH))
    with pytest.raises(DataError, match=r"train\.en has 5 .*; train\.en has 5 carriage returns"):
        run(context)


@pytest.mark.parametrize(("bad", "fix"), [
    (b"a\0b\n", r"probably text with NUL characters; remove them \(tr -d"),
    ("größer ".encode()[:-1] + b"\xc3 " + "é".encode() + b"\n",
     "probably damaged UTF-8; download it again"),
])  # fmt: skip
def test_damage_is_not_reported_as_another_encoding(make_context, tmp_path, bad, fix):
    context = _context(make_context, tmp_path, bad * 10, _utf8(FRENCH))
    with pytest.raises(DataError, match=fix) as caught:
        run(context)
    assert "ITS-ENCODING" not in str(caught.value)


def test_members_of_a_zip_follow_the_same_rules(make_context, tmp_path):
    directory = tmp_path / "zip"
    directory.mkdir()
    with zipfile.ZipFile(directory / "en-fr.txt.zip", "w") as archive:
        archive.writestr("C.en-fr.en", ENGLISH.replace("\n", "\r"))
        archive.writestr("C.en-fr.fr", FRENCH.encode("latin-1"))
    part = PairPart(kind="moses", downloads=("c.en-fr",), codes=(("en",), ("fr",)))
    context = _context(make_context, tmp_path, b"", b"", parts=(part,))
    context.inputs["c.en-fr"] = directory
    with pytest.raises(DataError, match=r"C\.en-fr\.fr: 10 of 10 lines \(100\.0%\)"):
        run(context)


@pytest.mark.parametrize("name", ["latin1.fr", "utf16.fr", "cr_only.en"])
def test_the_shared_cases(shared: Path, name: str) -> None:
    text_path = shared / "cases" / "text" / name
    if name == "utf16.fr":
        with pytest.raises(DataError, match="the text is UTF-16-LE"):
            open_text(partial(open_plain, text_path), name, "fr")
        return
    text = open_text(partial(open_plain, text_path), name, name[-2:])
    assert len([text.decode(line) for line in text.lines()]) == 10
    if name == "latin1.fr":
        with pytest.raises(DataError, match=r"10 of 10 lines .* probably WINDOWS-1252"):
            text.require_readable(0.01)


class _Endless(io.RawIOBase):
    """Bytes without end, and without a newline after the first line."""

    def __init__(self) -> None:
        super().__init__()
        self._start = b"a short line\n"

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        data = self._start or b"a" * len(buffer)
        self._start = b""
        buffer[: len(data)] = data
        return len(data)


def test_a_line_without_end_is_refused():
    lines = open_text(lambda: io.BufferedReader(_Endless()), "train.sw", "sw").lines()
    assert next(lines) == b"a short line"
    with pytest.raises(DataError, match=r"^train\.sw: line 2 has more than 16 MiB; .*newline"):
        next(lines)


def test_a_line_without_end_after_cr_alone_is_refused():
    content = b"one\rtwo\r" + b"a" * (MAX_LINE_BYTES + 1)
    lines = open_text(lambda: io.BytesIO(content), "train.sw", "sw").lines()
    assert [next(lines), next(lines)] == [b"one", b"two"]
    with pytest.raises(DataError, match=r"^train\.sw: line 3 has more than 16 MiB"):
        next(lines)


def test_the_longest_line_is_read():
    content = b"a" * (MAX_LINE_BYTES - 1) + b"\nb"
    lines = open_text(lambda: io.BytesIO(content), "train.sw", "sw").lines()
    assert list(map(len, lines)) == [MAX_LINE_BYTES - 1, 1]
