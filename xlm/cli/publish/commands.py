"""`xlm publish`: copy published models to a folder, an object store or the Hugging Face Hub."""

from typing import Annotated

import typer

from xlm.cli.options import AsJson, Root
from xlm.cli.usage import examples


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(
        "publish",
        epilog=examples(
            "xlm publish --to hf://ORG/xlm-sw",
            "xlm publish base --to hf://ORG/xlm-sw --yes",
            "xlm publish --to hf://ORG/xlm-sw --revisions --yes",
            "xlm publish --to s3://bucket/dir --only classifier",
            "xlm publish data/artifacts/publish/KEY --to models",
        ),
    )(publish)


def publish(
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="TARGET",
            help="A folder, a URL of an object store (s3://, gs://, az://, file://), or hf://ORG/NAME.",
        ),
    ],
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN|KEY|DIR",
            help="A run (name, number or start time as `xlm runs` prints it), the key of an "
            "artifact of stage publish, or a folder. [default: the last run that published]",
        ),
    ] = None,
    only: Annotated[
        str | None,
        typer.Option("--only", metavar="MODEL", help="Only one model: classifier or masked-lm."),
    ] = None,
    yes: Annotated[
        bool,
        typer.Option("--yes", "-y", help="Write; without it, only show what would be written."),
    ] = False,
    force: Annotated[
        bool,
        typer.Option("--force", help="Write although the target has other files, which stay."),
    ] = False,
    public: Annotated[
        bool,
        typer.Option("--public", help="On the Hub: make new repositories public, not private."),
    ] = False,
    branch: Annotated[
        str | None,
        typer.Option(
            "--branch",
            metavar="NAME",
            help="On the Hub: commit to this branch, which is created from main if it is missing.",
        ),
    ] = None,
    revisions: Annotated[
        bool,
        typer.Option(
            "--revisions",
            help="Publish the masked language model after earlier updates too: on the Hub to "
            "branches step-N, otherwise to revisions/step-N. See pretrain.revision_updates.",
        ),
    ] = False,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Copy published models, with their cards, to a folder, an object store or the Hub.

    Without --yes, it compares the target with the files and writes nothing. On the Hub, the
    classifier goes to ORG/NAME and the masked language model to ORG/NAME-masked-lm. The token comes
    from HF_TOKEN or `hf auth login`. See docs/how-to/publish-a-model.md.
    """
    from xlm.cli.publish.publishing import Options, publish_models

    options = Options(
        to=to,
        only=only,
        yes=yes,
        force=force,
        public=public,
        branch=branch,
        revisions=revisions,
        as_json=as_json,
    )
    publish_models(source, options, root)
