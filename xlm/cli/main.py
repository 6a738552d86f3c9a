"""The console script `xlm`: run, plan, look at results, look after the store, filter text.

Commands import what they need when they run, so that `xlm --help` answers at once.
"""

import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from xlm.cli import text_commands
from xlm.errors import XlmError

app = typer.Typer(
    name="xlm",
    help="From Wikipedia dumps to a published cross-lingual language model.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
store_app = typer.Typer(help="Look after the artifact store.", no_args_is_help=True)
app.add_typer(store_app, name="store")

Profile = Annotated[
    str, typer.Option("--profile", "-p", help="sample, mini15, xnli15, or a YAML file.")
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", metavar="KEY=VALUE", help="A setting that differs; repeatable."),
]
Languages = Annotated[
    str, typer.Option("--languages", "-l", help="Languages to keep, joined by commas.")
]
Until = Annotated[str | None, typer.Option("--until", help="Last stage to build.")]
Only = Annotated[
    list[str] | None, typer.Option("--only", help="Build this stage alone; repeatable.")
]
Refresh = Annotated[
    list[str] | None,
    typer.Option("--refresh", help="Build this stage, or stage[unit], again; repeatable."),
]
Verify = Annotated[str, typer.Option("--verify", help="Check of a hit: fast (sizes) or deep.")]
Root = Annotated[
    str | None, typer.Option("--root", help="Store; else XLM_ROOT, else ./data.", metavar="URL")
]
Workers = Annotated[
    int | None, typer.Option("--workers", "-j", help="Processes; else XLM_WORKERS, else cores.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def run(
    profile: Profile = "sample",
    overrides: Overrides = None,
    languages: Languages = "",
    until: Until = None,
    only: Only = None,
    refresh: Refresh = None,
    verify: Verify = "fast",
    root: Root = None,
    workers: Workers = None,
) -> None:
    """Build a profile's DAG, or what of it is missing."""
    from xlm.cli.request import build_request
    from xlm.cli.run import run_pipeline

    request = build_request(profile, overrides, languages, until, only, refresh, verify)
    run_pipeline(request, root, workers)


@app.command()
def plan(
    profile: Profile = "sample",
    overrides: Overrides = None,
    languages: Languages = "",
    until: Until = None,
    only: Only = None,
    refresh: Refresh = None,
    verify: Verify = "fast",
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Say what a run would build, and why; run nothing."""
    from xlm.cli.plan import print_plan
    from xlm.cli.request import build_request

    request = build_request(profile, overrides, languages, until, only, refresh, verify)
    print_plan(request, root, as_json)


@app.command()
def config(
    profile: Profile = "sample",
    overrides: Overrides = None,
    languages: Languages = "",
    as_json: AsJson = False,
) -> None:
    """Print the resolved configuration."""
    from xlm.cli.config import print_config
    from xlm.cli.request import build_request

    print_config(build_request(profile, overrides, languages), as_json)


@app.command()
def results(
    profile: Annotated[str | None, typer.Option("--profile", "-p", help="Of this profile.")] = None,
    costs: Annotated[bool, typer.Option("--costs", help="Wall time and memory instead.")] = False,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Print the tables of the last run."""
    from xlm.cli.results import print_costs, print_results

    (print_costs if costs else print_results)(profile, root, as_json)


@app.command()
def convert(
    source: Annotated[
        Path, typer.Argument(help="A .pth of the original, a Hugging Face folder, or an artifact.")
    ],
    out: Annotated[Path, typer.Argument(help="What to write; it must not exist.")],
    to: Annotated[str, typer.Option("--to", help="original, hugging-face or xlm.")],
    vocabulary: Annotated[
        Path | None,
        typer.Option("--vocabulary", help="Folder of the model's vocabulary.json.", metavar="DIR"),
    ] = None,
    codes: Annotated[
        Path | None, typer.Option("--codes", help="Codes file of the model's vocabulary.")
    ] = None,
) -> None:
    """Write a model in another layout (docs/models.md)."""
    from xlm.cli.convert import convert_model

    convert_model(source, out, to, vocabulary, codes)


@app.command()
def ui(root: Root = None, port: Annotated[int, typer.Option(help="Of the server.")] = 4200) -> None:
    """Start server, worker and deployments; stop them all with Ctrl-C."""
    from xlm.cli.processes import run_ui

    run_ui(root, port)


@app.command()
def deploy(root: Root = None) -> None:
    """Register the deployments of prefect.yaml with the server in PREFECT_API_URL."""
    from xlm.cli.processes import deploy_all

    deploy_all(root)


@store_app.command("ls")
def store_ls(
    stage: Annotated[str | None, typer.Argument(help="Only this stage.")] = None,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """List artifacts."""
    from xlm.cli.store import list_artifacts

    list_artifacts(stage, root, as_json)


@store_app.command("verify")
def store_verify(
    fast: Annotated[bool, typer.Option("--fast", help="Compare sizes only.")] = False,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Check every artifact against its manifest; exit 1 if one is damaged."""
    from xlm.cli.store import verify_artifacts

    verify_artifacts("fast" if fast else "deep", root, as_json)


text_commands.register(app)


def print_anything() -> None:
    """Let no character fail a command on a terminal that cannot show it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def main() -> None:
    """Run a command; an error that a user can mend is one line on stderr and exit code 1."""
    print_anything()
    try:
        app()
    except XlmError as error:
        sys.stderr.write(f"xlm: {error}\n")
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
