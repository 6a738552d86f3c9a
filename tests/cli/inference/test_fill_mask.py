"""`xlm fill-mask`: candidates for each mask of each text."""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from xlm.cli.inference.fill_mask import fill_mask
from xlm.errors import ConfigError, DataError
from xlm.inference.load import load
from xlm.inference.model import Model

Write = Callable[[Sequence[str]], Path]
LINES = ["The <mask> play in the <mask>.", "<mask> sleep."]


def test_a_table_names_text_and_mask(
    model: Model, write: Write, capfd: pytest.CaptureFixture[str]
) -> None:
    fill_mask(model, [str(write(LINES))], "en", top=2, as_json=False)
    header, *rows = (line.split("\t") for line in capfd.readouterr().out.splitlines())
    assert header == ["text", "mask", "token", "probability"]
    expected = [
        [str(text), str(mask), one.token, f"{one.probability:.6f}"]
        for text, masks in enumerate(model.fill_mask(LINES, language="en", top=2), start=1)
        for mask, candidates in enumerate(masks, start=1)
        for one in candidates
    ]
    assert rows == expected


def test_an_empty_argument_is_no_path(model: Model) -> None:
    with pytest.raises(ConfigError, match="the text is empty"):
        fill_mask(model, [""], "en", top=2, as_json=False)


def test_json_has_an_object_for_each_text(model: Model, capfd: pytest.CaptureFixture[str]) -> None:
    fill_mask(model, LINES, "en", top=3, as_json=True)
    first, second = map(json.loads, capfd.readouterr().out.splitlines())
    assert (first["text"], len(first["masks"]), len(second["masks"])) == (LINES[0], 2, 1)
    ours = model.fill_mask(LINES[1], language="en", top=3)
    assert [one["token"] for one in second["masks"][0]] == [one.token for one in ours[0]]


def test_a_text_without_a_mask_is_named(
    model: Model, write: Write, capfd: pytest.CaptureFixture[str]
) -> None:
    path = write([LINES[0], "No mask here."])
    with pytest.raises(DataError, match=re.escape(f"{path}, line 2 has no <mask>; write <mask>")):
        fill_mask(model, [str(path)], "en", top=1, as_json=False)
    assert len(capfd.readouterr().out.splitlines()) == 3
    with pytest.raises(DataError, match=r"text 1 has no <mask>"):
        fill_mask(model, ["None"], "en", top=1, as_json=False)


def test_models_without_a_mask_head_are_refused(release: Path) -> None:
    with pytest.raises(ConfigError, match="classifier has no mask head, so it fills no masks"):
        fill_mask(load(release / "classifier"), LINES, "en", top=1, as_json=False)
