"""A model and its text path, for ids: `xlm.inference.model` adds texts.

    ids = model.encode(["Watoto wanacheza."], language="sw")
    model.embed_ids(ids, language="sw")  # (1, D)

Programs that read many texts encode them in parts, and use these methods.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from xlm.bpe.vocabulary import MASK, Vocabulary
from xlm.errors import ConfigError, DataError
from xlm.inference.compute import Pooling, class_scores, enclose, join, sentence_vectors
from xlm.inference.inputs import languages_of, require_equal, texts_of
from xlm.inference.masks import top_tokens
from xlm.inference.perplexity import perplexity_of
from xlm.inference.results import Candidate, Perplexity, Prediction
from xlm.inference.text import MASK_WORDS, Ids, Name, TextEncoder, text_name, unknown_language
from xlm.model.classifier import Classifier
from xlm.model.encoder import Encoder

Language = str | Sequence[str]
"""The language of all texts, or of each."""


class IdModel:
    """A model, its vocabulary and its tokenization."""

    def __init__(
        self,
        *,
        path: Path,
        encoder: Encoder,
        classifier: Classifier | None,
        has_head: bool,
        text: TextEncoder,
        device: torch.device,
    ) -> None:
        self.path = path
        self.device = device
        self.encoder = encoder
        """The encoder of vectors, masks and perplexity."""
        self.classifier = classifier
        """The classifier; None: the model has none."""
        self.truncated_texts = 0
        """How many texts were longer than the longest input so far."""
        self._has_head = has_head
        self._text = text

    @property
    def languages(self) -> tuple[str, ...]:
        """Codes of the languages, in the order of their ids."""
        return self.encoder.description.languages

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes, in the order of their ids; empty without a classifier."""
        return self.classifier.description.labels if self.classifier else ()

    @property
    def has_classifier(self) -> bool:
        """Whether `predict` works."""
        return self.classifier is not None

    @property
    def row_sentences(self) -> int | None:
        """Number of texts that the classifier takes, 1 or 2; None: both, it is not recorded."""
        return self.classifier.description.row_sentences if self.classifier else None

    @property
    def has_mask_head(self) -> bool:
        """Whether `fill_mask` works."""
        return self._has_head and not self.encoder.description.causal

    @property
    def layers(self) -> int:
        """Number of layers."""
        return self.encoder.description.model.layers

    @property
    def dimension(self) -> int:
        """Length D of a vector."""
        return self.encoder.description.model.dimension

    @property
    def max_tokens(self) -> int:
        """The longest input in tokens, with its `</s>`; longer texts are truncated."""
        return self.encoder.description.model.max_positions

    @property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary."""
        return self._text.vocabulary

    def __repr__(self) -> str:
        kinds = ["classifier"] * self.has_classifier + ["masks"] * self.has_mask_head
        return (
            f"<xlm.Model {self.path}: {self.layers} layers of {self.dimension}, "
            f"{' '.join(self.languages)}, {' and '.join(kinds) or 'vectors only'}>"
        )

    def encode(
        self, texts: Sequence[str], *, language: Language, name: Name = text_name
    ) -> list[Ids]:
        """The ids of each text, without `</s>` and not truncated.

        `name`: how errors name a text by its index.
        """
        listed, is_one = texts_of(texts)
        if is_one:
            raise ConfigError("texts are one string", fix="pass a list of strings")
        return self._text.encode(listed, languages_of(language, len(listed)), name)

    def class_scores(
        self, first: Sequence[Ids], second: Sequence[Ids] | None = None, *, language: Language
    ) -> NDArray[np.float32]:
        """The scores of the classes before the softmax, (N, C), of pairs or of single texts.

        Raises:
            ConfigError: the model has no classifier, or classifies pairs, or single texts only.
        """
        classifier = self.require_classifier()
        if second is not None and self.row_sentences == 1:
            raise ConfigError(
                f"{self.path} classifies single sentences", fix="leave out the hypotheses"
            )
        if second is None:
            if self.row_sentences == 2:
                raise ConfigError(
                    f"{self.path} classifies pairs of sentences", fix="pass hypotheses too"
                )
            self._count_truncated(first, self.max_tokens - 2)
            rows = [enclose(ids, self.max_tokens) for ids in self._known(first)]
        else:
            self._count_truncated([*first, *second], (self.max_tokens + 1) // 2 - 2)
            require_equal(len(second), "hypotheses", len(first), "premises")
            pairs = zip(self._known(first), self._known(second), strict=True)
            rows = [join(premise, hypothesis, self.max_tokens) for premise, hypothesis in pairs]
        return class_scores(classifier, rows, self._ids_of(language, len(rows)), self.device)

    def predict_ids(
        self, first: Sequence[Ids], second: Sequence[Ids] | None = None, *, language: Language
    ) -> list[Prediction]:
        """As `Model.predict`, for the results of `encode`."""
        scores_NC = torch.from_numpy(self.class_scores(first, second, language=language))
        return [
            Prediction(
                self.labels[max(range(len(shares)), key=shares.__getitem__)],
                dict(zip(self.labels, shares, strict=True)),
            )
            for shares in scores_NC.double().softmax(-1).tolist()
        ]

    def embed_ids(
        self,
        ids: Sequence[Ids],
        *,
        language: Language,
        pooling: Pooling = "mean",
        layer: int = -1,
    ) -> NDArray[np.float32]:
        """As `Model.embed`, for the results of `encode`."""
        number = self.require_vectors(pooling, layer)
        self._count_truncated(ids, self.max_tokens - 2)
        rows = [enclose(one, self.max_tokens) for one in self._known(ids)]
        return sentence_vectors(
            self.encoder,
            rows,
            self._ids_of(language, len(rows)),
            self.device,
            pooling=pooling,
            layer=number,
        )

    def fill_mask_ids(
        self, ids: Sequence[Ids], *, language: Language, top: int = 5, name: Name = text_name
    ) -> list[list[list[Candidate]]]:
        """As `Model.fill_mask`, for the results of `encode`."""
        self.require_mask_head()
        if not isinstance(top, int) or top < 1:
            raise ConfigError(f"top is {top!r}", fix="use a whole number of 1 or more")
        for index, one in enumerate(self._known(ids)):
            if not (one == MASK).any():
                raise DataError(
                    f"{name(index)} has no {MASK_WORDS[0]}", fix=f"write {MASK_WORDS[0]} in it"
                )
            if (one[self.max_tokens - 2 :] == MASK).any():
                raise DataError(
                    f"{name(index)} has a mask after {self.max_tokens - 2} tokens",
                    fix="shorten the text before it",
                )
        self._count_truncated(ids, self.max_tokens - 2)
        return top_tokens(
            self.encoder,
            [enclose(one, self.max_tokens) for one in ids],
            self._ids_of(language, len(ids)),
            self.vocabulary,
            self.device,
            top=top,
        )

    def perplexity_ids(self, ids: Sequence[Ids], *, language: Language) -> Perplexity:
        """As `Model.perplexity`, for the results of `encode`."""
        self.require_head()
        return perplexity_of(
            self.encoder, self._known(ids), self._ids_of(language, len(ids)), self.device
        )

    # Checks ---------------------------------------------------------------------------------------

    def require_classifier(self) -> Classifier:
        """The classifier.

        Raises:
            ConfigError: the model has none.
        """
        if self.classifier is None:
            raise ConfigError(
                f"{self.path} has no classifier",
                fix="use a fine-tuned model: a select or publish artifact, or its folder",
            )
        return self.classifier

    def require_vectors(self, pooling: Pooling, layer: int) -> int:
        """Check that the model has vectors of a kind; returns the number of their layer.

        Raises:
            ConfigError: the pooling or the layer does not exist.
        """
        if not isinstance(layer, int):
            raise ConfigError(f"layer is a {type(layer).__name__}", fix="pass a whole number")
        number = layer + self.layers + 1 if layer < 0 else layer
        if not 0 <= number <= self.layers:
            raise ConfigError(
                f"layer {layer} does not exist",
                fix=f"use 0 (the embeddings) to {self.layers}, or -1 for the last",
            )
        if pooling not in ("mean", "first"):
            raise ConfigError(f"unknown pooling {str(pooling)[:40]!r}", fix="use mean or first")
        if pooling == "first" and self.encoder.description.causal:
            raise ConfigError(
                "the first state of a causal model is the same for all texts", fix="use mean"
            )
        return number

    def require_head(self) -> None:
        """Check that the model predicts tokens.

        Raises:
            ConfigError: it does not.
        """
        if not self._has_head:
            raise ConfigError(
                f"{self.path} has no prediction head, so it has no perplexity",
                fix="use a language model: a pretrain or publish artifact, or `masked-lm`",
            )

    def require_mask_head(self) -> None:
        """Check that the model can predict masked tokens.

        Raises:
            ConfigError: it cannot.
        """
        if not self.has_mask_head:
            kind = "is a causal model" if self.encoder.description.causal else "has no mask head"
            raise ConfigError(
                f"{self.path} {kind}, so it fills no masks",
                fix="use a masked language model: a pretrain or publish artifact, or `masked-lm`",
            )

    def require_language(self, language: str, where: str = "") -> None:
        """Check that the model has a language; `where` says where it is named.

        Raises:
            ConfigError: it does not.
        """
        if language not in self.languages:
            raise unknown_language(language, self.languages, where)

    def _ids_of(self, language: Language, count: int) -> list[int]:
        """The language id of each text."""
        listed = languages_of(language, count)
        for code in set(listed):
            self.require_language(code)
        table = {code: index for index, code in enumerate(self.languages)}
        return [table[code] for code in listed]

    def _known(self, ids: Sequence[Ids]) -> Sequence[Ids]:
        """The ids, all of which are in the vocabulary.

        Raises:
            DataError: one is not; a GPU would only report that much later.
        """
        most = self.encoder.description.vocabulary_size
        for index, one in enumerate(ids):
            if len(one) and not 0 <= np.min(one) <= np.max(one) < most:
                raise DataError(
                    f"{text_name(index)} has ids from {np.min(one)} to {np.max(one)}",
                    fix=f"use ids from 0 to {most - 1}",
                )
        return ids

    def _count_truncated(self, ids: Sequence[Ids], most: int) -> None:
        self.truncated_texts += sum(len(one) > most for one in ids)
