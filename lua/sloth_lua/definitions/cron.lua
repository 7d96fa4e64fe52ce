---@meta

--- `cron`: entries in users' crontabs, by name; all other lines are kept. What is so already is left
--- alone. Results are true and a table with `changed` and `message`, or false and a message. An entry
--- belongs to its workflow, so these calls need a run, but for `cron.validate_schedule`.
---@class cron
cron = {}

--- Adds an entry, or changes the one of that name: `cron.add{ name = "backup", schedule = "@daily",
--- command = "backup.sh" }`.
---@param name string|{ name: string, schedule: string, command: string, user: string?, env: table<string, string>? }
---@param schedule string? five fields, or one such as @daily
---@param command string? one line of shell
---@return boolean ok
---@return outcome|string result or problem
function cron.add(name, schedule, command) end

--- Removes an entry.
---@param name string|{ name: string, user: string? }
---@param user string? by default who runs the workflow
---@return boolean ok
---@return outcome|string result or problem
function cron.remove(name, user) end

--- Whether there is an entry.
---@param name string|{ name: string, user: string? }
---@param user string?
---@return boolean
---@return string? problem
function cron.exists(name, user) end

--- Lets an entry be run again that was disabled.
---@param name string|{ name: string, user: string? }
---@param user string?
---@return boolean ok
---@return outcome|string result or problem
function cron.enable(name, user) end

--- Keeps an entry and lets it not be run.
---@param name string|{ name: string, user: string? }
---@param user string?
---@return boolean ok
---@return outcome|string result or problem
function cron.disable(name, user) end

--- The entries of this workflow, in their order: name schedule command user enabled. A command is as
--- cron has it, with its variables before it.
---@param user string?
---@return table[]? entries
---@return string? problem
function cron.list(user) end

--- Whether cron takes a schedule.
---@param schedule string
---@return boolean
---@return string message the schedule as it is written, or the problem
function cron.validate_schedule(schedule) end
