"""The DAG, read top to bottom: dumps in, a scored and published cross-lingual model out.

prefect deployment run xlm/full-pipeline
prefect deployment run xlm/learn-bpe -p refresh='["learn-bpe"]'
"""

from typing import Annotated, Any, Literal

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed
from pydantic import Field

from flows.names import run_name
from flows.submission import DRIVERS, pipeline
from tasks import stages
from xlm.config.reading.resolve import profile_names
from xlm.pipeline.request import RunRequest, overrides_of
from xlm.stages.registry import STAGES

_STAGE_NAMES = [stage.name for stage in STAGES]

# Choices for the form in the UI. Names are checked when the request is resolved, in one place for
# form and command line, and parts of stages (tokenize[sw]) are none of the choices.
Profile = Annotated[
    str,
    Field(
        json_schema_extra={
            "anyOf": [
                {"type": "string", "title": "Profile", "enum": profile_names()},
                {"type": "string", "title": "Path of a YAML file"},
            ]
        }
    ),
]
Until = Annotated[str, Field(json_schema_extra={"title": "Stage", "enum": _STAGE_NAMES})]
StageOrPart = Annotated[
    str,
    Field(
        json_schema_extra={
            "anyOf": [
                {"type": "string", "title": "Stage", "enum": _STAGE_NAMES},
                {"type": "string", "title": "Part of a stage, e.g. tokenize[sw]"},
            ]
        }
    ),
]


@flow(
    name="xlm",
    flow_run_name=run_name,
    description="From Wikipedia dumps to a published cross-lingual language model.",
    task_runner=DRIVERS,
    persist_result=False,
)
def full_pipeline(
    profile: Profile = "sample",
    overrides: list[str] | dict[str, Any] | None = None,
    languages: list[str] | None = None,
    until: Until | None = None,
    only: list[StageOrPart] | None = None,
    refresh: list[StageOrPart] | None = None,
    verify: Literal["fast", "deep"] = "fast",
) -> State[None]:
    """Build whatever of a profile's DAG is not there yet, and serve the rest from the store.

    Args:
        profile: sample, mini15, xnli15, or the path of a YAML file.
        overrides: What differs from the profile: ["bpe.codes=30000"] or {"bpe.codes": 30000}.
        languages: Languages to keep, e.g. ["en", "fr", "sw"]; empty keeps the profile's.
        until: Last stage to build, with all that it needs.
        only: Build these stages alone; what they need must be in the store.
        refresh: Stages, or parts of them (tokenize[sw]), to build again although they are in the
            store. The new bytes are compared with the old; later stages run only if they differ.
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
    return Completed(message=build.summary())
