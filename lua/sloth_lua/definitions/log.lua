---@meta

--- `log`: lines of the run's own output. Any values are put together with spaces.
---@class log
log = {}

--- Shown with `--verbose`.
---@param ... any
function log.debug(...) end

--- What is worth a line.
---@param ... any
function log.info(...) end

--- That something has worked.
---@param ... any
function log.success(...) end

--- What may be wrong.
---@param ... any
function log.warn(...) end

--- What is wrong; it does not make the task fail.
---@param ... any
function log.error(...) end

--- What the global `print` is.
---@param ... any
function log.print(...) end

--- A table, readable, over several lines. What is no JSON value in it is shown as text.
---@param value any
function log.table(value) end
