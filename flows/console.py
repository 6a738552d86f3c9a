"""The flow in a terminal: `python -m flows.console REQUEST_JSON`, which `xlm run` starts.

Where the server of `xlm ui` (or of PREFECT_API_URL) answers, the run is recorded there and seen in
its UI; else a server is started for the time of the run, with its records below the store's root.
"""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from flows.server import temporary_server
from xlm.cli.live import LiveView
from xlm.cli.prefect_environment import UI_PORT, api_url, quiet_environment, server_answers
from xlm.errors import XlmError
from xlm.pipeline.request import RunRequest


def main(request_json: str) -> int:
    """Run the flow for a request; the exit code is 0 only if every selected node is there."""
    request = RunRequest.model_validate_json(request_json)
    root = Path(os.environ["XLM_ROOT"])
    try:
        with _prefect(root):
            _run(request)
    except XlmError as error:
        sys.stderr.write(f"xlm: {error}\n")
        return 1
    return 0


def _run(request: RunRequest) -> None:
    # Prefect reads its settings when it is imported, so not before the server is known.
    from flows.full_pipeline import full_pipeline
    from flows.submission import extra_observer

    logging.getLogger("prefect").setLevel(logging.CRITICAL)
    with LiveView(Console()) as view:
        extra_observer.set(view)
        full_pipeline(**request.model_dump(mode="json"))


@contextmanager
def _prefect(root: Path) -> Iterator[None]:
    """Settings and a server for this process; a user's own PREFECT_ variables come first."""
    home = Path(os.environ.get("PREFECT_HOME", root / "prefect"))
    home.mkdir(parents=True, exist_ok=True)
    os.environ |= quiet_environment(home)
    lasting = os.environ.get("PREFECT_API_URL") or api_url(UI_PORT)
    if "PREFECT_API_URL" in os.environ or server_answers(lasting):
        os.environ["PREFECT_API_URL"] = lasting
        yield
        return
    with temporary_server(home) as url:
        os.environ["PREFECT_API_URL"] = url
        yield


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
