"""All stages in the order of the DAG: each stage comes after its inputs.

A stage has one file in `data/`, `text/` or `model/`, with its units, inputs, slice and `run`. The
class of its slice is declared in `xlm/config`, after the settings that it is cut from.
"""

from typing import Any

from xlm.config.pipeline import PipelineConfig
from xlm.engine import graph
from xlm.engine.stage import Stage
from xlm.stages.data.clean import CLEAN
from xlm.stages.data.download import DOWNLOAD
from xlm.stages.data.extract_labelled import EXTRACT_LABELLED
from xlm.stages.data.extract_parallel import EXTRACT_PARALLEL
from xlm.stages.data.extract_text import EXTRACT_TEXT
from xlm.stages.data.extract_wiki import EXTRACT_WIKI
from xlm.stages.data.extract_xnli import EXTRACT_XNLI
from xlm.stages.data.make_world import MAKE_WORLD
from xlm.stages.data.split import SPLIT
from xlm.stages.model.evaluate import EVALUATE
from xlm.stages.model.finetune import FINETUNE
from xlm.stages.model.pretrain import PRETRAIN
from xlm.stages.model.publish import PUBLISH
from xlm.stages.model.score import SCORE
from xlm.stages.model.select import SELECT
from xlm.stages.text.apply_bpe import APPLY_BPE
from xlm.stages.text.learn_bpe import LEARN_BPE
from xlm.stages.text.shard import SHARD
from xlm.stages.text.tokenize import TOKENIZE
from xlm.stages.text.vocabulary import VOCABULARY

STAGES: tuple[Stage[PipelineConfig, Any], ...] = (
    # Data: text of each language and pair.
    MAKE_WORLD,
    DOWNLOAD,
    EXTRACT_WIKI,
    EXTRACT_TEXT,
    EXTRACT_PARALLEL,
    EXTRACT_XNLI,
    EXTRACT_LABELLED,
    CLEAN,
    SPLIT,
    # Text: token ids of each language and pair.
    TOKENIZE,
    LEARN_BPE,
    APPLY_BPE,
    VOCABULARY,
    SHARD,
    # Model: pretrained, fine-tuned, selected, evaluated, published.
    PRETRAIN,
    FINETUNE,
    SCORE,
    SELECT,
    EVALUATE,
    PUBLISH,
)


def stage_named(name: str) -> Stage[PipelineConfig, Any]:
    """Look up a stage by its name.

    Raises:
        ConfigError: the name is unknown; the message suggests the nearest one.
    """
    return graph.stage_named(name, STAGES)
