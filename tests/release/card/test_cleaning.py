"""What cleaning dropped, on the card."""

from dataclasses import replace
from pathlib import Path

from tests.stages.own_data import build, sentences, write_lines, write_profile
from xlm.release.card.facts import CleaningFacts, RunFacts
from xlm.release.card.sections.data import data_section
from xlm.release.read_facts import read_cleaning


def test_without_cleaning_the_card_does_not_mention_it(facts: RunFacts) -> None:
    assert "cleaned" not in data_section(facts, classifier=False)


def test_dropped_lines_are_listed_by_reason(facts: RunFacts) -> None:
    cleaning = (
        CleaningFacts("de", 2000, 1500, {"too_short": 0, "duplicate": 499, "other_language": 1}),
        CleaningFacts("sw", 10, 10, {"too_short": 0, "duplicate": 0, "other_language": 0}),
        CleaningFacts("de-en", 400, 399, {"too_short": 0, "duplicate": 1}),
    )
    section = data_section(replace(facts, cleaning=cleaning), classifier=False)
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line.startswith(("| language or pair", "| de ", "| sw ", "| de-en "))
    ]
    assert ["language or pair", "lines", "duplicate", "other language", "kept"] in rows
    assert ["de", "2,000", "499", "1", "75.0%"] in rows
    assert ["de-en", "400", "1", "0", "99.8%"] in rows
    assert not any(row[0] == "sw" for row in rows)


def test_nothing_dropped_is_stated(facts: RunFacts) -> None:
    cleaning = (CleaningFacts("de", 10, 10, {"duplicate": 0}),)
    section = data_section(replace(facts, cleaning=cleaning), classifier=False)
    assert "the text was cleaned. Nothing was dropped." in section


def test_the_facts_are_the_counts_of_the_stage(tmp_path: Path) -> None:
    lines = sentences("sw", 20)
    path = write_lines(tmp_path / "sw.txt", [*lines, lines[0]])
    text = [{"kind": "text", "language": "sw", "path": str(path)}]
    profile = write_profile(tmp_path, ["sw"], text, cleaning={"duplicates": True})
    built = build(profile, tmp_path / "root", "clean")
    assert read_cleaning("sw", built["clean[sw]"]) == CleaningFacts("sw", 21, 20, {"duplicate": 1})
