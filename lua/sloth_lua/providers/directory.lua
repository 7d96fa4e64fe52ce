--- A `directory` owns a folder's being there, its mode, owner and group, and never what is in it.
--- Parents that are missing are made with it and go with it, once they are empty.

local host = ...
local call, ipairs, insert, match = host.call, ipairs, table.insert, string.match
local place = host.resources.provider("file").place

---@class directory_declaration
---@field path string
---@field mode string|number|nil octal digits; a new folder has 0755 by default, another keeps its own
---@field owner string|number|nil name or number; by default it stays
---@field group string|number|nil

local directory = {
  fields = { path = "string", mode = "any?", owner = "any?", group = "any?" },
  natural_key = { "path" },
  keeps = { "mode", "owner", "group" },
  declare = place,
}

local parents_made -- by the workflow, so that the last of those that share a parent removes it

local function note(parents)
  for _, parent in ipairs(parents or {}) do parents_made[parent] = true end
end

function directory.read(r)
  local mode, owner, group = call("directory.read", r.path)
  return mode and { path = r.path, mode = mode, owner = owner, group = group } or nil
end

local function remember_parents(r, memory)
  if not parents_made then
    parents_made = {}
    for _, other in ipairs(call("resource.memories", r.type)) do note(other.memory.parents) end
  end
  note(memory.parents)
  note(call("directory.missing_parents", r.path))
  memory.parents = host.list()
  local parent = match(r.path, "^(.+)/")
  while parent do
    if parents_made[parent] then insert(memory.parents, 1, parent) end
    parent = match(parent, "^(.+)/")
  end
end

function directory.prepare(r, before, memory)
  if not before then remember_parents(r, memory) end
  if memory.made or memory.replaced then return end
  memory.made = not before
  memory.replaced = before and { mode = before.mode, owner = before.owner, group = before.group }
end

function directory.create(r) call("directory.make", r.path, r.mode, r.owner, r.group) end

directory.update = directory.create

function directory.delete(r, _, memory)
  local old = memory.replaced
  if memory.made then
    call("directory.remove", r.path, host.encode(memory.parents or host.list(), "parents"))
  elseif old then
    call("file.set_permissions", r.path, old.mode, old.owner, old.group)
  end
end

function directory.import(id) return { path = id } end

return directory
