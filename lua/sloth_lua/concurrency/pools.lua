--- Pools of workers: functions wait in a row until one of a few workers is free.

local host, threads, waiting = ...
local queue, wait_in, next_in, wake, wake_all = waiting.queue, waiting.wait_in, waiting.next_in, waiting.wake, waiting.wake_all
local want, unpack, select, pcall, next, ipairs = host.want, unpack, select, pcall, next, ipairs

local M = {}
local pools = {} -- by name

local OPTIONS = { workers = "number?", queue_size = "number?" }

local function pool_of(call, name)
  name = want("goroutine." .. call, "name", name, "string")
  if pools[name] then return pools[name] end
  local known = {}
  for each in next, pools do known[#known + 1] = each end
  return host.unknown("goroutine." .. call .. ": there is no pool", name, known)
end

-- Those whose task has not ended.
local function working(pool)
  local count = 0
  for worker in next, pool.workers do
    if worker.is_over then pool.workers[worker] = nil else count = count + 1 end
  end
  return count
end

local function is_idle(pool) return pool.jobs:size() == 0 and working(pool) == 0 end

local function report(pool, ok, problem)
  if ok then
    pool.completed = pool.completed + 1
  else
    pool.failed = pool.failed + 1
    host.call("log", "warn", "pool " .. pool.name .. ": " .. host.text(problem))
  end
end

local function work(pool)
  local job = pool.jobs:pop()
  while job do
    local sender = next_in(pool.senders)
    if sender then wake(sender) end
    report(pool, pcall(job.f, unpack(job, 1, job.count)))
    job = pool.jobs:pop()
  end
  pool.workers[threads.current()] = nil
  if is_idle(pool) then wake_all(pool.waiters) end
end

--- Makes a pool; one of the same name is given up for it.
---@param name string
---@param options { workers: integer?, queue_size: integer? }? 4 workers by default, and any number of functions in the row
---@return boolean
function M.pool_create(name, options)
  name = want("goroutine.pool_create", "name", name, "string")
  options = host.want_fields("goroutine.pool_create", options or {}, OPTIONS)
  local size = options.workers or 4
  for _, option in ipairs({ "workers", "queue_size" }) do
    if options[option] then host.whole("goroutine.pool_create", option, options[option], 1) end
  end
  pools[name] = {
    name = name, size = size, limit = options.queue_size, workers = {},
    jobs = queue(), senders = queue(), waiters = queue(), completed = 0, failed = 0, submitted = 0,
  }
  return true
end

--- Lets a worker call a function with these arguments. Waits while the row is as long as `queue_size`.
---@param name string
---@param f function
---@param ... any
---@return string id of what was submitted
function M.pool_submit(name, f, ...)
  local pool = pool_of("pool_submit", name)
  want("goroutine.pool_submit", "its function", f, "function")
  if pool.limit and pool.jobs:size() >= pool.limit and working(pool) >= pool.size then
    wait_in(pool.senders, "for room in the pool " .. name)
  end
  pool.jobs:push({ f = f, count = select("#", ...), ... })
  pool.submitted = pool.submitted + 1
  if working(pool) < pool.size then
    pool.workers[threads.spawn(function() work(pool) end)] = true
  end
  return name .. "-" .. pool.submitted
end

--- Waits until all that was submitted is done.
---@param name string
---@return boolean
function M.pool_wait(name)
  local pool = pool_of("pool_wait", name)
  if not is_idle(pool) then wait_in(pool.waiters, "for the pool " .. name) end
  return true
end

--- What a pool does at this moment.
---@param name string
---@return { name: string, workers: integer, active: integer, queued: integer, pending: integer, completed: integer, failed: integer, submitted: integer }
function M.pool_stats(name)
  local pool = pool_of("pool_stats", name)
  local queued = pool.jobs:size()
  return {
    name = name, workers = pool.size, active = working(pool), queued = queued, pending = queued,
    completed = pool.completed, failed = pool.failed, submitted = pool.submitted,
  }
end

--- Waits until all is done, and gives the pool up.
---@param name string
---@return boolean
function M.pool_close(name)
  M.pool_wait(name)
  pools[name] = nil
  return true
end

return M
