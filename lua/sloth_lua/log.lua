--- `log`: lines of the run's own output. Any values are put together with spaces.

local host = ...
local select, concat, type, next, rawequal, pcall = select, table.concat, type, next, rawequal, pcall

local MAX_DEPTH = 20

---@class log
---@field debug fun(...: any) shown with `--verbose`
---@field info fun(...: any) what is worth a line
---@field success fun(...: any) that something has worked
---@field warn fun(...: any) what may be wrong
---@field error fun(...: any) what is wrong; it does not make the task fail
---@field print fun(...: any) what the global `print` is
local log = {}

local function line(level)
  return function(...)
    local parts = {}
    for index = 1, select("#", ...) do parts[index] = host.text((select(index, ...))) end
    host.call("log", level, concat(parts, " "))
  end
end

for _, level in next, { "debug", "info", "success", "warn", "error" } do log[level] = line(level) end
log.print = line("print")

-- A copy in which all that is no JSON value is text.
local function showable(value, depth)
  if type(value) == "boolean" or rawequal(value, host.null) then return value end
  if type(value) == "number" and pcall(host.encode, value, "value") then return value end
  if type(value) ~= "table" or depth > MAX_DEPTH then return host.call("log.printable", host.text(value)) end
  local copy, count = {}, 0
  for key, item in next, value do
    copy[host.call("log.printable", host.text(key))], count = showable(item, depth + 1), count + 1
  end
  if count == 0 or count ~= #value then return copy end
  local list = host.list()
  for index = 1, count do list[index] = copy[host.text(index)] end
  return list
end

--- A table, readable, over several lines. What is no JSON value in it is shown as text.
---@param value any
function log.table(value)
  if type(value) ~= "table" then return log.print(value) end
  local ok, json = pcall(host.encode, value, "value")
  if not ok then json = host.encode(showable(value, 1), "value") end
  host.call("log", "info", host.call("json.encode", json, true))
end

return log
