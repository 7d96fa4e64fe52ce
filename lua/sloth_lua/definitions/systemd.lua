---@meta

--- `systemd`: units of systemd. What is so already is left alone. Results are true and a table with
--- `changed` and `message`, or false and a message. A unit is given as "nginx" or { name = "nginx" }.
---@class systemd
systemd = {}

--- Starts a unit.
---@param unit string|{ name: string }
---@return boolean ok
---@return outcome|string result or problem
function systemd.start(unit) end

--- Stops a unit.
---@param unit string|{ name: string }
---@return boolean ok
---@return outcome|string result or problem
function systemd.stop(unit) end

--- Lets a unit start with the system.
---@param unit string|{ name: string }
---@return boolean ok
---@return outcome|string result or problem
function systemd.enable(unit) end

--- Lets a unit start no more with the system.
---@param unit string|{ name: string }
---@return boolean ok
---@return outcome|string result or problem
function systemd.disable(unit) end

--- Restarts a unit, whether it runs or not.
---@param unit string|{ name: string }
---@return boolean ok
---@return outcome|string result or problem
function systemd.restart(unit) end

--- Lets a unit read its configuration again.
---@param unit string|{ name: string }
---@return boolean ok
---@return outcome|string result or problem
function systemd.reload(unit) end

--- Lets systemd read the files of its units again.
---@return boolean ok
---@return outcome|string result or problem
function systemd.daemon_reload() end

--- Brings a unit into a state: `systemd.ensure{ name = "nginx", state = "started", enabled = true }`.
---@param unit string|{ name: string, state: "started"|"stopped"|nil, running: boolean?, enabled: boolean? }
---@param options table?
---@return boolean ok
---@return outcome|string result or problem
function systemd.ensure(unit, options) end

--- Whether a unit runs. One that is still starting does not.
---@param unit string|{ name: string }
---@return boolean
---@return string message systemd's word, or the problem
function systemd.is_active(unit) end

--- Whether a unit starts with the system.
---@param unit string|{ name: string }
---@return boolean
---@return string message systemd's word, or the problem
function systemd.is_enabled(unit) end

--- What systemd says of a unit, for people.
---@param unit string|{ name: string }
---@return string? text
---@return string? problem
function systemd.status(unit) end

--- All properties of a unit, one a line: "ActiveState=active".
---@param unit string|{ name: string }
---@return string? text
---@return string? problem
function systemd.show(unit) end

--- The services that systemd has loaded, for people; with a state only those in it.
---@param filter { state: string? }?
---@return string? text
---@return string? problem
function systemd.list_services(filter) end

--- Writes the file of a service to /etc/systemd/system and lets systemd read it; it is not started.
---@param service string|table name, exec_start, description, after, wants, requires, exec_stop, exec_reload, type, user, group, working_directory, restart, restart_sec, environment, wanted_by
---@param options table? the same fields, where the name is given before it
---@return boolean ok
---@return outcome|string result or problem
function systemd.create_service(service, options) end

--- Stops and disables a service and removes its file from /etc/systemd/system.
---@param unit string|{ name: string }
---@return boolean ok
---@return outcome|string result or problem
function systemd.remove_service(unit) end
