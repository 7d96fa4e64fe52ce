---@meta

--- The methods of what `task` returns. Each returns the task, so they can be chained; the fields of a
--- table form have the same names. A task's functions are called with `this`, `params` and, third,
--- what is said here; hooks of one kind are all kept and called in turn.
---@class task
local task = {}

---@alias task_condition fun(this: this, params: params, deps: table<string, table>): boolean?
---@alias task_hook fun(this: this, params: params, output: table?)
---@alias workflow_hook fun(success: boolean, results: table<string|integer, task_result>)

---@class this_workdir its functions work with a dot and with a colon
---@field get fun(): string the path
---@field exists fun(): boolean
---@field ensure fun(): boolean, string? makes it if it is not there
---@field cleanup fun(): boolean, string? deletes it with all in it; only a folder that the task named with `task:workdir`
---@field recreate fun(): boolean, string? deletes it and makes it again

---@class this the first argument of a task's functions
---@field name string also callable: this.name()
---@field workdir this_workdir the task's folder; as a text it is its path
---@field attempt integer 1 for the first try in this run
---@field agent string the machine that its commands run on; "local" is the runner's own

---@class params the second argument of a task's functions; it has the values of `task:params` too
---@field task_name string
---@field workflow_name string
---@field workdir string the path of the task's folder

---@class task_result what a hook of a workflow finds of a task: its output, and beside that
---@field name string
---@field task_name string the same
---@field status "success"|"failed"|"skipped"
---@field success boolean
---@field message string
---@field attempts integer
---@field error string?

--- What `list` shows.
---@param value string
---@return task
function task:description(value) end

--- The folder for its paths and commands, relative to the workflow's, or else to the file's; `this.workdir.ensure()` makes it.
---@param value string
---@return task
function task:workdir(value) end

--- The user as whom its commands run; needs root.
---@param value string
---@return task
function task:user(value) end

--- A function (with the outputs of its dependencies) or a shell command; if it says no, the task is skipped, and those that depend on it run.
---@param value string|task_condition
---@return task
function task:run_if(value) end

--- A function or a shell command; if it says yes, the task fails and nothing more is started.
---@param value string|task_condition
---@return task
function task:abort_if(value) end

--- Called before the command; an error in it fails the task.
---@param f task_hook
---@return task
function task:pre_hook(f) end

--- Called after the command, if that has succeeded; an error in it fails the task.
---@param f task_hook
---@return task
function task:post_hook(f) end

--- Called with the output when the task has succeeded; an error in it fails the task.
---@param f task_hook
---@return task
function task:on_success(f) end

--- Called when all tries have failed; third is the task's output with `error` in it, which can be used as a text.
---@param f task_hook
---@return task
function task:on_failure(f) end

--- The same as `task:on_failure`.
---@param f task_hook
---@return task
function task:on_fail(f) end

--- Called when a try has taken longer than `timeout`, as `on_failure` is.
---@param f task_hook
---@return task
function task:on_timeout(f) end

--- Called at the end, whatever it is.
---@param f task_hook
---@return task
function task:on_complete(f) end

--- Changes nothing; older files end with it.
---@return task
function task:build() end

--- What the task does: a function, a shell command, or another task, of which it takes the command and
--- all that it does not say itself. The third argument of the function, `deps`, has the outputs of the
--- tasks that it depends on, by name.
---
--- It returns `ok [, message [, outputs]]`, a table with `success` and `message`, or nothing, which
--- is success; `false` or an error is failure. `outputs`, a table, is what `deps` has for dependents;
--- with `changed = false` in it the task is shown as unchanged.
---@param value string|task|fun(this: this, params: params, deps: table<string, table>): ...
---@return task
function task:command(value) end

--- The same as `task:command`.
---@param value string|task|fun(this: this, params: params, deps: table<string, table>): ...
---@return task
function task:shell(value) end

--- The same as `command`. Without an argument it runs the task at once, with its tries, conditions and
--- hooks, and not again later in this run. What it depends on must have been run before. At the top
--- level of a file that begins the run, which is that of the file's own workflow.
---@param ... string|task|function
---@return boolean|task ok
---@return string? message
---@return table? outputs
function task:run(...) end

--- The tasks that must succeed before it: names, tasks, or lists of them. Independent tasks run at the
--- same time; if one that it depends on fails, it is skipped.
---@param ... string|task|(string|task)[]
---@return task
function task:depends_on(...) end

--- How long each try may take, and each condition and hook. What is late is stopped, with the
--- commands that it runs.
---@param value number|string seconds, or "1h30m", "90s", "250ms"
---@return task
function task:timeout(value) end

--- How often to try again after a failure, and how the pauses grow: "fixed" (1 s each),
--- "linear" (1 s, 2 s, 3 s …) or "exponential" (1 s, 2 s, 4 s …), never above 30 s.
---@param count integer
---@param backoff "fixed"|"linear"|"exponential"|nil "fixed" by default
---@return task
function task:retries(count, backoff) end

--- Values of its own that its functions find in `params`, beside the task's name and folder.
---@param values table<string, any>
---@return task
function task:params(values) end

--- Labels, which `list` shows.
---@param ... string|string[]
---@return task
function task:tags(...) end

--- Files that it makes, relative to its folder: `"dist/*"`, `"build/**/*.so"`. Each pattern must
--- match something once it has succeeded. They are recorded as resources of type `artifact`.
---@param ... string|string[]
---@return task
function task:artifacts(...) end

--- Artifacts of other tasks that it needs. It runs after those tasks, and finds copies of the files
--- in its own folder if that is another one.
---@param ... string|string[]
---@return task
function task:consumes(...) end

--- The machine on which its shell commands and its calls of `exec` run: a name that `ssh` knows, a
--- list of them, a function that returns either, or "${values.host}". nil, "" and "local" mean here.
---@param target nil|string|string[]|fun(this: this, params: params): any
---@return task
function task:delegate_to(target) end

--- Independent tasks always run at the same time, so there is nothing to switch on.
---@param value true
---@return task
function task:async(value) end
