"""Kills runs at random moments and compares what they leave with an undisturbed run.

    .venv/bin/python -m tests.flows.killing.campaign --kills 20 --seed 1 \\
        --profile mini15 --mirror ../shared/mirror

A moment is drawn from the seed: a stage, a number of its artifacts that are finished, and a delay.
The first moments cover every stage once. A victim is the whole tree of processes, the driver alone,
or one worker alone, which the run survives. The same command then continues, until all is built.
"""

import argparse
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from tempfile import TemporaryDirectory
from typing import Literal

from tests.flows.console import digests, processes_of, start, xlm
from tests.flows.killing.served_mirror import served_mirror
from tests.flows.killing.store_state import (
    StoreState,
    finished_by_stage,
    is_under_way,
    store_state,
)
from xlm.stages.registry import STAGES

Victim = Literal["tree", "driver", "worker"]
VICTIMS: tuple[Victim, ...] = ("tree", "driver", "worker")
_MAX_DELAY_SECONDS = 0.4
_POLL_SECONDS = 0.005
_MAX_RUN_SECONDS = 900.0
_MAX_END_SECONDS = 60.0


@dataclass(frozen=True)
class Moment:
    """When to kill what: in a stage, after some of its artifacts are finished."""

    stage: str
    finished: int
    delay_seconds: float
    victim: Victim

    def __str__(self) -> str:
        return f"{self.victim} in {self.stage} after {self.finished} + {self.delay_seconds:.2f} s"


@dataclass
class Campaign:
    """What happened: one entry for each kill, and the outcome."""

    happened: list[str] = field(default_factory=list)
    states: list[StoreState] = field(default_factory=list)
    """The store after each death of a driver."""
    problems: list[str] = field(default_factory=list)

    @property
    def stages_hit(self) -> frozenset[str]:
        """Stages with an unfinished artifact at the death of a driver."""
        return frozenset().union(*(state.under_way for state in self.states))


def draw_moments(stages: Counter[str], kills: int, seed: int) -> list[Moment]:
    """Draw moments in the order in which a run reaches them.

    Args:
        stages: artifacts of each stage.
        kills: the number of moments.
        seed: decides the moments.
    """
    rng = random.Random(seed)
    names = [stage.name for stage in STAGES if stages[stage.name]]
    chosen = names[:kills]
    # Further moments fall on any artifact of the run with the same chance.
    chosen += rng.choices(names, weights=[stages[name] for name in names], k=kills - len(chosen))
    times = [(names.index(stage), rng.randrange(stages[stage])) for stage in chosen]
    return [
        Moment(
            names[stage],
            finished,
            # The only artifact of a stage may be built in a moment.
            rng.uniform(0, _MAX_DELAY_SECONDS) if stages[names[stage]] > 1 else 0.0,
            # Two deaths of workers are never in one run: an item that kills two workers fails.
            VICTIMS[number % len(VICTIMS)],
        )
        for number, (stage, finished) in enumerate(sorted(times))
    ]


def run_campaign(
    straight: Path,
    root: Path,
    command: Sequence[str],
    moments: Sequence[Moment],
    report: Callable[[str], None] = lambda line: None,
) -> Campaign:
    """Run the command in `root`, kill it at each moment, continue, compare with `straight`."""
    totals = finished_by_stage(straight)
    campaign = Campaign()
    with (root.parent / f"{root.name}.log").open("wb") as log:
        process = start(root, *command, output=log.fileno())
        for moment in moments:
            if not _reached(moment, totals, root, process):
                break
            campaign.happened.append(f"{moment}: {_strike(moment.victim, process, root)}")
            if moment.victim != "worker":
                campaign.states.append(state := store_state(root))
                campaign.happened[-1] += (
                    f"; {len(state.artifacts)} artifacts and {len(state.files)} further files"
                    f" finished, under way: {' '.join(sorted(state.under_way)) or 'nothing'}"
                )
                process = start(root, *command, output=log.fileno())
            report(campaign.happened[-1])
        assert process.wait(_MAX_RUN_SECONDS) == 0, Path(log.name).read_text()
    campaign.problems = _problems(campaign.states, straight, root)
    return campaign


def _reached(moment: Moment, totals: Counter[str], root: Path, process: "Popen[str]") -> bool:
    """Wait for a moment; False if the run ended before."""
    deadline = time.monotonic() + _MAX_RUN_SECONDS
    while process.poll() is None:
        assert time.monotonic() < deadline, moment
        finished = finished_by_stage(root, moment.stage)[moment.stage]
        is_over = finished == totals[moment.stage]
        if is_over or (finished >= moment.finished and is_under_way(root, moment.stage)):
            time.sleep(moment.delay_seconds)
            return process.poll() is None
        time.sleep(_POLL_SECONDS)
    return False


def _strike(victim: Victim, process: "Popen[str]", root: Path) -> str:
    """Kill; returns what was killed. After the death of a driver, waits until nothing runs."""
    if victim == "worker":
        return _kill_a_worker(process, root)
    running = processes_of(root)
    _kill([process.pid] if victim == "driver" else [process.pid, *running])
    process.wait()
    deadline = time.monotonic() + _MAX_END_SECONDS
    while left := processes_of(root):
        if victim == "tree":  # what had only just started
            _kill(left)
        assert time.monotonic() < deadline, left
        time.sleep(_POLL_SECONDS)
    return f"killed {len(running) if victim == 'tree' else 1} processes"


def _kill_a_worker(process: "Popen[str]", root: Path) -> str:
    """Kill a worker as soon as one runs."""
    deadline = time.monotonic() + _MAX_RUN_SECONDS
    while process.poll() is None:
        assert time.monotonic() < deadline
        for number, line in processes_of(root).items():
            if "pool/worker.py" in line:
                _kill([number])
                return "killed a worker"
        time.sleep(_POLL_SECONDS)
    return "the run ended before a worker started"


def _kill(numbers: Iterable[int]) -> None:
    for number in numbers:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)


def _problems(states: Sequence[StoreState], straight: Path, root: Path) -> list[str]:
    """In what the killed runs differ from the undisturbed one."""
    final = store_state(root)
    found = [f"lost: {name}" for state in states for name in state.lost(final)]
    found += [f"done again: {name}" for state in states for name in state.redone(final, root)]
    found += [f"left in staging: {stage}" for stage in final.under_way]
    ours, theirs = digests(root), digests(straight)
    found += [
        f"digest of {node}: {ours.get(node)}, undisturbed {theirs.get(node)}"
        for node in sorted(ours.keys() | theirs.keys())
        if ours.get(node) != theirs.get(node)
    ]
    record = json.loads(max((root / "runs").glob("*.json")).read_bytes())
    built = sum(node["status"] == "built" for node in record["nodes"])
    expected = len(theirs) - len(states[-1].artifacts) if states else len(theirs)
    if built != expected:
        found.append(f"the last run built {built} artifacts, {expected} were not finished")
    if "0 damaged" not in (checked := xlm(root, "store", "verify")):
        found.append(checked)
    return found


def main() -> None:
    """Run the command undisturbed, then killed, and print what happened."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--profile", default="mini15")
    parser.add_argument("--until", default="shard")
    parser.add_argument("--mirror", type=Path, required=True)
    chosen = parser.parse_args()
    with TemporaryDirectory() as scratch, served_mirror(chosen.mirror) as server:
        straight, root = Path(scratch, "straight"), Path(scratch, "killed")
        command = ["run", "--profile", chosen.profile, "--until", chosen.until]
        command += ["--set", f"sources.mirror={server.url}"]
        print(xlm(straight, *command, timeout_seconds=3600).splitlines()[-1], flush=True)
        moments = draw_moments(finished_by_stage(straight), chosen.kills, chosen.seed)
        server.completed.clear()
        campaign = run_campaign(
            straight, root, command, moments, lambda line: print(line, flush=True)
        )
    files = sum(len(state.files) for state in campaign.states)
    print(
        f"seed {chosen.seed}: {len(campaign.happened)} of {len(moments)} kills, inside of"
        f" {', '.join(sorted(campaign.stages_hit))};"
        f" {files} finished files of unfinished artifacts were kept;"
        f" {server.resumed} transfers were resumed; sent completely:"
        f" {len(server.completed)} files, {server.completed.total()} times"
    )
    sys.exit("\n".join(campaign.problems) or None)


if __name__ == "__main__":
    main()
