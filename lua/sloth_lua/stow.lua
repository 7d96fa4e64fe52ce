--- `stow`: the files of a package folder made to appear in another folder, by relative links, as GNU
--- stow does with --no-folding; that program is not needed. Results are true and a table with `changed`
--- and `message`, or false and a message. If anything is in the way, nothing is changed.

local host = ...
local outcome = host.outcome or host.library("administration/outcome")(host)
local ipairs, format, concat = ipairs, string.format, table.concat
local done, wait = outcome.done, host.wait

---@class stow_options
---@field package string|string[] the name of a folder in `dir`, or several; "." is `dir` itself
---@field dir string? where packages are; the task's folder by default. Also: source_dir
---@field target string? where the files shall appear; the folder above `dir` by default. Also: target_dir

local stow = {}

local FIELDS = { package = "any?", dir = "string?", target = "string?", create_target = "boolean?", no_folding = "boolean?", verbose = "boolean?" }
local ALIASES = { packages = "package", source_dir = "dir", target_dir = "target" }

local function chosen(call, ...)
  local given = outcome.fields(call, FIELDS, { "package", list = true }, ALIASES, ...)
  if given.no_folding == false then host.blame(call .. ": folders are never linked as a whole; no_folding cannot be false") end
  given.packages = outcome.words(call, "package", given.package)
  for _, name in ipairs(given.packages) do
    if name:find("/", 1, true) or name == ".." then host.blame(format("%s: '%s' is no name of a folder", call, name)) end
  end
  given.dir = given.dir or "."
  given.target = given.target or given.dir .. "/.."
  return given
end

-- What is there of each package, in order; or what is wrong.
local function look(given)
  local states = {}
  for index, name in ipairs(given.packages) do
    local state, problem = wait("stow.look", given.dir, name, given.target)
    if not state then return nil, problem end
    states[index] = state
  end
  return states
end

local NOTHING = host.list()

local function change(call, given, steps_of, said)
  local states, problem = look(given)
  if not states then return false, problem end
  local all, conflicts, todo = {}, {}, 0
  for index, state in ipairs(states) do
    local steps = steps_of(state)
    all[index], todo = steps, todo + #steps.link + #steps.unlink
    if steps.link ~= NOTHING then
      for _, each in ipairs(state.conflicts) do conflicts[#conflicts + 1] = each end
    end
  end
  local names = concat(given.packages, ", ")
  if #conflicts > 0 then return false, format("%s: in the way in %s: %s", names, given.target, concat(conflicts, ", ")) end
  if todo == 0 then return done(false, format("%s is %s already", names, said)) end
  local ok, failed = outcome.change(call, names, function()
    for index, steps in ipairs(all) do
      local worked, why = wait("stow.carry_out", given.dir, given.packages[index], given.target, host.encode(steps, "steps"))
      if not worked then host.blame(why) end
    end
  end)
  if not ok then return false, failed end
  return done(true, format("%s is %s", names, said))
end

--- Links the files of a package: `stow.stow{ package = "vim", dir = "dotfiles", target = "~" }`.
---@param package string|stow_options
---@param options stow_options? where the package is given before it
---@return boolean ok
---@return outcome|string result or problem
function stow.stow(package, options)
  return change("stow.stow", chosen("stow.stow", package, options), function(state)
    return { unlink = NOTHING, link = state.missing }
  end, "stowed")
end

--- Takes the links of a package away, and folders that are empty then.
---@param package string|stow_options
---@param options stow_options?
---@return boolean ok
---@return outcome|string result or problem
function stow.unstow(package, options)
  return change("stow.unstow", chosen("stow.unstow", package, options), function(state)
    return { unlink = state.linked, link = NOTHING }
  end, "unstowed")
end

--- Makes all links of a package anew.
---@param package string|stow_options
---@param options stow_options?
---@return boolean ok
---@return outcome|string result or problem
function stow.restow(package, options)
  return change("stow.restow", chosen("stow.restow", package, options), function(state)
    local all = host.list()
    for _, list in ipairs({ state.linked, state.missing }) do
      for _, path in ipairs(list) do all[#all + 1] = path end
    end
    return { unlink = state.linked, link = all }
  end, "stowed anew")
end

stow.link = stow.stow
stow.unlink = stow.unstow

--- What is there of one package: the paths that are `linked` and `missing`, and `conflicts`; how many
--- files it has (`total_files`, `stowed_links`), and whether all are linked (`is_valid`).
---@param package string|stow_options
---@param options stow_options?
---@return table? state
---@return string? problem
function stow.check(package, options)
  local given = chosen("stow.check", package, options)
  if #given.packages > 1 then host.blame("stow.check: it takes one package") end
  local states, problem = look(given)
  if not states then return nil, problem end
  local state = states[1]
  state.stowed_links, state.total_files = #state.linked, #state.linked + #state.missing + #state.conflicts
  state.is_valid = state.stowed_links == state.total_files
  return state
end

stow.verify = stow.check

--- Whether all files of a package are linked.
---@param package string|stow_options
---@param options stow_options?
---@return boolean
function stow.is_stowed(package, options)
  local state = stow.check(package, options)
  return state ~= nil and state.is_valid
end

--- The names of the packages in a folder, sorted; the task's folder by default.
---@param dir string|{ dir: string? }|nil
---@return string[]? names
---@return string? problem
function stow.list_packages(dir)
  local given = outcome.fields("stow.list_packages", { dir = "string?" }, { "dir" }, { source_dir = "dir" }, dir)
  return wait("stow.packages", given.dir or ".")
end

return stow
