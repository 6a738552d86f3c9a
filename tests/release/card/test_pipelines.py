"""The code of a card: pipelines and the ids of training, in every language of the model."""

import json
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from transformers import XLMTokenizer, pipeline

from tests.inference.fixtures import model, release
from tests.inference.small_models import LANGUAGES, TEXTS
from xlm.bpe.vocabulary import EOS, read_counted_vocabulary
from xlm.inference.model import Model
from xlm.release.card.facts import RunFacts
from xlm.release.card.render import render_card
from xlm.release.tokenizer import write_tokenizer

__all__ = ["model", "release"]


def blocks_of(facts: RunFacts, folder: Path, *, classifier: bool) -> list[str]:
    """Example, pipeline and ids of training, of a model in English."""
    english = facts.description.model_copy(update={"languages": ("en",)})
    card = render_card(replace(facts, description=english), classifier=classifier, parameters=1)
    blocks = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    assert len(blocks) == 3
    return [block.replace('folder = "."', f"folder = {str(folder)!r}") for block in blocks]


def after_each_language(blocks: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The variables after the code, for each language."""
    for language in LANGUAGES:
        variables: dict[str, Any] = {}
        with redirect_stdout(StringIO()):
            for block in blocks:
                exec(block.replace('language = "en"', f'language = "{language}"'), variables)
        yield language, variables


def test_a_classifier_s_pipeline_has_our_scores(
    facts: RunFacts, release: Path, model: Model
) -> None:
    folder = release / "classifier"
    alone = pipeline("text-classification", model=str(folder))
    different = 0
    for language, variables in after_each_language(blocks_of(facts, folder, classifier=True)):
        premise, hypothesis = TEXTS[language]
        expected = model.predict(premise, hypothesis, language=language).probabilities
        pair = {"text": premise, "text_pair": hypothesis}
        scores = {row["label"]: row["score"] for row in variables["classify"](pair, top_k=None)}
        assert scores == pytest.approx(expected, abs=1e-4)
        wrong = {row["label"]: row["score"] for row in alone(pair, top_k=None)}
        different += wrong != pytest.approx(expected, abs=1e-2)
        encoded = model.encode([premise, hypothesis], language=language)
        assert variables["tokenizer"](premise, hypothesis)["input_ids"] == [
            EOS, *(id for ids in encoded for id in (*ids.tolist(), EOS)),
        ]  # fmt: skip
    assert different >= 14


def test_a_language_model_s_pipeline_has_our_scores(
    facts: RunFacts, release: Path, model: Model
) -> None:
    folder = release / "masked-lm"
    for language, variables in after_each_language(blocks_of(facts, folder, classifier=False)):
        text = f"{{}} {TEXTS[language][0]}"
        expected = model.fill_mask(text.format("<mask>"), language=language)[0]
        found = variables["fill_mask"](text.format(variables["tokenizer"].mask_token))
        assert [row["token"] for row in found] == [one.token_id for one in expected]
        assert [row["score"] for row in found] == pytest.approx(
            [one.probability for one in expected], abs=1e-4
        )


@pytest.mark.slow
def test_the_sentences_with_the_ids_of_training_are_as_many_as_on_the_card(
    facts: RunFacts, shared: Path, tmp_path: Path
) -> None:
    official = shared / "mirror/dl.fbaipublicfiles.com/XLM"
    write_tokenizer(
        tmp_path,
        tokens=read_counted_vocabulary(official / "vocab_xnli_15", size=95_000).tokens,
        merges=(official / "codes_xnli_15").read_bytes(),
        languages=LANGUAGES,
        positions=512,
    )
    tokenizer = XLMTokenizer.from_pretrained(tmp_path)
    card = render_card(facts, classifier=True, parameters=1)
    header, plain, honoured = (
        [cell.strip() for cell in re.findall(rf"^\| {start}(.*)\|$", card, re.M)[0].split("|")]
        for start in (
            r"language \|",
            r"`tokenizer\(text\)` \|",
            r"`_tokenize\(text, lang=...\)` \|",
        )
    )
    for language, one, other in zip([x for x in header if x], plain, honoured, strict=True):
        path = shared / f"golden/xlm15_tokens/golden.{language}.jsonl"
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]
        counts = [0, 0]
        for row in rows:
            tokens = tokenizer._tokenize(row["raw"], lang=language)
            counts[0] += tokenizer(row["raw"])["input_ids"][1:-1] == row["ids"]
            counts[1] += tokenizer.convert_tokens_to_ids(tokens) == row["ids"]
        assert (language, len(rows), counts) == (language, 60, [int(one), int(other)])
