"""Compare the published merges and vocabulary with those learned from mini15, on its text.

    .venv/bin/python bench/fertility.py [--root ./data] [--profile mini15] --official FOLDER

FOLDER holds the published `codes_xnli_15` and `vocab_xnli_15`. Writes bench/results/fertility.json
and the table in docs/reference/performance/text.md. The figures depend on the text alone; nothing
is timed.
"""

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pages import fill

from xlm.bpe.apply import apply_bpe_to_file
from xlm.bpe.counting import count_tokens, language_report
from xlm.bpe.vocabulary import Vocabulary, load_vocabulary, read_counted_vocabulary
from xlm.config.environment import MachineSettings
from xlm.config.languages.names import name_with_code
from xlm.display.markdown import format_decimal, format_integer, format_percent, mean, table
from xlm.pipeline.run_record import last_run
from xlm.report.run_results import artifact_of
from xlm.stages.text.split_files import train_files
from xlm.store.disk.root import resolve_root

HOME = Path(__file__).resolve().parent
OFFICIAL_SIZE = 95_000
FIGURES = ("fertility", "unknown_rate", "vocabulary_share")

Report = Mapping[str, Mapping[str, float]]


def main() -> None:
    """Count tokens with both, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", default=MachineSettings.from_environment().root)
    parser.add_argument("--profile", default="mini15")
    parser.add_argument("--official", type=Path, required=True)
    arguments = parser.parse_args()
    root = resolve_root(arguments.root, write=False)
    record = last_run(root, profile=arguments.profile, reaching="vocabulary")
    tokens = {
        node["unit"]: root / node["directory"]
        for node in record["nodes"]
        if node["stage"] == "tokenize" and not node["unit"].startswith("xnli.")
    }
    published = arguments.official
    models = {
        "official": (
            published / "codes_xnli_15",
            read_counted_vocabulary(published / "vocab_xnli_15", size=OFFICIAL_SIZE),
        ),
        "rebuilt": (
            artifact_of(record, root, "learn-bpe") / "codes",
            load_vocabulary(artifact_of(record, root, "vocabulary")),
        ),
    }
    content: dict[str, Any] = {"profile": arguments.profile}
    for name, (codes, vocabulary) in models.items():
        content[name] = {
            "merges": codes.read_bytes().count(b"\n"),
            "vocabulary": vocabulary.size,
            "languages": count(tokens, codes, vocabulary),
        }
    path = HOME / "results" / "fertility.json"
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    fill("reference/performance/text.md", "fertility", render(content))


def count(tokens: Mapping[str, Path], codes: Path, vocabulary: Vocabulary) -> Report:
    """Report each language on its train splits, including its sides of pairs."""
    counts: dict[str, Counter[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        subwords = Path(folder) / "subwords"
        for _, language, file in train_files(tokens):
            apply_bpe_to_file(file.path, subwords, codes=codes, labelled=False)
            counts.setdefault(language, Counter()).update(count_tokens(subwords))
    return language_report(counts, vocabulary)


def render(content: Mapping[str, Any]) -> str:
    """Render the official and the rebuilt vocabulary side by side."""
    official, rebuilt = (content[name]["languages"] for name in ("official", "rebuilt"))
    header = (
        *("language", "words", "tokens per word: official", "rebuilt"),
        *("unknown, %: official", "rebuilt", "of the vocabulary, %: official", "rebuilt"),
    )
    rows = [
        (
            name_with_code(code),
            format_integer(official[code]["words"]),
            *(
                _shown(figure, report[code][figure])
                for figure in FIGURES
                for report in (official, rebuilt)
            ),
        )
        for code in official
    ]
    means = [
        _shown(figure, mean(shares[figure] for shares in report.values()))
        for figure in FIGURES
        for report in (official, rebuilt)
    ]
    rows.append((f"mean of {len(rows)}", "", *means))
    sizes = "; ".join(
        f"{name}: {content[name]['merges']:,} merges, {content[name]['vocabulary']:,} ids"
        for name in ("official", "rebuilt")
    )
    return f"Train splits of {content['profile']}. {sizes}.\n\n{table(header, rows)}"


def _shown(figure: str, value: float | None) -> str:
    if figure == "fertility" or value is None:
        return format_decimal(value)
    return format_percent(value) if figure == "vocabulary_share" else format_decimal(100 * value, 3)


if __name__ == "__main__":
    main()
