"""The process of the trial job: reads and writes a file, and reports what it sees.

    python -P -m xlm.cluster.checks.trial_process JOB_FILE

The agent starts it on a node. JOB_FILE is JSON, `{"question": FILE, "answer": FILE}`: the text of
the first file comes back in the second, with the report.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from xlm.cluster.checks.cluster import own_versions
from xlm.processes import signals
from xlm.store.disk.filesystem import write_atomically


def main(arguments: list[str]) -> int:
    """Answer the question of a trial."""
    signals.release()
    trial = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    report = {
        "text": Path(trial["question"]).read_text(encoding="utf-8"),
        "host": os.uname().nodename,
        "versions": own_versions(),
        **_gpus(),
    }
    write_atomically(Path(trial["answer"]), json.dumps(report).encode())
    return 0


def _gpus() -> dict[str, Any]:
    """Names of the GPUs that torch can use here, and why there are none."""
    try:
        import torch

        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        return {"gpus": [torch.cuda.get_device_name(number) for number in range(count)]}
    except (ImportError, OSError, RuntimeError) as error:
        return {"gpus": [], "torch_error": " ".join(str(error).split())[:200]}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
