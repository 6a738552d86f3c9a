"""`xlm sources`: what a run downloads, what OPUS has, locks and mirrors."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xlm.cli.options import AsJson, Root, takes_request
from xlm.cli.usage import CommandGroup, examples

if TYPE_CHECKING:
    from xlm.pipeline.request import RunRequest

sources_app = typer.Typer(
    help="List, find, lock and copy the files that a run downloads.",
    cls=CommandGroup,
    no_args_is_help=True,
    epilog=examples(
        "xlm sources find en-sw",
        "xlm sources ls --profile mini15",
    ),
)


@sources_app.command(
    "find",
    epilog=examples(
        "xlm sources find en-sw",
        "xlm sources find fr-sw --all",
        "xlm sources find sw",
        "xlm sources find de-fr --json",
    ),
)
def find(
    pair: Annotated[
        str,
        typer.Argument(metavar="PAIR", help="Two languages, such as en-sw; or one, such as sw."),
    ],
    every: Annotated[
        bool, typer.Option("--all", help="List older versions of the corpora too.")
    ] = False,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Find parallel corpora in OPUS: version, kind of text, pairs, size and licence.

    It reads the catalogue that is installed with the pipeline, and needs no network. With one
    language, it lists the languages that OPUS pairs with it.
    """
    from xlm.cli.sources.find import find_corpora

    find_corpora(pair, every, root, as_json)


@sources_app.command(
    "ls", epilog=examples("xlm sources ls --profile mini15", "xlm sources ls -p my.yaml --json")
)
@takes_request("profile", "overrides", "languages")
def ls(request: "RunRequest", root: Root = None, as_json: AsJson = False) -> None:
    """List what a run downloads: corpus, version, size, licence, citation, URL, and is it here.

    The column `here` is store, mirror (the folder of sources.mirror), local (your own file) or no.
    """
    from xlm.cli.sources.listing import list_sources

    list_sources(request, root, as_json)


@sources_app.command(
    "lock",
    epilog=examples(
        "xlm sources lock --profile my.yaml",
        "xlm sources lock -p my.yaml --output other.yaml",
    ),
)
@takes_request("profile", "overrides", "languages")
def lock(
    request: "RunRequest",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="File to write. [default: NAME.lock.yaml, next to the profile NAME.yaml]",
        ),
    ] = None,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Write URL, size, sha256 and date of each download to a file.

    A later run of the profile reads it and refuses a download or a stored file with other bytes.
    The downloads must be in the store: `xlm run --until download` brings them there.
    """
    from xlm.cli.sources.lock import lock_sources

    lock_sources(request, output, root, as_json)


@sources_app.command(
    "fetch",
    epilog=examples(
        "xlm sources fetch --profile my.yaml --to mirror",
    ),
)
@takes_request("profile", "overrides", "languages")
def fetch(
    request: "RunRequest",
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Folder of the mirror to fill.")],
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Copy all files that a run downloads to a mirror, for a machine without network.

    Every file is verified. The same command continues after an interruption. A run then reads the
    mirror with --set sources.mirror=DIR.
    """
    from xlm.cli.sources.fetch import fetch_sources

    fetch_sources(request, to, root, as_json)
