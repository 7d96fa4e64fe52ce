---@meta

--- `facts`: what this machine is, read anew each time that it is asked for. Sizes are bytes. A fact
--- is a field, such as `facts.memory.total`; one that the system does not tell is nil. A plan reads
--- them too. An `agent` other than this machine is an error.
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
facts = {}

--- What `facts.hostname` is; options may name this machine as the agent.
---@param options table?
---@return string?
---@return string?
function facts.get_hostname(options) end

--- What `facts.platform` is.
---@param options table?
---@return table?
---@return string?
function facts.get_platform(options) end

--- What `facts.kernel` is.
---@param options table?
---@return table?
---@return string?
function facts.get_kernel(options) end

--- What `facts.cpu` is.
---@param options table?
---@return table?
---@return string?
function facts.get_cpu(options) end

--- What `facts.memory` is.
---@param options table?
---@return table?
---@return string?
function facts.get_memory(options) end

--- A fact by its name, or a table of all.
---@param name string?
---@return any fact
---@return string? problem
function facts.get(name) end

--- All facts.
---@param options { agent: string? }?
---@return table
function facts.get_all(options) end

--- The file systems on disks, or the one that is mounted at a path.
---@param options { agent: string?, mountpoint: string? }?
---@return table? disks
---@return string? problem
function facts.get_disk(options) end

--- The network interfaces, or the one with a name.
---@param options { agent: string?, interface: string? }?
---@return table? interfaces
---@return string? problem
function facts.get_network(options) end
