"""The batch script of a job.

    text = render_script(job, config.launcher.slurm)

Every name and path is quoted. The script contains no secret: those come with the environment of
the nodes.
"""

import shlex
import sys
from collections.abc import Iterator, Sequence
from math import ceil
from pathlib import Path

from xlm.cluster.job import ClusterJob
from xlm.cluster.records import AGAIN_FILE
from xlm.config.launcher.slurm import SlurmConfig, notice_seconds
from xlm.errors import ClusterError

_RUNTIMES = {
    "pyxis": "--container-image={image} --container-mounts={mounts} --no-container-mount-home",
    "apptainer": "apptainer exec --bind {mounts} {image}",
    "enroot": "enroot start --rw --mount {mounts} {image}",
}
_GPU_OPTIONS = {"apptainer": "apptainer exec --nv --bind {mounts} {image}"}
_OTHER_TASKS_SECONDS = 60
"""How long the agents of other nodes may live when the first has left."""
_MOST_EARLY_NOTICES = 20
"""Restarts after a notice that came before the agent could hear it."""

_BODY = """\
set -u
# A user's token is for the machine that submits. With one, Slurm starts no steps here.
unset SLURM_JWT
export XLM_JOB_ID=$SLURM_JOB_ID
# Below the ports that Linux gives to connections, and another one at each start.
export XLM_MAIN_PORT=$((20000 + (7 * SLURM_JOB_ID + ${{SLURM_RESTART_COUNT:-0}}) % 12000))
# The first node has rank 0 at every start. Its name need not be an address.
if [ -z "${{XLM_MAIN_ADDRESS:-}}" ]; then
  first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
  XLM_MAIN_ADDRESS=$first
  if ! getent hosts "$first" > /dev/null; then
    XLM_MAIN_ADDRESS=$(scontrol -o show node "$first" | sed -n 's/.* NodeAddr=\\([^ ]*\\).*/\\1/p')
  fi
fi
export XLM_MAIN_ADDRESS
{exports}{setup}
# Only this shell hears that the time is nearly over. It asks the agents to save, and waits.
step= noticed=
notice() {{ noticed=1; if [ -n "$step" ]; then kill -USR1 "$step" 2> /dev/null; fi; }}
trap notice USR1
# A cancelled job may save its state; the default would end the shell first.
trap : TERM
# The first agent that leaves must not get the others killed while they save.
srun --kill-on-bad-exit=0 --wait={wait} --ntasks-per-node=1 --cpus-per-task={cpus}{srun} \\
  sh -c 'XLM_NODE_RANK=$SLURM_NODEID; export XLM_NODE_RANK; exec "$@"' agent \\
  {command} &
step=$!
if [ -n "$noticed" ]; then kill -USR1 "$step"; fi
code=0
while kill -0 "$step" 2> /dev/null; do wait "$step"; code=$?; done
again=
if [ -e {again} ]; then again=1; fi
# The notice came before an agent could hear it.
if [ -n "$noticed" ] && [ "$code" -gt 128 ] && [ "${{SLURM_RESTART_COUNT:-0}}" -lt {most} ]; then
  again=1
fi
if [ -n "$again" ] && scontrol requeue "$SLURM_JOB_ID"; then
  sleep 600  # Slurm ends this shell.
fi
exit "$code"
"""


def render_script(job: ClusterJob, settings: SlurmConfig) -> str:
    """The script that sbatch gets; it starts the agent on each node.

    Raises:
        ClusterError: the container runtime cannot be used, or cannot mount a folder of the job.
    """
    cpus = job.processes_per_node * (settings.cpus_per_process or job.threads_per_process)
    srun, command = _command(job, settings)
    lines = ["#!/bin/bash", *_directives(job, settings, cpus), ""]
    body = _BODY.format(
        exports=_exports(settings),
        setup=_setup(settings),
        wait=ceil(job.save_seconds) + _OTHER_TASKS_SECONDS,
        cpus=cpus,
        srun="".join(f" {shlex.quote(word)}" for word in srun),
        command=shlex.join(command),
        again=shlex.quote(str(job.directory / AGAIN_FILE)),
        most=_MOST_EARLY_NOTICES,
    )
    return "\n".join(lines) + body


def _directives(job: ClusterJob, settings: SlurmConfig, cpus: int) -> Iterator[str]:
    """The lines that sbatch reads; it takes the rest of a line as one value if that is quoted."""
    options = {
        "job-name": job.name,
        "comment": f"xlm:{job.name}",
        "dependency": "singleton",
        "nodes": str(job.nodes),
        "ntasks-per-node": "1",
        "cpus-per-task": str(cpus),
        "partition": settings.partition,
        "account": settings.account,
        "qos": settings.qos,
        "constraint": settings.constraint,
        "time": settings.time,
        "mem": settings.memory,
        "signal": f"B:USR1@{notice_seconds(job.save_seconds)}",
        "output": "slurm-%j.log",
        "open-mode": "append",
    }
    for name, value in options.items():
        if value is not None:
            yield f"#SBATCH --{name}={_quoted(value)}"
    yield "#SBATCH --requeue"
    if job.uses_gpu:
        yield f"#SBATCH {settings.gpu_option.replace('{count}', str(job.processes_per_node))}"
    for option in settings.options:
        yield f"#SBATCH {option}"


def _quoted(value: str) -> str:
    """A value in the quotes of sbatch, which are not those of a shell."""
    if value and all(one.isalnum() or one in "._:@%/+-," for one in value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _exports(settings: SlurmConfig) -> str:
    """Our package for the Python of the nodes; an image has its own."""
    if settings.container is not None:
        return ""
    home = shlex.quote(str(Path(__file__).parents[3]))
    return f'export PYTHONPATH={home}"${{PYTHONPATH:+:$PYTHONPATH}}"\n'


def _setup(settings: SlurmConfig) -> str:
    """The lines of the user; modules and environments often read variables that are not set."""
    if not settings.setup:
        return ""
    return "".join(f"{line}\n" for line in ("set +u", *settings.setup, "set -u"))


def _command(job: ClusterJob, settings: SlurmConfig) -> tuple[list[str], list[str]]:
    """Further words for srun, and the command that runs on each node."""
    python = settings.python or (sys.executable if settings.container is None else "python")
    agent = [python, "-P", "-m", "xlm.cluster.agent", str(job.record)]
    if settings.container is None:
        return [], agent
    template = _RUNTIMES.get(settings.container_runtime, settings.container_runtime)
    if job.uses_gpu:
        template = _GPU_OPTIONS.get(settings.container_runtime, template)
    words = _split(template)
    mounts = _mounts(job.folders) if "{mounts}" in template else ""
    words = [_filled(word, settings.container, mounts) for word in words]
    if template.startswith("-"):
        return words, agent
    return [], [*words, *agent]


def _split(template: str) -> list[str]:
    try:
        words = shlex.split(template)
    except ValueError as error:
        raise ClusterError(
            f"launcher.slurm.container_runtime cannot be read: {error}", fix="close its quotes"
        ) from error
    if not any("{image}" in word for word in words):
        raise ClusterError(
            f"launcher.slurm.container_runtime {template!r} does not contain {{image}}",
            fix=f"use {', '.join(_RUNTIMES)}, or a command with {{image}} and {{mounts}}",
        )
    return words


def _mounts(folders: Sequence[Path]) -> str:
    for folder in folders:
        if found := [repr(one) for one in ",:" if one in str(folder)]:
            raise ClusterError(
                f"a container cannot mount {folder}: its path contains {' and '.join(found)}",
                fix="move the store (XLM_ROOT) to a path without ',' and ':'",
            )
    return ",".join(f"{folder}:{folder}" for folder in folders)


def _filled(word: str, image: str, mounts: str) -> str:
    return word.replace("{image}", image).replace("{mounts}", mounts)
