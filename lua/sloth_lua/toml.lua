--- `toml`: text of tables and back (TOML 1.0).

local host = ...

local toml = {}

--- TOML text of a table, keys sorted. A null has no form in TOML, and is an error.
---@param value table
---@return string
function toml.encode(value)
  return host.call("toml.encode", host.encode(host.want("toml.encode", "value", value, "map"), "toml.encode: value"))
end

--- The table of TOML text; dates and times become text as in ISO 8601.
---@param text string
---@return table? value nil if the text is not TOML
---@return string? problem
function toml.decode(text) return host.call("toml.decode", host.want("toml.decode", "text", text, "string")) end

return toml
