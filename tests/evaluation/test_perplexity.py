"""The perplexity of a text is that of the stage `evaluate` for the same ids."""

from pathlib import Path

import numpy as np
import pytest

from tests.inference.small_models import LANGUAGES, TEXTS
from tests.release.artifacts import write_manifest
from xlm.bpe.vocabulary import UNK
from xlm.dataloader.data import HeldOutData
from xlm.evaluation.perplexity import (
    PerplexityRule,
    TextPerplexity,
    TokenFile,
    count_chunks,
    perplexity_of_text,
    rule_of,
)
from xlm.inference.model import Model
from xlm.shards.lines import Lines
from xlm.training.validation import COUNT, Validator

TOKENS = 16
RULE = PerplexityRule(stream_tokens=TOKENS, special_tokens=False)


def measured(model: Model, texts: list[str], language: str, rule: PerplexityRule) -> TextPerplexity:
    with TokenFile() as file:
        for text in texts:
            file.add(model.encode([text], language=language))
        return perplexity_of_text(model, file, language, rule, lambda _: None)


@pytest.mark.parametrize("special_tokens", [False, True])
def test_the_stage_measures_the_same_in_all_languages(model: Model, special_tokens: bool) -> None:
    lines = {
        code: Lines.of(model.encode(texts * 12, language=code)).with_eos()
        for code, texts in TEXTS.items()
    }
    validator = Validator(
        HeldOutData(lines, {}),
        model.encoder.description,
        split="test",
        stream_tokens=TOKENS,
        predict_special_tokens=special_tokens,
    )
    sums = validator.measure(model.encoder, range(len(LANGUAGES)), model.device)
    for task, row in zip(validator.tasks, sums, strict=True):
        chunks = -(-lines[task.name].num_tokens // TOKENS)
        # Of more than five languages, the stage measures the first tenth of the chunks.
        rule = PerplexityRule(TOKENS, special_tokens, max_chunks=chunks // 10)
        found = measured(model, list(TEXTS[task.name] * 12), task.name, rule)
        assert found.predicted == row[COUNT] > 0
        assert found.perplexity == validator.perplexity(row)
        assert (found.lines, found.tokens) == (24, lines[task.name].num_tokens)


def test_the_seed_chooses_the_masks_and_the_limit_the_chunks(model: Model) -> None:
    texts = list(TEXTS["sw"] * 5)
    first = measured(model, texts, "sw", RULE)
    assert measured(model, texts, "sw", RULE) == first
    other = measured(model, texts, "sw", PerplexityRule(TOKENS, False, seed=1))
    assert other.perplexity != first.perplexity
    with TokenFile() as file:
        file.add(model.encode(texts, language="sw"))
        assert count_chunks(file, RULE) == -(-first.tokens // TOKENS)
    shorter = measured(model, texts, "sw", PerplexityRule(TOKENS, False, max_chunks=2))
    assert 0 < shorter.predicted < first.predicted


def test_unknown_tokens_are_counted(model: Model) -> None:
    texts = ["☃ ☃ watoto"]
    (ids,) = model.encode(texts, language="sw")
    assert measured(model, texts, "sw", RULE).unknown == np.sum(ids == UNK) > 0


def test_the_rule_is_that_of_the_run_that_made_the_model(tmp_path: Path) -> None:
    assert rule_of(tmp_path, 512) == PerplexityRule(256, special_tokens=False)
    assert rule_of(tmp_path, 128).stream_tokens == 128
    settings = {"stream_tokens": 48, "sample_alpha": 0.0, "an older setting": 1}
    write_manifest(tmp_path, "publish", resolved_config={"pretrain": settings})
    assert rule_of(tmp_path / "masked-lm", 512) == PerplexityRule(48, special_tokens=True)
