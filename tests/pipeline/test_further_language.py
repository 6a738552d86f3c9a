"""A run with a language that is not in XNLI, and with one that the profile declares."""

import json
import sys
from pathlib import Path

import pytest

from xlm.cli.results import print_results
from xlm.config.environment import MachineSettings
from xlm.config.reading.resolve import resolve
from xlm.engine.events import NoObserver
from xlm.errors import ConfigError
from xlm.pipeline.dag import open_request
from xlm.pipeline.request import RunRequest
from xlm.pipeline.run_record import write_run_record
from xlm.sample.files.nli_files import training_table, write_xnli, write_xnli_mt
from xlm.sample.files.wikipedia_files import write_wikipedia

PROFILE = Path(__file__).with_name("further_language.yaml")
LABELS = ("contradiction", "neutral", "entailment")
SEGMENTER = """#!{python}
import sys
for line in iter(sys.stdin.readline, ""):
    print(*line.strip().replace(" ", ""), flush=True)
"""


def _sentence(code: str, number: int) -> str:
    if code == "xx":
        return f"Pupil's book {number} is read."
    return f"第{number}の学校で本を読む。" if code == "ja" else f"Pupil {number} reads a book."


def _mirror(folder: Path) -> Path:
    for code in ("en", "ja", "xx"):
        pages = [
            (f"{code} {page}", [_sentence(code, 7 * page + line) for line in range(6)])
            for page in range(30)
        ]
        if code != "xx":
            write_wikipedia(folder, code, pages, date="20261101")
        texts = folder / "texts.example.org" / "v1"
        texts.mkdir(parents=True, exist_ok=True)
        lines = "".join(f"{_sentence(code, number)}\n" for number in range(200))
        (texts / f"train.{code}").write_text(lines, encoding="utf-8")
    rows = [(_sentence("en", n), _sentence("en", n + n % 3), LABELS[n % 3]) for n in range(60)]
    write_xnli(folder, {"en": rows}, {"en": rows})
    write_xnli_mt(folder, {"en": training_table(rows)}, {"en": rows})
    return folder


@pytest.mark.slow
def test_a_run_with_other_languages_reaches_the_model_card(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    segmenter = tmp_path / "segmenter"
    segmenter.write_text(SEGMENTER.format(python=sys.executable))
    segmenter.chmod(0o755)
    request = RunRequest(
        profile=str(PROFILE),
        overrides=(
            f"sources.mirror={_mirror(tmp_path / 'mirror')}",
            f"text.segmenters.ja=command:{segmenter}",
        ),
    )
    with open_request(request, MachineSettings(str(tmp_path / "root"), 1), NoObserver()) as run:
        for node in run.selected:
            run.build(node)
        write_run_record(run)
        built = {str(node): found.artifact.directory for node, found in run.results.items()}
    assert "extract-xnli[ja]" not in built
    words = (built["tokenize[ja]"] / "train.00000.txt").read_text(encoding="utf-8")
    assert "の 学 校 て 本 を 読 む" in words  # the voicing mark is removed as an accent
    results = json.loads((built["evaluate"] / "results.json").read_text())
    by_code = {row["code"]: row for row in results["languages"]}
    assert by_code["ja"]["test"] is None
    assert by_code["ja"]["perplexity"] > 1
    assert by_code["ja"]["retrieval"]["pairs"] == 10
    assert by_code["xx"]["perplexity"] is None
    assert by_code["xx"]["retrieval"]["pairs"] == 10
    words = (built["tokenize[en-xx]"] / "train.00000.xx.txt").read_text(encoding="utf-8")
    assert "pupil 's book" in words, "the apostrophe of English"
    card = (built["publish"] / "classifier" / "README.md").read_text(encoding="utf-8")
    assert "English (en), Japanese (ja), Examplish (xx)" in card
    assert "- ja\n" in card
    assert "- xx\n" in card
    assert "| Examplish (xx) |" in card
    config = json.loads((built["publish"] / "masked-lm" / "tokenizer_config.json").read_text())
    assert config["xlm_text"] == {"segmenters": {"ja": "command"}, "moses": {"xx": "en"}}
    print_results([], None, str(tmp_path / "root"), as_json=False)
    assert "Examplish (xx)" in capsys.readouterr().out


def test_the_sample_world_refuses_languages_that_it_lacks() -> None:
    with pytest.raises(ConfigError, match="sample world does not contain it ja; use only ar bg"):
        resolve("sample", [], ["en", "ja", "it"])
    assert resolve("mini15", [], ["en", "ja", "it"]).languages == ("en", "it", "ja")
    with pytest.raises(ConfigError, match="unknown language 'jaa'"):
        resolve("mini15", ["text.segmenters.jaa=kytea"])
