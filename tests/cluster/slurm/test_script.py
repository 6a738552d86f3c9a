"""The batch script: options, quoting, containers."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.fakes import make_job
from xlm.cluster.slurm.script import render_script
from xlm.config.launcher.slurm import SlurmConfig, limit_seconds
from xlm.errors import ClusterError, ConfigError


def _directives(text: str) -> list[str]:
    return [
        line.removeprefix("#SBATCH ") for line in text.splitlines() if line.startswith("#SBATCH")
    ]


def _agent(text: str) -> list[str]:
    """The words after `sh -c '...' agent`, as the shell reads them."""
    block = text[text.index("srun ") : text.index(" &\nstep")].replace("\\\n", " ")
    words = shlex.split(block)
    return words[words.index("agent") + 1 :]


def _srun(text: str) -> list[str]:
    block = text[text.index("srun ") : text.index(" &\nstep")].replace("\\\n", " ")
    words = shlex.split(block)
    return words[: words.index("sh")]


def test_setup_may_read_variables_that_are_not_set(tmp_path: Path) -> None:
    text = render_script(make_job(tmp_path), SlurmConfig(setup=('echo "$NOT_SET"', "true")))
    assert 'set +u\necho "$NOT_SET"\ntrue\nset -u\n' in text
    assert "set +u" not in render_script(make_job(tmp_path), SlurmConfig())


def test_the_script_asks_for_what_the_job_needs(tmp_path: Path) -> None:
    job = make_job(
        tmp_path, nodes=2, processes_per_node=8, threads_per_process=6, save_seconds=89.5,
        uses_gpu=True,
    )  # fmt: skip
    settings = SlurmConfig(
        partition="gpu", account="p123", qos="long", constraint="h100&nvme", time="1-00:00:00",
        memory="200G", options=("--exclusive", "--mail-user=me@example.org"),
        setup=("module load cuda/12",),
    )  # fmt: skip
    text = render_script(job, settings)
    assert _directives(text) == [
        "--job-name=xlm-pretrain-0123456789ab-abcdef",
        "--comment=xlm:xlm-pretrain-0123456789ab-abcdef",
        "--dependency=singleton",
        "--nodes=2",
        "--ntasks-per-node=1",
        "--cpus-per-task=48",
        "--partition=gpu",
        "--account=p123",
        "--qos=long",
        '--constraint="h100&nvme"',
        "--time=1-00:00:00",
        "--mem=200G",
        "--signal=B:USR1@120",
        "--output=slurm-%j.log",
        "--open-mode=append",
        "--requeue",
        "--gpus-per-node=8",
        "--exclusive",
        "--mail-user=me@example.org",
    ]
    assert "\nmodule load cuda/12\n" in text
    assert "--wait=150" in _srun(text)
    assert "--kill-on-bad-exit=0" in _srun(text)
    assert _agent(text) == [sys.executable, "-P", "-m", "xlm.cluster.agent", str(job.record)]


def test_defaults_leave_the_cluster_its_choice(tmp_path: Path) -> None:
    text = render_script(make_job(tmp_path), SlurmConfig())
    for name in ("partition", "account", "qos", "time", "mem", "gpus"):
        assert f"--{name}" not in text
    assert "--cpus-per-task=1" in _directives(text)


@pytest.mark.parametrize("name", ["a b", "it's", 'say "x"', "größe", "日本語", "$HOME `id` \\n"])
def test_every_path_is_quoted(tmp_path: Path, name: str) -> None:
    job = make_job(tmp_path / name)
    settings = SlurmConfig(python=f"/opt/{name}/bin/python", partition=name)
    text = render_script(job, settings)
    python, *words = _agent(text)
    assert python == f"/opt/{name}/bin/python"
    assert words == ["-P", "-m", "xlm.cluster.agent", str(job.record)]
    checked = subprocess.run(["bash", "-n"], input=text.encode(), capture_output=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("runtime", "uses_gpu", "srun", "command"),
    [
        (
            "pyxis",
            True,
            ["--container-image=img:1", "--container-mounts=/store a:/store a,/w:/w",
             "--no-container-mount-home"],
            ["python", "-P"],
        ),
        (
            "apptainer",
            False,
            [],
            ["apptainer", "exec", "--bind", "/store a:/store a,/w:/w", "img:1", "python", "-P"],
        ),
        (
            "apptainer",
            True,
            [],
            ["apptainer", "exec", "--nv", "--bind", "/store a:/store a,/w:/w", "img:1", "python"],
        ),
        (
            "podman run --rm -v '{mounts}' {image}",
            False,
            [],
            ["podman", "run", "--rm", "-v", "/store a:/store a,/w:/w", "img:1", "python"],
        ),
    ],
)  # fmt: skip
def test_containers(
    tmp_path: Path, runtime: str, uses_gpu: bool, srun: list[str], command: list[str]
) -> None:
    job = make_job(tmp_path, folders=(Path("/store a"), Path("/w")), uses_gpu=uses_gpu)
    text = render_script(job, SlurmConfig(container="img:1", container_runtime=runtime))
    assert _srun(text)[len(_srun(text)) - len(srun) :] == srun
    assert _agent(text)[: len(command)] == command
    assert "PYTHONPATH" not in text


def test_a_runtime_without_an_image_is_refused(tmp_path: Path) -> None:
    for runtime in ("docker run", "docker 'run {image}"):
        settings = SlurmConfig(container="img", container_runtime=runtime)
        with pytest.raises(ClusterError, match=r"launcher\.slurm\.container_runtime"):
            render_script(make_job(tmp_path), settings)


@pytest.mark.parametrize("runtime", ["pyxis", "apptainer", "enroot", "podman -v {mounts} {image}"])
@pytest.mark.parametrize("folder", ["/store,a", "/store:a"])
def test_a_folder_that_cannot_be_mounted_is_refused(
    tmp_path: Path, runtime: str, folder: str
) -> None:
    job = make_job(tmp_path, folders=(Path("/w"), Path(folder)))
    settings = SlurmConfig(container="img", container_runtime=runtime)
    message = f"cannot mount {folder}: its path contains '{folder[6]}'; move the store"
    with pytest.raises(ClusterError, match=message):
        render_script(job, settings)
    assert render_script(job, SlurmConfig())
    assert render_script(job, SlurmConfig(container="img", container_runtime="run {image}"))


def test_a_token_of_the_submitter_is_not_used_by_the_job(tmp_path: Path) -> None:
    """sbatch hands its environment to the job, and srun refuses to work with a token."""
    script = render_script(make_job(tmp_path), SlurmConfig())
    assert script.index("unset SLURM_JWT\n") < script.index("scontrol")


def test_the_environment_of_a_job_is_in_its_record_alone(tmp_path: Path) -> None:
    job = make_job(tmp_path, environment={"NCCL_SOCKET_IFNAME": "ib0"})
    assert "ib0" not in render_script(job, SlurmConfig())


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("45", 2700), ("45:30", 2730), ("12:00:00", 43200), ("2-00", 172800),
        ("2-01:30", 178200), ("1-00:00:01", 86401), ("UNLIMITED", float("inf")),
        ("soon", None), ("1:2:3:4", None), ("", None), ("-5", None),
    ],
)  # fmt: skip
def test_time_limits(text: str, seconds: float | None) -> None:
    assert limit_seconds(text) == seconds


def test_a_time_limit_that_leaves_no_time_is_refused() -> None:
    SlurmConfig(time="4").require_time_to_save(30)
    with pytest.raises(ConfigError, match=r"leaves no time to train.*raise it to 3 minutes"):
        SlurmConfig(time="2").require_time_to_save(30)
    SlurmConfig().require_time_to_save(1e6)


@pytest.mark.parametrize(
    "changes",
    [
        {"time": "soon"}, {"partition": "a\nb"}, {"options": ["exclusive"]},
        {"setup": ["a\nb"]}, {"account": " "}, {"nodes": 0},
    ],
)  # fmt: skip
def test_invalid_settings_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        SlurmConfig.model_validate(changes)
