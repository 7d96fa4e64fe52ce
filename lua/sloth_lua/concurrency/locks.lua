--- What goroutines wait for besides channels, as Go's `sync` has it. Lua runs one at a time, so these
--- matter where one waits in between: for a command, for `sleep`, for a channel.

local host, waiting = ...
local queue, wait_in, first_in, next_in, wake, wake_all =
  waiting.queue, waiting.wait_in, waiting.first_in, waiting.next_in, waiting.wake, waiting.wake_all
local setmetatable, getmetatable, pcall, error = setmetatable, getmetatable, pcall, error
local blame, want, threads = host.blame, host.want, host.threads

local M = {}

local function class(name)
  local methods = { __name = name }
  methods.__index = methods
  return methods
end

-- ---------------------------------------------------------------------- wait group

---@class wait_group
local WaitGroup = class("wait_group")

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

-- ---------------------------------------------------------------------- mutex

---@class mutex
local Mutex = class("mutex")

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
local RWMutex = class("rwmutex")

--- Many readers or one writer. Readers that come after a waiting writer wait too.
---@return rwmutex
function M.rwmutex() return setmetatable({ readers = 0, writing = false, waiters = queue() }, RWMutex) end

function RWMutex:is_free_to_read() return not self.writing and not first_in(self.waiters) end
function RWMutex:is_free_to_write() return not self.writing and self.readers == 0 end

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
  if not self:is_free_to_read() then return false end
  self.readers = self.readers + 1
  return true
end

--- Takes it for writing if that needs no waiting.
---@return boolean taken
function RWMutex:try_lock()
  if not self:is_free_to_write() then return false end
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

-- ---------------------------------------------------------------------- semaphore

---@class semaphore
local Semaphore = class("semaphore")

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
local AtomicInt = class("atomic_int")

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

-- ---------------------------------------------------------------------- once

---@class once
local Once = class("once")

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

-- ---------------------------------------------------------------------- condition

---@class cond
local Cond = class("cond")

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
