--- `values`: what `--values` and `--set` gave, as a table; an empty one without any.

local host = ...
local next, setmetatable, is_map = next, setmetatable, host.is_map

local function overlay(defaults, given)
  local merged = {}
  for key, value in next, defaults do merged[key] = value end
  for key, value in next, given do
    local below = merged[key]
    if is_map(value) and is_map(below) then
      merged[key] = overlay(below, value)
    else
      merged[key] = value
    end
  end
  return merged
end

local given = host.call("values")

---@class values
---@overload fun(defaults: table): table the defaults, with the given values laid over them at every level; `values.x` has them from then on, too
return setmetatable(overlay({}, given), {
  __call = function(self, defaults)
    host.want("values", "its argument", defaults, "table")
    for key, value in next, overlay(defaults, self) do self[key] = value end
    return overlay(defaults, given)
  end,
})
