"""What `xlm worker` checks on a shared server before it takes runs."""

from typing import Any

from flows.server.prefect_api import given_api_url, is_cloud, require_server
from flows.ui.deploy import job_template
from flows.worker.process import WORK_POOL
from xlm.errors import ToolError
from xlm.stages.registry import STAGES

FLOW = "xlm"
_DEPLOY = "run `xlm deploy` in the project's folder"


def require_shared_server() -> str:
    """Check that PREFECT_API_URL is set and names a server that accepts us; returns it.

    Raises:
        ToolError: it is not set, or the server does not answer or refuses our key.
    """
    url = given_api_url()
    if not url:
        raise ToolError(
            "PREFECT_API_URL is not set, so the worker has no server",
            fix="set it to the server's URL, such as http://HOST:4200/api",
        )
    require_server(url, optional=False)
    return url


def require_deployed(url: str) -> list[str]:
    """Check the version of the server, the work pool and the deployments; returns warnings.

    Raises:
        ToolError: the server is too old, or lacks the pool or a deployment of this version.
    """
    from httpx import HTTPError
    from prefect.client.orchestration import get_client

    try:
        with get_client(sync_client=True) as client:
            warnings = [] if is_cloud(url) else version_warnings(client.api_version())
            return warnings + _pool_warnings(client) + _require_deployments(client)
    except HTTPError as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise ToolError(f"the Prefect server failed: {reason}", fix="see its log") from error


def version_warnings(server: str) -> list[str]:
    """Compare the server's version with the installed one.

    Raises:
        ToolError: the server is older, or has another major version.
    """
    from packaging.version import InvalidVersion, Version
    from prefect import __version__ as ours

    try:
        theirs = Version(server)
    except InvalidVersion:
        raise ToolError(
            f"the server has the version {server!r}, which is not one of Prefect",
            fix="correct PREFECT_API_URL",
        ) from None
    own = Version(ours)
    if theirs.major != own.major or theirs < own:
        raise ToolError(
            f"the server runs Prefect {server}, and this worker has {ours}",
            fix="a server must have the same major version and not be older: update the older one",
        )
    if theirs.minor != own.minor:
        return [f"the server runs Prefect {server}, which was not tried with {ours}"]
    return []


def _pool_warnings(client: Any) -> list[str]:
    from prefect.exceptions import ObjectNotFound

    try:
        pool = client.read_work_pool(WORK_POOL)
    except ObjectNotFound:
        raise ToolError(f"the server has no work pool {WORK_POOL!r}", fix=_DEPLOY) from None
    if pool.type != "process":
        raise ToolError(
            f"the work pool {WORK_POOL!r} has the type {pool.type!r}, not 'process'",
            fix=f"delete it with `prefect work-pool delete {WORK_POOL}`, then {_DEPLOY}",
        )
    if pool.base_job_template != job_template():
        raise ToolError(
            f"the work pool {WORK_POOL!r} was registered by another version of xlm", fix=_DEPLOY
        )
    if pool.is_paused:
        return [f"the work pool is paused; `prefect work-pool resume {WORK_POOL}` starts it"]
    return []


def _require_deployments(client: Any) -> list[str]:
    from prefect.exceptions import ObjectNotFound

    for name in ("full-pipeline", *(stage.name for stage in STAGES)):
        try:
            client.read_deployment_by_name(f"{FLOW}/{name}")
        except ObjectNotFound:
            raise ToolError(f"the server has no deployment {FLOW}/{name}", fix=_DEPLOY) from None
    return []
