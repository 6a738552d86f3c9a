"""The whole DAG from a terminal: all stages built, all cached, and kill -9 in three of them."""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from subprocess import Popen

import pytest

from tests.flows.console import REPOSITORY, XLM, digests, environment, processes_of, start, xlm
from tests.hostile import hostile_folder, imported_from
from tests.listening_sockets import SocketWatch
from tests.tutorial import TutorialShell, commands_of
from xlm.errors import RequeueError
from xlm.processes.signals import END_SIGNALS

SMALL = str(Path(__file__).with_name("small.yaml"))
TUTORIAL = REPOSITORY / "docs" / "tutorials" / "first-run.md"
REAL = str(Path(__file__).with_name("real.yaml"))
ODD_NAME = "50%25 a#b?c=d&e ü:x\"y'z"
RUN_SMALL = ("run", "--profile", SMALL)
LONG_TRAINING = ("--set", "pretrain.updates=1000000", "--set", "pretrain.checkpoint_updates=500000")
"""Training saves its state only if it is stopped."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of one uninterrupted run."""
    # Stages, workers, Prefect and its database accept any name of the root.
    root = tmp_path_factory.mktemp("straight") / ODD_NAME
    with SocketWatch(lambda: processes_of(root)) as watch:
        assert "53 built" in xlm(root, *RUN_SMALL)
    # Any other port would be open to the network.
    assert not watch.open_to_others
    for part in (
        "bin/xlm run",
        "pool/worker.py",
        "flows.server.app",
        "training.launch.entry",
        "classification.launch.entry",
    ):
        assert any(part in command for command in watch.seen.values()), part
    assert any("flows.server.app" in one.command for one in watch.sockets)
    return root


def test_the_last_message_of_a_run_summarises_it(straight: Path) -> None:
    """The UI shows it on the run's page."""
    with closing(sqlite3.connect(straight / "prefect" / "prefect.db")) as records:
        rows = records.execute(
            "SELECT message FROM flow_run_state WHERE type = 'COMPLETED' ORDER BY timestamp"
        ).fetchall()
    accuracy = r"accuracy: English \d+\.\d %, mean \d+\.\d %"
    assert re.fullmatch(
        rf"53 built, 0 cached in \d+ s(; inputs hashed in [^;]+)?; {accuracy}", rows[0][0]
    )


def test_a_second_run_is_fully_cached(straight: Path) -> None:
    assert "53 cached" in xlm(straight, *RUN_SMALL)
    assert "53 cached" in xlm(straight, "plan", "--profile", SMALL)


def test_the_plan_shows_the_same_mixture_as_training(straight: Path) -> None:
    (trained,) = (straight / "artifacts" / "pretrain").glob("*/mixture.json")
    planned = xlm(straight, "plan", "--profile", SMALL).split("\n")
    alone = xlm(straight, "plan", "--profile", SMALL, "--only", "pretrain").split("\n")
    mixture = [line for line in planned if line.startswith(("mlm.", "tlm."))]
    assert mixture == [line for line in alone if line.startswith(("mlm.", "tlm."))]
    for row in json.loads(trained.read_bytes()):
        (line,) = [line for line in planned if line.startswith(f"{row['step']} ")]
        _, lines, tokens, *_, repetitions = line.replace(",", "").split()
        assert (int(lines), int(tokens)) == (row["lines"], row["tokens"])
        assert float(repetitions) == round(row["repetitions"], 2)


def test_a_run_imports_nothing_from_the_current_folder(straight: Path, tmp_path: Path) -> None:
    """A `random.py` stopped pretraining, and a `grp.py` was executed."""
    root, folder = tmp_path / "data", hostile_folder(tmp_path / "here")
    shutil.copytree(straight, root)
    again = ("--refresh", "tokenize[sw]", "--refresh", "pretrain")
    process = start(root, *RUN_SMALL, *again, cwd=folder)
    printed, _ = process.communicate(timeout=400)
    assert (process.returncode, imported_from(folder)) == (0, []), printed
    assert "2 built" in printed


def test_results_and_costs_of_the_last_run(straight: Path) -> None:
    results = json.loads(xlm(straight, "results", "--json"))
    assert [row["code"] for row in results["languages"]] == ["en", "fr", "sw"]
    printed = xlm(straight, "results")
    assert "mean of 3" in printed
    assert "classifier" in printed
    costs = json.loads(xlm(straight, "results", "--costs", "--json"))
    assert {row["stage"] for row in costs} >= {"tokenize", "pretrain", "publish"}
    assert all(row["peak_memory_bytes"] > 0 for row in costs)


def test_the_published_model_leads_back_to_every_source(straight: Path, tmp_path: Path) -> None:
    (published,) = (straight / "artifacts" / "publish").glob("*")
    copy = shutil.copy(published / "classifier" / "model.safetensors", tmp_path / "copy")
    lineage = json.loads(xlm(straight, "lineage", copy, "--format", "json"))
    assert lineage["subject"]["path_in_artifact"] == "classifier/model.safetensors"
    assert len(lineage["artifacts"]) == 53
    assert {one["state"] for one in lineage["artifacts"]} == {"stored"}
    downloads = (straight / "artifacts" / "download").glob("*/manifest.json")
    recorded = [json.loads(path.read_bytes())["sources"][0] for path in downloads]
    found = {(one["url"], one["sha256"], one["licence"]) for one in lineage["sources"]}
    assert found == {(one["address"], one["sha256"], one["licence"]) for one in recorded}
    assert len(found) == 7


def test_the_commands_of_the_tutorial_work(straight: Path, tmp_path: Path) -> None:
    shutil.copytree(straight, tmp_path / "data")
    variables = {k: v for k, v in environment(straight).items() if k != "XLM_ROOT"}
    shell = TutorialShell(tmp_path, ("--profile", SMALL), variables | {"HF_HUB_OFFLINE": "1"})
    # The store has the first run, so the second `xlm run` is the same command again.
    printed = {command: shell.run(command) for command in dict.fromkeys(commands_of(TUTORIAL))}
    assert "53 cached" in printed["xlm run"]
    assert "mean of 3" in printed["xlm results"]
    (planned,) = (text for command, text in printed.items() if "plan --set bpe.codes" in command)
    assert "codes: 300 -> 150" in planned
    (classified,) = (text for command, text in printed.items() if "classify.py" in command)
    assert classified.count("entailment") == 6


def test_the_store_verifies_deep(straight: Path) -> None:
    assert "53 artifacts checked (deep), 0 damaged" in xlm(straight, "store", "verify")


def test_a_damaged_artifact_is_named(straight: Path, tmp_path: Path) -> None:
    (victim,) = (straight / "artifacts" / "learn-bpe").iterdir()
    codes = victim / "codes"
    text = codes.read_bytes()
    codes.write_bytes(text[:-1] + b"!")
    try:
        assert "codes does not match its sha256" in xlm(straight, "store", "verify", code=1)
    finally:
        codes.write_bytes(text)


def _staged(stage: str, pattern: str = "*") -> Callable[[Path], bool]:
    return lambda root: any((root / "staging" / stage).glob(f"*/{pattern}"))


@pytest.mark.fault
def test_kill_during_tokenize_pretrain_and_publish_ends_with_the_same_bytes(
    straight: Path, tmp_path: Path
) -> None:
    for moment in (
        _staged("tokenize", "scratch"),
        _staged("pretrain", "scratch/**/*.safetensors"),
        _staged("publish", "out/*"),
    ):
        _run_and_kill(tmp_path, moment)
    xlm(tmp_path, *RUN_SMALL)
    assert digests(tmp_path) == digests(straight)
    with closing(sqlite3.connect(tmp_path / "prefect" / "prefect.db")) as records:
        ends = records.execute("SELECT state_type FROM flow_run ORDER BY created").fetchall()
        running = records.execute("SELECT name FROM task_run WHERE state_type = 'RUNNING'")
        assert [end for (end,) in ends] == ["CRASHED"] * 3 + ["COMPLETED"]
        assert running.fetchall() == []


@pytest.mark.fault
@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 75), (signal.SIGUSR1, 75), (signal.SIGHUP, 75)],
)
def test_a_signal_ends_a_long_training_at_once_and_its_state_is_saved(
    straight: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """Exit code 75 lets a scheduler queue the job again; a shell sees Ctrl-C."""
    root = tmp_path / "a root with ü"
    process = _long_training(straight, root)
    os.killpg(process.pid, number)
    _assert_ends_interrupted(process, root, code)


@pytest.mark.fault
def test_sigusr1_to_every_process_ends_the_run_and_no_helper_before(
    straight: Path, tmp_path: Path
) -> None:
    """Slurm may send it to all processes of a job: it killed guards, server and training."""
    root = tmp_path / "data"
    process = _long_training(straight, root)
    helpers = {number for number, line in processes_of(root).items() if _only_helps(line)}
    for number in helpers:
        os.kill(number, signal.SIGUSR1)
    time.sleep(0.1)
    everybody = processes_of(root)
    assert helpers <= set(everybody)
    assert len(helpers) >= 3, "two guards and the server"
    for number in everybody:
        os.kill(number, signal.SIGUSR1)
    _assert_ends_interrupted(process, root, RequeueError.exit_code)


def _long_training(straight: Path, root: Path) -> "Popen[str]":
    """A run that has started to train, with all earlier stages in the store."""
    shutil.copytree(straight, root)
    process = start(root, *RUN_SMALL, "--only", "pretrain", *LONG_TRAINING)
    _wait_for(_staged("pretrain", "scratch/metrics.jsonl"), root, process)
    return process


def _only_helps(line: str) -> bool:
    takers = ("bin/xlm run", "xlm.training.launch.entry")
    return "guard.py" in line or not any(taker in line for taker in takers)


def _assert_ends_interrupted(process: "Popen[str]", root: Path, code: int) -> None:
    printed, _ = process.communicate(timeout=40)
    assert process.returncode == code, printed
    assert "pretrain  interrupted" in printed
    assert printed.endswith("xlm: interrupted; the same command continues from here\n")
    assert _staged("pretrain", "scratch/checkpoints/update-*")(root)
    _wait_until_nothing_runs_on(root)
    record = max((root / "runs").glob("*.json"))
    assert json.loads(record.read_text())["state"] == "stopped"


@pytest.mark.fault
@pytest.mark.parametrize(
    ("number", "whole_group"), [(signal.SIGINT, False), (signal.SIGTERM, True)]
)
def test_a_run_whose_worker_has_died_ends_when_it_is_interrupted(
    straight: Path, tmp_path: Path, number: signal.Signals, whole_group: bool
) -> None:
    # An empty store where Prefect has been before: setting up its database takes seconds.
    shutil.copytree(straight / "prefect", tmp_path / "prefect")
    process = start(tmp_path, *RUN_SMALL)

    def workers() -> list[int]:
        return [n for n, line in processes_of(tmp_path).items() if "pool/worker.py" in line]

    _wait_for(lambda root: bool(workers()), tmp_path, process)
    os.kill(workers()[0], signal.SIGKILL)
    began = time.monotonic()
    (os.killpg if whole_group else os.kill)(process.pid, number)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + number, printed
    assert printed.endswith("xlm: interrupted; the same command continues from here\n")
    assert time.monotonic() - began < 10
    assert not processes_of(tmp_path)


@pytest.mark.fault
def test_a_killed_prefect_server_stops_no_stage_and_is_one_line(
    straight: Path, tmp_path: Path
) -> None:
    root = tmp_path / "data"
    shutil.copytree(straight, root)
    command = (*RUN_SMALL, "--set", "pretrain.seed=5", "--only", "pretrain")
    process = start(root, *command, PREFECT_CLIENT_MAX_RETRIES="1")
    _wait_for(_staged("pretrain", "scratch/metrics.jsonl"), root, process)
    servers = [
        number
        for number, line in processes_of(root).items()
        if "flows.server.app" in line and "guard.py" not in line
    ]
    assert servers
    for number in servers:
        os.kill(number, signal.SIGKILL)
    printed, _ = process.communicate(timeout=400)
    assert process.returncode == 1
    assert "1 built" in printed
    assert printed.splitlines()[-1].startswith("xlm: the Prefect server failed: "), printed
    assert "cached" in xlm(root, *command)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGUSR1])
def test_a_signal_in_the_first_moment_is_one_line(tmp_path: Path, number: signal.Signals) -> None:
    """It arrives before Python has loaded our code."""

    def interrupted() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, END_SIGNALS)
        os.kill(os.getpid(), number)

    done = subprocess.run(
        [XLM, *RUN_SMALL],
        cwd=REPOSITORY,
        env=environment(tmp_path),
        preexec_fn=interrupted,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 128 + number
    assert done.stderr == "xlm: interrupted; the same command continues from here\n"


def _wait_for(moment: Callable[[Path], bool], root: Path, process: Popen[str]) -> None:
    deadline = time.monotonic() + 400
    while not moment(root):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.005)


def _run_and_kill(root: Path, moment: Callable[[Path], bool]) -> None:
    process = start(root, *RUN_SMALL)
    _wait_for(moment, root, process)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    _wait_until_nothing_runs_on(root)


def _wait_until_nothing_runs_on(root: Path) -> None:
    """Workers, training processes and the server end with their killed driver, within 15 s."""
    deadline = time.monotonic() + 15
    while left := processes_of(root):
        assert time.monotonic() < deadline, left
        time.sleep(0.2)


def test_three_languages_of_real_data(shared: Path, tmp_path: Path) -> None:
    mirror = f"sources.mirror={shared / 'mirror'}"
    printed = xlm(tmp_path, "run", "--profile", REAL, "--set", mirror)
    assert "failed" not in printed
    results = json.loads(xlm(tmp_path, "results", "--json"))
    tested = {row["code"]: row["test"]["total"] for row in results["languages"]}
    assert tested == {"en": 50, "fr": 50, "sw": 50}
    assert all(row["perplexity"] > 1 for row in results["languages"])
