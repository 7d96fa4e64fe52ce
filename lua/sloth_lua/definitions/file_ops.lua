---@meta

--- `file_ops`, also called `file`: files brought into a state. What is so already is left alone.
--- Results are true and a table with `changed`, or nil and a message. Relative paths start at the
--- task's folder; folders above a new file are made; a link is followed. Arguments are positional or,
--- all of them, in one table. A changed file is replaced as a whole and durably; other tasks go on
--- meanwhile, and two that change the same file wait for each other. Folders are not copied (`fs.copy`
--- does), and devices and pipes are refused.
---@class file_ops
file_ops = {}

---@class file_result
---@field changed boolean
---@field src string? as given, like dest and path
---@field dest string?
---@field path string?
---@field size integer? bytes of the file
---@field backup string? where the old content is
---@field replacements integer?

---@class file_options
---@field mode string|number|nil "0644" or 644; without it a file keeps its own
---@field owner string|number|nil
---@field group string|number|nil
---@field backup boolean? keep the old content beside the file, when it changes

---@class line_options: file_options
---@field state "present"|"absent"|nil
---@field create boolean? false: a file that is not there is an error
---@field insertafter string? regular expression; a new line goes behind the last match, or to the end
---@field insertbefore string? the same, before it; "BOF" is the beginning of the file

--- Copies a file, or writes a text (`content`, in the table form). A new file gets the mode of `src`.
---@param src string|table or a table with src or content, dest and the options
---@param dest string? a file, or a folder to put it in
---@param options file_options?
---@return true? ok
---@return file_result|string result or what went wrong
function file_ops.copy(src, dest, options) end

--- Writes a file from a Jinja2 template, which is a file or (`content`, in the table form) a text.
---@param src string|table or a table with src or content, dest, vars and the options
---@param dest string?
---@param vars table<string, any>?
---@param options file_options?
---@return true? ok
---@return file_result|string result or what went wrong
function file_ops.template(src, dest, vars, options) end

--- Gets a file from a URL (http or https) or a path.
---@param src string|table or a table with src, dest and the options
---@param dest string?
---@param options file_options?
---@return true? ok
---@return file_result|string result or what went wrong
function file_ops.fetch(src, dest, options) end

--- Unpacks an archive (tar, plain or gz bz2 xz, or zip) in a folder. Nothing is done if all of it is
--- there already, or `creates`, a path in the folder.
---@param src string|table or a table with src, dest and the options
---@param dest string?
---@param options { creates: string?, strip: integer? }? strip: leading folders to leave out of each path
---@return true? ok
---@return file_result|string result or what went wrong
function file_ops.unarchive(src, dest, options) end

--- Sees to it that a line is in a file, or is not (`state = "absent"`). With `regexp`, the last line
--- that matches becomes the line; all that match go if it shall be absent.
---@param path string|table or a table with path, line, regexp and the options
---@param line string?
---@param options line_options? with `regexp` too
---@return true? ok
---@return file_result|string result or what went wrong
function file_ops.lineinfile(path, line, options) end

--- Sees to it that lines are in a file between two marking lines, or are not, nor the markers.
---@param path string|table or a table with path, block and the options
---@param block string?
---@param options line_options? with `marker_begin`, `marker_end` too: "# BEGIN MANAGED BLOCK" and "# END MANAGED BLOCK"
---@return true? ok
---@return file_result|string result or what went wrong
function file_ops.blockinfile(path, block, options) end

--- Replaces all that matches a regular expression (Python's, `^` and `$` match at each line).
---@param path string|table or a table with path, pattern, replacement and the options
---@param pattern string?
---@param replacement string? `\1` or `\g<name>` stands for a group of the pattern
---@param options file_options?
---@return true? ok
---@return file_result|string result or what went wrong
function file_ops.replace(path, pattern, replacement, options) end

--- What is at a path: `exists`, and if it does what `fs.stat` tells and `checksum`, a file's SHA-256.
--- The table comes twice: scripts take it as the first result or, as of the others, as the second.
---@param path string|{ path: string }
---@return table? facts
---@return table|string facts or what went wrong
function file_ops.stat(path) end
