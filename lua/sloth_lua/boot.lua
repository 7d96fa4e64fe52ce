--- Builds the script's world: guards first, then the language, then the modules.

local raw, sources, module_names = ...
local load, error, type = load, error, type

local function library(name)
  return function(...)
    local chunk, problem = load(sources(name), "@sloth_lua/" .. name .. ".lua", "t")
    if not chunk then error(problem, 0) end
    return chunk(...)
  end
end

local guards = library("sandbox")(raw)
local host = library("host")(guards, library("wire"))
local threads = library("threads")(guards, host)
library("calls")(host, threads.kinds)
threads.answer("describe", library("dsl")(host, threads.keep))

local loaded = package.loaded
for name, standard in next, { string = string, table = table, math = math, io = io, os = os, coroutine = coroutine } do
  loaded[name] = standard
end

local known = {}
for name in module_names:gmatch("[%w_]+") do
  known[#known + 1] = name
  local value = library(name)(host)
  _G[name], loaded[name] = value, value
end
Values = values
print = log.print

--- A built-in module, or a Lua file in the folder of the script: `require("lib.web")`.
---@param name string
function require(name)
  host.want("require", "its argument", name, "string")
  if loaded[name] ~= nil then return loaded[name] end
  if package.preload[name] then
    loaded[name] = package.preload[name](name) or true
    return loaded[name]
  end
  local path = host.call("find_module", name)
  if not path then host.unknown("require: there is no module", name, known) end
  local chunk, problem = loadfile(path)
  if not chunk then error(problem, 0) end
  local value = chunk(name)
  if loaded[name] == nil then loaded[name] = value == nil or value end
  return loaded[name]
end

--- The global table `outputs`, which the runner publishes; nil if the script set none.
threads.answer("outputs", function()
  local outputs = rawget(_G, "outputs")
  return type(outputs) == "table" and host.encode(outputs, "outputs") or nil
end)

return threads.dispatch
