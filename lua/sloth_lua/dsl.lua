--- `task`, `workflow` and `group`: they only collect what the script says. Whether it makes sense
--- (dependencies, cycles, names) is checked in Python, with the lines kept here.

local host, keep = ...
local type, next, ipairs, select, rawget, rawequal = type, next, ipairs, select, rawget, rawequal
local setmetatable, getmetatable, getinfo = setmetatable, getmetatable, debug.getinfo
local insert, floor, format = table.insert, math.floor, string.format
local blame, want = host.blame, host.want

local tasks, workflows = {}, {} -- in the order of definition
local Task, Workflow = { methods = {} }, { methods = {} }

local function here() return host.caller() end

local function is_task(value) return type(value) == "table" and rawequal(getmetatable(value), Task) end

-- What is kept goes to Python as JSON, so it must be text; the line is known only here.
local function want_text(call, name, value)
  value = want(call, name, value, "string")
  host.encode(value, call .. ": " .. name)
  return value
end

local function want_whole(call, name, value, least)
  want(call, name, value, "number")
  if value < least or value > 1e6 or value ~= floor(value) then
    blame(format("%s: %s must be a whole number from %d to 1000000, not %s", call, name, least, host.text(value)))
  end
  return value
end

-- A list ends at its first nil, so what stands behind one would be lost silently.
local function items_of(call, list)
  local count = 0
  for index in ipairs(list) do count = index end
  for key in next, list do
    if type(key) == "number" and (key > count or key < 1) then
      blame(format("%s: item %d of the list is nil; is its name misspelt?", call, count + 1))
    end
  end
  return ipairs(list)
end

local function names_of(methods)
  local names = {}
  for name in next, methods do names[#names + 1] = name end
  return names
end

local function methods_of(class, what)
  class.__index = function(_, name)
    return class.methods[name] or host.unknown(what .. " has no method", name, names_of(class.methods))
  end
end
methods_of(Task, "a task")
methods_of(Workflow, "a workflow")

-- ---------------------------------------------------------------------- tasks

local function setter(class, name)
  return function(self, value)
    rawget(self, "spec")[name] = want_text(class .. ":" .. name, "its argument", value)
    return self
  end
end

local function hook(class, name)
  return function(self, f)
    local hooks = rawget(self, "spec").hooks
    hooks[name] = hooks[name] or host.list()
    insert(hooks[name], keep(want(class .. ":" .. name, "its argument", f, "function")))
    return self
  end
end

local function condition(name)
  return function(self, value)
    local spec = rawget(self, "spec")
    if type(value) == "function" then spec[name] = { call = keep(value) }
    else spec[name] = { shell = want_text("task:" .. name, "its argument", value) } end
    return self
  end
end

local methods = Task.methods
methods.description = setter("task", "description")
methods.workdir = setter("task", "workdir")
methods.user = setter("task", "user")
methods.run_if = condition("run_if")
methods.abort_if = condition("abort_if")
for _, name in ipairs({ "pre_hook", "post_hook", "on_success", "on_failure", "on_timeout", "on_complete" }) do
  methods[name] = hook("task", name)
end
methods.on_fail = methods.on_failure

--- What the task does: a function, a shell command, or another task whose command it takes.
function methods:command(value)
  local spec = rawget(self, "spec")
  if type(value) == "function" then spec.command = { call = keep(value) }
  elseif is_task(value) then spec.command = rawget(value, "spec").command
  else spec.command = { shell = want_text("task:command", "its argument", value) } end
  return self
end
methods.run = methods.command
methods.shell = methods.command

--- Names, tasks, or lists of them.
function methods:depends_on(...)
  local spec = rawget(self, "spec")
  local function add(value)
    if is_task(value) then insert(spec.depends_on, rawget(value, "spec").name)
    elseif type(value) == "table" then
      for _, item in items_of("task:depends_on", value) do add(item) end
    else insert(spec.depends_on, want_text("task:depends_on", "its argument", value)) end
  end
  for index = 1, select("#", ...) do add((select(index, ...))) end
  return self
end

--- Seconds, or "1h30m".
function methods:timeout(value)
  rawget(self, "spec").timeout = host.seconds("task:timeout", "its argument", value)
  return self
end

local BACKOFF = { fixed = true, linear = true, exponential = true }

--- How often to try again after a failure, and how the pauses grow: "fixed" (1 s each),
--- "linear" (1 s, 2 s, 3 s …) or "exponential" (1 s, 2 s, 4 s …), never above 30 s.
function methods:retries(count, backoff)
  local spec = rawget(self, "spec")
  want_whole("task:retries", "count", count, 0)
  if backoff ~= nil and not BACKOFF[backoff] then
    host.unknown("task:retries: there is no backoff", backoff, names_of(BACKOFF))
  end
  spec.retries, spec.backoff = count, backoff or "fixed"
  return self
end

--- Labels, for instance to choose tasks by.
function methods:tags(list)
  local spec = rawget(self, "spec")
  for _, tag in items_of("task:tags", want("task:tags", "its argument", list, "table")) do
    insert(spec.tags, want_text("task:tags", "a tag", tag))
  end
  return self
end

--- Independent tasks always run at the same time, so there is nothing to switch on.
function methods:async(value)
  want("task:async", "its argument", value, "boolean")
  if not value then blame("task:async: false is not possible; order tasks with depends_on") end
  return self
end

function methods:build() return self end

local function apply(self, fields, what)
  for key, value in next, fields do
    if type(key) == "number" then blame(what .. ": unexpected item " .. host.text(value)) end
    if key ~= "name" then
      if key == "build" or not methods[key] then
        host.unknown(what .. ": there is no option", key, names_of(methods))
      end
      methods[key](self, value)
    end
  end
  return self
end

Task.__call = function(self, fields) return apply(self, want("task", "its argument", fields, "table"), "task") end
Task.__tostring = function(self) return "task " .. rawget(self, "spec").name end

local function new_task(name, where)
  local spec = { name = name, where = where, depends_on = host.list(), hooks = {}, tags = host.list() }
  return setmetatable({ spec = spec }, Task)
end

--- Defines a task: `task("name")` and methods, or `task({ name = …, command = … })`, or `task "name" { … }`.
---@param name string|table
function task(name)
  local fields = type(name) == "table" and not getmetatable(name) and name or nil
  name = fields and fields.name or name
  local new = new_task(want_text("task", "name", name), here())
  tasks[#tasks + 1] = new
  return fields and apply(new, fields, "task") or new
end

-- ---------------------------------------------------------------------- workflows

local function line_of(fields)
  local f = fields.command or fields.run
  return type(f) == "function" and getinfo(f, "S").linedefined or nil
end

local function task_of(value, key)
  if is_task(value) then return value end
  if type(value) == "string" then
    for _, known in ipairs(tasks) do
      if rawget(known, "spec").name == value then return known end
    end
    blame("workflow:tasks: there is no task called '" .. value .. "'")
  end
  want("workflow:tasks", "each item", value, "table")
  local name = value.name or (type(key) == "string" and key) or nil
  local new = new_task(want_text("workflow:tasks", "the name of each task", name), here())
  rawget(new, "spec").line = line_of(value)
  return apply(new, value, "task " .. name)
end

Workflow.methods.description = setter("workflow", "description")
Workflow.methods.version = setter("workflow", "version")

-- What `group` returns.
local function is_list_of_tasks(value)
  return type(value) == "table" and not is_task(value) and type(value[1]) == "table"
end

--- The tasks of this workflow: a list of tasks and tables, or a table by name.
function Workflow.methods:tasks(items)
  local spec = rawget(self, "spec")
  if is_task(items) then items = { items } end
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
  timeout = function(call, name, value) return host.seconds(call, name, value) end,
  max_parallel_tasks = function(call, name, value) return want_whole(call, name, value, 1) end,
  max_retries = function(call, name, value) return want_whole(call, name, value, 0) end,
  continue_on_error = function(call, name, value) return want(call, name, value, "boolean") end,
  workdir = want_text,
}

function Workflow.methods:config(fields)
  local config = rawget(self, "spec").config
  want("workflow:config", "its argument", fields, "table")
  for key, value in next, fields do
    if not CONFIG[key] then host.unknown("workflow:config: there is no setting", key, names_of(CONFIG)) end
    config[key] = CONFIG[key]("workflow:config", key, value)
  end
  return self
end

for _, name in ipairs({ "on_start", "on_success", "on_failure", "on_complete" }) do
  Workflow.methods[name] = hook("workflow", name)
end

function Workflow.methods:build() return self end

local function define(name, fields)
  local spec = {
    name = want_text("workflow.define", "name", name), where = here(),
    tasks = host.list(), hooks = {}, config = {},
  }
  local new = setmetatable({ spec = spec }, Workflow)
  workflows[#workflows + 1] = spec
  for key, value in next, host.want_or_nil("workflow.define", "its second argument", fields, "table") or {} do
    if key == "build" or not Workflow.methods[key] then
      host.unknown("workflow.define: there is no option", key, names_of(Workflow.methods))
    end
    Workflow.methods[key](new, value)
  end
  return new
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
  for _, known in ipairs(tasks) do all[#all + 1] = rawget(known, "spec") end
  return host.encode({ tasks = all, workflows = host.list(workflows) }, "workflow")
end
