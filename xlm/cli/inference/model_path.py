"""The model that a command line names: a path, or the key of an artifact in the store.

find_model_path("xnli15")      # Path("xnli15")
find_model_path("0a532d9b")    # data/artifacts/publish/0a532d9bef2ca7a657faaca0
"""

import re
from pathlib import Path

from xlm.config.environment import MachineSettings
from xlm.errors import ConfigError

_KEY = re.compile(r"([a-z-]+/)?[0-9a-f]{4,24}")


def find_model_path(name: str) -> Path:
    """The path; if there is none, the artifact whose key is `name` or begins with it.

    Raises:
        ConfigError: the name is empty.
        StoreError: no artifact or several artifacts have this key.
    """
    if not name.strip():
        raise ConfigError("MODEL is empty", fix="name a model; is a shell variable not set?")
    path = Path(name).expanduser()
    if _KEY.fullmatch(name) and not path.exists():
        from xlm.store.store import ArtifactStore
        from xlm.store.stored import find_artifact

        root = MachineSettings.from_environment(None).root
        return find_artifact(ArtifactStore.open(root, write=False), name).directory
    return path
