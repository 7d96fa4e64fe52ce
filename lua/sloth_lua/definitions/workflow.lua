---@meta

--- The methods of what `workflow.define` returns. Each returns the workflow, so they can be chained;
--- the fields of a table form have the same names. Hooks of one kind are all kept and called in turn.
---@class workflow
local workflow = {}

---@class workflow_config
---@field timeout number|string|nil for all tasks together, and for each of the workflow's hooks
---@field max_parallel_tasks integer? how many tasks run at the same time; by default the number of CPUs
---@field continue_on_error boolean? whether other tasks are still started after one has failed; true by default
---@field fail_fast boolean? the opposite
---@field max_retries integer? further tries of tasks that do not say themselves
---@field retry_policy "fixed"|"linear"|"exponential"|nil their pauses, as in `task:retries`
---@field workdir string? the folder of its tasks; relative to the file
---@field prune boolean? delete resources that the file no longer declares, as `run --prune` does
---@field cleanup_on_failure boolean? when the run fails, delete the folders that its tasks named with `task:workdir` and that it made

--- What `list` shows.
---@param value string
---@return workflow
function workflow:description(value) end

--- A text of the file's author; runs have version numbers of their own.
---@param value string
---@return workflow
function workflow:version(value) end

--- Called before the first task; an error in it fails the run.
---@param f fun()
---@return workflow
function workflow:on_start(f) end

--- Called at the end of a run that succeeded.
---@param f workflow_hook
---@return workflow
function workflow:on_success(f) end

--- Called at the end of a run that failed.
---@param f workflow_hook
---@return workflow
function workflow:on_failure(f) end

--- Called at the end, whatever it is.
---@param f workflow_hook
---@return workflow
function workflow:on_complete(f) end

--- Changes nothing; older files end with it.
---@return workflow
function workflow:build() end

--- The tasks of this workflow: a list of tasks, names of tasks, and tables of their options; or a
--- table of these by name, in the order of the text. Several arguments are one list.
---@param items task|string|(task|string|table)[]|table<string, task|table>
---@param ... task|string|table
---@return workflow
function workflow:tasks(items, ...) end

--- Settings of the workflow.
---@param fields workflow_config
---@return workflow
function workflow:config(fields) end

--- What each run has in its metadata: names to values, which are kept as text.
---@param fields table<string, any>
---@return workflow
function workflow:metadata(fields) end
