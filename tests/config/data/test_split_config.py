"""Settings of the split stage."""

import pytest
from pydantic import ValidationError

from xlm.config.data.split import SplitConfig
from xlm.errors import ConfigError


def test_a_split_must_keep_half_for_training():
    with pytest.raises(ConfigError, match="more than half"):
        SplitConfig(valid_fraction=0.3, test_fraction=0.3)
    with pytest.raises(ValidationError):
        SplitConfig(valid_fraction=0)
