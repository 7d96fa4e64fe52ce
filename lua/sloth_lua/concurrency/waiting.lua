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

--- Puts a value where it is popped next.
function Queue:put_back(value)
  self.first = self.first - 1
  self[self.first] = value
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
---@field pass_on fun(waiter: waiter)? called if it is ended between being woken and going on
---@field of any? what it waits for

--- Puts the thread that runs at the end of a queue and waits until it is woken; the waiter.
---@param queue queue
---@param waits_for string for the report of a deadlock
---@param value any
---@param pass_on fun(waiter: waiter)?
---@param of any
---@return waiter
function M.wait_in(queue, waits_for, value, pass_on, of)
  local waiter = { thread = current(), value = value, pass_on = pass_on, of = of }
  queue:push(waiter)
  park(waits_for, waiter)
  return waiter
end

--- The first in a queue that still waits, which stays there: others may be over, their select may have
--- chosen, a deadlock may have been told them.
---@param queue queue
---@return waiter?
function M.first_in(queue)
  repeat
    local waiter = queue[queue.first]
    if not waiter or waiter.thread.wait == (waiter.choice or waiter) then return waiter end
    queue:pop()
  until false
end

--- The same, taken out of the queue.
---@param queue queue
---@return waiter?
function M.next_in(queue)
  local waiter = M.first_in(queue)
  if waiter then queue:pop() end
  return waiter
end

--- Lets a waiter go on, with what it waited for.
---@param waiter waiter
---@param value any
---@param ok boolean?
function M.wake(waiter, value, ok)
  local thread = waiter.thread
  waiter.value, waiter.ok = value, ok
  if waiter.choice then waiter.choice.made = waiter end
  thread.wait, thread.woken = nil, waiter
  ready(thread)
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
