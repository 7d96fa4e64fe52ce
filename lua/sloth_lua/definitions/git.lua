---@meta

--- `git`: clones of repositories, while other tasks go on. What is so already is left alone. Results
--- are true and a table with `changed` and `message`, or false and a message; questions are answered
--- with the value, or nil and a message. Git is never asked for a password at a terminal.
---@class git
git = {}

---@class git_clone: outcome
---@field path string
---@field url string
---@field commit string
---@field exists boolean it was there before
---@field pull fun(self): boolean, outcome|string
---@field push fun(self): boolean, outcome|string
---@field checkout fun(self, branch: string, options: { create: boolean? }?): boolean, outcome|string
---@field status fun(self): table?, string?

--- Clones a repository with a branch, tag or commit of it checked out. A clone of it that is there is
--- left as it is, unless another one is named: then that is checked out, if nothing would be lost.
---@param url string|{ url: string, path: string, branch: string?, tag: string?, commit: string?, depth: integer? }
---@param path string?
---@param options { branch: string?, tag: string?, commit: string?, depth: integer? }?
---@return boolean ok
---@return git_clone|string result or problem
function git.clone(url, path, options) end

--- Brings the branch that is checked out to what the repository has, if it can do so without a merge.
---@param path string|{ path: string }
---@return boolean ok
---@return outcome|string result or problem
function git.pull(path) end

--- Checks a branch, tag or commit out; with `create` it makes the branch if there is none, here or in
--- the repository.
---@param path string|{ path: string, branch: string, create: boolean? }
---@param branch string?
---@param options { create: boolean? }?
---@return boolean ok
---@return outcome|string result or problem
function git.checkout(path, branch, options) end

--- Adds files to what is committed next; all without `files`.
---@param path string|{ path: string, files: string|string[]|nil }
---@param files string|string[]|nil
---@return boolean ok
---@return outcome|string result or problem
function git.add(path, files) end

--- Commits what was added, or all with `add_all`; nothing to commit is no failure.
---@param path string|{ path: string, message: string, add_all: boolean?, author: string? }
---@param message string?
---@param options { add_all: boolean?, author: string? }?
---@return boolean ok
---@return outcome|string result or problem; `commit` is the new one
function git.commit(path, message, options) end

--- Sends the branch that is checked out, or another one, to the repository.
---@param path string|{ path: string, remote: string?, branch: string? }
---@param options { remote: string?, branch: string? }?
---@return boolean ok
---@return outcome|string result or problem
function git.push(path, options) end

--- What is checked out and not as committed: branch ("" if none), commit, clean, modified, untracked.
---@param path string|{ path: string }
---@return { branch: string, commit: string?, clean: boolean, modified: string[], untracked: string[] }? status
---@return string? problem
function git.status(path) end

--- The newest commits of what is checked out: hash author date message.
---@param path string|{ path: string, max_count: integer? }
---@param options { max_count: integer? }? 10 by default
---@return { hash: string, author: string, date: string, message: string }[]? commits
---@return string? problem
function git.log(path, options) end

--- The branches of a clone: name, current.
---@param path string|{ path: string }
---@return { name: string, current: boolean }[]? branches
---@return string? problem
function git.branch(path) end

--- Whether a folder is a clone.
---@param path string|{ path: string }
---@return boolean
function git.is_repo(path) end
