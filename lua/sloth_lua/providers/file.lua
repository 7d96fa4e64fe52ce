--- A `file` owns the exact bytes of a regular file, its mode, owner and group. Without `content` or
--- `source` it owns only the last three, of a file that somebody else makes.

local host = ...
local call, blame, next = host.call, host.blame, next
local find, byte = string.find, string.byte

local SLASH = byte("/")

---@class file_declaration
---@field path string
---@field content string? any bytes
---@field source string? instead of content: a file, relative to the task's folder
---@field mode string|number|nil octal digits; a new file has 0644 by default, another keeps its own
---@field owner string|number|nil name or number; by default it stays
---@field group string|number|nil

local file = {
  fields = { path = "string", content = "string?", source = "string?", mode = "any?", owner = "any?", group = "any?" },
  natural_key = { "path" },
  keeps = { "mode", "owner", "group" },
}

-- Most paths are as they shall be, and so need not be handed to Python. Of those most have no name
-- that begins with a dot either, which is found out faster than what the patterns say.
local function is_absolute(path)
  if byte(path) ~= SLASH or byte(path, -1) == SLASH then return false end
  if not (find(path, "/.", 1, true) or find(path, "//", 1, true)) then return true end
  return not (find(path, "/%.?%.?/") or find(path, "/%.?%.?$"))
end

local function absolute(path) return is_absolute(path) and path or call("file.absolute", path) end
file.absolute = absolute

--- Path, mode, owner and group in the one form that reading gives too.
---@param r table a declaration with these fields
---@return table
function file.place(r)
  return {
    path = absolute(r.path),
    mode = r.mode and call("file.mode", r.type, r.mode),
    owner = r.owner and call("file.owner", r.owner),
    group = r.group and call("file.group", r.group),
  }
end

local function hold_source(r, place)
  local problem
  place.content_sha256, problem = call("content.hold_file", r.source)
  if not place.content_sha256 then blame("resource." .. r.type .. ": source " .. problem) end
  place.size = call("fs.size", r.source)
end

function file.declare(r)
  local place = file.place(r)
  if r.content and r.source then blame("resource." .. r.type .. ": it has both content and source, and can have one") end
  if r.source then hold_source(r, place) end
  if r.content then place.content_sha256, place.size = call("content.hold", r.content), #r.content end
  return place
end

-- Whether the declaration alone says how the file shall be.
function file.is_plain(r) return r.content ~= nil and is_absolute(r.path) end

-- What reading gives as text, after whether it and the declaration are as recorded. One call for both,
-- because a run may have ten thousand files of which none has changed.
function file.read_and_compare(r, said)
  return call("file.read_and_compare", r.name, r.path, said)
end

function file.read(r)
  local encoded = call("file.read", r.type, r.path, (r.content_sha256 or r.content) ~= nil)
  return encoded and { encoded = encoded }
end
file.reads_text = true

-- What is replaced is kept, whoever wrote it; what was there before the workflow came is put back
-- by delete.
function file.prepare(r, before, memory)
  local sha256 = before and before.content_sha256 and call("content.hold_file", r.path)
  if memory.made then return end
  if not before then
    memory.made = not memory.replaced or nil
    return
  end
  memory.replaced = memory.replaced or { mode = before.mode, owner = before.owner, group = before.group }
  memory.replaced.content_sha256 = memory.replaced.content_sha256 or sha256
end

function file.create(r)
  if not r.content_sha256 then blame(r.path .. " does not exist, and without content or source it is not made") end
  call("file.write", r.path, r.content_sha256, r.mode, r.owner, r.group)
end

function file.update(r, before)
  if r.content_sha256 and r.content_sha256 ~= before.content_sha256 then return file.create(r) end
  call("file.set_permissions", r.path, r.mode, r.owner, r.group)
end

local function is_so(before, old)
  for name, value in next, old do
    if before[name] ~= value then return false end
  end
  return true
end

-- What was refused to be changed is as it was, and need not be written to be given up.
function file.delete(r, before, memory)
  local old = memory.replaced
  if memory.made then
    call("file.remove", r.path)
  elseif old and before and is_so(before, old) then
    return
  elseif old and old.content_sha256 then
    call("file.write", r.path, old.content_sha256, old.mode, old.owner, old.group)
  elseif old then
    call("file.set_permissions", r.path, old.mode, old.owner, old.group)
  end
end

function file.import(id)
  if not host.modules.fs.exists(id) then return nil end
  return { path = id, source = id }
end

return file
