"""Settings of extraction."""

import pytest

from xlm.config.data.extract import ExtractConfig
from xlm.config.pipeline import PipelineConfig
from xlm.errors import ConfigError
from xlm.stages.data import extract_wiki


def test_only_the_program_expands_templates() -> None:
    with pytest.raises(ConfigError) as caught:
        ExtractConfig(templates=True)
    assert str(caught.value) == (
        "extract.templates: the engine builtin does not expand templates; set "
        "extract.engine=wikiextractor, or extract.templates=false"
    )
    assert ExtractConfig(templates=True, engine="wikiextractor").templates


def test_the_release_of_the_program_is_in_the_key_of_its_engine_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The other engine works where the program is not installed."""

    def fields(engine: str, release: str) -> dict[str, object]:
        monkeypatch.setattr(extract_wiki, "tool_version", lambda name: release)
        config = PipelineConfig(languages=("en", "sw"), extract={"engine": engine})
        return extract_wiki.EXTRACT_WIKI.slice(config, "sw").key_fields()

    assert fields("builtin", "1") == fields("builtin", "2")
    assert fields("wikiextractor", "1") != fields("wikiextractor", "2")
    assert extract_wiki.EXTRACT_WIKI.tools == ()


def test_documents_that_are_off_change_no_key() -> None:
    assert "documents" not in ExtractConfig().key_fields()
    assert ExtractConfig(documents=True).key_fields()["documents"] is True
