"""Writes tables into docs, between the markers `<!-- name: begin -->` and `<!-- name: end -->`."""

from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent / "docs"


def fill(page: str, name: str, text: str) -> None:
    """Replace the text between the markers of `name` in `docs/<page>`."""
    path = DOCS / page
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, found, rest = path.read_text(encoding="utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise SystemExit(f"{path} has no markers {begin} and {end}")
    path.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")
