"""`xlm encode` and `xlm decode`: the ids of the published vocabulary, and back to text."""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.text.filter_process import TOKENIZE, encode_arguments, run
from xlm.bpe.vocabulary import SPECIAL_TOKENS, Vocabulary, write_vocabulary
from xlm.config.languages.pairs import XNLI_LANGUAGES

pytestmark = pytest.mark.slow


def test_ids_are_those_of_the_vocabulary_and_unknown_is_3(model: Path) -> None:
    text = b"Habari lo zzz\n\n \nlo!\n"
    output, errors = run(*encode_arguments(model), "--lang", "sw", text=text)
    assert output.decode() == "14 15 18 19 16 3 3 3\n\n\n16 17\n"
    assert errors.startswith("xlm: warning: standard input: 3 of 10 tokens (30.0%) are unknown")
    assert errors.count("\n") == 1
    cut, _ = run(*encode_arguments(model), "--lang", "sw", "--max-vocab", "17", text=text)
    assert cut.decode() == "14 15 3 3 16 3 3 3\n\n\n16 3\n"


def test_names_of_special_tokens_in_a_text_give_no_special_ids(model: Path) -> None:
    """Merges can join the letters of `</s>`: a text must not be able to end a sentence."""
    (model / "codes").write_text("l o</w> 3\n< / 2\n</ s 2\n</s ></w> 2\n", encoding="utf-8")
    output, _ = run(*encode_arguments(model), "--tokenized", text=b"lo </s> lo\n</s>\n")
    assert output == b"16 16\n\n"


def test_tokens_are_not_tokenized_again(model: Path) -> None:
    raw, _ = run(*encode_arguments(model), "--lang", "sw", text=b"Lo!\n")
    tokens, _ = run(*TOKENIZE, text=b"Lo!\n")
    assert run(*encode_arguments(model), "--tokenized", text=tokens)[0] == raw == b"16 17\n"
    assert run(*encode_arguments(model), "--tokenized", text=b"lo!\n")[0] == b"3 3 17\n"
    assert "--lang is missing; pass it, or --tokenized" in run(*encode_arguments(model), code=1)[1]


def test_a_vocabulary_artifact_can_be_used(model: Path) -> None:
    tokens = (*SPECIAL_TOKENS, "lo", "l@@", "o")
    write_vocabulary(Vocabulary(tokens, (0,) * 14 + (3, 2, 1)), model)
    for path in (model, model / "vocabulary.json"):
        arguments = ("encode", "--tokenized", "--codes", model / "codes", "--vocab", path)
        assert run(*arguments, text=b"lo\n")[0] == b"14\n"
        assert run(*arguments, "--max-vocab", "15", text=b"lo o\n")[0] == b"14 3\n"
        assert run("decode", "--vocab", path, text=b"15 16\n")[0] == b"lo\n"


def test_merges_of_another_run_are_refused_with_both_hashes(
    model: Path,
) -> None:
    right = hashlib.sha256((model / "codes").read_bytes()).hexdigest()
    tokens = (*SPECIAL_TOKENS, "lo")
    arguments = ("encode", "--tokenized", "--codes", model / "codes", "--vocab", model)
    write_vocabulary(Vocabulary(tokens, (0,) * 14 + (3,), right), model)
    assert run(*arguments, text=b"lo\n")[0] == b"14\n"
    write_vocabulary(Vocabulary(tokens, (0,) * 14 + (3,), "0" * 64), model)
    output, errors = run(*arguments, text=b"lo\n", code=1)
    assert (output, errors.count("\n")) == (b"", 1)
    assert right in errors
    assert "0" * 64 in errors


@pytest.mark.parametrize(
    ("codes", "vocab", "message", "jobs"),
    [
        ("nowhere", "vocab", "--codes {0}/nowhere: No such file or directory", 2),
        ("nowhere", "vocab", "--codes {0}/nowhere: No such file or directory", 1),
        ("codes", "nowhere", "--vocab {0}/nowhere: No such file or directory", 1),
        (
            "vocab",
            "vocab",
            "{0}/vocab, line 1: not `left right count` but a token and its count: 'hab@@ 90'",
            1,
        ),
        ("codes", "codes", "{0}/codes: the first line is not `token count`: 'h a 9'", 1),
        ("binary", "vocab", "{0}/binary, line 1: not UTF-8", 1),
        ("codes", "binary", "--vocab {0}/binary: not UTF-8", 1),
        ("codes", "empty", "{0}/empty: the first line is not `token count`: ''", 1),
        ("empty", "vocab", "{0}/empty contains no merges", 1),
        ("pipe", "vocab", "--codes {0}/pipe: not a regular file", 1),
        ("codes", "pipe", "--vocab {0}/pipe: not a regular file", 1),
        ("marked", "vocab", "{0}/marked, line 1: starts with a byte order mark", 1),
    ],
)
def test_missing_or_invalid_files_are_one_line(
    model: Path, codes: str, vocab: str, message: str, jobs: int
) -> None:
    (model / "binary").write_bytes(b"\xff\xfe\x00")
    (model / "empty").write_bytes(b"")
    (model / "marked").write_bytes(b"\xef\xbb\xbf" + (model / "codes").read_bytes())
    os.mkfifo(model / "pipe")
    output, errors = run(
        *("encode", "--tokenized", "--codes", model / codes, "--vocab", model / vocab),
        *("--jobs", str(jobs)),
        code=1,
    )
    assert (output, errors.count("\n")) == (b"", 1)
    assert errors.startswith(f"xlm: {message.format(model)}")


def test_subwords_are_joined_and_special_tokens_named(model: Path) -> None:
    ids = b"14 15 18 19 16 17\n\n1 16 14 1 3 5\n14\n"
    output, _ = run("decode", "--vocab", str(model / "vocab"), text=ids)
    assert output.decode() == "habari lo !\n\n</s> lo hab </s> <unk> <special1>\nhab\n"


@pytest.mark.parametrize("bad", ["21", "-1", "x", "1.5", "١٤", "9" * 5000, "+14"])
def test_an_invalid_id_is_one_line(model: Path, bad: str) -> None:
    text = f"14 15\n16 {bad} 17\n14\n".encode()
    output, errors = run("decode", "--vocab", str(model / "vocab"), text=text, code=1)
    assert output == b"haba\n"
    assert errors.startswith(f"xlm: standard input, line 2: {bad[:40]!r} is not an id from 0 to 20")
    assert errors.count("\n") == 1


@pytest.mark.parametrize("language", XNLI_LANGUAGES)
def test_raw_text_gives_the_published_ids(shared: Path, language: str) -> None:
    """The ids of the original tools on 60 real sentences, in one process."""
    official = shared / "mirror" / "dl.fbaipublicfiles.com" / "XLM"
    rows = list(_golden(shared, language))
    output, errors = run(
        *("encode", "--lang", language, "--max-vocab", "95000"),
        *("--codes", official / "codes_xnli_15", "--vocab", official / "vocab_xnli_15"),
        text="".join(row["raw"] + "\n" for row in rows).encode(),
    )
    expected = [" ".join(map(str, row["ids"])) for row in rows]
    assert output.decode().split("\n") == [*expected, ""]
    assert len(rows) == 60
    assert errors == ""


def _golden(shared: Path, language: str) -> Iterator[dict[str, Any]]:
    path = shared / "golden" / "xlm15_tokens" / f"golden.{language}.jsonl"
    for line in path.read_bytes().split(b"\n")[:-1]:
        yield json.loads(line)
