--- `json`: text of values and back.

local host = ...
local getmetatable, rawequal = getmetatable, rawequal

local LIST = getmetatable(host.list())

---@class json
---@field null any an explicit null, which a table can hold and nil cannot be
local json = { null = host.null }

--- Marks a table as a list, so that it stays one when it is empty.
---@param values table?
---@return table
function json.list(values)
  values = host.want_or_nil("json.list", "its argument", values, "table") or {}
  local meta = getmetatable(values)
  if meta ~= nil and not rawequal(meta, LIST) then host.blame("json.list: its argument has a metatable of its own") end
  return host.list(values)
end

--- JSON text of a value, keys sorted. `{}` is an empty map, `json.list{}` an empty list.
---@param value any
---@return string
function json.encode(value) return host.call("json.encode", host.encode(value, "json.encode: value"), false) end

--- The same, over several lines.
---@param value any
---@return string
function json.pretty(value) return host.call("json.encode", host.encode(value, "json.pretty: value"), true) end

--- The value of JSON text; `null` inside it is `json.null`.
---@param text string
---@return any value nil if the text is not JSON
---@return string? problem
function json.decode(text)
  return host.call("json.decode", host.want("json.decode", "text", text, "string"))
end

return json
