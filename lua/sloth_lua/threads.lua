--- Runs the script's functions as coroutines that Python knows by number only. Python holds one
--- Lua object, the function returned here, and gives and gets plain values.

local guards, host = ...
local STOP, REQUEST, tasks = guards.STOP, guards.REQUEST, guards.tasks
local create, resume, raw_pcall, xpcall = guards.create, guards.resume, guards.pcall, guards.xpcall
local type, rawequal, getinfo, traceback = type, rawequal, debug.getinfo, debug.traceback
local find, load, pcall = string.find, load, pcall
local text, encode = host.text, host.encode

local LIBRARY = guards.LIBRARY

local threads = {}   ---@type table<integer, { co: thread, defined_at: string? }>
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
  if problem == nil then return "an error without a message" end
  if type(problem) ~= "table" or host.behaves_as_text(problem) then return text(problem) end
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

-- `defined_at` stands for the line of an error that a tail call left without one.
local function start(body, defined_at)
  last = last + 1
  local co = create(function() return xpcall(body, on_error) end)
  threads[last], tasks[co] = { co = co, defined_at = defined_at }, true
  return last
end

local function definition_of(f)
  if not f then return nil end -- a kind that calls no function of the script
  local info = getinfo(f, "S")
  return info.what == "Lua" and not find(info.source, LIBRARY) and info.short_src .. ":" .. info.linedefined or nil
end

-- What a coroutine did, as plain values: "wait" op args | "done" json | "error" message where trace | "stopped"
local function report(id, alive, first, second, ...)
  if alive and rawequal(first, REQUEST) then return "wait", second, ... end
  local defined_at = threads[id].defined_at
  threads[id] = nil
  if alive and first then return "done", second end
  if rawequal(second, STOP) then return "stopped" end
  -- No table: the error could not be handled, for instance because memory ran out.
  if type(second) ~= "table" then return "error", text(alive and second or first), defined_at, "" end
  return "error", second.message, second.where or defined_at, second.trace
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
  return start(function() return invoke(f, host.decode(context)) end, definition_of(f))
end

function commands.resume(id, ...) return report(id, resume(threads[id].co, ...)) end

--- Forgets a coroutine that will not be resumed again.
function commands.drop(id)
  threads[id] = nil
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
