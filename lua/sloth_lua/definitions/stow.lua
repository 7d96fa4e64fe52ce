---@meta

--- `stow`: the files of a package folder made to appear in another folder, by relative links, as GNU
--- stow does with --no-folding; that program is not needed. Results are true and a table with `changed`
--- and `message`, or false and a message. If anything is in the way, nothing is changed.
---@class stow
stow = {}

---@class stow_options
---@field package string|string[] the name of a folder in `dir`, or several; "." is `dir` itself
---@field dir string? where packages are; the task's folder by default. Also: source_dir
---@field target string? where the files shall appear; the folder above `dir` by default. Also: target_dir

--- Links the files of a package: `stow.stow{ package = "vim", dir = "dotfiles", target = "~" }`.
---@param package string|stow_options
---@param options stow_options? where the package is given before it
---@return boolean ok
---@return outcome|string result or problem
function stow.stow(package, options) end

--- Takes the links of a package away, and folders that are empty then.
---@param package string|stow_options
---@param options stow_options?
---@return boolean ok
---@return outcome|string result or problem
function stow.unstow(package, options) end

--- Makes all links of a package anew.
---@param package string|stow_options
---@param options stow_options?
---@return boolean ok
---@return outcome|string result or problem
function stow.restow(package, options) end

--- The same as `stow.stow`.
---@param package string|stow_options
---@param options stow_options? where the package is given before it
---@return boolean ok
---@return outcome|string result or problem
function stow.link(package, options) end

--- The same as `stow.unstow`.
---@param package string|stow_options
---@param options stow_options?
---@return boolean ok
---@return outcome|string result or problem
function stow.unlink(package, options) end

--- What is there of one package: the paths that are `linked` and `missing`, and `conflicts`; how many
--- files it has (`total_files`, `stowed_links`), and whether all are linked (`is_valid`).
---@param package string|stow_options
---@param options stow_options?
---@return table? state
---@return string? problem
function stow.check(package, options) end

--- The same as `stow.check`.
---@param package string|stow_options
---@param options stow_options?
---@return table? state
---@return string? problem
function stow.verify(package, options) end

--- Whether all files of a package are linked.
---@param package string|stow_options
---@param options stow_options?
---@return boolean
function stow.is_stowed(package, options) end

--- The names of the packages in a folder, sorted; the task's folder by default.
---@param dir string|{ dir: string? }|nil
---@return string[]? names
---@return string? problem
function stow.list_packages(dir) end
