"""Requests of the checks, which change nothing.

questions = Questions(connect(settings))
questions.may("create", "batch", "jobs")
"""

from xlm.cluster.kubernetes.access import Access
from xlm.cluster.kubernetes.api import ClusterApi, Document, Kind

_SECONDS = 10.0
_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_FORBIDDEN, _MISSING = 403, 404


class Questions(ClusterApi):
    """Reads objects of any scope; raises as `ClusterApi` does."""

    def __init__(self, access: Access) -> None:
        super().__init__(access, patience_seconds=_SECONDS)

    def read(self, path: str, action: str) -> Document | None:
        """A document; None: there is none at this path."""
        answer = self._send("GET", path, action, accepted=(_MISSING,))
        return None if answer.status == _MISSING else answer.document()

    def look(self, path: str, action: str) -> tuple[Document | None, bool]:
        """A document as `read`, and whether these credentials may read it."""
        answer = self._send("GET", path, action, accepted=(_FORBIDDEN, _MISSING))
        is_found = answer.status not in (_FORBIDDEN, _MISSING)
        return answer.document() if is_found else None, answer.status != _FORBIDDEN

    def may(self, verb: str, group: str, resource: str) -> bool:
        """Whether these credentials allow an action in the namespace; `resource`: "pods/log"."""
        resource, _, subresource = resource.partition("/")
        attributes = {
            "namespace": self.namespace,
            "verb": verb,
            "group": group,
            "resource": resource,
            "subresource": subresource,
        }
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        answer = self._send("POST", _REVIEWS, "review permissions", {}, body)
        return bool((answer.document().get("status") or {}).get("allowed"))

    def pretend_to_create(self, kind: Kind, body: Document) -> None:
        """Create an object in a dry run, with admission and quota, and without storing it."""
        query = {"fieldValidation": "Strict", "dryRun": "All"}
        self._send("POST", self._path(kind), f"create {kind.plural}", query, body)
