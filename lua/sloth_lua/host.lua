--- What the library's modules get of the runner: `host.call`, `host.wait` and checks of arguments.
--- Each operation answers with a tag and plain values; the tag says what they are.

local guards, compile_wire = ...
local raw, blame, caller = guards.raw, guards.blame, guards.caller
local STOP, REQUEST, yield = guards.STOP, guards.REQUEST, guards.yield
local error, type, tostring, format = error, type, tostring, string.format
local pcall, getmetatable, select, find = pcall, getmetatable, select, string.find

local FAILED, VALUES, JSON, STOPPED = 0, 1, 2, 3

local wire = compile_wire({ is_utf8 = function(text) return select(2, raw("is_utf8", text)) end })

---@class host
local host = { blame = blame, caller = caller, null = wire.null, list = wire.list, decode = wire.decode }

local function answer(tag, first, ...)
  if tag == VALUES then return first, ... end
  if tag == JSON then return wire.decode(first) end
  if tag == FAILED then blame(first) end
  if tag == STOPPED then error(STOP, 0) end
  error("the runner answered with the unknown tag " .. tostring(tag))
end

--- Runs an operation of the runner at once. Its failure is an error at the script's line.
---@param operation string
---@param ... nil|boolean|number|string
function host.call(operation, ...)
  local first, second, third = answer(raw(operation, ...))
  return first, second, third
end

--- The same for one that takes time: other tasks run meanwhile.
---@param operation string
---@param ... nil|boolean|number|string
function host.wait(operation, ...)
  local first, second, third = answer(yield(REQUEST, operation, ...))
  return first, second, third
end

--- JSON text of an argument; what is not JSON is an error at the script's line.
---@param value any
---@param name string what the argument is called
---@return string
function host.encode(value, name)
  local ok, result = pcall(wire.encode, value, name)
  if ok then return result end
  if type(result) == "table" and result.refused then blame(result.refused) end
  return error(result, 0)
end

--- Text of anything: a string as it is, else what tostring makes of it.
---@param value any
---@return string
function host.text(value)
  local text = tostring(value)
  return type(text) == "string" and text or type(value)
end

local function article(expected) return (find(expected, "^[aeiou]") and "an " or "a ") .. expected end

local function describe(value)
  if value == nil then return "nothing" end
  if type(value) == "string" then return format("the string %q", #value > 40 and value:sub(1, 40) .. "…" or value) end
  if type(value) == "number" or type(value) == "boolean" then return tostring(value) end
  return article(type(value))
end

--- Checks an argument's type. A table that behaves as text (a result of exec) is a string too.
---@param call string "state.set_output"
---@param name string "key"
---@param value any
---@param expected string "string", "number", "boolean", "table" or "function"
---@return any value
function host.want(call, name, value, expected)
  if type(value) == expected then return value end
  if expected == "string" then
    if type(value) == "number" then return tostring(value) end
    local meta = type(value) == "table" and getmetatable(value)
    if meta and meta.__tostring then return tostring(value) end
  end
  return blame(format("%s: %s must be %s, not %s", call, name, article(expected), describe(value)))
end

--- The same for an argument that may be left out.
function host.want_or_nil(call, name, value, expected)
  if value == nil then return nil end
  return host.want(call, name, value, expected)
end

--- Checks a table of named fields: their types, and that there are no others.
---@param call string "state.resource"
---@param fields table what the script gave
---@param expected table<string, string> field to type; a type that ends in "?" may be left out, "any" is anything
function host.want_fields(call, fields, expected)
  host.want(call, "its argument", fields, "table")
  local known = {}
  for name, kind in next, expected do
    known[#known + 1] = name
    local value = fields[name]
    if kind:sub(-1) == "?" then
      kind = kind:sub(1, -2)
      if kind ~= "any" then host.want_or_nil(call, name, value, kind) end
    elseif kind ~= "any" then
      host.want(call, name, value, kind)
    end
  end
  for name in next, fields do
    if not expected[name] then host.unknown(call .. ": it has no field", name, known) end
  end
end

--- Raises "… 'comand'; did you mean 'command'?" at the script's line.
---@param what string
---@param name any
---@param known string[]
function host.unknown(what, name, known)
  local nearest = host.call("nearest", host.text(name), host.encode(known, "names"))
  blame(format("%s '%s'%s", what, host.text(name), nearest and format("; did you mean '%s'?", nearest) or ""))
end

--- Seconds of a duration: a number of seconds, or text such as "1h30m", "90s", "250ms".
---@param call string
---@param name string
---@param value number|string
---@return number
function host.seconds(call, name, value)
  if type(value) ~= "number" then value = host.want(call, name, value, "string") end
  local seconds, problem = host.call("duration", value)
  if not seconds then blame(format("%s: %s: %s", call, name, problem)) end
  return seconds
end

return host
