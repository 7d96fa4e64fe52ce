"""`goroutine`: what runs beside what, who waits for whom, and what is left at the end."""

from __future__ import annotations

import time
from typing import Any

import pytest

from sloth_runner.errors import ScriptError, TaskTimeout

RESULTS = {
    "a sender on a channel without room waits for a receiver": (
        """
        local order, c = {}, goroutine.channel()
        goroutine.spawn(function() table.insert(order, "sending") c:send(1) table.insert(order, "sent") end)
        goroutine.sleep(1)
        table.insert(order, "receiving")
        local value, ok = c:receive()
        goroutine.sleep(1)
        return table.concat(order, " ") .. " " .. value .. " " .. tostring(ok)
        """,
        "sending receiving sent 1 true",
    ),
    "a channel holds as much as it has room for, in order": (
        """
        local c, got = goroutine.channel(2), {}
        local before = c:try_send("a") and c:try_send("b") and not c:try_send("c")
        local full = c:len() .. "/" .. c:cap()
        c:close()
        c:range(function(value) table.insert(got, value) end)
        return tostring(before) .. " " .. full .. " " .. table.concat(got)
        """,
        "true 2/2 ab",
    ),
    "nil can be sent": (
        """
        local c = goroutine.channel(2)
        c:send(nil) c:send(2)
        local first, ok = c:receive()
        return tostring(first) .. tostring(ok) .. c:receive()
        """,
        "niltrue2",
    ),
    "a closed channel gives nil and false, to those who wait too": (
        """
        local c, seen = goroutine.channel(), {}
        goroutine.spawn(function() local v, ok = c:receive() table.insert(seen, tostring(v) .. tostring(ok)) end)
        goroutine.sleep(1)
        c:close()
        goroutine.sleep(1)
        local v, ok = c:receive()
        return seen[1] .. " " .. tostring(v) .. tostring(ok) .. " " .. tostring(c:is_closed()) .. tostring(select(2, c:try_receive()))
        """,
        "nilfalse nilfalse truefalse",
    ),
    "those who wait get their turn in the order they came": (
        """
        local c, order = goroutine.channel(), {}
        for i = 1, 4 do goroutine.spawn(function() order[i] = c:receive() end) end
        goroutine.sleep(1)
        for i = 1, 4 do c:send(i) end
        goroutine.sleep(1)
        return table.concat(order, " ")
        """,
        "1 2 3 4",
    ),
    "select takes what is ready": (
        """
        local a, b, got = goroutine.channel(), goroutine.channel(1), nil
        b:send("from b")
        local index, value = goroutine.select({
          { channel = a, receive = true },
          { channel = b, receive = true, handler = function(v) got = v end },
        })
        return index .. " " .. value .. " " .. got
        """,
        "2 from b from b",
    ),
    "select waits for the first": (
        """
        local a, b = goroutine.channel(), goroutine.channel()
        goroutine.spawn(function() goroutine.sleep(30) a:send("slow") end)
        goroutine.spawn(function() goroutine.sleep(5) b:send("fast") end)
        local _, value = goroutine.select({ { channel = a, receive = true }, { channel = b, receive = true } })
        return value .. " " .. a:receive()
        """,
        "fast slow",
    ),
    "select can send": (
        """
        local a, b = goroutine.channel(1), goroutine.channel()
        local index = goroutine.select({ { channel = b, receive = true }, { channel = a, send = "x" } })
        return index .. a:receive()
        """,
        "2x",
    ),
    "a default is taken when nothing is ready": (
        """
        local taken
        local index = goroutine.select({
          { channel = goroutine.channel(), receive = true },
          { default = true, handler = function() taken = "default" end },
        })
        return index .. taken
        """,
        "2default",
    ),
    "a select that gives up leaves no waiter behind": (
        """
        local c = goroutine.channel()
        local timed_out = goroutine.select_timeout(5, { { channel = c, receive = true } })
        local taken = c:try_send("x")
        local late, index = goroutine.select_timeout(1000, { { channel = goroutine.channel(), receive = true }, { default = true } })
        return tostring(timed_out) .. tostring(taken) .. tostring(late) .. index
        """,
        "truefalsefalse2",
    ),
    "a wait group waits for all": (
        """
        local group, sum = goroutine.wait_group(), 0
        group:add(3)
        for i = 1, 3 do goroutine.spawn(function() goroutine.sleep(i) sum = sum + i group:done() end) end
        group:wait()
        group:wait()
        return tostring(sum)
        """,
        "6",
    ),
    "a mutex lets one in at a time": (
        """
        local mutex, inside, most, group = goroutine.mutex(), 0, 0, goroutine.wait_group()
        for i = 1, 5 do
          group:add()
          goroutine.spawn(function()
            mutex:lock()
            inside = inside + 1 most = math.max(most, inside)
            goroutine.sleep(1)
            inside = inside - 1
            mutex:unlock() group:done()
          end)
        end
        goroutine.sleep(1)
        local free = mutex:try_lock()
        group:wait()
        return most .. tostring(free) .. tostring(mutex:try_lock()) .. tostring(mutex:try_lock())
        """,
        "1falsetruefalse",
    ),
    "many read or one writes, and a waiting writer is not passed by": (
        """
        local m, order, group = goroutine.rwmutex(), {}, goroutine.wait_group()
        m:rlock()
        local second = m:try_rlock()
        group:add(2)
        goroutine.spawn(function() m:lock() table.insert(order, "write") m:unlock() group:done() end)
        goroutine.sleep(1)
        local third = m:try_rlock()
        goroutine.spawn(function() m:rlock() table.insert(order, "read") m:runlock() group:done() end)
        goroutine.sleep(1)
        m:runlock()
        table.insert(order, tostring(m:try_lock()))
        m:runlock()
        group:wait()
        return tostring(second) .. tostring(third) .. " " .. table.concat(order, " ") .. " " .. tostring(m:try_lock())
        """,
        "truefalse false write read true",
    ),
    "a semaphore lets so many in": (
        """
        local s, inside, most, group = goroutine.semaphore(2), 0, 0, goroutine.wait_group()
        for _ = 1, 5 do
          group:add(1)
          goroutine.spawn(function()
            s:acquire()
            inside = inside + 1 most = math.max(most, inside)
            goroutine.sleep(1)
            inside = inside - 1
            s:release() group:done()
          end)
        end
        group:wait()
        return most .. " " .. s:available() .. "/" .. s:capacity() .. tostring(s:try_acquire())
        """,
        "2 2/2true",
    ),
    "an atomic integer adds, swaps and compares": (
        """
        local n = goroutine.atomic_int(5)
        return n:add(2) .. " " .. n:swap(1) .. " " .. tostring(n:compare_and_swap(9, 3)) .. tostring(n:compare_and_swap(1, 3)) .. n:load()
        """,
        "7 7 falsetrue3",
    ),
    "once calls the first function, and others wait for its end": (
        """
        local once, calls, seen = goroutine.once(), 0, {}
        for i = 1, 3 do
          goroutine.spawn(function()
            once:call(function() goroutine.sleep(2) calls = calls + 1 end)
            seen[i] = calls
          end)
        end
        goroutine.sleep(10)
        return table.concat(seen, " ")
        """,
        "1 1 1",
    ),
    "a condition wakes one or all": (
        """
        local cond, woken = goroutine.cond(), 0
        local mutex = cond:get_mutex()
        for _ = 1, 3 do goroutine.spawn(function() mutex:lock() cond:wait() woken = woken + 1 mutex:unlock() end) end
        goroutine.sleep(1)
        cond:signal()
        goroutine.sleep(1)
        local after_signal = woken
        cond:broadcast()
        goroutine.sleep(1)
        return after_signal .. " " .. woken
        """,
        "1 3",
    ),
    "a context ends with its parent, at its time, or when told": (
        """
        local parent = goroutine.context()
        local child, cancel = parent:with_cancel()
        local short = parent:with_timeout(5)
        local before = tostring(child:is_cancelled()) .. tostring(parent:err())
        cancel()
        goroutine.sleep(10)
        local late = short:err()
        local other = parent:with_deadline(parent:with_timeout(60000):deadline())
        parent:cancel()
        return before .. " " .. child:err() .. " " .. late .. " " .. other:err() .. " " .. tostring(select(2, other:deadline()))
        """,
        "falsenil context canceled context deadline exceeded context canceled true",
    ),
    "a context that has ended is not kept by its parent": (
        """
        local parent = goroutine.context()
        local function kib_after(count)
          for _ = 1, count do select(2, parent:with_cancel())() end
          collectgarbage() collectgarbage()
          return collectgarbage("count")
        end
        local before = kib_after(100)
        return tostring(kib_after(20000) - before < 1000)
        """,
        "true",
    ),
    "a context's channel is closed at its end": (
        """
        local context = goroutine.context():with_timeout(5)
        local index = goroutine.select({ { channel = goroutine.channel(), receive = true }, { channel = context:done(), receive = true } })
        return index .. context:err()
        """,
        "2context deadline exceeded",
    ),
    "await gives what was returned, or the error": (
        """
        local good = goroutine.async(function(a, b) goroutine.sleep(1) return a + b, nil, "x" end, 1, 2)
        local bad = goroutine.async(function() error("no", 0) end)
        local ok, sum, none, text = goroutine.await(good)
        local failed, why = goroutine.await(bad)
        return tostring(ok) .. sum .. tostring(none) .. text .. tostring(failed) .. why
        """,
        "true3nilxfalseno",
    ),
    "await_all keeps the order": (
        """
        local handles = {}
        for i = 1, 3 do handles[i] = goroutine.async(function() goroutine.sleep(4 - i) if i == 2 then error("two", 0) end return i, -i end) end
        local r = goroutine.await_all(handles)
        return r[1].values[2] .. " " .. tostring(r[2].success) .. r[2].error .. " " .. r[3].values[1]
        """,
        "-1 falsetwo 3",
    ),
    "wait_all gives up on those that are late": (
        """
        local slow = goroutine.create(function() goroutine.sleep(5000) end)
        local r = goroutine.wait_all({ goroutine.create(function() return "a", "b" end), slow }, 0.02)
        local all = goroutine.wait_all({ goroutine.create(function() return 1 end) })
        return r[1].value .. r[1].values[2] .. tostring(r[2].success) .. r[2].error .. all[1].value
        """,
        "abfalsetimeout exceeded1",
    ),
    "a timeout ends what takes too long": (
        """
        local went_on = false
        local ok, why = goroutine.timeout(5, function() goroutine.sleep(10) went_on = true end)
        local fine, value = goroutine.timeout(1000, function() return "in time" end)
        goroutine.sleep(10)
        return tostring(ok) .. why .. tostring(went_on) .. tostring(fine) .. value
        """,
        "falsetimeout exceededfalsetruein time",
    ),
    "a timeout ends what is busy": (
        """
        local ok, why = goroutine.timeout(30, function() while true do pcall(function() while true do end end) end end)
        local fine, value = goroutine.timeout(1000, function() return "after it" end)
        return tostring(ok) .. why .. tostring(fine) .. value
        """,
        "falsetimeout exceededtrueafter it",
    ),
    "a pool works through its row with so many workers": (
        """
        local inside, most = 0, 0
        goroutine.pool_create("p", { workers = 2, queue_size = 1 })
        for i = 1, 6 do
          goroutine.pool_submit("p", function(n)
            inside = inside + 1 most = math.max(most, inside)
            goroutine.sleep(1)
            inside = inside - 1
            if n == 3 then error("three") end
          end, i)
        end
        goroutine.pool_wait("p")
        local s = goroutine.pool_stats("p")
        goroutine.pool_close("p")
        return most .. " " .. s.completed .. s.failed .. s.pending .. s.active .. s.submitted .. s.workers
        """,
        "2 510062",
    ),
    "a pool made anew is empty": (
        """
        goroutine.pool_create("p")
        local id = goroutine.pool_submit("p", function() end)
        goroutine.pool_create("p", { workers = 1 })
        local s = goroutine.pool_stats("p")
        return id .. " " .. s.name .. s.workers .. s.submitted .. s.queued
        """,
        "p-1 p100",
    ),
    "wait waits for all that the task has started": (
        """
        local done = 0
        for i = 1, 3 do
          goroutine.spawn(function() goroutine.sleep(i) goroutine.spawn(function() goroutine.sleep(2) done = done + 1 end) end)
        end
        goroutine.wait()
        return tostring(done)
        """,
        "3",
    ),
    "channels have functions too": (
        """
        local c = goroutine.channel(2, "bidirectional")
        goroutine.channel_send(c, "x")
        local size = goroutine.channel_len(c) .. goroutine.channel_cap(c)
        goroutine.channel_close(c)
        return size .. goroutine.channel_receive(c)
        """,
        "12x",
    ),
    "map keeps the order": (
        "return table.concat(goroutine.map({ 3, 1, 2 }, function(n, i) goroutine.sleep(n) return n * 10 + i end), ' ')",
        "31 12 23",
    ),
    "a pipeline works in stages and closes its end": (
        """
        local input, sum, count = goroutine.channel(3), 0, 0
        local output = goroutine.pipeline(input, {
          { workers = 2, fn = function(n) goroutine.sleep(1) if n % 2 == 0 then return n end end },
          function(n) return n * 10 end,
        })
        goroutine.spawn(function() for i = 1, 10 do input:send(i) end input:close() end)
        output:range(function(n) sum = sum + n count = count + 1 end)
        return count .. " " .. sum
        """,
        "5 300",
    ),
    "work is shared out and brought together": (
        """
        local jobs, sum = goroutine.channel(), 0
        local merged = goroutine.fan_in(goroutine.fan_out(jobs, 3))
        goroutine.spawn(function() for i = 1, 9 do jobs:send(i) end jobs:close() end)
        merged:range(function(n) sum = sum + n end)
        return tostring(sum)
        """,
        "45",
    ),
    "commands of goroutines run at the same time": (
        """
        local out = goroutine.map({ 1, 2, 3, 4 }, function(n) return exec.run("sleep 0.2; echo " .. n).stdout:gsub("%s", "") end)
        return table.concat(out)
        """,
        "1234",
    ),
    "a deadlock that is caught leaves nobody waiting": (
        """
        local c = goroutine.channel()
        pcall(function() c:receive() end)
        goroutine.spawn(function() c:send("sent") end)
        return (c:receive())
        """,
        "sent",
    ),
    "nor does one in a select": (
        """
        local a, b = goroutine.channel(), goroutine.channel()
        pcall(goroutine.select, { { channel = a, receive = true }, { channel = b, send = "lost" } })
        goroutine.spawn(function() a:send("sent") end)
        return a:receive() .. tostring(b:try_receive())
        """,
        "sentnil",
    ),
    "a select_timeout with a wrong case wakes nobody later": (
        """
        local c = goroutine.channel()
        pcall(goroutine.select_timeout, 1, { {} })
        goroutine.spawn(function() goroutine.sleep(30) c:send("sent") end)
        return (c:receive())
        """,
        "sent",
    ),
    "a sender that waited too long sends no more": (
        """
        local c = goroutine.channel()
        goroutine.select_timeout(1, { { channel = c, send = "late" } })
        return tostring(c:try_receive())
        """,
        "nil",
    ),
    "a reader does not wait for a writer that has given up": (
        """
        local m, order = goroutine.rwmutex(), ""
        m:rlock()
        pcall(function() m:lock() end)
        m:rlock()
        return "read twice"
        """,
        "read twice",
    ),
    "who calls once is over: others go on": (
        """
        local once = goroutine.once()
        goroutine.timeout(5, function() once:call(function() goroutine.sleep(10000) end) end)
        once:call(function() error("called twice") end)
        return "went on"
        """,
        "went on",
    ),
    "an error in once is that of its caller": (
        """
        local once, told = goroutine.once(), {}
        for i = 1, 2 do told[i] = tostring(pcall(function() once:call(function() error("bad") end) end)) end
        return table.concat(told, " ")
        """,
        "false true",
    ),
    "wait does not wait for the timers of contexts": (
        """
        local context = goroutine.context():with_timeout(60000)
        context:done()
        local done = false
        goroutine.spawn(function() goroutine.sleep(5) done = true end)
        goroutine.wait()
        return tostring(done)
        """,
        "true",
    ),
    "a timeout gives what the function returned": (
        """
        local ok, first, second = goroutine.timeout(5000, function() goroutine.sleep(1) return "a", "b" end)
        return tostring(ok) .. first .. second
        """,
        "trueab",
    ),
    "a script's own coroutine can wait for a channel": (
        """
        local c = goroutine.channel()
        local co = coroutine.wrap(function() coroutine.yield("first") return c:receive() end)
        local first = co()
        goroutine.spawn(function() goroutine.sleep(1) c:send("second") end)
        return first .. co()
        """,
        "firstsecond",
    ),
}


@pytest.mark.parametrize(("body", "expected"), RESULTS.values(), ids=RESULTS)
def test_it_does_what_go_does(script: Any, body: str, expected: str) -> None:
    loaded = script(f"task('t'):command(function() {body} end)")
    assert loaded.call(timeout=10)["message"] == expected


def test_goroutines_run_beside_each_other(script: Any) -> None:
    loaded = script("""
        task('t'):command(function()
          goroutine.map({ 1, 2, 3, 4, 5 }, function() exec.run("sleep 0.2") goroutine.sleep(100) end)
        end)
    """)
    started = time.monotonic()
    loaded.call()
    assert time.monotonic() - started < 1  # one after the other: 1.5 s


FAILURES = {
    "an error of a goroutine": (
        'goroutine.spawn(function() error("bad") end) sleep(5)',
        "t.sloth:1: bad",
    ),
    "while its task waits for a channel": (
        'goroutine.spawn(function() goroutine.sleep(1) error("bad") end) goroutine.channel():receive()',
        "t.sloth:1: bad",
    ),
    "while its task waits for a command": (
        'goroutine.spawn(function() goroutine.sleep(1) error("bad") end) exec.run("sleep 9")',
        "t.sloth:1: bad",
    ),
    "a channel that nobody sends on": (
        "goroutine.channel():receive()",
        "t.sloth:1: deadlock: nothing can go on: the task 't' waits to receive from a channel at t.sloth:1",
    ),
    "each waits for the other": (
        """local a, b = goroutine.channel(), goroutine.channel()
        goroutine.spawn(function() a:send(b:receive()) end)
        goroutine.mutex():lock()
        b:send(a:receive())""",
        "t.sloth:4: deadlock: nothing can go on: the task 't' waits to receive from a channel at t.sloth:4; "
        "a goroutine of the task 't' waits to receive from a channel at t.sloth:2",
    ),
    "a mutex that is taken twice": (
        "local m = goroutine.mutex() m:lock() m:lock()",
        "t.sloth:1: deadlock: nothing can go on: the task 't' waits for a mutex at t.sloth:1",
    ),
    "sending on a closed channel": (
        "local c = goroutine.channel(1) c:close() c:send(1)",
        "t.sloth:1: channel:send: the channel is closed",
    ),
    "closing it while somebody sends": (
        "local c = goroutine.channel() goroutine.spawn(function() c:close() end) c:send(1)",
        "t.sloth:1: channel:send: the channel was closed",
    ),
    "closing it twice": (
        "local c = goroutine.channel() c:close() c:close()",
        "t.sloth:1: channel:close: the channel is closed already",
    ),
    "the wrong direction": (
        "goroutine.channel(1, 'receive'):send(1)",
        "t.sloth:1: channel:send: this channel is only there to receive",
    ),
    "done more often than add": (
        "goroutine.wait_group():done()",
        "t.sloth:1: wait_group: done was called more often than add",
    ),
    "unlocking what is not locked": (
        "goroutine.mutex():unlock()",
        "t.sloth:1: mutex:unlock: it is not locked",
    ),
    "releasing what was not acquired": (
        "goroutine.semaphore(1):release()",
        "t.sloth:1: semaphore:release: it was released more often than acquired",
    ),
    "a pool that does not exist": (
        "goroutine.pool_create('workers') goroutine.pool_submit('worker', print)",
        "t.sloth:1: goroutine.pool_submit: there is no pool 'worker'; did you mean 'workers'?",
    ),
    "waiting for a condition without its mutex": (
        "goroutine.cond():wait()",
        "t.sloth:1: cond:wait: its mutex must be locked before, cond:get_mutex():lock()",
    ),
    "a map without a function": (
        "goroutine.map({})",
        "t.sloth:1: goroutine.map: its function must be a function, not nothing",
    ),
    "a timeout of nothing": (
        "goroutine.timeout(10)",
        "t.sloth:1: goroutine.timeout: its function must be a function, not nothing",
    ),
    "a pool where there is none": (
        "goroutine.pool_submit('worker', print)",
        "t.sloth:1: goroutine.pool_submit: there is no pool 'worker'",
    ),
    "a case that does nothing": (
        "goroutine.select({ { channel = goroutine.channel() } })",
        "t.sloth:1: goroutine.select: case 1 needs receive = true or send = a value",
    ),
    "no workers": (
        "goroutine.pool_create('p', { workers = 0 })",
        "t.sloth:1: goroutine.pool_create: workers must be a whole number from 1, not 0",
    ),
    "a row for nobody": (
        "goroutine.pool_create('p', { queue_size = 0 })",
        "t.sloth:1: goroutine.pool_create: queue_size must be a whole number from 1, not 0",
    ),
    "a capacity below 0": (
        "goroutine.channel(-1)",
        "t.sloth:1: goroutine.channel: capacity must be a whole number from 0, not -1",
    ),
    "sharing out among nobody": (
        "goroutine.fan_out(goroutine.channel(), 0)",
        "t.sloth:1: goroutine.fan_out: count must be a whole number from 1, not 0",
    ),
    "half a goroutine": (
        "goroutine.spawn_many(0.5, print)",
        "t.sloth:1: goroutine.spawn_many: count must be a whole number from 0, not 0.5",
    ),
    "a stage without workers": (
        "goroutine.pipeline(goroutine.channel(), { { workers = 0, fn = print } })",
        "t.sloth:1: goroutine.pipeline: stage 1: workers must be a whole number from 1, not 0",
    ),
    "an error in map": (
        "goroutine.map({ 1 }, function() error('bad') end)",
        "t.sloth:1: bad",
    ),
}


@pytest.mark.parametrize(("body", "message"), FAILURES.values(), ids=FAILURES)
def test_a_failure_is_one_clear_error(script: Any, body: str, message: str) -> None:
    loaded = script(f"task('t'):command(function() {body} end)")
    with pytest.raises(ScriptError) as caught:
        loaded.call(timeout=4)
    assert str(caught.value) == message


def test_a_deadlock_that_is_caught_leaves_the_task_alive(script: Any) -> None:
    loaded = script("""
        task('t'):command(function()
          local ok = pcall(function() goroutine.channel():receive() end)
          return not ok, "alive"
        end)
    """)
    assert loaded.call()["message"] == "alive"


HANDED_ON = {
    "a mutex": ("goroutine.mutex()", "it:lock()", "it:lock()", "it:unlock()", "it:lock()"),
    "a place": ("goroutine.semaphore(1)", "it:acquire()", "it:acquire()", "it:release()", "it:acquire()"),
    "a reader": ("goroutine.rwmutex()", "it:lock()", "it:rlock()", "it:unlock()", "it:lock()"),
    "a writer": ("goroutine.rwmutex()", "it:lock()", "it:lock()", "it:unlock()", "it:lock()"),
    "a value": ("goroutine.channel()", "", "it:receive()", "it:send(1)", "assert(it:receive() == 1)"),
    "a value of a select": (
        "goroutine.channel()", "", "goroutine.select({ { channel = it, receive = true } })", "it:send(1)",
        "assert(it:receive() == 1)",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("made", "first", "waits", "hands_over", "then"), HANDED_ON.values(), ids=HANDED_ON
)
def test_what_is_given_to_a_goroutine_that_ends_before_it_has_it_is_not_lost(
    script: Any, made: str, first: str, waits: str, hands_over: str, then: str
) -> None:
    loaded = script(f"""
        local it, calls = {made}, 0
        task('t'):command(function()
          calls = calls + 1
          if calls == 1 then
            {first}
            goroutine.spawn(function() {waits} error("it went on") end)
            goroutine.sleep(1)
            {hands_over}
          else
            {then}
          end
          return true, "done"
        end)
    """)
    assert [loaded.call()["message"], loaded.call(timeout=10)["message"]] == ["done", "done"]


def test_awaiting_what_ended_with_its_task_is_an_error(script: Any) -> None:
    loaded = script("""
        local handle
        task('t'):command(function()
          if handle then goroutine.await(handle) end
          handle = goroutine.async(function() goroutine.sleep(10000) end)
        end)
    """)
    loaded.call()
    with pytest.raises(ScriptError) as caught:
        loaded.call(timeout=10)
    assert str(caught.value) == "t.sloth:4: goroutine.await: its task has ended before it"


def test_a_timeout_ends_a_task_that_waits_for_a_channel(script: Any) -> None:
    loaded = script("""
        local never = goroutine.channel()
        task('t'):command(function() goroutine.spawn(function() sleep(60) end) never:receive() end)
    """)
    with pytest.raises(TaskTimeout):
        loaded.call(timeout=0.1)


def test_a_timeout_ends_goroutines_that_only_talk_to_each_other(script: Any) -> None:
    loaded = script("""
        task('t'):command(function()
          local a, b = goroutine.channel(), goroutine.channel()
          goroutine.spawn(function() while true do b:send(a:receive()) end end)
          while true do a:send(1) b:receive() end
        end)
    """)
    with pytest.raises(TaskTimeout):
        loaded.call(timeout=0.2)


def test_what_a_task_leaves_running_ends_with_it(script: Any, tmp_path: Any) -> None:
    loaded = script(f"""
        task('t'):command(function()
          goroutine.spawn(function() exec.run("sleep 0.3; echo late > {tmp_path}/late") end)
          goroutine.spawn(function() while true do goroutine.sleep(1) end end)
          goroutine.spawn(function() goroutine.channel():receive() end)
          goroutine.sleep(20)
          return true, "done"
        end)
    """)
    assert loaded.call()["message"] == "done"
    time.sleep(0.5)
    assert not (tmp_path / "late").exists()


def test_ten_thousand_goroutines_wait_at_once(script: Any) -> None:
    loaded = script("""
        task('t'):command(function()
          local count, group = 0, goroutine.wait_group()
          for _ = 1, 10000 do
            group:add(1)
            goroutine.spawn(function() goroutine.sleep(10) count = count + 1 group:done() end)
          end
          group:wait()
          return true, tostring(count)
        end)
    """)
    assert loaded.call(timeout=60)["message"] == "10000"


ENDLESS = {
    "a busy goroutine": "goroutine.spawn(function() while true do end end) sleep(60)",
    "one that catches everything": "goroutine.spawn(function() while true do pcall(function() while true do end end) end end) sleep(60)",
    "one that is busy while its task waits for a channel": "goroutine.spawn(function() while true do end end) goroutine.channel():receive()",
    "goroutines that start each other": "local function f() goroutine.spawn(f) end f() sleep(60)",
    "goroutines without end": "while true do goroutine.spawn(function() goroutine.sleep(1e6) end) end",
    "goroutines that only take turns": """
        local c = goroutine.channel()
        for _ = 1, 3 do goroutine.spawn(function() while true do c:send(1) end end) end
        while true do c:receive() end""",
    "select in a circle": "local c = goroutine.channel() while true do goroutine.select({ { channel = c, receive = true }, { default = true } }) end",
    "a pool that is never through": """
        goroutine.pool_create("p", { workers = 1 })
        local function again() goroutine.pool_submit("p", again) end again()
        goroutine.pool_wait("p")""",
    "a wait group that nobody ends": "goroutine.spawn(function() while true do goroutine.sleep(1) end end) local g = goroutine.wait_group() g:add(1) g:wait()",
}


@pytest.mark.parametrize("body", ENDLESS.values(), ids=ENDLESS)
def test_nothing_outlives_its_time(script: Any, body: str) -> None:
    loaded = script(f"task('t'):command(function() {body} end)\ntask('u'):command('true')")
    started = time.monotonic()
    with pytest.raises(TaskTimeout):
        loaded.call(timeout=0.3)
    assert time.monotonic() - started < 5
    loaded = script("task('t'):command(function() return true, 'alive' end)")
    assert loaded.call()["message"] == "alive"


def test_a_stop_before_a_goroutine_has_begun_is_a_stop(script: Any) -> None:
    loaded = script(
        "task('t'):command(function() local function f() goroutine.spawn(f) end f() sleep(60) end)"
    )
    for _ in range(100):  # one in twenty-five comes there
        with pytest.raises(TaskTimeout):
            loaded.call(timeout=0.02)


def test_a_goroutine_cannot_yield_out_of_itself(script: Any) -> None:
    loaded = script(
        "task('t'):command(function() goroutine.spawn(function() coroutine.yield(1) end) sleep(5) end)"
    )
    with pytest.raises(ScriptError) as caught:
        loaded.call()
    assert str(caught.value) == (
        "t.sloth:1: coroutine.yield: not inside a coroutine that the script made"
    )
