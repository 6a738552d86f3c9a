"""Whether the agent of another node has failed, by its record in the directory of the job.

A process whose peer has ended may wait for it until the time limit of its collectives, which is
half an hour by default.
"""

from xlm.cluster.records import JobRecords


class PeerWatch:
    """Watches the records of the other nodes from the start of this agent."""

    def __init__(self, records: JobRecords, node: int, start: str) -> None:
        self._records, self._node, self._start = records, node, start
        self._earlier = records.node_versions()

    def failed(self) -> tuple[int, int] | None:
        """Number and exit code of a node whose agent has failed since then; None: there is none.

        Records of another attempt do not count, nor do nodes that have done their work.
        """
        for node, version in self._records.node_versions().items():
            if node == self._node or self._earlier.get(node) == version:
                continue
            end = self._records.node(node)
            if end is not None and end.exit_code and end.start == self._start:
                return node, end.exit_code
        return None
