"""Checks of a Slurm cluster that submit nothing.

for check in check_slurm(settings, job): ...
"""

import os
import re
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from xlm.cluster.checks.check import Check, Verdict, caught
from xlm.cluster.job import ClusterJob
from xlm.cluster.slurm.commands import Answer, run_slurm
from xlm.cluster.slurm.partition import check_partitions
from xlm.cluster.slurm.runtime import check_runtime
from xlm.cluster.slurm.scheduler import SCRIPT_FILE
from xlm.cluster.slurm.script import render_script
from xlm.config.launcher.slurm import SlurmConfig
from xlm.errors import ClusterError

_NEEDED = ("sbatch", "squeue", "scontrol", "scancel", "sinfo")
_SECONDS = 30.0
"""A controller that needs longer is too slow to wait for at a terminal."""
_SETTING = re.compile(r"^(\w+)\s*=\s*(.*?)\s*$", re.MULTILINE)
_NO_NODES = "node configuration is not available"
_FIX_SUBMISSION = (
    "correct launcher.slurm; `sinfo` shows partitions, `sacctmgr show assoc user=$USER` accounts"
)


def check_slurm(settings: SlurmConfig, job: ClusterJob) -> Iterator[Check]:
    """Look at the client tools, the controller, and whether it would accept the job."""
    tools = _tools()
    yield tools
    yield from caught("python", check_runtime(settings, job))
    if tools.has_failed:
        return
    seconds = min(settings.command_seconds, _SECONDS)
    began = time.monotonic()
    try:
        answer = run_slurm(["scontrol", "show", "config"], seconds=seconds)
    except ClusterError as error:
        yield Check.failed("controller", error.what, error.fix)
        return
    if answer.status != 0:
        yield Check.failed(
            "controller",
            f"it did not answer: {answer.shown()}",
            "try `scontrol ping`; see $SLURM_CONF, and whether munge runs here",
        )
        return
    cluster = dict(_SETTING.findall(answer.output))
    yield _controller(cluster, time.monotonic() - began)
    partitions = list(caught("partition", check_partitions(settings, job, seconds)))
    yield from partitions
    yield from caught("account", _account(settings, cluster, seconds))
    # A real job would wait for nodes that are drained; a test of it is refused.
    may_wait = any(check.verdict == Verdict.WARNING for check in partitions)
    yield from caught("submission", _submission(settings, job, seconds, may_wait=may_wait))


def _tools() -> Check:
    missing = [name for name in _NEEDED if shutil.which(name) is None]
    if missing:
        return Check.failed(
            "client tools",
            f"not installed on this machine: {', '.join(missing)}",
            "run where Slurm's commands are, such as a login node, or add them to $PATH",
        )
    folders = sorted({str(Path(shutil.which(name) or "").parent) for name in _NEEDED})
    return Check.ok("client tools", f"{', '.join(_NEEDED)} in {', '.join(folders)}")


def _controller(cluster: dict[str, str], seconds: float) -> Check:
    words = [f"Slurm {cluster.get('SLURM_VERSION', 'of an unknown version')}"]
    if name := cluster.get("ClusterName"):
        words.append(f"cluster {name}")
    words.append(f"answered in {seconds:.1f} s")
    if (started := cluster.get("BOOT_TIME", "")).isdigit():
        when = datetime.fromtimestamp(int(started), UTC)
        words.append(f"up since {when:%Y-%m-%d %H:%M} UTC")
    return Check.ok("controller", ", ".join(words))


def _account(settings: SlurmConfig, cluster: dict[str, str], seconds: float) -> Iterator[Check]:
    """Whether the user may use the account and the quality of service."""
    kind = cluster.get("AccountingStorageType", "")
    if not kind or kind.endswith("/none") or kind == "(null)":
        yield Check.ok("account", "this cluster has no accounting, so any account is accepted")
        return
    user = _user()
    answer = run_slurm(
        ["sacctmgr", "--noheader", "--parsable2", "show", "associations", f"user={user}",
         "format=Account,QOS"],
        seconds=seconds,
    )  # fmt: skip
    if answer.status != 0:
        yield Check.warning(
            "account",
            f"sacctmgr did not answer: {answer.shown()}",
            "ask for your account if submissions are refused",
        )
        return
    rows = [line.split("|") for line in answer.output.splitlines() if "|" in line]
    # Slurm writes names of accounts in lower case.
    given = settings.account.lower() if settings.account else None
    accounts = sorted({row[0] for row in rows if row[0]})
    if not accounts:
        yield _no_association(user, cluster)
    elif given is not None and given not in accounts:
        yield Check.failed(
            "account",
            f"user {user} has no account {settings.account}",
            f"set launcher.slurm.account to one of: {', '.join(accounts)}",
        )
    else:
        yield Check.ok("account", f"{settings.account or 'default'}, of {', '.join(accounts)}")
    allowed = {qos for row in rows if given in (None, row[0]) for qos in row[1].split(",") if qos}
    if settings.qos is not None and accounts:
        if settings.qos.lower() in {qos.lower() for qos in allowed}:
            yield Check.ok("qos", settings.qos)
        else:
            yield Check.failed(
                "qos",
                f"{settings.qos} is not allowed to user {user} with this account",
                f"set launcher.slurm.qos to one of: {', '.join(sorted(allowed)) or 'none'}",
            )


def _user() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _no_association(user: str, cluster: dict[str, str]) -> Check:
    found = f"user {user} has no account"
    if "associations" in cluster.get("AccountingStorageEnforce", ""):
        return Check.failed("account", found, "ask the administrators of the cluster for one")
    return Check.warning(
        "account", f"{found}, but the cluster does not require one", "none is needed now"
    )


def _submission(
    settings: SlurmConfig, job: ClusterJob, seconds: float, *, may_wait: bool
) -> Iterator[Check]:
    """What Slurm says to the real batch script, which it does not queue."""
    name = "submission"
    with TemporaryDirectory(prefix="xlm-launch-check-") as folder:
        script = Path(folder) / SCRIPT_FILE
        script.write_text(render_script(job, settings), encoding="utf-8")
        answer = run_slurm(
            ["sbatch", "--test-only", f"--chdir={folder}", str(script)], seconds=seconds
        )
    if answer.status != 0 and may_wait and _NO_NODES in answer.errors.lower():
        found = f"Slurm does not test it while nodes are out of use: {_refusal(answer)}"
        yield Check.warning(name, found, "check again when the nodes are back")
        return
    if answer.status != 0:
        yield Check.failed(name, f"Slurm would refuse the job: {_refusal(answer)}", _FIX_SUBMISSION)
        return
    shown = re.sub(r"at (\d{9,})", _at, answer.shown().removeprefix("sbatch: "))
    # The number belongs to a job that does not exist.
    yield Check.ok(name, f"Slurm would accept the job: {re.sub(r'^Job [0-9]+ ', '', shown)}")


def _at(found: re.Match[str]) -> str:
    return f"at {datetime.fromtimestamp(int(found[1]), UTC):%Y-%m-%d %H:%M} UTC"


def _refusal(answer: Answer) -> str:
    """The reason of sbatch, without its name in front."""
    return re.sub(r"\b(sbatch: error: |sbatch: |allocation failure: )", "", answer.shown())
