--- `template`: text made from Jinja2 templates, with variables and the run's `values`. An undefined
--- variable is a failure, not empty text; a message names the template's line.

local host = ...
local want = host.want

local template = {}

local function variables(call, vars) return host.encode(host.want_or_nil(call, "vars", vars, "map") or {}, call .. ": vars") end

--- The text of a template; `include` in it looks in the task's folder.
---@param text string
---@param vars table<string, any>?
---@return string? text
---@return string? problem
function template.render(text, vars)
  text = want("template.render", "text", text, "string")
  return host.call("template.text", nil, text, variables("template.render", vars))
end

--- The text of a template in a file; `include` in it looks in the file's folder.
---@param path string
---@param vars table<string, any>?
---@return string? text
---@return string? problem
function template.render_file(path, vars)
  path = want("template.render_file", "path", path, "string")
  host.call("needs_this_machine", "template.render_file")
  return host.call("template.text", path, nil, variables("template.render_file", vars))
end

return template
