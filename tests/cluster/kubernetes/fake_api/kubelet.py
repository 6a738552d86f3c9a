"""Runs the pods of the fake API server as processes of this machine."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from tempfile import mkdtemp

from tests.cluster.kubernetes.fake_api.objects import Document, now
from tests.cluster.kubernetes.fake_api.server import NAMESPACE, FakeApi
from tests.repository import REPOSITORY
from xlm.cluster.kubernetes.names import CONTAINER, name_of

_MESSAGE_BYTES = 2048
_INDEX = "metadata.annotations['batch.kubernetes.io/job-completion-index']"


class Kubelet:
    """Starts, ends and reports the processes of pods."""

    def __init__(self, api: FakeApi) -> None:
        self._api, self._objects = api, api.objects
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._asked: dict[str, float] = {}
        """When each pod was asked to end."""
        self._ports: dict[str, int] = {}
        self._out_of_memory: set[str] = set()
        self._folder = Path(mkdtemp(prefix="pods-"))
        self.started = 0
        """Number of pods that were started."""
        self.is_paused = False
        """No pod is started: there is no free node."""

    def step(self) -> None:
        """Look at every pod once."""
        for pod in self._objects.list("pods", NAMESPACE)[0]:
            name, phase = name_of(pod), pod["status"]["phase"]
            process = self._processes.get(name)
            if process is None:
                if "deletionTimestamp" in pod["metadata"]:
                    self._objects.end_pod(NAMESPACE, name)
                elif phase == "Pending" and not self.is_paused:
                    self._start(pod)
            elif process.poll() is not None:
                if phase in ("Pending", "Running"):
                    self._report(name, process.returncode)
            elif "deletionTimestamp" in pod["metadata"]:
                self._ask_to_end(pod, process)

    def preempt(self, name: str) -> None:
        """What the scheduler does for a pod of a higher priority, and `kubectl drain` for all."""
        self._disrupt(name, "PreemptionByScheduler")
        self._objects.delete("pods", NAMESPACE, name, "Background")

    def kill(self, name: str) -> None:
        """The node of a pod dies, with all processes of the pod."""
        self._disrupt(name, "DeletionByTaintManager")
        kill_tree(self._processes[name].pid)

    def exhaust_memory(self, name: str) -> None:
        """The kernel kills all processes of a pod."""
        self._out_of_memory.add(name)
        kill_tree(self._processes[name].pid)

    def running(self) -> list[str]:
        """Names of pods that run, in the order of their start."""
        return [name for name, process in self._processes.items() if process.poll() is None]

    def kill_all(self) -> None:
        """End everything."""
        for process in self._processes.values():
            if process.poll() is None:
                kill_tree(process.pid)
            process.wait()

    def _disrupt(self, name: str, reason: str) -> None:
        with self._objects.edit("pods", NAMESPACE, name) as pod:
            condition = {"type": "DisruptionTarget", "status": "True", "reason": reason}
            pod["status"].setdefault("conditions", []).append(condition)

    def _start(self, pod: Document) -> None:
        container = pod["spec"]["containers"][0]
        with (self._folder / name_of(pod)).open("wb") as output:
            process = subprocess.Popen(
                [sys.executable if word == "python" else word for word in container["command"]],
                stdout=output,
                stderr=output,
                env={**os.environ, **self._environment(pod, container)},
                cwd=REPOSITORY,
                start_new_session=True,
            )
        self._processes[name_of(pod)] = process
        self.started += 1
        with self._objects.edit("pods", NAMESPACE, name_of(pod)) as stored:
            state = {"name": CONTAINER, "state": {"running": {"startedAt": now()}}}
            stored["status"] |= {"phase": "Running", "containerStatuses": [state]}

    def _environment(self, pod: Document, container: Document) -> dict[str, str]:
        values = {}
        for variable in container["env"]:
            if "value" in variable:
                values[variable["name"]] = variable["value"]
            else:
                assert variable["valueFrom"] == {"fieldRef": {"fieldPath": _INDEX}}
                key = _INDEX.split("'")[1]
                values[variable["name"]] = pod["metadata"]["annotations"][key]
        owner = pod["metadata"]["ownerReferences"][0]
        address = values["XLM_MAIN_ADDRESS"]
        if address != "127.0.0.1":
            self._resolve(address, pod, owner["name"])
            values["XLM_MAIN_ADDRESS"] = "127.0.0.1"
        # Pods have their own ports.
        port = self._ports.setdefault(owner["uid"], _free_port())
        return values | {"XLM_MAIN_PORT": str(port)}

    def _resolve(self, address: str, pod: Document, job: str) -> None:
        """What DNS does: the name of pod 0 below a headless Service that selects it."""
        host, _, domain = address.partition(".")
        assert host == f"{job}-0"
        assert domain == pod["spec"]["subdomain"]
        if not self._api.has_jobsets:
            service = self._objects.get("services", NAMESPACE, domain)
            assert service is not None
            assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()

    def _ask_to_end(self, pod: Document, process: "subprocess.Popen[bytes]") -> None:
        name = name_of(pod)
        if name not in self._asked:
            self._asked[name] = time.monotonic()
            process.send_signal(signal.SIGTERM)
        grace = pod["metadata"].get("deletionGracePeriodSeconds")
        grace = pod["spec"]["terminationGracePeriodSeconds"] if grace is None else grace
        if time.monotonic() - self._asked[name] > grace:
            kill_tree(process.pid)

    def _report(self, name: str, status: int) -> None:
        code = status if status >= 0 else 128 - status
        output = (self._folder / name).read_bytes()
        self._api.logs[name] = output
        reason = (
            "OOMKilled" if name in self._out_of_memory else "Completed" if not code else "Error"
        )
        terminated = {"exitCode": code, "reason": reason, "finishedAt": now()}
        if code:
            terminated["message"] = output[-_MESSAGE_BYTES:].decode(errors="replace")
        with self._objects.edit("pods", NAMESPACE, name) as pod:
            pod["status"]["phase"] = "Failed" if code else "Succeeded"
            state = {"name": CONTAINER, "state": {"terminated": terminated}}
            pod["status"]["containerStatuses"] = [state]


def kill_tree(pid: int) -> None:
    """Kill a process and its descendants, as the end of a container does."""
    for child in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = child.read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if parent == str(pid):
            kill_tree(int(child.parent.name))
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
