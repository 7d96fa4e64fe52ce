--- `package`: a package of the system, by apt and dpkg. It owns whether the package is installed and,
--- if a version is declared, which one; never its configuration, nor what it was installed for.

local host = ...
local ipairs, find, match, gmatch, format = ipairs, string.find, string.match, string.gmatch, string.format
local concat = table.concat
local blame, encode, wait = host.blame, host.encode, host.wait

---@class package_declaration
---@field package string? by default the resource's name
---@field state "present"|"absent"|nil present by default
---@field version string? exact, as dpkg shows it

local M = {
  fields = { package = "string?", state = "string?", version = "string?" },
  natural_key = { "package" },
  -- What is installed where no version is declared; an upgrade from outside is no drift then.
  ignore = { "installed_version" },
}

local APT = encode({ env = { DEBIAN_FRONTEND = "noninteractive", NEEDRESTART_SUSPEND = "1" }, queue = "apt" }, "options")
local QUIET = { "apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Options::=--force-confold" }
local UNKNOWN_TO_APT = { "Unable to locate package", "has no installation candidate", "was not found", "Failed to fetch", "couldn't be found" }

function M.declare(r)
  r.package, r.state = r.package or r.name, r.state or "present"
  if not match(r.package, "^[%l%d][%l%d+.:-]+$") then blame(format("resource.package: '%s' is no name of a package", r.package)) end
  if r.state ~= "present" and r.state ~= "absent" then
    blame(format("resource.package: state must be 'present' or 'absent', not '%s'", r.state))
  end
  if r.state == "absent" and r.version then blame("resource.package: a package that shall be absent has no version") end
  return r
end

-- The version that is installed, or nil. dpkg knows removed packages too, while their configuration is left.
local function installed(package)
  if not host.call("process.is_installed", "dpkg-query") then blame("only systems with apt and dpkg are supported, and dpkg-query is not installed here") end
  local result = wait("process.run", encode({ "dpkg-query", "--show", "--showformat=${db:Status-Status} ${Version}\n", package }, "arguments"))
  for line in gmatch(result.stdout, "[^\n]+") do
    local version = match(line, "^installed (%S+)$")
    if version then return version end
  end
  if result.exit_code > 1 then blame("dpkg-query failed: " .. result.stderr) end
  return nil
end

function M.read(r)
  local version = installed(r.package)
  if version then
    return { package = r.package, state = "present", version = r.version and version, installed_version = version }
  end
  return r.state == "absent" and { package = r.package, state = "absent" } or nil
end

local function run(arguments) return wait("process.run", encode(host.list(arguments), "arguments"), APT) end

-- A dpkg that was killed leaves packages half done; apt does nothing until that is finished.
local function try_apt_get(...)
  local arguments = {}
  for _, list in ipairs({ QUIET, { ... } }) do
    for _, each in ipairs(list) do arguments[#arguments + 1] = each end
  end
  local result = run(arguments)
  if not find(result.stderr, "dpkg was interrupted", 1, true) then return result end
  run({ "dpkg", "--configure", "-a" })
  return run(arguments)
end

local function is_unknown(result)
  for _, words in ipairs(UNKNOWN_TO_APT) do
    if find(result.stderr, words, 1, true) then return true end
  end
  return false
end

-- apt's own words, without its advice.
local function check(result, what)
  if result.exit_code == 0 then return end
  blame(format("apt-get cannot %s: %s", what, match(result.stderr, "E: ([^\n]+)") or "exit code " .. result.exit_code))
end

--- Runs apt-get; what it refuses is an error.
---@param ... string
---@return { stdout: string }
function M.apt_get(...)
  local result = try_apt_get(...)
  check(result, concat({ ... }, " "))
  return result
end

-- Lists of packages that are old or were never fetched are fetched once, and only if they do not do.
local function install(package, version)
  local wanted = version and package .. "=" .. version or package
  local function try() return try_apt_get("--no-install-recommends", "--allow-downgrades", "install", wanted) end
  local result = try()
  if is_unknown(result) then
    try_apt_get("update")
    result = try()
  end
  check(result, "install " .. wanted)
end

local function remove(package) M.apt_get("remove", package) end

--- What was installed before the workflow dealt with the package.
function M.prepare(_, before, memory)
  if memory.before == nil then memory.before = before and before.installed_version or false end
end

function M.create(r)
  if r.state == "absent" then remove(r.package) else install(r.package, r.version) end
end

M.update = M.create

--- Puts back what was there before: only a package that the workflow installed is removed.
function M.delete(r, before, memory)
  local is_there = before and before.installed_version
  if memory.before and not is_there then install(r.package, memory.before)
  elseif memory.before == false and is_there then remove(r.package) end
end

function M.import(id) return { package = id } end

return M
