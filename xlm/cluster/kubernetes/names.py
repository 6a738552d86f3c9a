"""Names and labels of the objects of a job.

    attempt_name("xlm-pretrain-0123456789abcdef", 1)     # "xlm-pretrain-0123456789abcdef-a1"

A name is taken while its object exists, also after the job has ended. So each submission is an
attempt, and its number is part of the name: two submitters choose the same number, and the API
server refuses one of them.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

JOB: Final = "xlm-pipeline/job"
"""Label of all objects: the name of the job."""
ATTEMPT: Final = "xlm-pipeline/attempt"
"""Label of the pods: the name of the JobSet or Job that they belong to."""
JOBSET: Final = "jobset.sigs.k8s.io/jobset-name"
"""Label that JobSet gives to its Jobs."""
JOB_ID: Final = "XLM_JOB_ID"
"""Environment variable of the pods: the id of their job, as `find` reports it."""
QUEUE: Final = "kueue.x-k8s.io/queue-name"
GROUP: Final = "train"
"""Name of the only replicated job of a JobSet."""
CONTAINER: Final = "trainer"

_LONGEST = 40
"""Names of pods and hosts add a suffix, and may have 63 characters."""


def attempt_name(job: str, number: int) -> str:
    """The name of an attempt's object; long names of jobs are shortened, and stay unique."""
    if len(job) > _LONGEST:
        digest = hashlib.sha256(job.encode()).hexdigest()[:10]
        job = f"{job[: _LONGEST - 11].rstrip('-')}-{digest}"
    return f"{job}-a{number}"


def attempt_number(name: str) -> int:
    """The number in the name of an attempt; 0: the name is not one of ours."""
    found = re.search(r"-a(\d+)$", name)
    return int(found[1]) if found else 0


def is_attempt(name: str, job: str) -> bool:
    """Whether this is the name of an attempt of a job."""
    return name == attempt_name(job, attempt_number(name))


def labels(job: str) -> dict[str, str]:
    """Labels of an object of a job."""
    return {
        "app.kubernetes.io/name": "xlm-pipeline",
        "app.kubernetes.io/component": "training",
        JOB: job,
    }


def selector(job: str) -> str:
    """Selects the objects of a job."""
    return f"{JOB}={job}"


def name_of(thing: Mapping[str, Any]) -> str:
    """The name of an object."""
    return str(thing["metadata"]["name"])


def label_of(thing: Mapping[str, Any], key: str) -> str:
    """A label of an object; empty: it has none."""
    return str((thing["metadata"].get("labels") or {}).get(key, ""))
