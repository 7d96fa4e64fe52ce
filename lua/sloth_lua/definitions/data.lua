---@meta

--- `data`: values as text in several formats and back, and tables within tables.
---@class data
data = {}

--- The same as `json.encode`.
---@param value any
---@return string
function data.json_encode(value) end

--- The same as `json.decode`.
---@param text string
---@return any
---@return string?
function data.json_decode(text) end

--- The same as `json.pretty`.
---@param value any
---@return string
function data.json_pretty(value) end

--- The same as `data.json_decode`.
---@param text string
---@return any
---@return string?
function data.parse_json(text) end

--- The same as `data.json_pretty`.
---@param value any
---@return string
function data.to_json(value) end

--- The same as `yaml.encode`.
---@param value any
---@return string
function data.yaml_encode(value) end

--- The same as `yaml.decode`.
---@param text string
---@return any
---@return string?
function data.yaml_decode(text) end

--- The same as `data.yaml_decode`.
---@param text string
---@return any
---@return string?
function data.parse_yaml(text) end

--- The same as `data.yaml_encode`.
---@param value any
---@return string
function data.to_yaml(value) end

--- The same as `toml.encode`.
---@param value table
---@return string
function data.toml_encode(value) end

--- The same as `toml.decode`.
---@param text string
---@return table?
---@return string?
function data.toml_decode(text) end

--- The same as `data.csv_decode`.
---@param text string
---@param options string|table|nil
---@return table?
---@return string?
function data.csv_parse(text, options) end

--- The same as `data.csv_encode`.
---@param rows table
---@param options string|table|nil
---@return string
function data.csv_generate(rows, options) end

--- Whether a text is JSON.
---@param text string
---@return boolean
---@return string? problem
function data.json_validate(text) end

--- JSON text with the value of YAML text, or nil and a message if it is no YAML.
---@param text string
---@return string?
---@return string? problem
function data.yaml_to_json(text) end

--- YAML text with the value of JSON text, or nil and a message if it is no JSON.
---@param text string
---@return string?
---@return string? problem
function data.json_to_yaml(text) end

--- The rows of CSV text (RFC 4180), lists of texts; empty lines are no rows. With `header` the first row names the columns, and
--- the others are tables of name to text.
---@param text string
---@param options string|{ delimiter: string?, header: boolean? }|nil a text is the delimiter, "," by default
---@return table? rows nil if the text is not CSV
---@return string? problem
function data.csv_decode(text, options) end

--- CSV text of rows, which are lists; or, with the names of the columns as `header`, tables.
---@param rows table[]
---@param options string|{ delimiter: string?, header: string[]? }|nil a text is the delimiter, "," by default
---@return string
function data.csv_encode(rows, options) end

--- A new table with the values of all that are given; later ones win. Maps are put together at every level,
--- lists are replaced.
---@param ... table
---@return table
function data.deep_merge(...) end

--- What is at a path such as "web.ports.1", or nil.
---@param tab table
---@param path string
---@param separator string? "." by default
---@return any
function data.get_path(tab, path, separator) end

--- Puts a value at a path into a table, with the tables between.
---@param tab table
---@param path string
---@param value any
---@param separator string? "." by default
---@return table tab
function data.set_path(tab, path, value, separator) end

--- A table without tables in it: the values by their paths. Empty tables stay.
---@param tab table
---@param separator string? "." by default
---@return table<string, any>
function data.flatten(tab, separator) end

--- The tables that values by their paths come from, the opposite of `data.flatten`. Names "1", "2" and
--- so on make a list.
---@param flat table<string, any>
---@param separator string? "." by default
---@return table
function data.unflatten(flat, separator) end
