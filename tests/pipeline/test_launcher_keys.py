"""The launcher is in no key; the number of processes is in that of what they train."""

import pytest

from xlm.engine.node_key import key_ingredients
from xlm.errors import ConfigError
from xlm.pipeline.dag import graph_of
from xlm.pipeline.request import RunRequest
from xlm.store.keys import artifact_key

_CLUSTER = (
    "launcher.slurm={nodes: 2, partition: gpu, account: p1, qos: q, constraint: a, time: 2-00, "
    "memory: 9G, cpus_per_process: 3, options: [--exclusive], setup: [module load x], "
    "container: image}",
    "launcher.kubernetes.nodes=2",
    "launcher.environment={NCCL_SOCKET_IFNAME: ib0}",
    "launcher.max_attempts=9",
    "launcher.poll_seconds=3",
    "pretrain.processes=2",
)


def _keys(*overrides: str, launcher: str | None = None) -> dict[str, str]:
    graph = graph_of(RunRequest(overrides=overrides, launcher=launcher))  # type: ignore[arg-type]
    digests = {node: f"{number:064x}" for number, node in enumerate(graph.nodes)}
    return {
        str(node): artifact_key(
            key_ingredients(
                graph, node, {role: digests[one] for role, one in graph.upstream[node].items()}
            )
        )
        for node in graph.nodes
    }


@pytest.mark.parametrize("kind", ["local", "slurm", "kubernetes"])
def test_settings_of_the_launcher_are_in_no_key(kind: str) -> None:
    assert _keys(*_CLUSTER, launcher=kind) == _keys("pretrain.processes=2")


def test_the_number_of_processes_is_in_the_key_of_pretraining() -> None:
    one, two = _keys(), _keys("pretrain.processes=4")
    assert {name for name in one if one[name] != two[name]} == {"pretrain"}


def test_the_option_is_the_setting() -> None:
    request = RunRequest(overrides=("launcher.kind=kubernetes",), launcher="slurm")
    assert request.resolve().launcher.kind == "slurm"
    assert RunRequest().resolve().launcher.kind == "local"


def test_processes_that_cannot_be_spread_are_refused_before_the_run() -> None:
    request = RunRequest(
        overrides=("launcher.slurm.nodes=2", "pretrain.processes=3"), launcher="slurm"
    )
    with pytest.raises(ConfigError, match="processes 3 cannot be spread evenly over 2 nodes"):
        graph_of(request).select(first=None, until="pretrain", only=(), refresh=())


def test_secrets_do_not_belong_into_the_environment_of_jobs() -> None:
    with pytest.raises(ConfigError, match="HF_TOKEN looks like a secret"):
        RunRequest(overrides=("launcher.environment={HF_TOKEN: abc}",)).resolve()
