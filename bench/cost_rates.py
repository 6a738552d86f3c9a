"""Write the rates that `xlm plan` uses before this machine has its own: xlm/pipeline/costs/.

    python bench/cost_rates.py ROOT                 # print what the runs in a store measured
    python bench/cost_rates.py ROOT --write         # and replace rates.json

The store should be that of a run on at least 20 MB of text, with the stages up to `shard`. An
enlarged dump has more text in each byte of XML than a real one, and compresses differently. So the
rates of extraction are measured for each byte of XML, and converted with the ratios below.
"""

import argparse
import bz2
import json
import os
import platform
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from xlm.bpe.learning.word_counts import GROUPS, count_words, merge_counts
from xlm.pipeline.costs.rates import GIGABYTE, RATES, Rate
from xlm.pipeline.costs.recorded import Measured, measured_builds
from xlm.stages.units import kind_of_unit
from xlm.store.disk.filesystem import write_atomically
from xlm.store.store import ArtifactStore

XML_PER_DUMP = 5.0
"""Bytes of XML in a byte of a real compressed dump; English Wikipedia has about this."""
TEXT_PER_XML = 0.2
"""Bytes of text in a byte of the XML of a real dump."""
DOWNLOAD_BYTES_PER_SECOND = 8e6
"""What one server sends to one address, with two connections."""

SCRATCH_PER_INPUT = {"split": 1.1}
"""Temporary bytes for each byte read: the lines, sorted into parts before they are joined."""
MERGE_SECONDS_PER_MILLION_TYPES = 1.9
"""Of the deterministic learner, from bench/bpe.py with a million words."""
SLOW_SEGMENTERS = {"zh": 1250.0, "th": 590.0}
"""CPU seconds for a gigabyte of tokenization, from bench/tokenization.py: jieba and newmm."""
BYTES_PER_WORD_TYPE = {"fastbpe": 1300, "deterministic": 310}
"""From bench/bpe.py with a million words."""
WORD_TYPES_PER_ROOT = 2.04
"""Different words of a text of n bytes, divided by n to the power of 0.64.

The exponent is that of an enlarged dump; the factor that of the real text in bench/bpe.py: 237,927
types in 17.9 MB of 15 languages.
"""
ASSUMED = {
    "clean": Rate(1.0, 200.0, 400_000_000),
    "extract-xnli": Rate(0.2, 60.0, 200_000_000),
    "extract-labelled": Rate(1.0, 60.0, 200_000_000),
    "extract-text": Rate(1.0, 80.0, 200_000_000),
}
"""Stages that the measured run does not have. These rates are assumed, not measured."""
_MEMORY_UNIT = 10_000_000


def measured_rates(store: ArtifactStore) -> dict[str, dict[str, Rate]]:
    """The rates of each stage and kind of unit."""
    groups: dict[tuple[str, str], list[Measured]] = {}
    for stage, one in measured_builds(store):
        if one.input_bytes:
            kind = "" if one.unit == "all" else kind_of_unit(one.unit)
            for name in {kind, ""}:
                groups.setdefault((stage, name), []).append(one)
    found: dict[str, dict[str, Rate]] = {}
    for (stage, kind), builds in sorted(groups.items()):
        found.setdefault(stage, {})[kind] = _rate(builds)
    if "extract-wiki" in found:
        ratio = _xml_bytes(store) / sum(one.input_bytes for one in groups["extract-wiki", ""])
        found["extract-wiki"] = {"": _of_real_dumps(found["extract-wiki"][""], ratio)}
    return found


def _rate(builds: Iterable[Measured]) -> Rate:
    builds = list(builds)
    read = sum(one.input_bytes for one in builds)
    memory = max(one.memory_bytes for one in builds)
    return Rate(
        output_per_input=round(sum(one.output_bytes for one in builds) / read, 3),
        cpu_seconds_per_gigabyte=round(sum(one.cpu_seconds for one in builds) / read * GIGABYTE, 1),
        memory_bytes=-(-memory // _MEMORY_UNIT) * _MEMORY_UNIT,
    )


def _of_real_dumps(rate: Rate, xml_per_input: float) -> Rate:
    """The rate of extraction for real dumps, without documents."""
    return Rate(
        output_per_input=XML_PER_DUMP * TEXT_PER_XML,
        cpu_seconds_per_gigabyte=round(
            rate.cpu_seconds_per_gigabyte / xml_per_input * XML_PER_DUMP, 1
        ),
        memory_bytes=rate.memory_bytes,
    )


def word_counting(store: ArtifactStore) -> dict[str, float]:
    """CPU seconds and bytes of counting the words of all tokenized corpora, as for a large sample.

    With one file for each corpus: the fewer bytes a file has, the more words are counted twice.
    """
    seconds, read, written = 0.0, 0, 0
    with TemporaryDirectory() as folder:
        names = ("text", "counts", "index", "merged")
        text, counts, index, merged = (Path(folder) / name for name in names)
        for directory in (store.root / "artifacts" / "tokenize").iterdir():
            with text.open("wb") as file:
                for part in sorted(directory.glob("train*.txt")):
                    file.write(part.read_bytes())
            began = time.process_time()
            count_words(text, counts, index, file_id=directory.name, rate=1.0, seed=0)
            merge_counts([(counts, index)], merged, groups=range(GROUPS))
            seconds += time.process_time() - began
            read += text.stat().st_size
            written += counts.stat().st_size
    return {
        "count_seconds_per_gigabyte": round(seconds / read * GIGABYTE, 1),
        "counts_per_input": round(written / read, 3),
    }


def _xml_bytes(store: ArtifactStore) -> int:
    total = 0
    for path in (store.root / "artifacts" / "download").glob("*/*.xml.bz2"):
        with bz2.open(path) as stream:
            while block := stream.read(1 << 20):
                total += len(block)
    return total


def main() -> None:
    """Print the rates, and write them if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path, help="root of the store")
    parser.add_argument("--write", action="store_true", help="replace rates.json")
    given = parser.parse_args()
    store = ArtifactStore.open(str(given.root), write=False)
    rates = measured_rates(store)
    for stage, rate in ASSUMED.items():
        rates.setdefault(stage, {"": rate})
    for unit, seconds in SLOW_SEGMENTERS.items():
        if "tokenize" in rates:
            mono = rates["tokenize"].get("mono", rates["tokenize"][""])
            rates["tokenize"][unit] = Rate(mono.output_per_input, seconds, mono.memory_bytes)
    values = {
        "made_by": "bench/cost_rates.py",
        "machine": f"{len(os.sched_getaffinity(0))} cores, {platform.machine()}",
        "download_bytes_per_second": DOWNLOAD_BYTES_PER_SECOND,
        "bytes_per_word_type": BYTES_PER_WORD_TYPE,
        "word_types_per_root": WORD_TYPES_PER_ROOT,
        "scratch_per_input": SCRATCH_PER_INPUT,
        "merge_seconds_per_million_types": MERGE_SECONDS_PER_MILLION_TYPES,
        **word_counting(store),
        "rates": {
            stage: {
                kind: {name: value for name, value in asdict(rate).items() if name != "origin"}
                for kind, rate in by_kind.items()
            }
            for stage, by_kind in rates.items()
        },
    }
    text = json.dumps(values, indent=2) + "\n"
    print(text, end="")
    if given.write:
        write_atomically(RATES, text.encode())


if __name__ == "__main__":
    main()
