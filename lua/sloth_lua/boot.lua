--- Builds the script's world: guards first, then the language, then the modules.

local raw, library_source, module_source, module_names = ...
local load, error, type, tostring, next, gmatch = load, error, type, tostring, next, string.gmatch
local rawget, setmetatable = rawget, setmetatable

local world -- the globals of what is compiled later, as they were before the script could change them

local function compile(name, source)
  local chunk, problem = load(source, "=sloth_lua/" .. name .. ".lua", "t", world)
  if not chunk then error(problem, 0) end
  return chunk
end

-- A part of the library itself, compiled when it is called.
local function library(name)
  return function(...) return compile(name, library_source(name))(...) end
end

local guards = library("sandbox")(raw)
local pcall = pcall -- the guarded one
local host = library("host")(guards, library("wire"))
local threads = library("threads")(guards, host)
library("calls")(host, threads.kinds, guards.getlocal)
if host.call("is_looking") then library("looking")(host) end
host.threads, host.library = threads, library
library("standard")(host, library)
library("elsewhere")(host)
local on_first_use = library("on_first_use")(host)
host.on_first_use, pairs = on_first_use.module, on_first_use.pairs
host.modules = {} -- the built-in ones, whatever a script makes of its globals
host.events = library("events")(host, threads.kinds)
host.resources = library("resources")(host, threads.kinds, library)
local builders = library("builders")(host, threads.keep)
local tasks = library("tasks")(host, builders, threads.keep)
threads.answer("describe", library("workflows")(host, builders, tasks))

local loaded, preload = package.loaded, package.preload
local standard = { "string", "table", "math", "io", "os", "coroutine", "bit", "debug" }
local known = {}
for index, name in next, standard do known[index], loaded[name] = name, _G[name] end

-- A plugin's module that cannot be loaded is an error where it is used; others go on without it.
local function broken(name, problem)
  local function fail() host.blame("the module " .. name .. " cannot be loaded: " .. tostring(problem)) end
  return setmetatable({}, { __index = fail, __newindex = fail, __call = fail })
end

local function module(name)
  local ok, value = pcall(function() return compile(name, module_source(name))(host) end)
  if not ok then return broken(name, value) end
  return value == nil and broken(name, "it returns nothing") or value
end

for name in gmatch(module_names, "%S+") do
  known[#known + 1] = name
  local value = module(name)
  _G[name], loaded[name], host.modules[name] = value, value, value
end
Values, loaded.Values = values, values
file, loaded.file = file_ops, file_ops

local function copied(from)
  local copy = {}
  for name, value in next, from do copy[name] = value end
  return copy
end

world = copied(_G)
for _, name in next, standard do world[name] = copied(world[name]) end

--- Writes values to the run's output, as `log.print` does.
---@param ... any
print = log.print

local function loader_of(name)
  if preload[name] then return preload[name] end
  local path, source = host.call("read_module", name)
  if not path then host.unknown("require: there is no module", name, known) end
  local chunk, problem = load(source, "@" .. path, "t")
  if not chunk then error(problem, 0) end
  return chunk
end

local loading = {}

--- A built-in module, or a Lua file in the folder of the script: `require("lib.web")`.
---@param name string
---@return any
function require(name)
  name = host.want("require", "its argument", name, "string")
  if loaded[name] ~= nil then return loaded[name] end
  if loading[name] then host.blame("require: the module '" .. name .. "' requires itself") end
  local load_module = loader_of(name)
  loading[name] = true
  local ok, value = pcall(load_module, name)
  loading[name] = nil
  if not ok then error(value, 0) end
  if value ~= nil then loaded[name] = value end
  if loaded[name] == nil then loaded[name] = true end
  return loaded[name]
end

--- The global table `outputs`, which the runner publishes; nil if the script set none.
threads.answer("outputs", function()
  local outputs = rawget(_G, "outputs")
  if type(outputs) ~= "table" then return nil end
  return host.encode(host.want("the global 'outputs'", "it", outputs, "map"), "outputs")
end)

return threads.dispatch
