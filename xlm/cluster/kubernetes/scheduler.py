"""The scheduler for Kubernetes: submits, finds and cancels jobs by their name.

scheduler = KubernetesScheduler(settings)
scheduler.submit(job)             # "jobset/xlm-pretrain-0123456789abcdef-a1"
scheduler.find(job.name)
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import Final

import yaml

from xlm.cluster.job import ClusterJob, JobState, SeenJob
from xlm.cluster.kubernetes import names
from xlm.cluster.kubernetes.access import connect
from xlm.cluster.kubernetes.api import EVENTS, JOBS, JOBSETS, PODS, SERVICES, ClusterApi, Kind
from xlm.cluster.kubernetes.follow import PodLogs
from xlm.cluster.kubernetes.manifests import Manifests
from xlm.cluster.kubernetes.status import Workload
from xlm.cluster.kubernetes.workloads import list_workloads
from xlm.config.launcher.kubernetes import KubernetesConfig
from xlm.errors import ClusterError, ConfigError, UnreachableClusterError

_MOST_ATTEMPTS: Final = 20
"""Attempts to create an object while others create and delete objects of the same name."""


class KubernetesScheduler:
    """Implements `xlm.cluster.scheduler.Scheduler`."""

    name = "kubernetes"

    def __init__(self, settings: KubernetesConfig, *, api: ClusterApi | None = None) -> None:
        """Check the settings; no request is sent yet.

        Args:
            api: None: connect with the credentials that the settings name.

        Raises:
            ConfigError: a setting is missing.
        """
        if not settings.image:
            raise ConfigError(
                "launcher.kubernetes.image is not set: the image that the pods run",
                fix="set it to an image with this version of xlm-pipeline",
            )
        if not settings.claim:
            raise ConfigError(
                "launcher.kubernetes.claim is not set: the volume that holds the store",
                fix="set it to a PersistentVolumeClaim that this machine mounts too",
            )
        self._settings = settings
        self._manifests = Manifests(settings)
        self._given = api
        self._deleted: dict[str, SeenJob] = {}
        """Jobs that we saw being deleted, by their ids."""

    @cached_property
    def _api(self) -> ClusterApi:
        return self._given or ClusterApi(connect(self._settings))

    @cached_property
    def _has_jobsets(self) -> bool:
        return self._api.has(JOBSETS)

    @cached_property
    def _kind(self) -> Kind:
        """What we create."""
        if self._settings.workload == "job":
            return JOBS
        if self._settings.workload == "jobset" and not self._has_jobsets:
            raise ClusterError(
                "launcher.kubernetes.workload is jobset, but the cluster has no JobSet v1alpha2",
                fix="install JobSet, or set launcher.kubernetes.workload to auto",
            )
        return JOBSETS if self._has_jobsets else JOBS

    def submit(self, job: ClusterJob) -> str:
        """Create the next attempt of a job; see `Scheduler.submit`."""
        for _ in range(_MOST_ATTEMPTS):
            known = self._workloads(job.name)
            for workload in reversed(known):
                if not workload.has_ended:
                    self._complete(job, workload)
                    return workload.job_id
            numbers = [names.attempt_number(workload.name) for workload in known]
            attempt = names.attempt_name(job.name, max(numbers, default=0) + 1)
            created = self._create(job, attempt)
            found = next((one for one in self._workloads(job.name) if one.name == attempt), None)
            if found is not None:
                # Ours or that of another submitter, who created it since we looked.
                self._complete(job, found)
                return found.job_id
            if not created:
                self._refuse_foreign(job, attempt)
        raise ClusterError(
            f"{job.name}: somebody deletes its objects as soon as they are created",
            fix=f"look at `kubectl get events -n {self._api.namespace}`",
        )

    def render(self, job: ClusterJob) -> str:
        """The objects that would be created, as YAML; asks no cluster."""
        attempt = names.attempt_name(job.name, 1)
        documents = [self._manifests.jobset(job, attempt)]
        if self._settings.workload == "job":
            documents = [self._manifests.indexed_job(job, attempt)]
            if job.nodes > 1:
                documents.insert(0, self._manifests.service(job, attempt))
        return yaml.safe_dump_all(documents, sort_keys=False, width=100)

    def logs(self, name: str) -> Iterator[str]:
        """What the pods of a job print, until it has ended; see `follow`.

        Raises:
            ClusterError: there is no such job.
        """
        if not self.find(name):
            raise ClusterError(
                f"there is no job {name} in namespace {self._api.namespace}",
                fix=f"kubectl get jobsets,jobs -n {self._api.namespace} shows those that exist",
            )

        def is_live() -> bool:
            return any(seen.state.is_live for seen in self.find(name))

        return PodLogs(self._api, name, is_live).lines()

    def find(self, name: str) -> list[SeenJob]:
        """All attempts of a job that still have an object; see `Scheduler.find`."""
        workloads = self._workloads(name)
        seen = [workload.seen(self._warning) for workload in workloads]
        for workload, job in zip(workloads, seen, strict=True):
            # Its object disappears with its last pod, and this is all that we will know.
            if workload.is_ending and not workload.verdict:
                words = "deleted by somebody"
                self._deleted[job.job_id] = replace(job, state=JobState.CANCELLED, words=words)
        left = {job.job_id for job in seen}
        gone = [
            job
            for job_id, job in self._deleted.items()
            if job_id not in left and names.is_attempt(job_id.partition("/")[2], name)
        ]
        return gone + seen

    def cancel(self, name: str, *, kill: bool = False) -> None:
        """Delete all objects of a job, its pods first; see `Scheduler.cancel`."""
        selector = names.selector(name)
        for kind in (JOBSETS, JOBS) if self._has_jobsets else (JOBS,):
            for body in self._api.find(kind, selector):
                # The JobSet deletes its own.
                if not names.label_of(body, names.JOBSET):
                    self._api.delete(kind, names.name_of(body))
        for service in self._api.find(SERVICES, selector):
            self._api.delete(SERVICES, names.name_of(service))
        if kill:
            for pod in self._api.find(PODS, selector):
                # Not 0: then the pod would disappear while its processes may still write.
                self._api.delete(PODS, names.name_of(pod), grace_seconds=1)

    def _workloads(self, name: str) -> list[Workload]:
        return list_workloads(self._api, name, with_jobsets=self._has_jobsets)

    def _create(self, job: ClusterJob, attempt: str) -> bool:
        if self._kind == JOBS:
            if job.nodes > 1:
                # First: without it, the pods of the Job would not find each other.
                self._api.create(SERVICES, self._manifests.service(job, attempt))
            return self._api.create(JOBS, self._manifests.indexed_job(job, attempt))
        try:
            return self._api.create(JOBSETS, self._manifests.jobset(job, attempt))
        except UnreachableClusterError:
            raise
        except ClusterError as error:
            if "unknown field" not in error.what:
                raise
            # JobSet before 0.10.
            return self._api.create(JOBSETS, self._manifests.jobset(job, attempt, patterns=False))

    def _complete(self, job: ClusterJob, workload: Workload) -> None:
        """Do what a submitter that was killed may have left undone."""
        if workload.kind != JOBS or workload.is_ending or job.nodes == 1:
            return
        self._api.create(SERVICES, self._manifests.service(job, workload.name))
        # Kubernetes deletes the Service with its owner.
        owner = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "name": workload.name,
            "uid": workload.body["metadata"]["uid"],
        }
        self._api.patch(SERVICES, workload.name, {"metadata": {"ownerReferences": [owner]}})

    def _refuse_foreign(self, job: ClusterJob, attempt: str) -> None:
        body = self._api.get(self._kind, attempt)
        if body is not None and names.label_of(body, names.JOB) != job.name:
            raise ClusterError(
                f"{self._kind.plural} {attempt} exists in namespace {self._api.namespace}, "
                "without our labels",
                fix=f"delete it: kubectl delete {self._kind.plural} {attempt}",
            )

    def _warning(self, kind: str, name: str) -> str:
        """The newest warning about an object; empty without one, or without permission."""
        fields = f"involvedObject.kind={kind},involvedObject.name={name},type=Warning"
        with suppress(ClusterError):
            events = self._api.find(EVENTS, fields=fields)
            newest = max(events, key=lambda one: str(one.get("lastTimestamp") or ""), default=None)
            if newest is not None:
                return f"{newest.get('reason', '')}: {newest.get('message', '')}"
        return ""
