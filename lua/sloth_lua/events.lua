--- Events that a script listens to with `state.on`, and how they reach its functions.

local host, kinds = ...
local pcall, ipairs, insert, running, setmetatable = pcall, ipairs, table.insert, coroutine.running, setmetatable
local listeners = {} ---@type table<string, function[]>
local telling = setmetatable({}, { __mode = "k" }) -- coroutines in which a listener runs

local M = {}

--- The events there are; what each tells is in docs/reference/language.md.
M.names = { "resource_changed", "drift_detected", "before_rollback", "after_rollback" }

--- Lets a function be called at each event of that name.
---@param name string
---@param f fun(facts: table)
function M.listen(name, f)
  listeners[name] = listeners[name] or {}
  insert(listeners[name], f)
end

-- An event that a listener causes itself is not told, or it would never end.
local function calls(name, facts, after_each)
  local thread = running() or M
  if telling[thread] then return end
  telling[thread] = true
  for _, f in ipairs(listeners[name] or {}) do after_each(pcall(f, facts)) end
  telling[thread] = nil
end

--- Whether anybody listens to an event.
---@param name string
---@return boolean
function M.has_listeners(name) return listeners[name] ~= nil end

--- Calls the listeners one after the other. A failing one is reported and changes nothing.
---@param name string
---@param facts table
function M.tell(name, facts)
  if not listeners[name] then return end
  calls(name, facts, function(ok, problem)
    if not ok then host.call("log", "warn", "state.on('" .. name .. "') failed: " .. host.text(problem)) end
  end)
end

function kinds.event(_, context)
  M.tell(context.event, context.facts)
  return "{}"
end

--- An event that a listener can refuse, by returning false and a reason or by an error.
function kinds.refusable_event(_, context)
  local reason
  calls(context.event, context.facts, function(ok, first, second)
    if not ok then reason = reason or host.text(first)
    elseif first == false then reason = reason or host.text(second or "a listener returned false") end
  end)
  return host.encode({ refused = reason })
end

return M
