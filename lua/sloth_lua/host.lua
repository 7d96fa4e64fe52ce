--- What the library's modules get of the runner: `host.call`, `host.wait` and checks of arguments.
--- Each operation answers with a tag and plain values; the tag says what they are.

local guards, compile_wire = ...
local raw, blame, caller = guards.raw, guards.blame, guards.caller
local STOP, REQUEST, yield = guards.STOP, guards.REQUEST, guards.yield
local error, type, tostring, format, sub = error, type, tostring, string.format, string.sub
local pcall, getmetatable, select, find = guards.pcall, getmetatable, select, string.find
local next, rawequal, setmetatable = next, rawequal, setmetatable

local sort, concat = table.sort, table.concat

local FAILED, VALUES, JSON, STOPPED = 0, 1, 2, 3

local wire = compile_wire({ is_utf8 = function(text) return select(2, raw("is_utf8", text)) end, sort = guards.sort })

---@class host
local host = { blame = blame, caller = caller, null = wire.null, list = wire.list, is_list = wire.is_list, decode = wire.decode }

local function answer(tag, ...)
  if tag == VALUES then return ... end
  if tag == JSON then return wire.decode((...)) end
  if tag == FAILED then blame((...)) end
  if tag == STOPPED then error(STOP, 0) end
  error("the runner answered with the unknown tag " .. tostring(tag))
end

--- Runs an operation of the runner at once. Its failure is an error at the script's line.
---@param operation string
---@param ... nil|boolean|number|string
function host.call(operation, ...)
  if guards.is_stale then guards.announce() end
  return answer(raw(operation, ...))
end

--- The same for one that takes time: other tasks run meanwhile.
---@param operation string
---@param ... nil|boolean|number|string
function host.wait(operation, ...) return answer(yield(REQUEST, operation, ...)) end

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

--- Whether a table wants to be taken for text, as a result of exec does.
---@param value table
---@return boolean
function host.behaves_as_text(value)
  local meta = getmetatable(value)
  return type(meta) == "table" and meta.__tostring ~= nil and not rawequal(value, host.null)
end

--- Whether a value is a table that is not taken for text.
---@param value any
---@return boolean
function host.is_plain_table(value) return type(value) == "table" and not host.behaves_as_text(value) end

local EXPECTED = { any = "a value", map = "a table of names to values" }

local function article(expected)
  return EXPECTED[expected] or (find(expected, "^[aeio]") and "an " or "a ") .. expected
end

local function describe(value, expected)
  if value == nil or rawequal(value, host.null) then return "nothing" end
  if type(value) == "string" then
    local shown = host.call("masked", value)
    return format("the string %q", #shown > 40 and sub(shown, 1, 40) .. "…" or shown)
  end
  if type(value) == "number" or type(value) == "boolean" then return tostring(value) end
  return expected == "map" and type(value) == "table" and "a list" or article(type(value))
end

--- Whether a value is a table without list items. An empty one counts, unless it was made as a list.
---@param value any
---@return boolean
function host.is_map(value)
  return type(value) == "table" and #value == 0 and not rawequal(value, host.null) and not host.is_list(value)
end

-- JSON has two kinds of nothing in it, Lua has one: `json.decode("[]")` is no less a table of names.
local function is_empty_list(value) return #value == 0 and host.is_list(value) end

local function refuse(call, name, value, expected, said)
  return blame(format("%s: %s must be %s, not %s", call, name, said or article(expected), describe(value, expected)))
end

--- The argument, if it has the type: a type of Lua, or "map", a table without list items. A number,
--- and a table that behaves as text, are taken for a "string" as well.
---@param call string "state.set_output"
---@param name string "key"
---@param value any
---@param expected string
---@param said string? how the error says it, if more than this type is allowed
---@return any value
function host.want(call, name, value, expected, said)
  local kind = rawequal(value, host.null) and "nil" or type(value)
  if kind == expected or expected == "any" and kind ~= "nil" then return value end
  if kind == "table" then
    if expected == "map" and host.is_map(value) then return value end
    if expected == "map" and is_empty_list(value) then return {} end
    if expected == "string" and host.behaves_as_text(value) then return host.text(value) end
  elseif kind == "number" and expected == "string" then
    return tostring(value)
  end
  return refuse(call, name, value, expected, said)
end

--- The same for a text that no number can be: a command, a machine's name.
---@param call string
---@param name string
---@param value any
---@param said string?
---@return string
function host.want_words(call, name, value, said)
  if type(value) == "number" then return refuse(call, name, value, "string", said) end
  return host.want(call, name, value, "string", said)
end

--- The same for an argument that may be left out.
function host.want_or_nil(call, name, value, expected)
  if value == nil or rawequal(value, host.null) then return nil end
  return host.want(call, name, value, expected)
end

--- The argument, if it is a whole number from the least.
---@param call string
---@param name string
---@param value any
---@param least integer
---@return integer
function host.whole(call, name, value, least)
  if host.want(call, name, value, "number") % 1 ~= 0 or value < least then
    blame(format("%s: %s must be a whole number from %d, not %s", call, name, least, value))
  end
  return value
end

-- Tables of expected fields are constants, so they are taken apart only once.
local parsed = setmetatable({}, { __mode = "k" })

local function parse(expected)
  local kinds, required, optional = {}, {}, {}
  for name, kind in next, expected do
    optional[name] = sub(kind, -1) == "?"
    kinds[name] = optional[name] and sub(kind, 1, -2) or kind
    if not optional[name] then required[#required + 1] = name end
  end
  sort(required)
  parsed[expected] = { kinds = kinds, required = required, optional = optional }
  return parsed[expected]
end

local function names_in(expected)
  local names = {}
  for name in next, expected do names[#names + 1] = name end
  return names
end

local function check_names(call, fields, expected)
  for name in next, fields do
    if not expected[name] then host.unknown(call .. ": it has no field", name, names_in(expected)) end
  end
end

--- A copy of a table of named fields that have these types, and no others.
---@param call string "state.resource"
---@param fields table what the script gave
---@param expected table<string, string> field to type; a type that ends in "?" may be left out
---@return table
function host.want_fields(call, fields, expected)
  host.want(call, "its argument", fields, "table")
  local known, checked = parsed[expected] or parse(expected), {}
  local kinds, required, is_map = known.kinds, known.required, host.is_map
  for name, value in next, fields do
    local kind = kinds[name]
    if type(value) ~= kind and not (kind == "map" and is_map(value)) then
      if kind ~= "any" then check_names(call, fields, expected) end -- what is misspelt is told first
      value = (known.optional[name] and host.want_or_nil or host.want)(call, name, value, kind)
    end
    checked[name] = value
  end
  for index = 1, #required do
    local name = required[index]
    if checked[name] == nil then host.want(call, name, nil, kinds[name]) end
  end
  return checked
end

--- "… 'comand'; did you mean 'command'?"
---@param what string
---@param name any
---@param known string[]
---@return string
function host.unknown_text(what, name, known)
  local nearest = host.call("nearest", host.text(name), host.encode(known, "names"))
  local help = nearest and format("; did you mean '%s'?", nearest) or ""
  if not nearest and #known > 0 and #known <= 30 then
    sort(known)
    help = "; there is " .. concat(known, ", ")
  end
  return format("%s '%s'%s", what, host.text(name), help)
end

--- Raises that at the script's line.
---@param what string
---@param name any
---@param known string[]
function host.unknown(what, name, known) blame(host.unknown_text(what, name, known)) end

--- Seconds of a duration: a number of seconds, or text such as "1h30m", "90s", "250ms".
---@param call string
---@param name string
---@param value number|string
---@return number
---@param more_than_zero boolean? whether 0 is refused too
function host.seconds(call, name, value, more_than_zero)
  if type(value) ~= "number" and type(value) ~= "string" then
    blame(format("%s: %s must be a duration, not %s", call, name, describe(value)))
  end
  local seconds, problem = host.call("duration", value)
  if not seconds then blame(format("%s: %s: %s", call, name, problem)) end
  if more_than_zero and seconds == 0 then blame(format("%s: %s must be more than 0", call, name)) end
  return seconds
end

return host
