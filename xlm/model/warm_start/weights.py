"""Starts training from the weights of another model, with embeddings matched row by row.

    initialise(encoder, seed)
    report = warm_start(encoder, vocabulary, Path("mlm_tlm_xnli15_1024.pth"))

Rows are matched by token and by language code, not by id. Tokens and languages that the source does
not have keep their initial weights. The original matches by id: its users met sizes that did not
match, or tokens and languages in another order, and thus the perplexity of an untrained model
(spec 8, rows 3, 8, 26).
"""

import logging
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from xlm.bpe.vocabulary import NUM_SPECIAL_TOKENS, Vocabulary
from xlm.errors import TrainingError
from xlm.model.encoder import Encoder
from xlm.model.formats.conversion import PortableModel
from xlm.model.formats.ours import (
    CLASSIFIER,
    EMBEDDINGS,
    HEAD_BIAS,
    LANGUAGES,
    POSITIONS,
    encoder_weights,
    set_encoder_weights,
)
from xlm.model.formats.source_files import identity_of
from xlm.model.formats.sources import read_model
from xlm.model.warm_start.sizes import missing_vocabulary, require_sizes

log = logging.getLogger(__name__)

_TABLES = (EMBEDDINGS, POSITIONS, LANGUAGES, HEAD_BIAS)


@dataclass(frozen=True)
class WarmStart:
    """How much of a model was copied from another one."""

    tokens_copied: int
    """The 14 special tokens included."""
    tokens_new: int
    languages_copied: tuple[str, ...]
    languages_new: tuple[str, ...]
    positions_copied: int
    positions_new: int
    has_head: bool
    """Whether the source has a prediction head; if not, the bias of the head is new."""

    def __str__(self) -> str:
        """One line for a log."""
        head = "" if self.has_head else ", a new bias of the prediction head"
        return (
            f"{self.tokens_copied} tokens copied, {self.tokens_new} new; languages copied: "
            f"{' '.join(self.languages_copied) or 'none'}, new: "
            f"{' '.join(self.languages_new) or 'none'}; {self.positions_copied} positions copied, "
            f"{self.positions_new} new{head}"
        )


def warm_start(
    encoder: Encoder, vocabulary: Vocabulary, source: Path, *, identity: str = ""
) -> WarmStart:
    """Copy the weights of a source into an initialised encoder, as far as it has them.

    Args:
        vocabulary: of the encoder.
        source: a `.pth` of the original, a Hugging Face folder, or one of our model artifacts.
        identity: the identity that the source must have (`identity_of`); empty: any.

    Raises:
        DataError: the source cannot be read.
        TrainingError: the source has changed, has other sizes, or has none of the tokens.
    """
    if identity and (found := identity_of(source)) != identity:
        raise TrainingError(
            f"{source} is {found[:32]}, but was {identity[:32]} when the run was planned",
            fix="run again, so that the key matches the file",
        )
    report = copy_weights(encoder, vocabulary, read_model(source), str(source))
    log.info("warm start from %s: %s", source, report)
    return report


def copy_weights(
    encoder: Encoder, vocabulary: Vocabulary, source: PortableModel, where: str
) -> WarmStart:
    """Copy a source's weights into an initialised encoder.

    Raises:
        TrainingError: the source has other sizes, or has none of the tokens.
    """
    require_sizes(encoder.description.model, source.description.model.model_dump(), where)
    own = encoder_weights(encoder)
    shared = {
        name: tensor
        for name, tensor in source.weights.items()
        if name not in _TABLES and not name.startswith(CLASSIFIER)
    }
    tables = {name: own[name].clone() for name in _TABLES if name in own}
    tokens_copied = _copy_tokens(tables, vocabulary, source, where)
    positions_copied = min(len(tables[POSITIONS]), len(source.weights[POSITIONS]))
    tables[POSITIONS][:positions_copied] = source.weights[POSITIONS][:positions_copied]
    known = source.description.languages
    languages = encoder.description.languages
    copied = tuple(code for code in languages if code in known)
    _copy_languages(tables, languages, copied, source)
    set_encoder_weights(encoder, {**shared, **tables})
    return WarmStart(
        tokens_copied=tokens_copied,
        tokens_new=vocabulary.size - tokens_copied,
        languages_copied=copied,
        languages_new=tuple(code for code in languages if code not in known),
        positions_copied=positions_copied,
        positions_new=len(tables[POSITIONS]) - positions_copied,
        has_head=HEAD_BIAS in source.weights,
    )


def _copy_tokens(
    tables: dict[str, Tensor], vocabulary: Vocabulary, source: PortableModel, where: str
) -> int:
    theirs = source.vocabulary
    if theirs is None and source.description.vocabulary_hash == vocabulary.hash:
        theirs = vocabulary
    if theirs is None:
        raise missing_vocabulary(where)
    index = theirs.index
    rows = [
        (number, index[token]) for number, token in enumerate(vocabulary.tokens) if token in index
    ]
    if not any(number >= NUM_SPECIAL_TOKENS for number, _ in rows):
        raise TrainingError(
            f"warm start: {where} has none of the {vocabulary.size} tokens",
            fix="build the vocabulary from the BPE merges that the source was trained with",
        )
    to, source_rows = torch.tensor(rows).unbind(1)
    for name in (EMBEDDINGS, HEAD_BIAS):
        if name in source.weights:
            tables[name][to] = source.weights[name][source_rows]
    return len(rows)


def _copy_languages(
    tables: dict[str, Tensor],
    languages: tuple[str, ...],
    copied: tuple[str, ...],
    source: PortableModel,
) -> None:
    """Copy rows by language code, so that the inputs of a language stay the same.

    A model of one language adds no language embedding. Its row in a table of several languages is
    therefore zero, and the row of a language that becomes the only one is added to the positions.
    """
    known = source.description.languages
    theirs = source.weights.get(LANGUAGES)
    for code in copied:
        row = None if theirs is None else theirs[known.index(code)]
        if LANGUAGES in tables:
            tables[LANGUAGES][languages.index(code)] = 0 if row is None else row
        elif row is not None:
            tables[POSITIONS] += row
