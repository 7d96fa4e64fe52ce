--- `log`: lines of the run's own output. Any values are put together with spaces.

local host = ...
local select, concat, type, next, pcall = select, table.concat, type, next, pcall

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

local function is_list(value)
  local count = 0
  for _ in next, value do count = count + 1 end
  return count > 0 and count == #value
end

-- A copy in which all that is no JSON value is text. `above` has the tables that this one is in.
local function showable(value, above, depth)
  if pcall(host.encode, value, "value") then return value end
  if type(value) ~= "table" then return host.call("log.printable", host.text(value)) end
  if above[value] then return "(a table that this is in)" end
  if depth > MAX_DEPTH then return "…" end
  above[value] = true
  local listed = is_list(value)
  local copy = listed and host.list() or {}
  for key, item in next, value do
    copy[listed and key or host.call("log.printable", host.text(key))] = showable(item, above, depth + 1)
  end
  above[value] = nil
  return copy
end

--- A table, readable, over several lines. What is no JSON value in it is shown as text.
---@param value any
function log.table(value)
  if type(value) ~= "table" then return log.print(value) end
  local ok, json = pcall(host.encode, value, "value")
  if not ok then json = host.encode(showable(value, {}, 1), "value") end
  host.call("log", "info", host.call("json.encode", json, true))
end

return log
