---@meta

--- `fs`: files and folders, relative to the task's folder. Each function returns its value, or nil
--- (false where the value would be true) and a message. An empty path is an error: most often it is a
--- value that is missing, and the folder itself would be meant.
---@class fs
fs = {}

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

--- Whether something is there; true for a link to nothing too.
---@param path string
---@return boolean
function fs.exists(path) end

--- Makes a folder with all its parents; true also if it is there.
---@param path string
---@return boolean
---@return string?
function fs.mkdir(path) end

--- Deletes a file, or an empty folder.
---@param path string
---@return boolean
---@return string?
function fs.rm(path) end

--- Deletes a folder with all in it; true also if there is none.
---@param path string
---@return boolean
---@return string?
function fs.rmr(path) end

--- The same as `fs.rmr`.
---@param path string
---@return boolean
---@return string?
function fs.rm_r(path) end

--- How many bytes a file has.
---@param path string
---@return integer?
---@return string?
function fs.size(path) end

--- What the system knows of a path.
---@param path string
---@return file_facts?
---@return string?
function fs.stat(path) end

--- The last part of a path.
---@param path string
---@return string
function fs.basename(path) end

--- The path without its last part.
---@param path string
---@return string
function fs.dirname(path) end

--- Copies a file, or a folder with all in it; modes and times are kept.
---@param from string
---@param to string
---@return boolean
---@return string?
function fs.copy(from, to) end

--- Moves a file or a folder.
---@param from string
---@param to string
---@return boolean
---@return string?
function fs.move(from, to) end

--- The content of a file, any bytes.
---@param path string
---@return string? content
---@return string? problem
function fs.read(path) end

--- Replaces a file as a whole: readers see the old content or the new, never a part.
---@param path string
---@param content string
---@return boolean ok
---@return string? problem
function fs.write(path, content) end

--- Adds to the end of a file, which is made if it is not there.
---@param path string
---@param content string
---@return boolean ok
---@return string? problem
function fs.append(path, content) end

--- Names in a folder, sorted.
---@param path string? the task's folder by default
---@return string[]? names
---@return string? problem
function fs.ls(path) end

--- Paths that match, sorted: `*`, `?`, `[a-z]`, and `**` for any depth.
---@param pattern string
---@return string[] paths
function fs.glob(pattern) end

--- The name of a new empty file in the system's temporary folder.
---@return string
function fs.tmpname() end

--- The name of a new folder in the system's temporary folder.
---@return string
function fs.tmpdir() end
