"""The user's own text and pairs on the card: licences, sizes, what they were used for."""

from dataclasses import replace
from pathlib import Path

from tests.stages.own_data import sentences, write_lines, write_profile
from xlm.config.reading.resolve import resolve
from xlm.release.card.facts import RunFacts, SourceFacts
from xlm.release.card.sections.data import data_section, terms_of
from xlm.stages.data.own_parts import own_sources


def _facts(facts: RunFacts, licence: str) -> RunFacts:
    own = (
        SourceFacts("news.sw", "News", "", licence, 2_000),
        SourceFacts("web.sw", "Web", "https://host/sw.txt", "CC0-1.0", 3_000),
        SourceFacts("mine.de-en", "mine (de-en)", "", "CC0-1.0", 4_000),
    )
    return replace(facts, sources=own, own_text=frozenset({"news.sw", "web.sw"}))


def test_local_files_have_no_url_and_their_purpose(facts: RunFacts) -> None:
    section = data_section(_facts(facts, "CC0-1.0"), classifier=False)
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    text = "BPE merges, vocabulary, MLM"
    assert f"| News | {text} | 2.0 kB | CC0-1.0 | local files |" in rows
    assert f"| Web | {text} | 3.0 kB | CC0-1.0 | <https://host/sw.txt> |" in rows
    pairs = "BPE merges, vocabulary, TLM, retrieval"
    assert f"| mine (de-en) | {pairs} | 4.0 kB | CC0-1.0 | local files |" in rows
    assert "come from the monolingual sources above" in section


def test_a_licence_that_is_not_stated_is_not_permissive(facts: RunFacts) -> None:
    assert terms_of(_facts(facts, "CC0-1.0"), classifier=False).identifier == "apache-2.0"
    terms = terms_of(_facts(facts, "not stated"), classifier=False)
    assert (terms.identifier, terms.unclear) == ("other", ("not stated",))


def test_the_facts_of_a_profile(tmp_path: Path) -> None:
    size = write_lines(tmp_path / "yo.txt", sentences("yo", 5)).stat().st_size
    write_lines(tmp_path / "a.tsv", ["one\ttwo"])
    text = [
        {"kind": "text", "name": "news", "language": "yo", "path": str(tmp_path / "*.txt")},
        {
            "kind": "text", "language": "sw", "title": "Web", "licence": "CC0-1.0",
            "path": ["https://host/a.txt", "https://host/b.txt"],
        },
    ]  # fmt: skip
    pairs = [{"kind": "tsv", "pair": "sw-yo", "path": str(tmp_path / "a.tsv")}]
    config = resolve(str(write_profile(tmp_path, ["sw", "yo"], text, pairs)))
    assert [(one.unit, one.name, one.is_text, one.size_bytes) for one in own_sources(config)] == [
        ("own.sw.1", "Web", True, None),
        ("own.sw.2", "Web", True, None),
        ("news.yo", "news (yo)", True, size),
        ("own.sw-yo", "own (sw-yo)", False, 8),
    ]
