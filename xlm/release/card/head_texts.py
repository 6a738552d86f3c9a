"""The texts of a language model's card that depend on the direction of its predictions."""

from dataclasses import dataclass

from xlm.release.card.facts import RunFacts


@dataclass(frozen=True)
class HeadTexts:
    """The texts for masked or for causal prediction."""

    title: str
    pipeline: str
    tag: str
    head: str
    predicts: str
    use: str
    example: str
    limitations: tuple[str, ...] = ()


_MASKED = HeadTexts(
    title="masked language model",
    pipeline="fill-mask",
    tag="masked-lm",
    head="tied prediction head",
    predicts="masked tokens",
    use="filling masks",
    example="example_masked_lm.md",
)
_CAUSAL = HeadTexts(
    title="causal language model",
    pipeline="text-generation",
    tag="causal-lm",
    head="causal attention, tied prediction head",
    predicts="each token from the tokens before it",
    use="scoring and continuing text",
    example="example_causal_lm.md",
    limitations=(
        "`generate` of `transformers` appends a mask token, which this model was never trained "
        "with. Use the logits at the last token instead, as in the example below.",
    ),
)


def head_texts(facts: RunFacts) -> HeadTexts:
    """The texts for the model of a run."""
    return _CAUSAL if facts.description.causal else _MASKED
