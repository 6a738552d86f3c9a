"""Requests outside of a namespace: the version, permissions, and objects of the whole cluster."""

import re
from collections.abc import Collection, Sequence

from tests.cluster.kubernetes.fake_api.objects import Document, Objects
from tests.cluster.kubernetes.fake_api.permissions import Ask, allows

VERSION = "v1.34.1"
_NAMED = re.compile(
    r"/apis?/(?:[^/]+/)?v\w+/(?P<plural>namespaces|priorityclasses)/(?P<name>[^/]+)"
)
_GROUPS = {"/apis/kueue.x-k8s.io": "localqueues"}


def answer_cluster_scope(
    rules: Sequence[Document] | None,
    objects: Objects,
    namespaces: Collection[str],
    path: str,
    body: Document,
) -> tuple[int, Document] | None:
    """Status and body; None: another request. A Role allows nothing of the cluster."""
    if path == "/version":
        return 200, {"gitVersion": VERSION}
    if path.endswith("/selfsubjectaccessreviews"):
        wanted = body["spec"]["resourceAttributes"]
        resource = "/".join(filter(None, (wanted["resource"], wanted.get("subresource"))))
        ask = Ask(wanted["verb"], wanted["group"], resource)
        return 201, {"status": {"allowed": rules is None or allows(rules, ask)}}
    if path in _GROUPS:
        known = any(key[0] == _GROUPS[path] for key in objects.everything())
        group = {"preferredVersion": {"groupVersion": "kueue.x-k8s.io/v1beta2"}}
        return (200, group) if known else (404, {"message": "not found"})
    if (named := _NAMED.fullmatch(path)) is None:
        return None
    plural, name = named["plural"], named["name"]
    if rules is not None:
        return 403, {"message": f'{plural} "{name}" is forbidden: User "me" cannot get resource'}
    if plural == "namespaces" and name in namespaces:
        return 200, {"metadata": {"name": name}, "status": {"phase": "Active"}}
    one = objects.get(plural, "", name)
    return (200, one) if one else (404, {"message": f'{plural} "{name}" not found'})
