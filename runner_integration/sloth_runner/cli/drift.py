"""`state workflow drift`."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import click

from sloth_runner.cli.options import Duration
from sloth_state.cli.complete import complete_resource_type
from sloth_state.cli.options import AtLeast, force_option, reference_argument, shared_options
from sloth_state.cli.text import counted, local_time, printable
from sloth_state.errors import UsageError
from sloth_state.references import newest_run, resolve

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sloth_state.cli.app import App
    from sloth_state.drift import Finding
    from sloth_state.model import Detection, Json, Resource, Version
    from sloth_state.store import Store

DRIFT_FOUND = 5
"""The exit code of --exit-code."""
UNREADABLE = 1
"""The exit code if a resource could not be read."""
STATE_COLOURS = {"in-sync": "green", "drifted": "yellow", "missing": "red", "unknown": "blue"}
_MOST_IN_SYNC = 20
"""Lines of resources that are as recorded; the rest is counted."""


@click.command("drift")
@reference_argument
@click.option("--type", help="Only resources of this type.", shell_complete=complete_resource_type)
@click.option(
    "--ignore", metavar="PATH", multiple=True, help="An attribute that does not count; * is a step."
)
@click.option("--exit-code", is_flag=True, help=f"Exit with {DRIFT_FOUND} if anything drifted.")
@click.option("--accept", is_flag=True, help="Record reality as a new version.")
@click.option("--watch", type=Duration(), metavar="TIME", help="Check again and again, every TIME.")
@click.option("--history", is_flag=True, help="Only show what earlier checks have found.")
@click.option("--limit", type=AtLeast(1), help="With --history: so many, newest first.")
@force_option
@shared_options
def command(
    app: App,
    *,
    ref: str,
    type: str | None,
    ignore: tuple[str, ...],
    exit_code: bool,
    accept: bool,
    watch: float | None,
    history: bool,
    limit: int | None,
    force: bool,
) -> None:
    """Compare what is recorded with reality, changing nothing.

    Each resource is read by its provider: in-sync, drifted, missing, or unknown where nobody can
    read it. What is found is kept; --history shows it. --accept makes reality the new baseline,
    after asking. Exits with 1 if a resource could not be read.
    """
    _check_options(accept=accept, watch=watch, history=history, limit=limit)
    store = app.store()
    run = resolve(store, ref)
    if history:
        _show_history(app, store, run.name, type, limit)
        return
    version = store.version(run.name, run.version)
    while True:
        findings = _check(app, store, version, type, ignore, accept=accept, force=force)
        if watch is None:
            break
        time.sleep(watch)
        version = _following(store, version, ref)
    if any(each.could_not_be_read for each in findings):
        raise click.exceptions.Exit(UNREADABLE)
    if exit_code and any(each.state.value in ("drifted", "missing") for each in findings):
        raise click.exceptions.Exit(DRIFT_FOUND)


def _check_options(*, accept: bool, watch: float | None, history: bool, limit: int | None) -> None:
    if sum((accept, watch is not None, history)) > 1:
        raise UsageError("--accept, --watch and --history exclude each other")
    if limit is not None and not history:
        raise UsageError("--limit belongs to --history")


def _following(store: Store, version: Version, ref: str) -> Version:
    """The version to check next: the newest, if that is what REF means."""
    if newest_run(store, ref) is None:
        return version
    run = resolve(store, ref)
    return store.version(run.name, run.version)


def _check(
    app: App,
    store: Store,
    version: Version,
    type: str | None,
    ignore: Sequence[str],
    *,
    accept: bool,
    force: bool,
) -> list[Finding]:
    from sloth_runner.checking import accept_drift, check_drift, drifted_contents
    from sloth_runner.cli.options import warnings_only
    from sloth_runner.world import World

    with World(store, [warnings_only(app)]) as world:
        findings = check_drift(world, store, version, type=type, ignore=ignore)
        contents = {} if app.json else drifted_contents(world, version, findings)
        _emit(app, store, version, findings, contents)
        if not accept:
            return findings
        if not any(each.state.value in ("drifted", "missing") for each in findings):
            app.say("Nothing drifted, so there is nothing to accept")
            return findings
        if not force:
            app.confirm(
                f"Record that as version {version.version + 1}?",
                about="Reality stays as it is; the state takes it for the new baseline.",
                doing="accepting drift",
            )
        finished = accept_drift(world, store, version, findings)
        app.say(f"Recorded as version {finished.version} of {printable(finished.name)}")
        return []


def _emit(
    app: App,
    store: Store,
    version: Version,
    findings: Sequence[Finding],
    contents: Mapping[str, bytes],
) -> None:
    now = datetime.now(UTC)
    if app.json:
        app.emit_object([finding_shape(each, now) for each in findings], list)
    else:
        app.write_lines(_lines(app, store, version, findings, contents))


def finding_shape(finding: Finding, now: datetime) -> dict[str, Json]:
    """What a check found about one resource."""
    from sloth_state.sensitive import declared_list, masked
    from sloth_state.shapes import change_shape
    from sloth_state.times import rfc3339

    sensitive = declared_list(finding.resource, "sensitive")
    actual = None if finding.actual is None else masked(dict(finding.actual), sensitive)
    state = finding.state.value
    return {
        "resource_id": finding.resource.id,
        "resource_type": finding.resource.type,
        "resource_name": finding.resource.name,
        "detected_at": rfc3339(now),
        "state": state,
        "drifted": None if state == "unknown" else state != "in-sync",
        "expected": masked(dict(finding.resource.attributes), sensitive),
        "actual": actual,
        "differences": change_shape(finding.change)["differences"],
        "error": finding.error,
    }


def _lines(
    app: App,
    store: Store,
    version: Version,
    findings: Sequence[Finding],
    contents: Mapping[str, bytes],
) -> Iterator[str]:
    from sloth_state.cli.change_view import ChangeView, kept_text

    view = ChangeView(partial(kept_text, store, also=contents), colour=app.colour)
    in_sync = 0
    for finding in findings:
        state = finding.state.value
        in_sync += state == "in-sync"
        if state == "in-sync" and in_sync > _MOST_IN_SYNC:
            continue
        name = printable(f"{finding.resource.type}/{finding.resource.name}")
        why = f": {printable(finding.error)}" if finding.error else ""
        yield f"{app.word(state, STATE_COLOURS):<7}  {name}{why}"
        if state == "drifted":
            yield from list(view.lines([finding.change]))[1:]
    if in_sync > _MOST_IN_SYNC:
        yield f"… and {in_sync - _MOST_IN_SYNC:,} more in sync"
    if findings:
        yield ""
    yield f"{printable(version.workflow)}@{version.version}: {summary(findings)}"


def summary(findings: Sequence[Finding]) -> str:
    """One sentence; it says "no drift" only if every resource was read."""
    from sloth_runner.checking import drift_counts

    counts = drift_counts(findings)
    if not findings:
        return "no resources to check"
    if counts["in-sync"] == len(findings):
        return f"no drift, {counted(len(findings), 'resource')} in sync"
    words = {"drifted": "drifted", "missing": "missing", "unknown": "unknown", "in-sync": "in sync"}
    parts = [f"{counts[state]:,} {word}" for state, word in words.items() if counts[state]]
    return ", ".join(parts)


def _show_history(
    app: App, store: Store, workflow: str, type: str | None, limit: int | None
) -> None:
    from sloth_state.cli.tables import Column
    from sloth_state.model import Detection
    from sloth_state.shapes import detection_shape

    known = _ResourcesOfVersions(store, workflow)
    columns = [
        Column[Detection]("DETECTED", lambda each: local_time(each.detected_at)),
        Column[Detection]("VERSION", lambda each: str(each.version)),
        Column[Detection]("TYPE", lambda each: each.resource_type),
        Column[Detection]("NAME", lambda each: each.resource_name),
        Column[Detection]("STATE", lambda each: each.state.value, STATE_COLOURS),
        Column[Detection]("DIFFERS", lambda each: _differing(each, known.resource(each))),
    ]
    found = store.detections(workflow, type=type, limit=limit)
    app.emit(
        found,
        columns,
        lambda each: detection_shape(each, known.resource(each)),
        footer=counted(len(found), "detection"),
    )


class _ResourcesOfVersions:
    """Resources as the versions had them that were checked: they say what is sensitive."""

    def __init__(self, store: Store, workflow: str) -> None:
        self._store = store
        self._workflow = workflow
        self._versions: dict[int, dict[str, Resource]] = {}

    def resource(self, detection: Detection) -> Resource | None:
        if detection.version not in self._versions:
            resources = self._store.resources(self._workflow, version=detection.version)
            self._versions[detection.version] = {each.id: each for each in resources}
        return self._versions[detection.version].get(detection.resource_id)


def _differing(detection: Detection, resource: Resource | None) -> str:
    from sloth_state.drift import drifted_attributes

    if detection.actual is None or resource is None:
        return detection.error or "-"
    found = drifted_attributes(resource, detection.actual)
    return ", ".join(each.path for each in found) or "-"
