--- A `line_in_file` owns one line of a text file, or that there is no such line; the rest of the
--- file belongs to others. Patterns are regular expressions as Python's `re` has them.

local host = ...
local call, blame, encode, ipairs, insert = host.call, host.blame, host.encode, ipairs, table.insert
local absolute = host.resources.provider("file").absolute
local find, next = string.find, next

---@class line_in_file_declaration
---@field path string
---@field line string? without its end
---@field match string? pattern of the line to replace, if the line itself is not there; or to remove
---@field state "present"|"absent"|nil
---@field insert_after string? pattern; a new line stands behind the last that matches, else at the end
---@field insert_before string? pattern; before the first that matches
---@field create boolean? whether a file that is missing is made

local WHAT = "resource.line_in_file: "
local PATTERNS = { "match", "insert_after", "insert_before" }

local line_in_file = {
  fields = {
    path = "string", line = "string?", match = "string?", state = "string?",
    insert_after = "string?", insert_before = "string?", create = "boolean?",
  },
}

local files_made -- by the workflow, so that the last of the lines that share a file removes it

local function is_made(r, exists)
  if not files_made then
    files_made = {}
    for _, other in ipairs(call("resource.memories", r.type)) do
      if other.memory.made_file then files_made[other.path] = true end
    end
  end
  files_made[r.path] = files_made[r.path] or not exists
  return files_made[r.path]
end

local function check(r)
  local absent = r.state == "absent"
  if not absent and r.state ~= "present" then blame(WHAT .. "state must be 'present' or 'absent', not '" .. r.state .. "'") end
  if absent and not r.line and not r.match then blame(WHAT .. "line or match must say which lines shall not be there") end
  if not absent and not r.line then blame(WHAT .. "line must be a string, not nothing") end
  if r.line and find(r.line, "[\r\n]") then blame(WHAT .. "line has more than one line in it") end
  if r.insert_after and r.insert_before then blame(WHAT .. "it has both insert_after and insert_before, and can have one") end
  for _, field in ipairs(PATTERNS) do
    if r[field] then call("line.check", field, r[field]) end
  end
end

function line_in_file.declare(r)
  r.path, r.state = absolute(r.path), r.state or "present"
  check(r)
  return r
end

function line_in_file.natural_key(r) return r.path .. "\0" .. r.state .. "\0" .. (r.match or r.line) end

-- What was declared, with what is there instead; the rest says how, and cannot be read.
local function found(r, state, line)
  local copy = {}
  for key, value in next, r do copy[key] = value end
  copy.state, copy.line = state, line
  return copy
end

function line_in_file.read(r, _, memory)
  if r.state == "absent" then
    local lines = call("line.matching", r.path, r.line or "", r.match)
    return found(r, #lines > 0 and "present" or "absent", r.line)
  end
  local _, line = call("line.read", r.path, r.line, r.match, memory.line)
  return line and found(r, "present", line) or nil
end

function line_in_file.prepare(r, _, memory)
  if r.state == "absent" then
    memory.removed = memory.removed or host.list()
    for _, each in ipairs(call("line.matching", r.path, r.line or "", r.match)) do insert(memory.removed, each) end
  elseif memory.replaced == nil and not memory.inserted then
    local exists, line = call("line.read", r.path, r.line, r.match, nil)
    memory.replaced, memory.inserted = line, line == nil
    memory.made_file = is_made(r, exists)
  end
end

local function put(r, memory)
  local exists, line = call("line.read", r.path, r.line, r.match, memory.line)
  if not exists and not r.create then
    blame(r.path .. " does not exist (with create = true it is made)")
  elseif line then
    call("line.replace", r.path, line, r.line)
  else
    local places = { after_line = memory.after, after = r.insert_after, before = r.insert_before }
    memory.after = call("line.insert", r.path, r.line, encode(places, "places"))
  end
  memory.line = r.line
end

function line_in_file.create(r, _, memory)
  if r.state == "absent" then return call("line.remove_all", r.path, r.line or "", r.match) end
  put(r, memory)
end

line_in_file.update = line_in_file.create

function line_in_file.delete(r, before, memory)
  if r.state == "absent" then
    call("line.put_back", r.path, encode(memory.removed or host.list(), "removed"))
  elseif memory.replaced then
    call("line.replace", r.path, before.line, memory.replaced)
  elseif memory.inserted then
    call("line.remove", r.path, before.line, memory.made_file or false)
  end
end

return line_in_file
