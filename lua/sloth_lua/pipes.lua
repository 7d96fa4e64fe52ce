--- `io.popen`: a command as a file that can be read or written while it runs, and other tasks go on.

local host = ...
local type, select, tonumber, tostring, setmetatable, getmetatable, rawequal, unpack =
  type, select, tonumber, tostring, setmetatable, getmetatable, rawequal, unpack
local find, sub, match, concat, min, max = string.find, string.sub, string.match, table.concat, math.min, math.max
local want, blame = host.want, host.blame

local LONGEST_NUMBER = 200

---@class pipe
---@field id integer? nil if no command runs, because the file is only looked at
---@field mode "r"|"w"
---@field rest string what has arrived; up to `at` it has been read
---@field at integer
---@field at_end boolean
---@field is_closed boolean
local Pipe = {}
Pipe.__index = Pipe

function Pipe.__tostring(self) return self.is_closed and "file (closed)" or "file (io.popen)" end

local function is_pipe(value) return type(value) == "table" and rawequal(getmetatable(value), Pipe) end

local function checked(call, pipe)
  if not is_pipe(pipe) then blame(call .. ": call it with a colon: file:" .. call .. "(…)") end
  if pipe.is_closed then blame("attempt to use a closed file") end
  return pipe
end

-- ---------------------------------------------------------------------- reading

-- Several goroutines may wait here at once, so the rest is looked at anew after the wait.
local function fill(pipe)
  if pipe.at_end then return false end
  local piece = host.wait("io.popen.read", pipe.id)
  if piece == nil then
    pipe.at_end = true
    return false
  end
  pipe.rest, pipe.at = sub(pipe.rest, pipe.at) .. piece, 1
  return true
end

local function unread(pipe) return #pipe.rest - pipe.at + 1 end

local function take(pipe, length, dropped)
  local text = sub(pipe.rest, pipe.at, pipe.at + length - 1)
  pipe.at = pipe.at + length + (dropped or 0)
  return text
end

local function read_all(pipe)
  local pieces = {}
  repeat pieces[#pieces + 1] = take(pipe, unread(pipe)) until not fill(pipe)
  return concat(pieces)
end

local function read_line(pipe, with_end)
  local searched = 0
  while true do
    local stop = find(pipe.rest, "\n", pipe.at + searched, true)
    if stop then
      local length = stop - pipe.at
      return with_end and take(pipe, length + 1) or take(pipe, length, 1)
    end
    searched = unread(pipe)
    if not fill(pipe) then return searched > 0 and take(pipe, searched) or nil end
  end
end

local function read_count(pipe, count)
  while unread(pipe) < max(count, 1) and fill(pipe) do end
  if unread(pipe) == 0 then return nil end
  return take(pipe, min(count, unread(pipe)))
end

local function read_number(pipe)
  local _, stop
  repeat
    _, stop = find(pipe.rest, "^%s*[-+%w.]*", pipe.at)
  until stop < #pipe.rest or not fill(pipe)
  take(pipe, #match(pipe.rest, "^%s*", pipe.at))
  local text = sub(pipe.rest, pipe.at, min(stop, pipe.at + LONGEST_NUMBER))
  for length = #text, 1, -1 do
    local number = tonumber(sub(text, 1, length))
    if number then
      take(pipe, length)
      return number
    end
  end
end

local readers = {
  a = read_all,
  l = read_line,
  L = function(pipe) return read_line(pipe, true) end,
  n = read_number,
}

local function reader_of(format, position)
  if type(format) == "number" then return read_count end
  local reader = readers[match(want("read", "format", format, "string"), "^%*?(%a?)")]
  return reader or blame("bad argument #" .. position .. " to 'read' (invalid format)")
end

local function read(pipe, ...)
  if pipe.mode ~= "r" then return nil, "Bad file descriptor", 9 end
  local count = select("#", ...)
  if count == 0 then return read_line(pipe) end
  local results = {}
  for index = 1, count do
    local format = select(index, ...)
    results[index] = reader_of(format, index)(pipe, type(format) == "number" and format or nil)
    if results[index] == nil then return unpack(results, 1, index) end
  end
  return unpack(results, 1, count)
end

--- Reads what the command writes, and waits for it: "*l" a line (by default), "*L" with its end,
--- "*a" all, "*n" a number, or so many bytes. Nil at the end.
---@param ... string|integer
---@return string|number|nil ...
function Pipe:read(...) return read(checked("read", self), ...) end

--- An iterator over the lines, or over what `read` gives for these formats.
---@param ... string|integer
---@return fun(): string|number|nil ...
function Pipe:lines(...)
  checked("lines", self)
  local formats, count = { ... }, select("#", ...)
  return function() return read(checked("lines", self), unpack(formats, 1, count)) end
end

-- ---------------------------------------------------------------------- writing, and the end

--- Writes texts and numbers to the command, and waits until it has taken most of them.
---@param ... string|number
---@return pipe? itself, or nil, a message and a number if the command does not listen any more
function Pipe:write(...)
  checked("write", self)
  if self.mode ~= "w" then return nil, "Bad file descriptor", 9 end
  local texts = {}
  for index = 1, select("#", ...) do
    texts[index] = want("write", "argument " .. index, select(index, ...), "string")
  end
  if self.id and not host.wait("io.popen.write", self.id, concat(texts)) then return nil, "Broken pipe", 32 end
  return self
end

--- Waits until the command exits.
---@return true? ok nil if it did not exit with 0
---@return "exit"|"signal" how
---@return integer code
function Pipe:close()
  checked("close", self).is_closed = true
  if not self.id then return true, "exit", 0 end
  local how, code = host.wait("io.popen.close", self.id)
  return (how == "exit" and code == 0) or nil, how, code
end

--- Changes nothing: what is written goes out at once.
---@return pipe
function Pipe:flush() return checked("flush", self) end
--- Changes nothing.
---@return true
function Pipe:setvbuf() return checked("setvbuf", self) and true end
--- Is not possible: nil, a message and a number.
---@return nil
---@return string problem
---@return integer
function Pipe:seek()
  checked("seek", self)
  return nil, "Illegal seek", 29
end

-- A goroutine of the task waits for the command's end, so that the command ends with the task. It
-- does so when this returns.
local function watch(id)
  host.threads.spawn(function() host.wait("io.popen.watch", id) end)
  host.wait("io.popen.watched", id)
end

local function open(command, mode)
  command, mode = want("io.popen", "command", command, "string"), mode or "r"
  if mode ~= "r" and mode ~= "w" then blame('io.popen: mode must be "r" or "w", not ' .. tostring(mode)) end
  local id, text = host.wait("io.popen", command, mode)
  if not id then return nil, text end
  local pipe = { mode = mode, rest = "", at = 1, at_end = false, is_closed = false }
  if id == 0 then -- not run
    pipe.rest, pipe.at_end = text, true
  else
    pipe.id = id
    watch(id)
  end
  return setmetatable(pipe, Pipe)
end

return { open = open, is_pipe = is_pipe }
