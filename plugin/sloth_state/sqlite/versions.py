"""Versions of a workflow, and the files and values they were made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_state.errors import NotFound, ReferenceNotFound
from sloth_state.sqlite import files
from sloth_state.sqlite.base import StoreBase
from sloth_state.sqlite.checksums import is_content_of
from sloth_state.sqlite.run_rows import SELECT_RUNS, checked_run, find_run

if TYPE_CHECKING:
    from sloth_state.model import Version
    from sloth_state.sqlite.run_rows import RunRow


class Versions(StoreBase):
    """The part of `Store` about versions."""

    def versions(self, name: str) -> list[Version]:

        with self._db.snapshot():
            workflow_key = self._workflow_key(name)
            runs = self._db.select(
                f"{SELECT_RUNS} WHERE r.workflow_key = ? ORDER BY r.version DESC", (workflow_key,)
            )
            return [self._version(checked_run(self._db, run)) for run in runs]

    def version(self, name: str, version: int) -> Version:

        with self._db.snapshot():
            workflow_key = self._workflow_key(name)
            run = find_run(self._db, "r.workflow_key = ? AND r.version = ?", workflow_key, version)
            if run is None:
                raise no_such_version(name, version)
            return self._version(run)

    def modules(self, run_id: str) -> dict[str, bytes]:
        from sloth_state.sqlite.version_rows import module_hashes

        with self._db.snapshot():
            hashes = module_hashes(self._db, self._run_key(run_id))
            return {name: self.content(hash) for name, hash in hashes.items()}

    def content(self, hash: str) -> bytes:
        row = self._db.first("SELECT content FROM contents WHERE hash = ?", (hash,))
        if row is None:
            raise NotFound(f"no content is kept under {hash}")
        content: bytes = row[0]
        if not is_content_of(hash, content):
            raise files.damaged(self._db.path, f"is damaged: the content of {hash} has changed")
        return content

    def _version(self, run: RunRow) -> Version:
        from sloth_state.sqlite.version_rows import model_version, version_of

        return model_version(self._db, run, version_of(self._db, run))


def no_such_version(name: str, version: int) -> ReferenceNotFound:
    return ReferenceNotFound(
        f"{name}@{version}", detail=f"the workflow {name} has no version {version}"
    )
