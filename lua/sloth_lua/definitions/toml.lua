---@meta

--- `toml`: text of tables and back (TOML 1.0).
---@class toml
toml = {}

--- TOML text of a table, keys sorted. A null has no form in TOML, and is an error.
---@param value table
---@return string
function toml.encode(value) end

--- The table of TOML text; dates and times become text as in ISO 8601.
---@param text string
---@return table? value nil if the text is not TOML
---@return string? problem
function toml.decode(text) end
