"""Runs commands, each in a forked process that is killed at one moment of one of its operations.

Each line of input is a command as JSON: its folder, its arguments, the number of the operation, and the stage
(0: it is begun, 1: it is done, 2: that is recorded). Answers each with the process's exit code.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from sloth_runner.cli.root import root
from sloth_runner.resources.journal import Journal
from sloth_state.cli import run_cli

KILLED = 9


def die_at(moment: tuple[int, int]) -> None:
    """Let this process end as if it was killed, without a chance to tidy up."""
    begin, finish = Journal.begin, Journal.finish
    begun = 0

    def die_if(stage: int) -> None:
        if (begun, stage) == moment:
            os._exit(KILLED)

    def dying_begin(self: Journal, *arguments: Any) -> int:
        nonlocal begun
        number = begin(self, *arguments)
        begun += 1
        die_if(0)
        return number

    def dying_finish(self: Journal, *arguments: Any) -> dict[str, Any]:
        die_if(1)
        attributes = finish(self, *arguments)
        if (begun, 2) == moment:  # or it would be recorded with the next beginning
            self._session.write_kept_end()
        die_if(2)
        return attributes

    Journal.begin, Journal.finish = dying_begin, dying_finish  # type: ignore[method-assign]


def main() -> None:
    for line in sys.stdin:
        folder, arguments, operation, stage = json.loads(line)
        child = os.fork()
        if child == 0:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.chdir(folder)
            os.environ["SLOTH_RUNNER_STATE"] = f"{folder}/state.db"
            die_at((operation, stage))
            os._exit(run_cli(root, arguments))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


main()
