"""The objects of an attempt: a JobSet, or a Job and the Service that gives its pods names.

    manifests = Manifests(settings)
    manifests.jobset(job, "xlm-pretrain-0123456789abcdef-a1")

Exit codes decide what Kubernetes does: 75 and disruptions start the pods again without counting,
3 and 137 (out of memory) fail at once, and others start them again up to `max_restarts`.
"""

from dataclasses import dataclass
from typing import Any, Final

from xlm.cluster.job import ClusterJob
from xlm.cluster.kubernetes import names
from xlm.cluster.kubernetes.pod import MAIN_PORT, Document, pod_template, without_empty
from xlm.config.launcher.kubernetes import KubernetesConfig

ASKED_TO_STOP: Final = 75
CANNOT_GO_ON: Final = 3
KILLED: Final = 137
"""SIGKILL: without a disruption, the kernel killed the process because memory was exhausted."""

_DISRUPTED = [{"type": "DisruptionTarget", "status": "True"}]
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Manifests:
    """Renders the objects of jobs."""

    settings: KubernetesConfig

    def jobset(self, job: ClusterJob, attempt: str, *, patterns: bool = True) -> Document:
        """A JobSet. `patterns`: it knows rules by message, as JobSet does since 0.10.

        Without them, interruptions end the JobSet, and a new attempt is submitted.
        """
        main = f"{attempt}-{names.GROUP}-0-0.{attempt}" if job.nodes > 1 else _LOOPBACK
        spec = {
            "ttlSecondsAfterFinished": self.settings.ttl_seconds,
            "network": {"enableDNSHostnames": True, "publishNotReadyAddresses": True},
            "failurePolicy": self._failure_policy(patterns),
            "replicatedJobs": [
                {
                    "name": names.GROUP,
                    "replicas": 1,
                    "template": {
                        "metadata": {"labels": names.labels(job.name)},
                        "spec": {
                            **self._job_spec(job, 0, _END_THE_GROUP),
                            "template": self._pod(job, attempt, f"jobset/{attempt}", main),
                        },
                    },
                }
            ],
        }
        return self._document(
            "jobset.x-k8s.io/v1alpha2", "JobSet", job.name, attempt, without_empty(spec)
        )

    def _failure_policy(self, patterns: bool) -> Document:
        cannot_go_on = _rule("cannotGoOn", "FailJobSet", "PodFailurePolicy")
        if not patterns:
            return {"maxRestarts": self.settings.max_restarts, "rules": [cannot_go_on]}
        again = "RestartJobSetAndIgnoreMaxRestarts"
        stopped = _rule("askedToStop", again, "PodFailurePolicy")
        # Of the Job controller's message: "Container trainer for pod xlm/... failed with exit code
        # 75 matching FailJob rule", "Pod xlm/... has condition DisruptionTarget matching ...".
        messages = [f"exit code {ASKED_TO_STOP} ", "DisruptionTarget"]
        stopped["onJobFailureMessagePatterns"] = messages
        return {
            "maxRestarts": self.settings.max_restarts,
            # No new process before the last old one is gone: both would write the same files.
            "restartStrategy": "BlockingRecreate",
            "rules": [stopped, _rule("timeLimit", again, "DeadlineExceeded"), cannot_go_on],
        }

    def indexed_job(self, job: ClusterJob, attempt: str) -> Document:
        """An indexed Job.

        A lone pod starts again in place. A lone pod of a group cannot return to the others, so the
        Job ends with the first one, and a new attempt is submitted.
        """
        alone = job.nodes == 1
        main = _LOOPBACK if alone else f"{attempt}-0.{attempt}"
        limit = self.settings.max_restarts if alone else 0
        pod = self._pod(job, attempt, f"job/{attempt}", main)
        if not alone:
            pod["spec"]["subdomain"] = attempt
        spec = {
            "ttlSecondsAfterFinished": self.settings.ttl_seconds,
            **self._job_spec(job, limit, _REPLACE_THE_POD if alone else _END_THE_GROUP),
            "template": pod,
        }
        return self._document("batch/v1", "Job", job.name, attempt, without_empty(spec))

    def service(self, job: ClusterJob, attempt: str) -> Document:
        """The headless Service that makes the names of a Job's pods resolve."""
        spec = {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": {names.ATTEMPT: attempt},
            "ports": [{"name": "main", "port": MAIN_PORT}],
        }
        return self._document("v1", "Service", job.name, attempt, spec, is_workload=False)

    def _job_spec(self, job: ClusterJob, limit: int, rules: list[Document]) -> Document:
        """A Job without its pods."""
        return without_empty(
            {
                "completionMode": "Indexed",
                "completions": job.nodes,
                "parallelism": job.nodes,
                "backoffLimit": limit,
                "activeDeadlineSeconds": self.settings.active_deadline_seconds,
                "podFailurePolicy": {"rules": rules},
            }
        )

    def _pod(self, job: ClusterJob, attempt: str, job_id: str, main_address: str) -> Document:
        return pod_template(
            job, self.settings, attempt=attempt, job_id=job_id, main_address=main_address
        )

    def _document(
        self,
        version: str,
        kind: str,
        job: str,
        attempt: str,
        spec: Any,
        *,
        is_workload: bool = True,
    ) -> Document:
        labels = names.labels(job)
        if is_workload and self.settings.queue:
            labels[names.QUEUE] = self.settings.queue
        metadata = without_empty(
            {"name": attempt, "namespace": self.settings.namespace, "labels": labels}
        )
        return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


def _rule(name: str, action: str, reason: str) -> Document:
    return {"name": name, "action": action, "onJobFailureReasons": [reason]}


def _on_exit(action: str, *codes: int) -> Document:
    return {
        "action": action,
        "onExitCodes": {
            "containerName": names.CONTAINER,
            "operator": "In",
            "values": sorted(codes),
        },
    }


_END_THE_GROUP: Final = [
    {"action": "FailJob", "onPodConditions": _DISRUPTED},
    _on_exit("FailJob", CANNOT_GO_ON, ASKED_TO_STOP, KILLED),
]
_REPLACE_THE_POD: Final = [
    {"action": "Ignore", "onPodConditions": _DISRUPTED},
    _on_exit("Ignore", ASKED_TO_STOP),
    _on_exit("FailJob", CANNOT_GO_ON, KILLED),
]
