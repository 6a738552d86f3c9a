"""The state of a job, from its JobSet or Job and its pods.

seen_job(JOBSETS, jobset, child_jobs, pods, warnings=lambda ...: "")
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xlm.cluster.job import JobState, SeenJob
from xlm.cluster.kubernetes import names
from xlm.cluster.kubernetes.api import JOBSETS, Kind
from xlm.cluster.kubernetes.manifests import ASKED_TO_STOP, KILLED
from xlm.cluster.kubernetes.pods import Pod, was_killed
from xlm.cluster.kubernetes.refusals import one_line

Document = Mapping[str, Any]
WarningOf = Callable[[str, str], str]
"""The newest warning about an object, given its kind and its name; empty: there is none."""

_EXIT_CODE = re.compile(r"exit code (\d+)")
_LONGEST = 500


@dataclass(frozen=True, kw_only=True)
class Workload:
    """An attempt of a job: its object, and what belongs to it."""

    kind: Kind
    body: Document
    jobs: Sequence[Document]
    """The Job itself, or those that the JobSet has created."""
    pods: Sequence[Pod]
    """The oldest first."""

    @property
    def name(self) -> str:
        """The name of the object."""
        return names.name_of(self.body)

    @property
    def job_id(self) -> str:
        """As kubectl takes it: "jobset/NAME"."""
        return f"{self.kind.plural.removesuffix('s')}/{self.name}"

    @property
    def is_ending(self) -> bool:
        """Whether it is being deleted."""
        return "deletionTimestamp" in self.body["metadata"]

    @property
    def has_ended(self) -> bool:
        """Whether Kubernetes does no more for it, and none of its pods run."""
        return not self._living() and (self.is_ending or bool(self.verdict))

    def _living(self) -> list[Pod]:
        return [pod for pod in self.pods if not pod.has_ended]

    @property
    def verdict(self) -> str:
        """Complete, Failed, or empty while it lives."""
        true = _true_conditions(self.body)
        if self.kind == JOBSETS:
            true |= {"Complete": true["Completed"]} if "Completed" in true else {}
        return next((one for one in ("Complete", "Failed") if one in true), "")

    def seen(self, warning_of: WarningOf) -> SeenJob:
        """The job as we report it.

        Args:
            warning_of: is asked only if nothing else says why a job waits.
        """
        state, words, exit_code = self._state(warning_of)
        pods = self._living() or list(self.pods)
        starts = [pod.started_at for pod in pods if pod.started_at is not None]
        return SeenJob(
            job_id=self.job_id,
            state=state,
            words=one_line(words, _LONGEST),
            exit_code=exit_code,
            nodes=",".join(pod.node for pod in sorted(pods, key=_by_index) if pod.node),
            started_at=max(starts, default=None),
            restarts=self._restarts(),
        )

    def _restarts(self) -> int:
        status = self.body.get("status") or {}
        if self.kind == JOBSETS:
            return int(status.get("restarts") or 0)
        failed = [pod for pod in self.pods if pod.phase == "Failed"]
        # Pods that failed without their fault are not in the status.
        return max(int(status.get("failed") or 0), len(failed))

    def _state(self, warning_of: WarningOf) -> tuple[JobState, str, int | None]:
        verdict, living = self.verdict, self._living()
        if verdict == "Complete":
            return JobState.SUCCEEDED, "Complete", 0
        if living and (verdict or self.is_ending):
            where = f"{living[0].name} on {living[0].node or 'no node'}"
            return JobState.RUNNING, f"{verdict or 'Deleted'}, but still ends: {where}", None
        if verdict:
            return self._failed()
        if self.is_ending:
            return JobState.CANCELLED, "Deleted", None
        if "Suspended" in _true_conditions(self.body) or self.body["spec"].get("suspend"):
            queue = names.label_of(self.body, names.QUEUE)
            return JobState.PENDING, f"Suspended{f' in queue {queue}' if queue else ''}", None
        waiting = [pod for pod in living if pod.phase != "Running"]
        ranks = {pod.index for pod in self.pods if pod.phase in ("Running", "Succeeded")}
        if not waiting and len(ranks) == self._count():
            return JobState.RUNNING, "Running", None
        reason = self._reason_to_wait(waiting or living, warning_of)
        others = f"; {len(ranks)} of {self._count()} pods run" if self._count() > 1 else ""
        return JobState.PENDING, f"Pending ({reason}{others})", None

    def _count(self) -> int:
        """The number of pods."""
        spec = self.body["spec"]
        if self.kind == JOBSETS:
            spec = spec["replicatedJobs"][0]["template"]["spec"]
        return int(spec["completions"])

    def _reason_to_wait(self, waiting: list[Pod], warning_of: WarningOf) -> str:
        if ending := [pod for pod in waiting if pod.ends]:
            # A group starts again when the last of its old pods is gone.
            return f"{ending[0].name} still ends on {ending[0].node or 'no node'}"
        waiting = [pod for pod in waiting if pod.phase != "Running"]
        for pod in waiting:
            if pod.waits and not pod.is_starting:
                return f"{pod.name}: {pod.waits}"
        for pod in waiting:
            if warning := warning_of("Pod", pod.name):
                return f"{pod.name}: {warning}"
        if waiting:
            return f"{waiting[0].name}: {waiting[0].waits or waiting[0].phase}"
        # The controller has not come to it yet, or may not create pods.
        owners = [("Job", names.name_of(job)) for job in self.jobs]
        owners += [("JobSet", self.name)] if self.kind == JOBSETS else []
        warnings = (warning_of(*owner) for owner in owners)
        return next(filter(None, warnings), "no pods yet")

    def _failed(self) -> tuple[JobState, str, int | None]:
        # A pod that ends makes the others of its group fail, so its own words come first.
        failed = [pod for pod in self.pods if pod.phase == "Failed"]
        conditions = [
            condition
            for document in (*self.jobs, self.body)
            if (condition := _true_conditions(document).get("Failed"))
        ]
        messages = [str(one.get("message") or "") for one in conditions]
        message = " ".join(messages)
        reasons = [str(one.get("reason") or "") for one in conditions]
        named = next((pod for pod in failed if pod.name in message), None)
        cause = named or next((pod for pod in failed if pod.exit_code != 0), None)
        detail = f"{cause.name}: {cause.ending}" if cause and cause.ending else messages[0]
        words = f"Failed ({reasons[0]}: {detail})"
        code = int(found[1]) if (found := _EXIT_CODE.search(message)) else None
        if code is None and cause is not None:
            code = cause.exit_code
        killed = next((pod for pod in failed if was_killed(pod)), None)
        if killed is not None or (code == KILLED and "DisruptionTarget" not in message):
            where = killed.name if killed else "a pod"
            return JobState.OUT_OF_MEMORY, f"OOMKilled ({where})", KILLED
        is_disrupted = "DisruptionTarget" in message or bool(cause and cause.is_disrupted)
        if is_disrupted or code == ASKED_TO_STOP or "DeadlineExceeded" in reasons:
            return JobState.INTERRUPTED, words, code
        return JobState.FAILED, words, code


def _true_conditions(document: Document) -> dict[str, Document]:
    conditions = (document.get("status") or {}).get("conditions") or []
    return {str(one["type"]): one for one in conditions if one["status"] == "True"}


def _by_index(pod: Pod) -> int:
    return pod.index
