--- `workflow` and `group`: like `task` they only collect what the script says.

local host, builders, tasks = ...
local type, next, ipairs, select, rawget = type, next, ipairs, select, rawget
local setmetatable, getinfo, insert = setmetatable, debug.getinfo, table.insert
local want, want_text, items_of, names_of = host.want, builders.want_text, builders.items_of, builders.names_of
local setter, hook, spec_of = builders.setter, builders.hook, builders.spec_of

local workflows = {} -- in the order of definition
local is_described = false -- then nobody looks for more of them
local Workflow = {}
--- The methods of what `workflow.define` returns. Each returns the workflow, so they can be chained;
--- the fields of a table form have the same names. Hooks of one kind are all kept and called in turn.
---@class workflow
---@field description fun(value: string): workflow what `list` shows
---@field version fun(value: string): workflow a text of the file's author; runs have version numbers of their own
---@field on_start fun(f: fun()): workflow called before the first task; an error in it fails the run
---@field on_success fun(f: workflow_hook): workflow called at the end of a run that succeeded
---@field on_failure fun(f: workflow_hook): workflow called at the end of a run that failed
---@field on_complete fun(f: workflow_hook): workflow called at the end, whatever it is
---@field build fun(): workflow changes nothing; older files end with it
local methods = builders.methods_of(Workflow, "workflow")

local function line_of(fields)
  local f = fields.command or fields.run
  return type(f) == "function" and getinfo(f, "S").linedefined or nil
end

local function task_of(value, key)
  if tasks.is_task(value) then
    local spec = rawget(value, "spec")
    spec.name = want_text("workflow:tasks", "the name of each task", spec.name or key)
    return value
  end
  if type(value) == "string" then
    for _, known in ipairs(tasks.all) do
      if rawget(known, "spec").name == value then return known end
    end
    host.blame("workflow:tasks: no task called '" .. value .. "' is defined above")
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

local function add_tasks(found, items)
  if tasks.is_task(items) or type(items) == "string" then items = { items } end
  want("workflow:tasks", "its argument", items, "table")
  for _, item in items_of("workflow:tasks", items, true) do
    if is_list_of_tasks(item) then add_tasks(found, item)
    else insert(found, rawget(task_of(item), "spec")) end
  end
  for key, item in next, items do
    if type(key) == "string" then
      local keyed = rawget(task_of(item, key), "spec")
      keyed.key = key
      insert(found, keyed)
    end
  end
end

--- The tasks of this workflow: a list of tasks, names of tasks, and tables of their options; or a
--- table of these by name, in the order of the text. Several arguments are one list.
---@param items task|string|(task|string|table)[]|table<string, task|table>
---@param ... task|string|table
---@return workflow
function methods:tasks(items, ...)
  local found = spec_of(self, "workflow:tasks").tasks
  add_tasks(found, items)
  for index = 1, select("#", ...) do add_tasks(found, (select(index, ...))) end
  return self
end

---@class workflow_config
---@field timeout number|string|nil for all tasks together, and for each of the workflow's hooks
---@field max_parallel_tasks integer? how many tasks run at the same time; by default the number of CPUs
---@field continue_on_error boolean? whether other tasks are still started after one has failed; true by default
---@field fail_fast boolean? the opposite
---@field max_retries integer? further tries of tasks that do not say themselves
---@field retry_policy "fixed"|"linear"|"exponential"|nil their pauses, as in `task:retries`
---@field workdir string? the folder of its tasks; relative to the file
---@field prune boolean? delete resources that the file no longer declares, as `run --prune` does
---@field cleanup_on_failure boolean? when the run fails, delete the folders that its tasks named with `task:workdir` and that it made
local CONFIG = {
  cleanup_on_failure = function(call, name, value) return want(call, name, value, "boolean") end,
  timeout = function(call, name, value) return host.seconds(call, name, value, true) end,
  max_parallel_tasks = function(call, name, value) return builders.want_whole(call, name, value, 1) end,
  max_retries = function(call, name, value) return builders.want_whole(call, name, value, 0) end,
  continue_on_error = function(call, name, value) return want(call, name, value, "boolean") end,
  fail_fast = function(call, name, value) return want(call, name, value, "boolean") end,
  prune = function(call, name, value) return want(call, name, value, "boolean") end,
  retry_policy = function(call, _, value)
    return builders.want_backoff(call, "retry_policy", value)
  end,
  workdir = want_text,
}

Workflow.settings = CONFIG

--- Settings of the workflow.
---@param fields workflow_config
---@return workflow
function methods:config(fields)
  local spec = spec_of(self, "workflow:config")
  local config = spec.config
  want("workflow:config", "its argument", fields, "table")
  for key, value in next, fields do
    if CONFIG[key] then
      config[key] = CONFIG[key]("workflow:config", key, value)
    else
      builders.refuse_to_run(spec, host.unknown_text("workflow:config: there is no setting", key, names_of(CONFIG)))
    end
  end
  return self
end

--- What each run has in its metadata: names to values, which are kept as text.
---@param fields table<string, any>
---@return workflow
function methods:metadata(fields)
  local metadata = spec_of(self, "workflow:metadata").metadata
  for key, value in next, want("workflow:metadata", "its argument", fields, "map") do
    local text = host.is_plain_table(value) and host.encode(value, "workflow:metadata: " .. key)
    metadata[key] = want_text("workflow:metadata", key, text or host.text(value))
  end
  return self
end

for _, name in ipairs({ "on_start", "on_success", "on_failure", "on_complete" }) do
  methods[name] = hook("workflow", name)
end

Workflow.__call = function(self, fields)
  return builders.apply(self, host.want("workflow", "its argument", fields, "table"), methods, "workflow")
end

local function define(name, fields)
  if is_described then host.blame("workflow.define: a workflow is defined at the top level of the file, not in a task or a hook") end
  if type(name) == "table" and fields == nil then
    fields = {}
    for key, value in next, name do fields[key] = value end
    name, fields.name = fields.name, nil
  end
  local spec = {
    name = want_text("workflow.define", "name", name), where = host.caller(),
    tasks = host.list(), hooks = {}, config = {}, metadata = {},
  }
  local new = setmetatable({ spec = spec }, Workflow)
  workflows[#workflows + 1] = spec
  fields = host.want_or_nil("workflow.define", "its second argument", fields, "table") or {}
  return builders.apply(new, fields, methods, "workflow.define")
end

--- Defines a workflow, the unit that has a state: `workflow.define("name")` and methods, or
--- `workflow.define("name", { … })`, `workflow.define({ name = …, … })` or `workflow "name" { … }`.
---@class workflows
---@field define fun(name: string|table, fields: table?): workflow defines a workflow, the unit that has a state; a table has its options
---@overload fun(name: string|table, fields: table?): workflow the same as `workflow.define`
workflow = setmetatable({ define = define }, { __call = function(_, name, fields) return define(name, fields) end })

--- A list of tasks under a name, to be put into a workflow: `group "web" { task "a" { … }, … }`.
---@param name string
---@return fun(items: table): table
function group(name)
  want("group", "name", name, "string")
  return function(items) return want("group", "its argument", items, "table") end
end

--- All that the script defined, for Python.
return function()
  is_described = true
  local all = host.list()
  for _, known in ipairs(tasks.all) do all[#all + 1] = tasks.complete(rawget(known, "spec")) end
  for _, spec in ipairs(workflows) do
    for _, each in ipairs(spec.tasks) do tasks.complete(each) end
  end
  return host.encode({ tasks = all, workflows = host.list(workflows) }, "workflow")
end
