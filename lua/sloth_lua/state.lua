--- `state`: what this run records, publishes and remembers. All of it is durable when the call returns.
--- It needs a run, so it is called from tasks; the key-value part, which all workflows of the store
--- share, works at the top level of the file too.

local host = ...
local want, want_or_nil, want_fields, encode, call = host.want, host.want_or_nil, host.want_fields, host.encode, host.call
local type, next, error, pcall, ipairs = type, next, error, pcall, ipairs
local tell = host.events.tell

local state = {}

-- ---------------------------------------------------------------------- resources

local RESOURCE = { type = "string", name = "string", action = "string?", status = "string?", attributes = "map?" }

-- Python answers with plain values: a table would cost as much as the rest of the call.
local function recorded(kind, name, id, action, status)
  return { id = id, type = kind, name = name, action = action, status = status }
end

local function told(resource)
  if resource.action ~= "noop" then tell("resource_changed", resource) end
  return resource
end

local function record(caller, resource, id)
  resource = want_fields(caller, resource, RESOURCE)
  local kind, name, attributes = resource.type, resource.name, resource.attributes
  local json = attributes and encode(attributes, caller .. ": attributes")
  return told(recorded(kind, name, call("state.record", kind, name, json, resource.status, resource.action, id)))
end

---@class recorded_resource
---@field id string
---@field type string
---@field name string
---@field action string
---@field status string

--- Records a resource, new or changed.
---@param resource { type: string, name: string, action: string?, status: string?, attributes: table? }
---@return recorded_resource
function state.resource(resource) return record("state.resource", resource) end

--- The same; with an id first, for a workflow that `state.create_workflow` started.
---@param id string|table
---@param resource table?
---@return recorded_resource
function state.add_resource(id, resource)
  if type(id) == "table" then return record("state.add_resource", id) end
  return record("state.add_resource", resource, want_or_nil("state.add_resource", "id", id, "string"))
end

--- Changes a recorded resource. Attributes that are not named stay as they are.
---@param kind string
---@param name string
---@param change { status: string?, attributes: table? }
---@return recorded_resource
function state.update_resource(kind, name, change)
  kind = want("state.update_resource", "type", kind, "string")
  name = want("state.update_resource", "name", name, "string")
  change = want_fields("state.update_resource", change, { status = "string?", attributes = "map?", action = "string?" })
  return told(recorded(kind, name, call("state.update", kind, name, encode(change, "state.update_resource:"))))
end

--- Records that a resource is gone. It does not delete the real thing.
---@param kind string
---@param name string
function state.remove_resource(kind, name)
  call("state.remove", want("state.remove_resource", "type", kind, "string"), want("state.remove_resource", "name", name, "string"))
  tell("resource_changed", { type = kind, name = name, action = "delete" })
end

--- A resource of this workflow, or nil if there is none.
---@param kind string
---@param name string
---@return table? resource
function state.get_resource(kind, name)
  return call("state.get_resource", want("state.get_resource", "type", kind, "string"), want("state.get_resource", "name", name, "string"))
end

--- All resources of the workflow, ordered by type and name.
---@param filter { type: string? }?
---@return table[]
function state.resources(filter)
  return call("state.resources", want_fields("state.resources", filter or {}, { type = "string?" }).type)
end

-- ---------------------------------------------------------------------- outputs and metadata

--- Publishes a value under a name. A sensitive one is not shown unless asked for.
---@param key string
---@param value any
---@param options { sensitive: boolean? }?
function state.set_output(key, value, options)
  key = want("state.set_output", "key", key, "string")
  options = want_fields("state.set_output", options or {}, { sensitive = "boolean?" })
  if value == nil then host.blame("state.set_output: value must not be nil; json.null is an explicit null") end
  call("state.set_output", key, encode(value, "state.set_output: value"), options.sensitive == true)
end

--- A value that this run has published.
---@param key string
---@return any value # nil if this run has not published it
function state.get_output(key) return call("state.output", want("state.get_output", "key", key, "string")) end

--- All that this run has published.
---@return table<string, any>
function state.outputs() return call("state.outputs") end

--- An output of another workflow's last successful run. That there is none is an error.
---@param workflow string
---@param key string
---@return any
function state.output_of(workflow, key)
  return call("state.output_of", want("state.output_of", "workflow", workflow, "string"), want("state.output_of", "key", key, "string"))
end

--- Adds to the run's metadata, which `show` prints.
---@param key string
---@param value string
function state.set_metadata(key, value)
  call("state.set_metadata", want("state.set_metadata", "key", key, "string"), want("state.set_metadata", "value", value, "string"))
end

--- The last successful version before this one: version, resources, outputs; nil if there is none.
---@return { version: integer, resources: table[], outputs: table<string, any> }?
function state.previous() return call("state.previous") end

--- This run.
---@return { id: string, name: string, version: integer, status: string }
function state.workflow() return call("state.workflow") end

--- The failed run that this one goes on with (`run --resume`), or false.
---@return { run_id: string, version: integer }|false
function state.resuming() return call("state.resuming") or false end

-- ---------------------------------------------------------------------- events

--- Calls a function at each event of that name, with facts about it:
---
--- | event | when | facts |
--- |---|---|---|
--- | `"resource_changed"` | a resource was created, updated or deleted, and that is recorded | `type name action`, of a declared one `attributes` too |
--- | `"drift_detected"` | `drift` found something | `workflow version resources`; each resource has `type name state attributes`, the last a list of paths |
--- | `"before_rollback"` | the lock is taken, nothing is changed yet | `workflow from_version to_version steps`; each step has `action type name` |
--- | `"after_rollback"` | the rollback is recorded | the same, with `version status error` |
---
--- It belongs at the top level, because drift and rollback load the file without running its tasks;
--- they tell the file of the version that is there, not of the one that is restored. A
--- `before_rollback` function refuses by returning `false` and a reason, or by an error: the rollback
--- then fails, and nothing was changed. An error in another one is reported and changes nothing. What
--- a function does itself causes no further events.
---@param event "resource_changed"|"drift_detected"|"before_rollback"|"after_rollback"
---@param f fun(facts: table): any, string?
function state.on(event, f)
  event = want("state.on", "event", event, "string")
  want("state.on", "its function", f, "function")
  for _, known in ipairs(host.events.names) do
    if known == event then return host.events.listen(event, f) end
  end
  return host.unknown("state.on: there is no event", event, host.events.names)
end

-- ---------------------------------------------------------------------- locks

--- Calls a function while holding a lock that only one run anywhere can hold, and returns what it
--- returns. It waits for somebody else's lock if `wait` says how long, behind those who wait already,
--- and overtakes nobody if it does not wait; `ttl`, 60 s by default, is how long the lock outlives a
--- runner that was killed.
---@param name string
---@param options { ttl: number|string|nil, wait: number|string|nil }|function
---@param body function?
---@return any ...
function state.with_lock(name, options, body)
  if type(options) == "function" then options, body = {}, options end
  name = want("state.with_lock", "name", name, "string")
  want("state.with_lock", "its function", body, "function")
  options = want_fields("state.with_lock", options or {}, { ttl = "any?", wait = "any?" })
  local ttl = options.ttl and host.seconds("state.with_lock", "ttl", options.ttl) or 60
  local wait = options.wait and host.seconds("state.with_lock", "wait", options.wait) or 0
  host.wait("state.lock", name, ttl, wait)
  local function unlock(ok, ...)
    call("state.unlock", name)
    if not ok then error(..., 0) end
    return ...
  end
  return unlock(pcall(body))
end

-- ---------------------------------------------------------------------- explicit workflows

--- Starts a run of another workflow, for a script that drives several.
---@param workflow { name: string, metadata: table<string, string>? }
---@return string id
function state.create_workflow(workflow)
  workflow = want_fields("state.create_workflow", workflow, { name = "string", metadata = "map?" })
  local metadata = {}
  for key, value in next, workflow.metadata or {} do
    metadata[key] = want("state.create_workflow", "metadata." .. host.text(key), value, "string")
  end
  workflow.metadata = metadata
  return call("state.create_workflow", encode(workflow, "state.create_workflow:"))
end

--- Ends a run that `state.create_workflow` started: it has succeeded.
---@param id string
function state.complete_workflow(id) call("state.complete_workflow", want("state.complete_workflow", "id", id, "string")) end

--- Ends a run that `state.create_workflow` started: it has failed.
---@param id string
---@param message string
function state.fail_workflow(id, message)
  id, message = want("state.fail_workflow", "id", id, "string"), want("state.fail_workflow", "message", message, "string")
  call("state.fail_workflow", id, message)
end

-- ---------------------------------------------------------------------- key-value state

local function key_of(name, key) return want("state." .. name, "key", key, "string") end

local function value_of(name, value)
  if value == nil then host.blame("state." .. name .. ": value must not be nil; json.null is an explicit null") end
  return encode(value, "state." .. name .. ": value")
end

--- The value of a key, or the default.
---@param key string
---@param default any
---@return any
function state.get(key, default)
  local exists, json = call("state.get", key_of("get", key))
  if not exists then return default end
  return host.decode(json)
end

--- Sets a key to a value of JSON.
---@param key string
---@param value any
function state.set(key, value) call("state.set", key_of("set", key), value_of("set", value)) end

--- Sets a key for a limited time.
---@param key string
---@param value any
---@param ttl number|string seconds, or "1h"
function state.set_with_ttl(key, value, ttl)
  call("state.set", key_of("set_with_ttl", key), value_of("set_with_ttl", value), host.seconds("state.set_with_ttl", "ttl", ttl))
end

--- Deletes a key.
---@param key string
---@return boolean existed
function state.delete(key) return call("state.delete", key_of("delete", key)) end

--- Whether a key exists.
---@param key string
---@return boolean
function state.exists(key) return (call("state.get", key_of("exists", key))) end

--- Keys that begin with a prefix, sorted.
---@param prefix string?
---@return string[]
function state.keys(prefix) return call("state.keys", want_or_nil("state.keys", "prefix", prefix, "string") or "") end

--- Deletes the keys that begin with a prefix, all without one; says how many.
---@param prefix string?
---@return integer
function state.clear(prefix) return call("state.clear", want_or_nil("state.clear", "prefix", prefix, "string") or "") end

--- Adds to a number, safely against other runs, and returns the new value.
---@param key string
---@param by number? 1 by default
---@return number
function state.increment(key, by)
  return call("state.increment", key_of("increment", key), want_or_nil("state.increment", "by", by, "number") or 1)
end

--- Sets a key only if its value is the expected one (nil: if it does not exist). Says whether it did.
---@param key string
---@param expected any
---@param value any
---@return boolean
function state.compare_swap(key, expected, value)
  return call("state.compare_swap", key_of("compare_swap", key), encode(expected, "state.compare_swap: expected"), value_of("compare_swap", value))
end

--- How many keys there are, how many of them for a limited time, and how many bytes they take.
---@return { keys: integer, expiring: integer, bytes: integer }
function state.stats() return call("state.stats") end

return state
