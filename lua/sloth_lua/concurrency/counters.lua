--- What counts, as Go has it: work that is under way, places that are free, and a number that several
--- goroutines change.

local host, waiting = ...
local queue, wait_in, next_in, wake, wake_all = waiting.queue, waiting.wait_in, waiting.next_in, waiting.wake, waiting.wake_all
local setmetatable, blame, want = setmetatable, host.blame, host.want

local M = {}

-- ---------------------------------------------------------------------- wait group

---@class wait_group
local WaitGroup = { __name = "wait_group" }
WaitGroup.__index = WaitGroup

--- Counts what is under way, and waits until it is none.
---@return wait_group
function M.wait_group() return setmetatable({ count = 0, waiters = queue() }, WaitGroup) end

--- Counts so many more.
---@param delta integer? 1 by default
function WaitGroup:add(delta)
  self.count = self.count + (delta == nil and 1 or want("wait_group:add", "delta", delta, "number"))
  if self.count < 0 then blame("wait_group: done was called more often than add") end
  if self.count == 0 then wake_all(self.waiters) end
end

--- Counts one less.
function WaitGroup:done() self:add(-1) end

--- Waits until the count is 0.
function WaitGroup:wait()
  if self.count > 0 then wait_in(self.waiters, "for a wait group") end
end

-- ---------------------------------------------------------------------- semaphore

---@class semaphore
local Semaphore = { __name = "semaphore" }
Semaphore.__index = Semaphore

--- Lets so many in at a time.
---@param permits integer how many can have it at once
---@return semaphore
function M.semaphore(permits)
  host.whole("goroutine.semaphore", "permits", permits, 1)
  return setmetatable({ permits = permits, free = permits, waiters = queue() }, Semaphore)
end

local function pass_place_on(waiter) waiter.of:release() end

--- Waits until it has a free place, and takes that.
function Semaphore:acquire()
  if not self:try_acquire() then wait_in(self.waiters, "for a semaphore", nil, pass_place_on, self) end
end

--- Takes a place if one is free.
---@return boolean taken
function Semaphore:try_acquire()
  if self.free == 0 then return false end
  self.free = self.free - 1
  return true
end

--- Gives a place up, to whoever has waited longest.
function Semaphore:release()
  local waiter = next_in(self.waiters)
  if waiter then return wake(waiter) end
  if self.free == self.permits then blame("semaphore:release: it was released more often than acquired") end
  self.free = self.free + 1
end

--- How many places are free.
---@return integer
function Semaphore:available() return self.free end

--- How many places there are.
---@return integer
function Semaphore:capacity() return self.permits end

-- ---------------------------------------------------------------------- atomic integer

---@class atomic_int
local AtomicInt = { __name = "atomic_int" }
AtomicInt.__index = AtomicInt

--- A number that several goroutines change.
---@param value integer? 0 by default
---@return atomic_int
function M.atomic_int(value)
  return setmetatable({ value = host.want_or_nil("goroutine.atomic_int", "value", value, "number") or 0 }, AtomicInt)
end

--- Adds to it.
---@param delta integer
---@return integer value # the new one
function AtomicInt:add(delta)
  self.value = self.value + want("atomic_int:add", "delta", delta, "number")
  return self.value
end

--- The number.
---@return integer
function AtomicInt:load() return self.value end

--- Sets it.
---@param value integer
function AtomicInt:store(value) self.value = want("atomic_int:store", "value", value, "number") end

--- Sets it, and gives the number before.
---@param value integer
---@return integer value # the one before
function AtomicInt:swap(value)
  local before = self.value
  self:store(value)
  return before
end

--- Sets it if it is the old number.
---@param old integer
---@param new integer
---@return boolean swapped
function AtomicInt:compare_and_swap(old, new)
  if self.value ~= old then return false end
  self:store(new)
  return true
end

return M
