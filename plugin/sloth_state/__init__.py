"""Keeps the state of workflows: runs, versions, resources, outputs, locks.

Knows nothing of Lua and of the runner. `open_store` opens a store, and `Store` says what one does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_state.lazy_names import importer

if TYPE_CHECKING:
    from sloth_state.errors import AmbiguousReference as AmbiguousReference
    from sloth_state.errors import Interrupted as Interrupted
    from sloth_state.errors import InvalidValue as InvalidValue
    from sloth_state.errors import LockError as LockError
    from sloth_state.errors import LockHeld as LockHeld
    from sloth_state.errors import LockLost as LockLost
    from sloth_state.errors import NotFound as NotFound
    from sloth_state.errors import OutputNotFound as OutputNotFound
    from sloth_state.errors import ReferenceNotFound as ReferenceNotFound
    from sloth_state.errors import ResourceNotFound as ResourceNotFound
    from sloth_state.errors import SlothError as SlothError
    from sloth_state.errors import StoreBusy as StoreBusy
    from sloth_state.errors import StoreDamaged as StoreDamaged
    from sloth_state.errors import StoreError as StoreError
    from sloth_state.errors import StoreForeign as StoreForeign
    from sloth_state.errors import StoreFull as StoreFull
    from sloth_state.errors import StoreMissing as StoreMissing
    from sloth_state.errors import StoreNewer as StoreNewer
    from sloth_state.errors import StoreReadOnly as StoreReadOnly
    from sloth_state.errors import StoreUnreadable as StoreUnreadable
    from sloth_state.errors import UsageError as UsageError
    from sloth_state.model import Action as Action
    from sloth_state.model import AuditEntry as AuditEntry
    from sloth_state.model import Changes as Changes
    from sloth_state.model import Holder as Holder
    from sloth_state.model import Json as Json
    from sloth_state.model import KeyValueStats as KeyValueStats
    from sloth_state.model import Lock as Lock
    from sloth_state.model import LockScope as LockScope
    from sloth_state.model import NewRun as NewRun
    from sloth_state.model import Output as Output
    from sloth_state.model import Problem as Problem
    from sloth_state.model import Resource as Resource
    from sloth_state.model import ResourceDraft as ResourceDraft
    from sloth_state.model import Run as Run
    from sloth_state.model import RunStatus as RunStatus
    from sloth_state.model import TaskRecord as TaskRecord
    from sloth_state.model import TaskStatus as TaskStatus
    from sloth_state.model import Version as Version
    from sloth_state.open import open_store as open_store
    from sloth_state.store import Store as Store

_HOMES = {
    "Action": "model",
    "AmbiguousReference": "errors",
    "AuditEntry": "model",
    "Changes": "model",
    "Holder": "model",
    "Interrupted": "errors",
    "InvalidValue": "errors",
    "Json": "model",
    "KeyValueStats": "model",
    "Lock": "model",
    "LockError": "errors",
    "LockHeld": "errors",
    "LockLost": "errors",
    "LockScope": "model",
    "NewRun": "model",
    "NotFound": "errors",
    "Output": "model",
    "OutputNotFound": "errors",
    "Problem": "model",
    "ReferenceNotFound": "errors",
    "Resource": "model",
    "ResourceDraft": "model",
    "ResourceNotFound": "errors",
    "Run": "model",
    "RunStatus": "model",
    "SlothError": "errors",
    "Store": "store",
    "StoreBusy": "errors",
    "StoreDamaged": "errors",
    "StoreError": "errors",
    "StoreForeign": "errors",
    "StoreFull": "errors",
    "StoreMissing": "errors",
    "StoreNewer": "errors",
    "StoreReadOnly": "errors",
    "StoreUnreadable": "errors",
    "TaskRecord": "model",
    "TaskStatus": "model",
    "UsageError": "errors",
    "Version": "model",
    "open_store": "open",
}

__all__ = [  # noqa: PLE0604 - the names are strings
    *_HOMES
]

__getattr__ = importer(__name__, _HOMES)
