"""The DAG, read top to bottom: dumps in, a scored and published cross-lingual model out.

prefect deployment run xlm/full-pipeline
prefect deployment run xlm/learn-bpe -p refresh='["learn-bpe"]'
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from prefect import flow
from prefect.runtime import flow_run
from pydantic import Field

from flows.submission import DRIVERS, pipeline
from tasks import stages
from xlm.config.resolve import profile_names
from xlm.pipeline.request import RunRequest, overrides_of
from xlm.stages.registry import STAGES

_STAGE_NAMES = [stage.name for stage in STAGES]

Profile = Annotated[str, Field(json_schema_extra={"examples": profile_names()})]
Stages = list[Annotated[str, Field(json_schema_extra={"examples": _STAGE_NAMES})]]


def _run_name() -> str:
    return f"xlm-{Path(str(flow_run.parameters['profile'])).stem}"


@flow(
    name="xlm",
    flow_run_name=_run_name,
    description="From Wikipedia dumps to a published cross-lingual language model.",
    task_runner=DRIVERS,
    persist_result=False,
)
def full_pipeline(
    profile: Profile = "sample",
    overrides: list[str] | dict[str, Any] | None = None,
    languages: list[str] | None = None,
    until: str | None = None,
    only: Stages | None = None,
    refresh: Stages | None = None,
    verify: Literal["fast", "deep"] = "fast",
) -> None:
    """Build whatever of a profile's DAG is not there yet, and serve the rest from the store.

    Args:
        profile: sample, mini15, xnli15, or the path of a YAML file.
        overrides: What differs from the profile: ["bpe.codes=30000"] or {"bpe.codes": 30000}.
        languages: Languages to keep, e.g. ["en", "fr", "sw"]; empty keeps the profile's.
        until: Last stage to build, with all that it needs.
        only: Build these stages alone; what they need must be in the store.
        refresh: Stages (learn-bpe) or parts of them (tokenize[sw]) to build again beside the old.
        verify: Check of what is in the store: sizes (fast) or every sha256 (deep).
    """
    request = RunRequest(
        profile=profile,
        overrides=overrides_of(overrides),
        languages=tuple(languages or ()),
        until=until,
        only=tuple(only or ()),
        refresh=tuple(refresh or ()),
        verify=verify,
    )
    with pipeline(request) as build:
        # Sources. `make_world` is the sample profile's own stand-in for the hosts.
        build(stages.make_world)
        build(stages.download)
        # Text, one line a paragraph or sentence.
        build(stages.extract_wiki)
        build(stages.extract_parallel)
        build(stages.extract_xnli)
        build(stages.split)
        build(stages.tokenize)
        # Subwords, shared by all languages.
        build(stages.learn_bpe)
        build(stages.apply_bpe)
        build(stages.vocabulary)
        build(stages.shard)
        # The model.
        build(stages.pretrain)
        build(stages.finetune)
        build(stages.evaluate)
        build(stages.publish)
