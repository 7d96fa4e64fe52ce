---@meta

--- `goroutine`: functions that run beside each other in one task, with Go's meaning. They end with
--- the task that started them. An error in one that nobody awaits makes that task fail. Milliseconds.
---@class goroutine
goroutine = {}

---@class channel
local channel = {}

---@class context
local context = {}

---@class wait_group
local wait_group = {}

---@class semaphore
local semaphore = {}

---@class atomic_int
local atomic_int = {}

---@class mutex
local mutex = {}

---@class rwmutex
local rwmutex = {}

---@class cond
local cond = {}

---@class once
local once = {}

---@class handle

--- Calls a function beside this one. Does not wait for it.
---@param f function
---@param ... any its arguments
function goroutine.spawn(f, ...) end

--- Calls it that often, with 1, 2, 3 …
---@param count integer
---@param f fun(number: integer)
function goroutine.spawn_many(count, f) end

--- Waits so many milliseconds while others go on.
---@param milliseconds number
function goroutine.sleep(milliseconds) end

--- Waits until all goroutines that this task has started are over.
function goroutine.wait() end

--- Calls a function beside this one; `await` gives what it returned.
---@param f function
---@param ... any its arguments
---@return handle
function goroutine.async(f, ...) end

--- The same as `goroutine.async`.
---@param f function
---@param ... any its arguments
---@return handle
function goroutine.create(f, ...) end

--- Waits for a function's end: true and what it returned, or false and its error.
---@param handle handle
---@return boolean ok
---@return any ...
function goroutine.await(handle) end

--- Waits for several, all of them or for so many seconds. Those that are late go on.
---@param handles handle[]
---@param seconds number?
---@return { success: boolean, value: any, values: any[]?, error: string? }[] `value` is the first of `values`
function goroutine.wait_all(handles, seconds) end

--- Waits for several.
---@param handles handle[]
---@return { success: boolean, value: any, values: any[]?, error: string? }[]
function goroutine.await_all(handles) end

--- Calls a function for at most so many milliseconds: true and what it returned, or false and why not.
---@param milliseconds number
---@param f function
---@return boolean ok
---@return any ...
function goroutine.timeout(milliseconds, f) end

--- Calls a function with each item of a list, all beside each other; the results in the same order.
---@param list any[]
---@param f fun(item: any, index: integer): any
---@return any[]
function goroutine.map(list, f) end

--- Sends what comes from a channel through functions, one after the other, each with workers of its
--- own. What a function answers with nil is left out. The last channel is closed after the first one.
---@param input channel
---@param stages ({ workers: integer?, fn: fun(value: any): any }|fun(value: any): any)[]
---@return channel
function goroutine.pipeline(input, stages) end

--- Shares what comes from a channel out among several.
---@param input channel
---@param count integer
---@return channel[]
function goroutine.fan_out(input, count) end

--- Brings what comes from several channels together in one, which is closed after the last of them.
---@param inputs channel[]
---@return channel
function goroutine.fan_in(inputs) end

--- Makes a channel. Without a capacity, or with 0, a sender waits until somebody receives.
---@param capacity integer?
---@param direction string? "send" or "receive": the channel can only be used in this way; "bidirectional" is the default
---@return channel
function goroutine.channel(capacity, direction) end

--- `c:send(value)` as a function.
---@param channel channel
---@param value any
---@return boolean
function goroutine.channel_send(channel, value) end

--- `c:receive()` as a function.
---@param channel channel
---@return any value
---@return boolean ok
function goroutine.channel_receive(channel) end

--- `c:close()` as a function.
---@param channel channel
function goroutine.channel_close(channel) end

--- `c:len()` as a function.
---@param channel channel
---@return integer
function goroutine.channel_len(channel) end

--- `c:cap()` as a function.
---@param channel channel
---@return integer
function goroutine.channel_cap(channel) end

--- Does the first of several cases that can be done, and calls its handler with what was received:
--- `{ channel = c, receive = true, handler = f }`, `{ channel = c, send = value, handler = f }`, and
--- `{ default = true, handler = f }` for when none can be done at once.
---@param cases table[]
---@return integer index of the case
---@return any value
---@return boolean? ok
function goroutine.select(cases) end

--- The same, for so many milliseconds at most.
---@param milliseconds number
---@param cases table[]
---@return boolean timed_out
---@return integer? index of the case that was done
function goroutine.select_timeout(milliseconds, cases) end

--- Sends a value; waits until somebody receives it or there is room for it. An error once it is closed.
---@param value any
---@return boolean # always true
function channel:send(value) end

--- Receives a value; waits for one.
---@return any value # nil once the channel is closed and empty
---@return boolean ok # false then
function channel:receive() end

--- Sends a value if that needs no waiting.
---@param value any
---@return boolean sent
function channel:try_send(value) end

--- Receives a value if there is one.
---@return any value
---@return boolean ok
function channel:try_receive() end

--- Closes it: what is in it can still be received. Closing it twice is an error.
function channel:close() end

--- Calls a function with each value until the channel is closed.
---@param f fun(value: any)
function channel:range(f) end

--- How many values are in it.
---@return integer
function channel:len() end

--- How many it can hold.
---@return integer
function channel:cap() end

--- Whether it is closed.
---@return boolean
function channel:is_closed() end

--- A context that nothing ends but `cancel`.
---@return context
function goroutine.context() end

--- A context that ends with this one, or when the function is called.
---@return context context
---@return fun() cancel
function context:with_cancel() end

--- The same, and after so many milliseconds.
---@param milliseconds number
---@return context context
---@return fun() cancel
function context:with_timeout(milliseconds) end

--- The same, and at a time in milliseconds since 1970.
---@param deadline number
---@return context context
---@return fun() cancel
function context:with_deadline(deadline) end

--- Ends it and all that came from it.
function context:cancel() end

--- Why it has ended, or nil.
---@return string?
function context:err() end

--- Whether it has ended.
---@return boolean
function context:is_cancelled() end

--- When it ends by itself, in milliseconds since 1970.
---@return number? deadline
---@return boolean has_deadline
function context:deadline() end

--- A channel that is closed when it ends, for `goroutine.select`.
---@return channel
function context:done() end

--- Counts what is under way, and waits until it is none.
---@return wait_group
function goroutine.wait_group() end

--- Lets so many in at a time.
---@param permits integer how many can have it at once
---@return semaphore
function goroutine.semaphore(permits) end

--- A number that several goroutines change.
---@param value integer? 0 by default
---@return atomic_int
function goroutine.atomic_int(value) end

--- Counts so many more.
---@param delta integer? 1 by default
function wait_group:add(delta) end

--- Counts one less.
function wait_group:done() end

--- Waits until the count is 0.
function wait_group:wait() end

--- Waits until it has a free place, and takes that.
function semaphore:acquire() end

--- Takes a place if one is free.
---@return boolean taken
function semaphore:try_acquire() end

--- Gives a place up, to whoever has waited longest.
function semaphore:release() end

--- How many places are free.
---@return integer
function semaphore:available() end

--- How many places there are.
---@return integer
function semaphore:capacity() end

--- Adds to it.
---@param delta integer
---@return integer value # the new one
function atomic_int:add(delta) end

--- The number.
---@return integer
function atomic_int:load() end

--- Sets it.
---@param value integer
function atomic_int:store(value) end

--- Sets it, and gives the number before.
---@param value integer
---@return integer value # the one before
function atomic_int:swap(value) end

--- Sets it if it is the old number.
---@param old integer
---@param new integer
---@return boolean swapped
function atomic_int:compare_and_swap(old, new) end

--- Lets one in at a time.
---@return mutex
function goroutine.mutex() end

--- Many readers or one writer. Readers that come after a waiting writer wait too.
---@return rwmutex
function goroutine.rwmutex() end

--- What goroutines wait for until another one says that they shall look again.
---@param mutex mutex? its own one by default
---@return cond
function goroutine.cond(mutex) end

--- Waits until nobody else has it, and takes it.
function mutex:lock() end

--- Takes it if nobody has it.
---@return boolean taken
function mutex:try_lock() end

--- Gives it to whoever has waited longest.
function mutex:unlock() end

--- Takes it for reading; waits for writers.
function rwmutex:rlock() end

--- Takes it for writing; waits for all others.
function rwmutex:lock() end

--- Takes it for reading if that needs no waiting.
---@return boolean taken
function rwmutex:try_rlock() end

--- Takes it for writing if that needs no waiting.
---@return boolean taken
function rwmutex:try_lock() end

--- Gives up reading.
function rwmutex:runlock() end

--- Gives up writing.
function rwmutex:unlock() end

--- The mutex that must be held to wait.
---@return mutex
function cond:get_mutex() end

--- Gives the mutex up, waits for a signal, and takes the mutex again.
function cond:wait() end

--- Wakes the one that has waited longest.
function cond:signal() end

--- Wakes all.
function cond:broadcast() end

--- Calls a function the first time only.
---@return once
function goroutine.once() end

--- Calls the function unless some function was called before; then it waits for that one's end. An
--- error is one of who called it; it was called nevertheless.
---@param f fun()
function once:call(f) end

--- Makes a pool; one of the same name is given up for it.
---@param name string
---@param options { workers: integer?, queue_size: integer? }? 4 workers by default, and any number of functions in the row
---@return boolean
function goroutine.pool_create(name, options) end

--- Lets a worker call a function with these arguments. Waits while the row is as long as `queue_size`.
---@param name string
---@param f function
---@param ... any
---@return string id of what was submitted
function goroutine.pool_submit(name, f, ...) end

--- Waits until all that was submitted is done.
---@param name string
---@return boolean
function goroutine.pool_wait(name) end

--- What a pool does at this moment.
---@param name string
---@return { name: string, workers: integer, active: integer, queued: integer, pending: integer, completed: integer, failed: integer, submitted: integer }
function goroutine.pool_stats(name) end

--- Waits until all is done, and gives the pool up.
---@param name string
---@return boolean
function goroutine.pool_close(name) end
