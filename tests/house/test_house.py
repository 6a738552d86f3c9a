"""Rules of the house that no linter knows."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.repository import REPOSITORY
from xlm.stages import fingerprint
from xlm.stages.registry import STAGES

PACKAGES = ("xlm", "tasks", "flows")


def _modules(*packages: str) -> list[Path]:
    return [path for package in packages for path in sorted((REPOSITORY / package).rglob("*.py"))]


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [("xlm", ("prefect", "tasks", "flows")), ("tasks", ("flows",))],
)
def test_imports_run_one_way(package: str, forbidden: tuple[str, ...]) -> None:
    uphill = {
        str(path.relative_to(REPOSITORY)): name
        for path in _modules(package)
        for name in _imports(path)
        if name.split(".")[0] in forbidden
    }
    assert uphill == {}


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Also not by an import inside a function, which Python and the linter let pass."""
    paths = {
        ".".join(path.relative_to(REPOSITORY).with_suffix("").parts): path
        for path in _modules(*PACKAGES)
    }
    imports = {name: _imports(path) & paths.keys() for name, path in paths.items()}
    # What imports nothing that is left, or is imported by nothing that is left, is in no circle.
    while outside := [
        name
        for name, needed in imports.items()
        if not needed & imports.keys() or not any(name in others for others in imports.values())
    ]:
        for name in outside:
            del imports[name]
    assert sorted(imports) == []


def test_nothing_imports_wikiextractor() -> None:
    """It is AGPL: we run its command as a separate process and never load it."""
    importers = [
        str(path)
        for path in _modules(*PACKAGES)
        if any(name.split(".")[0] == "wikiextractor" for name in _imports(path))
    ]
    assert importers == []


@pytest.mark.parametrize("module", ["flows.commands.main", "xlm.pipeline.dag"])
def test_light_commands_load_no_heavy_package(module: str) -> None:
    heavy = {"torch", "prefect", "pyarrow", "transformers", "pandas", "matplotlib", "numpy"}
    code = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert heavy.isdisjoint(loaded)


def test_a_plan_loads_no_torch() -> None:
    code = "import sys, xlm.cli.plan; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert {"torch", "prefect", "pyarrow", "transformers"}.isdisjoint(loaded)


def test_only_the_settings_and_the_edges_read_the_environment() -> None:
    allowed = {
        "xlm/config/environment.py",
        "xlm/processes/pool/worker_process.py",  # hands it on
        "xlm/text/segmenters/registry.py",  # the same
        "xlm/training/launch/distributed.py",  # torchrun's ranks
        "xlm/training/launch/child.py",
    }
    readers = {
        str(path.relative_to(REPOSITORY))
        for path in _modules("xlm")
        if "os.environ" in path.read_text(encoding="utf-8")
        and not path.is_relative_to(REPOSITORY / "xlm" / "cli")
        and not path.is_relative_to(REPOSITORY / "xlm" / "launch")
    }
    assert readers <= allowed


@pytest.mark.slow
def test_every_stage_is_recorded_with_its_code() -> None:
    """A stage that changed under an old version would serve stale artifacts."""
    assert fingerprint.unrecorded_changes() == {}


def test_every_stage_has_a_task_and_a_place_in_the_flow() -> None:
    flow = (REPOSITORY / "flows" / "full_pipeline.py").read_text(encoding="utf-8")
    order = [flow.index(f"build(stages.{stage.name.replace('-', '_')})") for stage in STAGES]
    assert order == sorted(order)
