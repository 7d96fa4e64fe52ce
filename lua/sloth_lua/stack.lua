--- `stack`: an older name for the state of this run. `stack("name")` at the top level of the file says
--- under which name the run has its state; `run NAME --file FILE` says it with more weight.

local host = ...
local want, want_fields, call, setmetatable = host.want, host.want_fields, host.call, setmetatable
local state = host.modules.state

---@class stack
---@overload fun(name: string): stack says under which name the run has its state; at the top level of the file
local stack = {}

--- The name under which the run has its state; before there is a run the one that the file has said.
---@return string?
function stack.get_name() return call("stack.name") end

--- The id of this run.
---@return string
function stack.get_id() return state.workflow().id end

--- The status of this run: "running".
---@return string
function stack.get_status() return state.workflow().status end

--- Publishes a value under a name, as `state.set_output` does.
---@param key string
---@param value any
---@param options { sensitive: boolean? }?
function stack.set_output(key, value, options) return state.set_output(key, value, options) end

--- What this run has published under a name, or nil.
---@param key string
---@return any
function stack.get_output(key) return state.get_output(key) end

local RESOURCE = {
  type = "string", name = "string", module = "string?", properties = "map?", dependencies = "table?", state = "string?",
}
local SAID = { create = "created", update = "changed", noop = "unchanged" }

local function shape(found)
  local attributes = found.attributes or {}
  return {
    id = found.id, stack_id = call("stack.run_id"), type = found.type, name = found.name, state = found.status,
    module = attributes.module, properties = attributes.properties or {}, dependencies = attributes.dependencies,
  }
end

--- Records a resource, as `state.resource` does.
---@param resource { type: string, name: string, module: string?, properties: table?, dependencies: string[]?, state: string? }
---@return string what "created" by this run, "changed" or "unchanged"
---@return table resource id stack_id type name state module properties dependencies
function stack.register_resource(resource)
  local given = want_fields("stack.register_resource", resource, RESOURCE)
  local attributes = {
    module = given.module, properties = given.properties or {}, dependencies = given.dependencies and host.list(given.dependencies),
  }
  local recorded = state.resource({ type = given.type, name = given.name, status = given.state, attributes = attributes })
  return SAID[recorded.action] or recorded.action, stack.get_resource(given.type, given.name)
end

local function found(what, kind, name)
  return state.get_resource(want(what, "type", kind, "string"), want(what, "name", name, "string"))
end

--- A resource that is recorded, or nil.
---@param kind string
---@param name string
---@return table? resource as of `stack.register_resource`
function stack.get_resource(kind, name)
  local resource = found("stack.get_resource", kind, name)
  return resource and resource.action ~= "delete" and shape(resource) or nil
end

--- Whether a resource is recorded.
---@param kind string
---@param name string
---@return boolean
function stack.resource_exists(kind, name) return stack.get_resource(kind, name) ~= nil end

--- Changes what is recorded of a resource.
---@param kind string
---@param name string
---@param change { state: string?, properties: table?, error: string? }
---@return boolean always true
function stack.update_resource(kind, name, change)
  change = want_fields("stack.update_resource", change, { state = "string?", properties = "map?", error = "string?" })
  state.update_resource(kind, name, { status = change.state, attributes = { properties = change.properties, error = change.error } })
  return true
end

--- Records that a resource is gone. It does not delete the real thing.
---@param kind string
---@param name string
---@return boolean always true
function stack.delete_resource(kind, name)
  state.remove_resource(kind, name)
  return true
end

return setmetatable(stack, {
  __call = function(_, name)
    call("stack.choose", want("stack", "its argument", name, "string"))
    return stack
  end,
})
