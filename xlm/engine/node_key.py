"""The ingredients of a node's key, and whether an artifact with that key may be served.

Plan and run share these functions, so the plan always predicts what the run does.
"""

from collections.abc import Mapping
from typing import Any

from xlm.engine.graph import Graph
from xlm.engine.stage import Node
from xlm.store.keys import ingredients_of, tool_version
from xlm.store.manifest import Manifest


def key_ingredients(
    graph: Graph[Any], node: Node, input_digests: Mapping[str, str]
) -> dict[str, Any]:
    """Return everything that determines the bytes of a node's artifact.

    Args:
        input_digests: role to content digest of each input. A plan leaves out inputs that have
            no artifact yet; the result then explains a change but is not a complete key.

    Raises:
        ToolError: a tool of the stage is not installed.
    """
    stage = graph.stage(node)
    return ingredients_of(
        stage=stage.name,
        unit=node.unit,
        code_version=stage.version,
        config=stage.slice(graph.config, node.unit).key_fields(),
        upstream_digests=input_digests,
        tools={name: tool_version(name) for name in stage.tools},
    )


def stale_reason(graph: Graph[Any], node: Node, manifest: Manifest) -> str | None:
    """The reason to rebuild an intact artifact that has the right key, or None.

    Only stages that depend on something outside of their key declare such a check, for example
    on a file that the user names by its path.
    """
    stage = graph.stage(node)
    if stage.stale is None:
        return None
    config = stage.slice(graph.config, node.unit)
    return stage.stale(config, manifest.model_dump(mode="json"))
