---@meta

--- `pkg`: packages of the system, by apt and dpkg. What is so already is left alone. Results are true
--- and a table with `changed` and `message`, or false and a message.
---@class pkg
pkg = {}

--- Installs packages that are not installed: `pkg.install("vim")`, `pkg.install({ "vim", "git" })`,
--- `pkg.install{ packages = … }`.
---@param packages string|string[]|{ packages: string|string[] }
---@return boolean ok
---@return outcome|string result or problem
function pkg.install(packages) end

--- Removes packages that are installed; their configuration stays.
---@param packages string|string[]|{ packages: string|string[] }
---@return boolean ok
---@return outcome|string result or problem
function pkg.remove(packages) end

--- Fetches the lists of packages.
---@return boolean ok
---@return outcome|string result or problem
function pkg.update() end

--- Brings all packages up to date that need no others to be installed or removed for it.
---@return boolean ok
---@return outcome|string result or problem
function pkg.upgrade() end

--- Deletes packages' files that were kept after installing.
---@return boolean ok
---@return outcome|string result or problem
function pkg.clean() end

--- Removes packages that were installed for others and are needed no more.
---@return boolean ok
---@return outcome|string result or problem
function pkg.autoremove() end

--- Whether a package is installed.
---@param package string|{ package: string }
---@return boolean
---@return string message
function pkg.is_installed(package) end

--- The version of a package that is installed.
---@param package string|{ package: string }
---@return string? version nil if it is not installed
---@return string? problem
function pkg.version(package) end

--- What apt knows of a package, as text.
---@param package string|{ package: string }
---@return string? text
---@return string? problem
function pkg.info(package) end

--- Packages whose name or description has this in it, as text: one a line.
---@param query string|{ query: string }
---@return string? text
---@return string? problem
function pkg.search(query) end

--- The names of all packages that are installed, sorted.
---@return string[]? names
---@return string? problem
function pkg.list() end

--- Which program manages packages here: "apt".
---@return string? name
---@return string? problem
function pkg.get_manager() end
