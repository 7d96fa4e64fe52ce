---@meta

--- `stack`: an older name for the state of this run. `stack("name")` at the top level of the file says
--- under which name the run has its state; `run NAME --file FILE` says it with more weight.
---@class stack
---@overload fun(name: string): stack
stack = {}

--- The name under which the run has its state; before there is a run the one that the file has said.
---@return string?
function stack.get_name() end

--- The id of this run.
---@return string
function stack.get_id() end

--- The status of this run: "running".
---@return string
function stack.get_status() end

--- Publishes a value under a name, as `state.set_output` does.
---@param key string
---@param value any
---@param options { sensitive: boolean? }?
function stack.set_output(key, value, options) end

--- What this run has published under a name, or nil.
---@param key string
---@return any
function stack.get_output(key) end

--- Records a resource, as `state.resource` does.
---@param resource { type: string, name: string, module: string?, properties: table?, dependencies: string[]?, state: string? }
---@return string what "created" by this run, "changed" or "unchanged"
---@return table resource id stack_id type name state module properties dependencies
function stack.register_resource(resource) end

--- A resource that is recorded, or nil.
---@param kind string
---@param name string
---@return table? resource as of `stack.register_resource`
function stack.get_resource(kind, name) end

--- Whether a resource is recorded.
---@param kind string
---@param name string
---@return boolean
function stack.resource_exists(kind, name) end

--- Changes what is recorded of a resource.
---@param kind string
---@param name string
---@param change { state: string?, properties: table?, error: string? }
---@return boolean always true
function stack.update_resource(kind, name, change) end

--- Records that a resource is gone. It does not delete the real thing.
---@param kind string
---@param name string
---@return boolean always true
function stack.delete_resource(kind, name) end
