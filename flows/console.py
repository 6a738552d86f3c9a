"""The flow in a terminal: `python -m flows.console REQUEST_JSON`, which `xlm run` starts.

Where the server of `xlm ui` answers, the run is recorded there and seen in its UI; else Prefect
starts a server of its own for the time of the run, with its records below the store's root.
"""

import logging
import os
import sys
from pathlib import Path

from xlm.cli.live import LiveView
from xlm.cli.prefect_environment import local_environment
from xlm.errors import XlmError
from xlm.pipeline.request import RunRequest


def main(request_json: str) -> int:
    """Run the flow for a request; the exit code is 0 only if every selected node is there."""
    root = Path(os.environ["XLM_ROOT"])
    os.environ |= local_environment(root)
    from rich.console import Console

    from flows.full_pipeline import full_pipeline
    from flows.submission import extra_observer

    request = RunRequest.model_validate_json(request_json)
    logging.getLogger("prefect").setLevel(logging.CRITICAL)
    console = Console()
    with LiveView(console) as view:
        extra_observer.set(view)
        try:
            full_pipeline(**request.model_dump(mode="json"))
        except XlmError as error:
            failure: XlmError | None = error
        else:
            failure = None
    if failure is not None:
        sys.stderr.write(f"xlm: {failure}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
