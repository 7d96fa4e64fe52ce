--- An `archive` owns the files, links and folders that it was unpacked to: each file's bytes and
--- mode, each link's target. Other files in the same folder belong to others.

local host = ...
local call, wait, blame, encode, list = host.call, host.wait, host.blame, host.encode, host.list
local ipairs, next = ipairs, next
local absolute = host.resources.provider("file").absolute

---@class archive_declaration
---@field source string tar (plain, gz, bz2 or xz) or zip; relative to the task's folder
---@field path string the folder to unpack in, which is made
---@field strip number? how many leading folders of each member's path are left out
---@field creates string? below path: while it is there, nothing is unpacked and no file compared

local archive = {
  fields = { source = "string", path = "string", strip = "number?", creates = "string?" },
  natural_key = { "path" },
}

function archive.declare(r)
  local strip = r.strip or 0
  if strip < 0 or strip % 1 ~= 0 then blame("resource.archive: strip must be a number of folders") end
  local place = { source = call("file.absolute", r.source), path = absolute(r.path), strip = strip, creates = r.creates }
  local sha256, listing, can_be_kept = wait("archive.describe", place.source, place.path, strip)
  if can_be_kept then call("content.hold_file", place.source) end
  if listing == "" then blame("resource.archive: nothing is left to unpack of " .. r.source) end
  place.archive_sha256, place.content_sha256 = sha256, call("content.hold", listing)
  return place
end

local function listing_of(sha256)
  local text, problem = call("content.get", sha256)
  return text or blame("resource.archive: what it unpacked is not known any more: " .. problem)
end

local function is_taken_for_done(r) return r.creates and call("fs.exists", r.path .. "/" .. r.creates) end

function archive.read(r)
  if r.creates then
    local copy = {}
    for key, value in next, r do copy[key] = value end
    return is_taken_for_done(r) and copy or nil
  end
  local sha256 = wait("archive.found", r.path, listing_of(r.content_sha256))
  return sha256 and { path = r.path, source = r.source, strip = r.strip, content_sha256 = sha256 } or nil
end

-- Listings of all that may have been unpacked: after a crash that can be two versions' files.
local function listings(memory)
  local texts = list()
  for index, sha256 in ipairs(memory.unpacked or {}) do texts[index] = listing_of(sha256) end
  return encode(texts, "listings")
end

local function append_missing(all, more)
  local known = {}
  for _, item in ipairs(all) do known[item] = true end
  for _, item in ipairs(more) do
    if not known[item] then all[#all + 1] = item end
  end
  return all
end

function archive.prepare(r, _, memory)
  memory.unpacked, memory.folders = memory.unpacked or list(), memory.folders or list()
  memory.replaced = memory.replaced or {}
  if is_taken_for_done(r) then return end
  local found = wait("archive.replaced", r.path, listing_of(r.content_sha256), listings(memory))
  append_missing(memory.folders, found.folders)
  append_missing(memory.unpacked, { r.content_sha256 })
  for path, thing in next, found.things do
    if not thing.target then thing.content_sha256 = call("content.hold_file", r.path .. "/" .. path) end
    memory.replaced[path] = thing
  end
end

local function put_back(full, old)
  if old.target then return call("symlink.replace", full, old.target) end
  call("file.write", full, old.content_sha256, old.mode, old.owner, old.group)
end

-- Removes what is not in the listing `kept` and puts back what was there before.
local function remove(r, memory, kept)
  local done = wait("archive.remove", r.path, listings(memory), kept, encode(memory.folders, "folders"))
  for _, path in ipairs(done.changed) do
    host.modules.log.warn(r.type .. "/" .. r.name .. ": " .. r.path .. "/" .. path .. " was changed, so it is left there")
  end
  for _, path in ipairs(done.gone) do
    local old = memory.replaced[path]
    if old then put_back(r.path .. "/" .. path, old) end
    memory.replaced[path] = nil
  end
end

function archive.create(r, _, memory)
  if is_taken_for_done(r) then return end
  local listing = listing_of(r.content_sha256)
  wait("archive.unpack", r.path, r.source, r.archive_sha256, r.strip, listing)
  remove(r, memory, listing)
  memory.unpacked = list({ r.content_sha256 })
end

archive.update = archive.create

function archive.delete(r, _, memory) remove(r, memory, "") end

return archive
