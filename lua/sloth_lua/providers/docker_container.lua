--- A running container, through the command `docker`. One that this workflow did not make, as its
--- label says, is left alone, unless `adopt` takes it over.

local host = ...
local type, next, ipairs, tostring, unpack = type, next, ipairs, tostring, unpack
local match, format, find, lower, sort = string.match, string.format, string.find, string.lower, table.sort
local call, wait, blame, encode, want, json = host.call, host.wait, host.blame, host.encode, host.want, host.modules.json

local WHAT = "resource.docker_container"
local OWNER = "sloth-runner.owner" -- as in providers/docker.py

local M = {
  fields = {
    image = "string", container = "string?", command = "any?", env = "map?", ports = "table?", volumes = "table?",
    network = "string?", restart = "string?", labels = "map?", adopt = "boolean?",
  },
  natural_key = { "container" },
}

-- ------------------------------------------------------------- what is declared

local function texts(field, values)
  local list = host.list()
  for index, value in next, values or {} do
    if type(index) ~= "number" then blame(format("%s: %s must be a list", WHAT, field)) end
    list[index] = want(WHAT, field .. "'s items", value, "string")
  end
  return list
end

local function map_of_texts(field, values)
  local map = {}
  for name, value in next, values or {} do
    map[name] = type(value) == "boolean" and tostring(value) or want(WHAT, field .. "." .. host.text(name), value, "string")
  end
  return map
end

-- "127.0.0.1:8080:80/tcp": always with the protocol.
local function port(text)
  local published, inner, protocol = match(text, "^(.*%d):(%d+)/?(%a*)$")
  if not published or not (match(published, "^%d+$") or match(published, "^[%d.]+:%d+$") or match(published, "^%[[%x:]+%]:%d+$")) then
    blame(format("%s: a port must be 'HOST_PORT:CONTAINER_PORT', with an address before it or '/udp' after it, not '%s'", WHAT, text))
  end
  return format("%s:%s/%s", published, inner, protocol == "" and "tcp" or lower(protocol))
end

-- A path of this machine is made absolute; a plain name is a volume of docker's.
local function volume(text)
  local source, rest = match(text, "^([^:]+):(/.*)$")
  if not source then blame(format("%s: a volume must be 'PATH_OR_NAME:/PATH', not '%s'", WHAT, text)) end
  return (find(source, "/", 1, true) and call("file.absolute", source) or source) .. ":" .. rest
end

local function sorted(field, values, normal)
  local list = texts(field, values)
  for index, text in ipairs(list) do list[index] = normal(text) end
  sort(list)
  return list
end

-- The image's own is an empty list; text is for a shell, as in a Dockerfile.
local function command(said)
  if said == nil or type(said) == "table" then return texts("command", said) end
  return host.list({ "sh", "-c", want(WHAT, "command", said, "string") })
end

--- All attributes are always there, so that one that is declared no more is a difference.
function M.declare(r)
  return {
    image = r.image, container = r.container or r.name, running = true, command = command(r.command),
    env = map_of_texts("env", r.env), labels = map_of_texts("labels", r.labels),
    ports = sorted("ports", r.ports, port), volumes = sorted("volumes", r.volumes, volume),
    network = r.network or "bridge", restart = r.restart or "no",
    adopt = r.adopt or false, owner = call("workflow.name", "resource.docker_container") .. "/" .. r.name,
  }
end

-- ------------------------------------------------------------- hooks

local function docker(...) wait("docker.run", encode({ ... }, WHAT)) end

--- What is adopted is taken for the workflow's own.
function M.read(r)
  local declared = encode({ command = r.command, env = r.env, labels = r.labels }, WHAT)
  local found = wait("docker.container", r.container, declared)
  if not found then return nil end
  found.adopt, found.owner = r.adopt, r.adopt and r.owner or found.owner
  return found
end

function M.create(r)
  local arguments = { "run", "--detach", "--name", r.container, "--network", r.network, "--restart", r.restart, "--label", OWNER .. "=" .. r.owner }
  local function add(option, value)
    arguments[#arguments + 1] = option
    arguments[#arguments + 1] = value
  end
  for name, value in next, r.labels do add("--label", name .. "=" .. value) end
  for name, value in next, r.env do add("--env", name .. "=" .. value) end
  for _, each_port in ipairs(r.ports) do add("--publish", each_port) end
  for _, each_volume in ipairs(r.volumes) do add("--volume", each_volume) end
  arguments[#arguments + 1] = r.image
  for _, word in ipairs(r.command) do arguments[#arguments + 1] = word end
  docker(unpack(arguments))
end

local function remove(r, before)
  if before.running then docker("stop", r.container) end
  docker("rm", "--force", r.container)
end

local function check_owner(r, before)
  if before.owner == r.owner then return end
  local whose = before.owner == "" and "this workflow did not make it" or before.owner .. " made it"
  blame(format("the container %s is there already, and %s; adopt = true takes it over", r.container, whose))
end

--- Of a container that exists only whether it runs can be changed; all else takes a new one.
function M.update(r, before)
  check_owner(r, before)
  for name, value in next, r do
    if name ~= "running" and json.encode(before[name]) ~= json.encode(value) then
      remove(r, before)
      return M.create(r)
    end
  end
  docker(r.running and "start" or "stop", r.container)
end

function M.delete(r, before)
  if before and before.owner == r.owner then remove(r, before) end
end

return M
