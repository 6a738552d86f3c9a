"""`xlm launch check`: one line for each check, and a closing line."""

import json
import secrets
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import typer

from xlm.cli.output import counted, one_line, printable, show
from xlm.cluster.checks.check import Check, Verdict, caught
from xlm.cluster.checks.cluster import check_cluster
from xlm.config.environment import MachineSettings
from xlm.config.pipeline import PipelineConfig
from xlm.display.text_table import text_table
from xlm.pipeline.request import RunRequest
from xlm.stages.model.launcher import require_launchable
from xlm.store.store import ArtifactStore

_INTERRUPTED = 130


def print_checks(
    request: RunRequest, root: str | None, *, submit: bool, wait_seconds: int, as_json: bool
) -> None:
    """Print the checks of the configured cluster; exit with 1 if one failed.

    Raises:
        ConfigError: the launcher is this machine, or the configuration is invalid.
    """
    config = request.resolve()
    store = ArtifactStore.open(MachineSettings.from_environment(root).root, write=False).root
    store = store.absolute()
    token = secrets.token_hex(6)
    found = check_cluster(config, store, token)
    checks = [*caught("settings", _settings(config)), *found]
    if submit:
        checks += _trial(config, store, wait_seconds, any(one.has_failed for one in checks))
    counts = Counter(one.verdict for one in checks)
    kind = config.launcher.kind
    if as_json:
        document = {
            "launcher": kind,
            **{verdict.value: counts[verdict] for verdict in Verdict},
            "checks": [asdict(one) for one in checks],
        }
        show(json.dumps(document, indent=1, ensure_ascii=False))
    else:
        rows = [(one.name, one.verdict.value, _words(one)) for one in checks]
        show(text_table(("check", "verdict", "found"), rows, left=range(3)))
        warnings = counted(counts[Verdict.WARNING], "warning")
        totals = f"{counts[Verdict.OK]} ok, {warnings}, {counts[Verdict.FAILED]} failed"
        show(f"{kind}: {totals}{_hint(counts, submit)}")
    if counts[Verdict.FAILED]:
        raise typer.Exit(1)


def _settings(config: PipelineConfig) -> Iterator[Check]:
    require_launchable(config)
    pretrain, launcher = config.pretrain, config.launcher
    nodes = launcher.slurm.nodes if launcher.kind == "slurm" else launcher.kubernetes.nodes
    yield Check.ok(
        "settings",
        f"processes {pretrain.processes}, nodes {nodes}, device {pretrain.device}, "
        f"{pretrain.save_seconds:g} s to save",
    )


def _trial(
    config: PipelineConfig, store: Path, wait_seconds: int, has_failed: bool
) -> Iterator[Check]:
    if has_failed:
        yield Check.warning("trial job", "not submitted", "correct the failed checks first")
        return
    from xlm.cluster.checks.trial import run_trial

    try:
        yield from caught(
            "trial job", run_trial(config, store, wait_seconds=wait_seconds, report=_report)
        )
    except KeyboardInterrupt:
        _report("interrupted; the job was cancelled and its files were removed")
        raise typer.Exit(_INTERRUPTED) from None


def _report(line: str) -> None:
    sys.stderr.write(f"xlm: {one_line(line)}\n")
    sys.stderr.flush()


def _words(check: Check) -> str:
    return printable(f"{check.found}; {check.fix}" if check.fix else check.found)


def _hint(counts: Counter[Verdict], submit: bool) -> str:
    if counts[Verdict.FAILED]:
        return ". A run would fail"
    return "" if submit else ". Nothing was submitted; add --submit to look from a node"
