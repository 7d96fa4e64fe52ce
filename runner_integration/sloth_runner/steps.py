"""Steps of a task: pieces that are done once in a run, however often the task is tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sloth_runner.errors import WorkflowError
from sloth_state.values import check_name, to_json

if TYPE_CHECKING:
    from sloth_runner.active_run import ActiveRun
    from sloth_state.model import Json, Step


class AttemptSteps:
    """The steps of one try of a task: those done before are replayed in their order.

    A step is known by its place among the task's steps, and must then have the same name. One that
    failed keeps its place, so that a script that catches its error does not move those that follow.
    """

    def __init__(self, run: ActiveRun, task: str) -> None:
        self._run = run
        self._task = task
        self._places: dict[str, int] = {}
        self._done: set[str] = set()
        self._known: dict[int, Step] | None = None
        self._inside: str | None = None

    def begin(self, name: str) -> str | None:
        """What the step gave when it was done before, as JSON; None if it is to be done now.

        Raises InvalidValue for a name that cannot be kept, and WorkflowError for a second step of
        that name, one inside another, and another name than the step at this place had.
        """
        check_name(name, "the step's name")
        if self._inside is not None:
            raise WorkflowError(f"step: {name!r} cannot be inside the step {self._inside!r}")
        if name in self._done:
            raise WorkflowError(f"step: the task {self._task} has two steps called {name!r}")
        place = self._places.setdefault(name, len(self._places) + 1)
        known = self._known_steps().get(place)
        if known is None:
            self._inside = name
            return None
        if known.name != name:
            raise WorkflowError(
                f"step: step {place} of the task {self._task} was {known.name!r} "
                f"when it was done, and now is {name!r}",
                hint="Steps must come in the same order each time; "
                "to do all of them anew, run without --resume",
            )
        self._done.add(name)
        return to_json(known.value)

    def finish(self, value: Json) -> None:
        """The step at hand is done; what it gave is durable when this returns.

        Raises InvalidValue for what cannot be kept; then it counts as failed.
        """
        name, self._inside = self._inside, None
        assert name is not None
        self._run.save_step(self._task, self._places[name], name, value)
        self._done.add(name)

    def fail(self) -> None:
        """The step at hand failed, which is not remembered: it may be tried again."""
        self._inside = None

    def _known_steps(self) -> dict[int, Step]:
        if self._known is None:
            self._known = {step.position: step for step in self._run.steps(self._task)}
        return self._known
