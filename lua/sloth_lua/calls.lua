--- How the runner calls a script's functions: what `this`, `params` and `deps` are, and what a
--- command's return values mean.

local host, kinds, getlocal = ...
local setmetatable, type, tostring, ipairs, next, format = setmetatable, type, tostring, ipairs, next, string.format
local encode, text = host.encode, host.text

-- The wild writes `this.name` and `this.name()`. A string that is a task's name can be called and
-- answers itself; any other keeps being an error.
local task_names = {}
getmetatable("").__call = function(name)
  if task_names[name] then return name end
  return host.blame(format("attempt to call the string %q", name))
end

---@class this_workdir its functions work with a dot and with a colon
---@field get fun(): string the path
---@field exists fun(): boolean
---@field ensure fun(): boolean, string? makes it if it is not there
---@field cleanup fun(): boolean, string? deletes it with all in it; only a folder that the task named with `task:workdir`
---@field recreate fun(): boolean, string? deletes it and makes it again
local function workdir(path, is_own)
  local self
  local function here(call) return host.call("needs_this_machine", "this.workdir." .. call) end
  -- Without a folder of its own the task's is the user's current one, or the workflow's sources.
  local function empty(call)
    here(call)
    if not is_own then
      host.blame("this.workdir." .. call .. ": the task has no folder of its own; give it one with :workdir(…)")
    end
    return host.call("fs.rmr", path)
  end
  local methods = {
    get = function() return path end,
    exists = function()
      here("exists")
      return host.call("fs.exists", path)
    end,
    ensure = function()
      here("ensure")
      return host.call("fs.mkdir", path)
    end,
    cleanup = function() return empty("cleanup") end,
    recreate = function()
      empty("recreate")
      return host.call("fs.mkdir", path)
    end,
  }
  self = setmetatable({}, {
    __index = methods,
    __tostring = function() return path end,
    __concat = function(left, right) return tostring(left) .. tostring(right) end,
  })
  return self
end

---@alias task_condition fun(this: this, params: params, deps: table<string, table>): boolean?
---@alias task_hook fun(this: this, params: params, output: table?)
---@alias workflow_hook fun(success: boolean, results: table<string|integer, task_result>)

---@class this the first argument of a task's functions
---@field name string also callable: this.name()
---@field workdir this_workdir the task's folder; as a text it is its path
---@field attempt integer 1 for the first try in this run
---@field agent string the machine that its commands run on; "local" is the runner's own
local function this_of(context)
  task_names[context.task] = true
  return {
    name = context.task, workdir = workdir(context.workdir, context.owns_workdir), attempt = context.attempt or 1,
    agent = context.agent or "local",
  }
end

---@class params the second argument of a task's functions; it has the values of `task:params` too
---@field task_name string
---@field workflow_name string
---@field workdir string the path of the task's folder
local function params_of(context)
  local params = {}
  for name, value in next, context.params or {} do params[name] = value end
  params.task_name, params.workflow_name, params.workdir = context.task, context.workflow, context.workdir
  return params
end

-- A table that says whether something was changed stands for an output that says so.
local function change_in(value)
  if type(value) == "table" and type(value.changed) == "boolean" then return { changed = value.changed } end
end

-- ok [, message [, outputs]], or a table with success (or failed) and message, or nothing at all.
local function outcome(first, second, third)
  if (first == nil or first == true) and second == nil and third == nil then return nil end
  local ok, message, output = first ~= false, second, third
  if type(first) == "table" then
    ok = first.success ~= false and first.failed ~= true
    message = first.message or (not ok and (second or first.error)) or nil
    output = first.outputs or first.output
  elseif type(first) == "string" and second == nil then
    message = first
  elseif third == nil and host.is_plain_table(second) then -- the message was left out
    message, output = second.message or (not ok and second.error) or nil, second
  end
  return encode({
    ok = ok,
    message = message ~= nil and text(message) or nil,
    output = type(output) == "table" and output or change_in(first) or change_in(second),
  }, "the task's result")
end

-- Functions get (this, params, third). Older ones leave `this` out, and are known by their names.
local function call(f, context, third)
  local this, params = this_of(context), params_of(context)
  if getlocal(f, 1) == "params" then return f(params, third) end
  return f(this, params, third)
end

function kinds.command(f, context) return outcome(call(f, context, context.deps or {})) end

function kinds.condition(f, context) return encode({ met = not not call(f, context, context.deps or {}) }) end

-- What a failed task has for an output is its error, which scripts also take for the text itself.
local ERROR = {
  __tostring = function(output) return output.error end,
  __concat = function(left, right) return tostring(left) .. tostring(right) end,
}

-- The hosts that a function given to delegate_to names: one, several, or none, which is here.
function kinds.hosts(f, context)
  local answer = f(this_of(context), params_of(context))
  if answer == nil then answer = "" end
  if not host.is_plain_table(answer) then answer = { answer } end
  local hosts = host.list()
  for index, name in ipairs(answer) do
    hosts[index] = host.want_words("task:delegate_to", "what its function returns", name, "a host or a list of them")
  end
  return encode({ hosts = hosts }, "task:delegate_to")
end

-- Before there is an output, hooks get what their task gets.
function kinds.hook(f, context)
  local output = context.output
  call(f, context, output and output.error and setmetatable(output, ERROR) or output or context.deps or {})
end

function kinds.start(f)
  f()
end

---@class task_result what a hook of a workflow finds of a task: its output, and beside that
---@field name string
---@field task_name string the same
---@field status "success"|"failed"|"skipped"
---@field success boolean
---@field message string
---@field attempts integer
---@field error string?

-- results.build and results[1] are the task's output, which also answers to the facts of its run.
function kinds.complete(f, context)
  local results = {}
  for index, task in ipairs(context.tasks) do
    local output = setmetatable(task.output or {}, { __index = task.facts })
    results[index], results[task.name] = output, output
  end
  f(context.success, results)
end
