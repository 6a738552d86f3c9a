"""Languages that a profile declares."""

from pathlib import Path

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


@pytest.mark.parametrize(
    ("declaration", "message"),
    [
        ("{code: XX}", "languages, declaration 1: code must be a language code such as yo"),
        ("{code: xx-y}", "languages, declaration 1: code must be a language code such as yo"),
        ("{name: Foo}", "languages, declaration 1: code is missing"),
        ("{code: xx, script: Latin}", "declaration 1: script must be a script as in ISO 15924"),
        ("{code: xx, direction: up}", "declaration 1: direction must be '', 'ltr' or 'rtl'"),
        ("{code: xx, wiki: x.y}", "declaration 1: wiki must be lower-case letters, digits and _"),
        ("{code: xx, opus: {a: b}}", "declaration 1: opus must be a list, e.g. [a, b]"),
        ("{code: xx, tokeniser: en}", "unknown setting 'languages, declaration 1: tokeniser'; did"),
        ("{code: xx, tokenizer: french}", "tokenizer 'french' is not a known language; did you"),
        ('{code: xx, name: "A\\nB"}', "declaration 1: name: 'A\\nB' has a line break or a control"),
        ("{code: xx, opus: [a/b]}", "declaration 1: opus: 'a/b' is not a code of OPUS; write"),
        ("{code: xx, ntrex: a/b}", "declaration 1: ntrex must be letters, digits, _ and - only"),
        (
            "{code: xx, name: " + "x" * 61 + "}",
            "declaration 1: name: it has 61 characters; write at most 60",
        ),
        ("xx", "languages: unknown language 'xx'; `xlm languages` lists the known ones"),
    ],
)
def test_a_wrong_declaration_is_one_line(tmp_path: Path, declaration: str, message: str) -> None:
    profile = tmp_path / "mine.yaml"
    profile.write_text(f"languages: [en, {declaration}]\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        resolve(str(profile))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_place_of_an_unknown_language_is_named(tmp_path: Path) -> None:
    for place, setting in {
        "text.segmenters": "text: {segmenters: {yy: icu}}",
        "sources.text": "sources: {text: [{kind: text, language: yy, path: a.txt}]}",
        "sources.parallel": "sources: {parallel: [{kind: opus, corpus: A, version: v1, "
        "pairs: [en-yy]}]}",
    }.items():
        profile = tmp_path / "mine.yaml"
        profile.write_text(f"languages: [en, sw]\n{setting}\n", encoding="utf-8")
        with pytest.raises(ConfigError, match=f"{place}: unknown language 'yy'"):
            resolve(str(profile))


def test_the_direction_follows_the_script_and_codes_of_opus_may_be_one() -> None:
    entries = [
        {"code": "xx", "script": "Nkoo", "wiki": "simple", "opus": "xxx"},
        {"code": "yy", "script": "Nkoo", "direction": "ltr", "wiki": "a"},
        {"code": "tet", "name": "Tetun", "tokenizer": "pt"},
        {"code": "zz", "tokenizer": "tet", "wiki": "b"},
    ]
    table = PipelineConfig(languages=entries).table
    assert (table["xx"].direction, table["xx"].opus) == ("rtl", ("xxx",))
    assert table["yy"].direction == "ltr"
    assert (table["tet"].wiki, table["tet"].moses) == ("tet", "pt")
    assert table["zz"].moses == "tdt", "the name of Tetun in the Moses rules"
