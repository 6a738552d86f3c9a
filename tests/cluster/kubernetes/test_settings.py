"""Settings that the API server would refuse are refused when they are read."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tests.cluster.kubernetes.conftest import cluster_job
from xlm.cluster.kubernetes.pod import pod_template
from xlm.config.launcher.kubernetes import KubernetesConfig
from xlm.config.reading.resolve import resolve
from xlm.errors import ClusterError, ConfigError

LONG = "a" * 254
DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"nodes": 100_001}, "nodes"),
        ({"namespace": "team.a"}, "namespace"),
        ({"namespace": "a" * 64}, "namespace"),
        ({"max_restarts": 2**31}, "max_restarts"),
        ({"active_deadline_seconds": 2**31}, "active_deadline_seconds"),
        ({"ttl_seconds": 2**31}, "ttl_seconds"),
        ({"image": "xlm:1 "}, "image.*expected an image such as"),
        ({"image": "registry.example/my xlm:1"}, "image"),
        ({"image": "xlm\n"}, "image"),
        ({"image": "registry.example/XLM:1"}, "image"),
        ({"image": "https://registry.example/xlm"}, "image"),
        ({"image": "xlm:1:2"}, "image"),
        ({"image": "xlm:" + "a" * 129}, "image"),
        ({"image": "xlm@sha256:0123"}, "image"),
        ({"image": "a/" * 127 + "xlm"}, "image"),
        ({"image_pull_secrets": ["a", "b_c"]}, r"image_pull_secrets\.1"),
        ({"python": "py\tthon"}, "python.*no control character"),
        ({"python": " python"}, "python"),
        ({"claim": LONG}, "claim"),
        ({"claim": "Store"}, "claim"),
        ({"claim_path": "a\0b"}, "claim_path"),
        ({"claim_path": "a/../b"}, "claim_path"),
        ({"mount_path": "/a:b"}, "mount_path"),
        ({"mount_path": "/data\n"}, "mount_path"),
        ({"mount_path": "/tmp/"}, "mount_path.*other volumes at /tmp and /dev/shm"),
        ({"mount_path": "/dev/./shm"}, "mount_path"),
        ({"shared_memory": "1GiB"}, "shared_memory"),
        ({"shared_memory": "500m"}, "shared_memory.*an amount"),
        ({"memory": "500m"}, "memory"),
        ({"memory": "٦٤Gi"}, "memory.*an amount"),
        ({"memory": "-1Gi"}, "memory"),
        ({"cpu": "16Gi"}, "cpu"),
        ({"cpu": "1 "}, "cpu"),
        ({"gpu_resource": "gpu"}, "gpu_resource.*DOMAIN/NAME"),
        ({"gpu_resource": "memory"}, "gpu_resource"),
        ({"gpu_resource": "NVIDIA.com/gpu"}, "gpu_resource"),
        ({"gpu_resource": "requests.nvidia.com/gpu"}, "gpu_resource"),
        ({"gpu_resource": "a" * 245 + "/gpu"}, "gpu_resource"),
        ({"gpu_resource": "nvidia.com/" + "g" * 64}, "gpu_resource"),
        ({"node_selector": {"a b": "c"}}, r"node_selector\.a b"),
        ({"node_selector": {"a": "c" * 64}}, r"node_selector\.a"),
        ({"node_selector": {"a/b/c": "d"}}, "node_selector"),
        ({"tolerations": [{"key": "a/", "value": "b"}]}, r"tolerations\.0\.key"),
        ({"tolerations": [{"key": "a", "value": "b c"}]}, r"tolerations\.0\.value"),
        ({"tolerations": [{"key": "a", "operator": "Exists", "value": "b"}]}, "takes no value"),
        ({"tolerations": [{"value": "b"}]}, "needs operator: Exists"),
        ({"queue": "Team"}, "queue"),
        ({"queue": "a" * 64}, "queue"),
        ({"queue": ""}, "queue"),
        ({"priority_class": "high_priority"}, "priority_class"),
        ({"annotations": {"a//b": "c"}}, "annotations"),
        ({"annotations": {"a": "b" * (256 << 10)}}, "annotations.*262,144 bytes"),
        ({"service_account": "a."}, "service_account"),
        ({"run_as_user": 2**31}, "run_as_user"),
        ({"run_as_group": 2**31}, "run_as_group"),
        ({"fs_group": 2**31}, "fs_group"),
        ({"env_from_secrets": ["-a"]}, "env_from_secrets"),
        ({"env_from_config_maps": ["a/b"]}, "env_from_config_maps"),
        ({"secret_env": {"A": "secret"}}, r"secret_env\.A"),
        ({"secret_env": {"A": "secret/.."}}, r"secret_env\.A"),
        ({"secret_env": {"A": "secret/..a"}}, r"secret_env\.A"),
        ({"secret_env": {"A": "secret/" + LONG}}, r"secret_env\.A"),
        ({"secret_env": {"A=B": "secret/key"}}, "secret_env"),
        ({"credentials_seconds": 0}, "credentials_seconds"),
    ],
)
def test_settings_that_kubernetes_refuses(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=rf"(?s){message}"):
        KubernetesConfig.model_validate(settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"tolerations": [{"operator": "Exists"}]},
        {"tolerations": [{"key": "a"}]},
        {"image": "xlm"},
        {"image": "localhost:5000/a/b__c/d--e:v1.0_X"},
        {"image": f"registry.example/a/b:1@{DIGEST}"},
        {"image": f"[2001:db8::1]:5000/xlm@{DIGEST}"},
        {"image": "a/" * 126 + "xlm"},
        {"claim": LONG[1:]},
        {"claim": "a" * 100 + ".b"},
        {"mount_path": "/"},
        {"mount_path": "/tmp/store"},
        {"mount_path": "/" + "long/" * 60 + "größe 1"},
        {"claim_path": "long/" * 60 + "..a"},
        {"cpu": "0.5"},
        {"cpu": "500m"},
        {"memory": "1.5Gi"},
        {"memory": "64000000000"},
        {"gpu_resource": "amd.com/gpu"},
        {"gpu_resource": "nvidia.com/mig-1g.10gb"},
        {"node_selector": {"gke.io/" + "a" * 63: "", "a" * 253 + "/b": "c"}},
        {"annotations": {"Example.org/a": "two\nlines", "a": "ü"}},
        {"secret_env": {"A": "secret.b/.key"}},
        {"run_as_user": 2**31 - 1, "ttl_seconds": 2**31 - 1},
    ],
)
def test_settings_that_kubernetes_accepts(settings: dict[str, Any]) -> None:
    KubernetesConfig.model_validate(settings)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("gpu_resource=gpu", "gpu_resource: expected DOMAIN/NAME, as nodes list it"),
        ("fs_group=2147483648", "fs_group must be 2147483647 or less"),
        ("image='a\tb'", "image: expected an image such as registry.example/xlm:1"),
        ('node_selector={"a\\nb": c}', "node_selector.*: expected a key such as"),
    ],
)
def test_a_profile_with_such_a_setting_is_refused_in_one_line(setting: str, message: str) -> None:
    with pytest.raises(ConfigError, match=rf"launcher\.kubernetes\.{message}") as caught:
        resolve("sample", [f"launcher.kubernetes.{setting}"])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("folder", ["/tmp", "/dev/shm", "/data/a:b"])
def test_a_store_where_pods_have_another_volume_is_refused(folder: str) -> None:
    job, settings = cluster_job(Path(folder)), KubernetesConfig(image="xlm", claim="store")
    with pytest.raises(ClusterError, match=rf"pods cannot mount a volume at {folder},.*mount_path"):
        pod_template(job, settings, attempt="a", job_id="job/a", main_address="127.0.0.1")
