"""The resources that the script of a run declares: what each is, and what is to be done about it.

Lua calls the providers' hooks (`lua/sloth_lua/resources.lua`) and asks here in between.
"""

from __future__ import annotations

from _blake2 import blake2b  # hashlib loads OpenSSL, which costs milliseconds
from typing import TYPE_CHECKING, Any

from sloth_runner.errors import WorkflowError
from sloth_runner.resources.decisions import FAILED, Settings, Verb, decide
from sloth_runner.resources.moves import Moves, memory_of
from sloth_runner.resources.reading import subject
from sloth_state.differences import differences
from sloth_state.model import Action, ResourceDraft
from sloth_state.things import natural_key
from sloth_state.values import check_name, from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sloth_runner.active_run import ActiveRun
    from sloth_runner.resources.decisions import Decision
    from sloth_runner.resources.known import KnownResources
    from sloth_runner.session import Session
    from sloth_state.model import Resource
    from sloth_state.recorded import Identity

NOTHING_SPECIAL = '{"depends_on":[]}'
"""What Lua says about most declarations."""


class Declarations:
    """What the script of one run has declared so far. The methods are operations for Lua."""

    def __init__(self, session: Session, known: KnownResources) -> None:
        self._session = session
        self._settings: dict[str, tuple[Settings, str]] = {}
        """By type, and as the text that it came as."""
        self._known = known
        self.settled: set[Identity] = set()
        """Those that were only recorded because an earlier run was killed, not by the script."""
        self._by: dict[Identity, tuple[str | None, int]] = {}
        """By which task and attempt each was declared."""
        self._moves = Moves(session, known, self._by)
        self._declarations: dict[Identity, dict[str, Any]] = {}

    def provider(self, type: str, settings: str) -> None:
        """Learn what the provider of a type says about it."""
        said = from_json(settings)
        self._settings[type] = (
            Settings(
                tuple(said.get("ignore", ())),
                tuple(said.get("sensitive", ())),
                tuple(said.get("keeps", ())),
                said["can_update"],
                said["in_workdir"],
            ),
            settings,
        )

    def is_as_recorded(self, type: str, name: str, actual: str, said: bytes) -> bool:
        """Whether script and reality say just what they said when the resource was recorded.

        Then there is nothing to do, and nearly all work is spared; False says nothing. Only for
        declarations that say `NOTHING_SPECIAL`.
        """
        plan = self._session.plan
        if plan is not None and self._moves.something_leaves:
            return False
        run = self._session.active_run(f"resource.{type}")
        identity = type, name
        recorded = self._known.of(run)
        status, attributes, declaration = recorded.texts(identity) or (FAILED, "", None)
        if status or declaration is None or attributes != actual:
            return False
        mark = f'{{"about":"{self._fingerprint(type, NOTHING_SPECIAL, said)}"'
        if not declaration.startswith(mark):
            return False
        self._declare(identity)
        run.touch_unchanged(identity, recorded)
        if plan is not None:
            sensitive = self._settings[type][0].sensitive
            plan.note_unchanged(identity, sensitive, self._session.current.name)
        return True

    def decide(
        self,
        type: str,
        name: str,
        declared: str,
        actual: str | None,
        about: str,
        key: str | None,
        said: bytes | None,
    ) -> tuple[str, str | None]:
        """What is to be done about a declared resource, and what Lua needs for doing it."""
        run = self._session.active_run(f"resource.{type}")
        identity = type, check_name(name, "the resource's name")
        self._declare(identity)
        recorded = self._known.of(run).get(identity)
        if recorded is None or natural_key(recorded) != key:
            self._moves.refuse_second(run, identity, key)
        if recorded is None or self._moves.set_aside(run, recorded, key):
            recorded = self._moves.renamed(run, identity, key)
        declaration = {
            "about": self._fingerprint(type, about, said or declared.encode()),
            **self._declaration(run, identity, from_json(about), key),
        }
        found = None if actual is None else from_json(actual)
        if self._session.plan is not None:
            found = self._moves.after_what_is_planned(found, type, key)
        decision = decide(
            from_json(declared),
            found,
            recorded,
            self._settings[type][0],
            key=key,
            ignore=declaration["ignore"],
        )
        self._declarations[identity] = declaration
        if self._session.plan is not None:
            if decision.verb is Verb.REPLACE:
                self._moves.plan_to_leave(recorded)
                self._moves.renamed(run, identity, key)  # as `take_over` does
            answer = self._session.plan.declare(run, identity, decision, declaration, found)
            self._known.note(run, self._session.plan.as_planned(run, identity))
            self._known.index(*identity, key)
            return answer
        if decision.verb is Verb.NOOP:
            assert found is not None
            return self._unchanged(run, identity, {**decision.wanted, **found}, recorded)
        return decision.verb, self._details(decision, declared, recorded)

    def planned(self, type: str, name: str) -> None:
        """Tell of a resource that is only planned; its provider holds what contents it has."""
        run, plan = self._session.active_run(f"resource.{type}"), self._session.plan
        assert plan is not None, "`decide` said so"
        plan.tell(run, (type, name), self._session.current.take_contents())

    def _details(self, decision: Decision, declared: str, recorded: Resource | None) -> str | None:
        """What Lua does not know yet, as JSON: attributes that are not just those declared, what
        the provider remembers, what a thing that must go is known by. Often nothing."""
        details: dict[str, Any] = {}
        if to_json(decision.wanted) != declared:
            details["attributes"] = decision.wanted
        if memory := memory_of(recorded):
            details["memory"] = memory
        if decision.verb is Verb.REPLACE:
            details["before"] = _old_attributes(recorded, decision.wanted)
        return to_json(details) if details else None

    def in_the_way(self, type: str, key: str | None) -> str | None:
        """What must go before a thing can be at its place: see `Moves.in_the_way`. As a JSON list,
        or "" if a plan has noted that it goes."""
        run = self._session.active_run(f"resource.{type}")
        if key is None:
            return None
        if self._moves.is_planned_to_leave(type, key):
            return ""
        others = self._moves.in_the_way(run, type, key)
        if not others:
            return None
        plan = self._session.plan
        if plan is None:
            return to_json([subject(each) for each in others])
        for each in others:
            plan.delete(each, self._session.current.name, record_only=False)
            self._known.drop(run, (each.type, each.name))
            self._moves.plan_to_leave(each)
        return ""

    def take_over(self, type: str, name: str, key: str | None) -> str:
        """What the provider remembers of a thing that had another name until now.

        For a name whose own thing has just gone, since the script means another one by it.
        """
        run = self._session.active_run(f"resource.{type}")
        return to_json(memory_of(self._moves.renamed(run, (type, name), key)))

    def _fingerprint(self, type: str, about: str, said: bytes) -> str:
        """All that the script says of a resource, in a few digits, so that what it said last time
        can be compared without being taken apart."""
        others = f"{self._settings[type][1]}\0{self._session.current.name}\0{about}\0"
        return blake2b(others.encode(errors="surrogateescape") + said, digest_size=12).hexdigest()

    def _declare(self, identity: Identity) -> None:
        context = self._session.current
        by = context.name, context.attempt
        earlier = self._by.get(identity)
        if earlier is not None and (earlier[0] != by[0] or earlier == by):
            raise WorkflowError(
                f"resource.{identity[0]}: {'/'.join(identity)} is declared twice, "
                f"first by {f'the task {earlier[0]}' if earlier[0] else 'a hook of the workflow'}",
                hint="Give one of them another name.",
            )
        self._by[identity] = by

    def _declaration(
        self, run: ActiveRun, identity: Identity, about: Mapping[str, Any], key: str | None
    ) -> dict[str, Any]:
        settings = self._settings[identity[0]][0]
        depends_on = sorted(set(about["depends_on"]) - {"/".join(identity)})
        self._check_dependencies(run, identity, depends_on)
        declaration: dict[str, Any] = {
            "depends_on": depends_on,
            "ignore": sorted({*settings.ignore, *about.get("ignore", ())}),
            "sensitive": sorted({*settings.sensitive, *about.get("sensitive", ())}),
            "task": self._session.current.name,
        }
        workdir = self._session.current.workdir if settings.in_workdir else None
        if workdir is not None and workdir == self._session.script.folder:
            workdir = None
        irreversible = about.get("irreversible")
        for name, value in (("key", key), ("irreversible", irreversible), ("workdir", workdir)):
            if value is not None:
                declaration[name] = value
        return declaration

    def _check_dependencies(
        self, run: ActiveRun, identity: Identity, depends_on: Sequence[str]
    ) -> None:
        for each in depends_on:
            type, _, name = each.partition("/")
            # Recorded, but not declared now: its task was left out, as if it were done.
            if (type, name) not in self._by and (type, name) not in self._known.of(run):
                raise WorkflowError(
                    f"resource.{identity[0]}: {'/'.join(identity)} depends on {each}, "
                    "which is not declared before it"
                )

    def _unchanged(
        self, run: ActiveRun, identity: Identity, attributes: dict[str, Any], known: Resource | None
    ) -> tuple[str, str | None]:
        """Reality is as declared; the record may still not be."""
        if known is None or known.declaration is None:
            return "adopt", None
        declaration = self._declarations[identity] | {"memory": memory_of(known)}
        ignore = declaration["ignore"]
        if declaration["about"] == known.declaration.get("about"):
            attributes = {**known.attributes, **attributes}  # hooks may have returned further ones
        same = attributes == known.attributes or not differences(
            known.attributes, attributes, ignore=ignore
        )
        is_known = (known.type, known.name) == identity and known.status != FAILED
        if same and declaration == known.declaration and is_known:
            run.touch_unchanged(identity, self._known.of(run))
        else:
            self._record(run, identity, attributes, declaration, Action.READ)
        self._session.current.contents.clear()
        return Verb.NOOP, None

    def adopt(self, type: str, name: str, attributes: str, memory: str) -> None:
        """Record a thing that was as declared before the workflow ever knew it."""
        run = self._session.active_run(f"resource.{type}")
        declaration = self._declarations[type, name] | {"memory": from_json(memory)}
        contents = self._session.current.take_contents()
        if contents:
            run.keep_contents(contents)
        self._record(run, (type, name), from_json(attributes), declaration, Action.READ)

    def _record(
        self,
        run: ActiveRun,
        identity: Identity,
        attributes: Mapping[str, Any],
        declaration: Mapping[str, Any],
        action: Action,
    ) -> None:
        draft = ResourceDraft(*identity, attributes, action=action, declaration=declaration)
        self._known.note(run, run.record_all([draft])[0])
        self._known.index(*identity, natural_key(draft))

    # -- what was declared ----------------------------------------------------------------

    def declaration(self, run: ActiveRun, identity: Identity) -> dict[str, Any]:
        """Of what is declared now, or else of what was declared when it was recorded."""
        if identity in self._declarations:
            return self._declarations[identity]
        known = self._known.of(run).get(identity)
        return dict(known.declaration or {}) if known else {}

    def restore(self, identity: Identity, declaration: Mapping[str, Any]) -> None:
        """Take a declaration over from an earlier version (rollback)."""
        self._declarations[identity] = dict(declaration)

    def untouched(self, run: ActiveRun) -> list[Resource]:
        """Recorded resources that this run has not dealt with, in no particular order."""
        known = self._known.of(run)
        return [
            known[identity]
            for identity in known
            if identity not in self._by
            and (identity in self.settled or not run.has_touched(*identity))
        ]

    def has(self, resource: Resource) -> bool:
        """Whether the script has declared a resource."""
        return (resource.type, resource.name) in self._by

    def is_left(self, resource: Resource) -> bool:
        """Whether a resource is what one that moved has left, see `Moves.set_aside`."""
        return (resource.type, resource.name) in self._moves.left


def _old_attributes(recorded: Resource | None, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What the thing is known by that must go; one that was not declared before is only there."""
    return dict(recorded.attributes if recorded and recorded.declaration else wanted)
