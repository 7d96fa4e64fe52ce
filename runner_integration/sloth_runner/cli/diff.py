"""`state workflow diff`, with reality as one of the sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_state.cli.diff import Comparison, Side, diff_command, side_of

if TYPE_CHECKING:
    from sloth_state.cli.app import App
    from sloth_state.model import Version
    from sloth_state.store import Store


def compare_with_reality(
    app: App, store: Store, version: Version, *, type: str | None = None
) -> Comparison:
    """What a version recorded against what its providers read now. Keeps nothing of it."""
    from sloth_runner.checking import drifted_contents
    from sloth_runner.cli.options import warnings_only
    from sloth_runner.earlier_runs import existing
    from sloth_runner.world import World
    from sloth_state.drift import find_drift

    name = version.workflow
    resources = existing(store.resources(name, version=version.version, type=type))
    with World(store, [warnings_only(app)]) as world:
        findings = find_drift(world.read(world.version(version), resources))
        contents = drifted_contents(world, version, findings)
    unread = [each for each in findings if each.error is not None]
    for finding in unread:
        identity = f"{finding.resource.type}/{finding.resource.name}"
        app.say(f"Note: {identity} is not compared: {finding.error}")
    changes = [each.change for each in findings if each.change.action != "noop"]
    live = Side("live", "live", "as it is now")
    return Comparison(name, side_of(version), live, changes, [], type, contents, unread)


command = diff_command(compare_with_reality)
