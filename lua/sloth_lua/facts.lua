--- `facts`: what this machine is, read anew each time that it is asked for. Sizes are bytes. A fact
--- is a field, such as `facts.memory.total`; one that the system does not tell is nil. A plan reads
--- them too. An `agent` other than this machine is an error.

local host = ...
local ipairs, setmetatable, format = ipairs, setmetatable, string.format
local want, blame = host.want, host.blame

---@class facts
---@field os { name: string, id: string, family: string, version: string, codename: string, description: string }
---@field platform { os: string, family: string, version: string, architecture: string, kernel: string, kernel_version: string }
---@field kernel { name: string, version: string, build: string, architecture: string }
---@field hostname string
---@field user { name: string, uid: integer, gid: integer, home: string, shell: string } whom the runner acts as
---@field cpu { model: string, count: integer, usable: integer, architecture: string }
---@field memory { total: integer, available: integer, used: integer, used_percent: number, free: integer, cached: integer, buffers: integer, swap_total: integer, swap_free: integer }
---@field disks { device: string, mountpoint: string, fstype: string, total: integer, used: integer, free: integer, used_percent: number }[] file systems on disks of this machine; each device once, none of a network
---@field network { name: string, mac: string, mtu: integer, is_up: boolean, addresses: string[] }[] its interfaces, each with its first IPv4 address and all of IPv6
---@field get_hostname fun(options: table?): string?, string? what `facts.hostname` is; options may name this machine as the agent
---@field get_platform fun(options: table?): table?, string? what `facts.platform` is
---@field get_kernel fun(options: table?): table?, string? what `facts.kernel` is
---@field get_cpu fun(options: table?): table?, string? what `facts.cpu` is
---@field get_memory fun(options: table?): table?, string? what `facts.memory` is
local facts = {}

local NAMES = { "os", "platform", "kernel", "hostname", "user", "cpu", "memory", "disks", "network" }
local known = {}
for _, name in ipairs(NAMES) do known[name] = true end

local function read(name)
  if not known[name] then host.unknown("facts: there is no fact", name, NAMES) end
  host.call("needs_this_machine", "facts." .. name)
  return host.call("facts.read", name)
end

-- Options of the getters. Facts of other machines are not to be had.
local function checked(call, options, expected)
  expected.agent = "string?"
  options = host.want_fields(call, options or {}, expected)
  local agent = options.agent
  if agent and agent ~= "localhost" and agent ~= read("hostname") then
    blame(format("%s: only facts of this machine are known, not of the agent '%s'", call, agent))
  end
  return options
end

local function one_of(list, problem, field, value)
  if not list or not value then return list, problem end
  for _, item in ipairs(list) do
    if item[field] == value then return item end
  end
  return nil, format("there is no %s '%s'", field == "name" and "interface" or field, value)
end

--- A fact by its name, or a table of all.
---@param name string?
---@return any fact
---@return string? problem
function facts.get(name)
  if name ~= nil then return read(want("facts.get", "name", name, "string")) end
  local all = {}
  for _, each in ipairs(NAMES) do all[each] = read(each) end
  return all
end

--- All facts.
---@param options { agent: string? }?
---@return table
function facts.get_all(options)
  checked("facts.get_all", options, {})
  return facts.get()
end

for _, name in ipairs({ "hostname", "platform", "kernel", "cpu", "memory" }) do
  facts["get_" .. name] = function(options)
    checked("facts.get_" .. name, options, {})
    return read(name)
  end
end

--- The file systems on disks, or the one that is mounted at a path.
---@param options { agent: string?, mountpoint: string? }?
---@return table? disks
---@return string? problem
function facts.get_disk(options)
  options = checked("facts.get_disk", options, { mountpoint = "string?" })
  local disks, problem = read("disks")
  return one_of(disks, problem, "mountpoint", options.mountpoint)
end

--- The network interfaces, or the one with a name.
---@param options { agent: string?, interface: string? }?
---@return table? interfaces
---@return string? problem
function facts.get_network(options)
  options = checked("facts.get_network", options, { interface = "string?" })
  local interfaces, problem = read("network")
  return one_of(interfaces, problem, "name", options.interface)
end

return setmetatable(facts, {
  __index = function(_, name)
    local fact = read(host.text(name))
    return fact
  end,
})
