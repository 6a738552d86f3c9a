"""Runs the processes of a job on one node, in the job: `python -P -m xlm.cluster.agent RECORD`.

RECORD is `ClusterJob.record`. The batch script or the pod sets these variables:

    XLM_NODE_RANK       number of this node, 0 to nodes - 1; default 0
    XLM_MAIN_ADDRESS    address of node 0, where its processes listen; default 127.0.0.1
    XLM_MAIN_PORT       a free port of node 0; default 29400
    XLM_JOB_ID          id of the job, as the scheduler knows it; optional

Process r is on the same node at every start, and rank 0 on node 0. At SIGTERM and SIGUSR1 the
processes save their state. Exit codes:

    0     all processes are done
    3     they cannot go on: another attempt would meet the same error
    75    they were asked to stop and have saved their state: start the job again
    1     they failed; another attempt may succeed

The agents see each other's failure in the directory of the job: processes of the other nodes would
wait for those that are gone. The agent of node 0 records each start and its end
(`xlm.cluster.records`). It ends at once if a later start has taken over, or if the folder of the
job was removed: two attempts never write at the same time. `torchrun` is not used: it ends with 1
whatever its processes ended with.
"""

import os
import secrets
import signal
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from xlm.cluster.job import RENDEZVOUS, ClusterJob
from xlm.cluster.judgement import Ended, judge
from xlm.cluster.peers import PeerWatch
from xlm.cluster.records import Attempt, End, JobRecords, NodeEnd, Outcome
from xlm.engine.building.machine import machine_record
from xlm.processes import signals
from xlm.processes.child import GuardedChild
from xlm.processes.failure import clear_failure, first_failure
from xlm.processes.supervise import failed, signal_all, total, wait_for

_GRACE_SECONDS: Final = 5.0
"""Time for a process to exit after it has saved its state."""
_LOST_SECONDS: Final = 20.0
"""Time for the processes after one has failed: they cannot save their state without it."""
_SETTLE_SECONDS: Final = 1.0
"""Time for the other processes to report errors: the first that we see may be a consequence."""
_FENCE_SECONDS: Final = 2.0
_FENCE_CHECKS: Final = 3
"""A file system may fail to show a file once."""


class _StopError(Exception):
    """A stop signal came, another node has failed, or another attempt has taken over."""


@dataclass(frozen=True)
class _Place:
    """What the scheduler says about this node."""

    node: int
    address: str
    port: int
    job_id: str

    @classmethod
    def from_environment(cls) -> "_Place":
        read = os.environ.get
        return cls(
            node=int(read("XLM_NODE_RANK", "0")),
            address=read("XLM_MAIN_ADDRESS", "127.0.0.1"),
            port=int(read("XLM_MAIN_PORT", "29400")),
            job_id=read("XLM_JOB_ID", ""),
        )


class Agent:
    """The agent of one node."""

    def __init__(self, job: ClusterJob, place: _Place) -> None:
        self._job, self._place = job, place
        self._records = JobRecords(job.directory)
        self._token = secrets.token_hex(8)
        self._stop_requested = self._terminated = self._superseded = False
        self._next_fence, self._misses = 0.0, 0
        self._start_name = f"{place.job_id}/{place.port}"
        self._peers = PeerWatch(self._records, place.node, self._start_name)
        self._failed_peer: tuple[int, int] | None = None

    def run(self) -> int:
        """Run the processes of this node to their end; returns the exit code."""
        signals.listen(self._request_stop)
        signals.release()
        outcome = self._records.outcome()
        if outcome is not None and outcome.end == End.DONE:
            _print("the work is done already")
            return 0
        if self._place.node == 0 and (code := self._begin()) is not None:
            return code
        if self._stop_requested:
            return self._end(Ended([], stopped=True), None)
        ended, used = self._run_processes()
        if self._superseded:
            _print("another attempt has taken over, or the folder of the job was removed")
            return 1
        return self._end(ended, used)

    def _begin(self) -> int | None:
        """Record this start; an exit code if there is nothing to run."""
        records, job = self._records, self._job
        records.clear_outcome()
        clear_failure(job.job_file)
        attempts, checkpoint = records.attempts(), newest_checkpoint(job)
        idle = 0
        for attempt in reversed(attempts):
            if attempt.checkpoint != checkpoint:
                break
            idle += 1
        attempt = Attempt(
            token=self._token,
            started_at=time.time(),
            job_id=self._place.job_id,
            checkpoint=checkpoint,
            host=os.uname().nodename,
        )
        records.write_attempts([*attempts, attempt])
        _print(
            f"attempt {len(attempts) + 1} on {job.nodes} nodes, from {checkpoint or 'the start'}"
        )
        if idle > job.max_idle_restarts:
            reason = (
                f"it was started {idle} times without a newer checkpoint than "
                f"{checkpoint or 'the start'}: a time limit may be too short, or checkpoints "
                "too rare"
            )
            self._write_node(NodeEnd(exit_code=3, cpu_seconds=0, peak_memory_bytes=0))
            return self._finish(End.CANNOT_GO_ON, 3, reason, {})
        return None

    def _run_processes(self) -> tuple[Ended, NodeEnd | None]:
        """Start the processes, wait for their end, and end the others when one fails."""
        children: list[GuardedChild] = []
        log_bytes: list[int] = []
        with ExitStack() as stack:
            for local_rank in range(self._job.processes_per_node):
                child, start = self._start(local_rank)
                children.append(stack.enter_context(child))
                log_bytes.append(start)
            stopped = False
            try:
                wait_for(children, on_wait=self._check)
            except _StopError:
                stopped = self._failed_peer is None and not self._superseded
                if self._failed_peer is None:
                    seconds = 0 if self._superseded else self._save_seconds
                    signal_all(children, signal.SIGTERM, seconds)
            if self._failed_peer is not None or failed(children):
                self._end_others(children)
            results = [child.result() for child in children]
        first = self._place.node * self._job.processes_per_node
        ended = Ended(
            [result.returncode for result in results],
            stopped=stopped,
            logs=[self._job.log_of(first + number) for number in range(len(results))],
            log_bytes=log_bytes,
            first_rank=first,
            failed_peer=self._failed_peer,
        )
        used = total(results)
        return ended, NodeEnd(
            exit_code=0, cpu_seconds=used.cpu_seconds, peak_memory_bytes=used.peak_memory_bytes
        )

    @property
    def _save_seconds(self) -> float:
        return self._job.save_seconds + _GRACE_SECONDS

    def _end_others(self, children: list[GuardedChild]) -> None:
        time.sleep(_SETTLE_SECONDS)
        codes = set(failed(children).values())
        if self._failed_peer is not None:
            codes.add(self._failed_peer[1])
        is_saving = codes == {75}
        if is_saving:  # All processes stop at the same update, so the others are saving too.
            signal_all(children, 0, self._save_seconds)
        else:
            signal_all(children, signal.SIGTERM, _LOST_SECONDS)

    def _start(self, local_rank: int) -> tuple[GuardedChild, int]:
        job, place = self._job, self._place
        rank = place.node * job.processes_per_node + local_rank
        path = job.log_of(rank)
        path.parent.mkdir(parents=True, exist_ok=True)
        start = path.stat().st_size if path.exists() else 0
        world = {
            "RANK": rank,
            "LOCAL_RANK": local_rank,
            "WORLD_SIZE": job.processes,
            "LOCAL_WORLD_SIZE": job.processes_per_node,
            "MASTER_ADDR": place.address,
            "MASTER_PORT": place.port,
            # Jobs of other clusters or users may meet at the same port.
            RENDEZVOUS: f"{job.name}/{self._start_name}",
        }
        with path.open("ab") as log:
            child = GuardedChild(
                [sys.executable, "-P", "-m", job.module, str(job.job_file)],
                output=log.fileno(),
                errors=log.fileno(),
                environment={**job.environment, **{n: str(v) for n, v in world.items()}},
                terminate_seconds=self._save_seconds,
                blocked_signals=signals.STOP_SIGNALS,
            )
        return child, start

    def _check(self) -> None:
        if self._stop_requested:
            raise _StopError
        if time.monotonic() < self._next_fence:
            return
        self._next_fence = time.monotonic() + _FENCE_SECONDS
        if (failed_peer := self._peers.failed()) is not None:
            self._failed_peer = failed_peer
            raise _StopError
        if self._place.node == 0:
            attempts = self._records.attempts()
            is_ours = bool(attempts) and attempts[-1].token == self._token
            self._misses = 0 if is_ours else self._misses + 1
            if self._misses >= _FENCE_CHECKS:
                self._superseded = True
                raise _StopError

    def _end(self, ended: Ended, used: NodeEnd | None) -> int:
        if used is not None and any(ended.codes):
            # A file of another node may become visible a little later.
            time.sleep(_SETTLE_SECONDS)
        end, code, reason = judge(ended, first_failure(self._job.job_file))
        if used is not None:
            self._write_node(replace(used, exit_code=code))
        if self._place.node:
            return code
        return self._finish(end, code, reason, machine_record())

    def _write_node(self, end: NodeEnd) -> None:
        if self._job.directory.is_dir():  # a removed folder must not come back
            self._records.write_node(self._place.node, replace(end, start=self._start_name))

    def _finish(self, end: End, code: int, reason: str, measured: dict[str, str | int]) -> int:
        """Record the end of this attempt."""
        attempts = self._records.attempts()
        if not attempts or attempts[-1].token != self._token:
            return 1  # another attempt has taken over
        attempts[-1] = replace(attempts[-1], end=end)
        self._records.write_attempts(attempts)
        outcome = Outcome(end=end, reason=reason, job_id=self._place.job_id, measured=measured)
        self._records.write_outcome(outcome, again=self._wants_again(end, attempts))
        _print(f"{end}{': ' if reason else ''}{reason}")
        return code

    def _wants_again(self, end: End, attempts: list[Attempt]) -> bool:
        """Whether the batch script should start the job again."""
        if self._terminated or end == End.STOPPED:
            # After SIGTERM, the scheduler decides: it has cancelled the job, or requeues it itself.
            return not self._terminated
        failures = 0
        for attempt in reversed(attempts):
            if attempt.checkpoint != attempts[-1].checkpoint:
                break
            failures += attempt.end == End.FAILED
        return end == End.FAILED and failures < self._job.max_attempts

    def _request_stop(self, number: int, frame: object) -> None:
        self._stop_requested = True
        self._terminated |= number != signals.NOTICE


def newest_checkpoint(job: ClusterJob) -> str:
    """The newest checkpoint of a job, relative to the folder of its job file; empty: none."""
    home = job.job_file.parent
    found = []
    for path in (path for pattern in job.checkpoints for path in home.glob(pattern)):
        with suppress(OSError):  # it is being replaced
            found.append((path.stat().st_mtime_ns, path.relative_to(home).as_posix()))
    return max(found)[1] if found else ""


def _print(line: str) -> None:
    sys.stdout.write(f"agent: {line}\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> int:
    """Run the job of a record on this node."""
    record = Path(arguments[0])
    try:
        job = ClusterJob.read(record)
    except (OSError, ValueError) as error:
        _print(f"cannot read {record}: {error}")
        return 3
    return Agent(job, _Place.from_environment()).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
