"""Limits of the settings of the sample world: they are exact, and refused early."""

import random
import time
from importlib import resources
from itertools import product

import pytest

from xlm.config.data.sample import MAX_ARTICLES, SampleConfig
from xlm.config.reading.resolve import resolve
from xlm.errors import ConfigError, DataError
from xlm.sample.world.articles import articles
from xlm.sample.world.lexicon import KINDS, ORDERS, SPECIFICS, languages, read_lexicon
from xlm.sample.world.nli import nli_pairs
from xlm.sample.world.sentences import compose_title
from xlm.sample.world.situations import Circumstance, Situation, combinations_of


@pytest.mark.slow
@pytest.mark.parametrize("code", languages())
def test_the_limit_is_the_number_of_titles(code: str) -> None:
    circumstances = [
        Circumstance(kind, specific, general=False)
        for kind, specific in product(range(KINDS), range(SPECIFICS))
    ]
    titles = {
        compose_title(code, Situation(*combination, place, time), order)
        for combination, place, time, order in product(
            combinations_of("train"), circumstances, circumstances, range(ORDERS)
        )
    }
    assert len(titles) == MAX_ARTICLES


@pytest.mark.slow
def test_all_titles_can_be_drawn() -> None:
    world = SampleConfig(articles=MAX_ARTICLES, sentences_per_article=1)
    assert len({title for title, _ in articles(world, "sw")}) == MAX_ARTICLES


@pytest.mark.parametrize("count", [MAX_ARTICLES + 1, 20_000, 10**18])
def test_too_many_articles_are_refused(count: int) -> None:
    with pytest.raises(ConfigError, match="more than the 13,824 distinct titles") as caught:
        resolve("sample", [f"sample.articles={count}"])
    assert len(str(caught.value)) < 300


def test_the_maximum_number_of_evaluation_pairs_can_be_drawn() -> None:
    world = SampleConfig(dev_pairs=3000, test_pairs=3000)
    for split in ("dev", "test"):
        assert len({(i.premise, i.hypothesis) for i in nli_pairs(world, split)}) == 3000
    with pytest.raises(ConfigError, match=r"sample\.dev_pairs"):
        resolve("sample", ["sample.dev_pairs=3001"])


def test_fuzz_the_lexicon(capsys: pytest.CaptureFixture[str]) -> None:
    lexicon = resources.files("xlm.sample").joinpath("lexicon.json").read_bytes()
    rng, tried, refused = random.Random(1), 0, 0
    assert len(read_lexicon(lexicon)) == 15
    end = time.monotonic() + 5
    parts = [b"\xff", b'"', b"{", b"]", b"9" * 5000, b"null", b"[" * 3000, b",", b"NaN"]
    while tried < 200 and time.monotonic() < end:
        start = rng.randrange(len(lexicon))
        content = lexicon[:start] + rng.choice(parts) + lexicon[start + rng.randrange(5) :]
        line = _refusal(content)
        assert "\n" not in line
        refused += bool(line)
        tried += 1
    with capsys.disabled():
        print(f"\n{tried} mutated lexicons, {refused} refused, each in one line")
    assert refused


def _refusal(content: bytes) -> str:
    try:
        read_lexicon(content)
    except DataError as error:
        return str(error)
    return ""
