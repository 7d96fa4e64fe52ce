--- `command`: a shell command that is run once, or whenever its guard says that it is needed.
--- It owns nothing but the fact that the command was run; what the command does is its author's.

local host = ...
local next, ipairs, format = next, ipairs, string.format
local blame, call = host.blame, host.call

---@class command_declaration
---@field command string? for bash -c; `run` is a synonym
---@field creates string? a path: done while something is there
---@field unless string? shell command: done while it succeeds
---@field only_if string? shell command: done while it fails
---@field triggers any another value runs the command again
---@field undo string? shell command that takes it back
---@field workdir string? by default the task's folder
---@field env table<string, string>?
---@field timeout number|string|nil

local M = {
  fields = {
    command = "string?", run = "string?", creates = "string?", unless = "string?", only_if = "string?",
    undo = "string?", workdir = "string?", env = "map?", timeout = "any?", triggers = "any?",
  },
}

local function number_of_guards(r)
  local count = 0
  for _, name in ipairs({ "creates", "unless", "only_if" }) do
    if r[name] then count = count + 1 end
  end
  return count
end

function M.declare(r)
  if (r.command == nil) == (r.run == nil) then blame("resource.command: give it a command (or run), and only one of them") end
  if number_of_guards(r) > 1 then blame("resource.command: give it only one of creates, unless and only_if") end
  r.command, r.run = r.command or r.run, nil
  r.workdir = call("file.absolute", r.workdir or ".")
  if r.creates then r.creates = call("file.absolute", r.creates) end
  if r.timeout then r.timeout = host.seconds("resource.command", "timeout", r.timeout, true) end
  return r
end

local function shell(r, command)
  return host.modules.exec.run(command, { workdir = r.workdir, env = r.env, timeout = r.timeout })
end

-- Guards are asked often, so what they print is of no interest.
local function holds(r, guard) return shell(r, "exec >/dev/null 2>&1\n" .. guard).success end

-- What was run last. A script's declaration is read before its memory is known, so the record is asked.
local function last_run(r, memory)
  if memory.ran then return memory.ran end
  return call("resource.recorded", r.type, r.name)
end

local function is_done(r, memory)
  if r.creates then return host.modules.fs.exists(r.creates) end
  -- A folder that is not there, perhaps because a plan has not made it, holds nothing that was done.
  if (r.unless or r.only_if) and not host.modules.fs.exists(r.workdir) then return false end
  if r.unless then return holds(r, r.unless) end
  if r.only_if then return not holds(r, r.only_if) end
  return last_run(r, memory) ~= nil
end

--- Only the command and its triggers can differ, so that a change of the rest runs nothing.
function M.read(r, _, memory)
  if not is_done(r, memory) then return nil end
  local found = { done = true }
  for name, value in next, r do found[name] = value end
  local last = last_run(r, memory) or r
  found.command, found.triggers = last.command, last.triggers
  return found
end

local function why_not_done(r)
  if r.creates then return format("it did not create %s", r.creates) end
  return r.unless and "its 'unless' fails still" or "its 'only_if' succeeds still"
end

function M.create(r, _, memory)
  local _, problem = shell(r, r.command)
  if problem then blame(problem) end
  memory.ran = { command = r.command, triggers = r.triggers }
  if not is_done(r, memory) then blame("the command was run, and yet " .. why_not_done(r)) end
end

M.update = M.create

function M.delete(r)
  if not r.undo then return end
  local _, problem = shell(r, r.undo)
  if problem then blame("undo: " .. problem) end
end

function M.irreversible(r)
  return not r.undo and "it has no undo" or nil
end

return M
