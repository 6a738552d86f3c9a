"""`xlm init`: print a profile for languages or files, checked by the reader of profiles."""

import shlex
import sys

from xlm.authoring.budget import parse_size
from xlm.authoring.profile import Wishes, write_profile
from xlm.authoring.scale import Device
from xlm.cli.output import show
from xlm.config.environment import MachineSettings
from xlm.config.pipeline import PipelineConfig
from xlm.config.reading.resolve import resolve_text
from xlm.errors import ConfigError
from xlm.stages.data.own_parts import require_own_pairs, require_own_text
from xlm.store.store import ArtifactStore

_DEVICES: tuple[Device, ...] = ("cpu", "cuda")


def print_profile(
    languages: str | None,
    texts: list[str],
    pairs: list[str],
    budget: str,
    device: str,
    root: str | None,
) -> None:
    """Print the profile; nothing is printed if it would not be valid.

    Raises:
        ConfigError: a language, an option or a file is not usable.
        DataError: a file is damaged or empty, or is not UTF-8.
    """
    chosen = next((one for one in _DEVICES if one == device), None)
    if chosen is None:
        raise ConfigError(f"invalid --device {device[:40]!r}", fix="choose cpu or cuda")
    codes = tuple(filter(None, map(str.strip, (languages or "").split(","))))
    wishes = Wishes(
        command=shlex.join(["xlm", *sys.argv[1:]]),
        languages=codes,
        texts=tuple(texts),
        pairs=tuple(pairs),
        budget_bytes=parse_size(budget),
        device=chosen,
    )
    store = ArtifactStore.open(MachineSettings.from_environment(root).root, write=False)
    with store.tool_cache() as cache:
        text = write_profile(wishes, cache)
    check_profile(text)
    show(text.rstrip())


def check_profile(text: str) -> PipelineConfig:
    """Read a profile as a run does, and the start of its local files.

    Raises:
        ConfigError: it is not valid.
        DataError: a local file is not usable.
    """
    config = resolve_text(text, "xlm init")
    require_own_text(config)
    require_own_pairs(config)
    return config
