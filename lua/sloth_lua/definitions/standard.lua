---@meta

--- Additions to Lua's own `string`, `math`, `os` and `io`. `os.execute` and `io.popen` run their
--- commands with `bash -c` in the task's folder, as the task's user, and other tasks go on.
---
--- `split`, `trim`, `contains`, `starts_with` and `ends_with` are methods of every text: `("a b"):split(" ")`.
--- There are `math.e` and `math.phi`. Without a seed the random numbers are the same in every run; what
--- must not be guessed comes from `crypto`. Functions that read or write files do not let other tasks go
--- on, and their relative paths start at the folder in which `sloth-runner` was started. `os.exit` is
--- not available.

---@class pipe
local pipe = {}

--- The parts of a text between separators, which are plain text; of "" one empty part.
---@param text string
---@param separator string? "," by default
---@return string[]
function string.split(text, separator) end

--- A text without the white space at both its ends.
---@param text string
---@return string
function string.trim(text) end

--- Whether a text has another one, which is no pattern, in it.
---@param text string
---@param part string
---@return boolean
function string.contains(text, part) end

--- Whether a text begins with another one.
---@param text string
---@param prefix string
---@return boolean
function string.starts_with(text, prefix) end

--- Whether a text ends with another one.
---@param text string
---@param suffix string
---@return boolean
function string.ends_with(text, suffix) end

--- Begins the sequence of random numbers that belongs to a number.
---@param number number
function math.seed(number) end

--- The nearest whole number, or the nearest one with so many decimal digits; a half goes away from 0.
---@param number number
---@param digits integer? 0 by default
---@return number
function math.round(number, digits) end

--- The number, or the limit that it is beyond.
---@param number number
---@param lowest number
---@param highest number
---@return number
function math.clamp(number, lowest, highest) end

--- The cube root.
---@param number number
---@return number
function math.cbrt(number) end

--- The logarithm to the base 2.
---@param number number
---@return number
function math.log2(number) end

--- A random whole number between two, these included; of the sequence that `math.seed` begins.
---@param lowest integer
---@param highest integer
---@return integer
function math.random_int(lowest, highest) end

--- A random number between two; of the sequence that `math.seed` begins.
---@param lowest number
---@param highest number
---@return number
function math.random_float(lowest, highest) end

--- The sum of a list of numbers; 0 of an empty one.
---@param numbers number[]
---@return number
function math.sum(numbers) end

--- The arithmetic mean of a list of numbers, which must not be empty.
---@param numbers number[]
---@return number
function math.mean(numbers) end

--- The number in the middle of a sorted list, or the mean of the two there.
---@param numbers number[]
---@return number
function math.median(numbers) end

--- The number that a list has most often; of several, the one that comes first.
---@param numbers number[]
---@return number
function math.mode(numbers) end

--- The mean squared distance of the numbers from their mean (that of a whole population).
---@param numbers number[]
---@return number
function math.variance(numbers) end

--- The square root of the variance.
---@param numbers number[]
---@return number
function math.std_dev(numbers) end

--- Runs a command to its end. Its output is shown as that of `exec.run` is; it reads nothing.
---@param command string? without one, the answer is whether there is a shell: 1
---@return integer status 0 if it exits with 0, else its exit code times 256
function os.execute(command) end

--- Starts a command as a file that can be read or written while it runs. When the task ends first, the
--- file is closed, and what still runs 2 s later is killed.
---@param command string
---@param mode "r"|"w"? "r", to read what it writes, by default; "w" to write what it reads
---@return pipe? file
---@return string? problem
function io.popen(command, mode) end

--- Closes a file, one of `io.popen` too; without one, the default output.
---@param file file*|pipe|nil
---@param ... any
function io.close(file, ...) end

--- What a value is: "file", "closed file", or nil if it is no file.
---@param value any
---@return string?
function io.type(value) end

--- Writes texts and numbers to the default output. What is written to the standard output, with
--- `io.stdout:write` too, becomes lines of the run's output, each call at least one.
---@param ... string|number
---@return true
function io.write(...) end

--- Reads what the command writes, and waits for it: "*l" a line (by default), "*L" with its end,
--- "*a" all, "*n" a number, or so many bytes. Nil at the end.
---@param ... string|integer
---@return string|number|nil ...
function pipe:read(...) end

--- An iterator over the lines, or over what `read` gives for these formats.
---@param ... string|integer
---@return fun(): string|number|nil ...
function pipe:lines(...) end

--- Writes texts and numbers to the command, and waits until it has taken most of them.
---@param ... string|number
---@return pipe? itself, or nil, a message and a number if the command does not listen any more
function pipe:write(...) end

--- Waits until the command exits.
---@return true? ok nil if it did not exit with 0
---@return "exit"|"signal" how
---@return integer code
function pipe:close() end

--- Changes nothing: what is written goes out at once.
---@return pipe
function pipe:flush() end

--- Changes nothing.
---@return true
function pipe:setvbuf() end

--- Is not possible: nil, a message and a number.
---@return nil
---@return string problem
---@return integer
function pipe:seek() end
