"""Which version a rollback goes to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_state.errors import NotFound
from sloth_state.model import RunStatus

if TYPE_CHECKING:
    from sloth_state.model import Version
    from sloth_state.store import Store


def last_good_version(store: Store, newest: Version) -> Version:
    """The last version before this one that succeeded or was itself rolled back to.

    Before a finished rollback: before the version it went back to. For one that failed half-way it
    is where that was going. Raises NotFound if there is none.
    """
    good = (RunStatus.SUCCESS, RunStatus.ROLLED_BACK)
    went_to = rollback_target(store, newest)
    if went_to is not None and newest.status is RunStatus.FAILED:
        return store.version(newest.workflow, went_to)
    before = went_to or newest.version
    for version in store.versions(newest.workflow):
        if version.version < before and version.status in good:
            return version
    restored = f", which version {newest.version} restored" if went_to is not None else ""
    raise NotFound(
        f"{newest.workflow} has no successful version before version {before}{restored}",
        hint=f"Name one of: sloth-runner state workflow versions {newest.workflow}",
    )


def rollback_target(store: Store, version: Version) -> int | None:
    """The version that a rollback went to; None for all that is no rollback.

    What recovered a killed rollback counts as that rollback.
    """
    metadata = store.run(version.run_id).metadata
    if "recovered" in metadata and version.parent is not None:
        parent = store.version(version.workflow, version.parent)
        return rollback_target(store, parent) if parent.status is RunStatus.FAILED else None
    text = metadata.get("rollback_to", "")
    return int(text) if text.isdigit() else None
