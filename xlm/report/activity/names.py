"""Names of builds: `tokenize[sw]`, as a user writes them."""

from xlm.engine.stage import Node
from xlm.store.stored import looks_like_key
from xlm.store.underway import Build


def node_of(build: Build) -> Node:
    """The node of a build; with the start of its key if the build did not note its unit."""
    return Node(build.stage, build.unit or build.key[:12])


def is_named(text: str, node: Node, key: str) -> bool:
    """Whether `STAGE`, `STAGE[UNIT]`, `STAGE/KEY` or the start of a key names a build."""
    if text in (node.stage, str(node)):
        return True
    stage, _, start = text.rpartition("/")
    return looks_like_key(text) and key.startswith(start) and stage in ("", node.stage)
