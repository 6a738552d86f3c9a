"""The documents are true where a program can check it: files, links, folders, and their size."""

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

from tests.repository import REPOSITORY

PAGES = sorted((REPOSITORY / "docs").rglob("*.md"))
DOCUMENTS = [*sorted(REPOSITORY.glob("*.md")), *PAGES]
GENERATED = tuple(
    f"docs/reference/{name}.md" for name in ("command-line", "configuration", "languages")
)
"""Built with the site, by infra/reference_pages.py."""
SOURCES = [
    path
    for folder in ("bench", "examples", "flows", "infra", "tasks", "tests", "xlm", ".github")
    for path in sorted((REPOSITORY / folder).rglob("*"))
    if path.suffix in {".py", ".yaml", ".yml", ".toml", ".md"}
]
LONGEST_LINE, MOST_LINES = 100, 160
_SOURCE = re.compile(
    r"\b(?:bench|examples|flows|infra|tasks|tests|xlm)/[\w/.-]+\.(?:py|cc|hh|json|yaml|tsv|txt)\b"
)
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
_PAGE = re.compile(r"(?<![\w/.])docs/[\w/-]+\.md\b")
_MEASURED = re.compile(r"<!-- ([\w-]+): begin -->.*?<!-- \1: end -->", re.DOTALL)
_PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
_FILL = re.compile(r'fill\(\s*f?"([\w/{}.-]+)",\s*"([\w-]+)"')


def _name(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_files_that_a_document_names_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    named = {REPOSITORY / name for name in _SOURCE.findall(text)}
    linked = {document.parent / name for name in _LINK.findall(text)}
    missing = {path.resolve() for path in named | linked if not path.exists()}
    assert missing <= {REPOSITORY / name for name in GENERATED}


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\s-]", "", one).strip().lower().replace(" ", "-") for one in headings}


@pytest.mark.parametrize("document", sorted(REPOSITORY.glob("*.md")), ids=_name)
def test_anchors_that_a_document_names_exist(document: Path) -> None:
    """mkdocs checks those of the pages."""
    text = document.read_text(encoding="utf-8")
    for page, anchor in re.findall(r"\]\((?!https?:)([^)#]+)#([^)]+)\)", text):
        assert anchor in _anchors(document.parent / page), f"{page}#{anchor}"


def test_pages_that_the_code_names_exist() -> None:
    named = {
        (name, _name(path))
        for path in SOURCES
        for name in _PAGE.findall(path.read_text(encoding="utf-8"))
    }
    assert len(named) > 20
    missing = {(name, path) for name, path in named if not (REPOSITORY / name).exists()}
    assert {one for one in missing if one[0] not in GENERATED} == set()


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_a_page_is_short_and_its_lines_are(page: Path) -> None:
    """Rows of tables cannot be broken, and figures are written by programs."""
    lines = _MEASURED.sub("", page.read_text(encoding="utf-8")).splitlines()
    assert len(lines) <= MOST_LINES
    assert [line for line in lines if len(line) > LONGEST_LINE and not line.startswith("|")] == []


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_python_code_of_a_page_imports_what_there_is(page: Path) -> None:
    for block in _PYTHON.findall(page.read_text(encoding="utf-8")):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("xlm."):
                module = import_module(node.module or "")
                assert [one.name for one in node.names if not hasattr(module, one.name)] == []


def test_every_page_is_in_the_navigation() -> None:
    navigation = (REPOSITORY / "mkdocs.yml").read_text(encoding="utf-8")
    for page in (*map(_name, PAGES), *GENERATED):
        assert f": {page.removeprefix('docs/')}\n" in navigation, page


def test_the_table_of_rooms_is_the_tree() -> None:
    page = (REPOSITORY / "docs" / "explanation" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w/]+)/` \| (.+) \|$", page, re.MULTILINE)
    rooms = {
        _name(path.parent)
        for package in ("flows", "tasks", "xlm")
        for path in (REPOSITORY / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert sorted(room for room, _ in rows) == sorted(rooms)
    assert all(sentence.strip() for _, sentence in rows)


def test_benches_write_into_pages_that_have_their_markers() -> None:
    filled = [
        found
        for bench in sorted((REPOSITORY / "bench").glob("*.py"))
        for found in _FILL.findall(bench.read_text(encoding="utf-8"))
    ]
    assert len(filled) > 15
    for page, marker in filled:
        for profile in ("sample", "mini15"):
            path = REPOSITORY / "docs" / page.replace("{arguments.profile}", profile)
            assert f"<!-- {marker}: begin -->" in path.read_text(encoding="utf-8"), page
