---@meta

--- `json`: text of values and back.
---@class json
---@field null any an explicit null, which a table can hold and nil cannot be
json = {}

--- Marks a table as a list, so that it stays one when it is empty.
---@param values table?
---@return table
function json.list(values) end

--- JSON text of a value, keys sorted. `{}` is an empty map, `json.list{}` an empty list.
---@param value any
---@return string
function json.encode(value) end

--- The same, over several lines.
---@param value any
---@return string
function json.pretty(value) end

--- The value of JSON text; `null` inside it is `json.null`.
---@param text string
---@return any value nil if the text is not JSON
---@return string? problem
function json.decode(text) end
