"""The text path as Unix filters: `xlm tokenize`, `encode`, `decode`, `bpe apply`, `bpe learn`.

    cat raw.sw | xlm tokenize --lang sw | xlm encode --tokenized --codes codes --vocab vocab

What they do is in `filter_recipes.py`, how they read and write in `filter_stream.py`.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from xlm.config.languages import LANGUAGES
from xlm.config.learners import LEARNERS
from xlm.config.segmenters import DEFAULT_SEGMENTERS
from xlm.errors import ConfigError

_MOST_CODES = 10_000_000

bpe_app = typer.Typer(help="Byte-pair codes as Unix filters.", no_args_is_help=True)

Lang = Annotated[str, typer.Option("--lang", "-l", help="Language of the text.", metavar="CODE")]
MaybeLang = Annotated[
    str | None, typer.Option("--lang", "-l", help="Language of the text.", metavar="CODE")
]
Segmenter = Annotated[
    str | None,
    typer.Option(
        "--segmenter",
        metavar="NAME[:PATH]",
        help="jieba, pkuseg, stanford, newmm, kytea or command; zh and th have theirs.",
    ),
]
Jobs = Annotated[
    int, typer.Option("--jobs", "-j", min=1, help="Processes; lines keep their order.")
]
Codes = Annotated[Path, typer.Option("--codes", help="Codes file as fastBPE writes it.")]
Vocab = Annotated[
    Path, typer.Option("--vocab", help="File of lines `token count`, or a vocabulary artifact.")
]
MaxVocab = Annotated[
    int | None,
    typer.Option("--max-vocab", min=15, help="Ids, 14 special ones included; else all."),
]


def register(app: typer.Typer) -> None:
    """Add the filters to the console script."""
    for command in (tokenize, encode, decode):
        app.command()(command)
    app.add_typer(bpe_app, name="bpe")


def tokenize(
    lang: Lang,
    cased: Annotated[bool, typer.Option("--cased", help="Keep case and accents.")] = False,
    segmenter: Segmenter = None,
    jobs: Jobs = 1,
) -> None:
    """Raw lines to tokens, lower-cased, without accents; one line out for each line in."""
    from xlm.cli.filter_recipes import Tokenize
    from xlm.cli.filter_stream import run_filter

    run_filter(Tokenize(lang, _segmenter(lang, segmenter), cased), jobs)


def encode(
    codes: Codes,
    vocab: Vocab,
    lang: MaybeLang = None,
    max_vocab: MaxVocab = None,
    tokenized: Annotated[
        bool, typer.Option("--tokenized", help="The lines are tokens already.")
    ] = False,
    segmenter: Segmenter = None,
    jobs: Jobs = 1,
) -> None:
    """Raw lines to ids: no end of sentence is added, unknown is 3, an empty line stays empty."""
    from xlm.cli.filter_recipes import Encode, Tokenize
    from xlm.cli.filter_stream import run_filter

    if not tokenized and lang is None:
        raise ConfigError("encode: no --lang", fix="give it, or --tokenized for tokens")
    raw = None if tokenized or lang is None else Tokenize(lang, _segmenter(lang, segmenter))
    run_filter(Encode(raw, codes, vocab, max_vocab), jobs)


def decode(vocab: Vocab, max_vocab: MaxVocab = None, jobs: Jobs = 1) -> None:
    """Lines of ids to text: pieces are joined, special tokens stand by their names."""
    from xlm.cli.filter_recipes import Decode
    from xlm.cli.filter_stream import run_filter

    run_filter(Decode(vocab, max_vocab), jobs)


@bpe_app.command("apply")
def bpe_apply(codes: Codes, jobs: Jobs = 1) -> None:
    """Lines of tokens to lines of pieces, `@@` on each piece but a word's last."""
    from xlm.cli.filter_recipes import ApplyCodes
    from xlm.cli.filter_stream import run_filter

    run_filter(ApplyCodes(codes), jobs)


@bpe_app.command("learn")
def bpe_learn(
    codes: Annotated[int, typer.Option("--codes", min=1, max=_MOST_CODES, help="Merges to learn.")],
    learner: Annotated[
        str, typer.Option("--learner", help=" or ".join(LEARNERS) + ".")
    ] = "fastbpe",
    jobs: Annotated[
        int, typer.Option("--jobs", min=1, help="Threads of the deterministic learner.")
    ] = 1,
) -> None:
    """Lines of tokens to byte-pair codes, `left right count` a line."""
    from xlm.cli.bpe_learn import learn

    learn(codes, learner, jobs)


def _segmenter(language: str, chosen: str | None) -> str | None:
    """The segmenter to take; what is unusual about a language is said once and refuses nothing."""
    from xlm.text.segment import unsegmented_warning, with_path

    spec = chosen or DEFAULT_SEGMENTERS.get(language)
    warning = unsegmented_warning(language, spec is not None)
    if warning is None and language not in LANGUAGES and spec is None:
        warning = (
            f"{language} is none of the {len(LANGUAGES)} languages of XLM: its text goes through "
            "the Moses rules, with the English prefixes where Moses has none for it"
        )
    known = language.lower().replace("_", "-").partition("-")[0]
    if warning and language not in LANGUAGES and known in LANGUAGES:
        warning += f"; did you mean {known!r}?"
    if warning:
        sys.stderr.write(f"xlm: warning: {warning}\n")
    return with_path(spec) if spec else None
