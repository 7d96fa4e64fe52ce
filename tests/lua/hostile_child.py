"""Runs scripts that try to escape, hang or crash, and tells how each ended. A process of its own,
because the failure of a guard may be the end of it.

Standard input: JSON of the seconds that each has, and of a name and the body of a task's command
each. Standard output: a line of JSON for each, name and outcome, written when it is over.
"""

from __future__ import annotations

import json
import resource
import sys
import time

from sloth_runner.errors import ScriptError, TaskTimeout
from sloth_runner.host import wire
from sloth_runner.host.limits import Limits
from sloth_runner.host.replies import Done, Failed
from sloth_runner.host.runtime import LuaHost
from sloth_runner.modules import sloth_lua_modules
from sloth_runner.script import Script
from sloth_runner.session import Session

SLACK = 5.0
"""Seconds by which a busy machine may be late."""
MEMORY_LIMIT = 64 * 2**20
ADDRESS_SPACE = 3 * 2**29
"""Bytes that the process may have, so that a runaway allocation fails and harms nobody else."""

FACTS = {"task": "t", "workflow": "w", "workdir": "/nonexistent", "deps": {}, "attempt": 1}
AFTERWARDS = "for i = 1, 50000 do end return true, 'alive'"


class CountingLimits(Limits):
    """Knows how often the hook ran."""

    ticks = 0

    def tick(self, kilobytes: float) -> bool:
        self.ticks += 1
        return super().tick(kilobytes)


def call(host: LuaHost, limits: Limits, function: int, seconds: float) -> str:
    """Call a function of the script; what it waits for is there at once."""
    timeout, deadline = TaskTimeout("the task", seconds), time.monotonic() + seconds
    thread, answer = host.start("command", function, FACTS), ()
    try:
        while time.monotonic() < deadline:
            limits.enter(timeout, deadline)
            reply = host.resume(thread, answer).reply
            if isinstance(reply, Failed):
                raise reply.error
            if isinstance(reply, Done):
                return f"returned {json.loads(reply.result or '{}').get('message', '')}".strip()
            answer = (wire.VALUES, None)
        return "TaskTimeout"
    except ScriptError as error:
        return str(error)
    except Exception as error:
        return type(error).__name__
    finally:
        host.drop(thread)


def outcome(body: str, seconds: float) -> str:
    source = f"task('t'):command(function(this) {body}\nend)\ntask('u'):command(function() {AFTERWARDS} end)"
    script = Script("t.sloth", "t.sloth", source.encode())
    limits = CountingLimits(MEMORY_LIMIT)
    host = LuaHost(script, sloth_lua_modules(Session(script, emit=lambda _event: None)), limits)
    host.resume(host.load())
    started = time.monotonic()
    ended = call(host, limits, 1, seconds)
    if time.monotonic() - started > seconds + SLACK:
        ended += ", late"
    ticks = limits.ticks
    if (then := call(host, limits, 2, SLACK)) != "returned alive":
        ended += f", then {then}"
    if limits.ticks == ticks:
        ended += ", then without a hook"
    return ended


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    given = json.load(sys.stdin)
    for name, body in given["scripts"].items():
        print(json.dumps([name, outcome(body, given["seconds"])]), flush=True)


if __name__ == "__main__":
    main()
