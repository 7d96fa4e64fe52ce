--- `state`: what this run records, publishes and remembers. All of it is durable when the call returns.

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

--- Records a resource, new or changed.
---@param resource { type: string, name: string, action: string?, status: string?, attributes: table? }
---@return { id: string, type: string, name: string, action: string, status: string }
function state.resource(resource) return record("state.resource", resource) end

--- The same; with an id first, for a workflow that `state.create_workflow` started.
---@param id string|table
---@param resource table?
function state.add_resource(id, resource)
  if type(id) == "table" then return record("state.add_resource", id) end
  return record("state.add_resource", resource, want_or_nil("state.add_resource", "id", id, "string"))
end

--- Changes a recorded resource. Attributes that are not named stay as they are.
---@param kind string
---@param name string
---@param change { status: string?, attributes: table? }
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

---@param kind string
---@param name string
---@return table? resource
function state.get_resource(kind, name)
  return call("state.get", want("state.get_resource", "type", kind, "string"), want("state.get_resource", "name", name, "string"))
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

---@param key string
---@return any value nil if this run has not published it
function state.get_output(key) return call("state.output", want("state.get_output", "key", key, "string")) end

---@return table<string, any>
function state.outputs() return call("state.outputs") end

--- An output of another workflow's last successful run.
---@param workflow string
---@param key string
---@return any
function state.output_of(workflow, key)
  return call("state.output_of", want("state.output_of", "workflow", workflow, "string"), want("state.output_of", "key", key, "string"))
end

---@param key string
---@param value string
function state.set_metadata(key, value)
  call("state.set_metadata", want("state.set_metadata", "key", key, "string"), want("state.set_metadata", "value", value, "string"))
end

--- The last successful version before this one: version, resources, outputs; nil if there is none.
---@return { version: integer, resources: table[], outputs: table<string, any> }?
function state.previous() return call("state.previous") end

---@return { id: string, name: string, version: integer, status: string }
function state.workflow() return call("state.workflow") end

--- The failed run that this one goes on with (`run --resume`), or false.
---@return { run_id: string, version: integer }|false
function state.resuming() return call("state.resuming") or false end

-- ---------------------------------------------------------------------- events

--- Calls a function at each event of that name: "resource_changed", "drift_detected",
--- "before_rollback" (which it refuses by returning false and a reason) or "after_rollback".
---@param event string
---@param f fun(facts: table)
function state.on(event, f)
  event = want("state.on", "event", event, "string")
  want("state.on", "its function", f, "function")
  for _, known in ipairs(host.events.names) do
    if known == event then return host.events.listen(event, f) end
  end
  return host.unknown("state.on: there is no event", event, host.events.names)
end

-- ---------------------------------------------------------------------- locks

--- Calls a function while holding a lock that only one run anywhere can hold, and returns what it returns.
---@param name string
---@param options { ttl: number|string|nil, wait: number|string|nil }|function
---@param body function?
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

---@param id string
function state.complete_workflow(id) call("state.finish_workflow", want("state.complete_workflow", "id", id, "string")) end

---@param id string
---@param message string
function state.fail_workflow(id, message)
  call("state.finish_workflow", want("state.fail_workflow", "id", id, "string"), want("state.fail_workflow", "message", message, "string"))
end

-- ---------------------------------------------------------------------- key-value state

local function key_of(name, key) return want("state." .. name, "key", key, "string") end

--- The value of a key, or the default.
---@param key string
---@param default any
function state.get(key, default)
  local exists, json = call("kv.get", key_of("get", key))
  if not exists then return default end
  return host.decode(json)
end

---@param key string
---@param value any
function state.set(key, value) call("kv.set", key_of("set", key), encode(value, "state.set: value")) end

--- The same for a limited time.
---@param key string
---@param value any
---@param ttl number|string
function state.set_with_ttl(key, value, ttl)
  call("kv.set", key_of("set_with_ttl", key), encode(value, "state.set_with_ttl: value"), host.seconds("state.set_with_ttl", "ttl", ttl))
end

---@param key string
---@return boolean existed
function state.delete(key) return call("kv.delete", key_of("delete", key)) end

---@param key string
---@return boolean
function state.exists(key) return (call("kv.get", key_of("exists", key))) end

--- Keys that begin with a prefix, sorted.
---@param prefix string?
---@return string[]
function state.keys(prefix) return call("kv.keys", want_or_nil("state.keys", "prefix", prefix, "string") or "") end

--- Deletes the keys that begin with a prefix, all without one; says how many.
---@param prefix string?
---@return integer
function state.clear(prefix) return call("kv.clear", want_or_nil("state.clear", "prefix", prefix, "string") or "") end

--- Adds to a number, safely against other runs, and returns the new value.
---@param key string
---@param by number? 1 by default
---@return number
function state.increment(key, by)
  return call("kv.increment", key_of("increment", key), want_or_nil("state.increment", "by", by, "number") or 1)
end

--- Sets a key only if its value is the expected one (nil: if it does not exist). Says whether it did.
---@param key string
---@param expected any
---@param value any
---@return boolean
function state.compare_swap(key, expected, value)
  return call("kv.compare_swap", key_of("compare_swap", key), encode(expected, "state.compare_swap: expected"), encode(value, "state.compare_swap: value"))
end

---@return { keys: integer, expiring: integer, bytes: integer }
function state.stats() return call("kv.stats") end

return state
