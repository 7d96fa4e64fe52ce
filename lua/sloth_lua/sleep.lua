--- `sleep`: waits while other tasks go on.

local host = ...

--- Waits so long.
---@param duration number|string seconds, or "250ms"
return function(duration) host.wait("sleep", host.seconds("sleep", "its argument", duration)) end
