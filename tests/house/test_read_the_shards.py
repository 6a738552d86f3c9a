"""The guide on reading shards with other programs: its commands and its Python, on made text."""

import re
from pathlib import Path

import pytest

from tests.house.guides import run_guide
from tests.repository import REPOSITORY
from tests.stages.own_data import build, sentences, write_lines, write_profile

PAGE = REPOSITORY / "docs" / "how-to" / "read-the-shards.md"


def _write(folder: Path) -> None:
    text = []
    for code in ("en", "sw"):
        path = write_lines(folder / f"{code}.txt", sentences(code, 60))
        text.append({"kind": "text", "language": code, "path": str(path), "licence": "CC0-1.0"})
    pairs = zip(sentences("en pairs", 40), sentences("sw pairs", 40), strict=True)
    path = write_lines(folder / "en-sw.tsv", ["\t".join(pair) for pair in pairs])
    parallel = [{"kind": "tsv", "pair": "en-sw", "path": str(path), "licence": "CC0-1.0"}]
    sizes = {"bpe": {"codes": 40}, "split": {"valid_fraction": 0.3}}
    profile = write_profile(folder, ["en", "sw"], text, parallel, classify=None, **sizes)
    build(profile, folder / "data", "shard")


@pytest.mark.slow
def test_the_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    _write(tmp_path)
    load, iterate, words = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (tmp_path / "load.py").write_text(load)
    (tmp_path / "iterate.py").write_text(f"{iterate}\n{words}")
    written, loaded, _, iterated = run_guide(PAGE, tmp_path).values()
    assert written.startswith("my-data: 3 parts, 9 shards, ")
    pairs = int(loaded.split()[0])
    assert 10 < pairs < 40
    assert "'ids': List(Value('int32'))" in loaded
    assert "'language': 'sw'}" in loaded
    assert f"\n{pairs} records\n" in iterated
    card = (tmp_path / "my-data" / "README.md").read_text("utf-8")
    assert "xlm run --profile my.yaml --until shard" in card
    assert "| own (en) | `own.en` |" in card
