"""The examples in docstrings run and print what they say."""

import textwrap
from pathlib import Path
from types import ModuleType

from tests.report.lineage.small_store import add
from xlm.report.lineage import mermaid, read, trace
from xlm.store.artifact import Artifact
from xlm.store.store import ArtifactStore
from xlm.store.stored import Catalogue, find_artifact, stored_artifacts


def example(module: ModuleType) -> str:
    """The indented lines of a docstring."""
    lines = (module.__doc__ or "").splitlines()
    return textwrap.dedent("\n".join(line for line in lines if line.startswith("    ")))


def test_the_example_of_a_trace_runs(made: dict[str, Artifact], root: Path) -> None:
    store = ArtifactStore.open(str(root))
    stored = find_artifact(store, f"publish/{made['publish'].manifest.key}")
    names = {**vars(trace), "store": store, "stored": stored}
    names |= {"Catalogue": Catalogue, "stored_artifacts": stored_artifacts}
    exec(example(trace), names)
    assert len(names["trace"].artifacts) == len(made)


def test_the_example_of_a_flowchart_is_printed(made: dict[str, Artifact], root: Path) -> None:
    texts = {code: made[f"tokenize[{code}]"] for code in ("en", "sw")}
    shard = add(ArtifactStore.open(str(root)), "shard", files={"one": "1"}, inputs=texts)
    chart = mermaid.mermaid_text(read.read_lineage(shard.directory, str(root))).splitlines()
    shown = example(mermaid).splitlines()
    assert len(shown) == 4
    assert [line for line in chart if line in shown] == shown
