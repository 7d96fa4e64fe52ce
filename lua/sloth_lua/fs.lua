--- `fs`: files and folders, relative to the task's folder. Each function returns its value, or nil
--- (false where the value would be true) and a message. An empty path is an error: most often it is a
--- value that is missing, and the folder itself would be meant.

local host = ...
local want = host.want

---@class file_facts
---@field path string
---@field type string "file", "directory", "link" or another one
---@field size integer bytes
---@field mode string octal digits
---@field owner string
---@field group string
---@field mtime number seconds since 1970
---@field is_dir boolean
---@field is_file boolean
---@field is_link boolean

---@class fs
---@field exists fun(path: string): boolean whether something is there; true for a link to nothing too
---@field mkdir fun(path: string): boolean, string? makes a folder with all its parents; true also if it is there
---@field rm fun(path: string): boolean, string? deletes a file, or an empty folder
---@field rmr fun(path: string): boolean, string? deletes a folder with all in it; true also if there is none
---@field rm_r fun(path: string): boolean, string? the same as `fs.rmr`
---@field size fun(path: string): integer?, string? how many bytes a file has
---@field stat fun(path: string): file_facts?, string? what the system knows of a path
---@field basename fun(path: string): string the last part of a path
---@field dirname fun(path: string): string the path without its last part
---@field copy fun(from: string, to: string): boolean, string? copies a file, or a folder with all in it; modes and times are kept
---@field move fun(from: string, to: string): boolean, string? moves a file or a folder
local fs = {}

local function path_of(call, name, path)
  path = want(call, name, path, "string")
  if path == "" then host.blame(call .. ": " .. name .. " must not be empty") end
  return path
end

--- The content of a file, any bytes.
---@param path string
---@return string? content
---@return string? problem
function fs.read(path) return host.call("fs.read", path_of("fs.read", "path", path)) end

--- Replaces a file as a whole: readers see the old content or the new, never a part.
---@param path string
---@param content string
---@return boolean ok
---@return string? problem
function fs.write(path, content)
  return host.call("fs.write", path_of("fs.write", "path", path), want("fs.write", "content", content, "string"))
end

--- Adds to the end of a file, which is made if it is not there.
---@param path string
---@param content string
---@return boolean ok
---@return string? problem
function fs.append(path, content)
  return host.call("fs.append", path_of("fs.append", "path", path), want("fs.append", "content", content, "string"))
end

local function one_path(name)
  return function(path) return host.call("fs." .. name, path_of("fs." .. name, "path", path)) end
end

for _, name in ipairs({ "mkdir", "rm", "rmr", "size", "stat" }) do fs[name] = one_path(name) end
for _, name in ipairs({ "exists", "basename", "dirname" }) do
  fs[name] = function(path) return host.call("fs." .. name, want("fs." .. name, "path", path, "string")) end
end
fs.rm_r = fs.rmr

--- Names in a folder, sorted.
---@param path string? the task's folder by default
---@return string[]? names
---@return string? problem
function fs.ls(path) return host.call("fs.ls", path_of("fs.ls", "path", path == nil and "." or path)) end

--- Paths that match, sorted: `*`, `?`, `[a-z]`, and `**` for any depth.
---@param pattern string
---@return string[] paths
function fs.glob(pattern) return host.call("fs.glob", want("fs.glob", "pattern", pattern, "string")) end

local function two_paths(name)
  return function(from, to)
    return host.call("fs." .. name, path_of("fs." .. name, "from", from), path_of("fs." .. name, "to", to))
  end
end

fs.copy = two_paths("copy")
fs.move = two_paths("move")

--- The name of a new empty file in the system's temporary folder.
---@return string
function fs.tmpname() return host.call("fs.tmpname") end

--- The name of a new folder in the system's temporary folder.
---@return string
function fs.tmpdir() return host.call("fs.tmpdir") end

return fs
