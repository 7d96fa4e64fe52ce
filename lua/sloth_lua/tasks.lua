--- `task`: it only collects what the script says. Whether it makes sense (dependencies, cycles,
--- names) is checked in Python, with the lines kept here.

local host, builders, keep = ...
local type, ipairs, select, rawget, rawequal = type, ipairs, select, rawget, rawequal
local setmetatable, getmetatable, insert, find = setmetatable, getmetatable, table.insert, string.find
local want, want_text, items_of = host.want, builders.want_text, builders.items_of
local setter, hook, action_of = builders.setter, builders.hook, builders.action_of
local want_words, spec_of, is_plain_table = builders.want_words, builders.spec_of, host.is_plain_table

local Task = {}
local M = { all = {} } -- in the order of definition

function M.is_task(value) return type(value) == "table" and rawequal(getmetatable(value), Task) end

local function condition(name)
  local call = "task:" .. name
  return function(self, value)
    local spec, action = spec_of(self, call), action_of(call, value)
    -- It would be met always: a value that was left empty would stop the workflow.
    if action.shell and not find(action.shell, "%S") then host.blame(call .. ": an empty shell command is no condition") end
    spec[name] = action
    return self
  end
end

--- The methods of what `task` returns. Each returns the task, so they can be chained; the fields of a
--- table form have the same names. A task's functions are called with `this`, `params` and, third,
--- what is said here; hooks of one kind are all kept and called in turn.
---@class task
---@field description fun(value: string): task what `list` shows
---@field workdir fun(value: string): task the folder for its paths and commands, relative to the workflow's, or else to the file's; `this.workdir.ensure()` makes it
---@field user fun(value: string): task the user as whom its commands run; needs root
---@field run_if fun(value: string|task_condition): task a function (with the outputs of its dependencies) or a shell command; if it says no, the task is skipped, and those that depend on it run
---@field abort_if fun(value: string|task_condition): task a function or a shell command; if it says yes, the task fails and nothing more is started
---@field pre_hook fun(f: task_hook): task called before the command; an error in it fails the task
---@field post_hook fun(f: task_hook): task called after the command, if that has succeeded; an error in it fails the task
---@field on_success fun(f: task_hook): task called with the output when the task has succeeded; an error in it fails the task
---@field on_failure fun(f: task_hook): task called when all tries have failed; third is the task's output with `error` in it, which can be used as a text
---@field on_fail fun(f: task_hook): task the same as `task:on_failure`
---@field on_timeout fun(f: task_hook): task called when a try has taken longer than `timeout`, as `on_failure` is
---@field on_complete fun(f: task_hook): task called at the end, whatever it is
---@field build fun(): task changes nothing; older files end with it
local methods = builders.methods_of(Task, "task")
methods.description = setter("task", "description")
methods.workdir = setter("task", "workdir")
methods.user = setter("task", "user")
methods.run_if = condition("run_if")
methods.abort_if = condition("abort_if")
for _, name in ipairs({ "pre_hook", "post_hook", "on_success", "on_failure", "on_timeout", "on_complete" }) do
  methods[name] = hook("task", name)
end
methods.on_fail = methods.on_failure

--- What the task does: a function, a shell command, or another task, of which it takes the command and
--- all that it does not say itself. The third argument of the function, `deps`, has the outputs of the
--- tasks that it depends on, by name.
---
--- It returns `ok [, message [, outputs]]`, a table with `success` and `message`, or nothing, which
--- is success; `false` or an error is failure. `outputs`, a table, is what `deps` has for dependents;
--- with `changed = false` in it the task is shown as unchanged.
---@param value string|task|fun(this: this, params: params, deps: table<string, table>): ...
---@return task
function methods:command(value)
  local spec = spec_of(self, "task:command")
  if M.is_task(value) then spec.model = rawget(value, "spec")
  else spec.command, spec.model = action_of("task:command", value), nil end
  return self
end
methods.shell = methods.command

--- The same as `command`. Without an argument it runs the task at once, with its tries, conditions and
--- hooks, and not again later in this run. What it depends on must have been run before. At the top
--- level of a file that begins the run, which is that of the file's own workflow.
---@param ... string|task|function
---@return boolean|task ok
---@return string? message
---@return table? outputs
function methods:run(...)
  if select("#", ...) > 0 then return self:command(...) end
  local spec = spec_of(self, "task:run")
  want_text("task:run", "the task's name", spec.name)
  local ok, message, json = host.wait("task.run", host.encode(M.complete(spec), "task:run:"))
  return ok, message, host.decode(json)
end

--- The tasks that must succeed before it: names, tasks, or lists of them. Independent tasks run at the
--- same time; if one that it depends on fails, it is skipped.
---@param ... string|task|(string|task)[]
---@return task
function methods:depends_on(...)
  local spec = spec_of(self, "task:depends_on")
  local function add(value)
    if M.is_task(value) then insert(spec.depends_on, want_text("task:depends_on", "the name of the task", rawget(value, "spec").name))
    elseif is_plain_table(value) then
      for _, item in items_of("task:depends_on", value) do add(item) end
    else insert(spec.depends_on, want_text("task:depends_on", "its argument", value, "a task or its name")) end
  end
  for index = 1, select("#", ...) do add((select(index, ...))) end
  return self
end

--- How long each try may take, and each condition and hook. What is late is stopped, with the
--- commands that it runs.
---@param value number|string seconds, or "1h30m", "90s", "250ms"
---@return task
function methods:timeout(value)
  spec_of(self, "task:timeout").timeout = host.seconds("task:timeout", "its argument", value, true)
  return self
end

--- How often to try again after a failure, and how the pauses grow: "fixed" (1 s each),
--- "linear" (1 s, 2 s, 3 s …) or "exponential" (1 s, 2 s, 4 s …), never above 30 s.
---@param count integer
---@param backoff "fixed"|"linear"|"exponential"|nil "fixed" by default
---@return task
function methods:retries(count, backoff)
  local spec = spec_of(self, "task:retries")
  builders.want_whole("task:retries", "count", count, 0)
  if backoff ~= nil then builders.want_backoff("task:retries", "backoff", backoff) end
  spec.retries, spec.backoff = count, backoff
  return self
end

--- Values of its own that its functions find in `params`, beside the task's name and folder.
---@param values table<string, any>
---@return task
function methods:params(values)
  local spec = spec_of(self, "task:params")
  local json = host.encode(want("task:params", "its argument", values, "map"), "task:params: its argument")
  spec.params = host.decode(json) -- a copy
  return self
end

-- Texts, or lists of them.
local function texts(name, said)
  return function(self, ...)
    local call = "task:" .. name
    local found = spec_of(self, call)[name]
    local function add(value)
      if not is_plain_table(value) then insert(found, want_text(call, "its argument", value, said .. " or a list of them"))
      else for _, item in items_of(call, value) do add(item) end end
    end
    for index = 1, select("#", ...) do add((select(index, ...))) end
    return self
  end
end

--- Labels, which `list` shows.
---@param ... string|string[]
---@return task
methods.tags = texts("tags", "a text")

--- Files that it makes, relative to its folder: `"dist/*"`, `"build/**/*.so"`. Each pattern must
--- match something once it has succeeded. They are recorded as resources of type `artifact`.
---@param ... string|string[]
---@return task
methods.artifacts = texts("artifacts", "a pattern")

--- Artifacts of other tasks that it needs. It runs after those tasks, and finds copies of the files
--- in its own folder if that is another one.
---@param ... string|string[]
---@return task
methods.consumes = texts("consumes", "a pattern")

--- The machine on which its shell commands and its calls of `exec` run: a name that `ssh` knows, a
--- list of them, a function that returns either, or "${values.host}". nil, "" and "local" mean here.
---@param target nil|string|string[]|fun(this: this, params: params): any
---@return task
function methods:delegate_to(target)
  local call = "task:delegate_to"
  local spec = spec_of(self, call)
  if type(target) == "function" then spec.delegate_to = { call = keep(target) }
  elseif target ~= nil then
    local hosts, said = host.list(), "a host, a list of them, or a function"
    if is_plain_table(target) then
      for index, name in items_of(call, target) do hosts[index] = want_words(call, "a host", name) end
    else hosts[1] = want_words(call, "its argument", target, said) end
    spec.delegate_to = { hosts = hosts }
  end
  return self
end

--- Independent tasks always run at the same time, so there is nothing to switch on.
---@param value true
---@return task
function methods:async(value)
  spec_of(self, "task:async")
  want("task:async", "its argument", value, "boolean")
  if not value then host.blame("task:async: false is not possible; order tasks with depends_on") end
  return self
end

Task.__call = function(self, fields) return M.apply(self, want("task", "its argument", fields, "table"), "task") end
Task.__tostring = function(self) return "task " .. (rawget(self, "spec").name or "without a name") end

--- Says of a task what a table of its options says, but for its name.
function M.apply(self, fields, what)
  local name = rawget(self, "spec").name
  if name and fields.name ~= nil and host.text(fields.name) ~= name then
    host.blame(what .. ": its name is '" .. name .. "' already, not '" .. host.text(fields.name) .. "'")
  end
  return builders.apply(self, fields, methods, what, "name")
end

--- A task that belongs to no file yet. `where` is nil after a tail call.
function M.new(name, where)
  local spec = {
    name = name, where = where, depends_on = host.list(), hooks = {}, tags = host.list(),
    artifacts = host.list(), consumes = host.list(),
  }
  return setmetatable({ spec = spec }, Task)
end

local ITS_OWN = { name = true, where = true, line = true, key = true, problems = true }

--- A task's spec once it has what it takes from the task whose command it has. The file may go on
--- about both of them until it ends, so this comes last.
function M.complete(spec)
  local model = spec.model
  if not model then return spec end
  spec.model = nil -- so a task that takes its own command ends here
  spec.of = model.name
  for name, value in next, M.complete(model) do
    local own = spec[name]
    local says_nothing = own == nil or type(own) == "table" and next(own) == nil
    if not ITS_OWN[name] and says_nothing then spec[name] = value end
  end
  return spec
end

--- Defines a task: `task("name")` and methods, or a table of options: `task({ name = …, command = … })`,
--- `task "name" { … }` or `task("name", { … })`. `task("name", function() … end)` has only a command.
--- In a table of tasks by name, `tasks = { build = task({ command = … }) }`, the name can be left out.
---@param name string|table
---@param fields table|function|nil
---@return task
function task(name, fields)
  if type(fields) == "function" then fields = { command = fields } end
  if type(name) == "table" and not getmetatable(name) then fields, name = name, name.name
  else fields = host.want_or_nil("task", "its second argument", fields, "table") end
  if name ~= nil or not fields then name = want_text("task", "name", name) end
  local new = M.new(name, host.caller())
  insert(M.all, new)
  return fields and M.apply(new, fields, "task") or new
end

return M
