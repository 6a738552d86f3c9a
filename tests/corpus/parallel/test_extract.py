"""Pairs of all corpora stay aligned, for any content of their lines."""

import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xlm.config.data.corpora import OpusCorpus
from xlm.config.data.downloads import ExtractParallelSlice, PairPart, part_of
from xlm.config.languages.pairs import XNLI_LANGUAGES, other_language, pair_of
from xlm.errors import DataError
from xlm.stages.data.extract_parallel import run

CODES = (("en", "eng"), ("sw", "swh"))
MOSES = PairPart(kind="moses", downloads=("tatoeba.en-sw",), codes=CODES)
PLAIN = PairPart(
    kind="plain",
    downloads=("ntrex.en", "ntrex.sw"),
    codes=CODES,
    files=("src.eng.txt", "ref.swa.txt"),
)


def _moses(folder, english, swahili, code="swh", extra=None):
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / f"en-{code}.txt.zip", "w") as archive:
        archive.writestr(f"Tatoeba.en-{code}.en", english)
        archive.writestr(f"Tatoeba.en-{code}.{code}", swahili)
        archive.writestr("README", "read me")
        for name, content in (extra or {}).items():
            archive.writestr(name, content)
    return folder


def _text(folder, name, content):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return folder


def _joined(lines):
    return "".join(f"{line}\n" for line in lines).encode()


def _context(make_context, parts, max_pairs=None, name="work", max_bad_lines=0.01, **inputs):
    config = ExtractParallelSlice(
        languages=("en", "sw"), parts=parts, max_pairs=max_pairs, max_bad_lines=max_bad_lines
    )
    context = make_context(config, "en-sw", name)
    context.inputs.update(inputs)
    return context


def _lines(context, code):
    text = (context.out / f"text.{code}.txt").read_bytes().decode("utf-8")
    assert text.endswith("\n")
    return text[:-1].split("\n")


def test_corpora_are_joined_in_order_under_our_codes(make_context, tmp_path):
    inputs = {
        "tatoeba.en-sw": _moses(tmp_path / "m", "one\ntwo\n", "moja\nmbili\n"),
        "ntrex.en": _text(tmp_path / "e", "src.eng.txt", b"three\n"),
        "ntrex.sw": _text(tmp_path / "s", "ref.swa.txt", b"tatu"),
    }
    context = _context(make_context, (PLAIN, MOSES), **inputs)
    result = run(context)
    assert _lines(context, "en") == ["three", "one", "two"]
    assert _lines(context, "sw") == ["tatu", "moja", "mbili"]
    assert result.counts["pairs"] == 3
    assert result.counts["pairs.ntrex"] == 1
    assert result.counts["pairs.tatoeba"] == 2


def test_pairs_with_an_empty_side_are_dropped_and_counted(make_context, tmp_path):
    folder = _moses(tmp_path / "m", "one\n\n \nfour\n", "moja\nmbili\ntatu\n\u3000\n")
    context = _context(make_context, (MOSES,), **{"tatoeba.en-sw": folder})
    result = run(context)
    assert _lines(context, "sw") == ["moja"]
    assert (result.counts["empty_side"], result.counts["lines_read"]) == (3, 4)


def test_the_cap_takes_the_first_lines_of_each_corpus(make_context, tmp_path):
    inputs = {
        "tatoeba.en-sw": _moses(tmp_path / "m", "1\n\n3\n4\n", "a\nb\nc\nd\n"),
        "ntrex.en": _text(tmp_path / "e", "src.eng.txt", b"5\n6\n7\n"),
        "ntrex.sw": _text(tmp_path / "s", "ref.swa.txt", b"e\nf\ng\n"),
    }
    context = _context(make_context, (MOSES, PLAIN), 2, **inputs)
    result = run(context)
    assert _lines(context, "en") == ["1", "5", "6"]
    assert result.counts["over_max_pairs"] == 3
    assert result.counts["lines_read"] == 7


@pytest.mark.parametrize("max_pairs", [None, 1])
def test_unequal_sides_are_an_error_naming_both(make_context, tmp_path, max_pairs):
    folder = _moses(tmp_path / "m", "one\ntwo\nthree\n", "moja\n")
    with pytest.raises(
        DataError, match=r"Tatoeba\.en-swh\.en has 3 lines, Tatoeba\.en-swh\.swh has 1"
    ):
        run(_context(make_context, (MOSES,), max_pairs, **{"tatoeba.en-sw": folder}))
    inputs = {
        "ntrex.en": _text(tmp_path / "e", "src.eng.txt", b"1\n"),
        "ntrex.sw": _text(tmp_path / "s", "ref.swa.txt", b"a\nb\nc"),
    }
    with pytest.raises(DataError, match=r"src\.eng\.txt has 1 lines, ref\.swa\.txt has 3"):
        run(_context(make_context, (PLAIN,), max_pairs, **inputs))


def test_characters_that_look_like_line_ends_keep_lines_aligned(make_context, tmp_path):
    english = "a\rb\nc\u2028d\ne\x85f\x0bg\x0c\nlast\r\n".encode()
    folder = _moses(tmp_path / "m", english, "1\n2\n3\n4\n")
    context = _context(make_context, (MOSES,), **{"tatoeba.en-sw": folder})
    run(context)
    assert _lines(context, "en") == ["a\rb", "c\u2028d", "e\x85f\x0bg\x0c", "last"]
    assert _lines(context, "sw") == ["1", "2", "3", "4"]


def test_bytes_that_are_not_utf8_are_replaced_and_counted(make_context, tmp_path):
    inputs = {
        "ntrex.en": _text(
            tmp_path / "e", "src.eng.txt", b"\xef\xbb\xbfone \xff\ntwo \xef\xbf\xbd\n"
        ),
        "ntrex.sw": _text(tmp_path / "s", "ref.swa.txt", b"moja\nmbili\n"),
    }
    context = _context(make_context, (PLAIN,), max_bad_lines=0.5, **inputs)
    result = run(context)
    assert _lines(context, "en") == ["one \ufffd", "two \ufffd"]
    assert result.counts["lines_not_utf8"] == 1


def test_a_missing_side_names_the_members(make_context, tmp_path):
    folder = _moses(tmp_path / "m", "one\n", "eins\n", code="de")
    with pytest.raises(
        DataError, match=r"no member ending in \.sw or \.swh; it has README, Tatoeba\.en-de\.de"
    ):
        run(_context(make_context, (MOSES,), **{"tatoeba.en-sw": folder}))


def test_two_members_of_one_language_are_refused(make_context, tmp_path):
    folder = _moses(tmp_path / "m", "one\n", "moja\n", extra={"Other.en-swh.swh": "x"})
    with pytest.raises(DataError, match=r"several members end in \.swh"):
        run(_context(make_context, (MOSES,), **{"tatoeba.en-sw": folder}))


def test_a_truncated_zip_is_refused(make_context, tmp_path):
    folder = _moses(tmp_path / "m", "one\n" * 100, "moja\n" * 100)
    (path,) = folder.iterdir()
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match="truncated or not a zip"):
        run(_context(make_context, (MOSES,), **{"tatoeba.en-sw": folder}))


def test_a_pair_without_lines_is_refused(make_context, tmp_path):
    folder = _moses(tmp_path / "m", "\n\n", "\nx\n")
    with pytest.raises(DataError, match=r"no pairs are left of 2 lines \(2 with an empty side\)"):
        run(_context(make_context, (MOSES,), **{"tatoeba.en-sw": folder}))


_SIDE = st.text(st.characters(exclude_characters="\n\0", codec="utf-8"), max_size=8)


@pytest.mark.slow
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(pairs=st.lists(st.tuples(_SIDE, _SIDE), min_size=1, max_size=20))
def test_alignment_is_preserved_for_any_lines(make_context, tmp_path, pairs):
    pairs = [("first", "kwanza"), *pairs]
    inputs = {
        "ntrex.en": _text(
            tmp_path / "e", "src.eng.txt", "".join(f"{a}\n" for a, _ in pairs).encode()
        ),
        "ntrex.sw": _text(
            tmp_path / "s", "ref.swa.txt", "".join(f"{b}\n" for _, b in pairs).encode()
        ),
    }
    context = _context(make_context, (PLAIN,), **inputs)
    run(context)
    expected = [
        (a.removesuffix("\r"), b.removesuffix("\r")) for a, b in pairs if a.strip() and b.strip()
    ]
    assert list(zip(_lines(context, "en"), _lines(context, "sw"), strict=True)) == expected


@pytest.mark.parametrize("code", [code for code in XNLI_LANGUAGES if code != "en"])
def test_the_samples_of_tatoeba_are_read_in_all_languages(shared, make_context, code):
    pair = pair_of(code)
    part = part_of(OpusCorpus(corpus="Tatoeba", version="v2022-03-03"), pair)
    theirs = {"zh": "cmn", "sw": "swh"}.get(other_language(pair), code)
    name = "-".join(sorted(("en", theirs)))
    folder = shared / "mirror" / "object.pouta.csc.fi" / "OPUS-Tatoeba" / "v2022-03-03" / "moses"
    inputs = make_context(part, name="in").out
    (inputs / f"{name}.txt.zip").write_bytes((folder / f"{name}.txt.zip").read_bytes())
    languages = tuple(pair.split("-"))
    config = ExtractParallelSlice(languages=languages, parts=(part,), max_pairs=None)
    context = make_context(config, pair)
    context.inputs[f"tatoeba.{pair}"] = inputs
    result = run(context)
    assert 331 <= result.counts["pairs"] <= 815
    assert len(_lines(context, "en")) == len(_lines(context, code)) == result.counts["pairs"]
    assert all(ord(max(line)) < 0x2100 for line in _lines(context, "en"))
