"""The example on a card runs unchanged, in every language, with the packages that it lists."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.release.card.test_render import causal_facts
from tests.release.installed import link_packages
from xlm.bpe.vocabulary import SPECIAL_TOKENS
from xlm.config.languages.pairs import XNLI_LANGUAGES
from xlm.model.classifier import Classifier
from xlm.model.encoder import Encoder
from xlm.model.formats.hugging_face.folder import write_classifier, write_masked_lm
from xlm.model.initialise import initialise
from xlm.release.card.examples import example_of
from xlm.release.card.facts import RunFacts
from xlm.release.card.render import render_card
from xlm.release.tokenizer import write_tokenizer


def with_all_languages(facts: RunFacts) -> RunFacts:
    description = facts.description.model_copy(update={"languages": tuple(XNLI_LANGUAGES)})
    return replace(facts, description=description)


def write_model(folder: Path, facts: RunFacts, *, classifier: bool) -> str:
    """Write the published folder of an untrained model; returns its card."""
    description = facts.description
    encoder = Encoder(description)
    initialise(encoder, seed=0)
    if classifier:
        write_classifier(folder, Classifier(encoder))
    else:
        write_masked_lm(folder, encoder)
    letters = [letter + end for letter in "abcdefghijklmnopqrstuv" for end in ("", "@@")]
    write_tokenizer(
        folder,
        tokens=[*SPECIAL_TOKENS, "the", *letters][: description.vocabulary_size],
        merges=b"t h 3\nth e</w> 2\n",
        languages=description.languages,
        positions=64,
    )
    return render_card(facts, classifier=classifier, parameters=1)


def code_of(card: str) -> str:
    """The code for transformers: the example and, except for a causal model, the pipeline."""
    *blocks, ids_of_training = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    assert "from xlm." in ids_of_training
    return "\n".join(map(str, blocks))


def packages_of(card: str) -> list[str]:
    (line,) = re.findall(r"`pip install ([^`]+)`", card)
    assert isinstance(line, str)
    return line.split()


def run(code: str, folder: Path, packages: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    site = link_packages(folder / "site", packages)
    return subprocess.run(
        [sys.executable, "-S", "-c", code],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(site),
            "HF_HUB_OFFLINE": "1",
            "OMP_NUM_THREADS": "1",
            "HOME": str(folder / "home"),
        },
        capture_output=True,
        text=True,
        timeout=300,
    )


def in_every_language(code: str) -> str:
    """Repeat the example for each language, with its code and its sentences."""
    english = example_of(["en"])
    variants = []
    for language in XNLI_LANGUAGES:
        variant = code.replace('language = "en"', f'language = "{language}"')
        example = example_of([language])
        for name in ("premise", "hypothesis"):
            variant = variant.replace(getattr(english, name), getattr(example, name))
        assert (variant == code) == (language == "en")
        variants.append(f"print('# {language}')\n{variant}")
    return "\n".join(variants)


@pytest.mark.slow
def test_the_example_runs_in_every_language_with_the_listed_packages(
    tmp_path: Path, facts: RunFacts
) -> None:
    """All cards run in one process, because importing torch takes most of the time."""
    known = with_all_languages(facts)
    codes, packages = [], set()
    for name, which, classifier in (
        ("classifier", known, True),
        ("masked", known, False),
        ("causal", causal_facts(known), False),
    ):
        card = write_model(tmp_path / name, which, classifier=classifier)
        folder = str(tmp_path / name)
        codes.append(
            in_every_language(code_of(card)).replace('folder = "."', f"folder = {folder!r}")
        )
        packages.add(" ".join(packages_of(card)))
    (listed,) = packages
    result = run("\n".join(codes), tmp_path, listed.split())
    assert result.returncode == 0, result.stderr
    parts = re.split(r"^# (\w\w)\n", result.stdout, flags=re.MULTILINE)[1:]
    assert parts[::2] == [*XNLI_LANGUAGES] * 3
    count = len(XNLI_LANGUAGES)
    for printed in parts[1 : 2 * count : 2]:
        rows = re.findall(r"^(contradiction|neutral|entailment) +(0\.\d+)$", printed, re.M)
        assert sum(float(probability) for _, probability in rows) == pytest.approx(1, abs=0.01)
    begins = [printed.split()[0] for printed in parts[2 * count + 1 :: 2]]
    assert begins == ["instead"] * count + ["after"] * count


@pytest.mark.slow
def test_missing_packages_make_the_example_fail(tmp_path: Path, facts: RunFacts) -> None:
    """So the test above would notice a card that lists too few packages."""
    card = write_model(tmp_path, with_all_languages(facts), classifier=False)
    assert {"rjieba", "pythainlp"} <= set(packages_of(card))
    attempts = []
    for language in ("en", "th", "zh"):
        code = code_of(card).replace('language = "en"', f'language = "{language}"')
        attempts.append(
            f"try:\n    exec({code!r})\nexcept ImportError as error:\n    print(error.name)"
        )
    result = run("\n".join(attempts), tmp_path, ["torch", "transformers", "sacremoses"])
    assert result.stdout.startswith("instead of "), result.stderr
    assert result.stdout.endswith("\npythainlp\nrjieba\n"), result.stdout
    assert result.returncode == 0


def test_a_card_lists_no_packages_for_other_languages(facts: RunFacts) -> None:
    card = render_card(facts, classifier=False, parameters=1)
    assert packages_of(card) == ["torch", "transformers", "sacremoses"]
    chinese = facts.description.model_copy(update={"languages": ("en", "zh")})
    card = render_card(replace(facts, description=chinese), classifier=False, parameters=1)
    assert packages_of(card) == ["torch", "transformers", "sacremoses", "rjieba"]
