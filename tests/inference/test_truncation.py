"""Long texts are truncated as in evaluation, with a warning; other inputs that are at a limit."""

import numpy as np
import pytest

from tests.inference.small_models import POSITIONS
from xlm.errors import ConfigError, DataError
from xlm.inference.compute import enclose, join
from xlm.inference.model import Model

LONG = "children " * POSITIONS


def test_a_pair_shares_the_position_table(model: Model) -> None:
    """Half of it for each sentence, whatever the length of the other one."""
    long_T = np.arange(100, dtype=np.int32) + 14
    row_T = join(long_T, long_T[:3], 40)
    assert row_T.tolist() == [1, *long_T[:18], 1, *long_T[:3], 1]
    assert len(join(long_T, long_T, 40)) == 39
    assert enclose(long_T, 40).tolist() == [1, *long_T[:38], 1]
    assert enclose(long_T[:38], 40).tolist() == [1, *long_T[:38], 1]


def test_truncated_texts_are_counted(model: Model, caplog: pytest.LogCaptureFixture) -> None:
    before = model.truncated_texts
    vectors_ND = model.embed([LONG, LONG + "garden", "The children"], language="en")
    np.testing.assert_allclose(vectors_ND[0], vectors_ND[1], atol=1e-6)
    model.predict("The children.", LONG, language="en")
    assert caplog.messages == [
        f"2 texts are truncated: the model's longest input has {POSITIONS} tokens",
        f"1 text is truncated: the model's longest input has {POSITIONS} tokens",
    ]
    assert model.truncated_texts - before == 3


def test_a_mask_after_the_longest_input_is_refused(model: Model) -> None:
    with pytest.raises(DataError, match="text 1 has a mask after 126 tokens; shorten the text"):
        model.fill_mask(f"{LONG} <mask>", language="en")
    assert len(model.fill_mask(f"<mask> {LONG}", language="en")) == 1


def test_perplexity_counts_all_of_a_long_text(model: Model) -> None:
    (ids,) = model.encode([LONG], language="en")
    assert len(ids) > POSITIONS
    assert model.perplexity(LONG, language="en").tokens == len(ids)
    unknown = model.perplexity(["☃ ☃", "The children"], language="en")
    assert unknown.unknown == 2
    assert np.isnan(unknown.of_texts[0])
    assert unknown.value == pytest.approx(unknown.of_texts[1])


def test_no_texts_have_no_results(model: Model) -> None:
    assert model.embed([], language="en").shape == (0, model.dimension)
    assert model.predict([], [], language="en") == []
    assert model.fill_mask([], language=[]) == []
    assert np.isnan(model.perplexity([], language="en").value)


def test_one_text_has_one_result(model: Model) -> None:
    assert model.embed("The children", language="en").shape == (model.dimension,)
    assert model.predict("A", "B", language="en") == model.predict(["A"], ["B"], language="en")[0]
    with pytest.raises(ConfigError, match="one text minus the mean of one text is zero"):
        model.embed("The children", language="en", subtract_mean=True)
    with pytest.raises(ConfigError, match="there are 2 hypotheses for 1 premises"):
        model.predict(["A"], ["B", "C"], language="en")


def test_the_mean_is_that_of_each_language(model: Model) -> None:
    texts, codes = ["The children", "Watoto", "The boys", "Wavulana"], ["en", "sw", "en", "sw"]
    raw_ND = model.embed(texts, language=codes)
    centred_ND = model.embed(texts, language=codes, subtract_mean=True)
    for rows in ([0, 2], [1, 3]):
        expected_ND = raw_ND[rows] - raw_ND[rows].mean(0)
        np.testing.assert_allclose(centred_ND[rows], expected_ND, atol=1e-6)
