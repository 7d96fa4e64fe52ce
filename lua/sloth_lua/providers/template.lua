--- A `template` owns a file as `file` does; its content is rendered by Jinja2 when it is declared.

local host = ...
local file = host.resources.provider("file")
local next = next

---@class template_declaration
---@field path string
---@field source string? the template: a file, relative to the task's folder; may include others beside it
---@field content string? instead of source: the template itself
---@field vars table? what the template can use, beside `values`
---@field mode string|number|nil as of a file
---@field owner string|number|nil
---@field group string|number|nil

local template = {}
for name, value in next, file do template[name] = value end
template.import, template.is_plain = nil, nil -- what a template becomes, its text alone does not say
template.fields = {
  path = "string", source = "string?", content = "string?", vars = "map?",
  mode = "any?", owner = "any?", group = "any?",
}

function template.declare(r)
  if (r.content == nil) == (r.source == nil) then
    host.blame("resource.template: it must have either source or content")
  end
  r.content = host.call("template.render", r.source, r.content, host.encode(r.vars or {}, "resource.template: vars"))
  r.source = nil
  return file.declare(r)
end

return template
