"""Training that begins from another model's weights, row by row where the tables differ.

    initialise(encoder, seed)
    report = warm_start(encoder, vocabulary, Path("mlm_tlm_xnli15_1024.pth"))

Rows belong to tokens and languages, not to numbers: a token's row is looked up in the source's own
dictionary, a language's by its code. What the source does not have keeps the weights that it was
initialised with. Users of the original met the opposite: sizes that did not match, or languages and
tokens in another order, whose perplexity was that of an untrained model (spec 8, rows 3, 8, 26).
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
from xlm.model.warm_start.sizes import require_sizes, unnamed_tokens

log = logging.getLogger(__name__)

_TABLES = (EMBEDDINGS, POSITIONS, LANGUAGES, HEAD_BIAS)


@dataclass(frozen=True)
class WarmStart:
    """How much of a model came from another one."""

    tokens_taken: int
    """The 14 special ones are among them."""
    tokens_new: int
    languages_taken: tuple[str, ...]
    languages_new: tuple[str, ...]
    positions_taken: int
    positions_new: int
    has_head: bool
    """Whether the source had a prediction head; if not, the bias of ours is new."""

    def __str__(self) -> str:
        """One line for a log."""
        head = "" if self.has_head else ", a new bias of the prediction head"
        return (
            f"{self.tokens_taken} tokens taken, {self.tokens_new} new; languages taken: "
            f"{' '.join(self.languages_taken) or 'none'}, new: "
            f"{' '.join(self.languages_new) or 'none'}; {self.positions_taken} positions taken, "
            f"{self.positions_new} new{head}"
        )


def warm_start(
    encoder: Encoder, vocabulary: Vocabulary, source: Path, *, identity: str = ""
) -> WarmStart:
    """Give an initialised encoder the weights of a source, as far as it has them.

    Args:
        vocabulary: what the encoder's ids mean.
        source: a `.pth` of the original, a Hugging Face folder, or a model artifact of ours.
        identity: what the source must still be (`identity_of`); empty: anything.

    Raises:
        DataError: the source cannot be read.
        TrainingError: it has changed, has other sizes, or shares no token.
    """
    if identity and (found := identity_of(source)) != identity:
        raise TrainingError(
            f"{source} is {found[:32]}, it was {identity[:32]} when the run was planned",
            fix="run again, so that the key is that of the file",
        )
    report = take_weights(encoder, vocabulary, read_model(source), str(source))
    log.info("warm start from %s: %s", source, report)
    return report


def take_weights(
    encoder: Encoder, vocabulary: Vocabulary, source: PortableModel, where: str
) -> WarmStart:
    """Copy a source's weights into an initialised encoder.

    Raises:
        TrainingError: the source has other sizes, or shares no token.
    """
    require_sizes(encoder.description.model, source.description.model.model_dump(), where)
    own = encoder_weights(encoder)
    shared = {
        name: tensor
        for name, tensor in source.weights.items()
        if name not in _TABLES and not name.startswith(CLASSIFIER)
    }
    tables = {name: own[name].clone() for name in _TABLES if name in own}
    tokens_taken = _take_tokens(tables, vocabulary, source, where)
    positions_taken = min(len(tables[POSITIONS]), len(source.weights[POSITIONS]))
    tables[POSITIONS][:positions_taken] = source.weights[POSITIONS][:positions_taken]
    known = source.description.languages
    languages = encoder.description.languages
    taken = tuple(code for code in languages if code in known)
    _take_languages(tables, languages, taken, source)
    set_encoder_weights(encoder, {**shared, **tables})
    return WarmStart(
        tokens_taken=tokens_taken,
        tokens_new=vocabulary.size - tokens_taken,
        languages_taken=taken,
        languages_new=tuple(code for code in languages if code not in known),
        positions_taken=positions_taken,
        positions_new=len(tables[POSITIONS]) - positions_taken,
        has_head=HEAD_BIAS in source.weights,
    )


def _take_tokens(
    tables: dict[str, Tensor], vocabulary: Vocabulary, source: PortableModel, where: str
) -> int:
    theirs = source.vocabulary
    if theirs is None and source.description.vocabulary_hash == vocabulary.hash:
        theirs = vocabulary
    if theirs is None:
        raise unnamed_tokens(where)
    index = theirs.index
    rows = [
        (number, index[token]) for number, token in enumerate(vocabulary.tokens) if token in index
    ]
    if not any(number >= NUM_SPECIAL_TOKENS for number, _ in rows):
        raise TrainingError(
            f"warm start: {where} has none of the {vocabulary.size} tokens",
            fix="build the vocabulary from the codes that the source was trained with",
        )
    to, origin = torch.tensor(rows).unbind(1)
    for name in (EMBEDDINGS, HEAD_BIAS):
        if name in source.weights:
            tables[name][to] = source.weights[name][origin]
    return len(rows)


def _take_languages(
    tables: dict[str, Tensor],
    languages: tuple[str, ...],
    taken: tuple[str, ...],
    source: PortableModel,
) -> None:
    """Rows by code, such that a language's inputs stay what they were.

    A model of one language adds no language vector: its language's row is zero in a table, and the
    row of a language that becomes the only one moves into the positions.
    """
    known = source.description.languages
    theirs = source.weights.get(LANGUAGES)
    for code in taken:
        row = None if theirs is None else theirs[known.index(code)]
        if LANGUAGES in tables:
            tables[LANGUAGES][languages.index(code)] = 0 if row is None else row
        elif row is not None:
            tables[POSITIONS] += row
