--- Modules that few scripts need: a table that stands for one, and takes its functions when a script
--- asks for the first of them. Compiling them all would take a fifth of a small run's start.

local host = ...
local next, rawget, rawset, setmetatable = next, rawget, rawset, setmetatable

---@param name string
---@return table
return function(name)
  return setmetatable({}, {
    __index = function(self, key)
      setmetatable(self, nil)
      for each, value in next, host.library(name)(host) do rawset(self, each, value) end
      return rawget(self, key)
    end,
  })
end
