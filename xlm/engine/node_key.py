"""What a node's key is made of, and whether the artifact of that key can be served.

The plan and the run both ask here, so the plan cannot promise what the run does not do.
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
    """Everything that determines the bytes of a node's artifact.

    Args:
        input_digests: role to content digest of each input. A plan leaves out inputs that have
            no artifact yet; the result then explains a change but makes no key.

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
    """Why a whole artifact with the right key must be built again, or None.

    Only stages that depend on something outside of their key, such as a file that the user names
    by its path, declare a check.
    """
    stage = graph.stage(node)
    if stage.stale is None:
        return None
    config = stage.slice(graph.config, node.unit)
    return stage.stale(config, manifest.model_dump(mode="json"))
