"""Reads the English translations of XNLI's dev and test rows from XNLI-MT.

Two layouts are read. In the sample world, `xnli.test.{language}.en.tsv` has three columns, like the
training tables. Published listings of XNLI-MT 1.0 have one file for all languages instead,
`xnli.test.en.tsv`. It is read like the files of XNLI 1.0: 19 columns, of which `language` is the
language of the original. The official file was not available to try this.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from zipfile import is_zipfile

from xlm.corpus.text_files.zip_files import missing_member, open_zip
from xlm.corpus.xnli.archives import (
    EVALUATION_COLUMNS,
    EVALUATION_FILES,
    MISSING_TRAINING_FIX,
    TRAINING_COLUMNS,
    NliPair,
    evaluation_rows,
    member_named,
    nli_pair,
    read_table,
    training_member,
)
from xlm.errors import DataError

_MISSING_FIX = (
    "take an archive that has it (sources.multinli, sources.mirror), or remove translate-test from "
    "xnli.settings"
)
_UNEQUAL_FIX = "use XNLI and XNLI-MT of the same release (sources.xnli, sources.multinli)"


def translated_rows(archive_path: Path, xnli: Path, language: str, split: str) -> list[NliPair]:
    """The rows of a language in English, in the order of XNLI; none if dev is not translated.

    Args:
        archive_path: XNLI-MT.
        xnli: XNLI 1.0, which has the originals.
        language: language of the originals.
        split: valid or test.

    Raises:
        DataError: the test rows are not translated, or the rows are not those of XNLI in number or
            labels.
    """
    found = list(_rows(archive_path, language, split))
    if not found:
        if split == "test":
            raise _missing(archive_path, language)
        return []
    file_name = EVALUATION_FILES[split]
    originals = list(evaluation_rows(xnli, file_name, language, None))
    if len(found) != len(originals):
        member = found[0][0].rpartition(",")[0]
        raise DataError(
            f"{member} translates {len(found):,} rows of {language}, but {file_name} has "
            f"{len(originals):,}",
            fix=_UNEQUAL_FIX,
        )
    pairs = zip(found, originals, strict=True)
    for number, ((where, row), original) in enumerate(pairs, start=1):
        if row.label != original.label:
            raise DataError(
                f"{where}: the label is {row.label}, but that of row {number:,} of {language} in "
                f"{file_name} is {original.label}",
                fix=_UNEQUAL_FIX,
            )
    return [row for _, row in found]


def require_members(path: Path, train: Sequence[str], translated: Sequence[str]) -> None:
    """Check that an archive has training pairs and translated test rows of languages.

    An archive that cannot be read passes: the download says more about it.

    Args:
        path: XNLI-MT.
        train: languages of training pairs.
        translated: languages of translated test rows.

    Raises:
        DataError: a member is missing.
    """
    if not is_zipfile(path):
        return
    with open_zip(path) as archive:
        for language in train:
            if member_named(archive, training_member(language)) is None:
                raise missing_member(archive, training_member(language), MISSING_TRAINING_FIX)
        for language in translated:
            names = _members("test", language)
            if not any(member_named(archive, name) for name in names):
                raise missing_member(archive, " or ".join(names), _MISSING_FIX)


def _members(split: str, language: str) -> tuple[str, str]:
    """The file names that the translations of a language can have: its own, or that of all."""
    stem = EVALUATION_FILES[split].removesuffix(".tsv")
    return f"{stem}.{language}.en.tsv", f"{stem}.en.tsv"


def _rows(archive_path: Path, language: str, split: str) -> Iterator[tuple[str, NliPair]]:
    own, joint = _members(split, language)
    with open_zip(archive_path) as archive:
        has_own, has_joint = (member_named(archive, name) is not None for name in (own, joint))
    if has_own:
        for where, row in read_table(archive_path, own, TRAINING_COLUMNS):
            yield where, nli_pair(where, *row)
    elif has_joint:
        for where, (code, *fields) in read_table(archive_path, joint, EVALUATION_COLUMNS):
            if code == language:
                yield where, nli_pair(where, *fields)


def _missing(archive_path: Path, language: str) -> DataError:
    own, joint = _members("test", language)
    with open_zip(archive_path) as archive:
        name = member_named(archive, own) or member_named(archive, joint)
        if name is None:
            return missing_member(archive, f"{own} or {joint}", _MISSING_FIX)
    return DataError(f"{name} has no rows of {language}", fix=_MISSING_FIX)
