"""Renders the golden manifests: `python -m tests.cluster.kubernetes.golden_files` writes them."""

from pathlib import Path
from typing import Any

import yaml

from tests.cluster.kubernetes.conftest import IMAGE, NAME, cluster_job
from xlm.cluster.kubernetes.manifests import Manifests
from xlm.cluster.kubernetes.names import attempt_name
from xlm.config.launcher.kubernetes import KubernetesConfig, Toleration

GOLDEN = Path(__file__).with_name("golden")
ROOT = Path("/data")
_EVERYTHING: dict[str, Any] = {
    "namespace": "xlm",
    "max_restarts": 5,
    "active_deadline_seconds": 86_400,
    "image_pull_policy": "IfNotPresent",
    "image_pull_secrets": ("registry",),
    "python": "/opt/xlm/bin/python",
    "claim_path": "teams/a",
    "shared_memory": "16Gi",
    "cpu": "32",
    "memory": "256Gi",
    "node_selector": {"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"},
    "tolerations": (Toleration(key="nvidia.com/gpu", operator="Exists", effect="NoSchedule"),),
    "queue": "team-a",
    "priority_class": "training",
    "annotations": {"k8s.v1.cni.cncf.io/networks": "rdma"},
    "service_account": "xlm-training",
    "run_as_user": 10001,
    "run_as_group": 10001,
    "fs_group": 10001,
    "env_from_secrets": ("proxy",),
    "env_from_config_maps": ("nccl",),
    "secret_env": {"HF_TOKEN": "hub/token"},
}


def manifests_of(**fields: Any) -> Manifests:
    """Manifests with the settings that have no default."""
    return Manifests(KubernetesConfig(**{"image": IMAGE, "claim": "store"} | fields))


def rendered() -> dict[str, str]:
    """The golden files by name."""
    name = attempt_name(NAME, 1)
    cpu = cluster_job(ROOT)
    gpu = cluster_job(ROOT, nodes=2, processes_per_node=8, uses_gpu=True, save_seconds=90)
    plain, full = manifests_of(), manifests_of(**_EVERYTHING)
    documents = {
        "cpu-jobset.yaml": [plain.jobset(cpu, name)],
        "cpu-job.yaml": [plain.indexed_job(cpu, name)],
        "gpu-2-nodes-jobset.yaml": [full.jobset(gpu, name)],
        "gpu-2-nodes-old-jobset.yaml": [full.jobset(gpu, name, patterns=False)],
        "gpu-2-nodes-job.yaml": [full.service(gpu, name), full.indexed_job(gpu, name)],
    }
    return {
        file: yaml.safe_dump_all(content, sort_keys=False, width=100)
        for file, content in documents.items()
    }


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for file, text in rendered().items():
        (GOLDEN / file).write_text(text, encoding="utf-8")
