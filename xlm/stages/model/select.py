"""Stage select: select fine-tuned models by their dev scores, and take the one to publish.

`out` gets `selection.json` (all cells with their dev scores, and what each rule selects) and the
files of the published model. Test rows are no input.
"""

from collections.abc import Mapping
from pathlib import Path

from xlm.config.pipeline import PipelineConfig
from xlm.config.training.classification import CellSlice, SelectSlice
from xlm.engine.stage import Node, Stage, StageContext, StageResult
from xlm.stages.model.cells import cell_units, cells, training_sets
from xlm.stages.units import require_task, task_unit

FINETUNE_ROLE = "finetune."
"""Prefix of the input roles of fine-tuned models, by cell."""
_SCORE_ROLE = "score."


def cell_nodes(config: PipelineConfig) -> dict[str, Node]:
    """Input role to finetune node, for all cells."""
    return {f"{FINETUNE_ROLE}{unit}": Node("finetune", unit) for unit in cell_units(config)}


def cell_inputs(inputs: Mapping[str, Path]) -> dict[str, Path]:
    """Directories of the fine-tuned models, by cell."""
    return {
        role.removeprefix(FINETUNE_ROLE): path
        for role, path in inputs.items()
        if role.startswith(FINETUNE_ROLE)
    }


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    scores = {f"{_SCORE_ROLE}{cell}": Node("score", cell) for cell in cell_units(config)}
    return {**cell_nodes(config), **scores}


def _slice(config: PipelineConfig, unit: str) -> SelectSlice:
    return SelectSlice(
        cells={
            cell.unit: CellSlice(
                name=cell.name,
                train=cell.train,
                learning_rate=cell.learning_rate,
                batch_pairs=cell.batch_pairs,
                seed=cell.seed,
            )
            for cell in cells(config)
        },
        tested={setting: training_sets(config, setting) for setting in config.xnli.settings},
        select_by=config.finetune.select_by,
        refuse_collapsed=config.finetune.collapse != "report",
    )


def run(context: StageContext[SelectSlice]) -> StageResult:
    """Compare dev scores, and copy the model to publish.

    Raises:
        TrainingError: all models that could be published collapsed.
    """
    from xlm.classification.selection.choose import choose
    from xlm.classification.selection.publication import copy_published, read_cell
    from xlm.classification.selection.records import write_selection

    config, inputs = context.config, context.inputs
    found = [
        read_cell(unit, cell, inputs[f"{FINETUNE_ROLE}{unit}"], inputs[f"{_SCORE_ROLE}{unit}"])
        for unit, cell in config.cells.items()
    ]
    selection = choose(
        found,
        config.tested,
        select_by=config.select_by,
        refuse_collapsed=config.refuse_collapsed,
    )
    write_selection(context.out, selection)
    unit = selection.published
    copy_published(context.out, inputs[f"{FINETUNE_ROLE}{unit}"], inputs[f"{_SCORE_ROLE}{unit}"])
    return StageResult(
        counts={
            "cells": len(found),
            "collapsed": sum(cell.collapsed for cell in found),
            "published": unit,
        }
    )


SELECT = Stage(
    name="select",
    version=1,
    summary="select fine-tuned models by dev accuracy",
    units=task_unit,
    upstream=_upstream,
    slice=_slice,
    run=run,
    require=require_task,
)
