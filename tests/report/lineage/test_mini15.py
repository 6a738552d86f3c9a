"""The model of mini15 leads back to every one of its sources."""

from xlm.engine.stage import ALL, Node
from xlm.pipeline.dag import graph_of
from xlm.pipeline.request import RunRequest


def test_every_download_of_mini15_is_in_the_lineage_of_its_model() -> None:
    """A lineage follows the inputs in manifests, which are those of the graph."""
    graph = graph_of(RunRequest(profile="mini15"))
    waiting, found = [Node("publish", ALL)], set[Node]()
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += graph.upstream[node].values()
    downloads = set(graph.of_stage("download"))
    assert len(downloads) > 30
    assert downloads <= found
