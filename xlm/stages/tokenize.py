"""tokenize[language | pair | xnli.language]: raw lines to lower-case, accent-free tokens."""

import unicodedata
from collections.abc import Mapping

from xlm.config.base import Config
from xlm.config.pipeline import PipelineConfig
from xlm.stage import FileJob, Node, Outcome, Stage, Work
from xlm.stages.text_jobs import counts_by_split, text_files
from xlm.stages.units import Kind, kind_of, languages_of, text_units


class TokenizeSlice(Config):
    """What shapes the tokens of one unit."""

    kind: Kind
    languages: tuple[str, ...]
    segmenters: dict[str, str]
    unicode: str
    """Version of Python's character tables: they decide case, accents and categories."""


def tokenize_slice(config: PipelineConfig, unit: str) -> TokenizeSlice:
    """Only the segmenters of the unit's own languages, so that others' choices move no key."""
    languages = languages_of(unit)
    return TokenizeSlice(
        kind=kind_of(unit),
        languages=languages,
        segmenters={
            language: name
            for language, name in sorted(config.text.segmenters.items())
            if language in languages
        },
        unicode=unicodedata.unidata_version,
    )


def _upstream(config: PipelineConfig, unit: str) -> Mapping[str, Node]:
    if kind_of(unit) == "xnli":
        return {"text": Node("extract-xnli", *languages_of(unit))}
    return {"text": Node("split", unit)}


def run(work: Work[TokenizeSlice]) -> Outcome:
    """Tokenize every file of the input under the same name."""
    files = text_files(work.inputs["text"])
    jobs = [
        FileJob(
            name=file.path.name,
            sources=(file.path,),
            targets=(work.out / file.path.name,),
            options={
                "language": file.language or work.config.languages[0],
                "segmenters": work.config.segmenters,
                "split": file.split,
                "kind": work.config.kind,
            },
        )
        for file in files
    ]
    counts = work.map_files(_tokenize, jobs)
    return Outcome(counts=counts_by_split([file.split for file in files], counts))


def _tokenize(job: FileJob) -> dict[str, int]:
    from xlm.text.files import tokenize_inference, tokenize_text

    (source,), (target,) = job.sources, job.targets
    language, segmenters = job.options["language"], job.options["segmenters"]
    if job.options["kind"] != "xnli":
        return tokenize_text(source, target, language=language, segmenters=segmenters)
    return tokenize_inference(
        source,
        target,
        language=language,
        segmenters=segmenters,
        # MultiNLI and its translations are distributed as Moses tokens (spec 1.6).
        already_tokenized=job.options["split"] == "train",
    )


TOKENIZE = Stage(
    name="tokenize",
    version=1,
    summary="punctuation, Moses tokenizer or segmenter, lower-case, accents off",
    units=text_units,
    upstream=_upstream,
    slice=tokenize_slice,
    run=run,
    tools=("sacremoses", "pythainlp", "jieba"),
)
