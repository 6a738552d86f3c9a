"""Samplers visit every item, resume, and follow the stateful protocol."""

from itertools import islice

from torch.distributed.checkpoint.stateful import Stateful

from xlm.dataloader.sampling.sampler import EpochSampler


def test_a_sampler_visits_every_item_once_an_epoch_and_resumes() -> None:
    def order(epoch: int) -> list[int]:
        return [10 * epoch + item for item in range(3)]

    sampler: EpochSampler[int] = EpochSampler(order)
    assert list(islice(sampler, 4)) == [0, 1, 2, 10]
    state = sampler.state_dict()
    assert state == {"epoch": 1, "done": 1}
    rest = list(islice(sampler, 5))
    again: EpochSampler[int] = EpochSampler(order)
    again.load_state_dict(state)
    assert list(islice(again, 5)) == rest
    again.load_state_dict({"epoch": 0, "done": 3})
    assert next(again) == 10


def test_samplers_follow_the_stateful_protocol_of_torch() -> None:
    assert isinstance(EpochSampler(lambda epoch: [epoch]), Stateful)
