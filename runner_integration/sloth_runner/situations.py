"""What surrounds a task when it runs: its folder, its user, what its functions are told."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from sloth_runner.session import TaskContext

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sloth_runner.session import Session
    from sloth_runner.workflow import Task, Workflow
    from sloth_state.model import Json


class Situations:
    """Finds them for the tasks of one workflow."""

    def __init__(self, workflow: Workflow, session: Session) -> None:
        self._workflow = workflow
        self._session = session

    def of(
        self, task: Task, host: str | None, dependencies: Mapping[str, Json]
    ) -> tuple[TaskContext, dict[str, Any]]:
        """What a task's commands need to know on a machine, and what its functions are told."""
        context = TaskContext(task.name, self.workdir(task), task.user, host)
        owns_workdir = self._owns(task, context.workdir)
        if host is not None:
            context.workdir, owns_workdir = "~", False
            context.workdir = context.folder(task.workdir)
        # They are encoded for each function that is called, so what `calls.lua` adds is left out.
        facts: dict[str, Any] = {
            "task": task.name,
            "workflow": self._workflow.name,
            "workdir": context.workdir,
        }
        if owns_workdir:
            facts["owns_workdir"] = True
        if dependencies:
            facts["deps"] = dict(dependencies)
        if task.params:
            facts["params"] = dict(task.params)
        if host is not None:
            facts["agent"] = host
        return context, facts

    def own_folders(self) -> list[str]:
        """The folders that tasks have for themselves, whether or not they are there."""
        here = [task for task in self._workflow.tasks if not task.delegate_to]
        folders = [(task, self.workdir(task)) for task in here]
        return [folder for task, folder in folders if self._owns(task, folder)]

    def workdir(self, task: Task) -> str:
        """The folder of a task on this machine."""
        base = self._workflow.workdir
        if task.workdir is None:
            return base or self._session.top_level.workdir
        folder = base or self._session.script.folder
        return os.path.join(folder, os.path.expanduser(task.workdir))

    def _owns(self, task: Task, workdir: str) -> bool:
        """Whether a task may delete its folder: it named one, which holds nobody's sources."""
        if task.workdir is None:
            return False
        folder = os.path.realpath(workdir)
        kept = [os.path.realpath(each) for each in (self._session.script.folder, os.getcwd())]
        return folder not in (os.path.commonpath([folder, source]) for source in kept)
