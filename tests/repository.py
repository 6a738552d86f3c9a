"""Where the repository is, for tests that start programs or read files of it."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
