"""Commands that do not run the flow: plan, show results, check the store, convert, filter text.

The console script is in the package of flows, which adds the commands that run the flow. Commands
import what they need when they run, so that `xlm --help` is fast.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xlm.cli.activity import commands as activity_commands
from xlm.cli.evaluate import commands as evaluate_commands
from xlm.cli.inference import commands as inference_commands
from xlm.cli.launch.commands import launch_app
from xlm.cli.options import AsJson, Root, Workers, takes_request
from xlm.cli.output import describe, name_warnings, one_line, print_anything, require_folder
from xlm.cli.publish import commands as publish_commands
from xlm.cli.runs import commands as run_commands
from xlm.cli.sources.commands import sources_app
from xlm.cli.store.commands import store_app
from xlm.cli.text import commands as text_commands
from xlm.cli.usage import (
    HELP_SETTINGS,
    USAGE_EXIT_CODE,
    CommandGroup,
    examples,
    print_usage_error,
    print_version,
)
from xlm.errors import XlmError
from xlm.pipeline.options import PLAN_OPTIONS

if TYPE_CHECKING:
    from xlm.pipeline.request import RunRequest

app = typer.Typer(
    name="xlm",
    cls=CommandGroup,
    context_settings=dict(HELP_SETTINGS),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog=examples(
        "xlm init -l en,sw > my.yaml   write a profile",
        "xlm plan --profile mini15     what a run would do",
        "xlm run --profile mini15      run it",
        "xlm results                   show its results",
        "xlm run --help                options of a command",
    ),
)
app.add_typer(store_app, name="store")
app.add_typer(sources_app, name="sources")
app.add_typer(launch_app, name="launch")


@app.callback()
def xlm(
    show_version: Annotated[
        bool,
        typer.Option(
            "--version", callback=print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Build a cross-lingual language model, from Wikipedia dumps to a published model."""


@app.command(
    epilog=examples(
        "xlm plan --profile mini15",
        "xlm plan --set bpe.codes=9000 --until learn-bpe",
        "xlm plan --profile xnli15 --costs --workers 64",
        "xlm plan --json",
    )
)
@takes_request(*PLAN_OPTIONS)
def plan(
    request: "RunRequest",
    root: Root = None,
    workers: Workers = None,
    costs: Annotated[
        bool,
        typer.Option(
            "--costs",
            help="Show time, memory and disk of each stage instead of its nodes; with --json both.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what a run would build, why, and what it would cost, without running it.

    Costs are estimated from earlier runs on this machine, else from rates of a reference machine.
    """
    from xlm.cli.plan import print_plan

    print_plan(request, root, workers, costs, as_json)


@app.command(
    epilog=examples(
        "xlm init --languages en,sw,yo > my.yaml",
        "xlm init --languages fr,wo --budget 20GB",
        "xlm init --text sw=sw.txt --text yo=yo.jsonl",
        "xlm init --text en=en.txt --pairs en-yo=pairs.tsv",
    )
)
def init(
    languages: Annotated[
        str | None,
        typer.Option(
            "--languages",
            "-l",
            metavar="CODES",
            help="Use public text of these languages: their Wikipedias, and parallel corpora of "
            "OPUS. `xlm languages` lists the codes.",
        ),
    ] = None,
    text: Annotated[
        list[str] | None,
        typer.Option(
            "--text",
            metavar="CODE=FILE",
            help="Use your own text of a language: .txt, .tsv, .jsonl or .parquet, also "
            "compressed; a path, a pattern or a URL. Can be repeated.",
        ),
    ] = None,
    pairs: Annotated[
        list[str] | None,
        typer.Option(
            "--pairs",
            metavar="PAIR=FILE",
            help="Use your own sentences with translations: .tsv, .jsonl, .parquet or a Moses "
            ".zip, or two text files FILE,FILE. Can be repeated.",
        ),
    ] = None,
    budget: Annotated[
        str, typer.Option("--budget", metavar="SIZE", help="Most bytes to download, e.g. 20GB.")
    ] = "2GB",
    device: Annotated[
        str,
        typer.Option(
            "--device", metavar="DEVICE", help="Where to train, cpu or cuda: larger models on cuda."
        ),
    ] = "cpu",
    root: Root = None,
) -> None:
    """Print a profile for your languages or files, with reasons as comments.

    The sizes of vocabulary, model and training fit the amount of text. Edit the profile as you
    like, then use it: xlm run --profile my.yaml
    """
    from xlm.cli.init import print_profile

    print_profile(languages, text or [], pairs or [], budget, device, root)


@app.command(
    epilog=examples("xlm config --profile mini15", "xlm config --set bpe.codes=30000 --json")
)
@takes_request("profile", "overrides", "languages")
def config(request: "RunRequest", as_json: AsJson = False) -> None:
    """Print every setting of a run with its value."""
    from xlm.cli.config import print_config

    print_config(request, as_json)


@app.command(
    epilog=examples(
        "xlm results",
        "xlm results --profile mini15 --costs",
        "xlm results base --confusions",
        "xlm results base more --out accuracies.parquet",
    )
)
def results(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN",
            show_default=False,
            help="Name, number or start time of a run, as `xlm runs` prints them; without it, the "
            "last run. Several with --out only, also keys of artifacts.",
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile", "-p", metavar="PROFILE", help="Show the last run of this profile."
        ),
    ] = None,
    costs: Annotated[
        bool,
        typer.Option(
            "--costs", help="Show time, memory and size of each stage instead of the results."
        ),
    ] = False,
    confusions: Annotated[
        bool,
        typer.Option(
            "--confusions", help="Show the labels and predictions in test of each language, too."
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Write each accuracy of each fine-tuned model as one row to a .parquet, .json or "
            ".csv file.",
        ),
    ] = None,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Print the results of a run, or what the last one cost; or write its accuracies as rows.

    A sweep has more tables: accuracies over seeds by setting and rule of selection, and its cells.
    """
    from xlm.cli.results import print_costs, print_results, require_used, write_accuracy_table

    require_used(names or [], profile, costs=costs, confusions=confusions, out=out, as_json=as_json)
    if costs:
        print_costs(profile, root, as_json)
    elif out is not None:
        write_accuracy_table(out, names or [], profile, root)
    else:
        print_results(names or [], profile, root, as_json, confusions=confusions)


@app.command(
    epilog=examples(
        "xlm convert model.pth out --to hugging-face \\",
        "    --codes codes_xnli_15",
        "xlm convert model-folder model.pth --to original",
        "xlm convert model-folder onnx-folder --to onnx",
    )
)
def convert(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE",
            help="The model: a .pth file of the original XLM, a Hugging Face folder, or an "
            "artifact of this pipeline.",
        ),
    ],
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="The file or folder to write. It must not exist.")
    ],
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="FORMAT",
            help="The format to write: original, hugging-face, onnx or xlm.",
        ),
    ],
    vocabulary: Annotated[
        Path | None,
        typer.Option(
            "--vocabulary",
            metavar="DIR",
            help="Folder with the model's vocabulary.json, if the source has none.",
        ),
    ] = None,
    codes: Annotated[
        Path | None,
        typer.Option(
            "--codes",
            metavar="FILE",
            help="The model's BPE merges, for its tokenizer, if the source has none.",
        ),
    ] = None,
) -> None:
    """Convert a model to another format.

    The formats are described in docs/how-to/convert-a-checkpoint.md.
    """
    from xlm.cli.convert import convert_model

    convert_model(source, out, to, vocabulary, codes)


@app.command(
    epilog=examples(
        "xlm dataset sample-data",
        "xlm dataset mini15-data --profile mini15",
    )
)
@takes_request("profile", "overrides", "languages")
def dataset(
    request: "RunRequest",
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="The folder to write. It must not exist.")
    ],
    root: Root = None,
) -> None:
    """Write the shards of a run as a data set: Parquet, data card, Croissant.

    The shards must be in the store: `xlm run --until shard` brings them there.
    docs/how-to/read-the-shards.md shows how to read the folder.
    """
    from xlm.cli.dataset import write_shards

    write_shards(request, out, root)


@app.command(
    epilog=examples(
        "xlm languages",
        "xlm languages swahili",
        "xlm languages Arab --json",
        "xlm languages --profile mini15",
    )
)
def languages(
    word: Annotated[
        str | None,
        typer.Argument(
            metavar="WORD", help="List only languages with this code or script, or in their name."
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile",
            "-p",
            metavar="PROFILE",
            help="List the languages of this profile, with those that it declares.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the known languages: their codes in each source, script and segmenter.

    A profile can declare further languages (docs/how-to/add-a-language.md).
    """
    from xlm.cli.languages import print_languages

    print_languages(word, profile, as_json)


run_commands.register(app)
publish_commands.register(app)
activity_commands.register(app)
text_commands.register(app)
inference_commands.register(app)
evaluate_commands.register(app)


def main() -> None:
    """Run a command. An error of the user is one line on stderr, with exit code 1 or 2."""
    print_anything()
    name_warnings()
    try:
        require_folder()
        code = app(prog_name="xlm", standalone_mode=False)
    except typer.TyperException as error:
        print_usage_error(error)
        code = USAGE_EXIT_CODE
    except XlmError as error:
        sys.stderr.write(f"xlm: {one_line(str(error))}\n")
        code = error.exit_code
    except OSError as error:
        sys.stderr.write(f"xlm: {one_line(describe(error))}\n")
        code = 1
    sys.exit(code)


if __name__ == "__main__":
    main()
