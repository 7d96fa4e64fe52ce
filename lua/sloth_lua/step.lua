--- `step`: a piece of a task that is done once in a run; a retry and a resumed run replay it.

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

--- Calls a function and keeps what it returns, so that it is not called again in this run: a retry
--- of the task, and a run that goes on with this one, get the same from the store. That is JSON, as
--- the first call returns it too. An error is not kept. It is durable when the call returns.
---@param name string
---@param f fun(): any
---@return any
return function(name, f)
  name = want("step", "name", name, "string")
  want("step", "its function", f, "function")
  return unpacked(call("step.begin", name) or keep(name, pcall(f)))
end
