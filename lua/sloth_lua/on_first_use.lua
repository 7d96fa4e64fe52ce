--- Modules that not every script needs: a table that stands for one, and takes its functions when a
--- script asks for the first of them. Compiling them all would take a third of a small run's start.

local host = ...
local next, pairs, rawget, rawset, setmetatable, type = next, pairs, rawget, rawset, setmetatable, type

local M = {}
local names = {} -- by the table that stands for it

local function fill(module)
  for each, value in next, host.library(names[module])(host) do rawset(module, each, value) end
  setmetatable(module, nil) -- last: whatever stops this, the next one who asks begins anew
  names[module] = nil
end

local StandIn = {
  __index = function(module, key)
    fill(module)
    return rawget(module, key)
  end,
}

---@param name string
---@return table
function M.module(name)
  local module = setmetatable({}, StandIn)
  names[module] = name
  return module
end

--- Lua's own, which shows what is in a module too.
---@param t table
---@return function, table, nil
function M.pairs(t)
  if type(t) ~= "table" then
    host.blame("bad argument #1 to 'pairs' (table expected, got " .. type(t) .. ")")
  end
  if names[t] then fill(t) end
  return pairs(t)
end

return M
