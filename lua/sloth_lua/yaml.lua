--- `yaml`: text of values and back. YAML 1.1, so `on` and `yes` are true, also as keys; one document,
--- no tags of one's own. Aliases may not repeat more than 1,000,000 values. As with `json`, numbers that
--- Lua cannot hold exactly, NaN and text that is not UTF-8 are refused.

local host = ...

local yaml = {}

--- YAML text of a value: block style, keys sorted.
---@param value any
---@return string
function yaml.encode(value) return host.call("yaml.encode", host.encode(value, "yaml.encode: value")) end

--- The value of YAML text. Dates are text as written, keys are text, `null` in it is `json.null`.
---@param text string
---@return any value nil if the text is not YAML
---@return string? problem
function yaml.decode(text) return host.call("yaml.decode", host.want("yaml.decode", "text", text, "string")) end

return yaml
