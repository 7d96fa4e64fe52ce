--- `exec`: shell commands, while other tasks go on.

local host = ...
local setmetatable, tostring, tonumber, type, next = setmetatable, tostring, tonumber, type, next
local rawequal, match, string = rawequal, string.match, string
local want = host.want

---@class exec_result also usable as its stdout: R:gsub(…), "x" .. R, tostring(R)
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

local exec = {}

local OPTIONS = {
  workdir = "string?", env = "map?", timeout = "any?", stdin = "string?", user = "string?", key = "string?", rerun = "boolean?",
}

local function environment(variables)
  for name, value in next, variables do
    if type(value) ~= "boolean" then want("exec.run", "env." .. host.text(name), value, "string") end
  end
  return variables
end

--- Runs a command with `bash -c` in the task's folder. One with a key that has succeeded in this run,
--- or in the failed one that it goes on with, is not run again: the result is the same. One that was
--- interrupted by the runner's death is an error, unless `rerun` says that it may be run again.
---@param command string
---@param options { workdir: string?, env: table?, timeout: number|string|nil, stdin: string?, user: string?, key: string?, rerun: boolean? }?
---@return exec_result result
---@return string? problem nil on exit 0
---@return boolean failed
function exec.run(command, options)
  command = want("exec.run", "command", command, "string")
  options = host.want_fields("exec.run", options or {}, OPTIONS)
  local stdin = options.stdin -- may be no text, so it crosses by itself
  options.stdin = nil
  options.env = options.env and environment(options.env)
  options.timeout = options.timeout and host.seconds("exec.run", "timeout", options.timeout, true) or nil
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

--- Runs a command and says whether it worked, and what it wrote.
---@param command string
---@return boolean ok
---@return string output
function exec.sh(command)
  local result = exec.run(command)
  return result.success, result.stdout .. result.stderr
end

return setmetatable(exec, { __call = function(_, ...) return exec.run(...) end })
