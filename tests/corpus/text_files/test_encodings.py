"""The likely encoding of text that is not UTF-8: by its language, and by its zero bytes."""

import pytest

from xlm.config.languages.pairs import XNLI_LANGUAGES
from xlm.corpus.text_files.encodings import likely_encoding, wide_encoding

ENGLISH = "The pupil number 1 reads a book."
SENTENCES = {
    "fr": ("L'élève lit à l'école, ça va.", "WINDOWS-1252"),
    "de": ("Die Bücher gehören den Schülern, größer können Kinder nicht werden.", "WINDOWS-1252"),
    "ru": ("Ученик читает книгу в школе каждый день.", "WINDOWS-1251"),
    "bg": ("Ученикът чете книга в училището всеки ден.", "WINDOWS-1251"),
    "el": ("Ο μαθητής διαβάζει ένα βιβλίο στο σχολείο.", "WINDOWS-1253"),
    "tr": ("Öğrenci okulda güzel bir kitap okuyor, değişik ışıklar.", "WINDOWS-1254"),
    "ar": ("يقرأ التلميذ كتابا في المدرسة كل يوم", "WINDOWS-1256"),
    "th": ("นักเรียนอ่านหนังสือในโรงเรียน", "CP874"),
    "zh": ("学生每天在学校看书,他们很高兴。", "GB18030"),
}


@pytest.mark.parametrize("code", SENTENCES)
def test_the_likely_encoding_is_that_of_the_language(code):
    text, name = SENTENCES[code]
    assert likely_encoding(text.encode(name), code) == name


def test_koi8_is_not_taken_for_windows_1251():
    assert likely_encoding(SENTENCES["ru"][0].encode("koi8-r"), "ru") == "KOI8-R"


def test_damaged_utf8_is_not_given_another_name():
    assert likely_encoding("größer und élève\n".encode() + b"\xc3", "de") == "damaged UTF-8"


@pytest.mark.parametrize(
    "name", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
)
@pytest.mark.parametrize("code", ["en", *SENTENCES])
def test_wide_text_is_detected_with_and_without_a_mark(name, code):
    text = "".join(f"{SENTENCES.get(code, (ENGLISH,))[0]} {i}\n" for i in range(20))
    found = wide_encoding(text.encode(name))
    assert found is not None
    assert found.startswith(name[:6].upper())
    assert text.encode(found.lower())[:40] in text.encode(name)[:48]


@pytest.mark.parametrize("name", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("word", ["hi", "né", "Çok iyi", "ab c", "да", "ως", "مرحبا", "สวัสดี"])
def test_a_few_wide_characters_are_detected_without_a_mark(name: str, word: str) -> None:
    for end in ("", "\n", "\r\n"):
        text = (word + end).encode(name)
        assert wide_encoding(text) == name.upper(), text
    if name.endswith("le"):  # a filter reads up to the line feed byte, half of the character
        line = (word + "\n").encode(name)
        assert wide_encoding(line[: line.index(b"\n") + 1]) == name.upper()


@pytest.mark.parametrize("text", [
    "", "\n", "\0", "\0\n", "a\0", "\0a", "a\0\n", "a\0b\n", "ab\0cd\n", "abc\0\n", "abcd\0\n",
    "é\0\n", "é\0é\0\n", "да\0\n", "\x1b[0m\n", "\x1b[1mда\x1b[0m\n", "x\x01\x02\n", "a\x0bb\x0c\n",
    "a\x85b\n", "\u2028\n", "9\t.\t", "1\t2\t3\t\n", "\0\0\0\0\n", "\r\r\r\r", "1\n2\n",
])  # fmt: skip
def test_a_few_characters_of_utf8_are_not_taken_for_wide_ones(text: str) -> None:
    assert wide_encoding(text.encode()) is None


@pytest.mark.parametrize("code", XNLI_LANGUAGES)
def test_utf8_is_never_taken_for_wide_text(shared, code):
    for path in sorted((shared / "golden" / "wikiextractor_mirror").glob(f"{code}.all.raw")):
        assert wide_encoding(path.read_bytes()[: 1 << 16]) is None


@pytest.mark.parametrize(
    ("code", "text", "encoding"),
    [
        ("eo", "ĉiuj homoj estas liberaj kaj egalaj laŭ digno ĝi ŝajnas", "ISO-8859-3"),
        ("bs", "čovjek će doći u kuću žene šta", "WINDOWS-1250"),
        ("az", "bütün insanlar öz ağıl işıq", "WINDOWS-1254"),
        ("ltg", "kotrs ir dzims breivs ar vīnaidom tīseibom", "WINDOWS-1257"),
        ("mk", "сите човечки суштества се раѓаат слободни", "WINDOWS-1251"),
        ("azb", "بوتون انسانلار حر", "WINDOWS-1256"),
        ("xx", "tous les êtres humains naissent libres à", "WINDOWS-1252"),
    ],
)
def test_the_guess_fits_the_language(code: str, text: str, encoding: str) -> None:
    assert likely_encoding((text + "\n").encode(encoding), code) == encoding
