"""A machine as a process of its own: builds a DAG with large files and shares it.

    python -m tests.store.remote.machine ROOT URL READY GO

It writes the file READY, waits for the file GO, runs the DAG, and prints one JSON line.
"""

import json
import logging
import os
import sys
import time
from pathlib import Path

from tests.engine.toy import Recorder, Toy
from xlm.engine.stage import StageContext, StageResult
from xlm.processes.pool.executor import worker_pool
from xlm.store.remote.remote_store import RemoteStore

FILES, FILE_BYTES = 8, 3 << 20


def join(context: StageContext) -> StageResult:
    """Write files that take a moment to transfer; different ones for each value of XLM_TEST."""
    for number in range(FILES):
        block = bytes([number]) * (FILE_BYTES - number)
        (context.out / f"part-{number}.bin").write_bytes(block)
    text = f"en 0\nsw 0\n{os.environ.get('XLM_TEST', '')}"
    (context.out / "joined.txt").write_text(text)
    return StageResult()


def main() -> None:
    """Run as the module says."""
    root, url, ready, go = sys.argv[1:]
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    with worker_pool(1, Path(root) / "cache" / "tools") as pool:
        toy = Toy(Path(root), pool).with_stage("join", run=join)
        toy.remote = RemoteStore.open(url, insecure=True)
        Path(ready).touch()
        while not Path(go).exists():
            time.sleep(0.005)
        recorder = Recorder()
        statuses = toy.run(recorder)
    print(json.dumps({"statuses": statuses, "notices": recorder.notices}))


if __name__ == "__main__":
    main()
