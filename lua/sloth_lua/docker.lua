--- `docker`: containers and images, by the command `docker`, while other tasks go on. Results are true
--- and a table with `changed`, `message`, `stdout`, `stderr`, `exit_code` and `success`, or false and a
--- message.

local host = ...
local outcome = host.outcome or host.library("administration/outcome")(host)
local type, next, ipairs, format, match, concat, sort = type, next, ipairs, string.format, string.match, table.concat, table.sort
local done, fields = outcome.done, outcome.fields

local docker = {}

local function words_of(arguments)
  local words = { "docker" }
  for _, each in ipairs(arguments) do words[#words + 1] = each end
  return words
end

local function said(result)
  result = result or { stdout = "", stderr = "", exit_code = 0 }
  result.success = true
  return result
end

-- Runs docker; the result has what it wrote.
local function change(call, what, arguments, message)
  local ok, result = outcome.change(call, what, outcome.run, words_of(arguments))
  if not ok then return false, result end
  return done(true, message, said(result))
end

local function ask(...)
  local ok, result = outcome.try(outcome.run, { "docker", ... })
  if not ok then return nil, result end
  return result.stdout
end

--- Runs docker with these arguments: `docker.exec({ "ps", "-a" })`, `docker.exec("ps", "-a")`. What it
--- does is not known, so it counts as a change.
---@param arguments string|string[]
---@param ... string
---@return boolean ok
---@return outcome|string result or problem
function docker.exec(arguments, ...)
  local list = type(arguments) == "table" and arguments or { arguments, ... }
  local words = {}
  for index, each in ipairs(list) do words[index] = host.want("docker.exec", "an argument", each, "string") end
  if #words == 0 then host.blame("docker.exec: an argument is missing") end
  return change("docker.exec", "docker " .. concat(words, " "), words, "ran docker " .. words[1])
end

local RUN = {
  image = "string", name = "string?", ports = "table?", env = "map?", volumes = "table?", command = "any?", network = "string?",
  restart = "string?", labels = "map?", detach = "boolean?",
}

-- One with a name is kept running as it is said here; the provider knows how.
local function keep_running(given)
  local M = host.library("providers/docker_container")(host)
  given.detach = nil
  local valid, r = outcome.try(M.declare, given)
  if not valid then host.blame((r:gsub("^resource%.docker_container", "docker.run"))) end
  local ok, found = outcome.try(M.read, r)
  if not ok then return false, found end
  local same = found ~= nil
  for name, value in next, r do
    if found and name ~= "name" and host.encode(found[name], name) ~= host.encode(value, name) then same = false end
  end
  if same then return done(false, format("the container %s runs already", r.container), said()) end
  local worked, problem = outcome.change("docker.run", r.container, function()
    if found then M.update(r, found, {}) else M.create(r, nil, {}) end
  end)
  if not worked then return false, problem end
  return done(true, format("the container %s runs", r.container), said())
end

local function options_of(given)
  local arguments = { "run", "--rm" }
  local function add(option, value)
    arguments[#arguments + 1] = option
    arguments[#arguments + 1] = value
  end
  local names = {}
  for name in next, given.env or {} do names[#names + 1] = host.text(name) end
  sort(names)
  for _, name in ipairs(names) do add("--env", name .. "=" .. host.text(given.env[name])) end
  for _, port in ipairs(given.ports or {}) do add("--publish", host.want("docker.run", "ports' items", port, "string")) end
  for _, volume in ipairs(given.volumes or {}) do add("--volume", host.want("docker.run", "volumes' items", volume, "string")) end
  if given.name then add("--name", given.name) end
  if given.network then add("--network", given.network) end
  arguments[#arguments + 1] = given.image
  local command = given.command
  if type(command) == "string" then command = { "sh", "-c", command } end
  for _, word in ipairs(command or {}) do arguments[#arguments + 1] = host.want("docker.run", "command's items", word, "string") end
  return arguments
end

--- Runs a container. One with a name stays: it is made, or made anew if it differs, and belongs to the
--- workflow, so this needs a run. Without a name, or with `detach = false`, it is waited for and removed.
---@param image string|{ image: string, name: string?, ports: string[]?, env: table?, volumes: string[]?, command: string|string[]|nil, network: string?, restart: string?, labels: table?, detach: boolean? }
---@param options table? the same fields, where the image is given before it
---@return boolean ok
---@return outcome|string result or problem
function docker.run(image, options)
  local given = fields("docker.run", RUN, { "image" }, nil, image, options)
  if given.name and given.detach ~= false then return keep_running(given) end
  if given.detach then host.blame("docker.run: a container that stays needs a name") end
  if given.restart or given.labels then host.blame("docker.run: restart and labels are for a container that stays") end
  return change("docker.run", given.image, options_of(given), format("a container of %s ran", given.image))
end

local BUILD = { tag = "string", path = "string?", dockerfile = "string?", build_args = "map?" }

--- Builds an image; what did not change is taken from docker's cache.
---@param tag string|{ tag: string, path: string?, dockerfile: string?, build_args: table? }
---@param path string? the task's folder by default
---@param options { dockerfile: string?, build_args: table? }?
---@return boolean ok
---@return outcome|string result or problem
function docker.build(tag, path, options)
  local given = fields("docker.build", BUILD, { "tag", "path" }, { name = "tag", context = "path" }, tag, path, options)
  local arguments = { "build", "--tag", given.tag }
  if given.dockerfile then arguments[#arguments + 1], arguments[#arguments + 2] = "--file", given.dockerfile end
  local names = {}
  for name in next, given.build_args or {} do names[#names + 1] = host.text(name) end
  sort(names)
  for _, name in ipairs(names) do
    arguments[#arguments + 1], arguments[#arguments + 2] = "--build-arg", name .. "=" .. host.text(given.build_args[name])
  end
  arguments[#arguments + 1] = given.path or "."
  return change("docker.build", given.tag, arguments, "built " .. given.tag)
end

local IMAGES = { tag = "image", name = "image" }

local function with_image(verb, said_so, image)
  local call = "docker." .. verb
  local name = fields(call, { image = "string" }, { "image" }, IMAGES, image).image
  if match(name, "^-") then host.blame(call .. ": image must not begin with a dash") end
  return change(call, name, { verb, name }, said_so .. " " .. name)
end

--- Sends an image to its registry.
---@param image string|{ image: string }
---@return boolean ok
---@return outcome|string result or problem
function docker.push(image) return with_image("push", "pushed", image) end

--- Fetches an image.
---@param image string|{ image: string }
---@return boolean ok
---@return outcome|string result or problem
function docker.pull(image) return with_image("pull", "pulled", image) end

local function state_of(name)
  local text, problem = ask("ps", "--all", "--filter", "name=^/?" .. name .. "$", "--format", "{{.State}}")
  if not text then return nil, problem end
  return match(text, "%S+") or "missing"
end

local function bring(verb, is_so, message, value)
  local call = "docker." .. verb
  local name = fields(call, { name = "string" }, { "name" }, { container = "name" }, value).name
  if not match(name, "^[%w][%w_.-]*$") then host.blame(format("%s: '%s' is no name of a container", call, name)) end
  local state, problem = state_of(name)
  if not state then return false, problem end
  if is_so(state) then return done(false, format("the container %s is %s already", name, message), said()) end
  if outcome.is_missing(state ~= "missing") then return false, "there is no container " .. name end
  local arguments = verb == "rm" and { "rm", "--force", name } or { verb, name }
  return change(call, name, arguments, format("the container %s is %s", name, message))
end

--- Starts a container that is there.
---@param name string|{ name: string }
---@return boolean ok
---@return outcome|string result or problem
function docker.start(name) return bring("start", function(state) return state == "running" end, "started", name) end

--- Stops a container; one that is not there counts as stopped.
---@param name string|{ name: string }
---@return boolean ok
---@return outcome|string result or problem
function docker.stop(name) return bring("stop", function(state) return state ~= "running" end, "stopped", name) end

--- Removes a container, running or not.
---@param name string|{ name: string }
---@return boolean ok
---@return outcome|string result or problem
function docker.rm(name) return bring("rm", function(state) return state == "missing" end, "gone", name) end

--- What a container has written.
---@param name string
---@return string? text
---@return string? problem
function docker.logs(name)
  host.call("needs_this_machine", "docker.logs")
  local ok, result = outcome.try(outcome.run, { "docker", "logs", "--", host.want("docker.logs", "name", name, "string") })
  if not ok then return nil, result end
  return result.stdout .. result.stderr
end

--- Whether a container is there and runs.
---@param name string
---@return boolean
---@return string? problem
function docker.is_running(name)
  host.call("needs_this_machine", "docker.is_running")
  local state, problem = state_of(host.want("docker.is_running", "name", name, "string"))
  return state == "running", problem
end

return docker
