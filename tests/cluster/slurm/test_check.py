"""`xlm launch check` on Slurm with scripted answers: every verdict can be seen."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.fakes import make_job
from tests.cluster.slurm.fake_command import FakeSlurm
from xlm.cluster.checks.check import Check, Verdict, caught
from xlm.cluster.slurm.check import check_slurm
from xlm.config.launcher.slurm import SlurmConfig

Look = Callable[..., dict[str, Check]]
CONFIG = """\
Configuration data as of 1795945413
AccountingStorageEnforce = {enforce}
AccountingStorageType   = accounting_storage/{accounting}
BOOT_TIME               = 1795945413
ClusterName             = dev
SLURM_VERSION           = 24.11.5
"""
PARTITION = (
    "PartitionName={name} AllowGroups=ALL Default={default} DefaultTime={default_time} "
    "MaxNodes={most} MaxTime={time} Nodes=n[1-4] State={state} TotalCPUs=64 TotalNodes=4 "
    "TRES=cpu=64,node=4\n"
)
ACCEPTED = "sbatch: Job 9 to start at 1795945417 using 2 processors on nodes n1 in partition gpu"


def partition(name: str = "gpu", **fields: str) -> str:
    """A line of scontrol."""
    values = {"default": "YES", "default_time": "NONE", "most": "UNLIMITED", "time": "1-00:00:00"}
    return PARTITION.format(name=name, **(values | {"state": "UP"} | fields))


class Cluster:
    """What the commands of a cluster answer; by default all is well."""

    def __init__(self, fake: FakeSlurm) -> None:
        self.fake = fake
        self.config()
        fake.answers("sinfo", {"output": "3|idle|gpu:a100:8(S:0-1)\n1|drain|gpu:a100:8\n"})
        fake.answers("sbatch", {"errors": ACCEPTED})

    def config(self, accounting: str = "none", enforce: str = "none", partitions: str = "") -> None:
        """Set what scontrol shows: the configuration, then the partitions."""
        text = CONFIG.format(accounting=accounting, enforce=enforce)
        self.fake.answers("scontrol", {"output": text}, {"output": partitions or partition()})


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A fake cluster."""
    fake = FakeSlurm(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return Cluster(fake)


@pytest.fixture
def look(cluster: Cluster, tmp_path: Path) -> Look:
    """Checks the fake cluster; the checks by name."""

    def make(settings: dict[str, Any] | None = None, **job: Any) -> dict[str, Check]:
        config = SlurmConfig.model_validate({"command_seconds": 20, **(settings or {})})
        before = sorted(tmp_path.rglob("*.sbatch"))
        found = list(caught("slurm", check_slurm(config, make_job(tmp_path, **job))))
        assert sorted(tmp_path.rglob("*.sbatch")) == before
        assert all(check.fix for check in found if check.verdict != Verdict.OK)
        return {check.name: check for check in found}

    return make


def test_all_is_well_and_nothing_is_submitted(cluster: Cluster, look: Look) -> None:
    checks = look({"time": "12:00:00"}, uses_gpu=True, processes_per_node=8)
    assert not any(check.has_failed for check in checks.values())
    controller = checks["controller"].found
    assert controller.startswith("Slurm 24.11.5, cluster dev, answered in ")
    assert controller.endswith(", up since 2026-11-29 09:43 UTC")
    assert checks["partition"].found == (
        "gpu: 3 of 4 nodes can be used, time limit 1-00:00:00, 3 with 8 GPUs or more"
    )
    assert checks["submission"].found.endswith(
        "to start at 2026-11-29 09:43 UTC using 2 processors on nodes n1 in partition gpu"
    )
    (asked,) = cluster.fake.asked("sbatch")
    assert asked["arguments"][0] == "--test-only"


@pytest.mark.parametrize(
    ("settings", "job", "partitions", "verdict", "words"),
    [
        ({"partition": "none"}, {}, "", "failed", "there is no partition none"),
        ({}, {}, partition(state="DOWN"), "failed", "gpu is DOWN"),
        ({}, {}, partition(default="NO"), "failed", "no default partition"),
        ({}, {"nodes": 5}, "", "failed", "at most 4 nodes, and it needs 5"),
        ({}, {"nodes": 3}, partition(most="2"), "failed", "at most 2 nodes, and it needs 3"),
        ({"time": "2-00:00:00"}, {}, "", "failed", "a time limit of 1-00:00:00"),
        ({}, {}, partition(default_time="00:02:00"), "failed", "leaves no time"),
        ({"time": "1:00:00"}, {}, partition(default_time="00:02:00"), "ok", "gpu: 3 of 4"),
        ({}, {"nodes": 4}, "", "warning", "the job needs 4 and would wait"),
        (
            {},
            {"uses_gpu": True, "processes_per_node": 9},
            "",
            "failed",
            "no node with 9 GPUs; the most is 8",
        ),
        ({"partition": "gpu,none"}, {}, "", "warning", "there is no partition none"),
        ({"partition": "gpu"}, {}, partition(time="UNLIMITED"), "ok", "UNLIMITED"),
    ],
)
def test_the_partition(
    cluster: Cluster,
    look: Look,
    settings: dict[str, Any],
    job: dict[str, Any],
    partitions: str,
    verdict: str,
    words: str,
) -> None:
    cluster.config(partitions=partitions)
    found = look(settings, **job)["partition"]
    assert (found.verdict.value, words in found.found) == (verdict, True), found


def test_nodes_that_do_not_respond_cannot_be_used(cluster: Cluster, look: Look) -> None:
    cluster.fake.answers("sinfo", {"output": "1|idle*|(null)\n2|down|(null)\n1|mix|(null)\n"})
    assert look()["partition"].found.startswith("gpu: 1 of 4 nodes can be used")
    found = look(uses_gpu=True)["partition"]
    assert found.has_failed


@pytest.mark.parametrize(
    ("settings", "rows", "enforce", "verdicts"),
    [
        ({}, "p123|normal,long\n", "associations", {"account": "ok"}),
        ({"account": "P123", "qos": "long"}, "p123|normal,long\n", "associations",
         {"account": "ok", "qos": "ok"}),
        ({"account": "other"}, "p123|normal\n", "associations", {"account": "failed"}),
        ({"account": "p123", "qos": "long"}, "p123|normal\nb|long\n", "associations",
         {"account": "ok", "qos": "failed"}),
        ({}, "", "associations,limits", {"account": "failed"}),
        ({}, "", "none", {"account": "warning"}),
    ],
)  # fmt: skip
def test_the_account(
    cluster: Cluster,
    look: Look,
    settings: dict[str, str],
    rows: str,
    enforce: str,
    verdicts: dict[str, str],
) -> None:
    cluster.config(accounting="slurmdbd", enforce=enforce)
    cluster.fake.answers("sacctmgr", {"output": rows})
    checks = look(settings)
    found = {name: checks[name].verdict.value for name in ("account", "qos") if name in checks}
    assert found == verdicts


def test_accounting_that_does_not_answer_is_a_warning(cluster: Cluster, look: Look) -> None:
    cluster.config(accounting="slurmdbd")
    cluster.fake.answers("sacctmgr", {"status": 1, "errors": "Connection refused"})
    assert look()["account"].verdict == Verdict.WARNING


def test_a_refusal_of_sbatch_is_one_line(cluster: Cluster, look: Look) -> None:
    errors = "sbatch: error: invalid account\nallocation failure: Invalid account or\nqos\n"
    cluster.fake.answers("sbatch", {"status": 1, "errors": errors})
    found = look()["submission"]
    assert found.has_failed
    assert found.found == "Slurm would refuse the job: invalid account Invalid account or qos"


def test_a_refusal_for_drained_nodes_is_a_warning(cluster: Cluster, look: Look) -> None:
    errors = "allocation failure: Requested node configuration is not available"
    cluster.fake.answers("sbatch", {"status": 1, "errors": errors})
    assert look()["submission"].has_failed
    cluster.config()
    cluster.fake.answers("sinfo", {"output": "4|drain|(null)\n"})
    checks = look()
    assert checks["partition"].verdict == checks["submission"].verdict == Verdict.WARNING


def test_a_controller_that_is_away(cluster: Cluster, look: Look) -> None:
    errors = "slurm_load_ctl_conf error: Unable to contact slurm controller (connect failure)"
    cluster.fake.answers("scontrol", {"status": 1, "errors": errors})
    checks = look()
    assert "Unable to contact slurm controller" in checks["controller"].found
    assert "partition" not in checks
    cluster.fake.answers("scontrol", {"seconds": 60})
    found = look({"command_seconds": 0.5})["controller"]
    assert found.found == "scontrol did not answer within 0.5 s"


def test_missing_tools_are_named(
    look: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin" / "squeue").unlink()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/nowhere")
    checks = look()
    assert checks["client tools"].found == "not installed on this machine: squeue"
    assert "controller" not in checks


def test_an_own_python(look: Look, tmp_path: Path) -> None:
    found = look({"python": sys.executable})["python"]
    assert found.verdict == Verdict.OK
    assert ": Python 3." in found.found
    assert look({"python": "/opt/nowhere/python"})["python"].verdict == Verdict.WARNING
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'No module named torch' >&2\nexit 1\n")
    broken.chmod(0o755)
    found = look({"python": str(broken)})["python"]
    assert found.has_failed
    assert "cannot run the agent: No module named torch" in found.found


@pytest.mark.parametrize(
    ("runtime", "srun", "verdict"),
    [
        ("pyxis", "--container-image=IMAGE", "ok"),
        ("pyxis", "no plugin", "failed"),
        ("--shifter={image}", "--shifter", "ok"),
        ("--shifter={image}", "", "failed"),
        ("env {image}", "", "ok"),
        ("nowhere-to-be-found {image}", "", "warning"),
    ],
)
def test_the_container_runtime(
    cluster: Cluster, look: Look, runtime: str, srun: str, verdict: str
) -> None:
    cluster.fake.answers("srun", {"output": srun})
    checks = look({"container": "docker://x", "container_runtime": runtime})
    assert checks["container runtime"].verdict == verdict
    assert checks["image"].verdict == Verdict.WARNING
    assert "python" not in checks


def test_an_image_that_is_a_file(look: Look, tmp_path: Path) -> None:
    image = tmp_path / "image.sif"
    settings = {"container": str(image), "container_runtime": "env {image}"}
    assert look(settings)["image"].found == f"{image} does not exist"
    image.touch()
    assert not look(settings)["image"].has_failed


def test_a_container_runtime_that_cannot_be_read(look: Look) -> None:
    found = look({"container": "x", "container_runtime": "run 'it {image}"})
    assert "launcher.slurm.container_runtime cannot be read" in found["python"].found


def test_a_store_that_a_container_cannot_mount(cluster: Cluster, look: Look) -> None:
    found = look({"container": "x"}, folders=(Path("/data/a:b,c"),))["python"]
    assert found.has_failed
    assert found.found == "a container cannot mount /data/a:b,c: its path contains ',' and ':'"
