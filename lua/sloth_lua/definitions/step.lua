---@meta

--- `step`: a piece of a task that is done once in a run. A retry of the task, and a
--- [resumed](../how-to/resume.md) run, get its result from the store and do not do it again.
---
--- - Results are JSON, several are allowed. What comes back is the same each time: plain values; `nil`
---   and `json.null` are both `nil`.
--- - An error in it is not kept. The step may be called again.
--- - Steps belong to their task: each name once in a try, and in the same order each time. Another step
---   at the place of one that was done is an error that names both. A step cannot be inside another.
--- - They belong to the command, `pre_hook` and `post_hook`. A plan calls the function, as it runs
---   everything else.

--- Calls a function and returns what it returns, which is kept, and is durable when the call returns.
---@param name string
---@param f fun(): any
---@return any ...
function step(name, f) end
