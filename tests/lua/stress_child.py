"""Long work across the boundary, which crashes the process if Python keeps a Lua object anywhere.

The argument names the work; standard output is what it found.
"""

from __future__ import annotations

import gc
import json
import sys
from typing import Any

from sloth_runner.errors import ScriptError
from sloth_runner.host import wire
from sloth_runner.host.limits import Limits
from sloth_runner.host.replies import Done, Failed, Waiting
from sloth_runner.host.runtime import LuaHost
from sloth_runner.modules import sloth_lua_modules
from sloth_runner.script import Script
from sloth_runner.session import Session

FACTS = {"task": "t", "workflow": "w", "workdir": "/nonexistent", "deps": {}, "attempt": 1}


def host_of(body: str) -> LuaHost:
    source = f"task('t'):command(function(this, params, deps) {body}\nend)"
    script = Script("t.sloth", "t.sloth", source.encode())
    session = Session(script, emit=lambda _event: None)
    host = LuaHost(script, sloth_lua_modules(session), Limits())
    host.resume(host.load())
    return host


def run(host: LuaHost, **facts: Any) -> Any:
    """Run the command once; what it waits for is there at once."""
    thread, answer = host.start("command", 1, {**FACTS, **facts}), ()
    while isinstance(reply := host.resume(thread, answer).reply, Waiting):
        answer = (wire.VALUES, None)
    if isinstance(reply, Failed):
        raise reply.error
    assert isinstance(reply, Done)
    return json.loads(reply.result or "{}")["output"]


def calls_from_coroutines_that_die() -> int:
    """200,000 calls of operations, results and failures, from coroutines nobody keeps."""
    host = host_of("""
        local count = 0
        for i = 1, 20000 do
          local f = coroutine.wrap(function()
            for j = 1, 4 do
              local found = json.decode('{"a":[1,{"b":"c"}]}')
              count = count + (found.a[2].b == "c" and 1 or 0)
              pcall(crypto.hmac, "k", "t", "no such algorithm")
            end
            coroutine.yield()
            error("never reached")
          end)
          f() -- and it stays suspended
          pcall(fs.read) pcall(json.encode, { print })
          if i % 1000 == 0 then collectgarbage() end
        end
        return true, nil, { count = count }
    """)
    count: int = run(host)["count"]
    return count


def tasks_that_are_dropped_while_they_wait() -> int:
    """20,000 coroutines of the runner, half of them dropped in the middle of a wait."""
    host = host_of("""
        local mine = coroutine.wrap(function() sleep(0) coroutine.yield(deps) end)
        mine() sleep(0)
        return true, nil, { n = deps.n }
    """)
    total = 0
    for number in range(10000):
        dropped = host.start("command", 1, {**FACTS, "deps": {"n": number}})
        host.resume(dropped)
        host.drop(dropped)
        total += run(host, deps={"n": 1})["n"]
        if number % 1000 == 0:
            gc.collect()
    return total


def errors_that_are_kept() -> int:
    """2,000 script errors with their tracebacks, alive while their coroutines and hosts die."""
    kept: list[ScriptError] = []
    for _ in range(20):
        host = host_of("""
            local function deep(n) if n == 0 then error({ message = "kept", f = deps, g = print }) end deep(n - 1) end
            coroutine.wrap(function() pcall(deep, 3) sleep(0) coroutine.wrap(deep)(3) end)()
        """)
        for _ in range(100):
            try:
                run(host)
            except ScriptError as error:
                kept.append(error)
        del host
        gc.collect()
    assert all(str(error) == "t.sloth:3: kept" for error in kept), str(kept[0])
    assert all(error.__traceback__ is not None for error in kept)
    return len(kept)


def hosts_that_die_with_all_they_hold() -> int:
    """100 Lua states given up with suspended tasks in them, while others go on."""
    survivor = host_of("sleep(0) return true, nil, { n = 1 }")
    total = 0
    for _ in range(100):
        host = host_of("local t = {} for i = 1, 100 do t[i] = coroutine.wrap(sleep) t[i](0) end")
        for _ in range(5):
            host.resume(host.start("command", 1, FACTS))
        del host
        gc.collect()
        total += run(survivor)["n"]
    return total


if __name__ == "__main__":
    print(globals()[sys.argv[1]]())
