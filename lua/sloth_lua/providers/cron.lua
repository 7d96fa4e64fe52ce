--- `cron`: one entry of a user's crontab, between two comments that name it. All other lines of the
--- crontab belong to others and are kept byte for byte.

local host = ...
local next, find, match, gsub, format, sub = next, string.find, string.match, string.gsub, string.format, string.sub
local sort, concat, rep = table.sort, table.concat, string.rep
local blame, call, wait = host.blame, host.call, host.wait

---@class cron_declaration
---@field schedule string five fields, or one such as @daily
---@field command string one line of shell
---@field user string? by default who runs the workflow
---@field env table<string, string>? for this entry alone

local M = {
  fields = { schedule = "string", command = "string", user = "string?", env = "map?" },
  natural_key = { "user", "entry" },
}

local function check_env(env)
  for name, value in next, env do
    if not match(host.text(name), "^[%a_][%w_]*$") then blame(format("resource.cron: '%s' is no name of a variable", host.text(name))) end
    env[name] = host.want("resource.cron", "env." .. name, value, "string")
    if find(env[name], "\n", 1, true) then blame(format("resource.cron: env.%s must be one line", name)) end
  end
end

--- `entry` is how the crontab knows it: the workflow and the resource.
function M.declare(r)
  local schedule, problem = call("crontab.schedule", r.schedule)
  if not schedule then blame("resource.cron: schedule: " .. problem) end
  if find(r.command, "\n", 1, true) or find(r.name, "\n", 1, true) then blame("resource.cron: name and command must be one line each") end
  if not find(r.command, "%S") then blame("resource.cron: command must not be empty") end
  if r.env then check_env(r.env) end
  r.schedule, r.command = schedule, match(r.command, "^%s*(.-)%s*$")
  r.user = r.user or call("account.me")
  r.entry = call("workflow.name", "resource.cron") .. "/" .. r.name
  return r
end

-- cron takes % for a line break, and drops the backslash before a % or another backslash.
local function escaped(command)
  return (gsub(command, "(\\*)(%%?)", function(backslashes, percent)
    if percent == "" and #backslashes < 2 then return backslashes end
    return rep(backslashes, 2) .. (percent == "" and "" or "\\%")
  end))
end

-- Variables of its own, because an assignment in a crontab holds for all entries below it.
local function line_of(r)
  local parts = {}
  for name, value in next, r.env or {} do parts[#parts + 1] = format("export %s='%s'; ", name, (gsub(value, "'", "'\\''"))) end
  sort(parts)
  return r.schedule .. " " .. escaped(concat(parts) .. r.command)
end

--- The schedule of a line and its command; of one that cron would not take "" and all of it.
---@param line string
---@return string schedule
---@return string command
function M.split(line)
  local schedule, command = match(line, "^(@%a+)%s+(.*)$")
  if not schedule then schedule, command = match(line, "^(%S+ %S+ %S+ %S+ %S+) (.*)$") end
  return schedule or "", command or line
end

-- What `escaped` was given, as cron takes it.
local function unescaped(text)
  return (gsub(text, "\\?[\\%%]", function(found) return found == "%" and "\n" or sub(found, -1) end))
end

-- The value in quotes that begins at a place, and where it ends; nil if there is none.
local function quoted(text, at)
  local value = ""
  while true do
    local piece, after = match(text, "^'([^']*)'()", at)
    if not piece then return nil end
    value = value .. piece
    if sub(text, after, after + 1) ~= "\\'" then return value, after end
    value, at = value .. "'", after + 2
  end
end

-- The variables that a line sets first, in the form in which `line_of` writes them, and the command.
-- What follows them may look like one more, if it is the command that is expected.
local function without_env(text, expected)
  local env, at = {}, 1
  while sub(text, at) ~= expected do
    local name, begin = match(text, "^export ([%a_][%w_]*)=()", at)
    if not name then break end
    local value, after = quoted(text, begin)
    if not value or sub(text, after, after + 1) ~= "; " then break end
    env[name], at = value, after + 2
  end
  return env, sub(text, at)
end

--- A line that somebody changed is told apart as far as possible. Variables of an entry for which none are
--- declared are a part of its command.
function M.read(r)
  local line = wait("crontab.entry", r.user, r.entry)
  if not line then return nil end
  local found = { user = r.user, entry = r.entry, schedule = r.schedule, command = r.command, env = r.env }
  if line == line_of(r) then return found end
  local schedule, text = M.split(line)
  found.schedule, found.command = schedule, unescaped(text)
  if r.env then found.env, found.command = without_env(found.command, r.command) end
  return found
end

function M.create(r) wait("crontab.replace", r.user, r.entry, line_of(r)) end

M.update = M.create

function M.delete(r) wait("crontab.replace", r.user, r.entry, nil) end

return M
