"""Compare tokenization with sacremoses and the Perl scripts, on NTREX in 13 languages.

    MOSES_HOME=~/mosesdecoder .venv/bin/python bench/tokenization.py [--shared ../shared] [--core 1]

All tokenizers take turns in one run, pinned to one core. The fastest of several rounds counts, in
CPU seconds, since other programs may use the machine. `tokenizer_for` runs twice: cold, with an
empty cache, and warm, on the same text again. The Perl scripts do not lowercase; each starts once
per text. Writes bench/results/tokenize.json and the table in docs/reference/performance/text.md.

This file is not named tokenize.py, because it would hide that module of Python.
"""

import argparse
import json
import logging
import os
import subprocess
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import NamedTuple

import regex
from pages import fill
from sacremoses import MosesPunctNormalizer, MosesTokenizer

from xlm.display.markdown import table
from xlm.engine.building.machine import machine_record
from xlm.text.chain import cased_tokenizer_for, tokenizer_for

HOME = Path(__file__).resolve().parent
NTREX = "mirror/raw.githubusercontent.com/MicrosoftTranslator/NTREX/main/NTREX-128"
FILES = {
    **{"ar": "ref.arb", "bg": "ref.bul", "de": "ref.deu", "el": "ref.ell", "en": "src.eng"},
    **{"es": "ref.spa", "fr": "ref.fra", "hi": "ref.hin", "ru": "ref.rus", "sw": "ref.swa"},
    **{"tr": "ref.tur", "ur": "ref.urd", "vi": "ref.vie"},
}
SCRIPTS = (
    "replace-unicode-punctuation.perl",
    "normalize-punctuation.perl -l LANG",
    "remove-non-printing-char.perl",
    "tokenizer.perl -q -no-escape -l LANG",
)
ROUNDS = 5


class Text(NamedTuple):
    """The lines of a language."""

    language: str
    size_bytes: int
    lines: list[str]


def main() -> None:
    """Run the benchmark and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=HOME.parent.parent / "shared")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)))
    arguments = parser.parse_args()
    machine = machine_record()
    os.sched_setaffinity(0, {arguments.core})
    logging.disable(logging.WARNING)
    tokenizer_for("en", {})("Loads the tables.")
    texts = [_text(arguments.shared / NTREX, language) for language in FILES]
    record = {
        "machine": {"cores": machine["cores"], "system": machine["system"]},
        "rounds": ROUNDS,
        "languages": {text.language: _measured(text) for text in texts},
    }
    (HOME / "results").mkdir(exist_ok=True)
    (HOME / "results" / "tokenize.json").write_text(json.dumps(record, indent=1) + "\n")
    fill("reference/performance/text.md", "tokenize", _table(record["languages"]))


def _text(folder: Path, language: str) -> Text:
    raw = (folder / f"newstest2019-{FILES[language]}.txt").read_bytes()
    return Text(language, len(raw), raw.decode().removesuffix("\n").split("\n"))


def _measured(text: Text) -> dict[str, float]:
    """Measure CPU seconds of each tokenizer, and count rows equal to those of the scripts."""
    seconds: dict[str, float] = {}
    for _ in range(ROUNDS):
        ours = tokenizer_for(text.language, {})
        ways = {"sacremoses": _sacremoses(text.language), "cold": ours, "warm": ours}
        used = {name: _cpu(tokenize, text.lines) for name, tokenize in ways.items()}
        if "MOSES_HOME" in os.environ:
            used["perl"], _ = _perl(text)
        seconds = {name: min(now, seconds.get(name, now)) for name, now in used.items()}
    found = {"bytes": text.size_bytes, "lines": len(text.lines), **seconds}
    if "MOSES_HOME" in os.environ:
        original = _perl(text)[1]
        for name, moses in (
            ("ours_equal", cased_tokenizer_for(text.language, {})),
            ("sacremoses_equal", _sacremoses(text.language, lower=False)),
        ):
            pairs = zip(map(moses, text.lines), original, strict=True)
            found[name] = sum(our == their for our, their in pairs)
    return found


def _cpu(tokenize: Callable[[str], str], lines: list[str]) -> float:
    start = time.process_time()
    for line in lines:
        tokenize(line)
    return time.process_time() - start


def _sacremoses(language: str, *, lower: bool = True) -> Callable[[str], str]:
    """Return the same steps with sacremoses, then lowercasing and accent removal."""
    normalizer = MosesPunctNormalizer(
        lang=language, pre_replace_unicode_punct=True, perl_parity=True
    )
    tokenizer = MosesTokenizer(lang=language)
    non_printing = regex.compile(r"\p{C}")

    def tokenize(line: str) -> str:
        line = non_printing.sub(" ", normalizer.normalize(line))
        line = tokenizer.tokenize(line, escape=False, return_str=True)
        if not lower:
            return line
        decomposed = unicodedata.normalize("NFD", line.rstrip().lower())
        return "".join(c for c in decomposed if unicodedata.category(c) != "Mn").lower()

    return tokenize


def _perl(text: Text) -> tuple[float, list[str]]:
    """Run the four scripts in a pipe; return their CPU seconds and their output."""
    folder = Path(os.environ["MOSES_HOME"]) / "scripts" / "tokenizer"
    commands = (f"perl {folder}/{script}".replace("LANG", text.language) for script in SCRIPTS)
    before = getrusage(RUSAGE_CHILDREN)
    done = subprocess.run(
        " | ".join(commands),
        shell=True,
        input="".join(f"{line}\n" for line in text.lines).encode(),
        capture_output=True,
        check=True,
    )
    after = getrusage(RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used, done.stdout.decode().removesuffix("\n").split("\n")


WAYS = {"sacremoses": "sacremoses", "perl": "Perl", "cold": "ours, cold", "warm": "ours, warm"}


def _table(languages: dict[str, dict[str, float]]) -> str:
    ways = [way for way in WAYS if way in languages["en"]]
    headings = ["", "MB", *(f"{WAYS[way]}, MB/s" for way in ways)]
    headings += ["ours, cold, sentences/s", "cold : sacremoses"]
    headings += ["cold : Perl"] if "perl" in ways else []
    headings += ["rows equal to Perl: ours", "sacremoses"] if "perl" in ways else []
    numbers = [name for name, value in languages["en"].items() if isinstance(value, int | float)]
    total = {name: sum(each[name] for each in languages.values()) for name in numbers}
    rows = [_row(name, each, ways) for name, each in [*languages.items(), ("**all**", total)]]
    return table(headings, rows)


def _row(name: str, found: dict[str, float], ways: list[str]) -> list[str]:
    megabytes = found["bytes"] / 1e6
    row = [name, f"{megabytes:.2f}", *(f"{megabytes / found[way]:.2f}" for way in ways)]
    row += [f"{found['lines'] / found['cold']:,.0f}", f"{found['sacremoses'] / found['cold']:.1f}"]
    if "perl" in ways:
        row.append(f"{found['perl'] / found['cold']:.1f}")
        row += [f"{found[who] / found['lines']:.1%}" for who in ("ours_equal", "sacremoses_equal")]
    return row


if __name__ == "__main__":
    main()
