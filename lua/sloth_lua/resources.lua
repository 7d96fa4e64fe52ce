--- How a declared resource meets reality: read, let Python decide, and perform each change between
--- the journal's begin and end. Providers are tables of hooks; each hook is called with the
--- resource's attributes, what was read before (or nil), and what the provider remembers of it.

local host, kinds, library = ...
local pcall, error, type, next, ipairs, rawequal, rawget = pcall, error, type, next, ipairs, rawequal, rawget
local getmetatable, setmetatable = getmetatable, setmetatable
local format, sub, concat, getinfo = string.format, string.sub, table.concat, debug.getinfo
local call, encode, decode, blame, text = host.call, host.encode, host.decode, host.blame, host.text
local is_looking, LIST = call("is_looking"), getmetatable(host.list())

local M = {}
local providers = {} ---@type table<string, provider> those of this script, and others once they are used

M.providers = providers

--- The attributes of a resource as hooks see them. `r.name` is always the resource's own name, so
--- it is no attribute; `r.type` is its own type, unless it has an attribute of that name.
---@param kind string the resource's type
---@param name string
---@param attributes table
---@param sensitive string[]? paths that its declaration calls sensitive
function M.subject(kind, name, attributes, sensitive)
  attributes.name = nil
  return setmetatable(attributes, { __index = { name = name, type = kind }, sensitive = sensitive })
end

--- The paths that a declaration calls sensitive, beside those that its type does.
---@param r table
---@return string[]?
function M.sensitive(r) return getmetatable(r).sensitive end

-- Its own type and name, whatever its attributes are called.
local function identity(r)
  local own = getmetatable(r).__index
  return own.type, own.name, own.type .. "/" .. own.name
end

-- The place of the script that is blamed stands before the whole, and so not in the middle too.
local function failed_in(verb, r, problem)
  if type(problem) ~= "string" then error(problem, 0) end
  local place = host.caller()
  if place and sub(problem, 1, #place + 2) == place .. ": " then problem = sub(problem, #place + 3) end
  local _, _, id = identity(r)
  host.blame(format("%s: %s: %s", id, verb, problem))
end

-- A failed change is journaled, and what is sensitive taken out of its message there.
local function without_sensitive(provider, r, problem)
  if type(problem) ~= "string" then return problem end
  for _, paths in next, { provider.sensitive or nil, M.sensitive(r) } do
    problem = call("resource.hide_sensitive", problem, encode(r, "attributes"), encode(paths, "sensitive"))
  end
  return problem
end

local function checked(r, actual)
  if actual == nil or rawequal(actual, host.null) then return nil end
  if type(actual) ~= "table" or #actual > 0 or getmetatable(actual) == LIST then
    local what = type(actual) == "table" and "a list" or text(actual)
    blame(format("resource.%s: its read must return a table of attributes or nil, not %s", identity(r), what))
  end
  return actual
end

-- What a hook that reads runs is run even while a script is only looked at, because reading changes
-- nothing.
local function call_reading(hook, ...)
  if not is_looking then return pcall(hook, ...) end
  call("resource.reading", true)
  local ok, result = pcall(hook, ...)
  call("resource.reading", false)
  return ok, result
end

local function read(provider, r, memory)
  local ok, actual = call_reading(provider.read, r, nil, memory)
  if not ok then failed_in("read", r, without_sensitive(provider, r, actual)) end
  return checked(r, actual)
end

--- What a provider says of a thing that exists: the fields that would declare it.
---@param kind string
---@param name string what the resource is called
---@param id string how reality knows it
function M.import(kind, name, id)
  local ok, fields = call_reading(M.provider(kind).import, id)
  if not ok then failed_in("import", M.subject(kind, name, {}), fields) end
  return fields
end

local function text_of(provider, r, actual)
  if actual == nil then return nil end
  return provider.reads_text and actual.encoded or encode(actual, "resource." .. identity(r))
end

--- What a thing is now, or nil if it is not there.
function M.read(provider, r, memory)
  local actual = read(provider, r, memory)
  if actual and provider.reads_text then return decode(actual.encoded) end
  return actual
end

--- The same as JSON text. A built-in provider may have it in that form: `{ encoded = text }`.
function M.read_text(provider, r, memory) return text_of(provider, r, read(provider, r, memory)) end

local function encoded(values, what) return values ~= nil and encode(values, what) or nil end

-- What a hook returned and what reading finds then, as JSON; reading knows better.
local function attributes_after(provider, r, result, memory)
  local after = read(provider, r, memory)
  if after == nil then error("it was made, and yet reading finds nothing", 0) end
  if type(result) ~= "table" then return text_of(provider, r, after) end
  if provider.reads_text then after = decode(after.encoded) end
  for key, value in next, result do
    if after[key] == nil then after[key] = value end
  end
  return encode(after, "resource." .. identity(r))
end

-- A failure is recorded with whatever the hook left behind, so that this can be undone too. What is
-- sensitive is taken out of its message, which is returned.
local function record_failure(number, provider, r, memory, problem)
  local was_read, actual = pcall(M.read_text, provider, r, memory)
  local is_json, remembered = pcall(encode, memory, "memory")
  local message = call("resource.fail", number, text(problem), was_read and actual or nil, is_json and remembered or "{}")
  return type(problem) == "string" and message or problem
end

--- Does one change to the world: begin, effect, end. Returns the attributes afterwards, as JSON.
---@param verb "create"|"update"|"delete"
---@param r table
---@param actual table? what was read before
---@param memory table
---@param key string? natural key
function M.perform(verb, r, actual, memory, key)
  local kind, name, id = identity(r)
  local provider = M.provider(kind)
  local hook = rawget(provider, verb) or blame(format("%s: its provider has no '%s', so this cannot be done", id, verb))
  if provider.prepare and verb ~= "delete" then provider.prepare(r, actual, memory) end
  local number = call("resource.begin", verb, kind, name, encode(r, id), encoded(actual, id), encode(memory, "memory"), key)
  local ok, result, remembered = pcall(function()
    local returned = hook(r, actual, memory)
    return verb ~= "delete" and attributes_after(provider, r, returned, memory) or nil, encode(memory, "memory")
  end)
  if not ok then failed_in(verb, r, record_failure(number, provider, r, memory, result)) end
  local attributes = call("resource.finish", number, result, remembered)
  if host.events.has_listeners("resource_changed") then
    host.events.tell("resource_changed", { type = kind, name = name, action = verb, attributes = decode(attributes) })
  end
  return attributes
end

-- Makes a thing so, whether it is there or not.
local function put(r, actual, memory, key)
  if actual ~= nil and not M.provider((identity(r))).update then
    M.perform("delete", r, actual, memory, key)
    actual, memory = nil, {}
  end
  return M.perform(actual and "update" or "create", r, actual, memory, key)
end

-- Deletes a thing, or only its record if somebody else has deleted it.
local function remove(r, memory, key)
  local kind, name = identity(r)
  local actual = M.read(M.provider(kind), r, memory)
  if actual == nil then return call("resource.forget", kind, name) end
  M.perform("delete", r, actual, memory, key)
end

--- How a thing is known in reality, for instance its path; nil if its provider does not say.
---@return string?
function M.natural_key(provider, r)
  local key = provider.natural_key
  if type(key) == "function" then
    key = key(r)
    return key ~= nil and text(key) or nil
  end
  if key == nil then return nil end
  if type(key) == "string" then key = { key } end
  if #key == 1 then return r[key[1]] ~= nil and text(r[key[1]]) or "" end
  local parts = {}
  for index, field in ipairs(key) do parts[index] = r[field] ~= nil and text(r[field]) or "" end
  return concat(parts, "\0")
end

--- Why a change cannot be undone, or nil.
---@return string?
function M.irreversible(provider, r)
  local why = provider.irreversible
  if type(why) == "function" then why = why(r) end
  if why == true then return "its provider says that it cannot be undone" end
  return why and text(why) or nil
end

-- A provider written in Python has the same hooks; each runs on a thread of its own.
local function python_provider(kind)
  local provider = call("resource.python_provider", kind)
  for _, verb in ipairs(provider.verbs) do
    provider[verb] = function(r, before)
      local arguments = encode({ attributes = r, name = r.name, before = before or host.null }, "resource." .. kind)
      return host.wait("resource.python", kind, verb, arguments)
    end
  end
  return provider
end

--- The provider of a type; an error that names the nearest if there is none.
---@param kind string
---@return provider
function M.provider(kind)
  local provider = providers[kind]
  if provider then return provider end
  local origin = call("resource.origin", kind)
  if origin == "lua" then provider = library("providers/" .. kind)(host)
  elseif origin == "python" then provider = python_provider(kind)
  else
    local known = call("resource.types")
    for name in next, providers do known[#known + 1] = name end
    return host.unknown("resource: there is no type", kind, known)
  end
  providers[kind] = provider
  return provider
end

--- Puts a resource into effect as Python decided: what `resource.decide` said, and what it is for.
function M.carry_out(verb, r, actual, details, key)
  local kind, name = identity(r)
  local wanted = details.attributes and M.subject(kind, name, details.attributes, M.sensitive(r)) or r
  local memory = details.memory or {}
  if verb ~= "replace" then return M.perform(verb, wanted, actual, memory, key) end
  remove(M.subject(kind, name, details.before), memory, key)
  memory = decode(call("resource.take_over", kind, name, key))
  return put(wanted, M.read(M.provider(kind), wanted, {}), memory, key)
end

-- ------------------------------------------------------------- what Python asks for by itself

local function subject_of(item) return M.subject(item.type, item.name, item.attributes, item.sensitive) end

--- Deletes a recorded thing, or only its record if somebody else has deleted it.
---@param item table its type, name, attributes, memory
function M.remove_recorded(item)
  local r = subject_of(item)
  remove(r, item.memory, M.natural_key(M.provider(item.type), r))
end

-- Most hooks that read do not ask for what their provider remembers, and decoding it takes time.
local function wants_memory(provider)
  local info = getinfo(provider.read, "u")
  return info.isvararg or info.nparams > 2
end

local function read_recorded(kind, name, attributes, declaration)
  local provider, r = M.provider(kind), M.subject(kind, name, decode(attributes))
  local memory = wants_memory(provider) and decode(declaration).memory or nil
  local actual = checked(r, provider.read(r, nil, memory))
  local irreversible = M.irreversible(provider, r)
  local undeletable = irreversible or not provider.delete and "its provider has no delete" or nil
  return text_of(provider, r, actual), irreversible, undeletable
end

--- Reads resources that Python hands out one by one, until there are no more; each call also takes
--- what was found of the one before. Several such loops run at once, so one that waits does not hold
--- up the others. Python has said already that all this is reading.
function kinds.read_resources()
  local ok, actual, irreversible, undeletable
  local index, kind, name, attributes, declaration = call("world.next")
  while index do
    ok, actual, irreversible, undeletable = pcall(read_recorded, kind, name, attributes, declaration)
    if not ok then actual = text(actual) end
    index, kind, name, attributes, declaration = call("world.next", index, ok, actual, irreversible, undeletable)
  end
  return "{}"
end

--- Performs one step of a plan that Python made from recorded attributes.
function kinds.perform(_, context)
  if context.verb == "delete" then
    M.remove_recorded(context)
  else
    local r, provider = subject_of(context), M.provider(context.type)
    put(r, M.read(provider, r, context.memory), context.memory, M.natural_key(provider, r))
  end
  return "{}"
end

--- What a thing is that exists, for taking it into the state.
function kinds.existing(_, context) return encode(M.existing(context), "what exists") end

--- Lets a provider keep what it would need to make the thing as it is now again.
function kinds.prepare(_, context)
  local provider, r = M.provider(context.type), subject_of(context)
  if provider.prepare then provider.prepare(r, context.actual, context.memory) end
  return encode(context.memory, "memory")
end

return M
