"""kill -9 at random moments of a run in 15 languages: the same bytes, and nothing is done twice."""

import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.flows.console import xlm
from tests.flows.killing.campaign import VICTIMS, draw_moments, run_campaign
from tests.flows.killing.store_state import finished_by_stage

PROFILE = str(Path(__file__).with_name("fifteen_without_task.yaml"))
COMMAND = ("run", "--profile", PROFILE, "--until", "shard")
SEED = 1


@pytest.mark.slow
@pytest.mark.fault
@pytest.mark.timeout(1800)
def test_a_run_that_is_killed_in_every_stage_ends_with_the_same_bytes(tmp_path: Path) -> None:
    straight = tmp_path / "straight"
    assert "177 built" in xlm(straight, *COMMAND)
    moments = draw_moments(stages := finished_by_stage(straight), len(stages), SEED)
    root = tmp_path / "killed"
    # An empty store where Prefect has been before: setting up its database takes seconds.
    shutil.copytree(straight / "prefect", root / "prefect")
    campaign = run_campaign(straight, root, COMMAND, moments)
    assert campaign.problems == []
    assert len(campaign.happened) == len(moments) == 10, campaign.happened
    # A stage with one small artifact may end between the look and the kill.
    assert len(campaign.stages_hit) >= 5, campaign.happened
    assert any(state.files for state in campaign.states), "no artifact was partly finished"


def test_moments_depend_on_the_seed_and_every_stage_has_one() -> None:
    stages = Counter({"shard": 40, "download": 20, "tokenize": 30})
    moments = draw_moments(stages, 12, seed=3)
    assert moments == draw_moments(stages, 12, seed=3) != draw_moments(stages, 12, seed=4)
    assert [one.stage for one in moments] == sorted(
        (one.stage for one in moments), key=["download", "tokenize", "shard"].index
    )
    assert {one.stage for one in moments} == stages.keys()
    assert {one.victim for one in moments} == set(VICTIMS)
