--- For tasks that run on another machine: what Lua itself does with files of the runner's own machine
--- is an error in them.

local host = ...

local function here_only(library, prefix, name)
  local real = library[name]
  library[name] = function(...)
    host.call("needs_this_machine", prefix .. name)
    return real(...)
  end
end

for _, name in ipairs({ "open", "lines", "tmpfile" }) do here_only(io, "io.", name) end
-- Without a file's name these only tell or choose what is open already.
for _, name in ipairs({ "input", "output" }) do
  local real = io[name]
  io[name] = function(...)
    if type((...)) == "string" then host.call("needs_this_machine", "io." .. name) end
    return real(...)
  end
end
for _, name in ipairs({ "remove", "rename", "tmpname" }) do here_only(os, "os.", name) end
