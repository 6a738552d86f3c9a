"""The DAG, read top to bottom: dumps in, an evaluated and published cross-lingual model out.

prefect deployment run xlm/full-pipeline
prefect deployment run xlm/learn-bpe -p refresh='["learn-bpe"]'
"""

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.names import run_name
from flows.parameters import takes_request
from flows.submission import DRIVERS, pipeline
from xlm.pipeline.request import RunRequest


@flow(
    name="xlm",
    flow_run_name=run_name,
    description="From Wikipedia dumps to a published cross-lingual language model.",
    task_runner=DRIVERS,
    persist_result=False,
)
@takes_request
def full_pipeline(request: RunRequest) -> State[None]:
    """Build the stages of a profile that are not in the store, and take the others from it."""
    with pipeline(request) as build:
        # Sources. `make-world` stands in for the servers in the sample profile.
        build("make-world")
        build("download")
        # Text, one paragraph or sentence on each line.
        build("extract-wiki")
        build("extract-text")
        build("extract-parallel")
        build("extract-xnli")
        build("extract-labelled")
        # Only if the profile switches cleaners on.
        build("clean")
        build("split")
        build("tokenize")
        # Subwords, shared by all languages.
        build("learn-bpe")
        build("apply-bpe")
        build("vocabulary")
        build("shard")
        # The model.
        build("pretrain")
        # Each cell of the sweep by itself; without a sweep there is one.
        build("finetune")
        build("score")
        build("select")
        build("evaluate")
        build("publish")
    return Completed(message=build.summary())
