--- `secrets`: what `--secrets FILE` and the environment give by name, for the script alone. Their
--- values are taken out of all that is shown or kept: `***` stands there instead.

local host = ...
local want, rawget, rawset, setmetatable, type, next = host.want, rawget, rawset, setmetatable, type, next

local values = host.call("secrets")
local functions = {}

--- The value of a secret: `secrets.get("db_password")`, `secrets.db_password`, `secrets["db_password"]`.
--- One that nobody gave is an error. It comes from a file that `--secrets` names, else from the
--- environment: SLOTH_SECRET_DB_PASSWORD. The store has none.
---@param name string
---@return string
function functions.get(name)
  name = want("secrets.get", "name", name, "string")
  local value = rawget(values, name)
  if value ~= nil then return value end
  local lower = name:lower()
  if rawget(values, lower) ~= nil then
    host.blame("secrets: there is no secret '" .. name .. "'; those of the environment have names in lower case: " .. lower)
  end
  local known = {}
  for each in next, values do known[#known + 1] = each end
  local what = "secrets: neither --secrets nor the environment (SLOTH_SECRET_" .. name:upper() .. ") has a secret"
  if #known == 0 then host.blame(what .. " '" .. name .. "'") end
  return host.unknown(what, name, known)
end

--- Whether there is a secret of a name.
---@param name string
---@return boolean
function functions.has(name) return rawget(values, want("secrets.has", "name", name, "string")) ~= nil end

local secrets = setmetatable({}, {
  __index = function(_, name)
    if functions[name] then return functions[name] end
    return type(name) == "string" and functions.get(name) or nil
  end,
  __newindex = function() host.blame("secrets: they cannot be set by a script") end,
})
for name, value in next, values do -- they are its own fields, so that `pairs` finds them
  if not functions[name] then rawset(secrets, name, value) end
end

-- What a script writes to the standard error by itself does not pass through the runner.
local function mask_standard_error()
  local methods, stderr = getmetatable(io.stderr).__index, io.stderr
  local write = methods.write
  local function masked(file, first, ...)
    if first == nil then return true end
    local text = host.call("masked", want("write", "its argument", first, "string"))
    local done, problem = write(file, text)
    if not done then return done, problem end
    return masked(file, ...)
  end
  function methods.write(file, ...)
    if file == stderr then return masked(file, ...) end
    return write(file, ...)
  end
end
if next(values) then mask_standard_error() end

return secrets
