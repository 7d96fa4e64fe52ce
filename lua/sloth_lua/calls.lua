--- How the runner calls a script's functions: what `this`, `params` and `deps` are, and what a
--- command's return values mean.

local host, kinds = ...
local setmetatable, type, tostring, ipairs, format = setmetatable, type, tostring, ipairs, string.format
local encode, text = host.encode, host.text

-- The wild writes `this.name` and `this.name()`. A string that is a task's name can be called and
-- answers itself; any other keeps being an error.
local task_names = {}
getmetatable("").__call = function(name)
  if task_names[name] then return name end
  return host.blame(format("attempt to call the string %q", name))
end

-- Methods work with a dot and with a colon.
local function workdir(path, is_own)
  local self
  -- Without a folder of its own the task's is the user's current one, or the workflow's sources.
  local function empty(call)
    if not is_own then
      host.blame("this.workdir." .. call .. ": the task has no folder of its own; give it one with :workdir(…)")
    end
    return host.call("fs.rmr", path)
  end
  local methods = {
    get = function() return path end,
    exists = function() return host.call("fs.exists", path) end,
    ensure = function() return host.call("fs.mkdir", path) end,
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

---@class this
---@field name string also callable: this.name()
---@field workdir table get, exists, ensure, cleanup, recreate
---@field attempt integer 1 for the first try
---@field agent string "local"
local function this_of(context)
  task_names[context.task] = true
  return {
    name = context.task, workdir = workdir(context.workdir, context.owns_workdir), attempt = context.attempt, agent = "local",
  }
end

local function params_of(context)
  return { task_name = context.task, workflow_name = context.workflow, workdir = context.workdir }
end

-- ok [, message [, outputs]], or a table with success and message, or nothing at all.
local function outcome(first, second, third)
  local ok, message, output = first ~= false, second, third
  if type(first) == "table" then
    ok = first.success ~= false
    message = first.message or (not ok and second) or nil
    output = first.outputs or first.output
  elseif type(first) == "string" and second == nil then
    message = first
  end
  return encode({
    ok = ok,
    message = message ~= nil and text(message) or nil,
    output = type(output) == "table" and output or nil,
  }, "the task's result")
end

function kinds.command(f, context)
  return outcome(f(this_of(context), params_of(context), context.deps))
end

function kinds.condition(f, context)
  return encode({ met = not not f(this_of(context), params_of(context)) })
end

function kinds.hook(f, context)
  f(this_of(context), params_of(context), context.output)
  return "{}"
end

function kinds.start(f)
  f()
  return "{}"
end

-- results.build and results[1] are the task's output, which also answers to the facts of its run.
function kinds.complete(f, context)
  local results = {}
  for index, task in ipairs(context.tasks) do
    local output = setmetatable(task.output or {}, { __index = task.facts })
    results[index], results[task.name] = output, output
  end
  f(context.success, results)
  return "{}"
end
