--- Runs the script's functions as coroutines that Python knows by number only. Python holds one
--- Lua object, the function returned here, and gives and gets plain values.

local guards, host = ...
local STOP, REQUEST, tasks = guards.STOP, guards.REQUEST, guards.tasks
local create, resume, xpcall = guards.create, guards.resume, guards.xpcall
local error, type, tostring, getmetatable, getinfo, traceback =
  error, type, tostring, getmetatable, debug.getinfo, debug.traceback
local find, status, load, pcall = string.find, coroutine.status, load, pcall

local threads = {}   ---@type table<integer, thread>
local functions = {} ---@type function[]
local kinds = {}     ---@type table<string, fun(f: function, context: table): any>
local last = 0

local M = { kinds = kinds }

--- Gives a function of the script the number by which Python asks for it.
---@param f function
---@return integer
function M.keep(f)
  functions[#functions + 1] = f
  return #functions
end

local function message_of(problem)
  if type(problem) ~= "table" then return tostring(problem) end
  local meta = getmetatable(problem)
  if meta and meta.__tostring then return tostring(problem) end
  local text = problem.message or problem.msg or problem.error or problem[1]
  if text ~= nil then return tostring(text) end
  local ok, json = pcall(host.encode, problem, "error")
  return ok and json or tostring(problem)
end

-- Runs where the error happened, so that the stack still shows where.
local function on_error(problem)
  if problem == STOP then return STOP end
  local where, level, info = nil, 1, nil
  repeat
    level = level + 1
    info = getinfo(level, "Sl")
    if info and info.currentline > 0 and not find(info.source, "^@sloth_lua/") then
      where = info.short_src .. ":" .. info.currentline
    end
  until where or not info
  local ok, message = pcall(message_of, problem)
  return { message = ok and message or "an error that cannot be shown", where = where, trace = traceback("", 2) }
end

local function start(body)
  last = last + 1
  local co = create(function() return xpcall(body, on_error) end)
  threads[last], tasks[co] = co, true
  return last
end

local function finish(id, ...)
  threads[id] = nil
  return ...
end

-- What a coroutine did, as plain values: "wait" op args | "done" json | "error" message where trace | "stopped"
local function report(id, alive, first, second, ...)
  if not alive then return finish(id, "error", tostring(first), nil, "") end
  if first == REQUEST then return "wait", second, ... end
  if status(threads[id]) ~= "dead" then return finish(id, "error", "the task yielded outside of any call", nil, "") end
  if first then return finish(id, "done", second) end
  if second == STOP then return finish(id, "stopped") end
  if type(second) ~= "table" then return finish(id, "error", tostring(second), nil, "") end
  return finish(id, "error", second.message, second.where, second.trace)
end

local commands = {}

--- Compiles a file and makes a coroutine of it: its number, or nil, message.
function commands.load(source, name)
  local chunk, problem = load(source, name)
  if not chunk then return nil, problem end
  return start(function() chunk() end)
end

--- Makes a coroutine that calls a kept function as a command, condition or hook.
function commands.start(kind, id, context)
  local invoke, f = kinds[kind], functions[id]
  return start(function() return invoke(f, host.decode(context)) end)
end

function commands.resume(id, ...) return report(id, resume(threads[id], ...)) end

--- Forgets a coroutine that will not be resumed again.
function commands.drop(id)
  threads[id] = nil
end

--- Adds an answer of Python's own: the description of the workflows, the global `outputs`.
function M.answer(command, f) commands[command] = f end

function M.dispatch(command, ...) return commands[command](...) end

return M
