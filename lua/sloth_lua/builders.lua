--- What tasks and workflows have in common: objects with a `spec` that methods fill, and the checks
--- of what they are given.

local host, keep = ...
local type, next, ipairs, rawget = type, next, ipairs, rawget
local insert, floor, format = table.insert, math.floor, string.format
local blame, want = host.blame, host.want

local M = {}

-- What is kept goes to Python as JSON, so it must be text; the line is known only here.
function M.want_text(call, name, value, said)
  value = want(call, name, value, "string", said)
  host.encode(value, call .. ": " .. name)
  return value
end

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

-- A list ends at its first nil, so what stands behind one would be lost silently.
function M.items_of(call, list)
  local count = 0
  for index in ipairs(list) do count = index end
  for key in next, list do
    if type(key) == "number" and (key > count or key < 1) then
      blame(format("%s: item %d of the list is nil; is its name misspelt?", call, count + 1))
    end
  end
  return ipairs(list)
end

function M.names_of(methods)
  local names = {}
  for name in next, methods do names[#names + 1] = name end
  return names
end

--- Gives a class methods, an error for any other, and `build`, which changes nothing.
function M.methods_of(class, what)
  class.methods = {}
  class.__index = function(_, name)
    if name == "build" then return function(self) return self end end
    return class.methods[name] or host.unknown(what .. " has no method", name, M.names_of(class.methods))
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
  return { shell = M.want_text(call, "its argument", value, "a function or a shell command") }
end

return M
