"""`xlm launch check`, as a user calls it."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.cluster.kubernetes.conftest import role_rules
from tests.cluster.kubernetes.fake_api.server import NAMESPACE, TOKEN, FakeApi
from tests.cluster.slurm.fake_command import FakeSlurm
from xlm.cli.main import app
from xlm.errors import ConfigError

CONFIG = "SLURM_VERSION = 24.11.5\nAccountingStorageType = accounting_storage/none\n"
PARTITION = "PartitionName=gpu Default=YES State=UP TotalNodes=4 MaxTime=UNLIMITED\n"


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    fake = FakeSlurm(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    fake.answers("scontrol", {"output": CONFIG}, {"output": PARTITION})
    fake.answers("sinfo", {"output": "4|idle|(null)\n"})
    return fake


def _check(root: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["launch", "check", "--root", str(root), *words])


def test_one_line_for_each_check_and_a_closing_line(slurm: FakeSlurm, tmp_path: Path) -> None:
    result = _check(tmp_path / "store", "--launcher", "slurm")
    assert result.exit_code == 0, result.output
    header, *lines, last = result.stdout.splitlines()
    assert header.split() == ["check", "verdict", "found"]
    assert [line.split()[1] for line in lines if line.startswith("partition")] == ["ok"]
    oks = sum(" ok " in line for line in lines)
    warnings = sum(" warning " in line for line in lines)
    assert oks + warnings == len(lines)
    assert last.startswith(f"slurm: {oks} ok, {warnings} warning")
    assert last.endswith(", 0 failed. Nothing was submitted; add --submit to look from a node")
    assert not (tmp_path / "store").exists()


def test_a_failed_check_is_exit_code_1(slurm: FakeSlurm, tmp_path: Path) -> None:
    choice = ("--launcher", "slurm", "--set", "launcher.slurm.partition=none")
    result = _check(tmp_path, *choice)
    assert result.exit_code == 1
    assert "; set launcher.slurm.partition to one of: gpu" in result.stdout
    assert result.stdout.splitlines()[-1].endswith(", 1 failed. A run would fail")
    slurm.answers("scontrol", {"output": CONFIG}, {"output": PARTITION})
    result = _check(tmp_path, *choice, "--submit", "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["launcher"], document["failed"]) == (1, "slurm", 1)
    last = document["checks"][-1]
    assert (last["name"], last["verdict"], last["found"]) == (
        "trial job",
        "warning",
        "not submitted",
    )
    assert [asked["arguments"][0] for asked in slurm.asked("sbatch")] == ["--test-only"] * 2


def test_processes_that_cannot_be_spread_are_a_failed_check(
    slurm: FakeSlurm, tmp_path: Path
) -> None:
    result = _check(
        tmp_path, "--launcher", "slurm", "--set", "launcher.slurm.nodes=2",
        "--set", "pretrain.processes=3",
    )  # fmt: skip
    assert result.exit_code == 1
    assert "cannot be spread evenly over 2 nodes" in result.stdout


def test_words_of_the_cluster_cannot_steer_the_terminal(slurm: FakeSlurm, tmp_path: Path) -> None:
    slurm.answers("sbatch", {"status": 1, "errors": "sbatch: error: \x1b[31mno\n"})
    result = _check(tmp_path, "--launcher", "slurm")
    assert "\x1b" not in result.stdout
    assert "Slurm would refuse the job: \\x1b[31mno" in result.stdout


def test_kubernetes(tmp_path: Path) -> None:
    with FakeApi(rules=role_rules()) as fake:
        kubeconfig = fake.kubeconfig(tmp_path / "kubeconfig", namespace=NAMESPACE)
        result = _check(
            tmp_path / "store", "--launcher", "kubernetes", "--json",
            "--set", f"launcher.kubernetes.kubeconfig={kubeconfig}",
            "--set", "launcher.kubernetes.image=a", "--set", "launcher.kubernetes.claim=store",
        )  # fmt: skip
        assert result.exit_code == 0, result.output
        assert TOKEN not in result.output
        assert fake.objects.everything() == []
    checks = {one["name"]: one["verdict"] for one in json.loads(result.stdout)["checks"]}
    assert checks["creation"] == checks["permissions"] == "ok"


def test_this_machine_is_not_a_cluster(tmp_path: Path) -> None:
    error = _check(tmp_path).exception
    assert isinstance(error, ConfigError)
    assert str(error).startswith("launcher.kind is local: there is no cluster to check; add")
