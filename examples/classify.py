"""Load a published classifier in transformers and classify pairs of sentences in three languages.

    python examples/classify.py data/artifacts/publish/KEY/classifier

The sentences are of the sample world, so a model of the sample profile knows their words.
"""

import argparse
from pathlib import Path

import torch
from transformers import XLMForSequenceClassification, XLMTokenizer

PAIRS = {
    "en": [
        ("In February the neighbour eats bread.", "In the winter someone does something."),
        ("The boy drinks water in July.", "The boy drinks water in the winter."),
    ],
    "fr": [
        ("En février le voisin mange du pain.", "En hiver quelqu'un fait quelque chose."),
        ("Le garçon boit de l'eau en juillet.", "Le garçon boit de l'eau en hiver."),
    ],
    "sw": [
        (
            "Mwezi wa Februari jirani anakula mkate.",
            "Wakati wa baridi mtu fulani anafanya kitu fulani.",
        ),
        ("Mvulana anakunywa maji mwezi wa Julai.", "Mvulana anakunywa maji wakati wa baridi."),
    ],
}


def main() -> None:
    """Print the probability of each label for every pair."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="the folder `classifier` of a publish artifact")
    folder = parser.parse_args().folder
    tokenizer = XLMTokenizer.from_pretrained(folder)
    model = XLMForSequenceClassification.from_pretrained(folder).eval()
    known = [language for language in PAIRS if language in tokenizer.lang2id]
    if not known:
        parser.error(f"the model has none of {', '.join(PAIRS)}; write your own sentences in PAIRS")
    for language in known:
        for premise, hypothesis in PAIRS[language]:
            shares = classify(model, tokenizer, language, premise, hypothesis)
            print(f"{language}  {premise}  |  {hypothesis}")
            print("    " + "  ".join(f"{label} {share:.3f}" for label, share in shares.items()))


def classify(
    model: XLMForSequenceClassification,
    tokenizer: XLMTokenizer,
    language: str,
    premise: str,
    hypothesis: str,
) -> dict[str, float]:
    """The probability of each label for one pair of sentences."""

    def ids(sentence: str) -> list[int]:
        # `tokenizer(text, lang=...)` ignores the language; `_tokenize` uses it.
        tokens = tokenizer._tokenize(sentence, lang=language)
        return list(tokenizer.convert_tokens_to_ids(tokens))

    input_ids = torch.tensor(
        [tokenizer.build_inputs_with_special_tokens(ids(premise), ids(hypothesis))]
    )
    # The model was trained with a language id for every token.
    language_ids = torch.full_like(input_ids, tokenizer.lang2id[language])
    with torch.no_grad():
        logits = model(input_ids=input_ids, langs=language_ids).logits
    return dict(zip(model.config.id2label.values(), logits.softmax(-1)[0].tolist(), strict=True))


if __name__ == "__main__":
    main()
