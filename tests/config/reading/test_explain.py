"""Each invalid setting gives one line: the setting, the given value, the expected value."""

from operator import attrgetter
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from xlm.config.pipeline import PipelineConfig
from xlm.config.reading.explain import PATTERNS, RENAMED
from xlm.config.reading.resolve import resolve
from xlm.errors import ConfigError

PLAIN = "kind: plain, name: a, title: b, licence: c"

CASES = {
    "sources.wikipedia=20261101": "sources.wikipedia must be a section, not 20261101; write its "
    "settings below it: date, head_bytes, licence",
    "sources.wikipedia.date=2026-11-01": "sources.wikipedia.date must be a date as YYYYMMDD, e.g. "
    "20261101, or latest, not '2026-11-01'",
    "sources.xnli.address=x": "sources.xnli.address is now sources.xnli.url; rename it",
    "sources.xnli={address: x}": "sources.xnli.address is now sources.xnli.url; rename it",
    "pretrain.guard.evidence=3": "evidence is now pretrain.guard.diagnostics; rename it",
    "pretrain.archive_updates=3": "archive_updates is now pretrain.revision_updates; rename it",
    "sources.xnli.url=xx": "sources.xnli.url: 'xx' is not a URL that begins with "
    "https:// or http://",
    "sources.parallel=[{kind: plaain}]": "sources.parallel.0 must be a mapping with "
    "`kind`: opus, plain, text, tsv, jsonl, parquet or moses_zip, not {'kind': 'plaain'}",
    "sources.parallel=[{a: 1}]": "sources.parallel.0 must be a mapping with `kind`: opus",
    "sources.text=[{kind: txt, language: yo, path: a}]": "sources.text.0 must be a mapping with "
    "`kind`: text, tsv, jsonl or parquet, not {'kind': 'txt'",
    "sources.text=[{kind: text, language: en, path: a, column: 3}]": "unknown setting "
    "'sources.text.0.column'; choose from name, title",
    "classify={task: files, labl: a, text: a, train: {en: a.tsv}, dev: {en: a.tsv}}": "unknown "
    "setting 'classify.labl'; did you mean 'label'?",
    "sources.text=[{kind: text, language: en}]": "sources.text.0.path is missing",
    "sources.text=[{kind: text, language: en, path: []}]": "sources.text.0.path: the path is empty",
    "sources.text=[{kind: text, language: en, path: 's3://b/a'}]": "'s3://b/a' is not a URL",
    "sources.text=[{kind: tsv, language: en, path: a, column: 0}]": "sources.text.0.column: "
    "there is no column 0; the first one is 1",
    "sources.text=[{kind: text, language: nn_xx, path: a}]": "unknown language 'nn_xx'",
    "sources.parallel=[{kind: text, pair: sw-yo, paths: {sw: a}}]": "sources.parallel: paths of "
    "sw-yo has sw; name sw and yo",
    "sources.parallel=[{kind: tsv, pair: yo-sw, path: a}]": "'yo-sw' is not a pair of two "
    "languages in alphabetical order; write sw-yo",
    "sources.parallel=[{kind: tsv, pair: en-sw, path: a, columns: [1, 1]}]": "name two columns",
    "sources.parallel=[{kind: tsv, pair: en-sw, path: a}, {kind: jsonl, pair: en-sw, path: b}]": (
        "the id 'own' is used more than once"
    ),
    "sources.parallel=[x]": "sources.parallel.0 must be a section, not 'x'",
    "sources.parallel=x": "sources.parallel must be a list",
    "sources.parallel=[{kind: opus, corpus: A b, version: v1}]": "sources.parallel.0.corpus must "
    "be letters, digits and . _ - only, not 'A b'; Name in OPUS",
    "sources.parallel=[{kind: opus, version: v1}]": "sources.parallel.0.corpus is missing",
    f"sources.parallel=[{{{PLAIN}, english: 'https://h/x', other: 'https://h/{{0}}'}}]": "must "
    "contain {code} and no other braces",
    f"sources.parallel=[{{{PLAIN}, english: 'https://h/', other: 'https://h/{{code}}'}}]": "does "
    "not end with the name of a file",
    f"sources.parallel=[{{{PLAIN}, english: 'file:///h/x', other: 'https://h/{{code}}'}}]": "is "
    "not a URL that begins with",
    **{
        f"sources.parallel=[{{{PLAIN}, english: '{english}', other: 'https://h/{{code}}'}}]": why
        for english, why in {
            "https://h/x.zip": "'https://h/x.zip' does not name a text file; use plain text, or",
            "https://h/x.TAR.gz": "does not name a text file",
            "https://h/{code}.txt": "'https://h/{code}.txt' contains braces; write the URL of one",
            "https://h:99999/x": "has an invalid host or port",
            "https://h:²/x": "has an invalid host or port",
            "https://a..b/x": "has an invalid host or port",
            f"https://{'a' * 64}.b/x": "has an invalid host or port",
        }.items()
    },
    "languages=en": "languages must be a list, e.g. [en, sw], not 'en'",
    "languages=[en, xx]": "unknown language 'xx'; `xlm languages` lists the known ones",
    "bpe=null": "bpe must be a section, not empty (null)",
    "bpe.codes=many": "bpe.codes must be a whole number, not 'many'; Number of merges to learn",
    "bpe.codes=1.5": "bpe.codes must be a whole number, not 1.5",
    "bpe.codes=0": "bpe.codes must be more than 0, not 0",
    "model.dimension=1e12": "model.dimension must be a whole number, not '1e12'",
    "model.dimension=1000000000000": "model.dimension must be 65536 or less",
    "pretrain.device=tpu": "pretrain.device must be 'cpu' or 'cuda', not 'tpu'",
    "pretrain.compile=maybe": "pretrain.compile must be true or false, not 'maybe'",
    "pretrain.objectives=[]": "pretrain.objectives must be a list of 1 or more, not []",
    "pretrain.objectives=[mlm, foo]": "pretrain.objectives.1 must be 'clm', 'mlm' or 'tlm'",
    "pretrain.optimizer.learning_rate=.inf": "must be a finite number, not inf",
    "split.valid_fraction=0.9": "split.valid_fraction must be less than 0.5, not 0.9",
    "text.segmenters=jieba": "text.segmenters must be a mapping of names to values, not 'jieba'",
    "text.segmenters.zh=jeiba": "unknown segmenter 'jeiba'; did you mean 'jieba'?",
    "release.name=../x": "release.name must be letters, digits and . _ - only",
    "model.heads=7": "model: 7 heads do not divide the dimension 256; change one of them",
    "pretrain.updates1=3": "unknown setting 'pretrain.updates1'; did you mean 'updates'?",
    ".=1": "unknown setting",
    "bpe.codes.x=1": "codes is a value, not a section; write bpe.codes=...",
}


@pytest.mark.slow
@pytest.mark.parametrize("override", CASES)
def test_an_invalid_setting_gives_one_line(override: str) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve("mini15", [override])
    line = str(caught.value)
    assert CASES[override] in line
    assert "\n" not in line
    for foreign in ("Input should", "match pattern", "instance of", "discriminator", "Value error"):
        assert foreign not in line


def _models(annotation: Any) -> set[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = annotation.model_fields.values()
        return {annotation}.union(*(_models(field.annotation) for field in fields))
    return set().union(*map(_models, get_args(annotation)))


def test_every_pattern_is_explained_in_words() -> None:
    patterns = {
        rule.pattern
        for model in _models(PipelineConfig)
        for field in model.model_fields.values()
        for rule in field.metadata
        if getattr(rule, "pattern", None)
    }
    assert patterns
    assert patterns <= PATTERNS.keys()


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_new_names_of_renamed_settings_exist(old: str, new: str) -> None:
    section, _, name = new.rpartition(".")
    fields = type(attrgetter(section)(resolve("mini15"))).model_fields
    assert name in fields
    assert old.rpartition(".")[2] not in fields


def test_a_rule_of_a_section_ends_with_what_to_do() -> None:
    """Regression: the description of the section, `Encoder`, was appended as the fix."""
    with pytest.raises(ConfigError) as caught:
        resolve("mini15", ["model.heads=7"])
    assert str(caught.value).endswith("; change one of them")
