--- `service`: a unit of systemd. It owns whether the unit runs and whether it starts with the system,
--- as far as these are declared; not the unit's file, which is a `file` of its own.

local host = ...
local ipairs, match, gmatch, format = ipairs, string.match, string.gmatch, string.format
local blame, encode, call, wait = host.blame, host.encode, host.call, host.wait

---@class service_declaration
---@field service string? the unit; by default the resource's name
---@field running boolean?
---@field enabled boolean?
---@field restart_on any another value restarts a running unit

local M = {
  fields = { service = "string?", running = "boolean?", enabled = "boolean?", restart_on = "any?" },
  natural_key = { "service" },
}

function M.declare(r)
  r.service = r.service or r.name
  if match(r.service, "^-") or match(r.service, "[%s/]") then blame(format("resource.service: '%s' is no name of a unit", r.service)) end
  if r.running == nil and r.enabled == nil and r.restart_on == nil then
    blame("resource.service: say at least one of running, enabled and restart_on")
  end
  return r
end

local function systemctl(...)
  return wait("process.run", encode(host.list({ "systemctl", ... }), "arguments"))
end

local function change(verb, ...)
  local result = systemctl(verb, ...)
  if result.exit_code == 0 then return end
  blame(format("systemctl %s failed: %s", verb, match(result.stderr, "[^\n]+") or "exit code " .. result.exit_code))
end

local RUNNING = { active = true, reloading = true, activating = true }
local ENABLED = { enabled = true, alias = true }
local FIXED = { static = true, generated = true, transient = true, indirect = true }

local PROPERTIES = "--property=LoadState,ActiveState,UnitFileState,NeedDaemonReload"

-- What systemd says of a unit. Anything but an answer (no systemd, no permission) is an error.
local function unit(name)
  local result = systemctl("show", PROPERTIES, "--", name)
  local said = {}
  for key, value in gmatch(result.stdout, "(%w+)=([^\n]*)") do said[key] = value end
  if result.exit_code ~= 0 or not said.LoadState then
    blame("systemd does not answer, so nothing is known of its units: " .. (match(result.stderr, "[^\n]+") or "systemctl show says nothing"))
  end
  return { exists = said.LoadState ~= "not-found", running = RUNNING[said.ActiveState] or false, file = said.UnitFileState, is_stale = said.NeedDaemonReload == "yes" }
end

-- For what it was restarted last. The first time there is nothing to compare with.
local function restarted_on(r, memory)
  if memory.restarted_on ~= nil then return memory.restarted_on end
  local recorded = call("resource.recorded", r.type, r.name)
  if recorded and recorded.restart_on ~= nil then return recorded.restart_on end
  return r.restart_on
end

--- Only what is declared is read, so that the rest is neither drift nor put back.
function M.read(r, _, memory)
  local now = unit(r.service)
  if not now.exists then return nil end
  local found = { service = r.service, restart_on = restarted_on(r, memory) }
  if r.running ~= nil then found.running = now.running end
  if r.enabled ~= nil then
    if FIXED[now.file] then blame(format("%s is %s, so it can be neither enabled nor disabled", r.service, now.file)) end
    found.enabled = ENABLED[now.file] or false
  end
  return found
end

--- What the unit was before the workflow dealt with it.
function M.prepare(_, before, memory)
  memory.before = memory.before or {}
  for _, name in ipairs({ "running", "enabled" }) do
    if before and memory.before[name] == nil then memory.before[name] = before[name] end
  end
end

local function bring(name, wanted, before)
  if unit(name).is_stale then change("daemon-reload") end
  if wanted.enabled ~= nil and wanted.enabled ~= before.enabled then change(wanted.enabled and "enable" or "disable", name) end
  if wanted.running ~= nil and wanted.running ~= before.running then change(wanted.running and "start" or "stop", name) end
end

function M.create(r) blame("systemd has no unit " .. r.service) end

function M.update(r, before, memory)
  local was_running = unit(r.service).running
  local has_cause = r.restart_on ~= nil and encode({ r.restart_on }, "restart_on") ~= encode({ before.restart_on }, "restart_on")
  bring(r.service, r, before)
  if has_cause and was_running and r.running ~= false then change("restart", r.service) end
  memory.restarted_on = r.restart_on
end

--- Puts back what the unit was before the workflow dealt with it.
function M.delete(r, before, memory)
  if before then bring(r.service, memory.before or {}, before) end
end

function M.import(id)
  local now = unit(id)
  local fields = { service = id, running = now.running }
  if not FIXED[now.file] then fields.enabled = ENABLED[now.file] or false end
  return fields
end

return M
