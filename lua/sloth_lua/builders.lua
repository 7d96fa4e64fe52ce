--- What tasks and workflows have in common: objects with a `spec` that methods fill, and the checks
--- of what they are given.

local host, keep = ...
local type, next, ipairs, rawget, rawset, rawequal = type, next, ipairs, rawget, rawset, rawequal
local setmetatable, getmetatable = setmetatable, getmetatable
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

function M.is_list(value) return type(value) == "table" and not host.behaves_as_text(value) end

function M.want_whole(call, name, value, least)
  want(call, name, value, "number")
  if value < least or value > 1e6 or value ~= floor(value) then
    blame(format("%s: %s must be a whole number from %d to 1000000, not %s", call, name, least, host.text(value)))
  end
  return value
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

-- Methods look at themselves first: `task("x").command("make")` has the command for its task.
local function with_colon(class, what)
  return function(methods, name, f)
    rawset(methods, name, function(self, ...)
      if type(self) ~= "table" or not rawequal(getmetatable(self), class) then
        blame(format("%s:%s: call it with a colon, on a %s", what, name, what))
      end
      return f(self, ...)
    end)
  end
end

--- Gives a class methods, an error for any other, and `build`, which changes nothing.
function M.methods_of(class, what)
  class.methods = setmetatable({}, { __newindex = with_colon(class, what) })
  class.__index = function(_, name)
    if name == "build" then return function(self) return self end end
    return class.methods[name] or host.unknown("a " .. what .. " has no method", name, M.names_of(class.methods))
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
      M.refuse_to_run(rawget(self, "spec"), host.unknown_text(what .. ": there is no option", key, M.names_of(methods)))
    end
  end
  return self
end

--- A method that keeps a text.
function M.setter(class, name)
  return function(self, value)
    rawget(self, "spec")[name] = M.want_text(class .. ":" .. name, "its argument", value)
    return self
  end
end

--- A method that keeps functions, in the order in which they are given.
function M.hook(class, name)
  return function(self, f)
    local hooks = rawget(self, "spec").hooks
    hooks[name] = hooks[name] or host.list()
    insert(hooks[name], keep(want(class .. ":" .. name, "its argument", f, "function")))
    return self
  end
end

--- A function of the script, by number, or a shell command.
function M.action_of(call, value)
  if type(value) == "function" then return { call = keep(value) } end
  return { shell = M.want_words(call, "its argument", value, "a function or a shell command") }
end

return M
