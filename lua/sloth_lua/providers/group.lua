--- `group`: a group of the system. It owns the group's entry, and its members if they are declared.

local host = ...
local ipairs, unpack, tostring, sort, concat = ipairs, unpack, tostring, table.sort, table.concat
local match, format = string.match, string.format
local blame, call, encode, wait = host.blame, host.call, host.encode, host.wait

---@class group_declaration
---@field group string? by default the resource's name
---@field gid integer?
---@field system boolean? says only how the number of a new group is chosen
---@field members string[]? exactly these

local M = {
  fields = { group = "string?", gid = "number?", system = "boolean?", members = "table?" },
  natural_key = { "group" },
}

function M.declare(r)
  r.group = r.group or r.name
  if not match(r.group, "^[%l_][%w_.-]*%$?$") then blame(format("resource.group: '%s' is no name of a group", r.group)) end
  if r.gid and (r.gid < 0 or r.gid % 1 ~= 0) then blame("resource.group: gid must be a whole number from 0 on") end
  if r.members then
    for _, each in ipairs(r.members) do host.want("resource.group", "members' items", each, "string") end
    sort(r.members)
    r.members = host.list(r.members)
  end
  return r
end

function M.read(r)
  local found = call("account.group", r.group)
  if not found then return nil end
  found.system = r.system -- says only how the number of a new group is chosen
  if r.members == nil then found.members = nil end
  return found
end

local ONE_BY_ONE = encode({ check = true, queue = "accounts" }, "options")

local function run(...)
  if not call("account.is_root") then blame("only root can change groups") end
  wait("process.run", encode(host.list({ ... }), "arguments"), ONE_BY_ONE)
end

local function set_members(r) run("gpasswd", "-M", concat(r.members, ","), r.group) end

--- What the group was before the workflow dealt with it, or that there was none.
function M.prepare(_, before, memory)
  if memory.before == nil then memory.before = before or false end
end

function M.create(r)
  local options = host.list()
  if r.gid then options = { "--gid", tostring(r.gid) } end
  if r.system then options[#options + 1] = "--system" end
  options[#options + 1] = r.group
  run("groupadd", unpack(options))
  if r.members and #r.members > 0 then set_members(r) end
end

function M.update(r, before)
  if r.gid and r.gid ~= before.gid then run("groupmod", "--gid", tostring(r.gid), r.group) end
  if r.members and encode(r.members, "members") ~= encode(before.members or {}, "members") then set_members(r) end
end

--- Removes a group that the workflow made; any other becomes what it was before.
function M.delete(r, before, memory)
  if not before then return end
  if memory.before == false then run("groupdel", r.group)
  elseif memory.before then M.update(memory.before, before) end
end

function M.import(id) return { group = id } end

return M
