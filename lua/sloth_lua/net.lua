--- `net`: connections over TCP, names and ports, and the simple form of `http`. Other tasks go on.

local host = ...
local type, next, tonumber, format, match = type, next, tonumber, string.format, string.match
local getmetatable, setmetatable = getmetatable, setmetatable
local want, blame = host.want, host.blame
local http, file_ops = host.modules.http, host.modules.file_ops

---@class net
---@field port_check fun(name: string, port: integer, timeout: number|string|nil): boolean, string? the same as `net.tcp`
---@field check_port fun(name: string, port: integer, timeout: number|string|nil): boolean, string? the same as `net.tcp`
---@field dns_lookup fun(name: string, kind: string?): string[]?, string? the same as `net.dns`
local net = {}

local TCP = { host = "string", port = "any?", timeout = "any?" }
local WAIT = { host = "string", port = "any?", timeout = "any?", interval = "any?", state = "string?" }

local function gathered(call, expected, name, port, options)
  if host.is_plain_table(name) then return host.want_fields(call, name, expected) end
  if type(options) ~= "table" then options = { timeout = options } end
  local given = { host = name, port = port }
  for key, value in next, options do given[key] = value end
  return host.want_fields(call, given, expected)
end

local function address(call, given)
  local port = tonumber(given.port)
  if not port or port < 1 or port > 65535 or port % 1 ~= 0 then
    blame(format("%s: port must be a whole number, 1 to 65535, not %s", call, given.port == nil and "nothing" or host.text(given.port)))
  end
  return format("%s:%d", given.host, port)
end

--- Whether something accepts connections at a port.
---@param name string|{ host: string, port: integer, timeout: number|string|nil } a host
---@param port integer?
---@param timeout number|string|nil 5 s by default
---@return boolean ok
---@return string? problem
function net.tcp(name, port, timeout)
  local given = gathered("net.tcp", TCP, name, port, timeout)
  return host.wait("net.tcp", address("net.tcp", given), host.seconds("net.tcp", "timeout", given.timeout or 5, true))
end
net.port_check = net.tcp
net.check_port = net.tcp

--- Waits until something accepts connections at a port, or (`state = "closed"`) nothing does.
---@param name string|table a host, or a table with host, port and the options
---@param port integer?
---@param options number|string|{ timeout: number|string|nil, interval: number|string|nil, state: "open"|"closed"|nil }|nil the timeout alone, or a table; 60 s, asked each second
---@return boolean ok
---@return string? problem
function net.wait_for_port(name, port, options)
  local call = "net.wait_for_port"
  local given = gathered(call, WAIT, name, port, options)
  local state = given.state or "open"
  if state ~= "open" and state ~= "closed" then blame(format("%s: state must be 'open' or 'closed', not '%s'", call, state)) end
  local timeout = host.seconds(call, "timeout", given.timeout or 60, true)
  return host.wait(call, address(call, given), timeout, host.seconds(call, "interval", given.interval or 1, true), state)
end

--- The addresses of a host name, as texts.
---@param name string
---@param kind string? "A" or "AAAA": only those of IPv4 or IPv6
---@return string[]? addresses
---@return string? problem
function net.dns(name, kind)
  name = want("net.dns", "name", name, "string")
  kind = host.want_or_nil("net.dns", "kind", kind, "string") or "any"
  if kind ~= "any" and kind ~= "A" and kind ~= "AAAA" then
    blame(format("net.dns: kind must be 'A' or 'AAAA', not '%s'; others are not asked for", kind))
  end
  return host.wait("net.dns", name, kind)
end
net.dns_lookup = net.dns

-- Headers as lists, as the four results have them.
local function four_results(response, problem)
  if not response then return nil, 0, nil, problem end
  local headers = {}
  for name, value in next, response.headers do headers[name] = type(value) == "table" and value or { value } end
  return response.body, response.status_code, setmetatable(headers, getmetatable(response.headers))
end

--- Gets what is at a URL. `http.get` tells more.
---@param url string
---@return string? body
---@return integer status_code 0 if there is no answer
---@return table<string, string[]>? headers
---@return string? problem
function net.http_get(url) return four_results(http.get(want("net.http_get", "url", url, "string"))) end

--- Sends a text to a URL. `http.post` can do more.
---@param url string
---@param body string|http_options
---@param headers table<string, string>?
---@return string? body
---@return integer status_code 0 if there is no answer
---@return table<string, string[]>? headers
---@return string? problem
function net.http_post(url, body, headers)
  headers = host.want_or_nil("net.http_post", "headers", headers, "map")
  return four_results(http.post(want("net.http_post", "url", url, "string"), body, headers and { headers = headers }))
end

--- Saves what is at a URL to a file, as `file_ops.fetch` does.
---@param url string
---@param path string
---@return string? problem nil if all is well
function net.download(url, path)
  url = want("net.download", "url", url, "string")
  if not match(url, "^https?://[^/]") then
    blame(format("net.download: url must begin with http:// or https:// and a host, not '%s'", url))
  end
  local _, result = file_ops.fetch(url, want("net.download", "path", path, "string"))
  return type(result) == "string" and result or nil
end

return net
