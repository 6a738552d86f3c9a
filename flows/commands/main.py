"""The console script `xlm`: the commands that run the flow, and all those of `xlm.cli`.

Commands import what they need when they run, so that `xlm --help` answers at once.
"""

from typing import Annotated

import typer

from xlm.cli.main import app, main
from xlm.cli.options import (
    Languages,
    Only,
    Overrides,
    Profile,
    Refresh,
    Root,
    Until,
    Verify,
    Workers,
    whole_number,
)
from xlm.cli.usage import examples


@app.command(
    epilog=examples(
        "xlm run",
        "xlm run --profile mini15 --languages en,fr,sw",
        "xlm run --set bpe.codes=30000 --until pretrain",
        "xlm run --refresh 'tokenize[sw]'",
    )
)
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
    """Run the pipeline: build what the store does not have yet.

    A run can be stopped at any time. The same command continues it.
    """
    from flows.commands.run import run_pipeline
    from xlm.cli.request import build_request

    request = build_request(profile, overrides, languages, until, only, refresh, verify)
    run_pipeline(request, root, workers)


@app.command(epilog=examples("xlm ui", "xlm ui --port 4300"))
def ui(
    root: Root = None,
    port: Annotated[
        int,
        typer.Option(
            metavar="N", help="Port of the server.", parser=whole_number("--port", 1, 65_535)
        ),
    ] = 4200,
) -> None:
    """Start the Prefect UI: a server, a worker and the deployments.

    Ctrl-C stops all of them.
    """
    from flows.commands.servers import run_ui

    run_ui(root, port)


@app.command(epilog=examples("xlm deploy"))
def deploy(root: Root = None) -> None:
    """Register the deployments with a running Prefect server.

    The server is the one in PREFECT_API_URL, else the one that `xlm ui` starts.
    """
    from flows.commands.servers import deploy_all

    deploy_all(root)


if __name__ == "__main__":
    main()
