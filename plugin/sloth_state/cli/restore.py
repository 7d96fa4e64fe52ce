"""`state workflow restore`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sloth_state.cli.options import force_option, shared_options
from sloth_state.open import open_store, store_path
from sloth_state.processes import is_dead

if TYPE_CHECKING:
    from sloth_state.cli.app import App


@click.command("restore")
@click.argument("file", metavar="FILE", type=click.Path())
@force_option
@shared_options
def command(app: App, file: str, force: bool) -> None:
    """Put a backup in the place of the store.

    The backup is checked first like `verify` does, and stays as it is. What was in its place is
    kept beside it. The store may be damaged or missing; while somebody works with it, that is
    while a lock is held, it stays.
    """
    from sloth_state.sqlite.copies import Replacement
    from sloth_state.sqlite.files import kept_name

    path = store_path(app.state)
    keep_as = kept_name(path, "replaced")
    with Replacement(file, path) as replacement:
        if not force:
            app.confirm(
                f"Restore {path}?",
                about=f"This puts {file} in the place of {path}, which is kept as {keep_as}.",
                doing=f"restoring {path}",
            )
        kept = replacement.put_in_place(keep_as, is_dead)
    with open_store(path, create=False) as store:
        store.audit(app.actor, "restore", None, f"from {file}")
    app.emit_object(
        {"file": file, "path": path, "kept": kept},
        lambda: [
            f"Restored {path} from {file}",
            *([f"What was there is kept as {kept}"] if kept else []),
        ],
    )
