--- Takes from the script's world what could crash, escape or outlive the runner, and makes
--- everything that catches errors let a stop through (docs/explanation/lua-host.md).

---@class raw_host the only Python function that Lua sees
---@type fun(operation: string, ...): integer, ...
local raw = ...

local error, select, tostring, tonumber, type, setmetatable =
  error, select, tostring, tonumber, type, setmetatable
local rawequal, next, find, concat, getinfo = rawequal, next, string.find, table.concat, debug.getinfo
local raw_pcall, raw_xpcall, raw_load, raw_loadfile = pcall, xpcall, load, loadfile
local raw_resume, raw_yield, create = coroutine.resume, coroutine.yield, coroutine.create
local running, isyieldable = coroutine.running, coroutine.isyieldable
local sethook, getlocal, collectgarbage = debug.sethook, debug.getlocal, collectgarbage

-- Raised to end a task for good: interrupted, out of time or memory, store lost. Python knows why.
local STOP = setmetatable({}, { __tostring = function() return "the task was stopped" end })
-- First value of a yield that asks Python to wait for something.
local REQUEST = {}
-- Coroutines that the runner itself resumes; a script must not yield out of them.
local tasks = setmetatable({}, { __mode = "k" })

local LIBRARY = "^=sloth_lua/" -- a script's own chunks begin with "@", wherever it lies
local HOOK_EVERY = 10000 -- instructions; about 0.1 ms, so a stop is prompt and costs below 1 %
local MAX_TEXT = 2 ^ 30 -- bytes; a string is made in one C call, which no hook can interrupt
local MAX_NESTING = 200 -- calls that take room on the stack of C, which nobody checks

--- Where the script called into the library: "deploy.sloth:12", or nil after a tail call, which
--- leaves no trace of its caller.
---@return string?
local function caller()
  local level, info = 1, nil
  repeat
    level = level + 1
    info = getinfo(level, "Sl")
  until not info or (info.currentline > 0 and not find(info.source, LIBRARY))
  return info and info.short_src .. ":" .. info.currentline
end

--- Raises an error at the script's line that called the library, however deep this is.
---@param message string
local function blame(message)
  local where = caller()
  error(where and where .. ": " .. message or message, 0)
end

-- ---------------------------------------------------------------------- stopping

local function stopping() return select(2, raw("stopping")) end

local function let_stop_through(ok, ...)
  if not ok and (rawequal((...), STOP) or stopping()) then error(STOP, 0) end
  return ok, ...
end

local function pcall(f, ...) return let_stop_through(raw_pcall(f, ...)) end
_G.pcall = pcall

function _G.xpcall(f, handler, ...)
  local function unless_stopped(problem)
    if rawequal(problem, STOP) then return STOP end
    return handler(problem)
  end
  return let_stop_through(raw_xpcall(f, unless_stopped, ...))
end

-- LuaJIT has one hook for all coroutines, and runs it only in the interpreter.
jit.off()
local memory_limit = select(2, raw("memory_limit")) -- KiB

-- What is over the limit may be garbage, or LuaJIT's own buffer, of which a collection frees half.
local function memory_in_use()
  local used, before = collectgarbage("count"), nil
  while used > memory_limit do
    before = used
    collectgarbage()
    used = collectgarbage("count")
    if used > before * 0.75 then break end
  end
  return used
end

local guards = {} -- what the library gets of all this

sethook(function()
  if guards.is_scheduling and not running() then return end -- between two coroutines nothing may be lost
  if guards.is_late and guards.is_late() then error(STOP, 0) end
  if guards.is_stale then guards.announce() end -- for its own time counts
  if select(2, raw("tick", memory_in_use())) then error(STOP, 0) end
end, "", HOOK_EVERY)

-- ---------------------------------------------------------------------- nesting

-- How many of these calls of C are on the stack when a coroutine runs, those of the coroutines that
-- resumed it included. A runaway recursion through them would crash the process.
local nesting = setmetatable({}, { __mode = "k" })

local function enter(call, co, level)
  if level > MAX_NESTING then blame(call .. ": calls are nested deeper than " .. MAX_NESTING .. " levels") end
  nesting[co] = level
end

local function level_of(co) return co and nesting[co] or 0 end

local raw_gsub = string.gsub

-- Called through pcall, C does not know its own name: "bad argument #1 to '?'".
local function leave(name, co, level, ok, ...)
  nesting[co] = level
  if ok then return ... end
  local problem = ...
  if type(problem) == "string" then problem = raw_gsub(problem, "to '%?'", "to '" .. name .. "'", 1) end
  return error(problem, 0)
end

local function guarded(name, call)
  return function(...)
    local co = running()
    if not co then return call(...) end
    local level = level_of(co)
    enter(name, co, level + 1)
    return leave(name, co, level, raw_pcall(call, ...))
  end
end

local raw_sort = table.sort
table.sort = guarded("table.sort", raw_sort)
local calling_gsub = guarded("string.gsub", raw_gsub)
function string.gsub(text, pattern, replacement, ...)
  if type(replacement) == "string" then return raw_gsub(text, pattern, replacement, ...) end
  return calling_gsub(text, pattern, replacement, ...)
end

-- ---------------------------------------------------------------------- coroutines

local function yield(...)
  if not isyieldable() then
    blame("exec, sleep and other calls that wait cannot be made inside string.gsub or table.sort")
  end
  return raw_yield(...)
end

-- A request made inside a script's own coroutine is passed outwards, to the runner.
local function forward(co, ok, first, ...)
  if ok and rawequal(first, REQUEST) then return forward(co, raw_resume(co, yield(first, ...))) end
  return let_stop_through(ok, first, ...)
end

local function unwrap(ok, first, ...)
  if not ok then error(first, 0) end
  return first, ...
end

function coroutine.resume(co, ...)
  if tasks[co] then blame("coroutine.resume: this coroutine is a task, which the runner resumes") end
  if type(co) == "thread" then enter("coroutine.resume", co, level_of(running()) + 1) end
  return forward(co, raw_resume(co, ...))
end

function coroutine.wrap(f)
  local co = create(f)
  return function(...)
    enter("coroutine.wrap", co, level_of(running()) + 1)
    return unwrap(forward(co, raw_resume(co, ...)))
  end
end

function coroutine.yield(...)
  local co = running()
  if not co or tasks[co] then blame("coroutine.yield: not inside a coroutine that the script made") end
  return yield(...)
end

-- ---------------------------------------------------------------------- what goes

local function read_all(reader)
  local pieces = {}
  repeat
    local piece = reader()
    pieces[#pieces + 1] = piece
  until piece == nil or piece == ""
  return concat(pieces)
end

-- Bytecode can crash the interpreter, so only text is compiled. A function that gives it is called
-- here and not by C, which would take a stop for an error in it and leave the hook switched off.
-- An absent environment and a nil one differ, hence the `...`.
function _G.load(chunk, name, _, ...)
  if type(chunk) == "function" then
    local ok, text = pcall(read_all, chunk)
    if not ok then return nil, text end
    chunk, name = text, name or "=(load)"
  end
  return raw_load(chunk, name, "t", ...)
end
_G.loadstring = _G.load

-- Without a path these would wait for the standard input.
local function loadfile(path, _, ...)
  if type(path) ~= "string" then blame("loadfile: path must be a string, not a " .. type(path)) end
  return raw_loadfile(path, "t", ...)
end
_G.loadfile = loadfile

function _G.dofile(path)
  local chunk, problem = loadfile(path)
  if not chunk then blame(problem) end
  return chunk()
end

local raw_rep = string.rep
function string.rep(text, count, separator)
  local piece = #tostring(text) + #tostring(separator or "")
  if piece * (tonumber(count) or 0) > MAX_TEXT then blame("string.rep: the result would be larger than 1 GiB") end
  return raw_rep(text, count, separator)
end

function os.exit()
  blame("os.exit is not available: return false, or raise an error, to make the task fail")
end

-- `module` and C look modules up in the table that `package.loaded` is, so it is emptied, not replaced.
local loaded = package.loaded
for name in next, loaded do loaded[name] = nil end
debug = { traceback = debug.traceback, getinfo = getinfo }
python, jit, newproxy = nil, nil, nil
package = { loaded = loaded, preload = {}, path = "./?.lua;./?/init.lua", config = package.config, seeall = package.seeall }

for name, value in next, {
  raw = raw, blame = blame, caller = caller, LIBRARY = LIBRARY, STOP = STOP, REQUEST = REQUEST, tasks = tasks,
  create = create, resume = raw_resume, yield = yield, pcall = raw_pcall, xpcall = raw_xpcall, sort = raw_sort, getlocal = getlocal,
} do guards[name] = value end
return guards
