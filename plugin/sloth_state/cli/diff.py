"""`state workflow diff`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol

import click

from sloth_state.changes import changes_between, changes_of_outputs
from sloth_state.cli.change_view import ChangeView, change_counts, kept_text
from sloth_state.cli.complete import complete_resource_type, complete_version
from sloth_state.cli.options import reference_argument, shared_options
from sloth_state.cli.text import counted, local_time, printable
from sloth_state.references import resolve
from sloth_state.shapes import change_shape, output_change_shape
from sloth_state.version_words import find_version, version_before

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sloth_state.changes import ResourceChange, VisibleDifference
    from sloth_state.cli.app import App
    from sloth_state.drift import Finding
    from sloth_state.model import Json, Run, Version
    from sloth_state.store import Store

DIFFERENCES_FOUND = 5
"""The exit code of --exit-code."""
UNREADABLE = 1
"""The exit code of --exit-code if a resource could not be read."""
LIVE = "live"
"""The word for reality."""


class Side(NamedTuple):
    """One of the two that are compared."""

    label: Json
    """What JSON calls it: the version's number."""
    name: str
    about: str
    """Stands beside the name in the heading."""


class Comparison(NamedTuple):
    """What differs between two sides of a workflow."""

    workflow: str
    before: Side
    after: Side
    resources: list[ResourceChange]
    outputs: list[VisibleDifference]
    type: str | None = None
    """The only type of resources that was compared, and then no outputs were."""
    contents: Mapping[str, bytes] = {}
    """Contents of files that are known by their hash and not kept in the store."""
    not_compared: Sequence[Finding] = ()
    """Resources of which nobody knows what they are in reality."""

    @property
    def differs(self) -> bool:
        """Whether anything does."""
        return bool(self.resources or self.outputs)


class CompareWithReality(Protocol):
    """What `diff REF VERSION live` needs, and only those have who know providers."""

    def __call__(
        self, app: App, store: Store, version: Version, *, type: str | None = None
    ) -> Comparison: ...


def diff_command(compare_with_reality: CompareWithReality) -> click.Command:
    """The command, with this for the word "live"."""

    @click.command("diff")
    @reference_argument
    @click.argument("before", metavar="[FROM]", required=False, shell_complete=complete_version)
    @click.argument("after", metavar="[TO]", required=False, shell_complete=complete_version)
    @click.option(
        "--type",
        help="Only resources of this type, and no outputs.",
        shell_complete=complete_resource_type,
    )
    @click.option(
        "--details", is_flag=True, help="Also what created and deleted resources consist of."
    )
    @click.option(
        "--exit-code", is_flag=True, help=f"Exit with {DIFFERENCES_FOUND} if anything differs."
    )
    @shared_options
    def command(
        app: App,
        *,
        ref: str,
        before: str | None,
        after: str | None,
        type: str | None,
        details: bool,
        exit_code: bool,
    ) -> None:
        """Show what differs between two versions, or between one and reality.

        FROM and TO are numbers of versions (3, v3 or @3), or "latest"; TO may be "live", which is
        reality as providers read it now. Without TO, REF's version is compared with FROM; without
        FROM too, with the one before it. Values that are sensitive are not shown. --exit-code exits
        with 1 if a resource could not be read.
        """
        store = app.store(upgrade=LIVE in (before, after))
        run = resolve(store, ref)
        if after == LIVE or (before == LIVE and after is None):
            version = store.version(run.name, run.version)
            if after == LIVE and before is not None:
                version = find_version(store, run.name, before)
            comparison = compare_with_reality(app, store, version, type=type)
        else:
            versions = _versions(store, run, before, after)
            comparison = compare_versions(store, *versions, type=type)
        emit_comparison(app, store, comparison, details=details)
        if exit_code and any(each.could_not_be_read for each in comparison.not_compared):
            raise click.exceptions.Exit(UNREADABLE)
        if exit_code and comparison.differs:
            raise click.exceptions.Exit(DIFFERENCES_FOUND)

    return command


def _versions(
    store: Store, run: Run, before: str | None, after: str | None
) -> tuple[Version, Version]:
    if after is None:
        newer = store.version(run.name, run.version)
    else:
        newer = find_version(store, run.name, after)
    if before is None:
        return version_before(store, newer), newer
    return find_version(store, run.name, before), newer


def compare_versions(
    store: Store, before: Version, after: Version, *, type: str | None = None
) -> Comparison:
    """What differs between two versions of a workflow; with `type`, of such resources alone."""
    name = before.workflow
    resources = changes_between(
        store.resources(name, version=before.version, type=type),
        store.resources(name, version=after.version, type=type),
    )
    outputs = []
    if type is None:
        outputs = changes_of_outputs(store.outputs(before.run_id), store.outputs(after.run_id))
    return Comparison(name, side_of(before), side_of(after), resources, outputs, type)


def emit_comparison(
    app: App, store: Store, comparison: Comparison, *, details: bool = False
) -> None:
    """Print a comparison like a unified diff, or as one JSON object."""
    kept = partial(kept_text, store, also=comparison.contents)
    view = ChangeView(kept, colour=app.colour, details=details)
    app.emit_object(_shape(comparison), lambda: _lines(app, view, comparison))


def side_of(version: Version) -> Side:
    """A version as one side of a comparison."""
    return Side(
        version.version,
        f"{version.workflow}@{version.version}",
        f"{local_time(version.created_at)}  {version.status.value}",
    )


def _shape(comparison: Comparison) -> dict[str, Json]:
    return {
        "workflow": comparison.workflow,
        "from": comparison.before.label,
        "to": comparison.after.label,
        "resources": [change_shape(change) for change in comparison.resources],
        "outputs": [output_change_shape(change) for change in comparison.outputs],
        "not_compared": [
            {"type": each.resource.type, "name": each.resource.name, "error": each.error}
            for each in comparison.not_compared
        ],
    }


def _lines(app: App, view: ChangeView, comparison: Comparison) -> Iterator[str]:
    before, after = comparison.before, comparison.after
    if not comparison.differs:
        of_type = f" in resources of type {comparison.type}" if comparison.type else ""
        sides = f"{before.name} and {after.name}{of_type}"
        yield printable(f"No differences between {sides}{_left_out(comparison)}")
        return
    yield app.strong(f"--- {printable(before.name)}  {before.about}")
    yield app.strong(f"+++ {printable(after.name)}  {after.about}")
    if comparison.resources:
        yield ""
        yield from view.lines(comparison.resources)
    if comparison.outputs:
        yield ""
        yield app.strong("Outputs")
        yield from view.outputs(comparison.outputs)
    yield ""
    yield _footer(comparison)


def _footer(comparison: Comparison) -> str:
    """ "1 created, 2 updated; 1 output changed"."""
    counts = change_counts(comparison.resources) or "no resource changed"
    if comparison.outputs:
        counts += f"; {counted(len(comparison.outputs), 'output')} changed"
    return counts + _left_out(comparison)


def _left_out(comparison: Comparison) -> str:
    """ "; 2 resources not compared", or nothing."""
    number = len(comparison.not_compared)
    return f"; {counted(number, 'resource')} not compared" if number else ""
