"""Pretrain an encoder on your own text files: the pipeline's stages with another source.

    python examples/train_on_your_text.py en=english.txt sw=swahili.txt --root data --updates 1000

One file for each language, in UTF-8, one sentence or paragraph on each line. Two stages differ from
the pipeline: `own-text` copies the files instead of downloading a Wikipedia, and no stage handles
pairs or XNLI. So the encoder is trained by MLM alone. Everything else is as in `xlm run`: artifacts
have keys, a killed run continues, and a second run finds everything.
"""

import argparse
import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from xlm.config.environment import MachineSettings
from xlm.config.pipeline import PipelineConfig
from xlm.engine.config import Config, operational
from xlm.engine.events import Finished, NoObserver
from xlm.engine.graph import Graph
from xlm.engine.run import open_run
from xlm.engine.stage import Node, Stage, StageContext, StageResult
from xlm.pipeline.request import RunRequest
from xlm.stages.data.split import SPLIT
from xlm.stages.model.pretrain import PRETRAIN
from xlm.stages.text.apply_bpe import APPLY_BPE
from xlm.stages.text.learn_bpe import LEARN_BPE
from xlm.stages.text.shard import SHARD
from xlm.stages.text.tokenize import TOKENIZE
from xlm.stages.text.vocabulary import VOCABULARY
from xlm.stages.units import corpus_units


class OwnTextSlice(Config):
    """The file of one language: its contents are in the key, its path is not."""

    sha256: str
    path: str = operational("", description="Where the file is.")


def own_text(files: Mapping[str, Path]) -> Stage[PipelineConfig, OwnTextSlice]:
    """A stage that takes the place of the downloads and of the extraction."""

    def slice_of(config: PipelineConfig, language: str) -> OwnTextSlice:
        path = files[language]
        return OwnTextSlice(
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(), path=str(path.absolute())
        )

    def run(context: StageContext[OwnTextSlice]) -> StageResult:
        shutil.copyfile(context.config.path, context.out / "text.txt")
        return StageResult()

    return Stage(
        name="own-text",
        version=1,
        summary="copy text files",
        units=lambda config: config.languages,
        upstream=lambda config, language: {},
        slice=slice_of,
        run=run,
    )


def graph_of(files: Mapping[str, Path], request: RunRequest) -> Graph[PipelineConfig]:
    """The stages from text files to an encoder."""
    stages = (
        own_text(files),
        replace(SPLIT, upstream=lambda config, unit: {"text": Node("own-text", unit)}),
        replace(TOKENIZE, units=corpus_units),
        LEARN_BPE,
        replace(APPLY_BPE, units=corpus_units),
        VOCABULARY,
        replace(SHARD, units=corpus_units),
        PRETRAIN,
    )
    return Graph.of(request.resolve(), stages)


class PrintNodes(NoObserver):
    """Prints a line for each node."""

    def finished(self, event: Finished) -> None:
        print(f"{event.status:8} {event.node}  {event.detail}", flush=True)


def main() -> None:
    """Build every stage, then print where the encoder is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("texts", nargs="+", metavar="LANGUAGE=FILE", help="such as sw=swahili.txt")
    parser.add_argument("--root", help="folder of the store (default: $XLM_ROOT, else ./data)")
    parser.add_argument("--updates", type=int, default=1000, help="optimizer updates")
    parser.add_argument("--set", action="append", default=[], help="a setting, as in `xlm run`")
    arguments = parser.parse_args()
    files = {code: Path(name) for code, _, name in (one.partition("=") for one in arguments.texts)}
    request = RunRequest(
        profile="mini15",
        languages=tuple(files),
        overrides=(
            "sources.parallel=[]",
            "pretrain.objectives=[mlm]",
            f"pretrain.updates={arguments.updates}",
            *arguments.set,
        ),
    )
    settings = MachineSettings.from_environment(root=arguments.root)
    graph = graph_of(files, request)
    with open_run(
        graph, request, root=settings.root, workers=settings.workers, observer=PrintNodes()
    ) as run:
        for node in run.selected:
            built = run.build(node)
    print(f"encoder  {built.artifact.directory}")


if __name__ == "__main__":
    main()
