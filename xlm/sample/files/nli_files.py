"""Writes NLI rows as the two zip files of XNLI, at their real URLs and in their format.

`XNLI-1.0.zip`: `xnli.dev.tsv` and `xnli.test.tsv`, all languages, the official 19 columns.
`XNLI-MT-1.0.zip`: `multinli/multinli.train.{language}.tsv` with Moses-tokenized text and the label
`contradictory`, as in the official file; and English translations of the test sets,
`xnli/xnli.test.{language}.en.tsv`. Published listings of the official archive have other names for
these (`xlm/corpus/xnli/translations.py`).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from xlm.errors import DataError
from xlm.sample.files.archives import write_zip

Row = tuple[str, str, str]
"""Premise, hypothesis, label (contradiction, neutral or entailment)."""

FOLDER = "dl.fbaipublicfiles.com/XNLI"
_COLUMNS = (
    "language", "gold_label", "sentence1_binary_parse", "sentence2_binary_parse",
    "sentence1_parse", "sentence2_parse", "sentence1", "sentence2", "promptID", "pairID", "genre",
    "label1", "label2", "label3", "label4", "label5", "sentence1_tokenized", "sentence2_tokenized",
    "match",
)  # fmt: skip
_TRAINING_COLUMNS = ("premise", "hypo", "label")
_HYPOTHESES_OF_A_PREMISE = 3
_GENRE = "sample"
# Latin, Arabic, Devanagari and Chinese marks that Moses separates from the previous word.
_PUNCTUATION = re.compile(r"\s*([.,!?;:،؛؟۔।。，！？；：])(?=\s|$)")


def write_xnli(
    mirror: Path, dev: Mapping[str, Sequence[Row]], test: Mapping[str, Sequence[Row]]
) -> dict[str, int]:
    """Write `XNLI-1.0.zip`; row i is the same pair in every language."""
    members = {
        f"XNLI-1.0/xnli.{split}.tsv": _table(
            _COLUMNS,
            (
                _official_row(language, number, row)
                for language in sorted(rows)
                for number, row in enumerate(rows[language])
            ),
        )
        for split, rows in (("dev", dev), ("test", test))
    }
    size = write_zip(mirror / FOLDER / "XNLI-1.0.zip", members)
    return {
        "dev_rows": sum(map(len, dev.values())),
        "test_rows": sum(map(len, test.values())),
        "bytes": size,
    }


def write_xnli_mt(
    mirror: Path, train: Mapping[str, str], test_in_english: Mapping[str, Sequence[Row]]
) -> int:
    """Write `XNLI-MT-1.0.zip` and return its size, bytes.

    Args:
        train: training table (`training_table`) by language.
        test_in_english: English translations of the test rows, by language.
    """
    members = {
        f"XNLI-MT-1.0/multinli/multinli.train.{language}.tsv": train[language]
        for language in sorted(train)
    }
    members |= {
        f"XNLI-MT-1.0/xnli/xnli.test.{language}.en.tsv": _table(
            _TRAINING_COLUMNS, test_in_english[language]
        )
        for language in sorted(test_in_english)
    }
    return write_zip(mirror / FOLDER / "XNLI-MT-1.0.zip", members)


def training_table(rows: Iterable[Row]) -> str:
    """Format rows as the training files of MultiNLI: tokenized, with label `contradictory`."""
    return _table(_TRAINING_COLUMNS, (_training_row(row) for row in rows))


@lru_cache(maxsize=1 << 16)
def separate_punctuation(sentence: str) -> str:
    """Separate punctuation from words, as the Moses tokenizer does in plain sentences."""
    return _PUNCTUATION.sub(r" \1", sentence)


def _training_row(row: Row) -> Row:
    premise, hypothesis, label = row
    label = "contradictory" if label == "contradiction" else label
    return separate_punctuation(premise), separate_punctuation(hypothesis), label


def _official_row(language: str, number: int, row: Row) -> tuple[str, ...]:
    premise, hypothesis, label = row
    prompt, pair = str(number // _HYPOTHESES_OF_A_PREMISE + 1), str(number + 1)
    return (
        language, label, "", "", "", "", premise, hypothesis, prompt, pair, _GENRE, label, "", "",
        "", "", separate_punctuation(premise), separate_punctuation(hypothesis), "True",
    )  # fmt: skip


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["\t".join(header)]
    for row in rows:
        line = "\t".join(row)
        if line.count("\t") != len(header) - 1 or "\n" in line:
            raise DataError(f"NLI row {row!r} contains a tab or a line break", fix="remove it")
        lines.append(line)
    return "\n".join(lines) + "\n"
