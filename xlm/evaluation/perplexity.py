"""The perplexity of a text, by the rule of the stage `evaluate`.

    with TokenFile() as file:
        file.add(model.encode(lines, language="sw"))
        found = perplexity_of_text(model, file, "sw", rule_of(path, model.max_tokens), progress)

The lines, each with its `</s>`, are one stream, which is cut into chunks. A masked language model
predicts about 15 % of the tokens of a chunk, all masked at once; a causal one predicts each token
from those before it. `Model.perplexity` follows another rule: it predicts every token of each text.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

import numpy as np

from xlm.bpe.vocabulary import EOS, UNK
from xlm.config.training.pretrain import PretrainConfig
from xlm.dataloader.batch import Batch
from xlm.dataloader.held_out import causal_streams, masked_streams
from xlm.dataloader.sampling.streams import Stream
from xlm.inference.model import Model
from xlm.inference.rules import settings_of_run
from xlm.inference.text import Ids
from xlm.shards.lines import Lines
from xlm.training.validation import CORRECT, COUNT, Validator, measure_batches

_SETTINGS = ("stream_tokens", "sample_alpha", "predict_specials", "validate_specials")
"""Settings of pretraining that change the perplexity of given ids."""


@dataclass(frozen=True)
class PerplexityRule:
    """What determines the perplexity of given ids."""

    stream_tokens: int
    """Tokens of a chunk."""
    special_tokens: bool
    """Whether masked `</s>` and `<unk>` are predicted."""
    seed: int = 0
    """Seed of the masks; the stage uses 0."""
    max_chunks: int | None = None
    """Only the first chunks of the stream; None: all."""


@dataclass(frozen=True)
class TextPerplexity:
    """The perplexity of a text."""

    perplexity: float
    accuracy: float
    """Share of the predicted tokens whose most probable token is right."""
    predicted: int
    """Number of predicted tokens."""
    tokens: int
    """Number of tokens of the text, with a `</s>` for each line."""
    unknown: int
    """Number of tokens that are not in the vocabulary."""
    lines: int


def rule_of(path: Path, positions: int) -> PerplexityRule:
    """The rule of the run that made the model at a path, or of the defaults.

    Args:
        path: the model.
        positions: length of its position table.
    """
    settings = settings_of_run(path).get("pretrain", {})
    known = {name: settings[name] for name in _SETTINGS if name in settings}
    config = PretrainConfig.model_validate(known)
    return PerplexityRule(
        stream_tokens=min(config.stream_tokens, positions),
        special_tokens=config.scores_special_tokens,
    )


class TokenFile:
    """The ids of a text in a temporary file, 4 bytes a token: memory does not grow with the text.

    Use it as a context manager; `tokens` is valid inside of it.
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="xlm-tokens-")  # noqa: SIM115  # see __exit__
        self._count = 0
        self.lines = 0
        """Number of lines."""
        self.unknown = 0
        """Number of tokens that are not in the vocabulary."""

    def __enter__(self) -> "TokenFile":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def add(self, texts: Sequence[Ids]) -> None:
        """Append the ids of lines, and a `</s>` after each."""
        for ids in texts:
            self._file.write(np.append(ids, EOS).astype(np.int32).tobytes())
            self._count += len(ids) + 1
            self.unknown += int((ids == UNK).sum())
        self.lines += len(texts)

    def tokens(self) -> Lines:
        """All ids as one line, read from the file as needed."""
        self._file.flush()
        ids = (
            np.memmap(self._file, dtype=np.int32, mode="r", shape=(self._count,))
            if self._count
            else np.empty(0, dtype=np.int32)
        )
        return Lines(ids, np.array([0, self._count], dtype=np.int64))


def perplexity_of_text(
    model: Model,
    text: TokenFile,
    language: str,
    rule: PerplexityRule,
    progress: Callable[[int], None],
) -> TextPerplexity:
    """Measure the perplexity of a text.

    Args:
        model: the model, with a prediction head.
        text: the ids of the text.
        language: its language.
        rule: what determines the result.
        progress: receives the number of chunks so far.

    Raises:
        ConfigError: the model has no prediction head or does not have the language.
    """
    model.require_head()
    model.require_language(language)
    encoder, tokens = model.encoder, text.tokens()
    language_id = encoder.description.language_id(language)
    if encoder.description.causal:
        batches = causal_streams(
            tokens, language_id, rule.stream_tokens, parts=1, max_chunks=rule.max_chunks
        )
    else:
        batches = masked_streams(
            tokens,
            language_id,
            rule.stream_tokens,
            parts=1,
            max_chunks=rule.max_chunks,
            predict_special_tokens=rule.special_tokens,
            seed=rule.seed,
        )
    sums = measure_batches(encoder, _counted(batches, progress), model.device)
    count = int(sums[COUNT])
    return TextPerplexity(
        perplexity=Validator.perplexity(sums) if count else float("nan"),
        accuracy=float(sums[CORRECT]) / count if count else float("nan"),
        predicted=count,
        tokens=tokens.num_tokens,
        unknown=text.unknown,
        lines=text.lines,
    )


def count_chunks(text: TokenFile, rule: PerplexityRule) -> int:
    """The number of chunks of a text."""
    return len(Stream(text.tokens(), rows=1, tokens=rule.stream_tokens))


def with_options(rule: PerplexityRule, seed: int, max_chunks: int | None) -> PerplexityRule:
    """The rule with the options of a command."""
    return replace(rule, seed=seed, max_chunks=max_chunks)


def _counted(batches: Iterator[Batch], progress: Callable[[int], None]) -> Iterator[Batch]:
    done = 0
    for batch in batches:
        yield batch
        done += len(batch.tokens_BT)
        progress(done)
