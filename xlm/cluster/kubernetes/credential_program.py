"""Runs the credential program of a kubeconfig (`exec`) under the guard and with a time limit.

    status = run_credential_program(user["exec"], folder=folder, cluster=cluster, seconds=60)
    status.token

kubectl and the package `kubernetes` wait for it without a limit: a login that nobody completes, or
a server that does not answer, would stop a run for days. Its output is a secret, and in no message.

See: https://kubernetes.io/docs/reference/config-api/client-authentication.v1/
"""

import json
import os
import re
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from contextvars import Context
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from xlm.cluster.kubernetes.refusals import one_line
from xlm.errors import ConfigError
from xlm.processes.child import CANNOT_START, GuardedChild
from xlm.processes.supervise import wait_for

_INPUT, _ERRORS = 0, 2
_SHOWN_CHARACTERS = 200
_MOST_BYTES = 1 << 20
_TOKEN, _PEM = re.compile(r"[!-~]+"), re.compile(r"[ -~\s]+")
_BY_HAND = "`kubectl auth whoami` runs it too, and shows what it says"


@dataclass(frozen=True)
class Credentials:
    """What the program printed: a token, a certificate with its key, or both."""

    token: str | None
    certificate: str | None
    key: str | None
    expires: datetime | None


def run_credential_program(
    settings: Mapping[str, Any], *, folder: str, cluster: Mapping[str, Any], seconds: float
) -> Credentials:
    """Run the program that `users[].user.exec` names.

    Args:
        folder: of the kubeconfig; a path of the program is relative to it.
        cluster: what the kubeconfig says about the cluster.

    Raises:
        ConfigError: it cannot start, ran too long, failed, or printed no credentials.
    """
    command, version = settings.get("command"), settings.get("apiVersion")
    if not command or not version:
        raise ConfigError(
            "the kubeconfig names no credential program: exec has no command or no apiVersion",
            fix="write the kubeconfig again, as the documentation of your cluster says",
        )
    name = f"the credential program {one_line(command, _SHOWN_CHARACTERS)} of the kubeconfig"
    program = str(Path(folder, command)) if os.sep in command else command
    arguments = [program, *(str(one) for one in settings.get("args") or ())]
    interactive = os.isatty(_INPUT) and settings.get("interactiveMode") != "Never"
    variables = {str(one["name"]): str(one["value"]) for one in settings.get("env") or ()}
    variables["KUBERNETES_EXEC_INFO"] = _question(settings, version, cluster, interactive)
    # A new context has no group of programs, which an interrupted run ends: its job is still to be
    # cancelled.
    status, output, errors = Context().run(_run, arguments, variables, interactive, name, seconds)
    if status == CANNOT_START:
        raise ConfigError(
            f"{name} cannot start: {errors}", fix="install it, or correct the kubeconfig"
        )
    if status:
        raise ConfigError(f"{name} failed with status {status}: {errors}", fix=_BY_HAND)
    return _credentials(output, name, version)


def _question(
    settings: Mapping[str, Any], version: str, cluster: Mapping[str, Any], interactive: bool
) -> str:
    spec: dict[str, Any] = {"interactive": interactive}
    if settings.get("provideClusterInfo"):
        spec["cluster"] = dict(cluster)
        for extension in cluster.get("extensions") or ():
            if extension["name"] == "client.authentication.k8s.io/exec":
                spec["cluster"]["config"] = extension["extension"]
    return json.dumps({"apiVersion": version, "kind": "ExecCredential", "spec": spec})


def _run(
    arguments: list[str],
    variables: Mapping[str, str],
    interactive: bool,
    name: str,
    seconds: float,
) -> tuple[int, str, str]:
    """Status, output and errors; a program that asks the user has the terminal."""
    with ExitStack() as stack:
        output = stack.enter_context(TemporaryFile())
        errors = stack.enter_context(TemporaryFile())
        source = None
        if interactive:
            # Not 0 itself: that is the socket of the guard in its process.
            source = os.dup(_INPUT)
            stack.callback(os.close, source)
            sys.stderr.flush()
        with GuardedChild(
            arguments,
            output=output.fileno(),
            errors=_ERRORS if interactive else errors.fileno(),
            source=source,
            environment=variables,
            terminate_seconds=2,
            keep_locks=False,
        ) as child:
            if not wait_for([child], timeout_seconds=seconds):
                raise ConfigError(
                    f"{name} did not end within {seconds:g} s",
                    fix=f"{_BY_HAND}; log in there, or raise "
                    "launcher.kubernetes.credentials_seconds",
                )
            status = child.result().returncode
        return status, _text(output), one_line(_text(errors), _SHOWN_CHARACTERS) or "no reason"


def _text(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read(_MOST_BYTES).decode(errors="replace")


def _credentials(output: str, name: str, version: str) -> Credentials:
    try:
        document = json.loads(output)
        status, printed = document["status"], document["apiVersion"]
        token, certificate, key, time = (
            status.get(field)
            for field in (
                "token", "clientCertificateData", "clientKeyData", "expirationTimestamp",
            )
        )  # fmt: skip
    except (ValueError, LookupError, TypeError, AttributeError):
        raise ConfigError(f"{name} printed no ExecCredential", fix=_BY_HAND) from None
    if printed != version:
        raise ConfigError(
            f"{name} answered in another version of its API than exec.apiVersion, {version}",
            fix="write the kubeconfig again, as the documentation of your cluster says",
        )
    if not token and not (certificate and key):
        raise ConfigError(
            f"{name} printed neither a token nor a certificate with its key", fix=_BY_HAND
        )
    try:
        return Credentials(
            token=_required(_TOKEN, token) if token else None,
            certificate=_required(_PEM, certificate) if certificate else None,
            key=_required(_PEM, key) if key else None,
            expires=_time(time) if time else None,
        )
    except (ValueError, TypeError):
        raise ConfigError(
            f"{name} printed an invalid token, certificate or time", fix=_BY_HAND
        ) from None


def _required(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text.strip()):
        raise ValueError
    return text.strip()


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
