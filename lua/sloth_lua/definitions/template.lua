---@meta

--- `template`: text made from Jinja2 templates, with variables and the run's `values`. An undefined
--- variable is a failure, not empty text; a message names the template's line.
---@class template
template = {}

--- The text of a template; `include` in it looks in the task's folder.
---@param text string
---@param vars table<string, any>?
---@return string? text
---@return string? problem
function template.render(text, vars) end

--- The text of a template in a file; `include` in it looks in the file's folder.
---@param path string
---@param vars table<string, any>?
---@return string? text
---@return string? problem
function template.render_file(path, vars) end
