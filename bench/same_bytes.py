"""Whether the data stages make the same bytes wherever they run.

    .venv/bin/python bench/same_bytes.py --profile mini15 --set sources.mirror=FOLDER

Builds a profile up to its shards in two empty stores: with one worker, hash seed 1 and the locale
C, and with two workers, hash seed 2 and a UTF-8 locale. Compares the digests of all artifacts;
exits with 1 if any differ.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

XLM = Path(sys.executable).with_name("xlm")
WAYS = (
    {"XLM_WORKERS": "1", "PYTHONHASHSEED": "1", "LC_ALL": "C"},
    {"XLM_WORKERS": "2", "PYTHONHASHSEED": "2", "LC_ALL": "C.UTF-8"},
)


def main() -> None:
    """Build twice, compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--profile", default="sample")
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    arguments = parser.parse_args()
    one, other = (_digests(way, arguments.profile, arguments.overrides) for way in WAYS)
    differing = sorted(name for name in one | other if one.get(name) != other.get(name))
    for name in differing:
        sys.stdout.write(f"{name}: {one.get(name)} and {other.get(name)}\n")
    sys.stdout.write(f"{len(one)} artifacts built both ways, {len(differing)} differ\n")
    sys.exit(bool(differing))


def _digests(way: dict[str, str], profile: str, overrides: list[str]) -> dict[str, str]:
    sets = [word for override in overrides for word in ("--set", override)]
    with tempfile.TemporaryDirectory() as root:
        environment = os.environ | way | {"XLM_ROOT": root}
        command = [str(XLM), "run", "--profile", profile, "--until", "shard", *sets]
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
        listing = subprocess.run(
            [str(XLM), "store", "ls", "--json"],
            check=True,
            env=environment,
            capture_output=True,
            text=True,
        )
    return {f"{row['stage']}[{row['unit']}]": row["digest"] for row in json.loads(listing.stdout)}


if __name__ == "__main__":
    main()
