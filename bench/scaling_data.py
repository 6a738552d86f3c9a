"""How the data stages grow with their input: CPU and wall time, memory and disk of each stage.

    .venv/bin/python bench/scaling_data.py --mirror FOLDER [--sizes 1 4 16] [--workers 1 2]

Enlarges the English dump and the English-Turkish pairs of a mirror (`enlarged_mirror.py`) to
`--megabytes` of XML and `--pairs` pairs, times each size. Then builds every stage from extraction
to shards in a new process, with each number of workers. Exits with 1 if the bytes of an artifact
depend on the number of workers. `--results FILE` writes the measurements; `--write` writes them to
bench/results/scaling_data.json, and the tables in docs/reference/performance/growth.md.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from enlarged_mirror import profile_text, write_enlarged_mirror
from pages import fill
from process_tree import watch
from scaling_tables import growth_table, memory_table, paper_table, workers_table

from xlm.engine.building.machine import machine_record

REPOSITORY = Path(__file__).resolve().parent.parent
RESULTS = REPOSITORY / "bench" / "results" / "scaling_data.json"
STAGES = (
    "extract-wiki", "extract-parallel", "split", "tokenize", "learn-bpe", "apply-bpe", "vocabulary",
    "shard",
)  # fmt: skip
DETERMINISTIC = "learn-bpe, deterministic"


def main() -> None:
    """Measure all sizes, print and compare, write if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--mirror", type=Path, required=True)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--megabytes", type=float, default=20, help="of XML at size 1")
    parser.add_argument("--pairs", type=int, default=100_000, help="at size 1")
    parser.add_argument("--lines-per-shard", type=int, default=100_000)
    parser.add_argument("--together", action="store_true",
                        help="build all stages in one process: compares bytes only")  # fmt: skip
    parser.add_argument("--folder", type=Path, help="where to work; default: a temporary folder")
    parser.add_argument("--results", type=Path, help="file for the measurements")
    parser.add_argument("--write", action="store_true", help="write the results and the page")
    given = parser.parse_args()
    record: dict[str, Any] = {
        "machine": {k: machine_record()[k] for k in ("system", "python", "cores")},
        "megabytes": given.megabytes,
        "pairs": given.pairs,
        "runs": [],
    }
    for size in given.sizes:
        with tempfile.TemporaryDirectory(dir=given.folder) as temporary:
            folder = Path(temporary)
            write_enlarged_mirror(
                given.mirror,
                folder / "mirror",
                megabytes=size * given.megabytes,
                pairs=size * given.pairs,
            )
            for workers in given.workers:
                (folder / "profile.yaml").write_text(profile_text(given.lines_per_shard))
                build = _build_together if given.together else _build
                for run in build(folder, workers):
                    record["runs"].append({"size": size, "workers": workers, **run})
    for path in [*filter(None, [given.results]), *([RESULTS] if given.write else [])]:
        path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    if given.write:
        _fill(record)
    differing = _differing(record["runs"])
    for line in differing:
        print(line)
    print(f"{len(record['runs'])} builds of stages, {len(differing)} with other bytes")
    sys.exit(bool(differing))


def _build_together(folder: Path, workers: int) -> list[dict[str, Any]]:
    """Build all stages in an empty store and one process; returns what they took."""
    stages = ",".join(["download", *STAGES])
    return [_measure(folder / f"workers-{workers}", workers, stages, _options(folder))]


def _options(folder: Path) -> list[str]:
    """The profile, and the mirror of this size."""
    return [str(folder / "profile.yaml"), f"sources.mirror={folder / 'mirror'}"]


def _build(folder: Path, workers: int) -> list[dict[str, Any]]:
    """Build every stage in an empty store, each in a new process; returns what each took."""
    root, options = folder / f"workers-{workers}", _options(folder)
    _measure(root, workers, "download", options)
    found = []
    for stage in STAGES:
        found.append(_measure(root, workers, stage, options))
        if stage == "learn-bpe":
            other = _measure(root, workers, stage, [*options, "bpe.learner=deterministic"])
            found.append({**other, "stage": DETERMINISTIC})
    return found


def _measure(root: Path, workers: int, stage: str, options: list[str]) -> dict[str, Any]:
    program = REPOSITORY / "bench" / "scaling_stage.py"
    artifacts = root / "artifacts" / stage
    before = _size(artifacts)
    process = subprocess.Popen(
        [sys.executable, str(program), str(root), str(workers), stage, *options],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    peaks = watch(process, [root / "staging", artifacts])
    output = process.communicate()[0]
    if process.returncode:
        sys.exit(f"stage {stage} failed")
    result: dict[str, Any] = json.loads(output.splitlines()[-1])
    result["process_bytes"] = max(peaks.process_bytes, result.pop("worker_bytes"))
    result["tree_bytes"] = peaks.tree_bytes
    result["transient_bytes"] = max(0, peaks.disk_bytes - before - result["artifact_bytes"])
    shown = {name: value for name, value in result.items() if name != "digests"}
    print(root.name, stage, shown, flush=True)
    return {"stage": stage, **result}


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _differing(runs: list[dict[str, Any]]) -> list[str]:
    """A line for each artifact whose bytes depend on the number of workers."""
    found: dict[tuple[int, str, str], set[str]] = {}
    for run in runs:
        for node, digest in run["digests"].items():
            found.setdefault((run["size"], run["stage"], node), set()).add(digest)
    return [
        f"size {size}, {stage}: {node} has {len(digests)} different digests"
        for (size, stage, node), digests in found.items()
        if len(digests) > 1
    ]


def _fill(record: dict[str, Any]) -> None:
    fill("reference/performance/growth.md", "growth", growth_table(record))
    fill("reference/performance/growth.md", "growth-memory", memory_table(record))
    fill("reference/performance/growth.md", "growth-workers", workers_table(record))
    fill("reference/performance/growth.md", "growth-paper", paper_table(record))


if __name__ == "__main__":
    main()
