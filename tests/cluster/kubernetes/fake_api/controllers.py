"""What controllers do with the objects of the fake API server: JobSet, Job, and kubelet.

    with FakeApi() as api, Controllers(api):
        ...                  # pods are processes of this machine

They follow the documented rules: a Job makes a pod for each index, applies its podFailurePolicy to
pods that fail, and counts the others up to backoffLimit; a JobSet applies its failurePolicy to Jobs
that fail. They are a model for tests, and no proof about a real cluster.
"""

import re
import threading
from typing import Any

from tests.cluster.kubernetes.fake_api.kubelet import Kubelet
from tests.cluster.kubernetes.fake_api.objects import Document, now
from tests.cluster.kubernetes.fake_api.server import NAMESPACE, FakeApi
from tests.cluster.kubernetes.statuses import JOBSET_LABEL, add_pod, owner_of
from xlm.cluster.kubernetes.names import name_of

_TICK_SECONDS = 0.05


class Controllers:
    """Runs the controllers in a thread until the context is left."""

    def __init__(self, api: FakeApi) -> None:
        self.api = api
        self.kubelet = Kubelet(api)
        self._objects = api.objects
        self._counted: set[str] = set()
        """Names of failed pods that a Job has judged."""
        self._failures: dict[str, int] = {}
        """Failures that count, by the uid of the Job."""
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.errors: list[BaseException] = []
        self._objects.pods_end_slowly = True

    def __enter__(self) -> "Controllers":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join(60)
        self.kubelet.kill_all()
        assert self.errors == []

    def _run(self) -> None:
        while not self._stopped.wait(_TICK_SECONDS):
            try:
                self.kubelet.step()
                for job in self._all("jobs"):
                    self._job(job)
                for jobset in self._all("jobsets"):
                    self._jobset(jobset)
            except Exception as error:
                self.errors.append(error)
                return

    def _all(self, plural: str) -> list[Document]:
        return self._objects.list(plural, NAMESPACE)[0]

    def _owned(self, plural: str, owner: Document) -> list[Document]:
        uid = owner["metadata"]["uid"]
        return [
            one
            for one in self._all(plural)
            if any(owner["uid"] == uid for owner in one["metadata"].get("ownerReferences", []))
        ]

    def _job(self, job: Document) -> None:
        pods = self._owned("pods", job)
        for pod in pods:
            if _has_ended(pod) and "deletionTimestamp" in pod["metadata"]:
                self._judge(job, pod)
                self._objects.end_pod(NAMESPACE, name_of(pod))
        if _condition(job, "Complete", "Failed") or "deletionTimestamp" in job["metadata"]:
            return
        for pod in pods:
            if pod["status"]["phase"] == "Failed":
                self._judge(job, pod)
        job = self._objects.get("jobs", NAMESPACE, name_of(job)) or job
        active = [pod for pod in pods if not _has_ended(pod)]
        if target := _condition(job, "FailureTarget"):
            for pod in active:
                self._objects.delete("pods", NAMESPACE, name_of(pod), "Background")
            if not active:
                self._end("jobs", job, "Failed", target["reason"], target["message"])
            return
        done = {_index(pod) for pod in pods if pod["status"]["phase"] == "Succeeded"}
        count = job["spec"]["completions"]
        if len(done) == count:
            self._end("jobs", job, "Complete", "CompletionsReached", "")
            return
        for index in set(range(count)) - done - {_index(pod) for pod in active}:
            add_pod(self.api, job, index, suffix=f"{self._objects.version:x}")

    def _judge(self, job: Document, pod: Document) -> None:
        """Apply the podFailurePolicy to a failed pod, once."""
        name, uid = name_of(pod), job["metadata"]["uid"]
        if name in self._counted or pod["status"]["phase"] != "Failed":
            return
        self._counted.add(name)
        if _condition(job, "FailureTarget", "Failed", "Complete"):
            return
        for number, rule in enumerate(job["spec"]["podFailurePolicy"]["rules"]):
            if (how := _matches(rule, pod)) is None:
                continue
            if rule["action"] == "FailJob":
                message = f"{how} matching FailJob rule at index {number}"
                self._end("jobs", job, "FailureTarget", "PodFailurePolicy", message)
            return
        self._failures[uid] = self._failures.get(uid, 0) + 1
        with self._objects.edit("jobs", NAMESPACE, name_of(job)) as stored:
            stored.setdefault("status", {})["failed"] = self._failures[uid]
        if self._failures[uid] > job["spec"]["backoffLimit"]:
            message = "Job has reached the specified backoff limit"
            self._end("jobs", job, "FailureTarget", "BackoffLimitExceeded", message)

    def _jobset(self, jobset: Document) -> None:
        done = _condition(jobset, "Completed", "Failed")
        if done or "deletionTimestamp" in jobset["metadata"]:
            return
        children = self._owned("jobs", jobset)
        if not children:
            self._create_child(jobset)
            return
        (child,) = children
        if _condition(child, "Complete"):
            self._end("jobsets", jobset, "Completed", "AllJobsCompleted", "")
        elif (failed := _condition(child, "Failed")) and not _ends(child):
            self._apply_policy(jobset, child, failed)

    def _create_child(self, jobset: Document) -> None:
        replicated = jobset["spec"]["replicatedJobs"][0]
        labels = replicated["template"]["metadata"]["labels"]
        spec: Document = {**replicated["template"]["spec"]}
        pod = {**spec["template"]["spec"], "subdomain": name_of(jobset)}
        spec["template"] = {**spec["template"], "spec": pod}
        body = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {
                "name": f"{name_of(jobset)}-{replicated['name']}-0",
                "labels": {**labels, JOBSET_LABEL: name_of(jobset)},
                "ownerReferences": [owner_of(jobset)],
            },
            "spec": spec,
        }
        self._objects.create("jobs", NAMESPACE, body)

    def _apply_policy(self, jobset: Document, child: Document, failed: Document) -> None:
        policy = jobset["spec"]["failurePolicy"]
        action = next(
            (rule["action"] for rule in policy["rules"] if _applies(rule, failed)), "RestartJobSet"
        )
        status = jobset.get("status", {})
        counted = status.get("restartsCountTowardsMax", 0)
        if action == "FailJobSet":
            self._end("jobsets", jobset, "Failed", "FailJobSetFailurePolicyAction", "failed job")
            return
        if action == "RestartJobSet":
            counted += 1
        if counted > policy["maxRestarts"]:
            self._end("jobsets", jobset, "Failed", "ReachedMaxRestarts", "reached max restarts")
            return
        with self._objects.edit("jobsets", NAMESPACE, name_of(jobset)) as stored:
            restarts = status.get("restarts", 0) + 1
            stored["status"] = {"restarts": restarts, "restartsCountTowardsMax": counted}
        # The next one is created when the last pod of this one is gone.
        self._objects.delete("jobs", NAMESPACE, name_of(child), "Foreground")

    def _end(
        self, plural: str, document: Document, condition: str, reason: str, message: str
    ) -> None:
        with self._objects.edit(plural, NAMESPACE, name_of(document)) as stored:
            conditions = stored.setdefault("status", {}).setdefault("conditions", [])
            fields = {"reason": reason, "message": message, "lastTransitionTime": now()}
            conditions.append({"type": condition, "status": "True", **fields})


def _condition(document: Document, *types: str) -> Document | None:
    conditions = document.get("status", {}).get("conditions", [])
    return next((one for one in conditions if one["type"] in types), None)


def _ends(document: Document) -> bool:
    return "deletionTimestamp" in document["metadata"]


def _has_ended(pod: Document) -> bool:
    return pod["status"]["phase"] in ("Succeeded", "Failed")


def _index(pod: Document) -> int:
    return int(pod["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"])


def _matches(rule: Document, pod: Document) -> str | None:
    """How a rule of a podFailurePolicy matches, in the words of the Job controller."""
    status = pod["status"]
    place = f"{NAMESPACE}/{name_of(pod)}"
    for wanted in rule.get("onPodConditions", []):
        for condition in status.get("conditions", []):
            if all(condition[key] == wanted[key] for key in ("type", "status")):
                return f"Pod {place} has condition {wanted['type']}"
    if "onExitCodes" in rule:
        for container in status.get("containerStatuses", []):
            code = container["state"].get("terminated", {}).get("exitCode")
            if code in rule["onExitCodes"]["values"]:
                return f"Container {container['name']} for pod {place} failed with exit code {code}"
    return None


def _applies(rule: Document, failed: dict[str, Any]) -> bool:
    reasons, patterns = rule["onJobFailureReasons"], rule.get("onJobFailureMessagePatterns", [])
    return failed["reason"] in reasons and (
        not patterns or any(re.search(one, failed["message"]) for one in patterns)
    )
