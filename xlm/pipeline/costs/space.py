"""Refuses a run that the disk cannot hold, before it writes anything."""

import logging
import shutil
from collections.abc import Mapping
from pathlib import Path

from xlm.display.markdown import format_size
from xlm.engine.plan import Planner
from xlm.engine.stage import Node
from xlm.errors import StoreError
from xlm.pipeline.costs.estimate import estimate_run
from xlm.pipeline.costs.sources import EXACT_ORIGINS
from xlm.pipeline.dag import PipelineRun
from xlm.stages.data.download import DOWNLOAD
from xlm.store.stored import stored_artifacts, tree_bytes
from xlm.store.underway import builds_underway

log = logging.getLogger(__name__)

_CERTAINTY = 1.5
"""Estimates are right within about this factor; below it, a run that is short of space may do."""


def require_disk_space(run: PipelineRun) -> Mapping[Node, int]:
    """Compare what a run will write with the free space of its store; returns its downloads.

    Only what is sure to be built counts, and a lack that is within the error of the estimate is a
    warning. There is no doubt about downloads whose size a lock or a mirror's folder has, so they
    alone must fit. The output so far of builds that the run continues is on the disk already.

    Returns:
        The bytes of each download, known or assumed.

    Raises:
        StoreError: the disk is too small, and the request has no `force`.
    """
    request = run.request.model_copy(update={"verify": "fast"})
    planned = Planner(run.graph, request, run.store, remote=run.remote).planned()
    built = {
        node for node in run.selected if planned[node].status in ("build", "pending", "remote")
    }
    if not built:
        return {}
    there = {
        (one.stage, one.manifest.unit)
        for one in stored_artifacts(run.store)
        if one.manifest is not None and not one.is_pruned
    }
    # A pending node whose inputs keep their bytes stays as it is.
    counted = [
        node
        for node in run.selected
        if planned[node].status != "pending" or (node.stage, node.unit) not in there
    ]
    estimate = estimate_run(run.graph, planned, counted, run.store, run.workers)
    downloads = {Node(DOWNLOAD.name, unit): n for unit, n in estimate.download_sizes.items()}
    continued_bytes = sum(
        tree_bytes(build.staging.base)
        for build in builds_underway(run.store)
        if build.unit is not None and Node(build.stage, build.unit) in built
    )
    needed_bytes = max(0, estimate.disk_bytes - continued_bytes)
    free_bytes = free_space(run.store.root)
    if needed_bytes <= free_bytes:
        return downloads
    sure_bytes = sum(n for origin, n in estimate.size_origins.items() if origin in EXACT_ORIGINS)
    is_sure = sure_bytes - continued_bytes > free_bytes or needed_bytes > _CERTAINTY * free_bytes
    what = (
        f"the run needs about {format_size(needed_bytes)} on the disk of {run.store.root}, "
        f"which has {format_size(free_bytes)} free"
    )
    if is_sure and not run.request.force:
        raise StoreError(
            what,
            fix="free some space, use another --root, build a part with --until and then `xlm "
            "store prune`, or go on with --force (`xlm plan --costs` shows each stage)",
        )
    log.warning("%s", what)
    return downloads


def free_space(root: Path) -> int:
    """Free bytes on the disk of a folder, which need not exist yet."""
    existing = next(path for path in (root, *root.parents) if path.exists())
    return shutil.disk_usage(existing).free
