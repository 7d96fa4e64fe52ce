--- Values as JSON text and back: the only form in which a table crosses between Lua and Python.
--- Nothing else that is a Lua object ever does, because lupa crashes the process when Python
--- outlives the coroutine that one came from (docs/decisions/0002).

---@type { is_utf8: fun(text: string): boolean, sort: fun(list: table) }
local host = ...

local type, next, rawequal, getmetatable, setmetatable = type, next, rawequal, getmetatable, setmetatable
local tostring, tonumber, error = tostring, tonumber, error
local byte, char, find, format, gsub = string.byte, string.char, string.find, string.format, string.gsub
local match, sub, concat, floor = string.match, string.sub, table.concat, math.floor

local MAX_DEPTH = 100
local MAX_INTEGER = 2 ^ 53
local SMALLEST = 2 ^ -1022 -- numbers nearer to 0 have fewer digits
local MAX_KEPT = 1000 -- pieces of text; a larger buffer is not used again
local MAX_NAMES = 1000

local LIST = { __name = "list" }
local null = setmetatable({}, {
  __tostring = function() return "null" end,
  __newindex = function() error("null cannot be changed", 2) end,
})

--- Marks a table as a list, so that it stays one (`[]`) when it is empty.
---@param values table?
---@return table
local function list(values) return setmetatable(values or {}, LIST) end

--- Whether a table is marked so.
---@param value table
---@return boolean
local function is_list(value) return rawequal(getmetatable(value), LIST) end

-- The path to the value at hand, filled while encoding so that an error can name it, and the pieces
-- of the text so far. Making these tables anew takes a fifth of the time for a small value.
local keys, tables, depth, out, size = {}, {}, 0, {}, 0

local function refuse(what)
  local path = keys[0] or ""
  for level = 1, depth do
    local key = keys[level]
    if level > 6 then
      path = path .. "…"
      break
    elseif type(key) == "number" then
      path = path .. format("[%d]", key)
    else
      path = path .. (path == "" and "" or find(path, ":$") and " " or ".") .. key
    end
  end
  error({ refused = (path == "" and "the value" or path) .. " " .. what }, 0)
end

local function put(text)
  size = size + 1
  out[size] = text
end

local ESCAPED = {}
for code = 0, 31 do ESCAPED[char(code)] = format("\\u%04x", code) end
for letter, escape in next, { ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ['"'] = '\\"', ["\\"] = "\\\\" } do
  ESCAPED[letter] = escape
end

local function quote(text)
  if find(text, '[%c"\\\128-\255]') then
    if find(text, "[\128-\255]") and not host.is_utf8(text) then
      refuse("is not UTF-8 text; encode bytes first, for instance with crypto.base64")
    end
    text = gsub(text, '[%c"\\]', ESCAPED)
  end
  return '"' .. text .. '"'
end

-- Names of fields recur: with their quotes and colon they are made once.
local quoted_names, count_of_names = {}, 0

local function quote_name(name)
  if count_of_names >= MAX_NAMES then quoted_names, count_of_names = {}, 0 end
  local quoted = quote(name) .. ":"
  quoted_names[name], count_of_names = quoted, count_of_names + 1
  return quoted
end

local function number(value)
  if value ~= value or value == 1 / 0 or value == -1 / 0 then
    refuse("is " .. tostring(value) .. ", which is no JSON number")
  end
  if value == floor(value) then
    if value > MAX_INTEGER or value < -MAX_INTEGER then
      refuse("is an integer beyond 2^53, which Lua cannot hold exactly; use a string")
    end
    return format("%d", value)
  end
  for digits = (value < SMALLEST and value > -SMALLEST) and 1 or 14, 16 do
    local short = format("%." .. digits .. "g", value)
    if tonumber(short) == value then return short end
  end
  return format("%.17g", value)
end

local encode_value

local function enter(value)
  if depth >= MAX_DEPTH then
    for level = 1, depth do
      if rawequal(tables[level], value) then refuse("contains itself") end
    end
    refuse("is nested deeper than " .. MAX_DEPTH .. " levels")
  end
  depth = depth + 1
  tables[depth] = value
end

local function leave()
  keys[depth], tables[depth] = nil, nil
  depth = depth - 1
end

local NO_GAPS = "; a list is 1..n without nil, write json.null for an empty item"

local function encode_list(value, length)
  local count = 0
  for key in next, value do
    count = count + 1
    if type(key) ~= "number" then refuse("has both list items and the key " .. tostring(key)) end
    if key > length or key < 1 or key ~= floor(key) then refuse("has a gap before item " .. tostring(key) .. NO_GAPS) end
  end
  if count ~= length then refuse("has a gap" .. NO_GAPS) end
  enter(value)
  for index = 1, length do
    put(index == 1 and "[" or ",")
    keys[depth] = index
    encode_value(value[index])
  end
  leave()
  put("]")
end

local function sorted_names(value)
  local names, count = {}, 0
  for key in next, value do
    if type(key) ~= "string" then
      refuse(format("has the key %s; a list is 1..n without gaps, a map has only strings as keys", tostring(key)))
    end
    count = count + 1
    names[count] = key
  end
  if count == 2 then -- as often; a sort costs more than half of the rest
    if names[2] < names[1] then names[1], names[2] = names[2], names[1] end
  elseif count > 2 then
    host.sort(names)
  end
  return names, count
end

local function encode_map(value)
  local names, count = sorted_names(value)
  enter(value)
  for index = 1, count do
    local key = names[index]
    keys[depth] = key
    put(index == 1 and "{" or ",")
    put(quoted_names[key] or quote_name(key))
    encode_value(value[key])
  end
  leave()
  put("}")
end

function encode_value(value)
  local kind = type(value)
  if kind == "string" then
    put(quote(value))
  elseif kind == "number" then
    put(number(value))
  elseif kind == "boolean" then
    put(value and "true" or "false")
  elseif kind == "nil" or rawequal(value, null) then
    put("null")
  elseif kind ~= "table" then
    refuse("is a " .. kind .. ", which cannot be kept; only text, numbers, booleans, lists and maps can")
  elseif #value > 0 then
    encode_list(value, #value)
  elseif next(value) ~= nil then
    encode_map(value)
  else
    put(is_list(value) and "[]" or "{}")
  end
end

--- JSON text of a value, canonical as Python's store keeps it: names sorted, the shortest form of
--- each number, no spaces. Raises `{ refused = "attributes.ports[2] is …" }` for what is not JSON.
---@param value any
---@param name string? what the value is called in an error; after a colon its fields stand alone
---@return string
local function encode(value, name)
  keys[0], depth, size = name, 0, 0
  encode_value(value)
  local json = concat(out, "", 1, size)
  if size > MAX_KEPT then out = {} end
  return json
end

local UNESCAPED = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ["/"] = "/", ['"'] = '"', ["\\"] = "\\" }

-- Python writes \u only for control characters, all below 128. Other letters may have hex digits
-- behind them that are ordinary text.
local function unescape(letter, hex)
  if letter == "u" then return char(tonumber(hex, 16)) end
  return UNESCAPED[letter] .. hex
end

local function decode_text(json, at)
  local stop = find(json, '["\\]', at)
  if byte(json, stop) == 34 then return sub(json, at, stop - 1), stop + 1 end
  while byte(json, stop) == 92 do stop = find(json, '["\\]', stop + 2) end
  local raw = sub(json, at, stop - 1)
  raw = gsub(raw, "\\(.)(%x?%x?%x?%x?)", unescape)
  return raw, stop + 1
end

local decode_value

local function decode_list(json, at)
  local result, count = list(), 0
  if byte(json, at) == 93 then return result, at + 1 end
  repeat
    count = count + 1
    result[count], at = decode_value(json, at)
    at = at + 1
  until byte(json, at - 1) == 93
  return result, at
end

local function decode_map(json, at)
  local result, key = {}, nil
  if byte(json, at) == 125 then return result, at + 1 end
  repeat
    key, at = decode_text(json, at + 1)
    result[key], at = decode_value(json, at + 1)
    at = at + 1
  until byte(json, at - 1) == 125
  return result, at
end

function decode_value(json, at)
  local first = byte(json, at)
  if first == 34 then return decode_text(json, at + 1) end
  if first == 123 then return decode_map(json, at + 1) end
  if first == 91 then return decode_list(json, at + 1) end
  if first == 116 then return true, at + 4 end
  if first == 102 then return false, at + 5 end
  if first == 110 then return null, at + 4 end
  local digits = match(json, "^[-+%d.eE]+", at)
  return tonumber(digits), at + #digits
end

--- The value of JSON text that Python wrote: compact and known to be well-formed.
---@param json string
---@return any
local function decode(json)
  local value = decode_value(json, 1)
  if rawequal(value, null) then return nil end
  return value
end

return { encode = encode, decode = decode, list = list, is_list = is_list, null = null }
