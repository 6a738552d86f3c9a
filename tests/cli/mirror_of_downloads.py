"""A mirror with made files for whatever a profile downloads."""

import io
import json
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

from xlm.sample.files.nli_files import training_table, write_xnli, write_xnli_mt
from xlm.sample.files.wikipedia_files import write_wikipedia

_LABELS = ("contradiction", "neutral", "entailment")


def sentence(code: str, number: int) -> str:
    """A sentence of a language; the same number has the same meaning."""
    if code == "ja":
        return f"第{number}の学校で本を読む。"
    return f"{code} pupil {number} reads book {number % 17} in {code}."


def write_mirror_of(listing: str, folder: Path) -> None:
    """Write the files that the output of `xlm sources ls --json` lists."""
    for one in json.loads(listing):
        kind, _, unit = one["id"].partition(".")
        path = folder / urlsplit(one["url"]).netloc / urlsplit(one["url"]).path.lstrip("/")
        if kind == "wikipedia":
            wiki = path.name.partition("wiki-")[0]
            pages = [
                (f"{unit} {page}", [sentence(unit, 7 * page + line) for line in range(6)])
                for page in range(60)
            ]
            write_wikipedia(folder, wiki, pages, date=one["version"])
        elif path.name.endswith(".txt.zip"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_moses_zip(one["corpus"], path.name.removesuffix(".txt.zip"), unit))
    rows = [(sentence("en", n), sentence("en", n + n % 3), _LABELS[n % 3]) for n in range(60)]
    tested = dict.fromkeys(("en", "fr", "sw"), rows)
    write_xnli(folder, tested, tested)
    write_xnli_mt(folder, {"en": training_table(rows)}, {"en": rows})


def _moses_zip(corpus: str, codes: str, pair: str) -> bytes:
    buffer = io.BytesIO()
    names = dict(zip(sorted(codes.split("-")), sorted(pair.split("-")), strict=True))
    with zipfile.ZipFile(buffer, "w") as archive:
        for opus_code, code in names.items():
            lines = "".join(f"{sentence(code, number)}\n" for number in range(150))
            archive.writestr(f"{corpus}.{codes}.{opus_code}", lines)
    return buffer.getvalue()
