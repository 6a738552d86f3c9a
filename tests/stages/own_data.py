"""A folder with the text of a user, a profile of it, and runs of the first stages."""

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from xlm.config.environment import MachineSettings
from xlm.engine.events import NoObserver
from xlm.engine.plan import PlannedNode
from xlm.pipeline.dag import open_request, plan_request
from xlm.pipeline.request import RunRequest
from xlm.store.store import ArtifactStore

SYLLABLES = ("ba", "de", "fu", "gi", "ko", "la", "mi", "no", "pe", "ru", "sa", "to")


def sentences(language: str, count: int) -> list[str]:
    """Made sentences, the same in every call."""
    draw = random.Random(language)
    words = ["".join(draw.choices(SYLLABLES, k=draw.randint(1, 3))) for _ in range(60)]
    return [" ".join(draw.choices(words, k=draw.randint(4, 12))) for _ in range(count)]


def write_lines(path: Path, lines: list[str]) -> Path:
    """Write a text file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def write_profile(
    folder: Path,
    languages: list[str],
    text: list[dict[str, Any]],
    parallel: list[dict[str, Any]] | None = None,
    **sections: Any,
) -> Path:
    """Write a profile without Wikipedia."""
    sources = {"wikipedia": None, "text": text, "parallel": parallel or []}
    profile = folder / "my.yaml"
    values = {"languages": languages, "sources": sources, **sections}
    profile.write_text(yaml.safe_dump(values, allow_unicode=True))
    return profile


def plan(profile: Path, root: Path, until: str) -> dict[str, PlannedNode]:
    """Plan a profile until a stage."""
    request = RunRequest(profile=str(profile), until=until)
    return {str(one.node): one for one in plan_request(request, ArtifactStore.open(str(root)))}


def build(profile: Path, root: Path, until: str) -> Mapping[str, Path]:
    """Build a profile until a stage; returns the folder of each node."""
    request = RunRequest(profile=str(profile), until=until)
    with open_request(request, MachineSettings(str(root), 1), NoObserver()) as run:
        for node in run.selected:
            run.build(node)
        return {str(node): built.artifact.directory for node, built in run.results.items()}
