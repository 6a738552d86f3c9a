"""Writes the documents of a dump: lines of text as XLM has them, and a table on request.

with DocumentWriter(out / "text.00000.txt", None, titles="plain") as writer:
    writer.write(Document(page, "A &amp; B", "https://en.wikipedia.org/wiki?curid=12", lines))
"""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from xlm.corpus.wikipedia.markup.entities import unescape_title
from xlm.corpus.wikipedia.page_head import Page

if TYPE_CHECKING:
    import pyarrow.parquet as pq

_GROUP_CHARACTERS = 8 << 20
"""Text of a row group of the table, which is in memory."""
_COLUMNS = ("id", "title", "url", "text")


@dataclass(frozen=True, slots=True)
class Document:
    """The text of one article."""

    page: Page
    title: str
    """With the escapes of the dump: `A &amp; B`."""
    url: str
    lines: Sequence[str]
    """Paragraphs, headings and blank lines, without the title."""


class DocumentWriter:
    """Writes documents to a text file, and with their metadata to a Parquet file."""

    def __init__(
        self, text: Path, table: Path | None, *, titles: Literal["plain", "original"]
    ) -> None:
        self._stack = ExitStack()
        self._text = self._stack.enter_context(text.open("w", encoding="utf-8", newline="\n"))
        self._table = _Table(table) if table else None
        self._titles = titles
        self.documents = 0
        self.lines = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        with self._stack:
            if self._table is not None:
                self._table.close()

    def write(self, document: Document) -> None:
        """Write the title and the lines after XLM's clean-up."""
        paragraphs = clean_lines(document.lines)
        plain_title = unescape_title(document.page.title)
        title = plain_title if self._titles == "plain" else document.title
        lines = clean_lines([" ".join(title.split("\n"))]) + paragraphs
        written = "".join(f"{line}\n" for line in lines)
        self._text.write(written)
        if self._table is not None:
            row = (document.page.id, plain_title, document.url, "\n".join(paragraphs))
            self._table.write(row)
        self.documents += 1
        self.lines += len(lines)


class _Table:
    """The Parquet file of the documents."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: pq.ParquetWriter | None = None
        self._rows: list[tuple[str, ...]] = []
        self._characters = 0

    def write(self, row: tuple[str, ...]) -> None:
        self._rows.append(row)
        self._characters += sum(map(len, row))
        if self._characters >= _GROUP_CHARACTERS:
            self._flush()

    def close(self) -> None:
        self._flush()
        if self._file is not None:
            self._file.close()

    def _flush(self) -> None:
        # Loaded on use: it takes longer than the text of a small dump.
        import pyarrow as pa
        import pyarrow.parquet as pq

        schema = pa.schema([(name, pa.string()) for name in _COLUMNS])
        if self._file is None:
            self._file = pq.ParquetWriter(self._path, schema, compression="zstd")
        columns = [[row[number] for row in self._rows] for number in range(len(_COLUMNS))]
        self._file.write_table(pa.table(columns, schema=schema))
        self._rows, self._characters = [], 0


def clean_lines(lines: Iterable[str]) -> list[str]:
    """Clean up as XLM does (get-data-wiki.sh): remove blank lines and document tags."""
    return [
        line
        for line in lines
        if line.strip() and not line.startswith("<doc id=") and not line.endswith("</doc>")
    ]
