--- `resource`: things that a script declares. The runner reads reality, compares, and creates or
--- updates only what differs: `resource.file { name = "app.conf", path = "/etc/app.conf", content = text }`.
---
--- The types that come with the runner, with their fields, are in [resources](resources/README.md); how
--- it works is in [an explanation](../explanation/resources.md). Resources are declared in tasks, each
--- type and name once in a run. Every declaration can have these fields too:
---
--- | field | means |
--- |---|---|
--- | `name` | with the type, its identity in the workflow |
--- | `depends_on` | a resource, `"type/name"`, or a list of these; they must be declared before |
--- | `ignore` | paths of attributes that do not count as differences, such as `"labels.*"` or `"users[*].seen"` |
--- | `sensitive` | paths of attributes that are never shown |
---
--- What a declaration returns has the attributes of the resource, with what reading found, and `name`,
--- `type` and `action`: `"create"`, `"update"`, `"replace"`, `"noop"`, or `"read"` for a thing that was
--- already so before the workflow knew it. Using an attribute makes the next declaration of the task
--- depend on it. Deletion goes against that order.

local host = ...
local type, next, rawget, rawset, ipairs, setmetatable, pcall, error = type, next, rawget, rawset, ipairs, setmetatable, pcall, error
local running, insert, sort, concat, match = coroutine.running, table.insert, table.sort, table.concat, string.match
local want, call, encode, decode, blame = host.want, host.call, host.encode, host.decode, host.blame
local engine = host.resources

---@class provider what a type of resource consists of; hooks are called with (r, before, memory)
---@field read fun(r: table): table? what the thing is now, nil if it is not there; must change nothing, because `plan` and `drift` call it too
---@field create fun(r: table): table? makes it; may return further attributes
---@field update fun(r: table, before: table): table? makes it as `r` says; without it, a thing that differs is deleted and created
---@field delete fun(r: table)? without it, a rollback names the thing as one that cannot be undone
---@field ignore string[]? paths of attributes that do not count as differences
---@field sensitive string[]? paths of attributes that are never shown
---@field natural_key string[]|string|fun(r: table): string the field, or the fields, by which reality knows the thing; with another key it is another thing, and the old one is deleted
---@field irreversible boolean|string|fun(r: table): string? a reason why what was done to it is not undone
---@field import fun(id: string): table? fields of a thing that exists, by the name it has in reality

local resource = {}
local known = {} -- by type, what must be known to declare one: { what, expected, order }

-- ---------------------------------------------------------------------- which depends on which

local used = setmetatable({}, { __mode = "k" }) -- by coroutine: resources whose attributes it has read

local function note_use(id)
  local thread = running() or resource
  used[thread] = used[thread] or {}
  used[thread][id] = true
end

local Handle = {}
local function id_of(facts) return facts.type .. "/" .. facts.name end

function Handle.__tostring(self) return id_of(Handle.facts[self]) end
function Handle.__newindex() blame("resource: the attributes of a resource cannot be set; declare it with other ones") end
Handle.facts = setmetatable({}, { __mode = "k" })

function Handle.__index(self, key)
  local facts = Handle.facts[self]
  if key == "name" or key == "type" or key == "action" then return facts[key] end
  note_use(id_of(facts))
  if not facts.attributes then facts.attributes = decode(facts.text) end
  local value = facts.attributes[key]
  if value == nil and facts.unknown then return facts.unknown end
  return value
end

-- What a declaration returns: its attributes can be read, and that is noted as a dependency. They
-- come as a table, or as JSON that is decoded when somebody asks, which is rare.
local function handle(facts)
  local self = setmetatable({}, Handle)
  Handle.facts[self] = facts
  return self
end

local function add_dependency(what, list, item)
  if type(item) == "table" and Handle.facts[item] then
    insert(list, id_of(Handle.facts[item]))
  elseif type(item) == "string" then
    if not match(item, "^[^/]+/.") then blame(what .. ": depends_on must name resources as 'type/name', not '" .. item .. "'") end
    insert(list, item)
  else
    want(what, "depends_on", item, "table", "a resource, 'type/name', or a list of these")
    for _, each in ipairs(item) do add_dependency(what, list, each) end
  end
end

-- A list, or nil if there are none.
local function dependencies(what, said)
  local thread = running() or resource
  local uses = used[thread]
  if said == nil and not uses then return nil end
  local list = host.list()
  if said ~= nil then add_dependency(what, list, said) end
  for id in next, uses or {} do insert(list, id) end
  sort(list) -- the same declaration must read the same in the next run
  used[thread] = nil
  return list
end

-- ---------------------------------------------------------------------- declaring

local META = { name = "string", depends_on = "any?", ignore = "table?", sensitive = "table?" }

local function paths(what, name, list)
  if list == nil then return nil end
  for _, path in ipairs(want(what, name, list, "table")) do want(what, name .. "'s items", path, "string") end
  return host.list(list)
end

local function merged(left, right)
  local all = {}
  for key, value in next, left do all[key] = value end
  for key, value in next, right or {} do all[key] = value end
  return all
end

-- All that may be declared of a built-in type, once for each.
local function prepared(kind, provider)
  local what, fields = "resource." .. kind, provider.fields
  local order = {}
  for field in next, fields or {} do insert(order, field) end
  sort(order)
  known[kind] = { what = what, expected = fields and merged(fields, META), order = order }
  call("resource.provider", kind, encode({
    ignore = provider.ignore, sensitive = provider.sensitive, keeps = provider.keeps,
    can_update = provider.update ~= nil, in_workdir = fields == nil,
  }, "resource.define"))
  return known[kind]
end

local function unchecked(what, fields)
  want(what, "its argument", fields, "table")
  want(what, "name", rawget(fields, "name"), "string")
  return merged(fields)
end

-- The attributes that are declared, with their name, and what is said about the declaration itself.
local function taken_apart(kind, type_facts, fields)
  local what, expected = type_facts.what, type_facts.expected
  local attributes = expected and host.want_fields(what, fields, expected) or unchecked(what, fields)
  local name = attributes.name
  local depends_on = dependencies(what, attributes.depends_on)
  local ignore, sensitive = paths(what, "ignore", attributes.ignore), paths(what, "sensitive", attributes.sensitive)
  attributes.name, attributes.depends_on, attributes.ignore, attributes.sensitive = nil, nil, nil, nil
  return engine.subject(kind, name, attributes, sensitive), depends_on, ignore, sensitive
end

-- What Python is told of a declaration that says nothing special, which most are.
local NOTHING_SPECIAL = '{"depends_on":[]}'

local function about_text(what, provider, r, depends_on, ignore, sensitive)
  local irreversible = engine.irreversible(provider, r)
  if not (depends_on or ignore or sensitive or irreversible) then return NOTHING_SPECIAL end
  return encode({ depends_on = depends_on or host.list(), ignore = ignore, sensitive = sensitive, irreversible = irreversible }, what)
end

-- All fields of a declaration as one text, by which Python knows it again; making JSON of them and
-- asking the provider what they mean takes much longer.
local function said_of(order, r)
  local parts = {}
  for index = 1, #order do
    local value = rawget(r, order[index])
    if value ~= nil and type(value) ~= "string" then value = host.text(value) end
    parts[index] = value and #value .. ":" .. value or "0:"
  end
  return concat(parts)
end

-- What is there. What is in the way of it and goes with this run goes first.
local function read_text(kind, provider, r, key)
  local ok, text = pcall(engine.read_text, provider, r, {})
  if ok then return text end
  local others = call("resource.in_the_way", kind, key)
  if not others then error(text, 0) end
  if others == "" then return nil end
  for _, each in ipairs(decode(others)) do engine.remove_recorded(each) end
  return engine.read_text(provider, r, {})
end

-- `text` is what was read, if that was done already.
local function settle(kind, provider, facts, r, about, said, was_read, text)
  if provider.declare then r = engine.subject(kind, r.name, provider.declare(r) or r, engine.sensitive(r)) end
  local what, name = facts.what, r.name
  local key, wanted = engine.natural_key(provider, r), encode(r, facts.what .. ":")
  if not was_read then text = read_text(kind, provider, r, key) end
  local verb, details = call("resource.decide", kind, name, wanted, text, about, key, said)
  if verb == "noop" then return handle({ type = kind, name = name, action = verb, text = text }) end
  local actual = text and decode(text)
  details = details and decode(details) or {}
  if verb == "planned" then
    if details.action == "update" and provider.prepare then pcall(provider.prepare, r, actual, {}) end
    call("resource.planned", kind, name)
    return handle({ type = kind, name = name, action = details.action, attributes = merged(r, actual), unknown = details.unknown })
  end
  if verb == "adopt" then
    local memory = {}
    if provider.prepare then provider.prepare(r, actual, memory) end
    call("resource.adopt", kind, name, encode(merged(r, actual), what), encode(memory, "memory"))
    return handle({ type = kind, name = name, action = "read", attributes = merged(r, actual) })
  end
  return handle({ type = kind, name = name, action = verb, text = engine.carry_out(verb, r, actual, details, key) })
end

local function declare(kind, fields)
  if host.threads.is_elsewhere() then call("needs_this_machine", "resource." .. kind) end
  local provider = engine.provider(kind)
  local facts = known[kind] or prepared(kind, provider)
  local r, depends_on, ignore, sensitive = taken_apart(kind, facts, fields)
  local about = about_text(facts.what, provider, r, depends_on, ignore, sensitive)
  local is_plain = about == NOTHING_SPECIAL and provider.is_plain and provider.is_plain(r)
  if not is_plain then return settle(kind, provider, facts, r, about) end
  local said = said_of(facts.order, r)
  local was_read, is_as_recorded, text = pcall(provider.read_and_compare, r, said)
  if was_read and is_as_recorded then return handle({ type = kind, name = r.name, action = "noop", text = text }) end
  return settle(kind, provider, facts, r, about, said, was_read, text)
end

-- ---------------------------------------------------------------------- types

local KNOWN = {
  read = "function", create = "function", update = "function?", delete = "function?", import = "function?",
  ignore = "table?", sensitive = "table?", natural_key = "any?", irreversible = "any?",
}

--- Adds a type of resource: `resource.define("note", { … })` makes `resource.note { … }`. It must be
--- done at the top level of the file, because drift and rollback load the file without running its
--- tasks. Its functions get `r`, with the declared fields and `r.name` and `r.type`; `update` gets what
--- `read` returned second. Third, each gets a table that is kept with the resource and is given to its
--- later calls: what is needed to undo the change can be put there. An error in one fails the task;
--- what `read` finds then is recorded with the status `failed`.
---@param kind string
---@param provider provider
function resource.define(kind, provider)
  kind = want("resource.define", "type", kind, "string")
  if not match(kind, "^[%a_][%w_]*$") then blame("resource.define: the type '" .. kind .. "' is no name in Lua") end
  provider = host.want_fields("resource.define", provider, KNOWN)
  if engine.providers[kind] or call("resource.origin", kind) then
    blame("resource.define: the type '" .. kind .. "' is defined already")
  end
  if rawget(resource, kind) ~= nil then blame("resource.define: '" .. kind .. "' cannot be a type") end
  call("resource.define", kind)
  paths("resource.define", "ignore", provider.ignore)
  paths("resource.define", "sensitive", provider.sensitive)
  local key = provider.natural_key
  if type(key) ~= "string" and type(key) ~= "function" then paths("resource.define", "natural_key", key) end
  engine.providers[kind] = provider
end

--- Takes a thing that exists into the state as it is, by the name it has in reality; for a file that
--- is its path. Types whose provider has no `import` refuse it.
---@param kind string
---@param name string the name it gets in the state
---@param id string
---@return table
function resource.import(kind, name, id)
  local provider = engine.provider(want("resource.import", "type", kind, "string"))
  name, id = want("resource.import", "name", name, "string"), want("resource.import", "id", id, "string")
  if not provider.import then blame("resource.import: " .. kind .. " has no import") end
  local fields = engine.import(kind, name, id)
  if fields == nil then blame("resource.import: there is no " .. kind .. " '" .. id .. "'") end
  fields = want("resource.import", "what import returns", fields, "table")
  return declare(kind, merged(fields, { name = name }))
end

--- What a thing is that exists, as a declaration of it would be recorded.
---@param context { type: string, name: string, id: string?, fields: table }
function engine.existing(context)
  local kind, name, fields = context.type, context.name, context.fields
  local provider, what = engine.provider(kind), "resource." .. kind
  if context.id then
    if not provider.import then blame(what .. ": its provider has no import, so its fields must be given") end
    local found = engine.import(kind, name, context.id)
    if found == nil then return { exists = false } end
    fields = merged(want(what, "what import returns", found, "table"), fields)
  end
  local r = taken_apart(kind, known[kind] or prepared(kind, provider), merged(fields, { name = name }))
  if provider.declare then r = engine.subject(kind, name, provider.declare(r) or r) end
  local memory, actual = {}, engine.read(provider, r, {})
  if actual and provider.prepare then provider.prepare(r, actual, memory) end
  return {
    exists = actual ~= nil, attributes = merged(r, actual), key = engine.natural_key(provider, r), memory = memory,
    ignore = provider.ignore, sensitive = provider.sensitive, irreversible = engine.irreversible(provider, r),
  }
end

return setmetatable(resource, {
  __index = function(_, kind)
    engine.provider(kind)
    local function declare_one(fields) return declare(kind, fields) end
    rawset(resource, kind, declare_one)
    return declare_one
  end,
})
