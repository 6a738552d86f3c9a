"""Where the parts of a model lie: its weights, vocabulary, BPE merges and tokenization rules.

    found = find_model(Path("data/artifacts/publish/KEY"), codes=None, vocabulary=None)
    found.encoder, found.classifier, found.codes, found.rules

A publish artifact has two models, which share everything but the weights.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from xlm.bpe.codes_match import require_codes_match
from xlm.bpe.vocabulary import VOCABULARY_FILE, Vocabulary
from xlm.bpe.vocabulary_file import read_vocabulary
from xlm.config.training.release import CLASSIFIER_FOLDER, MASKED_LM_FOLDER
from xlm.errors import DataError
from xlm.inference.rules import TokenizationRules, rules_of
from xlm.inference.text import unknown_language
from xlm.model.formats.codes import find_codes
from xlm.model.formats.conversion import PortableModel
from xlm.model.formats.sources import read_model
from xlm.store.integrity.presence import is_present
from xlm.text.segmenters.registry import segmenter_identity

_CONFIG = "config.json"


@dataclass(frozen=True)
class FoundModel:
    """The parts of a model."""

    encoder: PortableModel
    classifier: PortableModel | None
    vocabulary: Vocabulary
    codes: Path
    rules: TokenizationRules


def find_model(
    path: Path,
    *,
    codes: Path | None = None,
    vocabulary: Path | None = None,
    segmenters: Mapping[str, str] | None = None,
) -> FoundModel:
    """Read the model at a path, and find what belongs to it.

    Raises:
        ConfigError: a segmenter is unknown.
        DataError: there is no model, it is damaged, or its vocabulary or merges are missing.
        ToolError: a segmenter is not installed.
    """
    folders = [path / name for name in (MASKED_LM_FOLDER, CLASSIFIER_FOLDER)]
    inside = [folder for folder in folders if is_present(folder / _CONFIG)]
    is_release = path.is_dir() and not is_present(path / _CONFIG) and bool(inside)
    sources = inside if is_release else [path]
    models = [_with_vocabulary(read_model(source), source, vocabulary) for source in sources]
    known = models[0].vocabulary
    assert known is not None
    found = find_codes(known, sources[0], codes)
    if found is None:
        raise DataError(
            f"the BPE merges of {path} are not known", fix="pass their file (--codes FILE)"
        )
    if not known.codes_hash:
        require_codes_match(known, found.path)
    languages = models[0].description.languages
    for code, spec in (segmenters or {}).items():
        if code not in languages:
            raise unknown_language(code, languages, "segmenters")
        segmenter_identity(spec)  # refuses one that is unknown or not installed
    classifiers = [model for model in models if model.is_classifier]
    return FoundModel(
        encoder=models[0],
        classifier=classifiers[0] if classifiers else None,
        vocabulary=known,
        codes=found.path,
        rules=rules_of(sources[0], languages, segmenters),
    )


def _with_vocabulary(model: PortableModel, source: Path, given: Path | None) -> PortableModel:
    """The model with the given vocabulary, or the one that was found.

    Raises:
        DataError: there is no vocabulary, or it is not the model's.
    """
    if given is None and model.vocabulary is None and not source.is_dir():
        given = next(
            (file for file in sorted(source.parent.glob("vocab*")) if file.is_file()), None
        )
    if given is not None:
        size = model.description.vocabulary_size
        try:
            return model.with_vocabulary(read_vocabulary(given, size=size), str(given))
        except OSError as error:
            raise DataError(
                f"the vocabulary {given} cannot be read: {error.strerror}",
                fix=f"pass a file of counts, or the folder of a {VOCABULARY_FILE}",
            ) from None
    if model.vocabulary is None:
        raise DataError(
            f"the vocabulary of {source} is not known",
            fix="pass its file or its folder (--vocabulary PATH)",
        )
    return model
