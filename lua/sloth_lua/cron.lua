--- `cron`: entries in users' crontabs, by name; all other lines are kept. What is so already is left
--- alone. Results are true and a table with `changed` and `message`, or false and a message. An entry
--- belongs to its workflow, so these calls need a run, but for `cron.validate_schedule`.

local host = ...
local outcome = host.outcome or host.library("administration/outcome")(host)
local match, format, sub = string.match, string.format, string.sub
local done, fields, call, wait, want = outcome.done, outcome.fields, host.call, host.wait, host.want

local cron = {}

local ENTRY = { name = "string", schedule = "string", command = "string", user = "string?", env = "map?" }
local NAMED, ALIASES = { name = "string", user = "string?" }, { cron = "schedule", job = "command", cmd = "command" }
local DISABLED = "# disabled: "

local function provider() return host.library("providers/cron")(host) end

-- Replaces the line of an entry, nil for none.
local function replace(what, name, user, entry, line, said)
  local ok, problem = outcome.change(what, name, function() wait("crontab.replace", user, entry, line) end)
  if not ok then return false, problem end
  return done(true, said)
end

--- Adds an entry, or changes the one of that name: `cron.add{ name = "backup", schedule = "@daily",
--- command = "backup.sh" }`.
---@param name string|{ name: string, schedule: string, command: string, user: string?, env: table<string, string>? }
---@param schedule string? five fields, or one such as @daily
---@param command string? one line of shell
---@return boolean ok
---@return outcome|string result or problem
function cron.add(name, schedule, command)
  local given = fields("cron.add", ENTRY, { "name", "schedule", "command" }, ALIASES, name, schedule, command)
  local M = provider()
  local valid, r = outcome.try(M.declare, given)
  if not valid then host.blame((r:gsub("^resource%.cron", "cron.add"))) end
  local ok, found = outcome.try(M.read, r)
  if not ok then return false, found end
  if found and found.env == r.env and found.command == r.command and found.schedule == r.schedule then
    return done(false, format("the entry %s is as wanted already", r.name))
  end
  local worked, problem = outcome.change("cron.add", r.name, M.create, r)
  if not worked then return false, problem end
  return done(true, format("the entry %s was %s", r.name, found and "changed" or "added"))
end

local function entry_of(what, ...)
  local given = fields(what, NAMED, { "name", "user" }, nil, ...)
  local user, entry = given.user or call("account.me"), call("workflow.name", what) .. "/" .. given.name
  local ok, line = outcome.try(wait, "crontab.entry", user, entry)
  return given.name, user, entry, ok and line or nil, not ok and line or nil
end

--- Removes an entry.
---@param name string|{ name: string, user: string? }
---@param user string? by default who runs the workflow
---@return boolean ok
---@return outcome|string result or problem
function cron.remove(name, user)
  local named, whose, entry, line, problem = entry_of("cron.remove", name, user)
  if problem then return false, problem end
  if not line then return done(false, format("there is no entry %s", named)) end
  return replace("cron.remove", named, whose, entry, nil, format("the entry %s was removed", named))
end

--- Whether there is an entry.
---@param name string|{ name: string, user: string? }
---@param user string?
---@return boolean
---@return string? problem
function cron.exists(name, user)
  local _, _, _, line, problem = entry_of("cron.exists", name, user)
  return line ~= nil, problem
end

local function is_disabled(line) return sub(line, 1, #DISABLED) == DISABLED end

local function switch(what, off, ...)
  local named, whose, entry, line, problem = entry_of(what, ...)
  if problem or outcome.is_missing(line) then return false, problem or format("there is no entry %s", named) end
  line = line or ""
  local said = format("the entry %s is %s", named, off and "disabled" or "enabled")
  if is_disabled(line) == off then return done(false, said .. " already") end
  return replace(what, named, whose, entry, off and DISABLED .. line or sub(line, #DISABLED + 1), said)
end

--- Lets an entry be run again that was disabled.
---@param name string|{ name: string, user: string? }
---@param user string?
---@return boolean ok
---@return outcome|string result or problem
function cron.enable(name, user) return switch("cron.enable", false, name, user) end

--- Keeps an entry and lets it not be run.
---@param name string|{ name: string, user: string? }
---@param user string?
---@return boolean ok
---@return outcome|string result or problem
function cron.disable(name, user) return switch("cron.disable", true, name, user) end

local function entry(split, user, name, line)
  local text = is_disabled(line) and sub(line, #DISABLED + 1) or line
  local schedule, command = split(text)
  return { name = name, schedule = schedule, command = command, user = user, enabled = not is_disabled(line) }
end

--- The entries of this workflow, in their order: name schedule command user enabled. A command is as
--- cron has it, with its variables before it.
---@param user string?
---@return table[]? entries
---@return string? problem
function cron.list(user)
  call("needs_this_machine", "cron.list")
  user = host.want_or_nil("cron.list", "user", user, "string") or call("account.me")
  local arguments = user == call("account.me") and { "crontab", "-l" } or { "crontab", "-u", user, "-l" }
  local ok, result = outcome.try(outcome.ask, arguments)
  if not ok then return nil, result end
  if result.exit_code ~= 0 and not result.stderr:find("no crontab for", 1, true) then return nil, match(result.stderr, "[^\n]+") end
  local split = provider().split
  local entries, name, prefix = host.list(), nil, "# sloth-runner begin " .. call("workflow.name", "cron.list") .. "/"
  for line in result.stdout:gmatch("[^\n]+") do
    if name then entries[#entries + 1] = entry(split, user, name, line) end
    name = sub(line, 1, #prefix) == prefix and sub(line, #prefix + 1) or nil
  end
  return entries
end

--- Whether cron takes a schedule.
---@param schedule string
---@return boolean
---@return string message the schedule as it is written, or the problem
function cron.validate_schedule(schedule)
  local normal, problem = call("crontab.schedule", want("cron.validate_schedule", "schedule", schedule, "string"))
  return normal ~= nil, normal or problem
end

return cron
