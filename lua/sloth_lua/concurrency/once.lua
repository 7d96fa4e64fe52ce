--- What is done once, whoever comes first, as Go's `sync` has it.

local host, threads, waiting = ...
local queue, wait_in, wake_all = waiting.queue, waiting.wait_in, waiting.wake_all
local setmetatable, pcall, error, want = setmetatable, pcall, error, host.want

local M = {}

---@class once
local Once = { __name = "once" }
Once.__index = Once

--- Calls a function the first time only.
---@return once
function M.once() return setmetatable({ waiters = queue() }, Once) end

--- Calls the function unless some function was called before; then it waits for that one's end. An
--- error is one of who called it; it was called nevertheless.
---@param f fun()
function Once:call(f)
  want("once:call", "its argument", f, "function")
  if self.is_done then return end
  if self.has_begun then
    wait_in(self.waiters, "for a function that is called once")
    return
  end
  self.has_begun = true
  local function is_over()
    self.is_done = true
    wake_all(self.waiters)
  end
  threads.at_end(threads.current(), is_over) -- should it be ended in the middle
  local ok, problem = pcall(f)
  is_over()
  if not ok then error(problem, 0) end
end

return M
