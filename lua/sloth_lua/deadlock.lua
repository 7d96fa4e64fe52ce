--- What a deadlock is said to be: who waits for what, and where in the script.

local guards = ...
local next, getinfo, find, format, concat = next, debug.getinfo, string.find, string.format, table.concat
local LIBRARY = guards.LIBRARY

local MOST_NAMED = 10

-- Where a parked thread waits, as far as its stack tells.
local function place_of(thread)
  local level, info = 0, getinfo(thread.co, 0, "Sl")
  while info and (info.currentline < 0 or find(info.source, LIBRARY)) do
    level = level + 1
    info = getinfo(thread.co, level, "Sl")
  end
  return info and format(" at %s:%d", info.short_src, info.currentline) or ""
end

local function who(thread)
  local name = thread.owner.name
  local task = name and "the task '" .. name .. "'" or "the file's top level"
  return thread.owner == thread and task or "a goroutine of " .. task
end

---@param waiting runner_thread[] in the order of their beginning
---@return string
return function(waiting)
  local parts = {}
  for index, thread in next, waiting do
    if index > MOST_NAMED then break end
    parts[index] = format("%s waits %s%s", who(thread), thread.waits_for, place_of(thread))
  end
  local rest = #waiting - MOST_NAMED
  return "deadlock: nothing can go on: " .. concat(parts, "; ") .. (rest > 0 and format("; and %d more", rest) or "")
end
