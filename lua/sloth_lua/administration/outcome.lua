--- What the modules for the system (`pkg systemd user git cron docker stow`) share: their two forms of
--- arguments, their results, and that nothing is changed while a file is only looked at or planned.

local host = ...
local next, ipairs, tostring, setmetatable, pcall = next, ipairs, tostring, setmetatable, pcall
local match, gmatch, gsub, concat = string.match, string.gmatch, string.gsub, table.concat
local call, wait, encode = host.call, host.wait, host.encode

local M = {}
host.outcome = M

---@class outcome also usable as its message: "…" .. outcome, tostring(outcome)
---@field changed boolean
---@field message string
local Outcome = {}
function Outcome.__tostring(self) return self.message end
function Outcome.__concat(left, right) return tostring(left) .. tostring(right) end

--- The results of what was done, or was so already.
---@param changed boolean
---@param message string
---@param more table? further fields
---@return true, outcome
function M.done(changed, message, more)
  more = more or {}
  more.changed, more.message = changed, message
  return true, setmetatable(more, Outcome)
end

-- An error's text without its place, which says nothing about the system.
local function reason(problem) return (gsub(host.text(problem), "^[^\n:]+:%d+: ", "")) end

--- Calls a function that changes something; false and why if it fails. While a file is only looked at
--- or planned it is not called, and what it would have done is told.
---@param operation string "pkg.install"
---@param what string
---@param f function
---@return boolean ok
---@return any result of the function, nil if it was not called; or the reason
function M.change(operation, what, f, ...)
  call("needs_this_machine", operation)
  if call("is_inert") then
    call("left_undone", operation, what)
    return true
  end
  return M.try(f, ...)
end

--- Whether what was looked for is missing. In a plan it is not: an earlier call would have made it.
---@param found any
---@return boolean
function M.is_missing(found) return not found and not call("is_inert") end

--- Calls a function that only reads; false and why if it fails.
---@param f function
---@return boolean ok
---@return any result of the function, or the reason
function M.try(f, ...)
  call("needs_this_machine", "this")
  local ok, result = pcall(f, ...)
  if ok then return true, result end
  return false, reason(result)
end

-- The line that says why: the one that is marked so, or else the first that is no warning and does
-- not belong to one.
local function complaint(text)
  for _, mark in ipairs({ "fatal: ", "error: ", "ERROR: ", "E: " }) do
    local found = match("\n" .. text, "\n" .. mark .. "([^\n]+)")
    if found then return found end
  end
  for line in gmatch(text, "[^\n]+") do
    if match(line, "^%S") and not match(line, "^WARNING") and not match(line, "^DEPRECATED") then return line end
  end
  return match(text, "%S[^\n]*")
end

--- Runs a program without a shell. What it says if it fails is an error, as is that it is missing.
---@param arguments string[]
---@param options table? those of `process.run`
---@param stdin string?
---@return { exit_code: integer, stdout: string, stderr: string }
function M.run(arguments, options, stdin)
  local result = M.ask(arguments, options, stdin)
  if result.exit_code == 0 then return result end
  return host.blame(complaint(result.stderr) or complaint(result.stdout) or arguments[1] .. " failed with exit code " .. result.exit_code)
end

--- The same for a program whose exit code is an answer.
---@param arguments string[]
---@param options table?
---@param stdin string?
---@return { exit_code: integer, stdout: string, stderr: string }
function M.ask(arguments, options, stdin)
  return wait("process.run", encode(host.list(arguments), "arguments"), options and encode(options, "options"), stdin)
end

--- Named fields of a call: those of its table, or of positional arguments with these names and of a
--- table of options behind them.
---@param what string "pkg.install"
---@param expected table<string, string> as for `host.want_fields`
---@param names string[] of the positional arguments
---@param aliases table<string, string>? other name to name
---@return table
function M.fields(what, expected, names, aliases, first, ...)
  call("needs_this_machine", what)
  local given = {}
  if host.is_plain_table(first) and not (names.list and #first > 0) then
    for name, value in next, first do given[name] = value end
  elseif first ~= nil then
    local values = { first, ... }
    for name, value in next, host.want_or_nil(what, "options", values[#names + 1], "map") or {} do given[name] = value end
    for index, name in ipairs(names) do given[name] = values[index] end
  end
  for alias, name in next, aliases or {} do
    if given[alias] ~= nil then given[name], given[alias] = given[name] == nil and given[alias] or given[name], nil end
  end
  return host.want_fields(what, given, expected)
end

--- A list of texts that may be given as one text: "a, b", "a b" or { "a", "b" }.
---@param what string
---@param name string
---@param value string|string[]
---@return string[]
function M.words(what, name, value)
  local list = {}
  if host.is_plain_table(value) then
    for index, each in ipairs(value) do list[index] = host.want(what, name .. "'s items", each, "string") end
  else
    for word in host.want(what, name, value, "string", "a string or a list of them"):gmatch("[^%s,]+") do list[#list + 1] = word end
  end
  if #list == 0 then host.blame(what .. ": " .. name .. " must not be empty") end
  return list
end

--- "a, b" for a message.
---@param list string[]
---@return string
function M.joined(list) return concat(list, ", ") end

return M
