--- Takes from the script's world what could crash, escape or outlive the runner, and makes
--- everything that catches errors let a stop through (docs/explanation/lua-host.md).

---@class raw_host the only Python function that Lua sees
---@type fun(operation: string, ...): integer, ...
local raw = ...

local error, select, tostring, type = error, select, tostring, type
local raw_pcall, raw_xpcall, getinfo = pcall, xpcall, debug.getinfo
local raw_resume, raw_yield, create = coroutine.resume, coroutine.yield, coroutine.create
local running, sethook, collectgarbage = coroutine.running, debug.sethook, collectgarbage

-- Raised to end a task for good: interrupted, out of time or memory, store lost. Python knows why.
local STOP = setmetatable({}, { __tostring = function() return "the task was stopped" end })
-- First value of a yield that asks Python to wait for something.
local REQUEST = {}
-- Coroutines that the runner itself resumes; a script must not yield out of them.
local tasks = setmetatable({}, { __mode = "k" })

local LIBRARY = "^@sloth_lua/"
local HOOK_EVERY = 10000 -- instructions; about 0.1 ms, so a stop is prompt and costs below 1 %
local MAX_TEXT = 2 ^ 30 -- bytes; a string is made in one C call, which no hook can interrupt

--- Where the script called into the library: "deploy.sloth:12", or nil.
---@return string?
local function caller()
  local level, info = 1, nil
  repeat
    level = level + 1
    info = getinfo(level, "Sl")
  until not info or (info.currentline > 0 and not info.source:find(LIBRARY))
  return info and info.short_src .. ":" .. info.currentline
end

--- Raises an error at the script's line that called the library, however deep this is.
---@param message string
local function blame(message)
  local where = caller()
  error(where and where .. ": " .. message or message, 0)
end

-- ---------------------------------------------------------------------- stopping

local function let_stop_through(ok, ...)
  if not ok and ((...) == STOP or select(2, raw("stopping"))) then error(STOP, 0) end
  return ok, ...
end

function _G.pcall(f, ...) return let_stop_through(raw_pcall(f, ...)) end

function _G.xpcall(f, handler, ...)
  local function unless_stopped(problem)
    if problem == STOP then return STOP end
    return handler(problem)
  end
  return let_stop_through(raw_xpcall(f, unless_stopped, ...))
end

-- LuaJIT has one hook for all coroutines, and runs it only in the interpreter.
jit.off()
sethook(function()
  if select(2, raw("tick", collectgarbage("count"))) then error(STOP, 0) end
end, "", HOOK_EVERY)

-- ---------------------------------------------------------------------- coroutines

-- A request made inside a script's own coroutine is passed outwards, to the runner.
local function forward(co, ok, first, ...)
  if ok and first == REQUEST then return forward(co, raw_resume(co, raw_yield(first, ...))) end
  return let_stop_through(ok, first, ...)
end

local function unwrap(ok, first, ...)
  if not ok then error(first, 0) end
  return first, ...
end

function coroutine.resume(co, ...)
  if tasks[co] then blame("coroutine.resume: this coroutine is a task, which the runner resumes") end
  return forward(co, raw_resume(co, ...))
end

function coroutine.wrap(f)
  local co = create(f)
  return function(...) return unwrap(forward(co, raw_resume(co, ...))) end
end

function coroutine.yield(...)
  local co = running()
  if not co or tasks[co] then blame("coroutine.yield: not inside a coroutine that the script made") end
  return raw_yield(...)
end

-- ---------------------------------------------------------------------- what goes

-- Bytecode can crash the interpreter, so only text is compiled. An absent environment and a nil
-- one differ, hence the counting.
local function text_only(compile)
  return function(chunk, name, _, ...) return compile(chunk, name, "t", ...) end
end

local raw_load, raw_loadfile = load, loadfile
_G.load = text_only(raw_load)
_G.loadstring = _G.load
function _G.loadfile(path, _, ...) return raw_loadfile(path, "t", ...) end
function _G.dofile(path) return assert(raw_loadfile(path, "t"))() end

local raw_rep = string.rep
function string.rep(text, count, separator)
  if type(count) == "number" and #tostring(text) * count > MAX_TEXT then
    blame("string.rep: the result would be larger than 1 GiB")
  end
  return raw_rep(text, count, separator)
end

function os.exit()
  blame("os.exit is not available: return false, or raise an error, to make the task fail")
end

debug = { traceback = debug.traceback, getinfo = debug.getinfo }
python, jit, newproxy = nil, nil, nil
package = { loaded = {}, preload = {}, path = "./?.lua;./?/init.lua", config = package.config, seeall = package.seeall }
io.stdout:setvbuf("line")

return {
  raw = raw, blame = blame, caller = caller, STOP = STOP, REQUEST = REQUEST, tasks = tasks,
  create = create, resume = raw_resume, yield = raw_yield, xpcall = raw_xpcall,
}
