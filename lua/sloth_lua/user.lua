--- `user`: users and groups of the system. What is so already is left alone. Results are true and a
--- table with `changed` and `message`, or false and a message. Only root can change any.

local host = ...
local outcome = host.outcome or host.library("administration/outcome")(host)
local type, next, ipairs, gsub, format = type, next, ipairs, string.gsub, string.format
local done, fields, is_missing, call, want = outcome.done, outcome.fields, outcome.is_missing, host.call, host.want

local user = {}

local ALIASES = { username = "name", user = "name" }
local USER = {
  name = "string", uid = "number?", group = "string?", groups = "any?", home = "string?", shell = "string?",
  comment = "string?", system = "boolean?",
}

-- The provider knows useradd's ways and what a user consists of.
local function provider(kind) return host.library("providers/" .. kind)(host) end

local function declared(what, kind, given)
  local ok, r = outcome.try(function()
    given[kind] = given.name
    local r = provider(kind).declare(given)
    r.name = nil
    return r
  end)
  if not ok then host.blame((gsub(r, "^resource%." .. kind, what))) end
  return r
end

local function differs(r, found)
  for name, value in next, r do
    if name ~= "system" and host.encode(value, name) ~= host.encode(found[name], name) then return true end
  end
  return false
end

-- Makes a user or group, or changes what differs of one.
local function bring(what, kind, r, may_create)
  local M, found = provider(kind), call("account." .. kind, r[kind])
  local name = kind .. " " .. r[kind]
  if not may_create and is_missing(found) then return false, "there is no " .. name end
  if found and not differs(r, found) then return done(false, name .. " is as wanted already") end
  local ok, problem = outcome.change(what, r[kind], function()
    if found then M.update(r, found, {}) else M.create(r, nil, {}) end
  end)
  if not ok then return false, problem end
  return done(true, name .. (found and " was changed" or " was created"))
end

local function wanted_user(what, name, options)
  local given = fields(what, USER, { "name" }, ALIASES, name, options)
  if given.groups ~= nil then given.groups = outcome.words(what, "groups", given.groups) end
  return declared(what, "user", given)
end

--- Makes a user, or changes what differs: `user.create("ci", { shell = "/bin/bash" })`. It sets no
--- password. `groups` are the other groups, exactly these: a list, or "a,b".
---@param name string|table the name, or all fields: name, uid, group, groups, home, shell, comment, system
---@param options { uid: integer?, group: string?, groups: string[]|string|nil, home: string?, shell: string?, comment: string?, system: boolean? }?
---@return boolean ok
---@return outcome|string result or problem
function user.create(name, options) return bring("user.create", "user", wanted_user("user.create", name, options), true) end

--- Changes what differs of a user that is there.
---@param name string|table as for `user.create`
---@param options table?
---@return boolean ok
---@return outcome|string result or problem
function user.modify(name, options) return bring("user.modify", "user", wanted_user("user.modify", name, options), false) end

local ONE_BY_ONE = { queue = "accounts" }

local function run(what, name, arguments, said, stdin)
  local ok, problem = outcome.change(what, name, function()
    if not call("account.is_root") then host.blame("only root can change users and groups") end
    outcome.run(arguments, ONE_BY_ONE, stdin)
  end)
  if not ok then return false, problem end
  return done(true, said)
end

local function name_of(what, given, options) return fields(what, { name = "string", remove_home = "boolean?" }, { "name" }, ALIASES, given, options) end

--- Removes a user, and the home only if that is asked for.
---@param name string|{ name: string, remove_home: boolean? }
---@param options { remove_home: boolean? }|boolean|nil
---@return boolean ok
---@return outcome|string result or problem
function user.delete(name, options)
  if type(options) == "boolean" then options = { remove_home = options } end
  local given = name_of("user.delete", name, options)
  if not call("account.user", given.name) then return done(false, "there is no user " .. given.name) end
  local arguments = given.remove_home and { "userdel", "--remove", "--", given.name } or { "userdel", "--", given.name }
  return run("user.delete", given.name, arguments, format("user %s was removed", given.name))
end

--- Whether there is a user.
---@param name string|{ name: string }
---@return boolean
function user.exists(name) return call("account.user", name_of("user.exists", name).name) ~= nil end

--- What the system knows of a user: user uid group groups home shell comment.
---@param name string|{ name: string }
---@return table? facts
---@return string? problem
function user.get_info(name)
  local given = name_of("user.get_info", name)
  local found = call("account.user", given.name)
  if not found then return nil, "there is no user " .. given.name end
  return found
end

--- What `user.get_info` gives for whoever runs the workflow.
---@return table? facts
---@return string? problem
function user.get_current()
  call("needs_this_machine", "user.get_current")
  return user.get_info(call("account.me"))
end

--- Whether the workflow runs as root.
---@return boolean
function user.is_root()
  call("needs_this_machine", "user.is_root")
  return call("account.is_root")
end

local MEMBER = { name = "string", group = "string" }

local function membership(what, add, ...)
  local given = fields(what, MEMBER, { "name", "group" }, ALIASES, ...)
  local found, group = call("account.user", given.name), call("account.group", given.group)
  if is_missing(found) then return false, "there is no user " .. given.name end
  if is_missing(group) then return false, "there is no group " .. given.group end
  local is_member = false
  for _, each in ipairs(group and group.members or {}) do is_member = is_member or each == given.name end
  if is_member == add then return done(false, format("user %s is %s the group %s already", given.name, add and "in" or "not in", given.group)) end
  local arguments = { "gpasswd", add and "--add" or "--delete", given.name, given.group }
  return run(what, given.name, arguments, format("user %s is %s the group %s", given.name, add and "in" or "not in", given.group))
end

--- Puts a user into one more group.
---@param name string|{ name: string, group: string }
---@param group string?
---@return boolean ok
---@return outcome|string result or problem
function user.add_to_group(name, group) return membership("user.add_to_group", true, name, group) end

--- Takes a user out of a group that is not the user's first.
---@param name string|{ name: string, group: string }
---@param group string?
---@return boolean ok
---@return outcome|string result or problem
function user.remove_from_group(name, group) return membership("user.remove_from_group", false, name, group) end

--- Sets a user's password; whether it was another one before, nobody can tell.
---@param name string
---@param password string
---@return boolean ok
---@return outcome|string result or problem
function user.set_password(name, password)
  call("needs_this_machine", "user.set_password")
  name, password = want("user.set_password", "name", name, "string"), want("user.set_password", "password", password, "string")
  if name:find("[:\n]") or password:find("\n", 1, true) then host.blame("user.set_password: name and password must be one line each") end
  if is_missing(call("account.user", name)) then return false, "there is no user " .. name end
  return run("user.set_password", name, { "chpasswd" }, format("user %s has a new password", name), name .. ":" .. password .. "\n")
end

--- Lets a user log in by password no more, until `user.unlock`.
---@param name string|{ name: string }
---@return boolean ok
---@return outcome|string result or problem
function user.lock(name)
  name = name_of("user.lock", name).name
  return run("user.lock", name, { "usermod", "--lock", "--", name }, format("user %s is locked", name))
end

--- Takes back `user.lock`.
---@param name string|{ name: string }
---@return boolean ok
---@return outcome|string result or problem
function user.unlock(name)
  name = name_of("user.unlock", name).name
  return run("user.unlock", name, { "usermod", "--unlock", "--", name }, format("user %s is not locked", name))
end

local function group_of(what, name, options) return fields(what, { name = "string", gid = "number?", system = "boolean?" }, { "name" }, { group = "name" }, name, options) end

--- Makes a group, or changes its number.
---@param name string|{ name: string, gid: integer?, system: boolean? }
---@param options { gid: integer?, system: boolean? }?
---@return boolean ok
---@return outcome|string result or problem
function user.group_create(name, options)
  return bring("user.group_create", "group", declared("user.group_create", "group", group_of("user.group_create", name, options)), true)
end

--- Removes a group.
---@param name string|{ name: string }
---@return boolean ok
---@return outcome|string result or problem
function user.group_delete(name)
  name = group_of("user.group_delete", name).name
  if not call("account.group", name) then return done(false, "there is no group " .. name) end
  return run("user.group_delete", name, { "groupdel", "--", name }, format("group %s was removed", name))
end

--- Whether there is a group.
---@param name string|{ name: string }
---@return boolean
function user.group_exists(name) return call("account.group", group_of("user.group_exists", name).name) ~= nil end

--- What the system knows of a group: group gid members.
---@param name string|{ name: string }
---@return table? facts
---@return string? problem
function user.group_get_info(name)
  name = group_of("user.group_get_info", name).name
  local found = call("account.group", name)
  if not found then return nil, "there is no group " .. name end
  return found
end

return user
