--- `user`: a user of the system. It owns what is declared of the user's entry, and a home that it made,
--- as long as nothing was put into it. It sets no password: a new user has none and cannot log in by one.

local host = ...
local next, ipairs, unpack, sort, concat = next, ipairs, unpack, table.sort, table.concat
local match, find, format, text = string.match, string.find, string.format, host.text
local blame, call, encode, wait = host.blame, host.call, host.encode, host.wait

---@class user_declaration
---@field user string? the login name; by default the resource's name
---@field uid integer?
---@field group string? the first group; by default one of the user's own name
---@field groups string[]? the other groups, exactly these
---@field home string?
---@field shell string?
---@field comment string?
---@field system boolean? says only how the number of a new user is chosen

local M = {
  fields = {
    user = "string?", uid = "number?", group = "string?", groups = "table?",
    home = "string?", shell = "string?", comment = "string?", system = "boolean?",
  },
  natural_key = { "user" },
}

local function check_text(r)
  for _, field in ipairs({ "home", "shell", "comment" }) do
    if r[field] and find(r[field], "[:\n]") then blame(format("resource.user: %s must have no colon and no line break", field)) end
    if r[field] and field ~= "comment" and not match(r[field], "^/") then blame(format("resource.user: %s must be an absolute path", field)) end
  end
end

function M.declare(r)
  r.user = r.user or r.name
  if not match(r.user, "^[%l_][%w_.-]*%$?$") then blame(format("resource.user: '%s' is no name of a user", r.user)) end
  if r.uid and (r.uid < 0 or r.uid % 1 ~= 0) then blame("resource.user: uid must be a whole number from 0 on") end
  check_text(r)
  if r.groups then
    for _, each in ipairs(r.groups) do host.want("resource.user", "groups' items", each, "string") end
    sort(r.groups)
    r.groups = host.list(r.groups)
  end
  return r
end

function M.read(r)
  local found = call("account.user", r.user)
  if not found then return nil end
  found.system = r.system -- says only how the number of a new user is chosen
  if r.groups == nil then found.groups = nil end
  return found
end

local ONE_BY_ONE = encode({ check = true, queue = "accounts" }, "options")

local function run(...)
  if not call("account.is_root") then blame("only root can change users") end
  wait("process.run", encode(host.list({ ... }), "arguments"), ONE_BY_ONE)
end

--- What the user was before the workflow dealt with it, or that there was none.
function M.prepare(_, before, memory)
  if memory.before == nil then memory.before = before or false end
end

local OPTIONS = { uid = "--uid", group = "--gid", home = "--home", shell = "--shell", comment = "--comment" }

-- useradd's and usermod's options for what is wanted and is not so yet.
local function options_for(r, before)
  local options = {}
  for field, option in next, OPTIONS do
    if r[field] ~= nil and r[field] ~= before[field] then
      options[#options + 1] = option
      options[#options + 1] = text(r[field])
    end
  end
  if r.groups and encode(r.groups, "groups") ~= encode(before.groups or host.list(), "groups") then
    options[#options + 1] = "--groups"
    options[#options + 1] = concat(r.groups, ",")
  end
  return options
end

-- The group of the same name that useradd makes; a recorded one may be gone with the user.
local function makes_group(r) return (r.group or r.user) == r.user and not call("account.group", r.user) end

--- A system's user has no home unless one is declared.
function M.create(r, _, memory)
  local has_home = r.home or not r.system
  memory.made_home = has_home and not host.modules.fs.exists(r.home or "/home/" .. r.user)
  memory.made_group = makes_group(r)
  local options = options_for(r, { group = memory.made_group and r.group or nil })
  options[#options + 1] = has_home and "--create-home" or "--no-create-home"
  if memory.made_group then options[#options + 1] = "--user-group" end
  if r.system then options[#options + 1] = "--system" end
  options[#options + 1] = r.user
  run("useradd", unpack(options))
end

function M.update(r, before, memory)
  local options = options_for(r, before)
  if #options == 0 then return end
  local moves = r.home and r.home ~= before.home and memory.made_home and not host.modules.fs.exists(r.home)
  if moves then options[#options + 1] = "--move-home" end
  options[#options + 1] = r.user
  run("usermod", unpack(options))
end

--- Removes a user that the workflow made; any other becomes what it was before.
function M.delete(r, before, memory)
  if not before then return end
  if memory.before == false then
    run("userdel", r.user)
    if memory.made_group and call("account.group", r.user) then run("groupdel", r.user) end
    if memory.made_home then call("account.remove_untouched_home", before.home) end
  elseif memory.before then
    M.update(memory.before, before, memory)
  end
end

function M.import(id) return { user = id } end

return M
