--- Additions to Lua's own `string`, `math`, `os` and `io`. `os.execute` and `io.popen` run their
--- commands with `bash -c` in the task's folder, as the task's user, and other tasks go on.
---
--- `split`, `trim`, `contains`, `starts_with` and `ends_with` are methods of every text: `("a b"):split(" ")`.
--- There are `math.e` and `math.phi`. Without a seed the random numbers are the same in every run; what
--- must not be guessed comes from `crypto`. Functions that read or write files do not let other tasks go
--- on, and their relative paths start at the folder in which `sloth-runner` was started. `os.exit` is
--- not available.

local host, library = ...
local ipairs, select, type = ipairs, select, type
local find, sub, gsub, sort, concat = string.find, string.sub, string.gsub, table.sort, table.concat
local floor, sqrt, random, abs, log = math.floor, math.sqrt, math.random, math.abs, math.log
local want, blame = host.want, host.blame

-- ---------------------------------------------------------------------- numbers

local raw_tonumber = tonumber

--- As in Lua; what behaves as text, such as a result of `exec.run`, is taken for it.
---@param value any
---@param base integer?
---@return number?
function tonumber(value, base)
  if type(value) == "table" and host.behaves_as_text(value) then value = host.text(value) end
  return raw_tonumber(value, base)
end

-- ---------------------------------------------------------------------- string

--- The parts of a text between separators, which are plain text; of "" one empty part.
---@param text string
---@param separator string? "," by default
---@return string[]
function string.split(text, separator)
  text = want("string.split", "text", text, "string")
  separator = host.want_or_nil("string.split", "separator", separator, "string") or ","
  if separator == "" then blame("string.split: separator must not be empty") end
  local parts, from = host.list(), 1
  while true do
    local first, last = find(text, separator, from, true)
    if not first then break end
    parts[#parts + 1] = sub(text, from, first - 1)
    from = last + 1
  end
  parts[#parts + 1] = sub(text, from)
  return parts
end

--- A text without the white space at both its ends.
---@param text string
---@return string
function string.trim(text)
  text = want("string.trim", "text", text, "string")
  local first = find(text, "%S")
  if not first then return "" end
  local last = #text
  while find(text, "^%s", last) do last = last - 1 end
  return sub(text, first, last)
end

--- Whether a text has another one, which is no pattern, in it.
---@param text string
---@param part string
---@return boolean
function string.contains(text, part)
  text, part = want("string.contains", "text", text, "string"), want("string.contains", "part", part, "string")
  return find(text, part, 1, true) ~= nil
end

--- Whether a text begins with another one.
---@param text string
---@param prefix string
---@return boolean
function string.starts_with(text, prefix)
  text = want("string.starts_with", "text", text, "string")
  prefix = want("string.starts_with", "prefix", prefix, "string")
  return sub(text, 1, #prefix) == prefix
end

--- Whether a text ends with another one.
---@param text string
---@param suffix string
---@return boolean
function string.ends_with(text, suffix)
  text = want("string.ends_with", "text", text, "string")
  suffix = want("string.ends_with", "suffix", suffix, "string")
  return suffix == "" or sub(text, -#suffix) == suffix
end

-- ---------------------------------------------------------------------- math

math.e, math.phi = 2.718281828459045, 1.618033988749895

--- Begins the sequence of random numbers that belongs to a number.
---@param number number
math.seed = math.randomseed

--- The nearest whole number, or the nearest one with so many decimal digits; a half goes away from 0.
---@param number number
---@param digits integer? 0 by default
---@return number
function math.round(number, digits)
  number = want("math.round", "number", number, "number")
  local scale = 10 ^ (host.want_or_nil("math.round", "digits", digits, "number") or 0)
  local size = abs(number * scale)
  local whole = floor(size)
  if size ~= size or whole == size then return number end
  if size - whole >= 0.5 then whole = whole + 1 end
  return (number < 0 and -whole or whole) / scale + 0 -- no -0
end

--- The number, or the limit that it is beyond.
---@param number number
---@param lowest number
---@param highest number
---@return number
function math.clamp(number, lowest, highest)
  number = want("math.clamp", "number", number, "number")
  lowest = want("math.clamp", "lowest", lowest, "number")
  highest = want("math.clamp", "highest", highest, "number")
  if lowest > highest then blame("math.clamp: lowest must not be more than highest") end
  return number < lowest and lowest or number > highest and highest or number
end

--- The cube root.
---@param number number
---@return number
function math.cbrt(number)
  number = want("math.cbrt", "number", number, "number")
  return number < 0 and -((-number) ^ (1 / 3)) or number ^ (1 / 3)
end

--- The logarithm to the base 2.
---@param number number
---@return number
function math.log2(number) return log(want("math.log2", "number", number, "number")) / log(2) end

local function limits(call, lowest, highest)
  lowest, highest = want(call, "lowest", lowest, "number"), want(call, "highest", highest, "number")
  if lowest > highest then blame(call .. ": lowest must not be more than highest") end
  return lowest, highest
end

--- A random whole number between two, these included; of the sequence that `math.seed` begins.
---@param lowest integer
---@param highest integer
---@return integer
function math.random_int(lowest, highest)
  lowest, highest = limits("math.random_int", lowest, highest)
  if lowest % 1 ~= 0 or highest % 1 ~= 0 then blame("math.random_int: lowest and highest must be whole numbers") end
  return random(lowest, highest)
end

--- A random number between two; of the sequence that `math.seed` begins.
---@param lowest number
---@param highest number
---@return number
function math.random_float(lowest, highest)
  lowest, highest = limits("math.random_float", lowest, highest)
  return lowest + random() * (highest - lowest)
end

local function numbers_of(call, numbers)
  want(call, "numbers", numbers, "table")
  for index, number in ipairs(numbers) do want(call, "item " .. index, number, "number") end
  return numbers
end

local function some_numbers(call, numbers)
  if #numbers_of(call, numbers) == 0 then blame(call .. ": there are no numbers") end
  return numbers
end

local function sum(numbers)
  local total = 0
  for _, number in ipairs(numbers) do total = total + number end
  return total
end

--- The sum of a list of numbers; 0 of an empty one.
---@param numbers number[]
---@return number
function math.sum(numbers) return sum(numbers_of("math.sum", numbers)) end

--- The arithmetic mean of a list of numbers, which must not be empty.
---@param numbers number[]
---@return number
function math.mean(numbers) return sum(some_numbers("math.mean", numbers)) / #numbers end

--- The number in the middle of a sorted list, or the mean of the two there.
---@param numbers number[]
---@return number
function math.median(numbers)
  local sorted, count = {}, #some_numbers("math.median", numbers)
  for index = 1, count do sorted[index] = numbers[index] end
  sort(sorted)
  return (sorted[floor((count + 1) / 2)] + sorted[floor(count / 2) + 1]) / 2
end

--- The number that a list has most often; of several, the one that comes first.
---@param numbers number[]
---@return number
function math.mode(numbers)
  local counts, mode = {}, nil
  for _, number in ipairs(some_numbers("math.mode", numbers)) do counts[number] = (counts[number] or 0) + 1 end
  for _, number in ipairs(numbers) do
    if not mode or counts[number] > counts[mode] then mode = number end
  end
  return mode
end

local function variance(numbers)
  local mean, total = sum(numbers) / #numbers, 0
  for _, number in ipairs(numbers) do total = total + (number - mean) ^ 2 end
  return total / #numbers
end

--- The mean squared distance of the numbers from their mean (that of a whole population).
---@param numbers number[]
---@return number
function math.variance(numbers) return variance(some_numbers("math.variance", numbers)) end

--- The square root of the variance.
---@param numbers number[]
---@return number
function math.std_dev(numbers) return sqrt(variance(some_numbers("math.std_dev", numbers))) end

-- ---------------------------------------------------------------------- os

--- Runs a command to its end. Its output is shown as that of `exec.run` is; it reads nothing.
---@param command string? without one, the answer is whether there is a shell: 1
---@return integer status 0 if it exits with 0, else its exit code times 256
function os.execute(command)
  if command == nil then return 1 end
  return host.wait("os.execute", want("os.execute", "command", command, "string"))
end

-- ---------------------------------------------------------------------- io

local close_file, type_of_file, output, stdout = io.close, io.type, io.output, io.stdout
local file_methods = getmetatable(stdout).__index
local write_to_file = file_methods.write
local pipes -- compiled when it is needed, by few scripts

--- Starts a command as a file that can be read or written while it runs. When the task ends first, the
--- file is closed, and what still runs 2 s later is killed.
---@param command string
---@param mode "r"|"w"? "r", to read what it writes, by default; "w" to write what it reads
---@return pipe? file
---@return string? problem
function io.popen(command, mode)
  pipes = pipes or library("pipes")(host)
  return pipes.open(command, mode)
end

--- Closes a file, one of `io.popen` too; without one, the default output.
---@param file file*|pipe|nil
---@param ... any
function io.close(file, ...)
  if pipes and pipes.is_pipe(file) then return file:close() end
  if file == nil then return close_file() end
  return close_file(file, ...)
end

--- What a value is: "file", "closed file", or nil if it is no file.
---@param value any
---@return string?
function io.type(value)
  if pipes and pipes.is_pipe(value) then return value.is_closed and "closed file" or "file" end
  return type_of_file(value)
end

local function write_to_run(name, ...)
  local texts = {}
  for index = 1, select("#", ...) do
    texts[index] = want(name, "argument " .. index, select(index, ...), "string")
  end
  local text = concat(texts)
  if text ~= "" then host.call("log", "print", (gsub(text, "\n$", ""))) end
  return true
end

file_methods.write = function(file, ...)
  if file == stdout then return write_to_run("io.stdout:write", ...) end
  return write_to_file(file, ...)
end

--- Writes texts and numbers to the default output. What is written to the standard output, with
--- `io.stdout:write` too, becomes lines of the run's output, each call at least one.
---@param ... string|number
---@return true
function io.write(...)
  local file = output()
  if file == stdout then return write_to_run("io.write", ...) end
  return file:write(...)
end
