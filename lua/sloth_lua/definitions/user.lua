---@meta

--- `user`: users and groups of the system. What is so already is left alone. Results are true and a
--- table with `changed` and `message`, or false and a message. Only root can change any.
---@class user
user = {}

--- Makes a user, or changes what differs: `user.create("ci", { shell = "/bin/bash" })`. It sets no
--- password. `groups` are the other groups, exactly these: a list, or "a,b".
---@param name string|table the name, or all fields: name, uid, group, groups, home, shell, comment, system
---@param options { uid: integer?, group: string?, groups: string[]|string|nil, home: string?, shell: string?, comment: string?, system: boolean? }?
---@return boolean ok
---@return outcome|string result or problem
function user.create(name, options) end

--- Changes what differs of a user that is there.
---@param name string|table as for `user.create`
---@param options table?
---@return boolean ok
---@return outcome|string result or problem
function user.modify(name, options) end

--- Removes a user, and the home only if that is asked for.
---@param name string|{ name: string, remove_home: boolean? }
---@param options { remove_home: boolean? }|boolean|nil
---@return boolean ok
---@return outcome|string result or problem
function user.delete(name, options) end

--- Whether there is a user.
---@param name string|{ name: string }
---@return boolean
function user.exists(name) end

--- What the system knows of a user: user uid group groups home shell comment.
---@param name string|{ name: string }
---@return table? facts
---@return string? problem
function user.get_info(name) end

--- What `user.get_info` gives for whoever runs the workflow.
---@return table? facts
---@return string? problem
function user.get_current() end

--- Whether the workflow runs as root.
---@return boolean
function user.is_root() end

--- Puts a user into one more group.
---@param name string|{ name: string, group: string }
---@param group string?
---@return boolean ok
---@return outcome|string result or problem
function user.add_to_group(name, group) end

--- Takes a user out of a group that is not the user's first.
---@param name string|{ name: string, group: string }
---@param group string?
---@return boolean ok
---@return outcome|string result or problem
function user.remove_from_group(name, group) end

--- Sets a user's password; whether it was another one before, nobody can tell.
---@param name string
---@param password string
---@return boolean ok
---@return outcome|string result or problem
function user.set_password(name, password) end

--- Lets a user log in by password no more, until `user.unlock`.
---@param name string|{ name: string }
---@return boolean ok
---@return outcome|string result or problem
function user.lock(name) end

--- Takes back `user.lock`.
---@param name string|{ name: string }
---@return boolean ok
---@return outcome|string result or problem
function user.unlock(name) end

--- Makes a group, or changes its number.
---@param name string|{ name: string, gid: integer?, system: boolean? }
---@param options { gid: integer?, system: boolean? }?
---@return boolean ok
---@return outcome|string result or problem
function user.group_create(name, options) end

--- Removes a group.
---@param name string|{ name: string }
---@return boolean ok
---@return outcome|string result or problem
function user.group_delete(name) end

--- Whether there is a group.
---@param name string|{ name: string }
---@return boolean
function user.group_exists(name) end

--- What the system knows of a group: group gid members.
---@param name string|{ name: string }
---@return table? facts
---@return string? problem
function user.group_get_info(name) end
