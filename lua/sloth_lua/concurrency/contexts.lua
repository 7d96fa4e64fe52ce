--- Contexts, as Go has them: they say that work is no longer wanted. Nothing is stopped by them;
--- whoever works looks at them.

local host, threads, channels = ...
local setmetatable, next = setmetatable, next
local want = host.want

local CANCELLED, TOO_LATE = "context canceled", "context deadline exceeded"

---@class context
local Context = { __name = "context" }
Context.__index = Context

local M = {}

local function now() return host.call("goroutine.now") end

local function new(parent, deadline)
  local inherited = parent and parent.ends_at
  if inherited and (not deadline or inherited < deadline) then deadline = inherited end
  local context = setmetatable({ parent = parent, ends_at = deadline, children = {} }, Context)
  if parent then parent.children[context] = true end
  return context
end

--- A context that nothing ends but `cancel`.
---@return context
function M.context() return new(nil, nil) end

local function with_cancel(context) return context, function() context:cancel() end end

--- A context that ends with this one, or when the function is called.
---@return context context
---@return fun() cancel
function Context:with_cancel() return with_cancel(new(self, nil)) end

--- The same, and after so many milliseconds.
---@param milliseconds number
---@return context context
---@return fun() cancel
function Context:with_timeout(milliseconds)
  return with_cancel(new(self, now() + want("context:with_timeout", "milliseconds", milliseconds, "number")))
end

--- The same, and at a time in milliseconds since 1970.
---@param deadline number
---@return context context
---@return fun() cancel
function Context:with_deadline(deadline)
  return with_cancel(new(self, want("context:with_deadline", "deadline", deadline, "number")))
end

local function finish(context, reason)
  if context.reason then return end
  context.reason = reason
  if context.channel then context.channel:close() end
  if context.timer then threads.cancel(context.timer) end
  if context.parent then context.parent.children[context] = nil end
  for child in next, context.children do finish(child, reason) end
end

--- Ends it and all that came from it.
function Context:cancel() finish(self, CANCELLED) end

--- Why it has ended, or nil.
---@return string?
function Context:err()
  if not self.reason and self.parent and self.parent:err() then finish(self, self.parent.reason) end
  if not self.reason and self.ends_at and now() >= self.ends_at then finish(self, TOO_LATE) end
  return self.reason
end

--- Whether it has ended.
---@return boolean
function Context:is_cancelled() return self:err() ~= nil end

--- When it ends by itself, in milliseconds since 1970.
---@return number? deadline
---@return boolean has_deadline
function Context:deadline() return self.ends_at, self.ends_at ~= nil end

--- A channel that is closed when it ends, for `goroutine.select`.
---@return channel
function Context:done()
  if not self.channel then
    self.channel = channels.channel()
    if self:err() then
      self.channel:close()
    elseif self.ends_at then
      self.timer = threads.spawn(function()
        host.wait("sleep", (self.ends_at - now()) / 1000)
        self.timer = nil
        finish(self, TOO_LATE)
      end, true)
    end
  end
  return self.channel
end

return M
