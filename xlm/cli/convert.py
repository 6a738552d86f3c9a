"""`xlm convert`: write a model in another format, completely or not at all.

xlm convert mlm_tlm_xnli15_1024.pth xnli15 --to hugging-face --codes codes_xnli_15
"""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import typer
from safetensors import SafetensorError

from xlm.bpe.vocabulary import VOCABULARY_FILE, Vocabulary, load_vocabulary, write_vocabulary
from xlm.display.suggest import did_you_mean
from xlm.errors import ConfigError, DataError
from xlm.inference.rules import TokenizationRules, rules_of
from xlm.model.formats.codes import CODES_FILES, find_codes
from xlm.model.formats.conversion import PortableModel
from xlm.model.formats.hugging_face.folder import write_hugging_face
from xlm.model.formats.hugging_face.vocab_json import write_vocab_json
from xlm.model.formats.original import write_original
from xlm.model.formats.ours import save_weights
from xlm.model.formats.sources import read_model
from xlm.release.onnx_folder import require_onnx, write_onnx_folder
from xlm.release.tokenizer import write_tokenizer
from xlm.store.disk.filesystem import sync_directory, sync_tree

_TARGETS = ("original", "hugging-face", "onnx", "xlm")
_OF_TRANSFORMERS = ("hugging-face", "onnx")
"""Formats with a tokenizer of transformers, whose classifiers have no prediction head."""


def convert_model(
    source: Path, out: Path, to: str, vocabulary: Path | None, codes: Path | None
) -> None:
    """Read a model, write it in another format, and print what was written.

    Raises:
        ConfigError: the format is unknown or needs a package, or the target exists.
        DataError: the source cannot be read, or does not fit the vocabulary or the BPE merges.
    """
    if to not in _TARGETS:
        raise ConfigError(f"unknown format {to!r}", fix=did_you_mean(to, _TARGETS))
    if to == "onnx":
        require_onnx()
    _refuse_existing(out)
    model = read_model(source)
    if vocabulary is not None:
        model = model.with_vocabulary(_load(vocabulary), str(vocabulary))
    if model.vocabulary is None:
        raise DataError(
            f"{source} has no vocabulary",
            fix="pass --vocabulary, the folder with the model's vocabulary.json",
        )
    found = find_codes(model.vocabulary, source, codes)
    merges = found.content if found else None
    if not (to in _OF_TRANSFORMERS and model.is_classifier):
        model = model.with_head()
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        rules = rules_of(source, model.description.languages)
        _write_atomically(out, model, to, merges, rules)
        sync_directory(out.parent)
    except (OSError, SafetensorError) as error:  # safetensors has its own error for a full disk
        reason = getattr(error, "strerror", None) or error
        raise DataError(
            f"{out} cannot be written: {reason}", fix="free some space, or write it elsewhere"
        ) from None
    _report(out, to, model, merges)


def _write_atomically(
    out: Path,
    model: PortableModel,
    to: str,
    merges: bytes | None,
    rules: TokenizationRules,
) -> None:
    # A name derived from `out` could be too long although `out` is not. A folder that cannot be
    # removed must not hide the error.
    with TemporaryDirectory(
        prefix=".xlm-convert-", suffix=".part", dir=out.parent, ignore_cleanup_errors=True
    ) as folder:
        staging = Path(folder) / "model"
        _write(staging, model, to, merges, rules)
        _refuse_existing(out)
        staging.rename(out)


def _write(
    staging: Path,
    model: PortableModel,
    to: str,
    merges: bytes | None,
    rules: TokenizationRules,
) -> None:
    assert model.vocabulary is not None
    if to == "original":
        write_original(staging, model)
        with staging.open("rb") as file:
            os.fsync(file.fileno())
        return
    staging.mkdir()
    write_vocabulary(model.vocabulary, staging)
    if to == "xlm":
        save_weights(staging, model.description, model.weights)
        if merges is not None:
            (staging / CODES_FILES[0]).write_bytes(merges)
    else:
        if to == "onnx":
            write_onnx_folder(staging, model, has_tokenizer=merges is not None)
        else:
            write_hugging_face(staging, model)
        if merges is None:
            write_vocab_json(staging, model.vocabulary.tokens)
        else:
            write_tokenizer(
                staging,
                tokens=model.vocabulary.tokens,
                merges=merges,
                languages=model.description.languages,
                positions=model.description.model.max_positions,
                rules=rules,
            )
    sync_tree(staging)


def _load(folder: Path) -> Vocabulary:
    try:
        return load_vocabulary(folder)
    except OSError as error:
        raise DataError(
            f"--vocabulary {folder}: {VOCABULARY_FILE} cannot be read ({error.strerror})",
            fix="pass the folder of a vocabulary artifact",
        ) from None


def _refuse_existing(out: Path) -> None:
    try:
        out.lstat()
    except FileNotFoundError:
        return
    except OSError as error:  # the parent is a file, or the name is too long
        raise ConfigError(f"{out}: {error.strerror}", fix="choose another path") from None
    raise ConfigError(f"{out} exists", fix="remove it, or choose another path")


def _report(out: Path, to: str, model: PortableModel, merges: bytes | None) -> None:
    description = model.description
    sizes = description.model
    kind = "causal language model" if description.causal else "masked language model"
    if model.is_classifier:
        kind = f"classifier ({', '.join(model.description.labels)})"
    typer.echo(
        f"{out}: {kind}, format {to}, {sizes.layers} layers of {sizes.dimension}, "
        f"{description.vocabulary_size} ids, {len(description.languages)} languages "
        f"({' '.join(description.languages)}), "
        f"{sum(tensor.numel() for tensor in model.weights.values()):,} parameters"
    )
    notes = list(model.notes)
    if to in _OF_TRANSFORMERS and merges is None:
        notes.append("no tokenizer was written: its BPE merges are not known (--codes)")
    if model.vocabulary is not None and not any(model.vocabulary.token_counts):
        notes.append("token counts are not known, so all are 0 (--vocabulary)")
    for note in notes:
        typer.echo(f"note: {note}")
