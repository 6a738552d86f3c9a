"""`xlm store`: list, check, remove, share, export and import artifacts."""

from pathlib import Path
from typing import Annotated

import typer

from xlm.cli.options import AsJson, Root, whole_number
from xlm.cli.usage import CommandGroup, examples
from xlm.errors import ConfigError

store_app = typer.Typer(
    help="List, check, clean, share, export and import the artifacts in the store.",
    cls=CommandGroup,
    no_args_is_help=True,
    epilog=examples(
        "xlm store ls tokenize",
        "xlm store du",
        "xlm store gc --dry-run",
    ),
)

Key = Annotated[
    str,
    typer.Argument(
        metavar="KEY", help="Key of an artifact, or the start of it; also as STAGE/KEY."
    ),
]

Keys = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="KEY", help="Keys of artifacts, or the starts of them; also as STAGE/KEY."
    ),
]
RemoteUrl = Annotated[
    str | None,
    typer.Option("--url", metavar="URL", help="The remote store. [default: $XLM_REMOTE]"),
]


@store_app.command("ls", epilog=examples("xlm store ls", "xlm store ls tokenize --json"))
def store_ls(
    stage: Annotated[
        str | None, typer.Argument(metavar="STAGE", help="List only this stage.")
    ] = None,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """List the artifacts in the store."""
    from xlm.cli.store.listing import list_artifacts

    list_artifacts(stage, root, as_json)


@store_app.command(
    "show", epilog=examples("xlm store show bf7e6a41", "xlm store show tokenize/4ae1 --json")
)
def store_show(key: Key, root: Root = None, as_json: AsJson = False) -> None:
    """Show an artifact: date, size, inputs, users, and what differs from its siblings.

    Its siblings are the other artifacts of the same stage and unit.
    """
    from xlm.cli.store.showing import show_artifact

    show_artifact(key, root, as_json)


@store_app.command("du", epilog=examples("xlm store du", "xlm store du --json"))
def store_du(root: Root = None, as_json: AsJson = False) -> None:
    """Show the disk usage by stage and by run."""
    from xlm.cli.store.usage import print_usage

    print_usage(root, as_json)


@store_app.command(
    "verify",
    epilog=examples(
        "xlm store verify",
        "xlm store verify --fast",
        "xlm store verify --remote --remove-orphans 30",
    ),
)
def store_verify(
    fast: Annotated[bool, typer.Option("--fast", help="Compare only sizes, not digests.")] = False,
    remote: Annotated[
        bool,
        typer.Option(
            "--remote", help="Check the remote store, and list files that no manifest names."
        ),
    ] = False,
    remove_orphans: Annotated[
        int | None,
        typer.Option(
            "--remove-orphans",
            metavar="DAYS",
            help="With --remote: delete files that no manifest names and that are older.",
            parser=whole_number("--remove-orphans", 1),
        ),
    ] = None,
    url: RemoteUrl = None,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Check every artifact against its manifest.

    The exit code is 1 if an artifact is damaged.
    """
    if remote:
        from xlm.cli.store.remote_verification import verify

        verify("fast" if fast else "deep", remove_orphans, url, as_json)
        return
    from xlm.cli.store.listing import verify_artifacts

    if remove_orphans is not None or url is not None:
        raise ConfigError("--remove-orphans and --url need --remote", fix="add --remote")
    verify_artifacts("fast" if fast else "deep", root, as_json)


@store_app.command(
    "push",
    epilog=examples("xlm store push", "xlm store push --all", "xlm store push bf7e6a41 --replace"),
)
def store_push(
    keys: Keys = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Push every artifact of the local store.")
    ] = False,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Take the place of damaged or other bytes of these keys."),
    ] = False,
    url: RemoteUrl = None,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Push artifacts to the remote store; without KEY, those that a run could not push.

    See docs/how-to/share-a-store.md.
    """
    from xlm.cli.store.remote import push

    push(keys or (), everything, replace, url, root, as_json)


@store_app.command(
    "pull", epilog=examples("xlm store pull bf7e6a41", "xlm store pull --all --root /scratch/xlm")
)
def store_pull(
    keys: Keys = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Pull every artifact of the remote store.")
    ] = False,
    url: RemoteUrl = None,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Pull artifacts from the remote store; every byte is verified, and gc keeps them."""
    from xlm.cli.store.remote import pull

    pull(keys or (), everything, url, root, as_json)


@store_app.command(
    "rm", epilog=examples("xlm store rm bf7e6a41", "xlm store rm 4ae1c09b 77d01a52 --force")
)
def store_rm(
    keys: Annotated[
        list[str],
        typer.Argument(
            metavar="KEY", help="Keys of artifacts, or the starts of them; also as STAGE/KEY."
        ),
    ],
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Remove it although other artifacts were built from it, or a run with "
            "a name has it.",
        ),
    ] = False,
    root: Root = None,
) -> None:
    """Remove artifacts that nothing needs.

    An artifact that a running run uses is never removed.
    """
    from xlm.cli.store.cleaning import remove

    remove(keys, force, root)


@store_app.command("gc", epilog=examples("xlm store gc --dry-run", "xlm store gc --keep-runs 3"))
def store_gc(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be removed.")
    ] = False,
    keep_runs: Annotated[
        int,
        typer.Option(
            "--keep-runs",
            metavar="N",
            help="Keep what the last N runs used.",
            parser=whole_number("--keep-runs", 0),
        ),
    ] = 10,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Remove the artifacts that nothing needs, and the output of killed builds.

    It keeps what is needed for the last artifacts of every profile, the last runs, runs with a
    name, runs that go on, and imports. Runs may go on meanwhile. See docs/how-to/clean-a-store.md.
    """
    from xlm.cli.store.cleaning import collect

    collect(dry_run, keep_runs, root, as_json)


@store_app.command(
    "prune",
    epilog=examples("xlm store prune --dry-run", "xlm store prune --keep download --keep split"),
)
def store_prune(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be pruned.")
    ] = False,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            "--keep",
            metavar="STAGE",
            help="Prune nothing of this stage, e.g. download. Can be repeated.",
        ),
    ] = None,
    keep_runs: Annotated[
        int,
        typer.Option(
            "--keep-runs",
            metavar="N",
            help="Keep what an unfinished run needs, of the last N runs.",
            parser=whole_number("--keep-runs", 1),
        ),
    ] = 10,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Remove the files of downloads and text that only finished later stages needed.

    Their manifests stay, so nothing is built again because of it. A run builds a pruned artifact
    again only if a stage reads it, and compares it with its recorded digest. Merges, vocabulary,
    shards, models and results are never pruned. See docs/how-to/clean-a-store.md.
    """
    from xlm.cli.store.pruning import prune

    prune(dry_run, keep_runs, keep or [], root, as_json)


@store_app.command(
    "export",
    epilog=examples(
        "xlm store export base --to base.zip", "xlm store export bf7e6a41 --to model.zip --single"
    ),
)
def store_export(
    name: Annotated[
        str,
        typer.Argument(
            metavar="KEY|RUN",
            help="An artifact, or a run: its name, number or start time as `xlm runs` prints it.",
        ),
    ],
    to: Annotated[Path, typer.Option("--to", metavar="FILE.zip", help="The archive to write.")],
    single: Annotated[
        bool, typer.Option("--single", help="Without the artifacts that it was built from.")
    ] = False,
    root: Root = None,
) -> None:
    """Write an artifact or a run, with all that it was built from, to one file."""
    from xlm.cli.store.archives import export

    export(name, to, single, root)


@store_app.command("import", epilog=examples("xlm store import base.zip"))
def store_import(
    archive: Annotated[
        Path, typer.Argument(metavar="FILE.zip", help="An archive of `xlm store export`.")
    ],
    root: Root = None,
) -> None:
    """Add the artifacts of an archive to the store; every byte is verified first."""
    from xlm.cli.store.archives import import_file

    import_file(archive, root)
