--- What systemd says of a unit, for the module `systemd` and the resource `service`.

local host = ...
local match, gmatch, format = string.match, string.gmatch, string.format
local blame, encode, wait = host.blame, host.encode, host.wait

local RUNNING = { active = true, reloading = true, activating = true }
local ENABLED = { enabled = true, alias = true }
local FIXED = { static = true, generated = true, transient = true, indirect = true }

local PROPERTIES = "--property=LoadState,ActiveState,UnitFileState,NeedDaemonReload"

local M = {}

--- The name of a unit, which is neither an option of systemctl nor a path.
---@param call string "systemd.start"
---@param name string
---@return string
function M.checked(call, name)
  if name == "" or match(name, "^-") or match(name, "[%s/]") then blame(format("%s: '%s' is no name of a unit", call, name)) end
  return name
end

---@class unit
---@field exists boolean
---@field active string in systemd's own word
---@field running boolean
---@field file string whether it starts with the system, in systemd's own word; "" if there is no file
---@field enabled boolean
---@field fixed string? why it can be neither enabled nor disabled
---@field is_stale boolean whether systemd has yet to read its file again

--- Anything but an answer (no systemd, no permission) is an error.
---@param name string
---@return unit
function M.read(name)
  local result = wait("process.run", encode(host.list({ "systemctl", "show", PROPERTIES, "--", name }), "arguments"))
  local said = {}
  for key, value in gmatch(result.stdout, "(%w+)=([^\n]*)") do said[key] = value end
  if result.exit_code ~= 0 or not said.LoadState then
    blame("systemd does not answer, so nothing is known of its units: " .. (match(result.stderr, "[^\n]+") or "systemctl show says nothing"))
  end
  local active, file = said.ActiveState, said.UnitFileState
  return {
    exists = said.LoadState ~= "not-found", is_stale = said.NeedDaemonReload == "yes",
    active = active, running = RUNNING[active] or false,
    file = file, enabled = ENABLED[file] or false,
    fixed = FIXED[file] and format("%s is %s, so it can be neither enabled nor disabled", name, file) or nil,
  }
end

return M
