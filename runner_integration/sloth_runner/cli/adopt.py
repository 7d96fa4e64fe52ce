"""`state workflow adopt`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sloth_runner.cli.options import dry_run_option, lock_timeout_option, parsed_identity
from sloth_runner.cli.surgery import newest_version, recorded_lines
from sloth_state.cli.options import reference_argument, shared_options
from sloth_state.cli.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sloth_state.cli.app import App
    from sloth_state.model import Json, ResourceDraft, Run


@click.command("adopt")
@reference_argument
@click.argument("resource", metavar="TYPE/NAME")
@click.argument("id", metavar="[ID]", required=False)
@click.option(
    "--set",
    "assignments",
    metavar="K=V",
    multiple=True,
    help="A field that a declaration of it would have: --set path=/etc/motd.",
)
@dry_run_option
@lock_timeout_option
@shared_options
def command(
    app: App,
    *,
    ref: str,
    resource: str,
    id: str | None,
    assignments: tuple[str, ...],
    dry_run: bool,
    lock_timeout: float,
) -> None:
    """Take an existing thing into the state, as it is.

    ID is how reality knows it: a path, a unit, a package. Types that cannot be found by an ID are
    described with --set. The provider that the newest version has for TYPE reads it; nothing is
    changed but the state, which gets a new version. Declare it in the workflow file too.
    """
    from sloth_runner.adopting import adopt, find_existing
    from sloth_runner.cli.options import warnings_only
    from sloth_runner.values import merged_values
    from sloth_runner.world import World

    store = app.store()
    version = newest_version(app, ref, lock_timeout)
    fields = merged_values([], assignments)
    with World(store, [warnings_only(app)]) as world:
        identity = parsed_identity(resource)
        existing = find_existing(world, store, version, identity, id, fields)
    finished = None
    if not dry_run:
        _, finished = adopt(store, version, existing, app.actor, lock_timeout=lock_timeout)
    workflow = version.workflow
    app.emit_object(
        _shape(workflow, existing.draft, finished),
        lambda: _lines(workflow, existing.draft, finished),
    )


def _shape(workflow: str, draft: ResourceDraft, finished: Run | None) -> dict[str, Json]:
    return {
        "workflow": workflow,
        "type": draft.type,
        "name": draft.name,
        "attributes": _visible(draft),
        "version": finished.version if finished else None,
    }


def _visible(draft: ResourceDraft) -> Json:
    """The attributes without what is sensitive in them."""
    from sloth_state.sensitive import declared_list, masked

    return masked(dict(draft.attributes), declared_list(draft, "sensitive"))


def _lines(workflow: str, draft: ResourceDraft, finished: Run | None) -> Iterator[str]:
    import json

    doing = "Would adopt" if finished is None else "Adopted"
    yield f"{doing} {printable(f'{draft.type}/{draft.name}')} into {printable(workflow)}"
    visible = _visible(draft)
    assert isinstance(visible, dict)
    for name in sorted(visible):
        yield f"  {printable(name)} = {printable(json.dumps(visible[name], ensure_ascii=False))}"
    if finished is not None:
        yield from recorded_lines([finished])
