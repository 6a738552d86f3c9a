"""A small mirror of the real servers: two Wikipedias, a parallel corpus, XNLI."""

from pathlib import Path

from xlm.sample.files.nli_files import training_table, write_xnli, write_xnli_mt
from xlm.sample.files.wikipedia_files import write_wikipedia

LABELS = ("contradiction", "neutral", "entailment")
WORDS = {"en": "Pupil {0} reads book {0}.", "sw": "Mwanafunzi {0} anasoma kitabu {0}."}
PROFILE = """\
languages: [en, sw]
sources:
  wikipedia: {date: "20261101", head_bytes: 12000}
  parallel:
    - kind: plain
      name: mine
      title: Mine
      licence: CC0-1.0
      english: https://texts.example.org/v1/train.en
      other: https://texts.example.org/v1/train.{code}
split: {valid_fraction: 0.1, test_fraction: 0.1}
"""


def write_made_mirror(folder: Path) -> None:
    """Write the files that `PROFILE` downloads."""
    for code, words in WORDS.items():
        pages = [
            (f"{code} {page}", [words.format(7 * page + line) for line in range(6)])
            for page in range(400)
        ]
        write_wikipedia(folder, code, pages, date="20261101")
        texts = folder / "texts.example.org" / "v1"
        texts.mkdir(parents=True, exist_ok=True)
        lines = "".join(f"{words.format(number)}\n" for number in range(200))
        (texts / f"train.{code}").write_text(lines, encoding="utf-8")
    rows = [(WORDS["en"].format(n), WORDS["en"].format(n % 3), LABELS[n % 3]) for n in range(60)]
    write_xnli(folder, {"en": rows, "sw": rows}, {"en": rows, "sw": rows})
    write_xnli_mt(folder, {"en": training_table(rows)}, {"en": rows})
