--- A `symlink` owns a symbolic link and where it points to; it never touches what it points to. The
--- link is replaced in one step, so that whoever follows it finds the old target or the new.

local host = ...
local call, blame = host.call, host.blame
local absolute = host.resources.provider("file").absolute

---@class symlink_declaration
---@field path string
---@field target string as it stands in the link: relative to the link's folder, or absolute; need not exist

local symlink = { fields = { path = "string", target = "string" }, natural_key = { "path" } }

function symlink.declare(r)
  if r.target == "" then blame("resource.symlink: target is empty") end
  return { path = absolute(r.path), target = r.target }
end

function symlink.read(r)
  local target = call("symlink.read", r.path)
  return target and { path = r.path, target = target } or nil
end

function symlink.prepare(_, before, memory)
  if not memory.made and not memory.replaced then
    memory.made = not before
    memory.replaced = before and { target = before.target }
  end
end

function symlink.create(r) call("symlink.replace", r.path, r.target) end

symlink.update = symlink.create

function symlink.delete(r, _, memory)
  if memory.made then
    call("file.remove", r.path)
  elseif memory.replaced then
    call("symlink.replace", r.path, memory.replaced.target)
  end
end

function symlink.import(id)
  local target = call("symlink.read", absolute(id))
  return target and { path = id, target = target }
end

return symlink
