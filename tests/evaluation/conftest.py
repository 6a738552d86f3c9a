"""A small random model of 15 languages."""

from tests.inference.fixtures import model, release

__all__ = ["model", "release"]
