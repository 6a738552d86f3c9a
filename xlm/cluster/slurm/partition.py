"""Whether a partition exists, is up, and is large enough for a job.

yield from check_partitions(settings, job, seconds=30)
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from xlm.cluster.checks.check import Check, Verdict
from xlm.cluster.job import ClusterJob
from xlm.cluster.slurm.commands import run_slurm
from xlm.config.launcher.slurm import SlurmConfig, limit_seconds, notice_seconds

_NAME = "partition"
_FIELD = re.compile(r"(\w+)=(\S*)")
_GPUS = re.compile(r"gpu(?::[^:,()]+)?:(\d+)")
_OUT_OF_USE = ("down", "drain", "drng", "fail", "maint", "unk", "inval", "boot", "no_resp")
_LEAST_SECONDS = 120
"""Time to start and to train, besides the time to save."""


def check_partitions(settings: SlurmConfig, job: ClusterJob, seconds: float) -> Iterator[Check]:
    """Check each partition that is named, or the default one; one that fits is enough."""
    known = _partitions(seconds)
    if settings.partition is None:
        default = next((one for one in known if known[one].get("Default") == "YES"), None)
        if default is None:
            yield Check.failed(
                _NAME,
                "the cluster has no default partition",
                f"set launcher.slurm.partition to one of: {', '.join(known) or 'none'}",
            )
            return
        names = [default]
    else:
        names = settings.partition.split(",")
    checks = [_partition(name, known, settings, job, seconds) for name in names]
    fits = any(not check.has_failed for check in checks)
    for check in checks:
        # Slurm takes the first of several that can run the job.
        yield replace(check, verdict=Verdict.WARNING) if fits and check.has_failed else check


def _partitions(seconds: float) -> dict[str, dict[str, str]]:
    answer = run_slurm(["scontrol", "--oneliner", "--all", "show", "partition"], seconds=seconds)
    lines = [dict(_FIELD.findall(line)) for line in answer.output.splitlines()]
    return {line["PartitionName"]: line for line in lines if "PartitionName" in line}


def _partition(
    name: str,
    known: dict[str, dict[str, str]],
    settings: SlurmConfig,
    job: ClusterJob,
    seconds: float,
) -> Check:
    if name not in known:
        return Check.failed(
            _NAME,
            f"there is no partition {name}",
            f"set launcher.slurm.partition to one of: {', '.join(known) or 'none'}",
        )
    fields = known[name]
    if (state := fields.get("State", "UP")) != "UP":
        return Check.failed(
            _NAME, f"{name} is {state}", "choose another partition, or wait until it is up"
        )
    if (problem := _size(name, fields, job) or _time(name, fields, settings, job)) is not None:
        return problem
    return _nodes(name, fields, job, seconds)


def _size(name: str, fields: dict[str, str], job: ClusterJob) -> Check | None:
    numbers = [fields.get("TotalNodes", ""), fields.get("MaxNodes", "")]
    most = min((int(number) for number in numbers if number.isdigit()), default=job.nodes)
    if job.nodes > most:
        return Check.failed(
            _NAME,
            f"{name} gives a job at most {most} nodes, and it needs {job.nodes}",
            "lower launcher.slurm.nodes, or choose another partition",
        )
    return None


def _time(
    name: str, fields: dict[str, str], settings: SlurmConfig, job: ClusterJob
) -> Check | None:
    most = limit_seconds(fields.get("MaxTime", "")) or float("inf")
    limit = limit_seconds(settings.time) if settings.time else None
    if limit is not None and limit > most:
        return Check.failed(
            _NAME,
            f"{name} has a time limit of {fields['MaxTime']}, and launcher.slurm.time is "
            f"{settings.time}",
            "lower launcher.slurm.time: a job that reaches it saves its state and is queued again",
        )
    effective = limit or limit_seconds(fields.get("DefaultTime", "")) or most
    least = notice_seconds(job.save_seconds) + _LEAST_SECONDS
    if effective < least:
        return Check.failed(
            _NAME,
            f"{name} gives a job {effective:.0f} s, which leaves no time to train and to save",
            "choose a partition with a longer limit, or lower pretrain.save_seconds"
            if most < least
            else f"set launcher.slurm.time to {-(-least // 60):.0f} minutes or more",
        )
    return None


def _nodes(name: str, fields: dict[str, str], job: ClusterJob, seconds: float) -> Check:
    answer = run_slurm(["sinfo", "-h", "-p", name, "-o", "%D|%t|%G"], seconds=seconds)
    total = usable = with_gpus = 0
    most_gpus = 0
    for line in answer.output.splitlines():
        number, _, rest = line.strip().partition("|")
        state, _, resources = rest.partition("|")
        if not number.isdigit():
            continue
        total += int(number)
        is_usable = not state.endswith("*") and not state.startswith(_OUT_OF_USE)
        usable += int(number) * is_usable
        gpus = sum(int(count) for count in _GPUS.findall(resources))
        most_gpus = max(most_gpus, gpus)
        with_gpus += int(number) * (is_usable and gpus >= job.processes_per_node)
    limit = fields.get("MaxTime", "unknown")
    found = f"{name}: {usable} of {total} nodes can be used, time limit {limit}"
    if job.uses_gpu:
        if most_gpus < job.processes_per_node:
            return Check.failed(
                _NAME,
                f"{name} has no node with {job.processes_per_node} GPUs; the most is {most_gpus}",
                "choose another partition, or raise launcher.slurm.nodes",
            )
        usable = with_gpus
        found += f", {with_gpus} with {job.processes_per_node} GPUs or more"
    if usable < job.nodes:
        return Check.warning(
            _NAME,
            f"{found}; the job needs {job.nodes} and would wait",
            f"see `sinfo -R -p {name}` for the reasons",
        )
    return Check.ok(_NAME, found)
