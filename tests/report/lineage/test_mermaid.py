"""Flowcharts of Mermaid, against its own grammar."""

import pytest
from mermaidx import render

from tests.report.lineage.small_store import MODEL
from xlm.config.languages.pairs import XNLI_LANGUAGES
from xlm.report.lineage.document import (
    ArtifactId,
    Input,
    Lineage,
    Subject,
    TracedArtifact,
    TracedSource,
)
from xlm.report.lineage.mermaid import mermaid_text


def fifteen_languages(name: str) -> Lineage:
    """A lineage of all 15 languages; `name` is in the labels."""

    def identity(stage: str, unit: str = "all") -> ArtifactId:
        return ArtifactId(stage=stage, unit=unit, key="4" * 24, digest="9" * 64)

    def artifact(one: ArtifactId, *inputs: ArtifactId, state: str = "stored") -> TracedArtifact:
        return TracedArtifact.model_validate(
            {
                "id": one, "state": state, "built": None, "code_version": 1,
                "pipeline_version": None, "tools": {}, "size_bytes": 5, "directory": None,
                "inputs": [Input(role=used.unit, artifact=used) for used in inputs],
            }
        )  # fmt: skip

    downloads = [identity("download", f"wikipedia.{code}") for code in XNLI_LANGUAGES]
    texts = [identity("tokenize", code) for code in XNLI_LANGUAGES]
    top = identity("publish")
    return Lineage(
        subject=Subject(
            path=name, artifact=top, path_in_artifact=name, sha256=None, is_copy=False,
            equal_artifacts=(),
        ),
        artifacts=(
            artifact(top, *texts),
            *(artifact(text, used) for text, used in zip(texts, downloads, strict=True)),
            *(artifact(one, state="pruned") for one in downloads[:-1]),
            artifact(downloads[-1], state="missing"),
        ),
        sources=tuple(
            TracedSource(
                kind="download", unit=one.unit, name=name, url="https://example.org/x",
                redirected_to=None, licence=name, size_bytes=7, sha256=None, read_by=one,
            )
            for one in downloads
        ),
        faults=(),
    )  # fmt: skip


def test_fifteen_languages_are_one_box_a_stage() -> None:
    text = mermaid_text(fifteen_languages(MODEL))
    boxes = [line for line in text.splitlines() if '["' in line or '("' in line]
    # Three stages, one collection of sources, and the file itself.
    assert len(boxes) == 5
    assert f"15 artifacts: {' '.join(sorted(XNLI_LANGUAGES))}" in text
    assert "1 missing<br/>14 pruned" in text
    assert text.count("-->") == 4


@pytest.mark.slow
def test_the_grammar_of_mermaid_accepts_it() -> None:
    hostile = 'a "b" <c> #d; `e` \\ |f| [g] {h} end %% & ü'
    picture = str(render(mermaid_text(fifteen_languages(hostile))).svg())
    assert "15 artifacts" in picture
    assert "Syntax error" not in picture
