--- Runs the script's functions as coroutines that Python knows by number only. Python holds one
--- Lua object, the function returned here, and gives and gets plain values.
---
--- A call of Python's is one thread; the goroutines it starts are threads that it owns. They wait for
--- each other here, without Python: it is told only of those that want something of it.

local guards, host = ...
local STOP, REQUEST, tasks = guards.STOP, guards.REQUEST, guards.tasks
local create, resume, raw_pcall, xpcall, raw = guards.create, guards.resume, guards.pcall, guards.xpcall, guards.raw
local type, next, rawequal, getinfo, traceback = type, next, rawequal, debug.getinfo, debug.traceback
local find, load, pcall = string.find, load, pcall
local ipairs = ipairs
local text, encode, LIBRARY = host.text, host.encode, guards.LIBRARY

local PARK = {} -- asked for instead of an operation: to wait until `M.ready`
local TURNS = 1000 -- resumptions before Python's event loop gets its turn, about 2 ms

---@class runner_thread
---@field id integer
---@field co thread
---@field owner runner_thread the one whose end is also this one's; itself, for a call of Python's
---@field children table<runner_thread, true> its goroutines
---@field name string? the task's
---@field is_elsewhere boolean? whether its commands run on another machine
---@field defined_at string? stands for the line of an error that a tail call left without one
---@field waits_for string? what a parked one waits for
---@field wait any? stands for this waiting: what is woken only while it is so
---@field woken waiter? why it goes on, until it does
---@field failure string? raised where it is parked
---@field is_over boolean
---@field ends_at number? when its time is over, in milliseconds since 1970
---@field is_late boolean? it was stopped for that
---@field is_helper boolean? a timer of the library's
---@field at_end (fun())[]? called when it is over, whatever the cause

local threads = {}   ---@type table<integer, runner_thread>
local functions = {} ---@type function[]
local kinds = {}     ---@type table<string, fun(f: function, context: table): any>
local last_id = 0
local queue, front, back = {}, 1, 0 ---@type runner_thread[] those that can go on
local current, announced ---@type runner_thread?, integer?

local M = { kinds = kinds }

--- Gives a function of the script the number by which Python asks for it.
---@param f function
---@return integer
function M.keep(f)
  functions[#functions + 1] = f
  return #functions
end

-- ---------------------------------------------------------------------- errors

local function message_of(problem)
  if problem == nil then return "an error without a message" end
  if not host.is_plain_table(problem) then return text(problem) end
  local message = problem.message or problem.msg or problem.error or problem[1]
  if message ~= nil then return text(message) end
  local ok, json = pcall(encode, problem, "error")
  return ok and json or text(problem)
end

-- Runs where the error happened, so that the stack still shows where.
local function on_error(problem)
  if rawequal(problem, STOP) then return STOP end
  local where = guards.caller()
  local ok, message = pcall(message_of, problem)
  return { message = ok and message or "an error that cannot be shown", where = where, trace = traceback("", 2) }
end

local function definition_of(f)
  if not f then return nil end -- a kind that calls no function of the script
  local info = getinfo(f, "S")
  return info.what == "Lua" and not find(info.source, LIBRARY) and info.short_src .. ":" .. info.linedefined or nil
end

-- ---------------------------------------------------------------------- threads

local function new_thread(body, defined_at, owner)
  last_id = last_id + 1
  local co = create(function() return xpcall(body, on_error) end)
  local thread = { id = last_id, co = co, defined_at = defined_at, is_over = false }
  thread.owner = owner or thread
  if owner then owner.children[thread] = true else thread.children = {} end
  threads[last_id], tasks[co] = thread, true
  return thread
end

local function forget(thread)
  threads[thread.id] = nil
  thread.is_over, thread.wait = true, nil
  local woken = thread.woken
  if woken and woken.pass_on then woken.pass_on(woken) end -- it comes to nothing with what it was given
  if not thread.at_end then return end
  for _, f in ipairs(thread.at_end) do f() end
end

local function end_of(thread)
  forget(thread)
  if thread.owner ~= thread then
    thread.owner.children[thread] = nil
  elseif not thread.outlived then
    for child in next, thread.children do forget(child) end
  end
end

--- Lets a thread that is parked, or new, go on when its turn comes.
---@param thread runner_thread
function M.ready(thread)
  back = back + 1
  queue[back] = thread
end

--- The thread that runs.
---@return runner_thread
function M.current() return current end

--- Whether commands of the task that runs are run on another machine.
---@return boolean?
function M.is_elsewhere() return current.owner.is_elsewhere end

--- Waits until somebody calls `M.ready` for this thread, which nobody may do twice: before it, its
--- `wait` must be the one given here, and be taken away.
---@param waits_for string "to receive from a channel", for the report of a deadlock
---@param wait any
function M.park(waits_for, wait)
  local thread = current
  thread.waits_for, thread.wait = waits_for, wait
  guards.yield(REQUEST, PARK)
  thread.waits_for, thread.woken = nil, nil
  if thread.failure then
    local failure = thread.failure
    thread.failure = nil
    host.blame(failure)
  end
end

--- Calls a function in a goroutine of the task that runs. Its error is that task's.
---@param f function
---@param is_helper boolean? a timer of the library's, which nobody waits for
---@return runner_thread
function M.spawn(f, is_helper)
  local thread = new_thread(f, definition_of(f), current.owner)
  thread.is_helper = is_helper
  M.ready(thread)
  return thread
end

--- Calls a function when a thread is over: it has returned, raised, or was ended.
---@param thread runner_thread
---@param f fun()
function M.at_end(thread, f)
  thread.at_end = thread.at_end or {}
  thread.at_end[#thread.at_end + 1] = f
end

--- Ends a goroutine that is not needed any more, wherever it waits.
---@param thread runner_thread
function M.cancel(thread)
  if thread.is_over then return end
  end_of(thread)
  raw("forget", thread.id)
end

-- Operations work on behalf of a task, so Python must know which one runs before it is asked for one.
function guards.announce()
  guards.is_stale, announced = false, current.owner.id
  raw("switch", announced)
end

-- A goroutine that is busy lets no timer have its turn, so the hook looks at the time itself.
function guards.is_late()
  if not current or not current.ends_at or current.is_over then return false end
  local _, now = raw("goroutine.now")
  current.is_late = now >= current.ends_at
  return current.is_late
end

-- ---------------------------------------------------------------------- running them

local function ended(thread, message, where, trace)
  return "error", thread.id, thread.owner.id, message, where or thread.defined_at, trace
end

-- What a thread did, as plain values: kind, its number, its owner's, and
-- "wait" op args | "done" json | "error" message where trace | "stopped". Nothing if it is parked, or
-- a goroutine that is done.
local function report(thread, alive, first, second, ...)
  if alive and rawequal(first, REQUEST) then
    if rawequal(second, PARK) then return nil end
    return "wait", thread.id, thread.owner.id, second, ...
  end
  end_of(thread)
  if alive and first then
    if thread.owner ~= thread then return nil end
    return "done", thread.id, thread.id, second
  end
  local problem = second
  if not alive then problem = first end -- raised before or after what handles its errors
  if rawequal(problem, STOP) then
    if thread.is_late then return nil end
    return "stopped", thread.id, thread.owner.id
  end
  -- No table: the error could not be handled, for instance because memory ran out.
  if type(problem) ~= "table" then return ended(thread, text(problem), nil, "") end
  return ended(thread, problem.message, problem.where, problem.trace)
end

local function step(thread, ...)
  current = thread
  guards.is_stale = thread.owner.id ~= announced
  return report(thread, resume(thread.co, ...))
end

local go_on

-- The kind, whether others can go on at once, and the rest of what is told.
local function told_or_next(turns, kind, ...)
  if kind then return kind, front <= back, ... end
  return go_on(turns)
end

function go_on(turns)
  if front > back then
    front, back = 1, 0
    return "idle", false
  end
  if turns == 0 then return "idle", true end
  local thread = queue[front]
  queue[front], front = nil, front + 1
  if thread.is_over then return go_on(turns) end
  return told_or_next(turns - 1, step(thread))
end

local function waiting_threads()
  local waiting = {}
  for id = 1, last_id do
    if threads[id] and threads[id].waits_for then waiting[#waiting + 1] = threads[id] end
  end
  return waiting
end

local function leave_scheduling(...)
  guards.is_scheduling = false
  return ...
end

-- A command during which coroutines take turns.
local function scheduling(f)
  return function(...)
    guards.is_scheduling = true
    return leave_scheduling(f(...))
  end
end

local commands = {}

--- Compiles a file and makes a thread of it: its number, or nil, message. Its goroutines outlive it.
function commands.load(source, name)
  local chunk, problem = load(source, name)
  if not chunk then return nil, problem end
  local thread = new_thread(function() chunk() end)
  thread.outlived = true
  return thread.id
end

--- Makes a thread that calls a kept function as a command, condition or hook.
function commands.start(kind, id, context, name, is_elsewhere)
  local invoke, f = kinds[kind], functions[id]
  local thread = new_thread(function() return invoke(f, host.decode(context)) end, definition_of(f))
  thread.name, thread.is_elsewhere = name, is_elsewhere
  return thread.id
end

--- Runs a thread with the answer to what it waited for, then others that can go on.
commands.resume = scheduling(function(id, ...)
  local thread = threads[id]
  if not thread then return go_on(TURNS) end
  announced = thread.owner.id -- Python resumes on its behalf
  return told_or_next(TURNS, step(thread, ...))
end)

--- Runs those that can go on.
commands.go_on = scheduling(function() return go_on(TURNS) end)

--- Raises an error in every call of Python's, because all wait and nobody is left to wake them.
commands.deadlock = scheduling(function()
  local waiting = waiting_threads()
  local description = host.library("deadlock")(guards)(waiting) -- rare
  for _, thread in next, waiting do
    if thread.owner == thread then
      thread.failure, thread.wait = description, nil
      M.ready(thread)
    end
  end
  return go_on(TURNS)
end)

--- Forgets a thread that will not be resumed again.
function commands.drop(id)
  if threads[id] then end_of(threads[id]) end
end

--- Adds an answer of Python's own: the description of the workflows, the global `outputs`.
function M.answer(command, f) commands[command] = f end

local function told(ok, first, ...)
  if not ok then return false, text(first) end
  return true, first, ...
end

--- True and what the command gives, or false and a message.
function M.dispatch(command, ...) return told(raw_pcall(commands[command], ...)) end

return M
