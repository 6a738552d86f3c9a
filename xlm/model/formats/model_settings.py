"""A model from its settings: the original's `params`, or a `config.json` with the same names.

    weights = tidy_weights(state, "old.pth")
    model = describe(params, weights, vocabulary, "old.pth", causal=False)

Models that the encoder cannot represent are refused; changes to others are listed in `notes`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor

from xlm.bpe.vocabulary import BOS, EOS, MASK, PAD, SPECIAL_TOKENS, UNK, Vocabulary
from xlm.config.data.tasks import XNLI_LABELS
from xlm.config.training.model import ModelConfig
from xlm.errors import DataError
from xlm.model.formats.conversion import PortableModel, check_layers, check_weights, drop_tied
from xlm.model.formats.description import ModelDescription, reason_of
from xlm.model.formats.ours import EMBEDDINGS, LANGUAGES, POSITIONS

_INDICES = {
    "bos_index": BOS,
    "eos_index": EOS,
    "pad_index": PAD,
    "unk_index": UNK,
    "mask_index": MASK,
}
_NEEDED = ("emb_dim", "n_layers", "n_heads", "gelu_activation")
_SENTENCES = "sentences"
"""Our addition to the settings of both formats: sentences in a row of a classifier."""
_FIX = "use an encoder with XLM's architecture; others cannot be loaded"


def describe(
    settings: Mapping[str, Any],
    weights: dict[str, Tensor],
    vocabulary: Vocabulary | None,
    where: str,
    *,
    causal: bool,
    labels: tuple[str, ...] = XNLI_LABELS,
    sentences: int | None = None,
) -> PortableModel:
    """The model of settings and tidy weights; its vocabulary is truncated as in the original.

    `causal`: its head predicts the next token; the two formats store this differently.
    `labels`: names of the labels of a classifier, by id.
    `sentences`: sentences in a row of a classifier; None: unknown.

    Raises:
        DataError: settings, weights and vocabulary are inconsistent, or the encoder cannot
            represent the model.
    """
    _require_xlm(settings, where)
    for name in ("emb_dim", "n_layers", "n_heads"):
        if isinstance(settings[name], bool):
            raise DataError(f"{where}: {name} is {settings[name]}, not a number", fix=_FIX)
    for name in (EMBEDDINGS, POSITIONS):
        if name not in weights or weights[name].ndim != 2:
            raise DataError(f"{where} has no matrix {name}", fix=_FIX)
    weights = drop_tied(dict(weights), where)
    notes: list[str] = []
    # First, because the comparison builds an encoder, which could have any size.
    check_layers(settings["n_layers"], weights, where)
    languages = read_languages(settings, where)
    rows = len(weights[EMBEDDINGS])
    words = settings.get("n_words", settings.get("vocab_size", rows))
    if words != rows:
        raise DataError(
            f"{where}: n_words is {words!r}, but {EMBEDDINGS} has {rows} rows",
            fix="download it again",
        )
    if vocabulary is not None:
        vocabulary, cut = fit_vocabulary(vocabulary, rows, where)
        notes += cut
    if settings.get("sinusoidal_embeddings"):
        notes.append("its sinusoidal positions became a learned table")
    if not settings.get("use_lang_emb", True) and len(languages) > 1:
        weights[LANGUAGES] = torch.zeros(len(languages), weights[EMBEDDINGS].shape[1])
        notes.append("it has no language embeddings, so they are zero")
    description = _description(settings, weights, languages, vocabulary, where, causal=causal)
    description = description.model_copy(update={"labels": labels, "sentences": sentences})
    check_weights(description, weights, where)
    return PortableModel(description, weights, vocabulary, tuple(notes))


def read_sentences(settings: Mapping[str, Any]) -> int | None:
    """Sentences in a row of a classifier; None: unknown. Only models of ours have the setting."""
    value = settings.get(_SENTENCES)
    return value if value in (1, 2) and not isinstance(value, bool) else None


def sentences_setting(description: ModelDescription) -> dict[str, int]:
    """The setting that `read_sentences` reads; empty if it is the default."""
    return {} if description.sentences is None else {_SENTENCES: description.sentences}


def read_languages(settings: Mapping[str, Any], where: str) -> tuple[str, ...]:
    """The languages in the order of their ids.

    Raises:
        DataError: they are missing, or `id2lang`, `lang2id` and `n_langs` are inconsistent.
    """
    fix = "set n_langs, id2lang and lang2id so that they name each language once"
    tables = []
    try:
        if by_id := settings.get("id2lang"):
            tables.append({int(number): str(code) for number, code in by_id.items()})
        if by_code := settings.get("lang2id"):
            tables.append({int(number): str(code) for code, number in by_code.items()})
            if len(tables[-1]) != len(by_code):
                raise ValueError("two languages have the same id")
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{where}: the table of languages is invalid: {error}", fix=fix) from None
    if not tables:
        raise DataError(f"{where} lists no languages", fix=fix)
    if any(table != tables[0] for table in tables):
        raise DataError(f"{where}: id2lang and lang2id differ", fix=fix)
    codes = tuple(tables[0].get(number, "") for number in range(len(tables[0])))
    count = settings.get("n_langs", len(codes))
    if (
        not all(code and code.isprintable() for code in codes)
        or len(set(codes)) != len(codes)
        or count != len(codes)
    ):
        raise DataError(f"{where}: n_langs is {count!r}, but id2lang is {tables[0]}"[:300], fix=fix)
    return codes


def fit_vocabulary(
    vocabulary: Vocabulary, rows: int, where: str
) -> tuple[Vocabulary, tuple[str, ...]]:
    """The vocabulary of the embeddings' rows, and notes about changes to it.

    XLM drops the ids from max_vocab on (spec 1.8), so a longer list is truncated.

    Raises:
        DataError: the list is too short, its first ids are not the special tokens, or a token is
            not Unicode text.
    """
    special = vocabulary.tokens[: len(SPECIAL_TOKENS)]
    if special != SPECIAL_TOKENS:
        raise DataError(
            f"{where}: ids 0 to {len(SPECIAL_TOKENS) - 1} are {special}"[:300],
            fix=f"use a vocabulary that begins with {' '.join(SPECIAL_TOKENS)}",
        )
    if vocabulary.size < rows:
        raise DataError(
            f"{where}: there are {vocabulary.size} tokens for {rows} rows of {EMBEDDINGS}",
            fix="use the vocabulary that the model was trained with",
        )
    for number, token in enumerate(vocabulary.tokens[:rows]):
        try:
            token.encode()
        except UnicodeEncodeError:
            raise DataError(
                f"{where}: the token of id {number} is not Unicode text: {token[:40]!r}",
                fix="use the vocabulary that the model was trained with",
            ) from None
    if vocabulary.size == rows:
        return vocabulary, ()
    cut = Vocabulary(
        vocabulary.tokens[:rows], vocabulary.token_counts[:rows], vocabulary.codes_hash
    )
    return cut, (f"its list of {vocabulary.size} tokens is truncated to {rows}",)


def _require_xlm(settings: Mapping[str, Any], where: str) -> None:
    absent = [name for name in _NEEDED if name not in settings]
    if absent:
        raise DataError(f"{where} has no setting {', '.join(absent)}", fix=_FIX)
    if settings.get("asm"):
        raise DataError(f"{where}: its head is an adaptive softmax (asm)", fix=_FIX)
    if not settings["gelu_activation"]:
        raise DataError(f"{where}: its activation is ReLU (gelu_activation false)", fix=_FIX)
    for name, index in _INDICES.items():
        if settings.get(name, index) != index:
            raise DataError(f"{where}: {name} is {settings[name]!r}, not {index}", fix=_FIX)


def _description(
    settings: Mapping[str, Any],
    weights: Mapping[str, Tensor],
    languages: Sequence[str],
    vocabulary: Vocabulary | None,
    where: str,
    *,
    causal: bool,
) -> ModelDescription:
    dropouts = {
        name: settings[name] for name in ("dropout", "attention_dropout") if name in settings
    }
    try:
        return ModelDescription(
            model=ModelConfig(
                layers=settings["n_layers"],
                dimension=settings["emb_dim"],
                heads=settings["n_heads"],
                max_positions=len(weights[POSITIONS]),
                **dropouts,
            ),
            languages=tuple(languages),
            vocabulary_size=len(weights[EMBEDDINGS]),
            vocabulary_hash=vocabulary.hash if vocabulary else "",
            causal=causal,
        )
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "sizes"
        raise DataError(f"{where}: {field}: {reason_of(first)}", fix=_FIX) from None
