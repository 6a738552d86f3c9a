"""Where third-party tools keep their caches: below the store's root, never in the home."""

from pathlib import Path


def tool_environment(directory: Path) -> dict[str, str]:
    """Environment variables that keep pythainlp and matplotlib below `directory`."""
    return {
        "PYTHAINLP_DATA": str(directory / "pythainlp"),
        "MPLCONFIGDIR": str(directory / "matplotlib"),
    }
