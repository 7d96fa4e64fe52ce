--- `exec`: shell commands, while other tasks go on.

local host = ...
local setmetatable, tostring, type, string = setmetatable, tostring, type, string
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
    if first == self then first = self.stdout end
    return method(first, ...)
  end
end
function Result.__tostring(self) return self.stdout end
function Result.__concat(left, right) return tostring(left) .. tostring(right) end

local exec = {}

local OPTIONS = { workdir = "string?", env = "table?", timeout = "any?", stdin = "string?", user = "string?" }

--- Runs a command with `bash -c` in the task's folder.
---@param command string
---@param options { workdir: string?, env: table?, timeout: number|string|nil, stdin: string?, user: string? }?
---@return exec_result result
---@return string? problem nil on exit 0
---@return boolean failed
function exec.run(command, options)
  want("exec.run", "command", command, "string")
  options = options or {}
  host.want_fields("exec.run", options, OPTIONS)
  local timeout = options.timeout and host.seconds("exec.run", "timeout", options.timeout)
  local stdin = host.want_or_nil("exec.run", "stdin", options.stdin, "string")
  local settings = host.encode({ workdir = options.workdir, env = options.env, timeout = timeout, user = options.user }, "options")
  local stdout, stderr, facts = host.wait("exec.run", host.text(command), settings, stdin)
  local code, duration, problem = facts:match("^(%S+) (%S+) ?(.*)$")
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
