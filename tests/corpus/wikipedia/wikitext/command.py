"""Runs the wikiextractor command on small pages, to compare the cleaner with it.

python -m tests.corpus.wikipedia.wikitext.command "a {{lc:B}} c"   # prints both results
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.sax.saxutils import escape

from tests.corpus.wikipedia.dumps import SITE, page
from xlm.corpus.wikipedia.wikitext.page import PageCleaner
from xlm.corpus.wikipedia.wikitext.site import Site
from xlm.processes.tools import find_program

TITLE = "Page"
DAY = "20261101"
_CLEANER = PageCleaner(Site(language="en", dump_date=DAY))


def command_texts(pages):
    """The text that the command writes for each wikitext."""
    with tempfile.TemporaryDirectory() as folder:
        dump, output = Path(folder, "dump.xml"), Path(folder, "out")
        content = "".join(page(n, TITLE, escape(text)) for n, text in enumerate(pages, start=1))
        dump.write_text(f"{SITE}{content}</mediawiki>\n", encoding="utf-8")
        command = [str(find_program("wikiextractor")), str(dump), "-o", str(output), "-b", "1G"]
        options = ["-q", "--json", "--no-templates", "--html-safe", "", "--processes", "1"]
        subprocess.run([*command, *options], check=True, timeout=500, capture_output=True)
        texts = {}
        for path in sorted(output.glob("*/wiki_*")):
            with path.open(encoding="utf-8", newline="\n") as file:
                records = [json.loads(line) for line in file]
            texts |= {int(record["id"]): record["text"] for record in records}
    return [texts[n] for n in range(1, len(pages) + 1)]


def cleaned(text):
    """The text of the cleaner, without the preparation that precedes both."""
    return "\n".join(_CLEANER.clean(TITLE, escape(text), DAY))


def main():
    """Show the first line that differs."""
    for text, expected in zip(sys.argv[1:], command_texts(sys.argv[1:]), strict=True):
        print(f"{text!r}\n  command {expected!r}\n  cleaner {cleaned(text)!r}")


if __name__ == "__main__":
    main()
