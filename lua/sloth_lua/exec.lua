--- `exec`: shell commands, while other tasks go on.

local host = ...
local setmetatable, tostring, tonumber, type, next = setmetatable, tostring, tonumber, type, next
local rawequal, match, string = rawequal, string.match, string
local want = host.want

---@class exec_result also usable as its stdout: R:gsub(…), "x" .. R, tostring(R), tonumber(R); to compare it or to count its bytes take R.stdout
---@field stdout string
---@field stderr string
---@field exit_code integer
---@field success boolean
---@field output string the same as stdout
---@field error string the same as stderr
---@field duration number seconds
local Result = {}

function Result.__index(self, name)
  local method = string[name]
  if type(method) ~= "function" then return nil end
  return function(first, ...)
    if rawequal(first, self) then first = self.stdout end
    return method(first, ...)
  end
end
function Result.__tostring(self) return self.stdout end
function Result.__concat(left, right) return tostring(left) .. tostring(right) end

---@class exec
---@overload fun(command: string, options: exec_options?): boolean, string the same as `exec.sh`
local exec = {}

---@class exec_options
---@field workdir string? relative to the task's folder
---@field env table<string, string|number|boolean>? added to the inherited environment
---@field timeout number|string|nil what takes longer is killed, with all in its process group, and has failed
---@field stdin string? what it reads; nothing by default
---@field user string? needs root
---@field key string? for a command that must not be run twice in this run, see `exec.run`
---@field rerun boolean? one with a key that was interrupted is simply run again
---@field capture_output true? output is always captured

local OPTIONS = {
  workdir = "string?", env = "map?", timeout = "any?", stdin = "string?", user = "string?", key = "string?", rerun = "boolean?",
  capture_output = "boolean?",
}

local function environment(variables)
  for name, value in next, variables do
    if type(value) ~= "boolean" then want("exec.run", "env." .. host.text(name), value, "string") end
  end
  return variables
end

--- Runs a command with `bash -c` in the task's folder, with the inherited environment; 64 MiB of each
--- stream are kept. What it leaves in the background goes on and is not waited for. If the runner is
--- killed, even by `kill -9`, the process groups of its running commands are killed at once; what moved
--- to a session of its own (`setsid`) is not.
---
--- A `key` is for a command that must not be run twice. That it begins is durable before it starts, and
--- how it ended after. When it has succeeded, a retry of the task and a
--- [resumed](../how-to/resume.md) run do not run it again: they get the same result, of each stream the last
--- 512 KiB. One that failed or was stopped is run again. One that was interrupted by the runner's death
--- may be done or not, so every later run refuses it, until somebody says which with `state workflow
--- recover NAME --done exec/KEY` or `--not-done exec/KEY`; with `rerun = true` it is simply run again. A
--- key means one command in a run. Command and output are kept in the store as they are, but for
--- [secrets](../how-to/secrets.md), in whose place is `***`.
---@param command string
---@param options exec_options?
---@return exec_result result
---@return string? problem # nil on exit 0
---@return boolean failed
function exec.run(command, options)
  command = host.want_words("exec.run", "command", command)
  options = host.want_fields("exec.run", host.want_or_nil("exec.run", "options", options, "map") or {}, OPTIONS)
  local stdin = options.stdin -- may be no text, so it crosses by itself
  options.stdin = nil
  options.env = options.env and environment(options.env)
  options.timeout = options.timeout and host.seconds("exec.run", "timeout", options.timeout, true) or nil
  if options.capture_output == false then host.blame("exec.run: output is always captured; leave capture_output out") end
  if options.rerun ~= nil and not options.key then host.blame("exec.run: rerun is for a command with a key") end
  local settings = host.encode(options, "exec.run:")
  local stdout, stderr, facts = host.wait("exec.run", command, settings, stdin)
  local code, duration, problem = match(facts, "^(%S+) (%S+) ?(.*)$")
  local ok = problem == ""
  local result = setmetatable({
    stdout = stdout, stderr = stderr, output = stdout, error = stderr,
    exit_code = tonumber(code), success = ok, duration = tonumber(duration),
  }, Result)
  return result, not ok and problem or nil, not ok
end

--- Runs a command and says whether it worked, and what it wrote. `exec("make")` is the same.
---@param command string
---@param options exec_options?
---@return boolean ok
---@return string output
function exec.sh(command, options)
  local result = exec.run(command, options)
  return result.success, result.stdout .. result.stderr
end

return setmetatable(exec, { __call = function(_, ...) return exec.sh(...) end })
