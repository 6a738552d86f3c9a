"""Schedules, optimizer groups and language sampling, with the numbers of the specification."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from xlm.config.training.optimizer import OptimizerConfig, ScheduleConfig
from xlm.dataloader.mixture.shares import sampling_probabilities
from xlm.dataloader.randomness import generator, torch_seed
from xlm.training.optimizer import build_optimizer
from xlm.training.schedule import rate_schedule


def test_inverse_root_schedule_has_the_published_values() -> None:
    rate = rate_schedule(ScheduleConfig(), peak=1e-4, updates=200_000)
    assert rate(0) == 1e-7
    assert rate(2000) == pytest.approx((1e-7 + 1e-4) / 2)
    assert rate(4000) == pytest.approx(1e-4)
    assert rate(16000) == pytest.approx(5e-5)


def test_linear_schedule_rises_holds_and_falls_to_zero() -> None:
    config = ScheduleConfig(kind="linear", warmup_updates=10, warmup_initial_rate=0, decay_from=0.6)
    rate = rate_schedule(config, peak=1.0, updates=100)
    assert [rate(n) for n in (0, 5, 10, 60)] == [0, 0.5, 1.0, 1.0]
    assert rate(80) == pytest.approx(0.5)
    assert rate(99) == pytest.approx(1 / 40)
    assert rate(100) == 0


def test_constant_schedule_stays() -> None:
    rate = rate_schedule(ScheduleConfig(kind="constant", warmup_updates=0), peak=3.0, updates=10)
    assert [rate(n) for n in (0, 9, 1000)] == [3.0, 3.0, 3.0]


def test_language_shares_have_the_published_values() -> None:
    assert sampling_probabilities([1_000_000, 10_000], 0.7) == pytest.approx(
        [0.9617, 0.0383], abs=5e-5
    )
    assert sampling_probabilities([1_000_000, 10_000], 0.5) == pytest.approx(
        [0.9091, 0.0909], abs=5e-5
    )
    assert len(sampling_probabilities([], 0.7)) == 0


def test_generators_depend_on_their_path_alone() -> None:
    first = generator(0, "mask", 3).random(4)
    generator(0, "mask", 2).random(100)
    np.testing.assert_array_equal(first, generator(0, "mask", 3).random(4))
    assert not np.array_equal(first, generator(1, "mask", 3).random(4))
    assert not np.array_equal(first, generator(0, "steps", 3).random(4))
    assert torch_seed(0, "dropout", 1) != torch_seed(0, "dropout", 2)


def test_biases_and_norms_decay_only_if_configured() -> None:
    model = nn.Sequential(nn.Embedding(20, 4), nn.LayerNorm(4), nn.Linear(4, 4))
    schedule = ScheduleConfig(kind="constant", warmup_updates=0)

    def after_one_update(**options: object) -> dict[str, bool]:
        """Which parameters an update without gradients has changed."""
        config = OptimizerConfig.model_validate({"weight_decay": 0.5, **options})
        copied = copy.deepcopy(model)
        with torch.no_grad():
            for parameter in copied.parameters():
                parameter += 1
                parameter.grad = torch.zeros_like(parameter)
        before = {name: tensor.clone() for name, tensor in copied.state_dict().items()}
        optimizer = build_optimizer(copied.named_parameters(), config, schedule, 10)
        assert optimizer.set_update(0) == config.learning_rate
        optimizer.adam.step()
        return {n: not torch.equal(before[n], t) for n, t in copied.state_dict().items()}

    assert all(after_one_update().values())
    matrices = {"0.weight": True, "2.weight": True}
    vectors = {"1.weight": False, "1.bias": False, "2.bias": False}
    assert after_one_update(decay_vectors=False) == {**matrices, **vectors}
    own = {"decay_vectors": False, "embedding_learning_rate": 0.1}
    assert after_one_update(**own) == {**matrices, **vectors}
