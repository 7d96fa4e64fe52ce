--- First in, first out: values, and threads that wait for something.

local threads = ...
local park, ready, current = threads.park, threads.ready, threads.current
local setmetatable = setmetatable

---@class queue
---@field first integer
---@field last integer
local Queue = {}
Queue.__index = Queue

local M = {}

---@return queue
function M.queue() return setmetatable({ first = 1, last = 0 }, Queue) end

function Queue:push(value)
  self.last = self.last + 1
  self[self.last] = value
end

--- The oldest value, which may be nil itself; `size` tells whether there is one.
function Queue:pop()
  local first = self.first
  if first > self.last then return nil end
  local value = self[first]
  self[first] = nil
  if first == self.last then self.first, self.last = 1, 0 else self.first = first + 1 end
  return value
end

function Queue:size() return self.last - self.first + 1 end

---@class waiter
---@field thread runner_thread
---@field choice { made: waiter? }? a select, of which only one case comes true
---@field value any what it gets, or what it sends
---@field ok boolean?
---@field index integer? which case of a select it is

--- Puts the thread that runs at the end of a queue and waits until it is woken; the waiter.
---@param queue queue
---@param waits_for string for the report of a deadlock
---@param value any
---@return waiter
function M.wait_in(queue, waits_for, value)
  local waiter = { thread = current(), value = value }
  queue:push(waiter)
  park(waits_for)
  return waiter
end

--- The first in a queue that still waits: its task may have ended, its select may have chosen.
---@param queue queue
---@return waiter?
function M.next_in(queue)
  repeat
    local waiter = queue:pop()
    if not waiter then return nil end
    local choice = waiter.choice
    if not waiter.thread.is_over and not (choice and choice.made) then return waiter end
  until false
end

--- Lets a waiter go on, with what it waited for.
---@param waiter waiter
---@param value any
---@param ok boolean?
function M.wake(waiter, value, ok)
  waiter.value, waiter.ok = value, ok
  if waiter.choice then waiter.choice.made = waiter end
  ready(waiter.thread)
end

--- Lets all go on that wait in a queue.
---@param queue queue
---@param value any
---@param ok boolean?
function M.wake_all(queue, value, ok)
  local waiter = M.next_in(queue)
  while waiter do
    M.wake(waiter, value, ok)
    waiter = M.next_in(queue)
  end
end

return M
