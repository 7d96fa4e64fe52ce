--- What tasks and workflows have in common: objects with a `spec` that methods fill, and the checks
--- of what they are given.

local host, keep = ...
local type, next, ipairs, rawget, getmetatable = type, next, ipairs, rawget, getmetatable
local insert, floor, format = table.insert, math.floor, string.format
local blame, want = host.blame, host.want

local M = {}

-- What is kept goes to Python as JSON, so it must be text; the line is known only here.
local function checked(call, name, text)
  host.encode(text, call .. ": " .. name)
  return text
end

function M.want_text(call, name, value, said) return checked(call, name, want(call, name, value, "string", said)) end
function M.want_words(call, name, value, said) return checked(call, name, host.want_words(call, name, value, said)) end

function M.want_whole(call, name, value, least)
  want(call, name, value, "number")
  if value < least or value > 1e6 or value ~= floor(value) then
    blame(format("%s: %s must be a whole number from %d to 1000000, not %s", call, name, least, host.text(value)))
  end
  return value
end

local BACKOFF = { fixed = true, linear = true, exponential = true }

--- How pauses between tries grow.
function M.want_backoff(call, name, value)
  return BACKOFF[value] and value or host.unknown(call .. ": there is no " .. name, value, M.names_of(BACKOFF))
end

-- A list ends at its first nil, so what stands behind one would be lost silently; so would what has a
-- name, where names mean nothing.
function M.items_of(call, list, may_have_names)
  local count = 0
  for index in ipairs(list) do count = index end
  for key in next, list do
    if type(key) == "number" and (key > count or key < 1) then
      blame(format("%s: item %d of the list is nil; is its name misspelt?", call, count + 1))
    end
    if type(key) ~= "number" and not may_have_names then
      blame(format("%s: its argument must be a list, not a table with the key '%s'", call, host.text(key)))
    end
  end
  return ipairs(list)
end

function M.names_of(methods)
  local names = {}
  for name in next, methods do names[#names + 1] = name end
  return names
end

--- What a task or a workflow keeps; `task("x").command("make")` has the command in its place.
function M.spec_of(self, call)
  return type(self) == "table" and rawget(self, "spec") or blame(call .. ": call it with a colon")
end

-- What is said of a name that is no method: where it belongs, or the nearest that is one.
local function unknown_text(class, what, name)
  if class.settings and class.settings[name] then return format("%s '%s'; it is one of the settings: config = { %s = … }", what, name, name) end
  return host.unknown_text(what, name, M.names_of(class.methods))
end

--- Gives a class methods, an error for any other, and `build`, which changes nothing. What is in its
--- `settings` is no method, but is said with `config`.
function M.methods_of(class, what)
  class.methods = {}
  class.__index = function(_, name)
    if name == "build" then return function(self) return self end end
    return class.methods[name] or blame(unknown_text(class, "a " .. what .. " has no method", name))
  end
  return class.methods
end

--- Notes what cannot be done: the file can be looked at all the same, but not run.
function M.refuse_to_run(spec, problem)
  spec.problems = spec.problems or host.list()
  local where = host.caller()
  insert(spec.problems, where and where .. ": " .. problem or problem)
end

--- Calls methods by the fields of a table, but for one field.
function M.apply(self, fields, methods, what, left_out)
  for key, value in next, fields do
    if type(key) == "number" then blame(what .. ": unexpected item " .. host.text(value)) end
    if methods[key] then
      methods[key](self, value)
    elseif key ~= left_out then
      M.refuse_to_run(rawget(self, "spec"), unknown_text(getmetatable(self), what .. ": there is no option", key))
    end
  end
  return self
end

--- A method that keeps a text.
function M.setter(class, name)
  local call = class .. ":" .. name
  return function(self, value)
    M.spec_of(self, call)[name] = M.want_text(call, "its argument", value)
    return self
  end
end

--- A method that keeps functions, in the order in which they are given.
function M.hook(class, name)
  local call = class .. ":" .. name
  return function(self, f)
    local hooks = M.spec_of(self, call).hooks
    hooks[name] = hooks[name] or host.list()
    insert(hooks[name], keep(want(call, "its argument", f, "function")))
    return self
  end
end

--- A function of the script, by number, or a shell command.
function M.action_of(call, value)
  if type(value) == "function" then return { call = keep(value) } end
  return { shell = M.want_words(call, "its argument", value, "a function or a shell command") }
end

return M
