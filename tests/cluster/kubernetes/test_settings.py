"""Settings that the API server would refuse are refused when they are read."""

from typing import Any

import pytest
from pydantic import ValidationError

from xlm.config.launcher.kubernetes import KubernetesConfig


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"namespace": "team.a"}, "a name of a-z, 0-9 and -"),
        ({"memory": "٦٤Gi"}, "an amount"),
        ({"tolerations": [{"key": "a", "operator": "Exists", "value": "b"}]}, "takes no value"),
        ({"tolerations": [{"value": "b"}]}, "needs operator: Exists"),
    ],
)
def test_settings_that_kubernetes_refuses(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        KubernetesConfig.model_validate(settings)


def test_a_toleration_of_all_taints_is_accepted() -> None:
    settings = KubernetesConfig.model_validate({"tolerations": [{"operator": "Exists"}]})
    assert settings.tolerations[0].key is None
