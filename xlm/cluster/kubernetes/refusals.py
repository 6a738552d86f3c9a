"""The answers of an API server that refuse a request, as one-line errors with a fix.

See: https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xlm.errors import ClusterError, UnreachableClusterError

_PAGE = "docs/how-to/train-on-kubernetes.md"
_LONGEST = 400


@dataclass(frozen=True)
class Answer:
    """The status and the body of a response."""

    status: int
    text: str
    retry_after_seconds: float | None = None

    def document(self) -> dict[str, Any]:
        """The body as JSON.

        Raises:
            UnreachableClusterError: it is not JSON: a proxy or a login page answered.
        """
        try:
            document = json.loads(self.text)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise UnreachableClusterError(
                f"the answer of the Kubernetes API server is not JSON: {one_line(self.text, 80)}",
                fix="check the server of the kubeconfig: a proxy may answer in its place",
            )
        return document

    @property
    def message(self) -> str:
        """The server's reason, in one line."""
        try:
            document = json.loads(self.text)
        except ValueError:
            document = self.text
        message = document.get("message", "") if isinstance(document, Mapping) else str(document)
        return one_line(message, _LONGEST) or f"status {self.status}"

    @property
    def reason(self) -> str:
        """The server's word for the reason: "AlreadyExists"."""
        try:
            document = json.loads(self.text)
        except ValueError:
            return ""
        return str(document.get("reason", "")) if isinstance(document, Mapping) else ""

    @property
    def may_pass(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status in (408, 429) or self.status >= 500


def one_line(text: object, longest: int) -> str:
    """The text without line breaks, truncated."""
    line = " ".join(str(text).split())
    return line if len(line) <= longest else f"{line[: longest - 3]}..."


def refusal(action: str, answer: Answer, namespace: str) -> ClusterError:
    """The error for an answer. `action`: what we asked for, such as "create jobs"."""
    what = f"Kubernetes refused to {action} in namespace {namespace}: {answer.message}"
    return ClusterError(what, fix=_fix(action, answer, namespace))


def _fix(action: str, answer: Answer, namespace: str) -> str:
    message = answer.message
    if answer.status == 401:
        return "log in again; `kubectl auth whoami` shows whether the credentials are valid"
    if answer.status == 403 and "exceeded quota" in message:
        return f"wait for other jobs, or see `kubectl describe quota -n {namespace}`"
    if answer.status == 403 and "cannot" in message:
        return f"ask for the permissions in {_PAGE}: `kubectl auth can-i {action} -n {namespace}`"
    if answer.status == 404 and "namespaces" in message:
        return "create the namespace, or set launcher.kubernetes.namespace"
    if answer.status == 404:
        return f"check the version of the cluster and of JobSet ({_PAGE})"
    if answer.status in (400, 422):
        return "correct the setting of launcher.kubernetes that the message names"
    return f"the cluster's policy decides; see {_PAGE}"
