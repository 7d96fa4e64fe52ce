--- `step`: a piece of a task that is done once in a run. A retry of the task, and a
--- [resumed](../how-to/resume.md) run, get its result from the store and do not do it again.
---
--- - Results are JSON, several are allowed. What comes back is the same each time: plain values; `nil`
---   and `json.null` are both `nil`.
--- - An error in it is not kept. The step may be called again.
--- - Steps belong to their task: each name once in a try, and in the same order each time. Another step
---   at the place of one that was done is an error that names both. A step cannot be inside another.
--- - They belong to the command, `pre_hook` and `post_hook`. A plan calls the function, as it runs
---   everything else.

local host = ...
local select, pcall, error, rawequal, unpack = select, pcall, error, rawequal, unpack
local want, call = host.want, host.call

local function packed(name, ...)
  local values = {}
  for index = 1, select("#", ...) do
    local value = select(index, ...)
    values[index] = value == nil and host.null or value
  end
  return host.encode(host.list(values), "step '" .. name .. "': its result")
end

local function unpacked(json)
  local values = host.decode(json)
  local count = #values
  for index = 1, count do
    if rawequal(values[index], host.null) then values[index] = nil end
  end
  return unpack(values, 1, count)
end

-- What `f` returned is kept, or else its error goes on.
local function keep(name, ok, ...)
  local is_json, result = ok, ...
  if ok then is_json, result = pcall(packed, name, ...) end
  if not is_json then
    call("step.fail")
    error(result, 0)
  end
  call("step.finish", result)
  return result
end

--- Calls a function and returns what it returns, which is kept, and is durable when the call returns.
---@param name string
---@param f fun(): any
---@return any ...
return function(name, f)
  name = want("step", "name", name, "string")
  want("step", "its function", f, "function")
  return unpacked(call("step.begin", name) or keep(name, pcall(f)))
end
