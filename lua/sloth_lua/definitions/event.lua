---@meta

--- `event`: tells whoever looks at the run, or listens to it, of something.
---@class event
event = {}

--- Keeps an event with the run and hands it to plugins and to `-o json`. It is durable when the call
--- returns. Nobody answers it.
---@param kind string what it is called, such as "deploy.started"
---@param data table<string, any>? what else there is to know
---@return boolean always true
function event.dispatch(kind, data) end

--- An event of the type "custom" that has a name and a message, or other data.
---@param name string
---@param message string|table|nil
---@return boolean always true
function event.dispatch_custom(name, message) end

--- An event of the type "file.created", "file.modified" or "file.deleted", with the path.
---@param what string "created", "modified" or "deleted"
---@param path string
---@param watcher string? who has seen it
---@return boolean always true
function event.dispatch_file(what, path, watcher) end
