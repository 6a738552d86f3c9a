"""What a pod says about its job: whether it runs, why it waits, and how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from xlm.cluster.kubernetes import names
from xlm.cluster.kubernetes.manifests import KILLED

_INDEX = "batch.kubernetes.io/job-completion-index"
_ORDINARY_WAITS = ("ContainerCreating", "PodInitializing")


@dataclass(frozen=True, kw_only=True)
class Pod:
    """A pod of a job."""

    name: str
    attempt: str
    job_id: str
    index: int
    """Its node rank."""
    phase: str
    """Pending, Running, Succeeded, Failed or Unknown."""
    node: str
    created_at: float
    started_at: float | None
    ends: bool
    """It is being deleted, and its processes may still save their state."""
    waits: str
    """Why it does not run yet, in the words of Kubernetes; empty: it runs, or no reason is known"""
    is_starting: bool
    """It has a node, which pulls its image and mounts its volumes."""
    exit_code: int | None
    is_out_of_memory: bool
    is_disrupted: bool
    """Kubernetes ended it: preempted, evicted, or its node was drained or lost."""
    ending: str
    """How it ended, with its last lines of output."""

    @property
    def has_ended(self) -> bool:
        """Whether none of its processes run."""
        return self.phase in ("Succeeded", "Failed")


def read_pod(pod: Mapping[str, Any]) -> Pod:
    """What matters of a pod of the API."""
    metadata, status = pod["metadata"], pod.get("status") or {}
    state = _container_state(status)
    terminated = state.get("terminated") or {}
    conditions = status.get("conditions") or []
    index = (metadata.get("annotations") or {}).get(_INDEX) or names.label_of(pod, _INDEX) or "0"
    exit_code = terminated.get("exitCode")
    return Pod(
        name=names.name_of(pod),
        attempt=names.label_of(pod, names.ATTEMPT),
        job_id=_job_id(pod.get("spec") or {}),
        index=int(index),
        phase=str(status.get("phase", "Pending")),
        node=str((pod.get("spec") or {}).get("nodeName") or ""),
        created_at=seconds_of(metadata.get("creationTimestamp")) or 0.0,
        started_at=seconds_of((state.get("running") or terminated).get("startedAt")),
        ends="deletionTimestamp" in metadata,
        waits=_waits(state, conditions),
        is_starting=(state.get("waiting") or {}).get("reason") in _ORDINARY_WAITS,
        exit_code=exit_code,
        is_out_of_memory=terminated.get("reason") == "OOMKilled",
        is_disrupted=any(
            one["type"] == "DisruptionTarget" and one["status"] == "True" for one in conditions
        ),
        ending=_ending(status, terminated),
    )


def _job_id(spec: Mapping[str, Any]) -> str:
    for container in spec.get("containers") or []:
        for variable in container.get("env") or []:
            if variable["name"] == names.JOB_ID:
                return str(variable["value"])
    return ""


def seconds_of(time: str | None) -> float | None:
    """A time of the API, such as 2026-11-29T08:00:00Z, in seconds since the epoch."""
    return datetime.fromisoformat(time).timestamp() if time else None


def _container_state(status: Mapping[str, Any]) -> Mapping[str, Any]:
    for container in status.get("containerStatuses") or []:
        if container["name"] == names.CONTAINER:
            state: Mapping[str, Any] = container.get("state") or {}
            return state
    return {}


def _waits(state: Mapping[str, Any], conditions: list[Mapping[str, Any]]) -> str:
    waiting = state.get("waiting") or {}
    if waiting and waiting.get("reason") not in _ORDINARY_WAITS:
        return _words(waiting)
    for condition in conditions:
        if condition["type"] == "PodScheduled" and condition["status"] != "True":
            return _words(condition)
    return _words(waiting)


def _words(source: Mapping[str, Any]) -> str:
    reason, message = source.get("reason") or "", source.get("message") or ""
    return f"{reason}: {message}" if reason and message else str(reason or message)


def _ending(status: Mapping[str, Any], terminated: Mapping[str, Any]) -> str:
    code, reason = terminated.get("exitCode"), terminated.get("reason") or status.get("reason")
    facts = [f"exit code {code}" if code is not None else "", str(reason or "")]
    message = str(terminated.get("message") or status.get("message") or "").strip()
    # The last line of the output is the error.
    return ", ".join(filter(None, [*facts, message.rpartition("\n")[2]]))


def was_killed(pod: Pod) -> bool:
    """Whether the kernel killed its processes because they used too much memory."""
    return pod.is_out_of_memory or (pod.exit_code == KILLED and not pod.is_disrupted)
