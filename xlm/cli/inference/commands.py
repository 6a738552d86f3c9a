"""Commands that use a model: `xlm embed`, `xlm predict`, `xlm fill-mask`, `xlm demo`.

xlm embed MODEL --lang sw < text > vectors.npy
xlm predict MODEL pairs.tsv
xlm fill-mask MODEL --lang en "The <mask> sleeps."
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xlm.cli.inference.model_path import find_model_path
from xlm.cli.options import layer_number, whole_number
from xlm.cli.usage import examples
from xlm.errors import ConfigError

if TYPE_CHECKING:
    from xlm.inference.model import Model

ModelName = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="The model: an artifact of pretrain, finetune, select or publish (its folder, or its "
        "key in the store), a Hugging Face folder, or a .pth file of the original XLM.",
    ),
]
Texts = Annotated[
    list[str] | None,
    typer.Argument(metavar="TEXTS", help="Texts, or one file. [default: standard input]"),
]
Lang = Annotated[
    str, typer.Option("--lang", "-l", metavar="CODE", help="Language of the text, e.g. sw.")
]
Device = Annotated[
    str,
    typer.Option(
        "--device", metavar="NAME", help="cpu, cuda, cuda:1 or auto: a GPU if there is one."
    ),
]
Codes = Annotated[
    Path | None,
    typer.Option("--codes", metavar="FILE", help="The BPE merges, if they are not found."),
]
Vocabulary = Annotated[
    Path | None,
    typer.Option(
        "--vocabulary",
        metavar="PATH",
        help="The vocabulary, if it is not found: a file of counts, or a folder with "
        "vocabulary.json.",
    ),
]
Segmenters = Annotated[
    list[str] | None,
    typer.Option(
        "--segmenter",
        metavar="CODE=NAME[:PATH]",
        help="Segmenter of a language, e.g. zh=stanford:/opt/segmenter. Can be repeated. "
        "[default: that of the run that made the model, else jieba for zh and newmm for th]",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print a JSON object for each text.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the console script."""
    for command, lines in _EXAMPLES.items():
        app.command(epilog=examples(*lines))(command)


def embed(
    model: ModelName,
    lang: Lang,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="A text a line. [default: standard input]"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="File to write: .npy, or .parquet with text, language and vector. "
            "[default: .npy to standard output]",
        ),
    ] = None,
    pooling: Annotated[
        str, typer.Option("--pooling", metavar="NAME", help="mean or first: which states count.")
    ] = "mean",
    layer: Annotated[
        int,
        typer.Option(
            "--layer",
            metavar="N",
            help="Layer of the states: 0 are the embeddings, -1 the last.",
            parser=layer_number,
        ),
    ] = -1,
    subtract_mean: Annotated[
        bool, typer.Option("--subtract-mean", help="Subtract the mean over all lines.")
    ] = False,
    device: Device = "auto",
    codes: Codes = None,
    vocabulary: Vocabulary = None,
    segmenter: Segmenters = None,
) -> None:
    """Turn each line of a text into a vector.

    The result is an array of float32 with a row for each line.
    """
    from xlm.cli.inference.embed import embed as embed_lines
    from xlm.cli.inference.embed import require_target

    require_target(output)
    loaded = load_model(model, device, codes, vocabulary, segmenter)
    embed_lines(
        loaded, file, lang, output,
        pooling=pooling,  # type: ignore[arg-type]  # checked by the model
        layer=layer,
        subtract_mean=subtract_mean,
    )  # fmt: skip


def predict(
    model: ModelName,
    texts: Texts = None,
    lang: Annotated[
        str | None,
        typer.Option(
            "--lang",
            "-l",
            metavar="CODE",
            help="Language of the texts. Not needed if a column of the file has it.",
        ),
    ] = None,
    as_json: Json = False,
    device: Device = "auto",
    codes: Codes = None,
    vocabulary: Vocabulary = None,
    segmenter: Segmenters = None,
) -> None:
    """Classify a text, a pair of texts, or each row of a file.

    Rows have a text, or a premise and a hypothesis, and a language, separated by tabs; the first
    line may name the columns. Files in .csv, .jsonl and .parquet are read by those names. The
    output has the label and the probability of every label, separated by tabs.
    """
    from xlm.cli.inference.predict import predict as predict_rows

    loaded = load_model(model, device, codes, vocabulary, segmenter)
    predict_rows(loaded, texts or [], lang, as_json=as_json)


def fill_mask(
    model: ModelName,
    lang: Lang,
    texts: Texts = None,
    top: Annotated[
        int,
        typer.Option(
            "--top",
            metavar="N",
            help="Number of tokens for each mask.",
            parser=whole_number("--top", 1),
        ),
    ] = 5,
    as_json: Json = False,
    device: Device = "auto",
    codes: Codes = None,
    vocabulary: Vocabulary = None,
    segmenter: Segmenters = None,
) -> None:
    """Print the most probable tokens for each <mask> of a text.

    A token that ends in @@ is the beginning or the middle of a word.
    """
    from xlm.cli.inference.fill_mask import fill_mask as fill_masks

    loaded = load_model(model, device, codes, vocabulary, segmenter)
    fill_masks(loaded, texts or [], lang, top=top, as_json=as_json)


def demo(
    model: ModelName,
    corpus: Annotated[
        Path | None,
        typer.Option(
            "--corpus",
            metavar="FILE",
            help="Sentences to find translations in: a language and a sentence a line, separated "
            "by a tab. [default: sentences of the sample world]",
        ),
    ] = None,
    host: Annotated[
        str,
        typer.Option(
            "--host",
            metavar="ADDRESS",
            help="Address to listen on. One that is not loopback serves other machines too.",
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            "--port",
            metavar="N",
            help="Port to listen on; 0: any free one.",
            parser=whole_number("--port", 0, 65_535),
        ),
    ] = 8000,
    device: Device = "auto",
    codes: Codes = None,
    vocabulary: Vocabulary = None,
    segmenter: Segmenters = None,
) -> None:
    """Open a local page that uses a model.

    It classifies sentences, fills masks and finds translations. Ctrl-C stops it.
    """
    from xlm.cli.inference.demo import demo as serve_demo

    loaded = load_model(model, device, codes, vocabulary, segmenter)
    serve_demo(loaded, corpus, host=host, port=port)


def load_model(
    model: str,
    device: str,
    codes: Path | None,
    vocabulary: Path | None,
    segmenters: list[str] | None,
) -> "Model":
    """Load the model of a command, with its options.

    Raises:
        ConfigError: an option is invalid.
        DataError: the model cannot be read.
    """
    by_language = {}
    for text in segmenters or ():
        code, equals, spec = text.partition("=")
        if not equals or not code or not spec:
            raise ConfigError(f"invalid --segmenter {text[:60]!r}", fix="write zh=jieba")
        by_language[code] = spec
    path = find_model_path(model)
    from xlm.inference.load import load

    return load(path, device=device, codes=codes, vocabulary=vocabulary, segmenters=by_language)


_EXAMPLES: dict[Callable[..., None], tuple[str, ...]] = {
    embed: (
        "xlm embed data/artifacts/pretrain/KEY --lang sw \\",
        "    < text > vectors.npy",
        "xlm embed xnli15 text --lang sw -o vectors.parquet",
    ),
    demo: ("xlm demo data/artifacts/publish/KEY", "xlm demo xnli15 --corpus sentences.tsv"),
    predict: (
        'xlm predict xnli15 --lang en "He sleeps." "He is awake."',
        "xlm predict xnli15 pairs.tsv > labels.tsv",
    ),
    fill_mask: (
        'xlm fill-mask xnli15 --lang en "The <mask> sleeps."',
        "xlm fill-mask xnli15 --lang sw --json < text",
    ),
}
"""The examples at the end of each command's help."""
