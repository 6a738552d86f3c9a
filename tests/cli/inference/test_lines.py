"""The lines of files and pipes: parts, line ends, compression."""

import bz2
import gzip
import lzma
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from xlm.cli.inference.lines import Part, TextLines
from xlm.errors import ConfigError, DataError


def all_lines(source: TextLines) -> list[str]:
    return [line for part in source.parts() for line in part.lines]


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_a_file_may_be_compressed(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "text"
    path.write_bytes(compress("\ufeffone\r\ntwo\n\nfour".encode()))
    source = TextLines.of(path)
    seen: list[str] = []
    assert source.check(lambda line, _: seen.append(line)) == 4
    assert seen == all_lines(source) == ["one", "two", "", "four"]


def test_parts_have_the_number_of_their_first_line(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("".join(f"{number}\n" for number in range(1, 2_501)))
    parts = list(TextLines.of(path).parts())
    assert [(part.first, len(part.lines)) for part in parts] == [
        (1, 1024),
        (1025, 1024),
        (2049, 452),
    ]
    assert all(part.lines[0] == str(part.first) for part in parts)


def test_lines_before_one_that_is_not_utf8_come_first(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes(b"one\ntwo\n\xff\nfour\n")
    (part,) = TextLines.of(path).parts()
    assert (part.first, part.lines) == (1, ["one", "two"])
    assert str(part.error).startswith(f"{path}, line 3: not UTF-8")


def test_a_named_pipe_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    saved = os.dup(0)
    writer = threading.Thread(target=path.write_bytes, args=(b"one\ntwo\n",))
    writer.start()
    try:
        source = TextLines.of(path)
        assert source.check(lambda line, number: None) is None
        assert all_lines(source) == ["one", "two"]
    finally:
        writer.join()
        os.dup2(saved, 0)
        os.close(saved)


def test_an_empty_file_has_no_parts(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes(b"")
    assert list[Part](TextLines.of(path).parts()) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PAR1 and so on", "is a Parquet file, not text"),
        ("two".encode("utf-16"), "UTF-16"),
    ],
)
def test_what_is_not_text_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "text"
    path.write_bytes(content)
    with pytest.raises(DataError, match=re.escape(message)):
        TextLines.of(path).check(lambda line, number: None)
    with pytest.raises(ConfigError, match="Is a directory; pass the path of a file"):
        TextLines.of(tmp_path)
    with pytest.raises(ConfigError, match="No such file or directory; pass the path of a file"):
        TextLines.of(tmp_path / "absent")
