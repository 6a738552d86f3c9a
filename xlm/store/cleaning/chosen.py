"""Removes the artifacts that a user names, unless something needs them."""

from collections.abc import Callable, Sequence

from xlm.errors import StoreError
from xlm.store.cleaning.removal import delete_removed, is_in_use, set_key_aside
from xlm.store.leases import live_keys, removing
from xlm.store.store import ArtifactStore
from xlm.store.stored import Catalogue, Stored, find_artifact, stored_artifacts

_SHOWN = 5


def remove_artifacts(
    store: ArtifactStore,
    names: Sequence[str],
    *,
    force: bool = False,
    users_of: Callable[[Stored], Sequence[str]] = lambda stored: (),
) -> list[Stored]:
    """Remove artifacts, or none of them if one is needed; returns their directories.

    Args:
        names: keys, starts of keys, or `STAGE/KEY`.
        force: remove an artifact although others were built from it. They stay valid; a run that
            needs the removed one builds it again.
        users_of: names of further users of an artifact, such as runs with a name.

    Raises:
        StoreError: there is no such artifact, a run uses it, or (without `force`) others need it.
    """
    with removing(store.root):
        catalogue = Catalogue(stored_artifacts(store))
        live = live_keys(store.root)
        keys = {
            (found.stage, found.key): found
            for found in (find_artifact(store, name) for name in names)
        }
        for one in keys.values():
            if is_in_use(store, one.stage, one.key, live):
                raise StoreError(
                    f"{one.name} {one.key} is in use by a run", fix="wait until the run has ended"
                )
        for one in keys.values() if not force else ():
            _require_unused(one, catalogue, set(keys), users_of(one))
        removed = [one for one in catalogue.artifacts if (one.stage, one.key) in keys]
        for key in keys:
            set_key_aside(store, [one for one in removed if (one.stage, one.key) == key])
    delete_removed(store.root)
    return removed


def _require_unused(
    stored: Stored, catalogue: Catalogue, chosen: set[tuple[str, str]], others: Sequence[str]
) -> None:
    users = [
        f"{one.name} {one.key[:12]}"
        for one in catalogue.dependents(stored)
        if (one.stage, one.key) not in chosen
    ]
    users += others
    if users:
        more = f" and {len(users) - _SHOWN} more" if len(users) > _SHOWN else ""
        raise StoreError(
            f"{stored.name} {stored.key} is needed by {', '.join(users[:_SHOWN])}{more}",
            fix="remove these too, or use --force: a run that needs it builds it again",
        )
