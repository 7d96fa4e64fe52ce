--- Mutexes and the conditions that go with them, as Go's `sync` has them. Lua runs one at a time, so
--- these matter where one waits in between: for a command, for `sleep`, for a channel.

local host, waiting = ...
local queue, wait_in, first_in, next_in, wake, wake_all =
  waiting.queue, waiting.wait_in, waiting.first_in, waiting.next_in, waiting.wake, waiting.wake_all
local setmetatable, getmetatable, blame = setmetatable, getmetatable, host.blame

local M = {}

-- ---------------------------------------------------------------------- mutex

---@class mutex
local Mutex = { __name = "mutex" }
Mutex.__index = Mutex

--- Lets one in at a time.
---@return mutex
function M.mutex() return setmetatable({ locked = false, waiters = queue() }, Mutex) end

local function pass_mutex_on(waiter) waiter.of:unlock() end

--- Waits until nobody else has it, and takes it.
function Mutex:lock()
  if self.locked then wait_in(self.waiters, "for a mutex", nil, pass_mutex_on, self) end
  self.locked = true
end

--- Takes it if nobody has it.
---@return boolean taken
function Mutex:try_lock()
  if self.locked then return false end
  self.locked = true
  return true
end

--- Gives it to whoever has waited longest.
function Mutex:unlock()
  if not self.locked then blame("mutex:unlock: it is not locked") end
  local waiter = next_in(self.waiters)
  if waiter then wake(waiter) else self.locked = false end
end

-- ---------------------------------------------------------------------- reader/writer mutex

---@class rwmutex
local RWMutex = { __name = "rwmutex" }
RWMutex.__index = RWMutex

--- Many readers or one writer. Readers that come after a waiting writer wait too.
---@return rwmutex
function M.rwmutex() return setmetatable({ readers = 0, writing = false, waiters = queue() }, RWMutex) end

local function is_free_to_read(self) return not self.writing and not first_in(self.waiters) end
local function is_free_to_write(self) return not self.writing and self.readers == 0 end

local READ, WRITE = "read", "write"

-- Lets in who waits at the front: one writer, or all readers up to the next writer.
local function admit(self)
  while not self.writing do
    local waiter = first_in(self.waiters)
    local writes = waiter and waiter.value == WRITE
    if not waiter or writes and self.readers > 0 then return end
    if writes then self.writing = true else self.readers = self.readers + 1 end
    wake(next_in(self.waiters), waiter.value)
  end
end

local function pass_rwmutex_on(waiter)
  if waiter.value == WRITE then waiter.of:unlock() else waiter.of:runlock() end
end

--- Takes it for reading; waits for writers.
function RWMutex:rlock()
  if self:try_rlock() then return end
  wait_in(self.waiters, "to read under a mutex", READ, pass_rwmutex_on, self)
end

--- Takes it for writing; waits for all others.
function RWMutex:lock()
  if self:try_lock() then return end
  wait_in(self.waiters, "to write under a mutex", WRITE, pass_rwmutex_on, self)
end

--- Takes it for reading if that needs no waiting.
---@return boolean taken
function RWMutex:try_rlock()
  if not is_free_to_read(self) then return false end
  self.readers = self.readers + 1
  return true
end

--- Takes it for writing if that needs no waiting.
---@return boolean taken
function RWMutex:try_lock()
  if not is_free_to_write(self) then return false end
  self.writing = true
  return true
end

--- Gives up reading.
function RWMutex:runlock()
  if self.readers == 0 then blame("rwmutex:runlock: nobody reads under it") end
  self.readers = self.readers - 1
  admit(self)
end

--- Gives up writing.
function RWMutex:unlock()
  if not self.writing then blame("rwmutex:unlock: nobody writes under it") end
  self.writing = false
  admit(self)
end

-- ---------------------------------------------------------------------- condition

---@class cond
local Cond = { __name = "cond" }
Cond.__index = Cond

--- What goroutines wait for until another one says that they shall look again.
---@param mutex mutex? its own one by default
---@return cond
function M.cond(mutex)
  if mutex ~= nil and getmetatable(mutex) ~= Mutex then blame("goroutine.cond: its argument must be a mutex") end
  return setmetatable({ mutex = mutex or M.mutex(), waiters = queue() }, Cond)
end

--- The mutex that must be held to wait.
---@return mutex
function Cond:get_mutex() return self.mutex end

--- Gives the mutex up, waits for a signal, and takes the mutex again.
function Cond:wait()
  if not self.mutex.locked then blame("cond:wait: its mutex must be locked before, cond:get_mutex():lock()") end
  self.mutex:unlock()
  wait_in(self.waiters, "for a condition")
  self.mutex:lock()
end

--- Wakes the one that has waited longest.
function Cond:signal()
  local waiter = next_in(self.waiters)
  if waiter then wake(waiter) end
end

--- Wakes all.
function Cond:broadcast() wake_all(self.waiters) end

return M
