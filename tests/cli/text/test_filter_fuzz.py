"""Filters with any bytes on standard input: as many lines out as in, or one line with an error."""

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.text.filter_process import encode_arguments, run, start
from xlm.cli.text.filters import ApplyCodes, Decode, Encode, Tokenize
from xlm.cli.text.languages import TextLanguage, text_language
from xlm.cli.text.stream import LineFunction, PartialOutput, decode_lines
from xlm.errors import XlmError

pytestmark = pytest.mark.slow

SECONDS = 1.0
LETTERS = (
    "aZ09 \t\r\v\f\0\x1b\x7f\x85\xa0\xad\u200b\u200d\u2028\ufeff\ufffe\ufffd,.!?'\"@&<>|[]()-_/\\%#"
    "éßıİǅſΣς‏العربيةहिन्दीภาษาไทย中文。「」한국어𝒜👩‍👩‍👧🇨🇳\U000e0001\U0010ffff@@</w><unk>"
)
FRAGMENTS = (
    "@@",
    "</s>",
    "<unk>",
    "@-@",
    "&amp;",
    "http://a.b/c?d=e",
    "1.234,56",
    "14",
    "-1",
    "9" * 40,
)


def _language(code: str, segmenter: str | None = None) -> TextLanguage:
    return text_language(code, segmenter, None)


def text_of(chance: random.Random) -> bytes:
    """Lines of unusual letters, subwords and numbers; some have bytes that are not UTF-8."""
    lines = []
    for _ in range(chance.randrange(1, 20)):
        words = [
            chance.choice(FRAGMENTS)
            if chance.random() < 0.3
            else "".join(chance.choices(LETTERS, k=chance.randrange(12)))
            for _ in range(chance.randrange(8))
        ]
        lines.append(" ".join(words).encode())
    data = b"\n".join(lines)
    if chance.random() < 0.3:
        place = chance.randrange(len(data) + 1)
        data = data[:place] + chance.randbytes(chance.randrange(1, 8)) + data[place:]
    return data + b"\n"


def check_output(function: LineFunction, data: bytes) -> int:
    """Number of lines of output; checks that each is one line, and that an error is one of ours."""
    lines, error = decode_lines(data, 1)
    try:
        outputs = list(function(lines, 1))
    except PartialOutput as partial:
        outputs, error = list(partial.lines), partial.error
        assert isinstance(error, XlmError)
    else:
        assert len(outputs) == len(lines)
    assert not any("\n" in one for one in outputs)
    "".join(outputs).encode()
    if error is not None:
        assert "\n" not in str(error)
        assert "standard input" in str(error) or "line" in str(error)
    else:
        assert len(outputs) == data.count(b"\n")
    return len(outputs)


@pytest.mark.parametrize(
    "name", ["tokenize", "cased", "thai", "chinese", "icu", "encode", "decode", "apply"]
)
def test_any_bytes_give_as_many_lines_or_one_error(name: str, model: Path) -> None:
    make: dict[str, Callable[[], LineFunction]] = {
        "tokenize": Tokenize(_language("sw")).build,
        "cased": Tokenize(_language("en"), cased=True).build,
        "thai": Tokenize(_language("th")).build,
        "icu": Tokenize(_language("km", "icu")).build,
        "chinese": Tokenize(_language("zh")).build,
        "encode": Encode(Tokenize(_language("fr")), model / "codes", model / "vocab", None).build,
        "decode": Decode(model / "vocab", None).build,
        "apply": ApplyCodes(model / "codes").build,
    }
    function = make[name]()
    ends = time.monotonic() + SECONDS
    tried = 0
    for seed in range(5000):
        if seed > 20 and time.monotonic() > ends:
            break
        data = text_of(random.Random(seed))
        try:
            tried += check_output(function, data)
        except Exception as error:
            error.add_note(f"{name}, seed {seed}: {data!r}")
            raise
    print(f"{name}: {tried} lines")
    assert tried > 20


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_processes_write_a_line_for_every_line_of_unusual_text(jobs: str, model: Path) -> None:
    text = b"".join(
        data
        for seed in range(400)
        for data in [text_of(random.Random(seed))]
        if data.decode(errors="ignore").encode() == data
    )
    for arguments in (
        ("tokenize", "--lang", "th"),
        (*encode_arguments(model), "--lang", "en"),
        ("bpe", "apply", "--codes", str(model / "codes")),
    ):
        output, errors = run(*arguments, "--jobs", jobs, text=text)
        assert output.count(b"\n") == text.count(b"\n"), arguments
        assert all(line.startswith("xlm: warning: ") for line in errors.splitlines())


def test_random_bytes_end_in_one_error_after_the_lines_before_it(model: Path) -> None:
    for seed in range(3):
        data = b"14 15\n15\n" + random.Random(seed).randbytes(5000)
        output, errors = run("decode", "--vocab", str(model / "vocab"), text=data, code=1)
        assert output.count(b"\n") >= 2
        assert errors.startswith("xlm: ")
        assert errors.count("\n") == 1
        assert "Traceback" not in errors


def test_lines_that_arrive_byte_by_byte_are_complete() -> None:
    """The end of a read never cuts a character."""
    process = start("tokenize", "--lang", "zh")
    assert process.stdin is not None
    text = "我来到北京。\n👩 é\n".encode()
    for number in range(len(text)):
        process.stdin.write(text[number : number + 1])
        process.stdin.flush()
        time.sleep(0.002)
    output, errors = process.communicate()
    assert (output.count(b"\n"), errors) == (2, b"")
    assert output.decode().splitlines()[0].replace(" ", "") == "我来到北京."
