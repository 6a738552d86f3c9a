"""Path of the repository, for tests that start its programs or read its files."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
