--- For a file that is only looked at (`validate`, `list`, `plan`, drift): what plain Lua could change
--- does nothing, but for what a provider's `read` does. (`os.execute` and `io.popen` see to it themselves.)

local host = ...
local open, find = io.open, string.find
local call = host.call

local function inert_unless_reading(name, result, real)
  return function(...)
    if not call("is_inert") then return real(...) end
    call("left_undone", name, (...) ~= nil and host.text((...)) or nil)
    return result
  end
end

os.remove = inert_unless_reading("os.remove", true, os.remove)
os.rename = inert_unless_reading("os.rename", true, os.rename)
os.tmpname = inert_unless_reading("os.tmpname", "/tmp/sloth-not-made", os.tmpname)
io.tmpfile = function() return open("/dev/null", "w") end
io.output = function() return io.stdout end

function io.open(path, mode)
  if mode and find(mode, "[wa+]") and call("is_inert") then
    call("left_undone", "io.open", host.text(path))
    path, mode = "/dev/null", "w"
  end
  return open(path, mode)
end
