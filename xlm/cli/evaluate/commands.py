"""`xlm evaluate`: a model on XNLI, or on the user's own rows, text or pairs.

xlm evaluate MODEL --task xnli
xlm evaluate MODEL --task classify rows.tsv
xlm evaluate MODEL --task perplexity --lang sw text.txt
xlm evaluate MODEL --task retrieval --lang en,sw pairs.tsv
"""

from pathlib import Path
from typing import Annotated

import typer

from xlm.cli.evaluate.options import Options
from xlm.cli.inference.commands import (
    Codes,
    Device,
    ModelName,
    Segmenters,
    Vocabulary,
    load_model,
)
from xlm.cli.options import layer_number, whole_number
from xlm.cli.usage import examples

_COLUMN = "Column of the {}, for classify. [default: {}]"


def register(app: typer.Typer) -> None:
    """Add the command to the console script."""
    app.command(
        epilog=examples(
            "xlm evaluate xnli15 --task xnli",
            "xlm evaluate xnli15 --task xnli XNLI-1.0.zip --lang en",
            "xlm evaluate xnli15 --task classify --lang sw rows.tsv",
            "xlm evaluate xnli15 --task perplexity --lang sw text",
            "xlm evaluate xnli15 --task retrieval -l en,sw pairs.tsv",
        )
    )(evaluate)


def evaluate(
    model: ModelName,
    task: Annotated[
        str,
        typer.Option(
            "--task", "-t", metavar="TASK", help="xnli, classify, perplexity or retrieval."
        ),
    ],
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE",
            help="xnli: the zip or a TSV of XNLI. classify: labelled rows. perplexity: a text. "
            "retrieval: a TSV or JSON lines of pairs, or two texts. [default: download XNLI; else "
            "standard input]",
        ),
    ] = None,
    lang: Annotated[
        list[str] | None,
        typer.Option(
            "--lang",
            "-l",
            metavar="CODES",
            help="Languages, e.g. en,sw. [default for xnli: all of the model]",
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            metavar="N",
            help="Use only the first N rows of each language, chunks of the text, or pairs.",
            parser=whole_number("--limit", 1),
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option("--split", metavar="NAME", help="dev or test, for xnli. [default: test]"),
    ] = None,
    mirror: Annotated[
        str | None,
        typer.Option(
            "--mirror",
            metavar="PLACE",
            help="Folder or URL of a mirror from which XNLI is downloaded.",
        ),
    ] = None,
    text: Annotated[
        str | None,
        typer.Option("--text", metavar="NAME", help=_COLUMN.format("sentence", "text, sentence")),
    ] = None,
    premise: Annotated[
        str | None,
        typer.Option(
            "--premise",
            metavar="NAME",
            help=_COLUMN.format("first sentence of a pair", "premise, sentence1"),
        ),
    ] = None,
    hypothesis: Annotated[
        str | None,
        typer.Option(
            "--hypothesis",
            metavar="NAME",
            help=_COLUMN.format("second sentence of a pair", "hypothesis, sentence2"),
        ),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option("--label", metavar="NAME", help=_COLUMN.format("label", "label, gold_label")),
    ] = None,
    confusion: Annotated[
        bool, typer.Option("--confusion", help="Show the confusion matrices.")
    ] = False,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed",
            metavar="N",
            help="Seed of the masks, for perplexity. [default: 0]",
            parser=whole_number("--seed", 0, 2**32 - 1),
        ),
    ] = None,
    pooling: Annotated[
        str | None,
        typer.Option(
            "--pooling",
            metavar="NAME",
            help="mean or first: which states count, for retrieval. [default: mean]",
        ),
    ] = None,
    layer: Annotated[
        int | None,
        typer.Option(
            "--layer",
            metavar="N",
            help="Layer of the states, for retrieval; 0 are the embeddings. [default: -1, the "
            "last]",
            parser=layer_number,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Folder to write results.json to, and the predictions.",
        ),
    ] = None,
    device: Device = "auto",
    codes: Codes = None,
    vocabulary: Vocabulary = None,
    segmenter: Segmenters = None,
) -> None:
    """Measure a model: on XNLI, or on your own rows, text or pairs.

    The stage evaluate of a run measures in the same way; `xlm results` shows it.
    """
    from xlm.cli.evaluate.tasks import prepare

    options = Options(
        task=task,
        files=tuple(map(Path, files or ())),
        languages=tuple(code for codes in lang or () for code in codes.replace(",", " ").split()),
        limit=limit,
        split=split,
        mirror=mirror,
        text=text,
        premise=premise,
        hypothesis=hypothesis,
        label=label,
        confusion=confusion,
        seed=seed,
        pooling=pooling,
        layer=layer,
        as_json=as_json,
        output=output,
    )
    options.check()
    measure = prepare(options)
    measure(load_model(model, device, codes, vocabulary, segmenter))
