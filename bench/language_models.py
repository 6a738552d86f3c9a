"""Measures models that identify languages on sentences whose language is known.

    .venv/bin/python bench/language_models.py MIRROR [--model lid.176.ftz ...]

The text is NTREX-128, news in 15 languages by translators, so every sentence that is dropped is a
mistake. Writes bench/results/language_models.json and the table in docs/how-to/clean-a-corpus.md.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

from pages import fill

from xlm.config.data.cleaning import PACKAGED_MODEL
from xlm.config.reading.resolve import resolve
from xlm.corpus.cleaning.language import OtherLanguage
from xlm.corpus.cleaning.language_models import load_model, model_identity
from xlm.display.markdown import table

RESULTS = Path(__file__).resolve().parent / "results" / "language_models.json"
FOLDER = "raw.githubusercontent.com/MicrosoftTranslator/NTREX/main/NTREX-128"
CERTAINTIES = (0.5, 0.8, 0.9)


def sentences(mirror: Path) -> dict[tuple[str, str], list[str]]:
    """The sentences of each language, by its code and its ISO code."""
    config = resolve("mini15", (), ())
    found = {}
    for code in config.languages:
        entry = config.table[code]
        side = "src" if code == "en" else "ref"
        path = mirror / FOLDER / f"newstest2019-{side}.{entry.ntrex}.txt"
        found[code, entry.iso] = path.read_text(encoding="utf-8-sig").splitlines()
    return found


def measure(spec: str, texts: dict[tuple[str, str], list[str]]) -> dict[str, Any]:
    """The share of dropped sentences for each certainty, and the sentences a second."""
    model = load_model(spec)
    total = sum(map(len, texts.values()))
    shares, seconds = {}, []
    for certainty in CERTAINTIES:
        began, dropped = time.process_time(), 0
        for (code, iso), lines in texts.items():
            cleaner = OtherLanguage(model, [code], {code: (code, iso)}, certainty)
            dropped += sum(not cleaner.keep((line,)) for line in lines)
        seconds.append(time.process_time() - began)
        shares[str(certainty)] = dropped / total
    name = model_identity(spec).partition(",")[0]
    return {
        "model": name if spec == PACKAGED_MODEL else name.split()[0],
        "dropped": shares,
        "lines_per_second": round(total / min(seconds)),
    }


def render(record: dict[str, Any]) -> str:
    """The table of the page."""
    header = ["model", *(f"certainty {one}" for one in CERTAINTIES), "lines/s per core"]
    rows = [
        [
            one["model"],
            *(f"{share:.2%}" for share in one["dropped"].values()),
            f"{one['lines_per_second']:,}",
        ]
        for one in record["models"]
    ]
    line = f"{record['sentences']:,} sentences, by `bench/language_models.py`:"
    return f"{line}\n\n{table(header, rows)}"


def main() -> None:
    """Measure all models, write the results and the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mirror", type=Path, help="folder with the files of NTREX-128")
    parser.add_argument("--model", action="append", default=[], help="path of a fastText model")
    arguments = parser.parse_args()
    texts = sentences(arguments.mirror)
    models = [measure(spec, texts) for spec in (PACKAGED_MODEL, *arguments.model)]
    record = {"sentences": sum(map(len, texts.values())), "models": models}
    RESULTS.write_text(json.dumps(record, indent=1) + "\n")
    fill("how-to/clean-a-corpus.md", "language-models", render(record))


if __name__ == "__main__":
    main()
