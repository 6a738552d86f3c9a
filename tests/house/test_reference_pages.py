"""The pages that infra/reference_pages.py generates have every command, option and setting."""

import re
import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType
from typing import Any

import pytest

from tests.repository import REPOSITORY
from xlm.config.languages.table import read_table
from xlm.config.reading.resolve import resolve


@pytest.fixture(scope="module")
def pages() -> ModuleType:
    pytest.importorskip("mkdocs")
    spec = spec_from_file_location("reference_pages", REPOSITORY / "infra" / "reference_pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _paths(values: Any, path: str = "") -> Iterator[str]:
    if not isinstance(values, dict):
        yield path
        return
    for name, value in values.items():
        yield from _paths(value, f"{path}.{name}".lstrip("."))


def test_every_command_has_a_section_with_its_options(pages: ModuleType) -> None:
    text = pages.command_line_page()
    for command in ("run", "plan", "store verify", "bpe learn", "ui"):
        assert f"\n## xlm {command}\n" in text
    assert "| `-s, --set KEY=VALUE` |" in text
    assert "xlm run --refresh 'tokenize[sw]'" in text


def test_every_setting_of_a_run_is_on_the_page_of_its_section(pages: ModuleType) -> None:
    text = pages.configuration_page()
    sections = dict(re.findall(r"^## (\S+)[^\n]*\n(.*?)(?=^## |\Z)", text, re.M | re.S))
    sections[""] = text.partition("\n## ")[0]
    config = resolve("sample").model_dump(mode="json")
    for path in _paths(config):
        section, _, name = path.rpartition(".")
        if section in ("text.segmenters", "sources.parallel"):
            continue
        assert f"| `{name}` |" in sections[section], path


def test_defaults_and_operational_settings_are_shown(pages: ModuleType) -> None:
    text = pages.configuration_page()
    assert re.search(r"^\| `codes` \| `80000` \|", text, re.MULTILINE)
    assert re.search(r"^\| `figures` \| `true` \| \*Operational\.\* ", text, re.MULTILINE)
    assert "One of `plain`, `original`." in text or "One of `original`, `plain`." in text


def test_angle_brackets_are_text_and_not_html(pages: ModuleType) -> None:
    assert pages._cell("both </s> | `a <b>`") == "both &lt;/s> \\| `a <b>`"


def test_pages_that_descriptions_name_are_links(pages: ModuleType) -> None:
    assert "([explanation/recipes](../explanation/recipes.md))" in pages.configuration_page()
    assert "(../how-to/convert-a-checkpoint.md)" in pages.command_line_page()


def test_defaults_are_those_of_the_section(pages: ModuleType) -> None:
    """Regression: the page showed the learning rate of `OptimizerConfig` for fine-tuning."""
    sections = dict(
        re.findall(r"^## (\S+)[^\n]*\n(.*?)(?=^## |\Z)", pages.configuration_page(), re.M | re.S)
    )
    assert "| `learning_rate` | `0.0001` |" in sections["pretrain.optimizer"]
    assert "| `learning_rate` | `5e-06` |" in sections["finetune.optimizer"]
    assert (
        '| `url` | `"https://dl.fbaipublicfiles.com/XNLI/XNLI-1.0.zip"` |'
        in (sections["sources.xnli"])
    )


def test_the_page_of_languages_has_every_language(pages: ModuleType) -> None:
    text = pages.languages_page()
    assert [row.split(" | ")[0] for row in re.findall(r"^\| (\w.*)$", text, re.M)] == [
        "code",
        *read_table(),
    ]
    assert "| ja | Japanese | Jpan | jawiki | ja jpn | jpn |  | icu |" in text
    assert "| ur | Urdu | Arab, right to left | urwiki | ur urd | urd | yes |  |" in text
