--- `event`: tells whoever looks at the run, or listens to it, of something.

local host = ...
local want, want_or_nil, ipairs = host.want, host.want_or_nil, ipairs

local event = {}

local function dispatch(call, kind, data) host.call("event.dispatch", kind, host.encode(data, call .. ": data")) end

--- Keeps an event with the run and hands it to plugins and to `-o json`. It is durable when the call
--- returns. Nobody answers it.
---@param kind string what it is called, such as "deploy.started"
---@param data table<string, any>? what else there is to know
---@return boolean always true
function event.dispatch(kind, data)
  kind = want("event.dispatch", "type", kind, "string")
  dispatch("event.dispatch", kind, want_or_nil("event.dispatch", "data", data, "map") or {})
  return true
end

--- An event of the type "custom" that has a name and a message, or other data.
---@param name string
---@param message string|table|nil
---@return boolean always true
function event.dispatch_custom(name, message)
  name = want("event.dispatch_custom", "name", name, "string")
  if host.is_plain_table(message) then
    want("event.dispatch_custom", "data", message, "map")
  else
    message = want_or_nil("event.dispatch_custom", "message", message, "string")
  end
  dispatch("event.dispatch_custom", "custom", { name = name, message = message })
  return true
end

local FILE_EVENTS = { "created", "deleted", "modified" }

--- An event of the type "file.created", "file.modified" or "file.deleted", with the path.
---@param what string "created", "modified" or "deleted"
---@param path string
---@param watcher string? who has seen it
---@return boolean always true
function event.dispatch_file(what, path, watcher)
  what = want("event.dispatch_file", "what", what, "string")
  local known = false
  for _, each in ipairs(FILE_EVENTS) do known = known or each == what end
  if not known then host.unknown("event.dispatch_file: there is no event of files", what, FILE_EVENTS) end
  path = want("event.dispatch_file", "path", path, "string")
  watcher = want_or_nil("event.dispatch_file", "watcher", watcher, "string")
  dispatch("event.dispatch_file", "file." .. what, { path = path, watcher = watcher })
  return true
end

return event
