"""Connects to a scheduler, after the checks that Dask leaves out or does not explain.

client = connect(address, config.compute.dask)
"""

import asyncio
import ssl
from pathlib import Path
from typing import Any

from distributed import Client, Security
from distributed.comm import CommClosedError
from distributed.comm import connect as open_connection

from xlm.cluster.dask.environment import PROJECT, Environment
from xlm.config.compute import DaskConfig
from xlm.errors import ClusterError, ConfigError, UnreachableClusterError
from xlm.store.keys import tool_version


def connect(target: Any, address: str, settings: DaskConfig) -> Client:
    """Connect to a scheduler.

    Args:
        target: its address, or a cluster of Dask.
        address: its address.
        settings: time limit and certificates.

    Raises:
        ClusterError: no scheduler answers at the address.
        ConfigError: a certificate or the key cannot be loaded.
    """
    security = _security(address, settings) or getattr(target, "security", None) or Security()
    try:
        # The client waits without a limit for the first message of what accepts a connection.
        asyncio.run(_greet(address, security, settings.connect_seconds))
        return Client(
            target, timeout=settings.connect_seconds, security=security, set_as_default=False
        )
    except CommClosedError as error:
        raise UnreachableClusterError(
            f"{address} refused the connection: {' '.join(str(error).split())[:300]}",
            fix="check that it is the address of a Dask scheduler, not of its dashboard, and that "
            "both sides use TLS with the same authority, or neither",
        ) from error
    except OSError as error:
        raise UnreachableClusterError(
            f"the Dask scheduler at {address} did not answer within {settings.connect_seconds:g} s",
            fix="check that it runs at this port, which is not that of its dashboard, and that "
            "this machine reaches it, or raise compute.dask.connect_seconds",
        ) from error
    except (MemoryError, ValueError) as error:  # other bytes read as the length of a message
        raise UnreachableClusterError(
            f"what answers at {address} is not a Dask scheduler",
            fix="set compute.dask.address to the scheduler, not to its dashboard",
        ) from error


async def _greet(address: str, security: Security, seconds: float) -> None:
    arguments = security.get_connection_args("client")
    comm = await asyncio.wait_for(open_connection(address, timeout=seconds, **arguments), seconds)
    await comm.close()


def _security(address: str, settings: DaskConfig) -> Security | None:
    authority, certificate, key = settings.tls_ca, settings.tls_certificate, settings.tls_key
    if not address.startswith("tls://") or not authority or not certificate or not key:
        return None
    for name in ("tls_ca", "tls_certificate", "tls_key"):
        path = Path(getattr(settings, name))
        try:
            path.open("rb").close()
        except OSError as error:
            raise ConfigError(
                f"compute.dask.{name}: {path} cannot be read ({error.strerror or error})",
                fix="set it to a PEM file that this user can read",
            ) from error
    context, name = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), "tls_ca"
    try:
        context.load_verify_locations(authority)
        name = "tls_certificate with tls_key"
        # Without this argument, it asks for the password of an encrypted key.
        context.load_cert_chain(certificate, key, password=lambda: "")
    except (ssl.SSLError, ValueError) as error:
        raise ConfigError(
            f"compute.dask.{name} cannot be loaded: {error}",
            fix="set tls_ca, tls_certificate and tls_key to PEM files that belong together; the "
            "key has no password",
        ) from error
    return Security(
        tls_ca_file=authority,
        tls_client_cert=certificate,
        tls_client_key=key,
        require_encryption=True,
    )


def require_same_scheduler(client: Client, environment: Environment) -> None:
    """Refuse a scheduler that cannot read our messages.

    Raises:
        ClusterError: it has another version of Dask or Python, or not this project.
        ToolError: Dask is not installed here as a package.
    """
    versions = client.sync(client.scheduler.versions, packages=[PROJECT])["packages"]
    python = ".".join(versions["python"].split(".")[:2])
    ours = tool_version("distributed")
    if versions.get(PROJECT) is None:
        difference = f"{PROJECT} is not installed for it"
    elif python != environment.python:
        difference = f"it has Python {python}, and this process {environment.python}"
    elif versions["distributed"] != ours:
        difference = f"it has distributed {versions['distributed']}, and this process {ours}"
    else:
        return
    raise ClusterError(
        f"the Dask scheduler at {client.scheduler.address} cannot be used: {difference}",
        fix="start scheduler and workers from the environment of the driver",
    )
