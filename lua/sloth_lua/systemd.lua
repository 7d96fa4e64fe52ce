--- `systemd`: units of systemd. What is so already is left alone. Results are true and a table with
--- `changed` and `message`, or false and a message. A unit is given as "nginx" or { name = "nginx" }.

local host = ...
local outcome = host.outcome or host.library("administration/outcome")(host)
local units = host.library("administration/units")(host)
local type, ipairs, next, match, format, concat, sort = type, ipairs, next, string.match, string.format, table.concat, table.sort
local done, fields = outcome.done, outcome.fields

local systemd = {}

local UNIT, ALIASES = { name = "string" }, { service = "name", unit = "name" }

local function unit_of(call, ...) return units.checked(call, fields(call, UNIT, { "name" }, ALIASES, ...).name) end

local function change(verb, unit) return outcome.run({ "systemctl", verb, "--", unit }) end

-- Why a unit can be neither enabled nor disabled. Of a static one systemctl reports success all the same.
local function why_fixed(unit, now)
  return now.fixed or outcome.is_missing(now.exists) and "systemd has no unit " .. unit or nil
end

-- Runs a verb unless what it changes, `running` or `enabled`, is so already.
local function bring(verb, what, wanted, said, ...)
  local call = "systemd." .. verb
  local unit = unit_of(call, ...)
  local ok, now = outcome.try(units.read, unit)
  if not ok then return false, now end
  local fixed = what == "enabled" and why_fixed(unit, now)
  if fixed then return false, fixed end
  if now[what] == wanted then return done(false, format("%s is %s already", unit, said)) end
  local worked, problem = outcome.change(call, unit, change, verb, unit)
  if not worked then return false, problem end
  return done(true, format("%s is %s", unit, said))
end

--- Starts a unit.
---@param unit string|{ name: string }
---@return boolean ok
---@return outcome|string result or problem
function systemd.start(unit) return bring("start", "running", true, "started", unit) end

--- Stops a unit.
---@param unit string|{ name: string }
---@return boolean ok
---@return outcome|string result or problem
function systemd.stop(unit) return bring("stop", "running", false, "stopped", unit) end

--- Lets a unit start with the system.
---@param unit string|{ name: string }
---@return boolean ok
---@return outcome|string result or problem
function systemd.enable(unit) return bring("enable", "enabled", true, "enabled", unit) end

--- Lets a unit start no more with the system.
---@param unit string|{ name: string }
---@return boolean ok
---@return outcome|string result or problem
function systemd.disable(unit) return bring("disable", "enabled", false, "disabled", unit) end

local function always(verb, said, ...)
  local call = "systemd." .. verb
  local unit = unit_of(call, ...)
  local ok, problem = outcome.change(call, unit, change, verb, unit)
  if not ok then return false, problem end
  return done(true, format("%s was %s", unit, said))
end

--- Restarts a unit, whether it runs or not.
---@param unit string|{ name: string }
---@return boolean ok
---@return outcome|string result or problem
function systemd.restart(unit) return always("restart", "restarted", unit) end

--- Lets a unit read its configuration again.
---@param unit string|{ name: string }
---@return boolean ok
---@return outcome|string result or problem
function systemd.reload(unit) return always("reload", "reloaded", unit) end

local function reload_all() return outcome.run({ "systemctl", "daemon-reload" }) end

--- Lets systemd read the files of its units again.
---@return boolean ok
---@return outcome|string result or problem
function systemd.daemon_reload()
  local ok, problem = outcome.change("systemd.daemon_reload", "daemon-reload", reload_all)
  if not ok then return false, problem end
  return done(true, "the files of units were read again")
end

local ENSURED = { name = "string", state = "string?", running = "boolean?", enabled = "boolean?" }
local STATES = { started = true, running = true, stopped = false }

--- Brings a unit into a state: `systemd.ensure{ name = "nginx", state = "started", enabled = true }`.
---@param unit string|{ name: string, state: "started"|"stopped"|nil, running: boolean?, enabled: boolean? }
---@param options table?
---@return boolean ok
---@return outcome|string result or problem
function systemd.ensure(unit, options)
  local wanted = fields("systemd.ensure", ENSURED, { "name" }, ALIASES, unit, options)
  if wanted.state and STATES[wanted.state] == nil then host.unknown("systemd.ensure: there is no state", wanted.state, { "started", "stopped" }) end
  if wanted.state then wanted.running = STATES[wanted.state] end
  local steps = {}
  if wanted.enabled ~= nil then steps[1] = wanted.enabled and "enable" or "disable" end
  if wanted.running ~= nil then steps[#steps + 1] = wanted.running and "start" or "stop" end
  local changed, messages = false, {}
  for index, verb in ipairs(steps) do
    local ok, result = systemd[verb](wanted.name)
    if not ok then return false, result end
    changed, messages[index] = changed or result.changed, result.message
  end
  return done(changed, concat(messages, ", "))
end

--- Whether a unit runs. One that is still starting does not.
---@param unit string|{ name: string }
---@return boolean
---@return string message systemd's word, or the problem
function systemd.is_active(unit)
  local ok, now = outcome.try(units.read, unit_of("systemd.is_active", unit))
  if not ok then return false, now end
  return now.active == "active", now.active
end

--- Whether a unit starts with the system.
---@param unit string|{ name: string }
---@return boolean
---@return string message systemd's word, or the problem
function systemd.is_enabled(unit)
  local name = unit_of("systemd.is_enabled", unit)
  local ok, now = outcome.try(units.read, name)
  if not ok then return false, now end
  return now.enabled, now.exists and now.file or "systemd has no unit " .. name
end

-- `systemctl status` exits with 3 for a unit that does not run, and says all the same what it is.
local function text_of(arguments)
  local ok, result = outcome.try(outcome.ask, arguments)
  if not ok then return nil, result end
  if result.stdout == "" then return nil, match(result.stderr, "[^\n]+") or "systemctl says nothing" end
  return result.stdout
end

--- What systemd says of a unit, for people.
---@param unit string|{ name: string }
---@return string? text
---@return string? problem
function systemd.status(unit) return text_of({ "systemctl", "status", "--no-pager", "--", unit_of("systemd.status", unit) }) end

--- All properties of a unit, one a line: "ActiveState=active".
---@param unit string|{ name: string }
---@return string? text
---@return string? problem
function systemd.show(unit) return text_of({ "systemctl", "show", "--no-pager", "--", unit_of("systemd.show", unit) }) end

--- The services that systemd has loaded, for people; with a state only those in it.
---@param filter { state: string? }?
---@return string? text
---@return string? problem
function systemd.list_services(filter)
  host.call("needs_this_machine", "systemd.list_services")
  local chosen = host.want_fields("systemd.list_services", filter or {}, { state = "string?", no_header = "boolean?" })
  local arguments = { "systemctl", "list-units", "--type=service", "--all", "--no-pager" }
  if chosen.state then arguments[#arguments + 1] = "--state=" .. chosen.state end
  if chosen.no_header then arguments[#arguments + 1] = "--no-legend" end
  return text_of(arguments)
end

local SERVICE = {
  name = "string", exec_start = "string", description = "string?", after = "any?", wants = "any?", requires = "any?",
  exec_stop = "string?", exec_reload = "string?", type = "string?", user = "string?", group = "string?",
  working_directory = "string?", restart = "string?", restart_sec = "any?", environment = "map?", wanted_by = "string?",
}
local SECTIONS = {
  { "[Unit]", { "description", "Description" }, { "after", "After" }, { "wants", "Wants" }, { "requires", "Requires" } },
  {
    "[Service]", { "type", "Type" }, { "exec_start", "ExecStart" }, { "exec_stop", "ExecStop" }, { "exec_reload", "ExecReload" },
    { "user", "User" }, { "group", "Group" }, { "working_directory", "WorkingDirectory" }, { "restart", "Restart" },
    { "restart_sec", "RestartSec" }, { "environment", "Environment" },
  },
  { "[Install]", { "wanted_by", "WantedBy" } },
}
local FOLDER = "/etc/systemd/system/"

local function lines_of(field, key, value)
  if value == nil then return {} end
  if field == "environment" then
    local lines = {}
    for name, each in next, value do lines[#lines + 1] = format('%s="%s=%s"', key, host.text(name), host.text(each):gsub('[\\"]', "\\%0")) end
    sort(lines)
    return lines
  end
  return { key .. "=" .. (type(value) == "table" and concat(value, " ") or host.text(value)) }
end

local function unit_file(service)
  local lines = {}
  for _, section in ipairs(SECTIONS) do
    lines[#lines + 1] = (#lines > 0 and "\n" or "") .. section[1]
    for index = 2, #section do
      local field, key = section[index][1], section[index][2]
      for _, line in ipairs(lines_of(field, key, service[field])) do
        if line:find("\n", 1, true) then host.blame("systemd.create_service: " .. field .. " must be one line") end
        lines[#lines + 1] = line
      end
    end
  end
  return concat(lines, "\n") .. "\n"
end

--- Writes the file of a service to /etc/systemd/system and lets systemd read it; it is not started.
---@param service string|table name, exec_start, description, after, wants, requires, exec_stop, exec_reload, type, user, group, working_directory, restart, restart_sec, environment, wanted_by
---@param options table? the same fields, where the name is given before it
---@return boolean ok
---@return outcome|string result or problem
function systemd.create_service(service, options)
  local wanted = fields("systemd.create_service", SERVICE, { "name" }, ALIASES, service, options)
  units.checked("systemd.create_service", wanted.name)
  wanted.type, wanted.restart = wanted.type or "simple", wanted.restart or "always"
  wanted.wanted_by = wanted.wanted_by or "multi-user.target"
  local path = FOLDER .. wanted.name:gsub("%.service$", "") .. ".service"
  if not host.call("process.is_installed", "systemctl") then return false, "the command systemctl is not installed" end
  local ok, result = host.modules.file_ops.copy({ content = unit_file(wanted), dest = path, mode = "0644" })
  if not ok then return false, result end
  if not result.changed then
    -- It may have been written by a run that could not let systemd read it.
    local asked, now = outcome.try(units.read, wanted.name)
    if not asked then return false, now end
    if not now.is_stale then return done(false, path .. " is as wanted already") end
  end
  local read_again, problem = systemd.daemon_reload()
  if not read_again then return false, problem end
  return done(true, "wrote " .. path)
end

--- Stops and disables a service and removes its file from /etc/systemd/system.
---@param unit string|{ name: string }
---@return boolean ok
---@return outcome|string result or problem
function systemd.remove_service(unit)
  local name = unit_of("systemd.remove_service", unit):gsub("%.service$", "")
  local path, fs = FOLDER .. name .. ".service", host.modules.fs
  if not fs.exists(path) then return done(false, "there is no " .. path) end
  local asked, now = outcome.try(units.read, name)
  if not asked then return false, now end
  for _, verb in ipairs({ "stop", not now.fixed and "disable" or nil }) do
    local ok, problem = systemd[verb](name)
    if not ok then return false, problem end
  end
  local removed, problem = fs.rm(path)
  if not removed then return false, problem end
  local read_again, why = systemd.daemon_reload()
  if not read_again then return false, why end
  return done(true, "removed " .. path)
end

return systemd
