"""Rules of the code base that no linter checks."""

import ast
import re
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


_NAMED = re.compile(r"\b(?:flows|tasks|prefect)[./]\w|^(?:flows|tasks)$")


def _named_uphill(source: str) -> list[str]:
    """Strings that name a module above `xlm`: a program can be started by them (`-m`, exec)."""
    strings = (one.value for one in ast.walk(ast.parse(source)) if isinstance(one, ast.Constant))
    return [text for text in strings if isinstance(text, str) and _NAMED.search(text)]


def test_xlm_names_no_module_that_uses_it() -> None:
    """`xlm run` started the flow by the name of its module: a circle that no linter sees."""
    named = {
        str(path.relative_to(REPOSITORY)): found
        for path in _modules("xlm")
        if (found := _named_uphill(path.read_text(encoding="utf-8")))
    }
    assert named == {}


@pytest.mark.parametrize(
    "source",
    [
        'os.execve(python, [python, "-m", "flows.terminal.console"], environment)',
        'importlib.import_module("tasks")',
        'runpy.run_path("flows/ui/main.py")',
        'subprocess.run("python -m prefect.engine", shell=True)',
    ],
)
def test_a_module_named_in_a_string_would_be_seen(source: str) -> None:
    assert len(_named_uphill(source)) == 1
    assert _named_uphill('self.tasks.append("tasks of the flow"); print("in Prefect")') == []


def test_only_the_supervisor_starts_processes() -> None:
    """Every other program would miss what it ensures: nothing outlives a killed driver."""
    allowed = {
        "flows/commands/prefect_programs.py",  # starts itself again, without secrets
        "xlm/processes/child.py",
        "xlm/processes/guard.py",
        "xlm/processes/pool/worker_process.py",
    }
    starters = {
        str(path.relative_to(REPOSITORY))
        for path in _modules(*PACKAGES)
        if re.search(r"\bPopen\(|\bsubprocess\.run\(|\bos\.(?:fork|spawn|exec)", path.read_text())
    }
    assert starters == allowed


def test_signals_are_declared_once() -> None:
    """Sets of signals that differ let one of them kill a process in the middle of its work."""
    declared = {
        str(path.relative_to(REPOSITORY)): found
        for path in _modules(*PACKAGES)
        if (found := re.findall(r"SIG(?:USR1|HUP)\b", _code(path)))
    }
    assert declared.keys() == {"xlm/processes/signals.py"}


def _code(path: Path) -> str:
    """The code of a module, without comments and docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value.value = None
    return ast.unparse(tree)


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Also not by an import inside a function, which Python and the linter allow."""
    paths = {
        ".".join(path.relative_to(REPOSITORY).with_suffix("").parts): path
        for path in _modules(*PACKAGES)
    }
    imports = {name: _imports(path) & paths.keys() for name, path in paths.items()}
    # A module that imports none of the others left, or is imported by none, is in no circle.
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
        "xlm/cluster/agent.py",  # the place of its node, as the scheduler sets it
        "xlm/cluster/slurm/commands.py",  # passes it on, without secrets
        "xlm/config/environment.py",
        "xlm/processes/child.py",  # passes it on
        "xlm/processes/pool/worker_process.py",  # passes it on
        "xlm/text/segmenters/registry.py",  # passes it on
        "xlm/training/launch/child.py",  # rank and threads, as torchrun sets them
        "xlm/training/launch/distributed.py",
        "xlm/processes/failure.py",
        "xlm/training/launch/local.py",  # passes it on
    }
    readers = {
        str(path.relative_to(REPOSITORY))
        for path in _modules("xlm")
        if "os.environ" in path.read_text(encoding="utf-8")
    }
    assert readers == allowed


@pytest.mark.slow
def test_every_stage_is_recorded_with_its_code() -> None:
    """A stage that changed under an old version would serve stale artifacts."""
    assert fingerprint.unrecorded_changes() == {}


def test_the_flow_builds_every_stage_in_the_order_of_the_registry() -> None:
    flow = (REPOSITORY / "flows" / "full_pipeline.py").read_text(encoding="utf-8")
    order = [flow.index(f'build("{stage.name}")') for stage in STAGES]
    assert order == sorted(order)
