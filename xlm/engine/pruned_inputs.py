"""Which pruned artifacts a run has to build again: those whose files a stage will read.

A pruned artifact still has its digest, so the nodes after it keep their keys. It is needed only if
a node that reads its files is built, or if the request asks for the artifact itself.
"""

from collections.abc import Collection
from typing import Any

from xlm.engine.graph import Graph
from xlm.engine.stage import Node


def needed_pruned(
    graph: Graph[Any],
    selected: Collection[Node],
    built: Collection[Node],
    pruned: Collection[Node],
) -> dict[Node, Node | None]:
    """Map each pruned node that must be built to a node that reads its files.

    Args:
        graph: the DAG.
        selected: the nodes of the request.
        built: the nodes that the run builds, or may build.
        pruned: the nodes that are pruned; `built` has none of them.

    Returns:
        A node that reads the files; None if the request ends with the pruned node.
    """
    chosen = set(selected)
    has_user = {needed for node in chosen for needed in graph.upstream[node].values()}
    reader: dict[Node, Node | None] = {
        node: None for node in pruned if node in chosen and node not in has_user
    }
    builds = chosen.intersection(built) | reader.keys()
    for node in reversed(graph.nodes):
        if node not in builds:
            continue
        for needed in read_inputs(graph, node):
            if needed in pruned and needed not in builds:
                reader[needed] = node
                builds.add(needed)
    return reader


def read_inputs(graph: Graph[Any], node: Node) -> list[Node]:
    """The inputs of which a stage reads more than the manifest."""
    only_manifest = graph.stage(node).reads_manifest_only
    return [needed for role, needed in graph.upstream[node].items() if not only_manifest(role)]
