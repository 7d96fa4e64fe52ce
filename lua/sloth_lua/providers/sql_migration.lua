--- One step of a database's schema: it owns what its `up` does and the row that says it is applied.
--- Both come and go in one transaction; what else is in the database is left alone.

local host = ...
local match, format = string.match, string.format
local call, wait, blame, fs = host.call, host.wait, host.blame, host.modules.fs

local WHAT = "resource.sql_migration"

local M = {
  fields = {
    database = "string", version = "string?", table = "string?",
    up = "string?", up_file = "string?", down = "string?", down_file = "string?",
  },
  natural_key = { "database", "table", "version" },
  sensitive = { "password" },
}

-- The SHA-256 of a script that is kept with the resource; nil if none is given.
local function held(r, name)
  local text, path = r[name], r[name .. "_file"]
  if text and path then blame(format("%s: %s and %s_file are both given", WHAT, name, name)) end
  if path then
    local problem
    text, problem = fs.read(path)
    if not text then blame(format("%s: %s_file: %s", WHAT, name, problem)) end
  end
  if not text then return nil end
  if not match(text, "%S") then blame(format("%s: %s is empty", WHAT, name)) end
  host.encode(text, WHAT .. ": " .. name) -- refuses what is no text
  return call("content.hold", text)
end

local function kept(hash)
  local text, problem = call("content.get", hash)
  return text or blame(problem)
end

function M.declare(r)
  local database, password = call("sql.locate", r.database)
  local bookkeeping = r.table or "schema_migrations"
  if not match(bookkeeping, "^[%a_][%w_]*$") then
    blame(format("%s: table must be a plain name, not '%s'", WHAT, bookkeeping))
  end
  local up = held(r, "up") or blame(WHAT .. ": up or up_file must be given")
  return {
    database = database, password = password, table = bookkeeping, version = r.version or r.name,
    content_sha256 = up, down_sha256 = held(r, "down"),
  }
end

function M.read(r)
  local hash = wait("sql.applied", r.database, r.password, r.table, r.version)
  if not hash then return nil end
  return { database = r.database, table = r.table, version = r.version, content_sha256 = hash }
end

--- What was applied before the workflow came is not the workflow's to revert.
function M.prepare(_, before, memory)
  if before == nil or memory.made == nil then memory.made = before == nil end
end

function M.create(r)
  wait("sql.apply", r.database, r.password, r.table, r.version, r.content_sha256, kept(r.content_sha256))
end

--- Only what the state knows of a migration can change, for instance its `down`.
function M.update(r, before)
  if before.content_sha256 == r.content_sha256 then return end
  blame(format(
    "the migration %s is applied with the up %s, and now its up is %s; an applied migration cannot change, add another one",
    r.version, before.content_sha256, r.content_sha256
  ))
end

function M.delete(r, before, memory)
  if not before or not memory.made then return end
  if not r.down_sha256 then blame(format("the migration %s has no down, so it cannot be undone", r.version)) end
  wait("sql.revert", r.database, r.password, r.table, r.version, kept(r.down_sha256))
end

function M.irreversible(r) return not r.down_sha256 and "it has no down" or nil end

return M
