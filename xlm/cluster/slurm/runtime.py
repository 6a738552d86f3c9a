"""Whether the Python, or the container, that jobs run is there; as far as this machine can tell.

yield from check_runtime(settings, job)
"""

import json
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from xlm.cluster.checks.check import Check, Verdict
from xlm.cluster.checks.store import check_visible
from xlm.cluster.job import ClusterJob
from xlm.cluster.slurm.commands import run_slurm
from xlm.cluster.slurm.script import render_script
from xlm.config.launcher.slurm import SlurmConfig
from xlm.errors import ClusterError

_OURS = Path(__file__).parents[3]
_SECONDS = 60.0
_PROGRAM = """\
import json, sys
from importlib import metadata
import xlm.cluster.agent
print(json.dumps([sys.version.split()[0], metadata.version("torch")]))
"""


def check_runtime(settings: SlurmConfig, job: ClusterJob) -> Iterator[Check]:
    """Check the container if one is configured, else the Python of the jobs."""
    if settings.container is None:
        yield from _python(settings)
    else:
        render_script(job, settings)  # refuses a runtime that is none
        yield _runtime(settings)
        yield _image(settings.container)


def _python(settings: SlurmConfig) -> Iterator[Check]:
    if settings.python is not None:
        yield _runs(settings.python)
    elif (check := check_visible("python", Path(sys.prefix))).verdict != Verdict.OK:
        yield Check.warning(
            "python",
            check.found,
            "put the virtual environment on a shared file system, or set launcher.slurm.python",
        )
    else:
        yield check
    # An environment that is shared may still use a package that is not.
    package = check_visible("package", _OURS)
    if package.verdict != Verdict.OK:
        fix = "install xlm-pipeline on a shared file system: the jobs import it from this path"
        yield Check.warning("package", package.found, fix)


def _runs(python: str) -> Check:
    if shutil.which(python) is None:
        return Check.warning(
            "python",
            f"launcher.slurm.python {python} is not on this machine",
            "see that it is on the nodes: `xlm launch check --submit`",
        )
    try:
        # As the batch script does: our package, and no other path.
        answer = run_slurm(
            ["env", f"PYTHONPATH={_OURS}", python, "-P", "-c", _PROGRAM], seconds=_SECONDS
        )
    except ClusterError as error:
        return Check.failed("python", f"{python}: {error.what}", "set launcher.slurm.python")
    if answer.status != 0:
        reason = answer.errors.splitlines()[-1] if answer.errors else f"status {answer.status}"
        return Check.failed(
            "python",
            f"launcher.slurm.python {python} cannot run the agent: {reason[:200]}",
            "set launcher.slurm.python to a Python 3.11 or later with the pipeline's dependencies",
        )
    version, torch = json.loads(answer.output.splitlines()[-1])
    return Check.ok("python", f"{python}: Python {version}, torch {torch}")


def _runtime(settings: SlurmConfig) -> Check:
    runtime = settings.container_runtime
    if runtime == "pyxis" or runtime.startswith("-"):
        option = "--container-image" if runtime == "pyxis" else shlex.split(runtime)[0]
        option = option.partition("=")[0]
        answer = run_slurm(["srun", "--help"], seconds=_SECONDS)
        if option in answer.output:
            return Check.ok("container runtime", f"srun has the option {option}")
        return Check.failed(
            "container runtime",
            f"srun has no option {option}" + (": pyxis is not installed" * (runtime == "pyxis")),
            "set launcher.slurm.container_runtime to what this cluster has, such as apptainer",
        )
    program = shlex.split(runtime)[0]
    if (path := shutil.which(program)) is not None:
        return Check.ok("container runtime", path)
    return Check.warning(
        "container runtime",
        f"{program} is not on this machine",
        "see that it is on the nodes: `xlm launch check --submit`",
    )


def _image(image: str) -> Check:
    is_file = image.startswith(("/", "./", "../", "~")) or image.endswith((".sif", ".sqsh"))
    if not is_file:
        return Check.warning(
            "image",
            f"{image} is pulled from a registry when the job starts",
            "see that the nodes can pull it: `xlm launch check --submit`",
        )
    path = Path(image)
    if not path.exists():
        return Check.failed(
            "image", f"{path} does not exist", "build it, or correct launcher.slurm.container"
        )
    return check_visible("image", path)
