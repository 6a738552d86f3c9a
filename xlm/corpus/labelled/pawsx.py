"""PAWS-X: pairs of sentences with the same words, in a tar archive of one folder per language.

The archive has `x-final/{language}/dev_2k.tsv`, `test_2k.tsv` and `translated_train.tsv`, in
English `train.tsv`. The columns are id, sentence1, sentence2 and label: 1 if both sentences mean
the same, otherwise 0 (the README of google-research-datasets/paws).
"""

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast

from xlm.config.data.extract import ExtractLabelledSlice
from xlm.config.data.sources import PAWSX_ID
from xlm.config.data.tasks import PAWSX_LABELS
from xlm.config.languages.pairs import ENGLISH
from xlm.corpus.labelled.rows import LabelledRow, write_rows
from xlm.corpus.sources.downloaded_files import sole_file
from xlm.corpus.text_files.decompression_limit import DAMAGED_FIX
from xlm.corpus.text_files.text_lines import open_text
from xlm.engine.stage import StageContext, StageResult
from xlm.errors import DataError

_FILES = {"train": "translated_train.tsv", "valid": "dev_2k.tsv", "test": "test_2k.tsv"}
_ENGLISH_TRAIN = "train.tsv"
_COLUMNS = ["id", "sentence1", "sentence2", "label"]
_LABELS = {str(number): label for number, label in enumerate(PAWSX_LABELS)}
_EMPTY = "NS"
"""What the translators wrote for a sentence that they could not translate."""


def extract_pawsx(context: StageContext[ExtractLabelledSlice]) -> StageResult:
    """Write a TSV for each split that the task uses in the language.

    Raises:
        DataError: a member is missing, or a row is damaged.
    """
    config = context.config
    archive = sole_file(context.inputs[PAWSX_ID], "*")
    counts: dict[str, int | float | str] = {}
    for split in config.splits:
        limit = config.max_train_rows if split == "train" else config.max_eval_rows
        rows = islice(pawsx_rows(archive, config.language, split), limit)
        # Some machine translations and a few pairs of dev and test are empty.
        counts |= write_rows(context.out / f"{split}.tsv", rows, may_drop=True)
    return StageResult(counts=counts)


def pawsx_rows(archive: Path, language: str, split: str) -> Iterator[LabelledRow]:
    """The pairs of one split in one language.

    Raises:
        DataError: the member is missing, or a row is damaged.
    """
    is_original = split == "train" and language == ENGLISH
    name = f"{language}/{_ENGLISH_TRAIN if is_original else _FILES[split]}"
    lines = open_text(partial(_open_member, archive, name), name, language).lines()
    header = next(lines, b"").decode("utf-8", errors="replace").split("\t")
    if header != _COLUMNS:
        raise DataError(
            f"{archive.name}: {name} has the columns {', '.join(header)[:200]!r}, not "
            f"{', '.join(_COLUMNS)}",
            fix="check the archive's version",
        )
    for number, line in enumerate(lines, start=2):
        where = f"{name}, line {number}"
        fields = line.decode("utf-8", errors="replace").split("\t")
        if len(fields) != len(_COLUMNS) or fields[-1] not in _LABELS:
            raise DataError(f"{where} is not id, two sentences and a label", fix=DAMAGED_FIX)
        sentences = tuple("" if text.strip() == _EMPTY else text for text in fields[1:3])
        yield LabelledRow(where, sentences, _LABELS[fields[3]])


@contextmanager
def _open_member(archive: Path, name: str) -> Iterator[BinaryIO]:
    try:
        with tarfile.open(archive) as tar:
            found = [one for one in tar if one.isfile() and f"/{one.name}".endswith(f"/{name}")]
            if not found:
                raise DataError(
                    f"{archive.name} has no {name}", fix="take the language out, or check the URL"
                )
            with cast(BinaryIO, tar.extractfile(found[0])) as file:
                yield file
    except (tarfile.TarError, EOFError, OSError) as fault:
        raise DataError(f"{archive.name} is damaged: {fault}", fix=DAMAGED_FIX) from fault
