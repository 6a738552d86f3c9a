"""The remote store as the second level of a run: what it cannot do is a warning, never a failure.

level = RemoteLevel(remote, store, warn)
level.open()
found = level.find("tokenize", key)          # None: build it
artifact = level.pull(found)                 # None: build it
level.push("tokenize", key)                  # None: the next run makes up for it
"""

from collections.abc import Callable
from typing import TypeVar

from xlm.errors import DamagedRemoteError, RemoteStoreError, StoreError, UnreachableRemoteError
from xlm.store.artifact import Artifact
from xlm.store.remote.availability import Availability
from xlm.store.remote.client import Check
from xlm.store.remote.layout import RemoteManifest
from xlm.store.remote.pending import PendingPushes
from xlm.store.remote.pulling import pull_artifact
from xlm.store.remote.pushing import Pushed, push_artifact
from xlm.store.remote.remote_store import OnBytes, RemoteStore, no_check
from xlm.store.store import ArtifactStore

ResultT = TypeVar("ResultT")
Warn = Callable[[str], None]


class RemoteLevel:
    """Looks up, pulls and pushes artifacts for one run. Methods are called from many threads."""

    def __init__(self, remote: RemoteStore, store: ArtifactStore, warn: Warn) -> None:
        self._remote, self._store, self._warn = remote, store, warn
        self._available = Availability(warn)
        self._is_writable: bool | None = None
        self._outdated: set[tuple[str, str]] = set()
        self.pending = PendingPushes(store.root)
        self.url = remote.url

    def open(self, check: Check = no_check) -> None:
        """Test the store before it is used.

        Raises:
            RemoteStoreError: it cannot be used: a bucket that does not exist, refused credentials,
                a server that ignores conditional writes. If it does not answer, the run goes on.
        """
        self._try(lambda: self._require_conditions(check), must_be_usable=True)

    def find(self, stage: str, key: str, check: Check = no_check) -> RemoteManifest | None:
        """The manifest of a key in the remote store; None if it cannot be used now."""
        if (stage, key) in self._outdated:
            return None
        try:
            return self._try(lambda: self._remote.find(stage, key, check))
        except DamagedRemoteError as error:
            self._warn_of_damage(stage, key, error)
            return None

    def pull(
        self,
        found: RemoteManifest,
        on_bytes: OnBytes = lambda count: None,
        check: Check = no_check,
    ) -> Artifact | None:
        """Copy an artifact into the local store; None if that failed. The caller holds the lock.

        Raises:
            StoreError: the local disk has too little free space.
        """
        stage, key = found.manifest.stage, found.manifest.key
        try:
            artifact = self._try(
                lambda: pull_artifact(
                    self._remote, self._store, found, on_bytes=on_bytes, check=check
                )
            )
        except DamagedRemoteError as error:
            self._warn_of_damage(stage, key, error)
            return None
        # Its bytes are right, but they may come from an input that was damaged.
        if artifact is not None and (reason := self._store.damage(stage, key)) is not None:
            self._outdated.add((stage, key))
            self._warn(f"{stage} {key} of the remote store is not used: {reason}")
            return None
        return artifact

    def outdated(self, stage: str, key: str) -> None:
        """The remote artifact must not be used; a push of the same bytes takes its place."""
        self._outdated.add((stage, key))

    def expect_push(self, stage: str, key: str) -> None:
        """Record that an artifact has to be pushed, so that a later run makes up for it."""
        self.pending.expect(stage, key)

    def push(
        self,
        stage: str,
        key: str,
        on_bytes: OnBytes = lambda count: None,
        check: Check = no_check,
    ) -> Pushed | None:
        """Push an artifact; None if that failed. The caller holds the lock of the key."""

        def push() -> Pushed | None:
            if not self._require_conditions(check):
                self.pending.remove(stage, key)
                return None
            return push_artifact(
                self._remote,
                self._store,
                stage,
                key,
                replace="same bytes" if (stage, key) in self._outdated else "nothing",
                on_bytes=on_bytes,
                check=check,
            )

        try:
            return self._try(push)
        except StoreError as error:
            self._warn(str(error))
            return None

    def _require_conditions(self, check: Check) -> bool:
        if self._is_writable is None:
            self._is_writable = self._remote.require_conditions(check)
            if not self._is_writable:
                self._warn(
                    f"the remote store {self.url} can be read but not written: this run pushes "
                    "nothing"
                )
        return self._is_writable

    def _warn_of_damage(self, stage: str, key: str, error: DamagedRemoteError) -> None:
        self._outdated.add((stage, key))
        self._warn(f"{error.what}; it is built here")

    def _try(
        self, request: Callable[[], ResultT], *, must_be_usable: bool = False
    ) -> ResultT | None:
        """Make a request; None if the store fails as a whole, which is warned of once."""
        if not self._available:
            return None
        try:
            result = request()
        except DamagedRemoteError:
            raise
        except UnreachableRemoteError as error:
            self._available.failed(error)
        except RemoteStoreError as error:
            if must_be_usable:
                raise
            self._available.failed(error)
        else:
            self._available.worked()
            return result
        return None
