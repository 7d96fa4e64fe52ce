--- `workflow` and `group`: like `task` they only collect what the script says.

local host, builders, tasks = ...
local type, next, ipairs, rawget = type, next, ipairs, rawget
local setmetatable, getinfo, insert = setmetatable, debug.getinfo, table.insert
local want, want_text, items_of, names_of = host.want, builders.want_text, builders.items_of, builders.names_of
local setter, hook = builders.setter, builders.hook

local workflows = {} -- in the order of definition
local Workflow = {}
local methods = builders.methods_of(Workflow, "a workflow")

local function line_of(fields)
  local f = fields.command or fields.run
  return type(f) == "function" and getinfo(f, "S").linedefined or nil
end

local function task_of(value, key)
  if tasks.is_task(value) then return value end
  if type(value) == "string" then
    for _, known in ipairs(tasks.all) do
      if rawget(known, "spec").name == value then return known end
    end
    host.blame("workflow:tasks: there is no task called '" .. value .. "'")
  end
  want("workflow:tasks", "each item", value, "table")
  local name = value.name or (type(key) == "string" and key) or nil
  local new = tasks.new(want_text("workflow:tasks", "the name of each task", name), host.caller())
  rawget(new, "spec").line = line_of(value)
  return tasks.apply(new, value, "task " .. name)
end

methods.description = setter("workflow", "description")
methods.version = setter("workflow", "version")

-- What `group` returns.
local function is_list_of_tasks(value)
  return type(value) == "table" and not tasks.is_task(value) and type(value[1]) == "table"
end

--- The tasks of this workflow: a list of tasks and tables, or a table by name.
function methods:tasks(items)
  local spec = rawget(self, "spec")
  if tasks.is_task(items) then items = { items } end
  want("workflow:tasks", "its argument", items, "table")
  for _, item in items_of("workflow:tasks", items) do
    if is_list_of_tasks(item) then self:tasks(item)
    else insert(spec.tasks, rawget(task_of(item), "spec")) end
  end
  for key, item in next, items do
    if type(key) == "string" then
      local keyed = rawget(task_of(item, key), "spec")
      keyed.key = key
      insert(spec.tasks, keyed)
    end
  end
  return self
end

local CONFIG = {
  timeout = function(call, name, value) return host.seconds(call, name, value, true) end,
  max_parallel_tasks = function(call, name, value) return builders.want_whole(call, name, value, 1) end,
  max_retries = function(call, name, value) return builders.want_whole(call, name, value, 0) end,
  continue_on_error = function(call, name, value) return want(call, name, value, "boolean") end,
  prune = function(call, name, value) return want(call, name, value, "boolean") end,
  workdir = want_text,
}

function methods:config(fields)
  local config = rawget(self, "spec").config
  want("workflow:config", "its argument", fields, "table")
  for key, value in next, fields do
    if not CONFIG[key] then host.unknown("workflow:config: there is no setting", key, names_of(CONFIG)) end
    config[key] = CONFIG[key]("workflow:config", key, value)
  end
  return self
end

for _, name in ipairs({ "on_start", "on_success", "on_failure", "on_complete" }) do
  methods[name] = hook("workflow", name)
end

local function define(name, fields)
  local spec = {
    name = want_text("workflow.define", "name", name), where = host.caller(),
    tasks = host.list(), hooks = {}, config = {},
  }
  local new = setmetatable({ spec = spec }, Workflow)
  workflows[#workflows + 1] = spec
  fields = host.want_or_nil("workflow.define", "its second argument", fields, "table") or {}
  return builders.apply(new, fields, methods, "workflow.define")
end

--- Defines a workflow, the unit that has a state: `workflow.define("name")` and methods, or with a table.
workflow = setmetatable({ define = define }, { __call = function(_, name, fields) return define(name, fields) end })

--- A list of tasks under a name, to be put into a workflow: `group "web" { task "a" { … }, … }`.
---@param name string
function group(name)
  want("group", "name", name, "string")
  return function(items) return want("group", "its argument", items, "table") end
end

--- All that the script defined, for Python.
return function()
  local all = host.list()
  for _, known in ipairs(tasks.all) do all[#all + 1] = rawget(known, "spec") end
  return host.encode({ tasks = all, workflows = host.list(workflows) }, "workflow")
end
