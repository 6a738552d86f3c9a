"""A loaded model: predictions, vectors, masked words and perplexity of texts.

    model = xlm.load("data/artifacts/publish/KEY")
    model.predict(["Watoto wanacheza."], ["Watoto wamelala."], language="sw")[0].label
    model.embed(["Watoto wanacheza.", "The children play."], language=["sw", "en"])  # (2, D)
    model.fill_mask("Watoto <mask> mpira.", language="sw")[0][0].token
    model.perplexity(["Watoto wanacheza."], language="sw").value

A method takes one text and returns one result, or takes a sequence and returns a result for each,
in the same order. `language` is one code, or one for each text.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import overload

import numpy as np
from numpy.typing import NDArray

from xlm.errors import ConfigError
from xlm.inference.compute import Pooling, subtract_means
from xlm.inference.id_model import IdModel, Language
from xlm.inference.inputs import languages_of, require_equal, texts_of, truncation_warning
from xlm.inference.results import Candidate, Perplexity, Prediction

log = logging.getLogger(__name__)


class Model(IdModel):
    """A model and its text path. `xlm.load` makes it."""

    @overload
    def predict(  # type: ignore[overload-overlap]  # a string is not meant as a sequence here
        self, premises: str, hypotheses: str | None = None, *, language: Language
    ) -> Prediction: ...
    @overload
    def predict(
        self,
        premises: Sequence[str],
        hypotheses: Sequence[str] | None = None,
        *,
        language: Language,
    ) -> list[Prediction]: ...
    def predict(
        self,
        premises: str | Sequence[str],
        hypotheses: str | Sequence[str] | None = None,
        *,
        language: Language,
    ) -> Prediction | list[Prediction]:
        """Classify pairs of texts, or single texts if `hypotheses` is None.

        Raises:
            ConfigError: the model has no classifier, or a language is not one of the model's.
            DataError: a text is empty.
        """
        first, is_one = texts_of(premises)
        languages = languages_of(language, len(first))
        first_ids = self.encode(first, language=languages)
        second_ids = None
        if hypotheses is not None:
            second, _ = texts_of(hypotheses)
            require_equal(len(second), "hypotheses", len(first), "premises")
            second_ids = self.encode(second, language=languages)
        with self._warning_of_truncation():
            found = self.predict_ids(first_ids, second_ids, language=languages)
        return found[0] if is_one else found

    def embed(
        self,
        texts: str | Sequence[str],
        *,
        language: Language,
        pooling: Pooling = "mean",
        layer: int = -1,
        subtract_mean: bool = False,
    ) -> NDArray[np.float32]:
        """The vector of each text, (N, D), or (D,) for one text on its own.

        Args:
            texts: the texts; each becomes `</s> tokens </s>`.
            language: one code, or one for each text.
            pooling: `mean`, over the states of all tokens and both `</s>`, or `first`, the state
                of the first `</s>`.
            layer: 0: the embeddings; 1 to `layers`: the states after that layer; negative: from
                the last layer, -1.
            subtract_mean: subtract from each vector the mean over the texts of its language.

        Raises:
            ConfigError: a language, the pooling or the layer does not exist, or the mean is to be
                subtracted from one text.
            DataError: a text is empty.
        """
        listed, is_one = texts_of(texts)
        languages = languages_of(language, len(listed))
        if is_one and subtract_mean:
            raise ConfigError(
                "one text minus the mean of one text is zero", fix="pass a list of several texts"
            )
        ids = self.encode(listed, language=languages)
        with self._warning_of_truncation():
            vectors_ND = self.embed_ids(ids, language=languages, pooling=pooling, layer=layer)
        if subtract_mean:
            subtract_means(vectors_ND, languages)
        return vectors_ND[0] if is_one else vectors_ND

    @overload
    def fill_mask(  # type: ignore[overload-overlap]
        self, texts: str, *, language: Language, top: int = 5
    ) -> list[list[Candidate]]: ...
    @overload
    def fill_mask(
        self, texts: Sequence[str], *, language: Language, top: int = 5
    ) -> list[list[list[Candidate]]]: ...
    def fill_mask(
        self, texts: str | Sequence[str], *, language: Language, top: int = 5
    ) -> list[list[Candidate]] | list[list[list[Candidate]]]:
        """The `top` most probable tokens for each `<mask>` of a text, the most probable first.

        Several masks of a text are filled independently of each other.

        Raises:
            ConfigError: the model cannot predict masked tokens, or a language is not the model's.
            DataError: a text has no `<mask>`, or has it after the longest input.
        """
        listed, is_one = texts_of(texts)
        languages = languages_of(language, len(listed))
        ids = self.encode(listed, language=languages)
        with self._warning_of_truncation():
            found = self.fill_mask_ids(ids, language=languages, top=top)
        return found[0] if is_one else found

    def perplexity(self, texts: str | Sequence[str], *, language: Language) -> Perplexity:
        """The perplexity of texts, together and one by one.

        A masked language model predicts every token once, with every seventh token masked
        (`xlm/inference/perplexity.py`); a causal one predicts each token from those before it.

        Raises:
            ConfigError: the model has no prediction head, or a language is not the model's.
            DataError: a text is empty.
        """
        listed, _ = texts_of(texts)
        languages = languages_of(language, len(listed))
        return self.perplexity_ids(self.encode(listed, language=languages), language=languages)

    @contextmanager
    def _warning_of_truncation(self) -> Iterator[None]:
        """Log how many texts were truncated meanwhile."""
        before = self.truncated_texts
        yield
        if count := self.truncated_texts - before:
            log.warning(truncation_warning(count, self.max_tokens))
