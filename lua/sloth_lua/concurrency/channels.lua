--- Channels and select, as Go has them.

local host, threads, waiting = ...
local queue, wait_in, next_in, wake, wake_all = waiting.queue, waiting.wait_in, waiting.next_in, waiting.wake, waiting.wake_all
local setmetatable, getmetatable, ipairs, random = setmetatable, getmetatable, ipairs, math.random
local blame, want, format = host.blame, host.want, string.format

---@class channel
local Channel = { __name = "channel" }
Channel.__index = Channel

local M = {}

local DIRECTIONS = { send = true, receive = true, bidirectional = true }

--- Makes a channel. Without a capacity, or with 0, a sender waits until somebody receives.
---@param capacity integer?
---@param direction string? "send" or "receive": the channel can only be used in this way; "bidirectional" is the default
---@return channel
function M.channel(capacity, direction)
  capacity = capacity and host.whole("goroutine.channel", "capacity", capacity, 0) or 0
  if direction ~= nil and not DIRECTIONS[direction] then
    host.unknown("goroutine.channel: there is no direction", direction, { "send", "receive", "bidirectional" })
  end
  return setmetatable({
    capacity = capacity, direction = direction ~= "bidirectional" and direction or nil, closed = false,
    buffer = queue(), senders = queue(), receivers = queue(),
  }, Channel)
end

--- The value, which must be a channel that one can receive from.
---@param call string
---@param value any
---@return channel
function M.want_source(call, value)
  if getmetatable(value) ~= Channel then blame(call .. ": its input must be a channel") end
  if value.direction == "send" then blame(call .. ": its input is only there to send") end
  return value
end

local function check(channel, call, direction)
  if getmetatable(channel) ~= Channel then blame("channel:" .. call .. ": call it with a colon, on a channel") end
  if direction and channel.direction and channel.direction ~= direction then
    blame(format("channel:%s: this channel is only there to %s", call, channel.direction))
  end
end

-- Whether a value was handed over at once.
local function offer(channel, value)
  if channel.closed then blame("channel:send: the channel is closed") end
  local receiver = next_in(channel.receivers)
  if receiver then
    wake(receiver, value, true)
    return true
  end
  local buffer = channel.buffer
  if buffer:size() < channel.capacity then
    buffer:push(value)
    return true
  end
  return false
end

-- Whether there is something at once: a value and true, or nil and false once it is closed and empty.
local function poll(channel)
  local buffer = channel.buffer
  if buffer.last >= buffer.first then
    local value = buffer:pop()
    local sender = next_in(channel.senders)
    if sender then
      buffer:push(sender.value)
      wake(sender, nil, true)
    end
    return true, value, true
  end
  local sender = next_in(channel.senders)
  if sender then
    local value = sender.value
    wake(sender, nil, true)
    return true, value, true
  end
  return channel.closed, nil, false
end

-- What somebody was given who is over before going on with it.
local function pass_on(waiter)
  if not waiter.ok then return end -- there was nothing but the end
  local channel, value = waiter.of, waiter.value
  local receiver = next_in(channel.receivers)
  if receiver then wake(receiver, value, true) else channel.buffer:put_back(value) end
end

local function check_sent(waiter)
  if not waiter.ok then blame("channel:send: the channel was closed") end
end

--- Sends a value; waits until somebody receives it or there is room for it. An error once it is closed.
---@param value any
---@return boolean # always true
function Channel:send(value)
  check(self, "send", "send")
  if not offer(self, value) then check_sent(wait_in(self.senders, "to send on a channel", value)) end
  return true
end

--- Receives a value; waits for one.
---@return any value # nil once the channel is closed and empty
---@return boolean ok # false then
function Channel:receive()
  check(self, "receive", "receive")
  local there, value, ok = poll(self)
  if there then return value, ok end
  local waiter = wait_in(self.receivers, "to receive from a channel", nil, pass_on, self)
  return waiter.value, waiter.ok
end

--- Sends a value if that needs no waiting.
---@param value any
---@return boolean sent
function Channel:try_send(value)
  check(self, "try_send", "send")
  return offer(self, value)
end

--- Receives a value if there is one.
---@return any value
---@return boolean ok
function Channel:try_receive()
  check(self, "try_receive", "receive")
  local _, value, ok = poll(self)
  return value, ok
end

--- Closes it: what is in it can still be received. Closing it twice is an error.
function Channel:close()
  check(self, "close")
  if self.closed then blame("channel:close: the channel is closed already") end
  self.closed = true
  wake_all(self.receivers, nil, false)
  wake_all(self.senders, nil, false)
end

--- Calls a function with each value until the channel is closed.
---@param f fun(value: any)
function Channel:range(f)
  want("channel:range", "its argument", f, "function")
  local value, ok = self:receive()
  while ok do
    f(value)
    value, ok = self:receive()
  end
end

--- How many values are in it.
---@return integer
function Channel:len()
  check(self, "len")
  return self.buffer:size()
end

--- How many it can hold.
---@return integer
function Channel:cap()
  check(self, "cap")
  return self.capacity
end

--- Whether it is closed.
---@return boolean
function Channel:is_closed() return self.closed end

--- `c:send(value)` as a function.
---@param channel channel
---@param value any
---@return boolean
function M.channel_send(channel, value) return Channel.send(channel, value) end

--- `c:receive()` as a function.
---@param channel channel
---@return any value
---@return boolean ok
function M.channel_receive(channel) return Channel.receive(channel) end

--- `c:close()` as a function.
---@param channel channel
function M.channel_close(channel) return Channel.close(channel) end

--- `c:len()` as a function.
---@param channel channel
---@return integer
function M.channel_len(channel) return Channel.len(channel) end

--- `c:cap()` as a function.
---@param channel channel
---@return integer
function M.channel_cap(channel) return Channel.cap(channel) end

-- ---------------------------------------------------------------------- select

local function checked_case(index, case)
  local name = "case " .. index
  want("goroutine.select", name, case, "table")
  if case.handler ~= nil then want("goroutine.select", name .. ".handler", case.handler, "function") end
  if case.default then return end
  if getmetatable(case.channel) ~= Channel then blame(format("goroutine.select: %s needs a channel, or default = true", name)) end
  if case.receive and case.send ~= nil then blame(format("goroutine.select: %s can send or receive, not both", name)) end
  if not case.receive and case.send == nil then blame(format("goroutine.select: %s needs receive = true or send = a value", name)) end
  check(case.channel, "select", case.receive and "receive" or "send")
end

-- Whether a case can be done now, and what it gives.
local function try(case)
  if case.receive then return poll(case.channel) end
  return offer(case.channel, case.send), nil, true
end

local function wait_for_one(cases, choice)
  local thread = threads.current()
  for index, case in ipairs(cases) do
    local channel = case.channel
    local waiter = { thread = thread, choice = choice, value = case.send, index = index, of = channel }
    if case.receive then
      waiter.pass_on = pass_on
      channel.receivers:push(waiter)
    else
      channel.senders:push(waiter)
    end
  end
  threads.park("for one of several channels", choice)
  return choice.made
end

local function finished(cases, index, value, ok)
  local handler = cases[index].handler
  if handler then handler(value, ok) end
  return index, value, ok
end

-- The cases, and which of them is the default.
local function checked(cases)
  want("goroutine.select", "its cases", cases, "table")
  local default
  for index, case in ipairs(cases) do
    checked_case(index, case)
    if case.default then default = index end
  end
  return cases, default
end

local function choose(choice, cases, default)
  local count = #cases
  local start = count > 0 and random(count) or 0 -- a fair choice among those that are ready
  for offset = 0, count - 1 do
    local index = (start + offset - 1) % count + 1
    if index ~= default then
      local there, value, ok = try(cases[index])
      if there then return index, value, ok end
    end
  end
  if default then return default end
  local made = wait_for_one(cases, choice)
  if not made.index then return nil end
  if not cases[made.index].receive then check_sent(made) end
  return made.index, made.value, made.ok
end

--- Does the first of several cases that can be done, and calls its handler with what was received:
--- `{ channel = c, receive = true, handler = f }`, `{ channel = c, send = value, handler = f }`, and
--- `{ default = true, handler = f }` for when none can be done at once.
---@param cases table[]
---@return integer index of the case
---@return any value
---@return boolean? ok
function M.select(cases)
  local index, value, ok = choose({}, checked(cases))
  return finished(cases, index, value, ok)
end

--- The same, for so many milliseconds at most.
---@param milliseconds number
---@param cases table[]
---@return boolean timed_out
---@return integer? index of the case that was done
function M.select_timeout(milliseconds, cases)
  want("goroutine.select_timeout", "milliseconds", milliseconds, "number")
  local default
  cases, default = checked(cases)
  local choice, thread = {}, threads.current()
  local timer = threads.spawn(function()
    host.wait("sleep", milliseconds / 1000)
    if thread.wait == choice then wake({ thread = thread, choice = choice }) end
  end, true)
  local index, value, ok = choose(choice, cases, default)
  if not index then return true, nil end
  threads.cancel(timer)
  return false, (finished(cases, index, value, ok))
end

return M
