--- A clone of a git repository with a branch, tag or commit of it checked out: it owns which commit
--- that is, and the clone if it made it. What somebody did in the clone is kept unless `force` is set.

local host = ...
local ipairs, match, find, lower, format = ipairs, string.match, string.find, string.lower, string.format
local call, wait, blame = host.call, host.wait, host.blame

local WHAT = "resource.git_repo"

local M = {
  fields = {
    path = "string", url = "string?", repo = "string?",
    ref = "string?", branch = "string?", tag = "string?", commit = "string?",
    depth = "number?", force = "boolean?", update = "boolean?",
  },
  natural_key = { "path" },
}

-- ------------------------------------------------------------- what is declared

local function location(r)
  if r.url and r.repo then blame(WHAT .. ": url and repo are the same; give one of them") end
  local url = r.url or r.repo or blame(WHAT .. ": url must be given")
  if find(url, "^%-") then blame(WHAT .. ": url must not begin with a dash") end
  if match(url, "^%w+://[^/@]*:[^/@]*@") then
    blame(WHAT .. ": url has a password in it, which the clone would keep; use a credential helper of git or a key of ssh")
  end
  return find(url, ":", 1, true) and url or call("file.absolute", url)
end

-- Of branch, tag, commit and ref the one that is given; HEAD is the repository's own choice.
local function chosen(r)
  local kind
  for _, each in ipairs({ "branch", "tag", "commit", "ref" }) do
    if r[each] and kind then blame(format("%s: %s and %s are both given", WHAT, kind, each)) end
    kind = r[each] and each or kind
  end
  local name = kind and r[kind] or "HEAD"
  if match(name, "^%x+$") and #name == 40 and (kind == "commit" or kind == "ref") then return "commit", lower(name) end
  if kind == "commit" then blame(format("%s: commit must be the 40 hex digits of a commit, not '%s'", WHAT, name)) end
  if name == "" or find(name, "^%-") or find(name, "[%s%c~^:?*%[\\]") then
    blame(format("%s: %s cannot be named '%s' in git", WHAT, kind, name))
  end
  return kind or "ref", name
end

--- `up_to_date`: the commit is the one that the branch, tag or ref has in the repository now.
function M.declare(r)
  local kind, name = chosen(r)
  if r.depth and (r.depth < 1 or r.depth % 1 ~= 0) then blame(WHAT .. ": depth must be a whole number, 1 or more") end
  local wanted = { path = call("file.absolute", r.path), url = location(r), depth = r.depth, force = r.force or false, dirty = false }
  wanted[kind] = name
  if kind ~= "commit" and r.update ~= false then wanted.up_to_date = true end
  return wanted
end

-- What shall be checked out: the commit that was declared or recorded, or else what the repository says.
---@return string commit
---@return string branch "" if it is none
---@return string ref "" if the repository was not asked
local function target(r)
  if r.commit then return r.commit, r.branch or "", "" end
  local kind = r.branch and "branch" or r.tag and "tag" or "ref"
  return wait("git.resolve", r.url, kind, r[kind])
end

-- ------------------------------------------------------------- hooks

--- A commit that is known, because it is pinned or recorded, needs no look at the repository.
function M.read(r)
  local found = wait("git.look", r.path)
  if not found then return nil end
  found.path, found.depth, found.force = r.path, r.depth, r.force
  if r.up_to_date and not r.commit then found.up_to_date = found.commit == target(r) end
  return found
end

--- A clone that was there before the workflow came is not the workflow's to delete.
function M.prepare(_, before, memory)
  if before == nil or memory.made == nil then memory.made = before == nil end
end

function M.create(r, _, memory)
  local commit, branch, ref = target(r)
  wait("git.clone", r.path, r.url, commit, branch, ref, r.depth)
  memory.commit = commit
end

local function refuse(r, what) blame(format("%s has %s; push or undo that, or declare force = true to throw it away", r.path, what)) end

function M.update(r, before, memory)
  local commit, branch, ref = target(r)
  if before.dirty and not r.force then refuse(r, "local changes in " .. wait("git.unsaved", r.path, false)) end
  local unpushed = not r.force and commit ~= before.commit and wait("git.unpushed", r.path, memory.commit or "", before.branch ~= branch)
  if unpushed then refuse(r, "the commit " .. unpushed .. ", which was not pushed") end
  wait("git.check_out", r.path, r.url, commit, branch, ref, r.depth, r.force)
  memory.commit = commit
end

function M.delete(r, before, memory)
  if not before or not memory.made then return end
  local unsaved = not r.force and wait("git.unsaved", r.path, true)
  if unsaved then refuse(r, "local changes in " .. unsaved) end
  local unpushed = not r.force and wait("git.unpushed", r.path, memory.commit or "", true)
  if unpushed then refuse(r, "the commit " .. unpushed .. ", which was not pushed") end
  call("git.remove", r.path)
end

return M
