"""The objects of the fake API server: versions, a log of changes, and deletion by owner."""

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

Document = dict[str, Any]
Key = tuple[str, str, str]
"""Plural, namespace, name."""
_FOREGROUND = "foregroundDeletion"


class AlreadyExistsError(Exception):
    """The name is taken."""


class Objects:
    """All objects; every method may be called by any thread."""

    def __init__(self) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.version = 100
        self.oldest = 0
        """Watches from an older version are answered with 410."""
        self.log: list[tuple[int, str, str, Document]] = []
        """Version, type of event, plural, object."""
        self.pods_end_slowly = False
        """A pod that is deleted stays until `end_pod`, as with a kubelet."""
        self._objects: dict[Key, Document] = {}

    def create(self, plural: str, namespace: str, body: Document) -> Document:
        """Store a new object."""
        with self.changed:
            key = (plural, namespace, body["metadata"]["name"])
            if key in self._objects:
                raise AlreadyExistsError
            stored = deepcopy(body)
            stored["metadata"] |= {
                "namespace": namespace,
                "uid": str(uuid.uuid4()),
                "creationTimestamp": now(),
            }
            self._objects[key] = stored
            self._note("ADDED", key)
            return deepcopy(stored)

    def get(self, plural: str, namespace: str, name: str) -> Document | None:
        """An object, or None."""
        with self.changed:
            return deepcopy(self._objects.get((plural, namespace, name)))

    def list(
        self, plural: str, namespace: str, accepts: Callable[[Document], bool] = lambda _: True
    ) -> "tuple[list[Document], int]":
        """Objects, and the version of the list."""
        with self.changed:
            found = [
                deepcopy(one)
                for key, one in self._objects.items()
                if key[:2] == (plural, namespace) and accepts(one)
            ]
            return found, self.version

    @contextmanager
    def edit(self, plural: str, namespace: str, name: str) -> Iterator[Document]:
        """Change an object."""
        with self.changed:
            key = (plural, namespace, name)
            yield self._objects[key]
            self._note("MODIFIED", key)
            self._collect()

    def delete(
        self,
        plural: str,
        namespace: str,
        name: str,
        propagation: str,
        *,
        grace_seconds: int | None = None,
    ) -> bool:
        """Delete an object and what it owns; False: there is none."""
        with self.changed:
            key = (plural, namespace, name)
            if key not in self._objects:
                return False
            if grace_seconds is not None:
                self._objects[key]["metadata"]["deletionGracePeriodSeconds"] = grace_seconds
            self._delete(key, propagation)
            self._collect()
            return True

    def end_pod(self, namespace: str, name: str) -> None:
        """What the kubelet does when the processes of a deleted pod have ended."""
        with self.changed:
            self._remove(("pods", namespace, name))
            self._collect()

    def forget_history(self) -> None:
        """Watches that go on from an older version get 410, as after a compaction."""
        with self.changed:
            self.version += 1
            self.oldest = self.version
            self.log.clear()
            self.changed.notify_all()

    def everything(self) -> "list[Key]":
        """The keys of all objects."""
        with self.changed:
            return sorted(self._objects)

    def _delete(self, key: Key, propagation: str) -> None:
        metadata = self._objects[key]["metadata"]
        if key[0] == "pods":
            ended = self._objects[key].get("status", {}).get("phase") in ("Succeeded", "Failed")
            if ended or not self.pods_end_slowly:
                self._remove(key)
            elif "deletionTimestamp" not in metadata:
                metadata["deletionTimestamp"] = now()
                self._note("MODIFIED", key)
        elif propagation == "Foreground":
            if "deletionTimestamp" not in metadata:
                metadata["deletionTimestamp"] = now()
                metadata["finalizers"] = [*metadata.get("finalizers", []), _FOREGROUND]
                self._note("MODIFIED", key)
        else:
            self._remove(key)

    def _collect(self) -> None:
        """The garbage collector, until nothing changes."""
        before = -1
        while before != self.version:
            before = self.version
            uids = {one["metadata"]["uid"] for one in self._objects.values()}
            for key, one in list(self._objects.items()):
                owners = one["metadata"].get("ownerReferences", [])
                if owners and not any(owner["uid"] in uids for owner in owners):
                    if key in self._objects:
                        self._delete(key, "Background")
                elif _FOREGROUND in one["metadata"].get("finalizers", []):
                    self._end_owner(key)

    def _end_owner(self, key: Key) -> None:
        uid = self._objects[key]["metadata"]["uid"]
        blocking = False
        for other, one in list(self._objects.items()):
            for owner in one["metadata"].get("ownerReferences", []):
                if owner["uid"] == uid and other in self._objects:
                    self._delete(other, "Foreground")
                    blocking |= other in self._objects and owner.get("blockOwnerDeletion", False)
        if not blocking:
            self._remove(key)

    def _remove(self, key: Key) -> None:
        removed = self._objects.pop(key, None)
        if removed is not None:
            self.version += 1
            self.log.append((self.version, "DELETED", key[0], deepcopy(removed)))
            self.changed.notify_all()

    def _note(self, kind: str, key: Key) -> None:
        self.version += 1
        self._objects[key]["metadata"]["resourceVersion"] = str(self.version)
        self.log.append((self.version, kind, key[0], deepcopy(self._objects[key])))
        self.changed.notify_all()


def now() -> str:
    """The time as the API writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
