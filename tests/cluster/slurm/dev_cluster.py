"""A real Slurm with two nodes on this machine, started by `infra/slurm/dev/cluster.sh`."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.repository import REPOSITORY
from tests.waiting import wait_until

SCRIPT = REPOSITORY / "infra" / "slurm" / "dev" / "cluster.sh"
_FIRST_PORT, _PORTS = 12000, 20
_JOBS = 30


def reason_to_skip() -> str:
    """Why there can be no cluster here; empty if there can."""
    missing = [name for name in ("slurmctld", "slurmd", "munged") if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} not installed (apt-get install slurm-wlm munge)"
    return "" if os.geteuid() == 0 else "the daemons of a cluster on one machine need root"


class DevCluster:
    """The cluster, its nodes and what runs on it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.configuration = directory / "slurm.conf"

    def command(self, *words: str) -> str:
        """Run a command of Slurm."""
        done = subprocess.run(
            words, capture_output=True, text=True, check=False, timeout=60,
            env={**os.environ, "SLURM_CONF": str(self.configuration)},
        )  # fmt: skip
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def jobs(self) -> list[tuple[str, str]]:
        """Id and state of all jobs that the controller remembers."""
        lines = self.command("squeue", "-h", "--states=all", "-o", "%i %T").splitlines()
        found = [(job_id, state) for job_id, state in map(str.split, lines)]
        return sorted(found, key=lambda job: int(job[0]))

    def live_jobs(self) -> list[str]:
        """Ids of the jobs that wait or run."""
        return self.command("squeue", "-h", "-o", "%i").split()

    def wait_for_state(self, state: str) -> str:
        """Wait until the newest job has a state; returns its id."""
        wait_until(lambda: bool(self.jobs()) and self.jobs()[-1][1] == state, f"no job {state}")
        return self.jobs()[-1][0]

    def restarts(self, job_id: str) -> int:
        """How often a job was started again."""
        text = self.command("scontrol", "-o", "show", "job", job_id)
        return int(text.partition("Restarts=")[2].split()[0])

    def daemon(self, name: str) -> int:
        """The process of `slurmctld`, or of a node."""
        return int((self.directory / f"{name}.pid").read_text())

    def start_controller(self) -> None:
        """Start the controller again."""
        subprocess.run(["slurmctld", "-f", self.configuration], check=True)

    def start_node(self, name: str) -> None:
        """Start the daemon of a node again."""
        subprocess.run(["slurmd", "-N", name, "-f", self.configuration], check=True)

    def wait_for_nodes(self) -> None:
        """Wait until both nodes can take jobs."""
        wait_until(
            lambda: self.command("sinfo", "-h", "-t", "idle", "-o", "%D").split() == ["2"],
            "the nodes are not idle",
            seconds=120,
        )


@contextmanager
def dev_cluster(directory: Path, **variables: str) -> Iterator[DevCluster]:
    """Start the cluster, and stop it at the end."""
    port = _free_ports()
    # The ports of processes follow from the job's id: jobs of two clusters must not share them.
    first_job = 1 + (port - _FIRST_PORT) // _PORTS * _JOBS
    ports = {"SLURM_DEV_PORT": str(port), "SLURM_DEV_FIRST_JOB": str(first_job)}
    environment = {**os.environ, **ports, **variables}
    try:
        subprocess.run([SCRIPT, "start", directory], check=True, env=environment, timeout=120)
        yield DevCluster(directory)
    finally:
        subprocess.run([SCRIPT, "stop", directory], check=True, env=environment, timeout=120)


def _free_ports() -> int:
    """The first of some ports that are free now."""
    # Tests in other processes look for ports at the same time.
    start = os.getpid() % 400
    for number in range(400):
        first = _FIRST_PORT + (start + number) % 400 * _PORTS
        with suppress(OSError):
            for port in range(first, first + _PORTS):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            return first
    raise AssertionError("no free ports")


def processes_with(text: str) -> list[int]:
    """Processes of this machine with a text in their command line; not those that have ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if text.encode() in (path / "cmdline").read_bytes() and int(path.name) != os.getpid():
                found.append(int(path.name))
    return found


def kill_all(processes: list[int]) -> None:
    """Kill processes as a power failure would."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
