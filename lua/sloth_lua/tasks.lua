--- `task`: it only collects what the script says. Whether it makes sense (dependencies, cycles,
--- names) is checked in Python, with the lines kept here.

local host, builders = ...
local type, ipairs, select, rawget, rawequal = type, ipairs, select, rawget, rawequal
local setmetatable, getmetatable, insert = setmetatable, getmetatable, table.insert
local want, want_text, names_of, items_of = host.want, builders.want_text, builders.names_of, builders.items_of
local setter, hook, action_of = builders.setter, builders.hook, builders.action_of

local Task = {}
local M = { all = {} } -- in the order of definition

function M.is_task(value) return type(value) == "table" and rawequal(getmetatable(value), Task) end

local function condition(name)
  return function(self, value)
    rawget(self, "spec")[name] = action_of("task:" .. name, value)
    return self
  end
end

local methods = builders.methods_of(Task, "a task")
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
  if M.is_task(value) then spec.command = rawget(value, "spec").command
  else spec.command = action_of("task:command", value) end
  return self
end
methods.shell = methods.command

--- The same. Without an argument it would run the task at once, which is not possible.
function methods:run(...)
  if select("#", ...) == 0 then blame("task:run: a task cannot run at once; put it into a workflow") end
  return self:command(...)
end

--- Names, tasks, or lists of them.
function methods:depends_on(...)
  local spec = rawget(self, "spec")
  local function add(value)
    if M.is_task(value) then insert(spec.depends_on, rawget(value, "spec").name)
    elseif type(value) == "table" then
      for _, item in items_of("task:depends_on", value) do add(item) end
    else insert(spec.depends_on, want_text("task:depends_on", "its argument", value, "a task or its name")) end
  end
  for index = 1, select("#", ...) do add((select(index, ...))) end
  return self
end

--- Seconds, or "1h30m".
function methods:timeout(value)
  rawget(self, "spec").timeout = host.seconds("task:timeout", "its argument", value, true)
  return self
end

local BACKOFF = { fixed = true, linear = true, exponential = true }

--- How often to try again after a failure, and how the pauses grow: "fixed" (1 s each),
--- "linear" (1 s, 2 s, 3 s …) or "exponential" (1 s, 2 s, 4 s …), never above 30 s.
function methods:retries(count, backoff)
  local spec = rawget(self, "spec")
  builders.want_whole("task:retries", "count", count, 0)
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
  if not value then host.blame("task:async: false is not possible; order tasks with depends_on") end
  return self
end

Task.__call = function(self, fields) return M.apply(self, want("task", "its argument", fields, "table"), "task") end
Task.__tostring = function(self) return "task " .. rawget(self, "spec").name end

--- Says of a task what a table of its options says, but for its name.
function M.apply(self, fields, what) return builders.apply(self, fields, methods, what, "name") end

--- A task that belongs to no file yet. `where` is nil after a tail call.
function M.new(name, where)
  local spec = { name = name, where = where, depends_on = host.list(), hooks = {}, tags = host.list() }
  return setmetatable({ spec = spec }, Task)
end

--- Defines a task: `task("name")` and methods, or `task({ name = …, command = … })`, or `task "name" { … }`.
---@param name string|table
function task(name)
  local fields = type(name) == "table" and not getmetatable(name) and name or nil
  if fields then name = fields.name end
  local new = M.new(want_text("task", "name", name), host.caller())
  insert(M.all, new)
  return fields and M.apply(new, fields, "task") or new
end

return M
