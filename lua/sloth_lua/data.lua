--- `data`: values as text in several formats and back, and tables within tables.

local host = ...
local type, next, tonumber, tostring, rawequal, getmetatable = type, next, tonumber, tostring, rawequal, getmetatable
local select, setmetatable, split = select, setmetatable, string.split
local want = host.want

local MAX_DEPTH = 100

---@class data
---@field json_encode fun(value: any): string the same as `json.encode`
---@field json_decode fun(text: string): any, string? the same as `json.decode`
---@field json_pretty fun(value: any): string the same as `json.pretty`
---@field parse_json fun(text: string): any, string? the same as `data.json_decode`
---@field to_json fun(value: any): string the same as `data.json_pretty`
---@field yaml_encode fun(value: any): string the same as `yaml.encode`
---@field yaml_decode fun(text: string): any, string? the same as `yaml.decode`
---@field parse_yaml fun(text: string): any, string? the same as `data.yaml_decode`
---@field to_yaml fun(value: any): string the same as `data.yaml_encode`
---@field toml_encode fun(value: table): string the same as `toml.encode`
---@field toml_decode fun(text: string): table?, string? the same as `toml.decode`
---@field csv_parse fun(text: string, options: string|table|nil): table?, string? the same as `data.csv_decode`
---@field csv_generate fun(rows: table, options: string|table|nil): string the same as `data.csv_encode`
local data = {}

local modules = host.modules

for name, of in next, {
  json_encode = { "json", "encode" }, json_decode = { "json", "decode" }, json_pretty = { "json", "pretty" },
  parse_json = { "json", "decode" }, to_json = { "json", "pretty" },
  yaml_encode = { "yaml", "encode" }, yaml_decode = { "yaml", "decode" },
  parse_yaml = { "yaml", "decode" }, to_yaml = { "yaml", "encode" },
  toml_encode = { "toml", "encode" }, toml_decode = { "toml", "decode" },
} do
  data[name] = modules[of[1]][of[2]]
end

--- Whether a text is JSON.
---@param text string
---@return boolean
---@return string? problem
function data.json_validate(text)
  local _, problem = modules.json.decode(text)
  return problem == nil, problem
end

--- JSON text with the value of YAML text, or nil and a message if it is no YAML.
---@param text string
---@return string?
---@return string? problem
function data.yaml_to_json(text)
  local value, problem = modules.yaml.decode(text)
  if problem then return nil, problem end
  return modules.json.encode(value)
end

--- YAML text with the value of JSON text, or nil and a message if it is no JSON.
---@param text string
---@return string?
---@return string? problem
function data.json_to_yaml(text)
  local value, problem = modules.json.decode(text)
  if problem then return nil, problem end
  return modules.yaml.encode(value)
end

-- ---------------------------------------------------------------------- CSV

local function csv_options(call, options, header)
  if type(options) == "string" then options = { delimiter = options } end
  options = host.want_fields(call, options or {}, { delimiter = "string?", header = header })
  if options.delimiter and #options.delimiter ~= 1 then host.blame(call .. ": delimiter must be one character") end
  return host.encode(options, call .. ":")
end

--- The rows of CSV text (RFC 4180), lists of texts; empty lines are no rows. With `header` the first row names the columns, and
--- the others are tables of name to text.
---@param text string
---@param options string|{ delimiter: string?, header: boolean? }|nil a text is the delimiter, "," by default
---@return table? rows nil if the text is not CSV
---@return string? problem
function data.csv_decode(text, options)
  text = want("data.csv_decode", "text", text, "string")
  return host.call("data.csv_decode", text, csv_options("data.csv_decode", options, "boolean?"))
end

--- CSV text of rows, which are lists; or, with the names of the columns as `header`, tables.
---@param rows table[]
---@param options string|{ delimiter: string?, header: string[]? }|nil a text is the delimiter, "," by default
---@return string
function data.csv_encode(rows, options)
  rows = host.encode(want("data.csv_encode", "rows", rows, "table"), "data.csv_encode: rows")
  return host.call("data.csv_encode", rows, csv_options("data.csv_encode", options, "table?"))
end

data.csv_parse, data.csv_generate = data.csv_decode, data.csv_encode

-- ---------------------------------------------------------------------- tables

local function is_table(value) return type(value) == "table" and not rawequal(value, host.null) end

local function check_depth(call, depth)
  if depth > MAX_DEPTH then host.blame(call .. ": a table is nested deeper than " .. MAX_DEPTH .. " levels") end
end

local function copy(value, depth)
  if not is_table(value) then return value end
  check_depth("data.deep_merge", depth)
  local copied = {}
  for key, item in next, value do copied[key] = copy(item, depth + 1) end
  return setmetatable(copied, getmetatable(value))
end

local function lay_over(below, above, depth)
  for key, value in next, above do
    if host.is_map(value) and host.is_map(below[key]) then
      lay_over(below[key], value, depth + 1)
    else
      below[key] = copy(value, depth + 1)
    end
  end
end

--- A new table with the values of all that are given; later ones win. Maps are put together at every level,
--- lists are replaced.
---@param ... table
---@return table
function data.deep_merge(...)
  local merged = {}
  for index = 1, select("#", ...) do
    lay_over(merged, want("data.deep_merge", "argument " .. index, select(index, ...), "table"), 1)
  end
  return merged
end

local function parts_of(call, path, separator)
  separator = host.want_or_nil(call, "separator", separator, "string") or "."
  return split(want(call, "path", path, "string"), separator)
end

-- The key of a part of a path: a number if the table is a list.
local function key_of(tab, part)
  local index = tab[part] == nil and #tab > 0 and tonumber(part)
  return index == index and index or part -- "nan" is a name, and no number that can be a key
end

--- What is at a path such as "web.ports.1", or nil.
---@param tab table
---@param path string
---@param separator string? "." by default
---@return any
function data.get_path(tab, path, separator)
  local value = want("data.get_path", "tab", tab, "table")
  for _, part in next, parts_of("data.get_path", path, separator) do
    if not is_table(value) then return nil end
    value = value[key_of(value, part)]
  end
  return value
end

--- Puts a value at a path into a table, with the tables between.
---@param tab table
---@param path string
---@param value any
---@param separator string? "." by default
---@return table tab
function data.set_path(tab, path, value, separator)
  local inner = want("data.set_path", "tab", tab, "table")
  local parts = parts_of("data.set_path", path, separator)
  for index = 1, #parts - 1 do
    local key = key_of(inner, parts[index])
    if inner[key] == nil then inner[key] = {} end
    inner = inner[key]
    if not is_table(inner) then host.blame("data.set_path: there is no table at " .. parts[index] .. ", but a " .. type(inner)) end
  end
  inner[key_of(inner, parts[#parts])] = value
  return tab
end

local function flatten_into(flat, prefix, tab, separator, depth)
  check_depth("data.flatten", depth)
  for key, value in next, tab do
    local name = prefix .. tostring(key)
    if is_table(value) and next(value) ~= nil then
      flatten_into(flat, name .. separator, value, separator, depth + 1)
    else
      flat[name] = value
    end
  end
  return flat
end

--- A table without tables in it: the values by their paths. Empty tables stay.
---@param tab table
---@param separator string? "." by default
---@return table<string, any>
function data.flatten(tab, separator)
  separator = host.want_or_nil("data.flatten", "separator", separator, "string") or "."
  return flatten_into({}, "", want("data.flatten", "tab", tab, "table"), separator, 1)
end

-- Keys "1" to "n" and no others were a list.
local function with_lists(value)
  if not is_table(value) then return value end
  local count, items = 0, {}
  for key, item in next, value do
    count = count + 1
    value[key] = with_lists(item)
    items[tonumber(key) or 0] = value[key]
  end
  return count > 0 and #items == count and not items[0] and host.list(items) or value
end

--- The tables that values by their paths come from, the opposite of `data.flatten`. Names "1", "2" and
--- so on make a list.
---@param flat table<string, any>
---@param separator string? "." by default
---@return table
function data.unflatten(flat, separator)
  local tab = {}
  for path, value in next, want("data.unflatten", "flat", flat, "table") do
    local inner, parts = tab, parts_of("data.unflatten", path, separator)
    for index = 1, #parts - 1 do
      local part = parts[index]
      if inner[part] == nil then inner[part] = {} end
      inner = inner[part]
      if not is_table(inner) then host.blame("data.unflatten: there is a value at " .. part .. " and below it") end
    end
    if inner[parts[#parts]] ~= nil then host.blame("data.unflatten: there is a value at " .. path .. " and below it") end
    inner[parts[#parts]] = value
  end
  return with_lists(tab)
end

return data
