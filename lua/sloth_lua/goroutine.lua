--- `goroutine`: functions that run beside each other in one task, with Go's meaning. They end with
--- the task that started them. An error in one that nobody awaits makes that task fail. Milliseconds.

local host = ...
local threads = host.threads
local waiting = host.library("concurrency/waiting")(threads)
local channels = host.library("concurrency/channels")(host, threads, waiting)
local counters = host.library("concurrency/counters")(host, waiting)
local mutexes = host.library("concurrency/mutexes")(host, waiting)
local once = host.library("concurrency/once")(host, threads, waiting)
local contexts = host.library("concurrency/contexts")(host, threads, channels)
local pools = host.library("concurrency/pools")(host, threads, waiting)
local want, blame, whole = host.want, host.blame, host.whole
local select, unpack, pcall, error, ipairs, next, type = select, unpack, pcall, error, ipairs, next, type
local getmetatable, setmetatable = getmetatable, setmetatable

local goroutine = {}
for _, part in ipairs({ channels, counters, mutexes, once, contexts, pools }) do
  for name, f in next, part do goroutine[name] = f end
end
goroutine.want_source = nil -- the library's own

local function packed(...) return { n = select("#", ...), ... } end

local function starter(f, ...)
  local arguments = packed(...)
  return function() return f(unpack(arguments, 1, arguments.n)) end
end

--- Calls a function beside this one. Does not wait for it.
---@param f function
---@param ... any its arguments
function goroutine.spawn(f, ...) threads.spawn(starter(want("goroutine.spawn", "its argument", f, "function"), ...)) end

--- Calls it that often, with 1, 2, 3 …
---@param count integer
---@param f fun(number: integer)
function goroutine.spawn_many(count, f)
  whole("goroutine.spawn_many", "count", count, 0)
  for number = 1, count do goroutine.spawn(f, number) end
end

--- Waits so many milliseconds while others go on.
---@param milliseconds number
function goroutine.sleep(milliseconds)
  milliseconds = want("goroutine.sleep", "milliseconds", milliseconds, "number")
  if milliseconds < 0 then blame("goroutine.sleep: milliseconds must not be negative") end
  host.wait("sleep", milliseconds / 1000)
end

--- Waits until all goroutines that this task has started are over.
function goroutine.wait()
  local own = threads.current()
  repeat
    local other
    for thread in next, own.owner.children do
      if thread ~= own and not thread.is_helper then other = thread end
    end
    if other then
      local ended = waiting.queue()
      threads.at_end(other, function() waiting.wake_all(ended) end)
      waiting.wait_in(ended, "for a goroutine")
    end
  until not other
end

-- ---------------------------------------------------------------------- async and await

---@class handle
local Handle = { __name = "handle" }
Handle.__index = Handle

--- Calls a function beside this one; `await` gives what it returned.
---@param f function
---@param ... any its arguments
---@return handle
function goroutine.async(f, ...)
  local call = starter(want("goroutine.async", "its argument", f, "function"), ...)
  local handle = setmetatable({ waiters = waiting.queue() }, Handle)
  handle.thread = threads.spawn(function()
    handle.result = packed(pcall(call))
  end)
  threads.at_end(handle.thread, function() waiting.wake_all(handle.waiters) end)
  return handle
end
goroutine.create = goroutine.async

local function result_of(call, handle)
  if getmetatable(handle) ~= Handle then blame(call .. ": its argument must be what goroutine.async returned") end
  if not handle.result and not handle.thread.is_over then waiting.wait_in(handle.waiters, "for a goroutine") end
  return handle.result or blame(call .. ": its task has ended before it")
end

--- Waits for a function's end: true and what it returned, or false and its error.
---@param handle handle
---@return boolean ok
---@return any ...
function goroutine.await(handle)
  local result = result_of("goroutine.await", handle)
  if result[1] then return unpack(result, 1, result.n) end
  return false, host.text(result[2])
end

local function outcome_of(result)
  if not result then return { success = false, error = "timeout exceeded" } end
  if not result[1] then return { success = false, error = host.text(result[2]) } end
  return { success = true, value = result[2], values = { unpack(result, 2, result.n) } }
end

--- Waits for several, all of them or for so many seconds. Those that are late go on.
---@param handles handle[]
---@param seconds number?
---@return { success: boolean, value: any, values: any[]?, error: string? }[] `value` is the first of `values`
function goroutine.wait_all(handles, seconds)
  want("goroutine.wait_all", "its argument", handles, "table")
  seconds = host.want_or_nil("goroutine.wait_all", "seconds", seconds, "number")
  local late = channels.channel()
  local timer = seconds and threads.spawn(function()
    host.wait("sleep", seconds)
    late:close()
  end, true)
  local results = {}
  for index, handle in ipairs(handles) do
    if not seconds then
      result_of("goroutine.wait_all", handle)
    elseif not handle.result and not late:is_closed() then
      local done = channels.channel()
      threads.spawn(function()
        result_of("goroutine.wait_all", handle)
        done:close()
      end)
      channels.select({ { channel = done, receive = true }, { channel = late, receive = true } })
    end
    results[index] = outcome_of(handle.result)
  end
  if timer then threads.cancel(timer) end
  return results
end

--- Waits for several.
---@param handles handle[]
---@return { success: boolean, value: any, values: any[]?, error: string? }[]
function goroutine.await_all(handles)
  return goroutine.wait_all(want("goroutine.await_all", "its argument", handles, "table"))
end

--- Calls a function for at most so many milliseconds: true and what it returned, or false and why not.
---@param milliseconds number
---@param f function
---@return boolean ok
---@return any ...
function goroutine.timeout(milliseconds, f)
  want("goroutine.timeout", "milliseconds", milliseconds, "number")
  want("goroutine.timeout", "its function", f, "function")
  local handle = goroutine.async(f)
  handle.thread.ends_at = host.call("goroutine.now") + milliseconds -- should it be busy
  local timer = threads.spawn(function()
    host.wait("sleep", milliseconds / 1000)
    threads.cancel(handle.thread)
  end, true)
  waiting.wait_in(handle.waiters, "for a goroutine")
  threads.cancel(timer)
  if not handle.result then return false, "timeout exceeded" end
  return goroutine.await(handle)
end

--- Calls a function with each item of a list, all beside each other; the results in the same order.
---@param list any[]
---@param f fun(item: any, index: integer): any
---@return any[]
function goroutine.map(list, f)
  want("goroutine.map", "its list", list, "table")
  want("goroutine.map", "its function", f, "function")
  local handles, results = {}, {}
  for index, item in ipairs(list) do handles[index] = goroutine.async(f, item, index) end
  for index, handle in ipairs(handles) do
    local result = result_of("goroutine.map", handle)
    if not result[1] then error(result[2], 0) end
    results[index] = result[2]
  end
  return results
end

-- ---------------------------------------------------------------------- patterns

-- Several goroutines that share work; what follows is called at the end of the last one.
local function together(count, work, finish)
  local left = count
  for number = 1, count do
    threads.spawn(function()
      work(number)
      left = left - 1
      if left == 0 then finish() end
    end)
  end
end

local function stage(index, spec, input)
  local call = "goroutine.pipeline: stage " .. index
  if type(spec) == "function" then spec = { fn = spec } end
  spec = host.want_fields(call, spec, { workers = "number?", fn = "function" })
  local output = channels.channel(input:cap())
  together(spec.workers and whole(call, "workers", spec.workers, 1) or 1, function()
    input:range(function(value)
      local result = spec.fn(value)
      if result ~= nil then output:send(result) end
    end)
  end, function() output:close() end)
  return output
end

--- Sends what comes from a channel through functions, one after the other, each with workers of its
--- own. What a function answers with nil is left out. The last channel is closed after the first one.
---@param input channel
---@param stages ({ workers: integer?, fn: fun(value: any): any }|fun(value: any): any)[]
---@return channel
function goroutine.pipeline(input, stages)
  channels.want_source("goroutine.pipeline", input)
  want("goroutine.pipeline", "its stages", stages, "table")
  for index, spec in ipairs(stages) do input = stage(index, spec, input) end
  return input
end

--- Shares what comes from a channel out among several.
---@param input channel
---@param count integer
---@return channel[]
function goroutine.fan_out(input, count)
  channels.want_source("goroutine.fan_out", input)
  whole("goroutine.fan_out", "count", count, 1)
  local outputs = {}
  for index = 1, count do outputs[index] = channels.channel() end
  for _, output in ipairs(outputs) do
    threads.spawn(function()
      input:range(function(value) output:send(value) end)
      output:close()
    end)
  end
  return outputs
end

--- Brings what comes from several channels together in one, which is closed after the last of them.
---@param inputs channel[]
---@return channel
function goroutine.fan_in(inputs)
  want("goroutine.fan_in", "its argument", inputs, "table")
  for _, input in ipairs(inputs) do channels.want_source("goroutine.fan_in", input) end
  local output = channels.channel()
  if #inputs == 0 then output:close() end
  together(#inputs, function(index)
    inputs[index]:range(function(value) output:send(value) end)
  end, function() output:close() end)
  return output
end

return goroutine
