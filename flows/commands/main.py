"""The console script `xlm`: the commands of `xlm.cli`, and those that need Prefect.

Commands import what they need when they run, so that `xlm --help` is fast.
"""

from typing import TYPE_CHECKING, Annotated

import typer

from xlm.cli.main import app, main
from xlm.cli.options import Root, Workers, takes_request, whole_number
from xlm.cli.usage import examples

if TYPE_CHECKING:
    from xlm.pipeline.request import RunRequest


@app.command(
    epilog=examples(
        "xlm run",
        "xlm run --profile mini15 --languages en,fr,sw",
        "xlm run --set bpe.codes=30000 --until pretrain",
        "xlm run --refresh 'tokenize[sw]'",
    )
)
@takes_request()
def run(request: "RunRequest", root: Root = None, workers: Workers = None) -> None:
    """Run the pipeline: build what the store does not have yet.

    A run can be stopped at any time. The same command continues it.
    """
    from flows.commands.prefect_programs import run_pipeline

    run_pipeline(request, root, workers)


@app.command(
    epilog=examples("xlm ui", "xlm ui --port 4300", "xlm ui --database-url postgresql://db/prefect")
)
def ui(
    root: Root = None,
    port: Annotated[
        int,
        typer.Option(
            metavar="N", help="Port of the server.", parser=whole_number("--port", 1, 65_535)
        ),
    ] = 4200,
    database_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="PostgreSQL for the server's records, instead of a file in the store. Give its "
            "password in the URL of PREFECT_SERVER_DATABASE_CONNECTION_URL, in PGPASSWORD or in "
            "PGPASSFILE.",
        ),
    ] = None,
) -> None:
    """Start the Prefect UI: a server, a worker and the deployments.

    Ctrl-C stops all of them.
    """
    from flows.commands.prefect_programs import run_ui

    run_ui(root, port, database_url)


@app.command(epilog=examples("xlm worker", "xlm worker --limit 1", "xlm worker --check"))
def worker(
    root: Root = None,
    limit: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="How many flow runs to run at once (default: any number).",
            parser=whole_number("--limit", 1, 1000),
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only check the server, then exit.")
    ] = False,
) -> None:
    """Run the flow runs of a shared Prefect server on this machine.

    PREFECT_API_URL names the server, PREFECT_API_AUTH_STRING has its token. Several machines can
    run a worker. Ctrl-C or SIGTERM stops it: training saves its state first.
    """
    from flows.commands.prefect_programs import run_worker

    run_worker(root, limit, only_check=check)


@app.command(epilog=examples("xlm deploy"))
def deploy(root: Root = None) -> None:
    """Register the deployments with a running Prefect server.

    It uses the server in PREFECT_API_URL, or else the one that `xlm ui` started.
    """
    from flows.commands.prefect_programs import deploy_all

    deploy_all(root)


if __name__ == "__main__":
    main()
