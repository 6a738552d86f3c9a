"""Languages that a profile declares."""

import pytest

from xlm.config.pipeline import PipelineConfig, mono_languages, pairs
from xlm.config.reading.resolve import resolve
from xlm.errors import ConfigError
from xlm.stages.data.download import DOWNLOAD
from xlm.stages.units import corpus_units

OPUS = {"kind": "opus", "corpus": "A", "version": "1"}
XX = {"code": "xx", "name": "Examplish", "tokenizer": "en", "opus": ["xxx"]}


def test_a_declared_language_has_the_facts_of_its_mapping() -> None:
    config = PipelineConfig(
        languages=["en", XX], sources={"parallel": [{**OPUS, "pairs": ["en-xx"]}]}
    )
    assert config.languages == ("en", "xx")
    entry = config.table["xx"]
    assert (entry.name, entry.tokenizer, entry.opus, entry.wiki) == (
        "Examplish",
        "en",
        ("xxx",),
        "",
    )
    assert mono_languages(config) == ("en",), "it has no Wikipedia"
    assert corpus_units(config) == ("en", "en-xx")
    assert "wikipedia.xx" not in DOWNLOAD.units(config)


def test_a_declaration_changes_only_what_it_names() -> None:
    entry = PipelineConfig(languages=[{"code": "sw", "tokenizer": "en"}]).table["sw"]
    assert (entry.name, entry.opus, entry.tokenizer) == ("Swahili", ("sw", "swh", "swa"), "en")


def test_a_pair_without_english_needs_to_be_named() -> None:
    sources = {"wikipedia": None, "parallel": [{**OPUS, "pairs": ["sw-th"]}, {**OPUS, "name": "b"}]}
    config = PipelineConfig(languages=["en", "sw", "th"], sources=sources)
    assert pairs(config) == ("en-sw", "en-th", "sw-th")
    assert [c.id for c in config.sources.corpora_of("sw-th")] == ["a"]
    assert mono_languages(config) == ()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"languages": ["en", "xx"]}, "unknown language 'xx'"),
        ({"languages": ["en", {"code": "x-y"}]}, "x-y"),
        ({"languages": ["en", XX, XX]}, "xx is declared twice"),
        ({"languages": ["en", XX]}, "xx has no text: no Wikipedia, no own text, no pair"),
        ({"languages": ["en"], "sources": {"wikipedia": None}}, "en has no text"),
        (
            {"languages": ["en", "sw"], "sources": {"parallel": [{**OPUS, "pairs": ["sw-en"]}]}},
            "write en-sw",
        ),
    ],
)
def test_languages_that_cannot_be_used_are_refused(values: dict, message: str) -> None:
    with pytest.raises((ConfigError, ValueError), match=message):
        PipelineConfig.model_validate(values)


def test_chosen_languages_keep_their_declarations(tmp_path) -> None:
    profile = tmp_path / "mine.yaml"
    profile.write_text(
        "languages: [en, sw, {code: xx, tokenizer: fr}]\n"
        "sources: {parallel: [{kind: opus, corpus: A, version: v1}]}\n"
    )
    chosen = resolve(str(profile), languages=("en", "xx"))
    assert chosen.languages == ("en", "xx")
    assert chosen.table["xx"].tokenizer == "fr"
