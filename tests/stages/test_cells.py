"""The cells of the sweep over fine-tuning, and the nodes that they make."""

import pytest

from tests.release.artifacts import CELL
from xlm.config.pipeline import PipelineConfig
from xlm.config.reading.resolve import resolve
from xlm.engine.graph import Graph
from xlm.engine.stage import Node
from xlm.errors import ConfigError
from xlm.stages.model.cells import cells, training_sets
from xlm.stages.registry import STAGES

SETTINGS = "xnli.settings=[zero-shot,translate-train,translate-train-all,translate-test]"


def config(*overrides: str) -> PipelineConfig:
    return resolve("sample", ["languages=[en,fr,sw]", *overrides])


def keys(configuration: PipelineConfig, stage: str) -> set[str]:
    graph = Graph.of(configuration, STAGES)
    return {
        str(graph.stage(node).slice(configuration, node.unit).key_fields()) + node.unit
        for node in graph.of_stage(stage)
    }


def test_without_a_sweep_there_is_one_cell() -> None:
    (cell,) = cells(config())
    assert cell.unit == "en.lr0.001.b32.s0"
    assert (cell.train, cell.scored) == (("en",), ("en", "fr", "sw"))
    assert cell.finetune(config()) == config().finetune


def test_the_grid_is_each_combination() -> None:
    found = cells(
        config(
            "finetune.sweep.learning_rates=[2e-6,1e-5]",
            "finetune.sweep.batch_pairs=[16,32]",
            "finetune.sweep.seeds=[0,7]",
        )
    )
    assert len({cell.unit for cell in found}) == 8
    assert found[0].unit == "en.lr2e-06.b16.s0"


def test_units_have_all_digits_of_the_rate() -> None:
    """Regression: with six digits, rates that differ in the eighth had the same unit."""
    found = cells(config("finetune.sweep.learning_rates=[0.00012345678,0.00012345679,1,0.000005]"))
    assert [cell.unit for cell in found] == [
        "en.lr5e-06.b32.s0",
        "en.lr0.00012345678.b32.s0",
        "en.lr0.00012345679.b32.s0",
        "en.lr1.b32.s0",
    ]


def test_all_cells_see_as_many_rows() -> None:
    chosen = config("finetune.sweep.batch_pairs=[8,32,64]")
    seen = [
        (c.finetune(chosen).updates, c.finetune(chosen).evaluation_updates) for c in cells(chosen)
    ]
    assert seen == [(3200, 800), (800, 200), (400, 100)]


def test_one_more_seed_changes_no_other_cell() -> None:
    one, two = config("finetune.sweep.seeds=[0]"), config("finetune.sweep.seeds=[0,1]")
    for stage in ("finetune", "score"):
        assert keys(config(), stage) == keys(one, stage)
        added = keys(two, stage) - keys(one, stage)
        assert (len(added), keys(one, stage) - keys(two, stage)) == (1, set())


def test_settings_share_the_cells_of_equal_training_rows() -> None:
    found = {cell.name: cell for cell in cells(config(SETTINGS))}
    assert list(found) == ["en", "fr", "sw", "all"]
    assert found["en"].scored == ("en", "fr", "sw")
    assert (found["sw"].train, found["sw"].scored) == (("sw",), ("sw",))
    assert found["all"].train == found["all"].scored == ("en", "fr", "sw")
    assert training_sets(config(SETTINGS), "translate-test") == {"en": ("en", "fr", "sw")}
    assert keys(config(), "finetune") < keys(config(SETTINGS), "finetune")


def test_training_in_all_languages_is_translate_train_all() -> None:
    chosen = config(SETTINGS, "classify.train=[en,fr,sw]")
    assert [cell.name for cell in cells(chosen)] == ["all", "en", "fr", "sw"]


@pytest.mark.parametrize("settings", ["[zero-shot]", "[zero-shot,translate-train]"])
def test_a_run_without_the_training_language_has_a_graph(settings: str) -> None:
    """Regression: not even the shards of such a run could be built."""
    chosen = config("languages=[fr,sw]", f"xnli.settings={settings}")
    graph = Graph.of(chosen, STAGES)
    roles = graph.upstream[Node("finetune", "en.lr0.001.b32.s0")]
    assert set(roles) == {"pretrain", "vocabulary"}


def test_the_default_of_the_paper_is_its_grid() -> None:
    found = cells(resolve("xnli15"))
    assert {cell.learning_rate for cell in found} == {1e-5, 5e-6, 2e-6}
    assert {cell.batch_pairs for cell in found} == {8, 16}
    assert CELL.removeprefix("finetune.") in {cell.unit for cell in found}


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("finetune.sweep.seeds=[1,1]", "finetune.sweep names 1 twice"),
        ("finetune.sweep.learning_rates=[0]", "0.0 is not greater than 0"),
        ("finetune.sweep.learning_rates=[5e-6,0.000005]", "finetune.sweep names 5e-06 twice"),
        ("finetune.sweep.seeds=[-1]", "-1 is not between"),
        ("xnli.settings=[translate-train]", "xnli.settings has no zero-shot"),
        ("xnli.settings=[zero-shot,translate]", "xnli.settings"),
    ],
)
def test_a_wrong_sweep_is_refused(override: str, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config(override)
    assert reason in str(caught.value)


def test_translations_exist_for_xnli_alone() -> None:
    with pytest.raises(ConfigError, match="translate-train, but the task is not XNLI"):
        config(SETTINGS, "classify=null")
