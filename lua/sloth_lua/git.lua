--- `git`: clones of repositories, while other tasks go on. What is so already is left alone. Results
--- are true and a table with `changed` and `message`, or false and a message; questions are answered
--- with the value, or nil and a message. Git is never asked for a password at a terminal.

local host = ...
local outcome = host.outcome or host.library("administration/outcome")(host)
local ipairs, match, format, unpack = ipairs, string.match, string.format, unpack
local setmetatable, getmetatable = setmetatable, getmetatable
local done, fields, call, wait = outcome.done, outcome.fields, host.call, host.wait

local git = {}

local ALIASES = { directory = "path", local_path = "path", dir = "path", repo = "url", repository = "url" }

-- A command of git and its options: it asks no questions, and works on the repository that the folder
-- is in, also where the runner itself was called by a hook of another one.
local function in_folder(path, ...)
  local settings = call("git.settings")
  local words = settings.program
  for _, word in ipairs({ "-C", call("file.absolute", path), ... }) do words[#words + 1] = word end
  return words, { env = settings.env }
end

local function command(path, ...) return outcome.run(in_folder(path, ...)) end
local function ask(path, ...) return outcome.ask(in_folder(path, ...)) end

-- The folder of a call: "path", a table with `path`, or a clone as `git.clone` gave it.
local function given(what, expected, names, ...)
  expected.path = "string"
  return fields(what, expected, names, ALIASES, ...)
end

---@class git_clone: outcome
---@field path string
---@field url string
---@field commit string
---@field exists boolean it was there before
---@field pull fun(self): boolean, outcome|string
---@field push fun(self): boolean, outcome|string
---@field checkout fun(self, branch: string, options: { create: boolean? }?): boolean, outcome|string
---@field status fun(self): table?, string?
local methods = {}
for _, name in ipairs({ "pull", "push", "status" }) do
  methods[name] = function(self) return git[name]({ path = self.path }) end
end
methods.checkout = function(self, branch, options)
  return git.checkout({ path = self.path, branch = branch, create = options and options.create or nil })
end

local function clone_of(changed, message, facts)
  local _, result = done(changed, message, facts)
  local plain = getmetatable(result)
  return true, setmetatable(result, { __index = methods, __tostring = plain.__tostring, __concat = plain.__concat })
end

local CLONE = { url = "string", branch = "string?", tag = "string?", commit = "string?", depth = "number?" }

--- Clones a repository with a branch, tag or commit of it checked out. A clone of it that is there is
--- left as it is, unless another one is named: then that is checked out, if nothing would be lost.
---@param url string|{ url: string, path: string, branch: string?, tag: string?, commit: string?, depth: integer? }
---@param path string?
---@param options { branch: string?, tag: string?, commit: string?, depth: integer? }?
---@return boolean ok
---@return git_clone|string result or problem
function git.clone(url, path, options)
  local wanted = given("git.clone", CLONE, { "url", "path" }, url, path, options)
  local M = host.library("providers/git_repo")(host)
  local names = { path = wanted.path, url = wanted.url, branch = wanted.branch, tag = wanted.tag, commit = wanted.commit, depth = wanted.depth }
  local valid, r = outcome.try(M.declare, names)
  if not valid then host.blame((r:gsub("^resource%.git_repo", "git.clone"))) end
  local ok, found = outcome.try(wait, "git.look", r.path)
  if not ok then return false, found end
  if found and found.url ~= r.url then return false, format("%s is a clone of %s", r.path, found.url) end
  local is_named = wanted.branch or wanted.tag or wanted.commit
  if found and not is_named then return clone_of(false, format("%s is there already", r.path), { path = r.path, url = r.url, commit = found.commit, exists = true }) end
  local before
  ok, before = outcome.try(function() return found and M.read(r) end)
  if not ok then return false, before end
  local same_branch = not r.branch or before and before.branch == r.branch
  if before and same_branch and (before.up_to_date or r.commit == before.commit) then
    return clone_of(false, format("%s is as wanted already", r.path), { path = r.path, url = r.url, commit = before.commit, exists = true })
  end
  local worked, problem = outcome.change("git.clone", r.url, function()
    if before then M.update(r, before, {}) else M.create(r, nil, {}) end
  end)
  if not worked then return false, problem end
  local now = not call("is_inert") and wait("git.look", r.path) or {}
  return clone_of(true, format("%s %s", before and "checked out" or "cloned", r.path), { path = r.path, url = r.url, commit = now.commit, exists = before ~= nil })
end

local function head(path) return match(ask(path, "rev-parse", "HEAD").stdout, "%x+") end

-- Runs git in a clone; changed if it has another commit afterwards.
local function moving(what, path, said, ...)
  local arguments = { ... }
  local ok, result = outcome.change(what, path, function()
    local before = head(path)
    command(path, unpack(arguments))
    return { before ~= head(path) }
  end)
  if not ok then return false, result end
  return done(not result or result[1], format("%s: %s", path, said))
end

--- Brings the branch that is checked out to what the repository has, if it can do so without a merge.
---@param path string|{ path: string }
---@return boolean ok
---@return outcome|string result or problem
function git.pull(path)
  return moving("git.pull", given("git.pull", {}, { "path" }, path).path, "pulled", "pull", "--quiet", "--ff-only")
end

--- Checks a branch, tag or commit out; with `create` it makes the branch if there is none, here or in
--- the repository.
---@param path string|{ path: string, branch: string, create: boolean? }
---@param branch string?
---@param options { create: boolean? }?
---@return boolean ok
---@return outcome|string result or problem
function git.checkout(path, branch, options)
  local wanted = given("git.checkout", { branch = "string", create = "boolean?" }, { "path", "branch" }, path, branch, options)
  if match(wanted.branch, "^-") or wanted.branch == "" then host.blame(format("git.checkout: '%s' is no name of a branch", wanted.branch)) end
  local state, problem = git.status(wanted.path)
  if outcome.is_missing(state) then return false, problem end
  if state and state.branch == wanted.branch then return done(false, wanted.branch .. " is checked out already") end
  local ok, failed = outcome.change("git.checkout", wanted.branch, function()
    local is_known = outcome.try(command, wanted.path, "checkout", "--quiet", wanted.branch, "--")
    if is_known then return end
    local options = wanted.create and { "-b", wanted.branch } or { wanted.branch, "--" }
    command(wanted.path, "checkout", "--quiet", unpack(options))
  end)
  if not ok then return false, failed end
  return done(true, wanted.branch .. " was checked out")
end

--- Adds files to what is committed next; all without `files`.
---@param path string|{ path: string, files: string|string[]|nil }
---@param files string|string[]|nil
---@return boolean ok
---@return outcome|string result or problem
function git.add(path, files)
  local wanted = given("git.add", { files = "any?" }, { "path", "files" }, path, files)
  local names = wanted.files and outcome.words("git.add", "files", wanted.files) or { "." }
  local ok, problem = outcome.change("git.add", outcome.joined(names), function() command(wanted.path, "add", "--", unpack(names)) end)
  if not ok then return false, problem end
  return done(true, "added " .. outcome.joined(names))
end

--- Commits what was added, or all with `add_all`; nothing to commit is no failure.
---@param path string|{ path: string, message: string, add_all: boolean?, author: string? }
---@param message string?
---@param options { add_all: boolean?, author: string? }?
---@return boolean ok
---@return outcome|string result or problem; `commit` is the new one
function git.commit(path, message, options)
  local wanted = given("git.commit", { message = "string", add_all = "boolean?", author = "string?" }, { "path", "message" }, path, message, options)
  local ok, result = outcome.change("git.commit", wanted.message, function()
    if wanted.add_all then command(wanted.path, "add", "--all") end
    local staged = ask(wanted.path, "diff", "--cached", "--quiet")
    if staged.exit_code == 0 then return { false } end
    local author = wanted.author and { "--author", wanted.author } or {}
    command(wanted.path, "commit", "--quiet", "--message", wanted.message, unpack(author))
    return { true }
  end)
  if not ok then return false, result end
  if result and not result[1] then return done(false, "there is nothing to commit") end
  return done(true, "committed", { commit = not call("is_inert") and head(wanted.path) or nil })
end

--- Sends the branch that is checked out, or another one, to the repository.
---@param path string|{ path: string, remote: string?, branch: string? }
---@param options { remote: string?, branch: string? }?
---@return boolean ok
---@return outcome|string result or problem
function git.push(path, options)
  local wanted = given("git.push", { remote = "string?", branch = "string?" }, { "path" }, path, options)
  local remote = wanted.remote or "origin"
  local ok, result = outcome.change("git.push", remote, function()
    return command(wanted.path, "push", "--porcelain", "--set-upstream", remote, wanted.branch or "HEAD")
  end)
  if not ok then return false, result end
  local is_new = result == nil or not result.stdout:find("[up to date]", 1, true)
  return done(is_new, is_new and "pushed to " .. remote or remote .. " has it already")
end

-- Names of files that are not as committed: `modified`, `untracked`. A moved one is followed by its old name.
local function changed_files(text)
  local modified, untracked, is_old_name = host.list(), host.list(), false
  for entry in text:gmatch("%Z+") do
    if is_old_name then
      is_old_name = false
    else
      local state, name = match(entry, "^(..) (.*)$")
      local names = state == "??" and untracked or modified
      names[#names + 1], is_old_name = name, state:find("[RC]") ~= nil
    end
  end
  return modified, untracked
end

--- What is checked out and not as committed: branch ("" if none), commit, clean, modified, untracked.
---@param path string|{ path: string }
---@return { branch: string, commit: string?, clean: boolean, modified: string[], untracked: string[] }? status
---@return string? problem
function git.status(path)
  local folder = given("git.status", {}, { "path" }, path).path
  local ok, result = outcome.try(command, folder, "status", "--porcelain", "-z")
  if not ok then return nil, result end
  local branch = ask(folder, "symbolic-ref", "--quiet", "--short", "HEAD").stdout
  local modified, untracked = changed_files(result.stdout)
  return {
    branch = match(branch, "[^\n]*"), commit = head(folder), clean = result.stdout == "",
    modified = modified, untracked = untracked,
  }
end

--- The newest commits of what is checked out: hash author date message.
---@param path string|{ path: string, max_count: integer? }
---@param options { max_count: integer? }? 10 by default
---@return { hash: string, author: string, date: string, message: string }[]? commits
---@return string? problem
function git.log(path, options)
  local wanted = given("git.log", { max_count = "number?" }, { "path" }, path, options)
  local ok, result = outcome.try(command, wanted.path, "log", "--max-count=" .. (wanted.max_count or 10), "--format=%H%x1f%an%x1f%aI%x1f%s")
  if not ok then return nil, result end
  local commits = host.list()
  for line in result.stdout:gmatch("[^\n]+") do
    local hash, author, date, message = match(line, "^([^\31]*)\31([^\31]*)\31([^\31]*)\31(.*)$")
    commits[#commits + 1] = { hash = hash, author = author, date = date, message = message }
  end
  return commits
end

--- The branches of a clone: name, current.
---@param path string|{ path: string }
---@return { name: string, current: boolean }[]? branches
---@return string? problem
function git.branch(path)
  local folder = given("git.branch", {}, { "path" }, path).path
  local ok, result = outcome.try(command, folder, "branch", "--format=%(HEAD)%(refname:short)")
  if not ok then return nil, result end
  local branches = host.list()
  for mark, name in result.stdout:gmatch("([* ])([^\n]+)") do branches[#branches + 1] = { name = name, current = mark == "*" } end
  return branches
end

--- Whether a folder is a clone.
---@param path string|{ path: string }
---@return boolean
function git.is_repo(path) return host.modules.fs.exists(given("git.is_repo", {}, { "path" }, path).path .. "/.git") end

return git
