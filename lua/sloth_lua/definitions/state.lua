---@meta

--- `state`: what this run records, publishes and remembers. All of it is durable when the call returns.
--- It needs a run, so it is called from tasks; the key-value part, which all workflows of the store
--- share, works at the top level of the file too.
---@class state
state = {}

---@class recorded_resource
---@field id string
---@field type string
---@field name string
---@field action string
---@field status string

--- Records a resource, new or changed.
---@param resource { type: string, name: string, action: string?, status: string?, attributes: table? }
---@return recorded_resource
function state.resource(resource) end

--- The same; with an id first, for a workflow that `state.create_workflow` started.
---@param id string|table
---@param resource table?
---@return recorded_resource
function state.add_resource(id, resource) end

--- Changes a recorded resource. Attributes that are not named stay as they are.
---@param kind string
---@param name string
---@param change { status: string?, attributes: table? }
---@return recorded_resource
function state.update_resource(kind, name, change) end

--- Records that a resource is gone. It does not delete the real thing.
---@param kind string
---@param name string
function state.remove_resource(kind, name) end

--- A resource of this workflow, or nil if there is none.
---@param kind string
---@param name string
---@return table? resource
function state.get_resource(kind, name) end

--- All resources of the workflow, ordered by type and name.
---@param filter { type: string? }?
---@return table[]
function state.resources(filter) end

--- Publishes a value under a name. A sensitive one is not shown unless asked for.
---@param key string
---@param value any
---@param options { sensitive: boolean? }?
function state.set_output(key, value, options) end

--- A value that this run has published.
---@param key string
---@return any value # nil if this run has not published it
function state.get_output(key) end

--- All that this run has published.
---@return table<string, any>
function state.outputs() end

--- An output of another workflow's last successful run. That there is none is an error.
---@param workflow string
---@param key string
---@return any
function state.output_of(workflow, key) end

--- Adds to the run's metadata, which `show` prints.
---@param key string
---@param value string
function state.set_metadata(key, value) end

--- The last successful version before this one: version, resources, outputs; nil if there is none.
---@return { version: integer, resources: table[], outputs: table<string, any> }?
function state.previous() end

--- This run.
---@return { id: string, name: string, version: integer, status: string }
function state.workflow() end

--- The failed run that this one goes on with (`run --resume`), or false.
---@return { run_id: string, version: integer }|false
function state.resuming() end

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
function state.on(event, f) end

--- Calls a function while holding a lock that only one run anywhere can hold, and returns what it
--- returns. It waits for somebody else's lock if `wait` says how long, behind those who wait already,
--- and overtakes nobody if it does not wait; `ttl`, 60 s by default, is how long the lock outlives a
--- runner that was killed.
---@param name string
---@param options { ttl: number|string|nil, wait: number|string|nil }|function
---@param body function?
---@return any ...
function state.with_lock(name, options, body) end

--- Starts a run of another workflow, for a script that drives several.
---@param workflow { name: string, metadata: table<string, string>? }
---@return string id
function state.create_workflow(workflow) end

--- Ends a run that `state.create_workflow` started: it has succeeded.
---@param id string
function state.complete_workflow(id) end

--- Ends a run that `state.create_workflow` started: it has failed.
---@param id string
---@param message string
function state.fail_workflow(id, message) end

--- The value of a key, or the default.
---@param key string
---@param default any
---@return any
function state.get(key, default) end

--- Sets a key to a value of JSON.
---@param key string
---@param value any
function state.set(key, value) end

--- Sets a key for a limited time.
---@param key string
---@param value any
---@param ttl number|string seconds, or "1h"
function state.set_with_ttl(key, value, ttl) end

--- Deletes a key.
---@param key string
---@return boolean existed
function state.delete(key) end

--- Whether a key exists.
---@param key string
---@return boolean
function state.exists(key) end

--- Keys that begin with a prefix, sorted.
---@param prefix string?
---@return string[]
function state.keys(prefix) end

--- Deletes the keys that begin with a prefix, all without one; says how many.
---@param prefix string?
---@return integer
function state.clear(prefix) end

--- Adds to a number, safely against other runs, and returns the new value.
---@param key string
---@param by number? 1 by default
---@return number
function state.increment(key, by) end

--- Sets a key only if its value is the expected one (nil: if it does not exist). Says whether it did.
---@param key string
---@param expected any
---@param value any
---@return boolean
function state.compare_swap(key, expected, value) end

--- How many keys there are, how many of them for a limited time, and how many bytes they take.
---@return { keys: integer, expiring: integer, bytes: integer }
function state.stats() end
