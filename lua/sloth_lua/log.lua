--- `log`: lines of the run's own output. Any values, put together with spaces.

local host = ...
local select, concat, type = select, table.concat, type

local log = {}

local function line(level)
  return function(...)
    local parts = {}
    for index = 1, select("#", ...) do parts[index] = host.text((select(index, ...))) end
    host.call("log", level, concat(parts, " "))
  end
end

for _, level in ipairs({ "debug", "info", "success", "warn", "error" }) do log[level] = line(level) end
log.print = line("print")

--- A table, readable, over several lines.
---@param value any
function log.table(value)
  if type(value) ~= "table" then return log.print(value) end
  host.call("log", "info", host.call("json.encode", host.encode(value, "value"), true))
end

return log
