"""The text path as Unix filters: `xlm tokenize`, `encode`, `decode`, `bpe apply`, `bpe learn`.

    cat raw.sw | xlm tokenize --lang sw | xlm encode --tokenized --codes codes --vocab vocab

`filters.py` has the filters, `stream.py` reads and writes lines.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from xlm.cli.options import whole_number
from xlm.cli.usage import CommandGroup, examples
from xlm.config.data.learners import LEARNERS
from xlm.errors import ConfigError

_MAX_CODES = 10_000_000

bpe_app = typer.Typer(
    help="Learn and apply BPE merges.",
    cls=CommandGroup,
    no_args_is_help=True,
    epilog=examples(
        "xlm bpe learn --codes 2000 < tokens > codes",
        "xlm bpe apply --codes codes < tokens > subwords",
    ),
)

Lang = Annotated[
    str, typer.Option("--lang", "-l", metavar="CODE", help="Language of the text, e.g. sw.")
]
MaybeLang = Annotated[
    str | None,
    typer.Option(
        "--lang", "-l", metavar="CODE", help="Language of the text. Not needed with --tokenized."
    ),
]
Segmenter = Annotated[
    str | None,
    typer.Option(
        "--segmenter",
        metavar="NAME[:PATH]",
        help="Program that splits text into words: jieba, pkuseg, stanford, newmm, icu, kytea "
        "or command:PROGRAM. [default: jieba for zh, newmm for th, else none]",
    ),
]
Cased = Annotated[bool, typer.Option("--cased", help="Keep case and accents.")]
TokenizerLanguage = Annotated[
    str | None,
    typer.Option(
        "--tokenizer-language",
        metavar="CODE",
        help="Language with the Moses rules to use, for a language that has none. "
        "[default: that of --lang]",
    ),
]
Jobs = Annotated[
    int,
    typer.Option(
        "--jobs",
        "-j",
        metavar="N",
        help="Number of processes; lines stay in order.",
        parser=whole_number("--jobs", 1),
    ),
]
Codes = Annotated[
    Path,
    typer.Option(
        "--codes", metavar="FILE", help="BPE merges, in the format of fastBPE or subword-nmt."
    ),
]
Vocab = Annotated[
    Path,
    typer.Option(
        "--vocab",
        metavar="FILE",
        help="Vocabulary: a file with a token and its count on each line, or the folder of a "
        "vocabulary artifact.",
    ),
]
MaybeVocab = Annotated[
    Path | None,
    typer.Option(
        "--vocab",
        metavar="FILE",
        help="Allowed subwords: a file with a subword and its count on each line, or "
        "the folder of a vocabulary artifact.",
    ),
]
MaxVocab = Annotated[
    int | None,
    typer.Option(
        "--max-vocab",
        metavar="N",
        help="Size of the vocabulary, with its 14 special tokens. [default: the whole file]",
        parser=whole_number("--max-vocab", 15),
    ),
]


def register(app: typer.Typer) -> None:
    """Add the filters to the console script."""
    for command, lines in _EXAMPLES.items():
        app.command(epilog=examples(*lines))(command)
    app.add_typer(bpe_app, name="bpe")


def tokenize(
    lang: Lang,
    cased: Cased = False,
    segmenter: Segmenter = None,
    tokenizer_language: TokenizerLanguage = None,
    jobs: Jobs = 1,
) -> None:
    """Tokenize text, lowercase it and remove accents.

    Reads lines from standard input and writes one line for each.
    """
    from xlm.cli.text.filters import Tokenize
    from xlm.cli.text.languages import text_language
    from xlm.cli.text.stream import run_filter

    run_filter(Tokenize(text_language(lang, segmenter, tokenizer_language), cased), jobs)


def encode(
    codes: Codes,
    vocab: Vocab,
    lang: MaybeLang = None,
    max_vocab: MaxVocab = None,
    tokenized: Annotated[
        bool, typer.Option("--tokenized", help="The input is already tokenized.")
    ] = False,
    cased: Cased = False,
    segmenter: Segmenter = None,
    tokenizer_language: TokenizerLanguage = None,
    jobs: Jobs = 1,
) -> None:
    """Turn text into token ids.

    Reads lines from standard input and writes one line for each, without an end-of-sentence token.
    Unknown tokens get id 3; a warning follows if more than 5 % are unknown. An empty line stays
    empty.
    """
    from xlm.cli.text.filters import Encode, Tokenize
    from xlm.cli.text.input_warnings import UnknownShare
    from xlm.cli.text.languages import text_language
    from xlm.cli.text.stream import run_filter

    if not tokenized and lang is None:
        raise ConfigError("encode: --lang is missing", fix="pass it, or --tokenized for tokens")
    raw = None
    if not tokenized and lang is not None:
        raw = Tokenize(text_language(lang, segmenter, tokenizer_language), cased)
    run_filter(Encode(raw, codes, vocab, max_vocab), jobs, UnknownShare())


def decode(vocab: Vocab, max_vocab: MaxVocab = None, jobs: Jobs = 1) -> None:
    """Turn token ids back into text.

    Reads lines from standard input and writes one line for each. Subwords are joined into words;
    special tokens appear by name.
    """
    from xlm.cli.text.filters import Decode
    from xlm.cli.text.stream import run_filter

    run_filter(Decode(vocab, max_vocab), jobs)


@bpe_app.command("apply", epilog=examples("xlm bpe apply --codes codes < tokens > subwords"))
def bpe_apply(
    codes: Codes,
    vocab: MaybeVocab = None,
    threshold: Annotated[
        int,
        typer.Option(
            "--threshold",
            metavar="N",
            help="Use only subwords with at least this count. Needs --vocab.",
            parser=whole_number("--threshold", 0),
        ),
    ] = 0,
    jobs: Jobs = 1,
) -> None:
    """Split tokens into subwords with BPE merges.

    Reads lines from standard input and writes one line for each. Every subword but the last of a
    word ends in `@@`. With --vocab, a subword that is not in the vocabulary, or is too rare, is
    split again, as `fast applybpe` with a vocabulary does.
    """
    from xlm.cli.text.filters import ApplyCodes
    from xlm.cli.text.stream import run_filter

    if threshold and vocab is None:
        raise ConfigError("bpe apply: --threshold without --vocab", fix="pass --vocab too")
    run_filter(ApplyCodes(codes, vocab, threshold), jobs)


@bpe_app.command("vocab", epilog=examples("xlm bpe vocab < subwords > vocab"))
def bpe_vocab() -> None:
    """Count the subwords of a text.

    Reads lines from standard input and writes `subword count` for each subword, largest count
    first, as `fast getvocab` does.
    """
    from xlm.cli.text.bpe_vocab import count

    count()


@bpe_app.command("learn", epilog=examples("xlm bpe learn --codes 2000 < tokens > codes"))
def bpe_learn(
    codes: Annotated[
        int,
        typer.Option(
            "--codes",
            metavar="N",
            help="Number of merges to learn.",
            parser=whole_number("--codes", 1, _MAX_CODES),
        ),
    ],
    learner: Annotated[
        str,
        typer.Option("--learner", metavar="NAME", help=f"Program to use: {' or '.join(LEARNERS)}."),
    ] = "fastbpe",
    jobs: Annotated[
        int,
        typer.Option(
            "--jobs",
            metavar="N",
            help="Number of threads of the deterministic learner.",
            parser=whole_number("--jobs", 1),
        ),
    ] = 1,
) -> None:
    """Learn BPE merges from tokenized text.

    Reads lines from standard input and writes one merge on each line: left, right, count.
    """
    from xlm.cli.text.bpe_learn import learn

    learn(codes, learner, jobs)


_EXAMPLES: dict[Callable[..., None], tuple[str, ...]] = {
    tokenize: (
        "xlm tokenize --lang sw < raw > tokens",
        "xlm tokenize --lang zh --jobs 4 < raw > tokens",
        "xlm tokenize --lang ja --segmenter icu < raw > tokens",
    ),
    encode: (
        "xlm encode --lang sw --codes codes --vocab vocab \\",
        "    < raw > ids",
        "xlm encode --tokenized --codes codes --vocab vocab \\",
        "    < tokens > ids",
    ),
    decode: ("xlm decode --vocab vocab < ids > text",),
}
