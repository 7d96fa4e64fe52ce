--- `pkg`: packages of the system, by apt and dpkg. What is so already is left alone. Results are true
--- and a table with `changed` and `message`, or false and a message.

local host = ...
local outcome = host.outcome or host.library("administration/outcome")(host)
local ipairs, match, gmatch, format, concat = ipairs, string.match, string.gmatch, string.format, table.concat
local done, fields, words = outcome.done, outcome.fields, outcome.words

local pkg = {}

local PACKAGES, ALIASES = { packages = "any?" }, { package = "packages", name = "packages" }
local ONE = { package = "string" }
local NAMES = { "packages", list = true }

-- The provider knows apt's ways: its lock, its lists, interrupted runs.
local function provider() return host.library("providers/package")(host) end

-- A name that begins with a dash would be an option of apt.
local function checked(call, name)
  if not match(name, "^[%l%d][%l%d+.:-]+$") then host.blame(format("%s: '%s' is no name of a package", call, name)) end
  return name
end

-- Brings packages into a state; the names of those that were not in it.
local function bring(packages, state)
  local package = provider()
  local left = {}
  for _, name in ipairs(packages) do
    local found = package.read({ package = name })
    if (found ~= nil) ~= (state == "present") then left[#left + 1] = name end
  end
  return left, package
end

local function ensure(call, state, said, ...)
  local packages = words(call, "packages", fields(call, PACKAGES, NAMES, ALIASES, ...).packages)
  for _, name in ipairs(packages) do checked(call, name) end
  local ok, left, package = outcome.try(function() return { bring(packages, state) } end)
  if not ok then return false, left end
  left, package = left[1], left[2]
  if #left == 0 then return done(false, format("already %s: %s", said, concat(packages, ", "))) end
  local names = concat(left, ", ")
  local worked, problem = outcome.change(call, names, function()
    for _, name in ipairs(left) do package.create(package.declare({ package = name, name = name, state = state })) end
  end)
  if not worked then return false, problem end
  return done(true, format("%s: %s", said, names), { packages = left })
end

--- Installs packages that are not installed: `pkg.install("vim")`, `pkg.install({ "vim", "git" })`,
--- `pkg.install{ packages = … }`.
---@param packages string|string[]|{ packages: string|string[] }
---@return boolean ok
---@return outcome|string result or problem
function pkg.install(packages) return ensure("pkg.install", "present", "installed", packages) end

--- Removes packages that are installed; their configuration stays.
---@param packages string|string[]|{ packages: string|string[] }
---@return boolean ok
---@return outcome|string result or problem
function pkg.remove(packages) return ensure("pkg.remove", "absent", "removed", packages) end

local function apt(verb, said)
  local ok, result = outcome.change("pkg." .. verb, "apt-get " .. verb, function() return provider().apt_get(verb) end)
  if not ok then return false, result end
  local output = result and result.stdout or ""
  local idle = ("\n" .. output):find("\n0 upgraded, 0 newly installed, 0 to remove", 1, true) ~= nil
  return done(not idle, said, { output = output })
end

--- Fetches the lists of packages.
---@return boolean ok
---@return outcome|string result or problem
function pkg.update() return apt("update", "the lists of packages are up to date") end

--- Brings all packages up to date that need no others to be installed or removed for it.
---@return boolean ok
---@return outcome|string result or problem
function pkg.upgrade() return apt("upgrade", "packages are up to date") end

--- Deletes packages' files that were kept after installing.
---@return boolean ok
---@return outcome|string result or problem
function pkg.clean() return apt("clean", "nothing is kept of installed packages' files") end

--- Removes packages that were installed for others and are needed no more.
---@return boolean ok
---@return outcome|string result or problem
function pkg.autoremove() return apt("autoremove", "no package is left that nothing needs") end

local function text_of(...)
  local ok, result = outcome.try(outcome.run, { ... })
  if not ok then return nil, result end
  return result.stdout
end

local function named(call, package)
  return checked(call, fields(call, ONE, { "package" }, { name = "package", packages = "package" }, package).package)
end

local function version_of(call, package)
  local name = named(call, package)
  local ok, found = outcome.try(function() return provider().read({ package = name }) end)
  if not ok then return nil, found end
  return found and found.installed_version
end

--- Whether a package is installed.
---@param package string|{ package: string }
---@return boolean
---@return string message
function pkg.is_installed(package)
  local version, problem = version_of("pkg.is_installed", package)
  if version then return true, "installed: " .. version end
  return false, problem or "not installed"
end

--- The version of a package that is installed.
---@param package string|{ package: string }
---@return string? version nil if it is not installed
---@return string? problem
function pkg.version(package) return version_of("pkg.version", package) end

--- What apt knows of a package, as text.
---@param package string|{ package: string }
---@return string? text
---@return string? problem
function pkg.info(package) return text_of("apt-cache", "show", named("pkg.info", package)) end

--- Packages whose name or description has this in it, as text: one a line.
---@param query string|{ query: string }
---@return string? text
---@return string? problem
function pkg.search(query)
  return text_of("apt-cache", "search", "--", fields("pkg.search", { query = "string" }, { "query" }, nil, query).query)
end

--- The names of all packages that are installed, sorted.
---@return string[]? names
---@return string? problem
function pkg.list()
  host.call("needs_this_machine", "pkg.list")
  local text, problem = text_of("dpkg-query", "--show", "--showformat=${db:Status-Status} ${Package}\n")
  if not text then return nil, problem end
  local names = host.list()
  for name in gmatch("\n" .. text, "\ninstalled ([^\n]+)") do names[#names + 1] = name end
  table.sort(names)
  return names
end

--- Which program manages packages here: "apt".
---@return string? name
---@return string? problem
function pkg.get_manager()
  host.call("needs_this_machine", "pkg.get_manager")
  if host.call("process.is_installed", "apt-get") then return "apt" end
  return nil, "only systems with apt and dpkg are supported, and apt-get is not installed here"
end

return pkg
