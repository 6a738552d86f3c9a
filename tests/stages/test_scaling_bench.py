"""A small run of `bench/scaling_data.py`: bytes do not depend on the number of workers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.repository import REPOSITORY
from xlm.config.data.sample import SampleConfig
from xlm.sample.files.parallel_files import write_tatoeba
from xlm.sample.files.wikipedia_files import write_wikipedia
from xlm.sample.world.articles import articles
from xlm.sample.world.translations import translations


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_one_and_two_workers_write_the_same_bytes(tmp_path: Path) -> None:
    world = SampleConfig(articles=40, parallel_sentences=60)
    write_wikipedia(tmp_path / "mirror", "en", articles(world, "en"), date="20261101")
    write_tatoeba(tmp_path / "mirror", "tr", translations(world, "tr"))
    results = tmp_path / "results.json"
    done = subprocess.run(
        [
            *(sys.executable, REPOSITORY / "bench" / "scaling_data.py"),
            *("--mirror", tmp_path / "mirror", "--sizes", "1", "--workers", "1", "2"),
            *("--megabytes", "2", "--pairs", "1500", "--lines-per-shard", "400"),
            *("--together", "--folder", tmp_path, "--results", results),
        ],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 builds of stages, 0 with other bytes" in done.stdout
    one, two = json.loads(results.read_text())["runs"]
    assert (one["workers"], two["workers"]) == (1, 2)
    assert one["digests"] == two["digests"]
    assert {"extract-wiki[en]", "split[en-tr]", "shard[en]", "vocabulary"} <= one["digests"].keys()
    assert min(one["cpu_seconds"], one["process_bytes"], one["tree_bytes"]) > 0
