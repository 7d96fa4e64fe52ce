--- `service`: a unit of systemd. It owns whether the unit runs and whether it starts with the system,
--- as far as these are declared; not the unit's file, which is a `file` of its own.

local host = ...
local units = host.library("administration/units")(host)
local ipairs, match, format = ipairs, string.match, string.format
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
  r.service = units.checked("resource.service", r.service or r.name)
  if r.running == nil and r.enabled == nil and r.restart_on == nil then
    blame("resource.service: say at least one of running, enabled and restart_on")
  end
  return r
end

local function change(verb, ...)
  local result = wait("process.run", encode(host.list({ "systemctl", verb, ... }), "arguments"))
  if result.exit_code == 0 then return end
  blame(format("systemctl %s failed: %s", verb, match(result.stderr, "[^\n]+") or "exit code " .. result.exit_code))
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
  local now = units.read(r.service)
  if not now.exists then return nil end
  local found = { service = r.service, restart_on = restarted_on(r, memory) }
  if r.running ~= nil then found.running = now.running end
  if r.enabled ~= nil then
    if now.fixed then blame(now.fixed) end
    found.enabled = now.enabled
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
  if units.read(name).is_stale then change("daemon-reload") end
  if wanted.enabled ~= nil and wanted.enabled ~= before.enabled then change(wanted.enabled and "enable" or "disable", name) end
  if wanted.running ~= nil and wanted.running ~= before.running then change(wanted.running and "start" or "stop", name) end
end

function M.create(r) blame("systemd has no unit " .. r.service) end

function M.update(r, before, memory)
  local was_running = units.read(r.service).running
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
  local now = units.read(id)
  local fields = { service = id, running = now.running }
  if not now.fixed then fields.enabled = now.enabled end
  return fields
end

return M
