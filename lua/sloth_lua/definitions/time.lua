---@meta

--- `time`: moments, which are seconds since 1970 (UTC) as those of `os.time` are, as text and back.
--- A layout is that of `os.date` ("%Y-%m-%d"), or an example of the moment 2006-01-02 15:04:05 -07:00 ("02.01.2006",
--- "15:04:05.000" with milliseconds). Texts are in local time, if they do not say otherwise; in UTC, if a layout
--- begins with "!".
---@class time
time = {}

--- The year of a moment, the present one by default, in local time.
---@param moment number?
---@return integer
function time.year(moment) end

--- The month of a moment, from 1.
---@param moment number?
---@return integer
function time.month(moment) end

--- The day of the month of a moment, from 1.
---@param moment number?
---@return integer
function time.day(moment) end

--- The hour of a moment, from 0 to 23.
---@param moment number?
---@return integer
function time.hour(moment) end

--- The minute of a moment.
---@param moment number?
---@return integer
function time.minute(moment) end

--- The second of a moment.
---@param moment number?
---@return integer
function time.second(moment) end

--- The present moment, in whole seconds.
---@return integer
function time.now() end

--- A moment in whole seconds, the present one by default.
---@param moment number?
---@return integer
function time.unix(moment) end

--- Waits while other tasks go on.
---@param duration number|string seconds, or "250ms"
function time.sleep(duration) end

--- A moment as text.
---@param moment number? the present one by default
---@param layout string? that of RFC 3339 by default
---@return string
function time.format(moment, layout) end

--- The moment that a text names, or nil and a message.
---@param layout string
---@param text string
---@return number? moment
---@return string? problem
function time.parse(layout, text) end

--- A moment as RFC 3339 has it: "2026-01-02T15:04:05+01:00".
---@param moment number? the present one by default
---@return string
function time.rfc3339(moment) end

--- Seconds of a duration such as "1h30m", or nil and a message.
---@param text string|number
---@return number? seconds
---@return string? problem
function time.duration(text) end

--- The moment so much later.
---@param moment number
---@param duration number|string seconds, or "2h30m"
---@return number
function time.add(moment, duration) end

--- The moment so much earlier.
---@param moment number
---@param duration number|string seconds, or "2h30m"
---@return number
function time.sub(moment, duration) end

--- Seconds that have passed since a moment, with their fraction.
---@param moment number
---@return number
function time.since(moment) end

--- The last moment before this one that is a multiple of a duration.
---@param moment number
---@param duration number|string more than 0
---@return number
function time.truncate(moment, duration) end

--- The nearest moment that is a multiple of a duration.
---@param moment number
---@param duration number|string more than 0
---@return number
function time.round(moment, duration) end

--- The English name of a moment's day, in local time.
---@param moment number? the present one by default
---@return string
function time.weekday(moment) end

--- Whether a moment is before another.
---@param moment number
---@param other number
---@return boolean
function time.before(moment, other) end

--- Whether a moment is after another.
---@param moment number
---@param other number
---@return boolean
function time.after(moment, other) end

--- Whether two moments are the same.
---@param moment number
---@param other number
---@return boolean
function time.equal(moment, other) end
