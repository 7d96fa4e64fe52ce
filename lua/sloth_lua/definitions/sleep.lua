---@meta

--- `sleep`: waits while other tasks go on.

--- Waits so long.
---@param duration number|string seconds, or "250ms"
function sleep(duration) end
