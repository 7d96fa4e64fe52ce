---@meta

---@class workflows
---@overload fun(name: string|table, fields: table?): workflow
workflow = {}

---@class outcome also usable as its message: "…" .. outcome, tostring(outcome)
---@field changed boolean
---@field message string

--- Defines a task: `task("name")` and methods, or a table of options: `task({ name = …, command = … })`,
--- `task "name" { … }` or `task("name", { … })`. `task("name", function() … end)` has only a command.
--- In a table of tasks by name, `tasks = { build = task({ command = … }) }`, the name can be left out.
---@param name string|table
---@param fields table|function|nil
---@return task
function task(name, fields) end

--- Defines a workflow, the unit that has a state; a table has its options.
---@param name string|table
---@param fields table?
---@return workflow
function workflow.define(name, fields) end

--- A list of tasks under a name, to be put into a workflow: `group "web" { task "a" { … }, … }`.
---@param name string
---@return fun(items: table): table
function group(name) end

--- Writes values to the run's output, as `log.print` does.
---@param ... any
function print(...) end

--- A built-in module, or a Lua file in the folder of the script: `require("lib.web")`.
---@param name string
---@return any
function require(name) end

file = file_ops
Values = values
