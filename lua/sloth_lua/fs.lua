--- `fs`: files and folders, relative to the task's folder. Each function returns its value, or nil
--- (false where the value would be true) and a message.

local host = ...
local want = host.want

local fs = {}

---@param path string
---@return string? content
---@return string? problem
function fs.read(path) return host.call("fs.read", want("fs.read", "path", path, "string")) end

--- Replaces a file as a whole: readers see the old content or the new, never a part.
---@param path string
---@param content string
---@return boolean ok
---@return string? problem
function fs.write(path, content)
  return host.call("fs.write", want("fs.write", "path", path, "string"), want("fs.write", "content", content, "string"))
end

---@param path string
---@param content string
---@return boolean ok
---@return string? problem
function fs.append(path, content)
  return host.call("fs.append", want("fs.append", "path", path, "string"), want("fs.append", "content", content, "string"))
end

local function one_path(name)
  return function(path) return host.call("fs." .. name, want("fs." .. name, "path", path, "string")) end
end

fs.exists = one_path("exists")     -- boolean
fs.mkdir = one_path("mkdir")       -- with all parents; true also if it is there
fs.rm = one_path("rm")             -- a file, or an empty folder
fs.rmr = one_path("rmr")           -- a folder with all in it; true also if there is none
fs.rm_r = fs.rmr
fs.size = one_path("size")         -- bytes
fs.stat = one_path("stat")         -- { path, type, size, mode, owner, group, mtime, is_dir, is_file, is_link }
fs.basename = one_path("basename")
fs.dirname = one_path("dirname")
fs.ls = function(path) return host.call("fs.ls", host.want_or_nil("fs.ls", "path", path, "string") or ".") end -- names, sorted
fs.glob = function(pattern) return host.call("fs.glob", want("fs.glob", "pattern", pattern, "string")) end -- paths, sorted

local function two_paths(name)
  return function(from, to)
    return host.call("fs." .. name, want("fs." .. name, "from", from, "string"), want("fs." .. name, "to", to, "string"))
  end
end

fs.copy = two_paths("copy") -- a file, or a folder with all in it; modes and times are kept
fs.move = two_paths("move")

--- The name of a new empty file, or of a new folder, in the system's temporary folder.
function fs.tmpname() return host.call("fs.tmpname") end
function fs.tmpdir() return host.call("fs.tmpdir") end

return fs
