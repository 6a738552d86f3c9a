"""The guides on own text and on pairs without English: their commands, on made text."""

import gzip
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from transformers import AutoModelForMaskedLM

from tests.flows.console import environment
from tests.house.guides import run_guide
from tests.repository import REPOSITORY
from tests.stages.own_data import sentences, write_lines

GUIDES = REPOSITORY / "docs" / "how-to"
OWN_TEXT = GUIDES / "train-on-your-own-text.md"
PAIRS = GUIDES / "pairs-without-english.md"
TINY = """
split: {valid_fraction: 0.05, test_fraction: 0.05}
bpe: {codes: 80}
vocabulary: {size: 300, min_count: 1}
model: {layers: 1, dimension: 16, heads: 2, max_positions: 64}
pretrain:
  updates: 6
  stream_tokens: 32
  stream_rows: 4
  pair_tokens: 200
  validation_updates: 3
  schedule: {kind: linear, warmup_updates: 2}
evaluate: {processes: 1}
"""


def _merged(base: Any, changes: Any) -> Any:
    if not isinstance(base, dict) or not isinstance(changes, dict):
        return changes
    return base | {name: _merged(base.get(name), value) for name, value in changes.items()}


def _write_profile(page: Path, folder: Path) -> None:
    """The profile of the guide under its name, with a tiny model."""
    text = page.read_text(encoding="utf-8")
    (profile,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    (name,) = re.findall(r"[Ss]ave this as `(\S+)`", text)
    values = _merged(yaml.safe_load(profile), yaml.safe_load(TINY))
    (folder / name).write_text(yaml.safe_dump(values), encoding="utf-8")


def _published(folder: Path) -> Path:
    (published,) = (folder / "data" / "artifacts" / "publish").glob("*/masked-lm")
    return published


def _write_own_text(data: Path) -> None:
    data.mkdir()
    (data / "en.txt.gz").write_bytes(gzip.compress("\n".join(sentences("en", 200)).encode()))
    for number in (1, 2):
        write_lines(data / "sw" / f"{'_ab'[number]}.txt", sentences(f"sw{number}", 100))
    rows = [json.dumps({"text": line}, ensure_ascii=False) for line in sentences("yo", 200)]
    write_lines(data / "yo.jsonl", rows)
    pairs = zip(sentences("en pairs", 150), sentences("yo pairs", 150), strict=True)
    write_lines(data / "en-yo.tsv", ["\t".join(pair) for pair in pairs])


@pytest.mark.slow
def test_own_text_in_three_languages_becomes_a_published_model(tmp_path: Path) -> None:
    _write_own_text(tmp_path / "data")
    _write_profile(OWN_TEXT, tmp_path)
    printed = run_guide(OWN_TEXT, tmp_path)
    assert "Yoruba (yo)" in printed["xlm results --profile mine.yaml"]
    assert "publish" in printed["xlm store ls"]
    published = _published(tmp_path)
    card = (published / "README.md").read_text(encoding="utf-8")
    assert re.search(r"\| news \(sw\) \| .*MLM.* \| CC0-1.0 \| local files \|", card)
    assert re.search(r"\| mine \(en-yo\) \| .*TLM.* \| CC0-1.0 \| local files \|", card)
    assert str(tmp_path) not in card
    model = AutoModelForMaskedLM.from_pretrained(published)
    assert model.config.id2lang == {0: "en", 1: "sw", 2: "yo"} or len(model.config.lang2id) == 3
    # The same text in another folder: everything is cached.
    (tmp_path / "data" / "sw").rename(tmp_path / "data" / "swahili")
    profile = tmp_path / "mine.yaml"
    profile.write_text(profile.read_text().replace("data/sw/", "data/swahili/"))
    plan = subprocess.run(
        ["bash", "-c", f"{REPOSITORY}/.venv/bin/xlm plan --profile mine.yaml | tail -1"],
        cwd=tmp_path,
        env=environment(tmp_path / "data"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.fullmatch(r"\d+ cached\n", plan.stdout)


@pytest.mark.slow
def test_pairs_without_english_become_a_published_model(tmp_path: Path) -> None:
    data = tmp_path / "data"
    write_lines(data / "sw.txt", sentences("sw", 200))
    write_lines(data / "bible.sw", sentences("sw pairs", 150))
    write_lines(data / "bible.yo", sentences("yo pairs", 150))
    web = zip(sentences("sw web", 50), sentences("yo web", 50), strict=True)
    rows = [json.dumps({"translation": {"sw": a, "yo": b}}) for a, b in web]
    write_lines(data / "web.jsonl", rows)
    _write_profile(PAIRS, tmp_path)
    printed = run_guide(PAIRS, tmp_path)
    assert "sw-yo" in printed["xlm results --profile pairs.yaml"]
    card = (_published(tmp_path) / "README.md").read_text(encoding="utf-8")
    assert "### Pretrained encoder: pairs without English" in card
