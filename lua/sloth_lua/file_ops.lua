--- `file_ops`, also called `file`: files brought into a state. What is so already is left alone.
--- Results are true and a table with `changed`, or nil and a message. Relative paths start at the
--- task's folder; folders above a new file are made; a link is followed. Arguments are positional or,
--- all of them, in one table. A changed file is replaced as a whole and durably; other tasks go on
--- meanwhile, and two that change the same file wait for each other. Folders are not copied (`fs.copy`
--- does), and devices and pipes are refused.

local host = ...
local type, next, ipairs, tonumber = type, next, ipairs, tonumber
local match, format, find = string.match, string.format, string.find
local want, blame = host.want, host.blame

---@class file_ops
local file_ops = {}

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

local COMMON = { mode = "any?", owner = "string?", group = "string?", backup = "boolean?" }

local function fields(more)
  for name, kind in next, COMMON do more[name] = kind end
  return more
end

local COPY = fields({ src = "string?", content = "string?", dest = "string" })
local TEMPLATE = fields({ src = "string?", content = "string?", dest = "string", vars = "map?" })
local FETCH = fields({ src = "string", dest = "string" })
local UNARCHIVE = { src = "string", dest = "string", creates = "string?", strip = "number?" }
local LINE = fields({
  path = "string", line = "string?", regexp = "string?", state = "string?", create = "boolean?",
  insertafter = "string?", insertbefore = "string?",
})
local BLOCK = fields({
  path = "string", block = "string?", marker_begin = "string?", marker_end = "string?", state = "string?", create = "boolean?",
  insertafter = "string?", insertbefore = "string?",
})
local REPLACE = fields({ path = "string", pattern = "string", replacement = "string" })

local function mode_of(call, mode)
  local digits = type(mode) == "number" and format("%d", mode) or mode
  if type(digits) ~= "string" or not match(digits, "^0?[0-7]?[0-7][0-7][0-7]$") then
    blame(format('%s: mode must be three or four octal digits such as "0644", not %s', call, host.text(mode)))
  end
  return format("%04d", tonumber(digits))
end

-- The table form as it is; of the positional one a table of the arguments with these names and of
-- the options behind them.
local function gathered(call, expected, names, ...)
  local first = (...)
  local given = {}
  if host.is_plain_table(first) then
    given = first
  else
    local values = { ... }
    for name, value in next, host.want_or_nil(call, "options", values[#names + 1], "map") or {} do given[name] = value end
    for index, name in ipairs(names) do given[name] = values[index] end
  end
  local checked = host.want_fields(call, given, expected)
  if checked.mode then checked.mode = mode_of(call, checked.mode) end
  return checked
end

local function state_of(call, options)
  options.state = options.state or "present"
  if options.state ~= "present" and options.state ~= "absent" then
    blame(format("%s: state must be 'present' or 'absent', not '%s'", call, options.state))
  end
  if options.insertafter and options.insertbefore then blame(call .. ": insertafter and insertbefore are both given") end
  return options.state
end

local function perform(call, options, ...)
  local target = options.path or options.dest
  if target == "" or options.src == "" then blame(call .. ": a path must not be empty") end
  local result, problem = host.wait(call, target, host.encode(options, call .. ":"), ...)
  if not result then return nil, problem end
  result.src, result.dest, result.path = options.src, options.dest, options.path
  return true, result
end

local function need_one_source(call, options)
  if (options.src == nil) == (options.content == nil) then blame(call .. ": it needs either src or content") end
end

--- Copies a file, or writes a text (`content`, in the table form). A new file gets the mode of `src`.
---@param src string|table or a table with src or content, dest and the options
---@param dest string? a file, or a folder to put it in
---@param options file_options?
---@return true? ok
---@return file_result|string result or what went wrong
function file_ops.copy(src, dest, options)
  local given = gathered("file_ops.copy", COPY, { "src", "dest" }, src, dest, options)
  need_one_source("file_ops.copy", given)
  local content = given.content -- may be no text, so it crosses by itself
  given.content = nil
  return perform("file_ops.copy", given, content)
end

--- Writes a file from a Jinja2 template, which is a file or (`content`, in the table form) a text.
---@param src string|table or a table with src or content, dest, vars and the options
---@param dest string?
---@param vars table<string, any>?
---@param options file_options?
---@return true? ok
---@return file_result|string result or what went wrong
function file_ops.template(src, dest, vars, options)
  local given = gathered("file_ops.template", TEMPLATE, { "src", "dest", "vars" }, src, dest, vars, options)
  need_one_source("file_ops.template", given)
  return perform("file_ops.template", given)
end

--- Gets a file from a URL (http or https) or a path.
---@param src string|table or a table with src, dest and the options
---@param dest string?
---@param options file_options?
---@return true? ok
---@return file_result|string result or what went wrong
function file_ops.fetch(src, dest, options)
  local given = gathered("file_ops.fetch", FETCH, { "src", "dest" }, src, dest, options)
  if find(given.src, "^%a+://") and not find(given.src, "^https?://[^/]") then
    blame(format("file_ops.fetch: src must be a path, or a URL that begins with http:// or https:// and a host, not '%s'", given.src))
  end
  if not find(given.src, "^https?://") then return perform("file_ops.copy", given) end
  host.call("needs_this_machine", "file_ops.fetch")
  local result, problem = host.wait("file_ops.fetch", given.src, given.dest, host.encode(given, "file_ops.fetch:"))
  if not result then return nil, problem end
  result.src, result.dest = given.src, given.dest
  return true, result
end

--- Unpacks an archive (tar, plain or gz bz2 xz, or zip) in a folder. Nothing is done if all of it is
--- there already, or `creates`, a path in the folder.
---@param src string|table or a table with src, dest and the options
---@param dest string?
---@param options { creates: string?, strip: integer? }? strip: leading folders to leave out of each path
---@return true? ok
---@return file_result|string result or what went wrong
function file_ops.unarchive(src, dest, options)
  local given = gathered("file_ops.unarchive", UNARCHIVE, { "src", "dest" }, src, dest, options)
  local strip = given.strip or 0
  if strip < 0 or strip % 1 ~= 0 then blame("file_ops.unarchive: strip must be a number of folders") end
  return perform("file_ops.unarchive", given)
end

--- Sees to it that a line is in a file, or is not (`state = "absent"`). With `regexp`, the last line
--- that matches becomes the line; all that match go if it shall be absent.
---@param path string|table or a table with path, line, regexp and the options
---@param line string?
---@param options line_options? with `regexp` too
---@return true? ok
---@return file_result|string result or what went wrong
function file_ops.lineinfile(path, line, options)
  local call = "file_ops.lineinfile"
  local given = gathered(call, LINE, { "path", "line" }, path, line, options)
  if state_of(call, given) == "present" then want(call, "line", given.line, "string") end
  if not given.line and not given.regexp then blame(call .. ": it needs line or regexp") end
  given.line = given.line and match(given.line, "^(.-)\r?\n?$")
  if given.line and find(given.line, "\n", 1, true) then blame(call .. ": line has several lines; file_ops.blockinfile is for these") end
  return perform(call, given)
end

--- Sees to it that lines are in a file between two marking lines, or are not, nor the markers.
---@param path string|table or a table with path, block and the options
---@param block string?
---@param options line_options? with `marker_begin`, `marker_end` too: "# BEGIN MANAGED BLOCK" and "# END MANAGED BLOCK"
---@return true? ok
---@return file_result|string result or what went wrong
function file_ops.blockinfile(path, block, options)
  local call = "file_ops.blockinfile"
  local given = gathered(call, BLOCK, { "path", "block" }, path, block, options)
  if state_of(call, given) == "present" then want(call, "block", given.block, "string") end
  given.marker_begin = given.marker_begin or "# BEGIN MANAGED BLOCK"
  given.marker_end = given.marker_end or "# END MANAGED BLOCK"
  if given.marker_begin == given.marker_end then blame(call .. ": marker_begin and marker_end are the same") end
  return perform(call, given)
end

--- Replaces all that matches a regular expression (Python's, `^` and `$` match at each line).
---@param path string|table or a table with path, pattern, replacement and the options
---@param pattern string?
---@param replacement string? `\1` or `\g<name>` stands for a group of the pattern
---@param options file_options?
---@return true? ok
---@return file_result|string result or what went wrong
function file_ops.replace(path, pattern, replacement, options)
  return perform("file_ops.replace", gathered(
    "file_ops.replace", REPLACE, { "path", "pattern", "replacement" }, path, pattern, replacement, options
  ))
end

--- What is at a path: `exists`, and if it does what `fs.stat` tells and `checksum`, a file's SHA-256.
--- The table comes twice: scripts take it as the first result or, as of the others, as the second.
---@param path string|{ path: string }
---@return table? facts
---@return table|string facts or what went wrong
function file_ops.stat(path)
  local given = gathered("file_ops.stat", { path = "string" }, { "path" }, path)
  local facts, problem = host.wait("file_ops.stat", given.path)
  if not facts then return nil, problem end
  return facts, facts
end

return file_ops
