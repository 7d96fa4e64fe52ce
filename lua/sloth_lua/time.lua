--- `time`: moments, which are seconds since 1970 (UTC) as those of `os.time` are, as text and back.
--- A layout is that of `os.date` ("%Y-%m-%d"), or an example of the moment 2006-01-02 15:04:05 -07:00 ("02.01.2006",
--- "15:04:05.000" with milliseconds). Texts are in local time, if they do not say otherwise; in UTC, if a layout
--- begins with "!".

local host = ...
local date, now, floor, type, format = os.date, os.time, math.floor, type, string.format
local want = host.want

---@class time
---@field year fun(moment: number?): integer the year of a moment, the present one by default, in local time
---@field month fun(moment: number?): integer the month of a moment, from 1
---@field day fun(moment: number?): integer the day of the month of a moment, from 1
---@field hour fun(moment: number?): integer the hour of a moment, from 0 to 23
---@field minute fun(moment: number?): integer the minute of a moment
---@field second fun(moment: number?): integer the second of a moment
local time = {}

local EARLIEST, LATEST = -62135596800, 253402300799 -- the years 1 to 9999

local function moment_or_now(call, moment)
  moment = host.want_or_nil(call, "moment", moment, "number") or now()
  if not (moment >= EARLIEST and moment <= LATEST) then host.blame(format("%s: %g is no moment that has a date", call, moment)) end
  return moment
end

--- The present moment, in whole seconds.
---@return integer
function time.now() return now() end

--- A moment in whole seconds, the present one by default.
---@param moment number?
---@return integer
function time.unix(moment) return floor(moment_or_now("time.unix", moment)) end

--- Waits while other tasks go on.
---@param duration number|string seconds, or "250ms"
function time.sleep(duration) host.wait("sleep", host.seconds("time.sleep", "duration", duration)) end

--- A moment as text.
---@param moment number? the present one by default
---@param layout string? that of RFC 3339 by default
---@return string
function time.format(moment, layout)
  moment = moment_or_now("time.format", moment)
  return host.call("time.format", moment, host.want_or_nil("time.format", "layout", layout, "string"))
end

--- The moment that a text names, or nil and a message.
---@param layout string
---@param text string
---@return number? moment
---@return string? problem
function time.parse(layout, text)
  layout = want("time.parse", "layout", layout, "string")
  return host.call("time.parse", layout, want("time.parse", "text", text, "string"))
end

--- A moment as RFC 3339 has it: "2026-01-02T15:04:05+01:00".
---@param moment number? the present one by default
---@return string
function time.rfc3339(moment) return host.call("time.format", moment_or_now("time.rfc3339", moment)) end

--- Seconds of a duration such as "1h30m", or nil and a message.
---@param text string|number
---@return number? seconds
---@return string? problem
function time.duration(text)
  if type(text) ~= "number" then text = want("time.duration", "text", text, "string") end
  return host.call("duration", text)
end

--- The moment so much later.
---@param moment number
---@param duration number|string seconds, or "2h30m"
---@return number
function time.add(moment, duration)
  return want("time.add", "moment", moment, "number") + host.seconds("time.add", "duration", duration)
end

--- The moment so much earlier.
---@param moment number
---@param duration number|string seconds, or "2h30m"
---@return number
function time.sub(moment, duration)
  return want("time.sub", "moment", moment, "number") - host.seconds("time.sub", "duration", duration)
end

--- Seconds that have passed since a moment, with their fraction.
---@param moment number
---@return number
function time.since(moment) return host.call("time.now") - want("time.since", "moment", moment, "number") end

--- The last moment before this one that is a multiple of a duration.
---@param moment number
---@param duration number|string more than 0
---@return number
function time.truncate(moment, duration)
  moment = want("time.truncate", "moment", moment, "number")
  return moment - moment % host.seconds("time.truncate", "duration", duration, true)
end

--- The nearest moment that is a multiple of a duration.
---@param moment number
---@param duration number|string more than 0
---@return number
function time.round(moment, duration)
  local step = host.seconds("time.round", "duration", duration, true)
  return floor(want("time.round", "moment", moment, "number") / step + 0.5) * step
end

for name, field in next, { year = "year", month = "month", day = "day", hour = "hour", minute = "min", second = "sec" } do
  time[name] = function(moment) return date("*t", moment_or_now("time." .. name, moment))[field] end
end

--- The English name of a moment's day, in local time.
---@param moment number? the present one by default
---@return string
function time.weekday(moment) return host.call("time.format", moment_or_now("time.weekday", moment), "Monday") end

--- Whether a moment is before another.
---@param moment number
---@param other number
---@return boolean
function time.before(moment, other)
  return want("time.before", "moment", moment, "number") < want("time.before", "other", other, "number")
end

--- Whether a moment is after another.
---@param moment number
---@param other number
---@return boolean
function time.after(moment, other)
  return want("time.after", "moment", moment, "number") > want("time.after", "other", other, "number")
end

--- Whether two moments are the same.
---@param moment number
---@param other number
---@return boolean
function time.equal(moment, other)
  return want("time.equal", "moment", moment, "number") == want("time.equal", "other", other, "number")
end

return time
