---@meta

--- `net`: connections over TCP, names and ports, and the simple form of `http`. Other tasks go on.
---@class net
net = {}

--- The same as `net.tcp`.
---@param name string
---@param port integer
---@param timeout number|string|nil
---@return boolean
---@return string?
function net.port_check(name, port, timeout) end

--- The same as `net.tcp`.
---@param name string
---@param port integer
---@param timeout number|string|nil
---@return boolean
---@return string?
function net.check_port(name, port, timeout) end

--- The same as `net.dns`.
---@param name string
---@param kind string?
---@return string[]?
---@return string?
function net.dns_lookup(name, kind) end

--- Whether something accepts connections at a port.
---@param name string|{ host: string, port: integer, timeout: number|string|nil } a host
---@param port integer?
---@param timeout number|string|nil 5 s by default
---@return boolean ok
---@return string? problem
function net.tcp(name, port, timeout) end

--- Waits until something accepts connections at a port, or (`state = "closed"`) nothing does.
---@param name string|table a host, or a table with host, port and the options
---@param port integer?
---@param options number|string|{ timeout: number|string|nil, interval: number|string|nil, state: "open"|"closed"|nil }|nil the timeout alone, or a table; 60 s, asked each second
---@return boolean ok
---@return string? problem
function net.wait_for_port(name, port, options) end

--- The addresses of a host name, as texts.
---@param name string
---@param kind string? "A" or "AAAA": only those of IPv4 or IPv6
---@return string[]? addresses
---@return string? problem
function net.dns(name, kind) end

--- Gets what is at a URL. `http.get` tells more.
---@param url string
---@return string? body
---@return integer status_code 0 if there is no answer
---@return table<string, string[]>? headers
---@return string? problem
function net.http_get(url) end

--- Sends a text to a URL. `http.post` can do more.
---@param url string
---@param body string|http_options
---@param headers table<string, string>?
---@return string? body
---@return integer status_code 0 if there is no answer
---@return table<string, string[]>? headers
---@return string? problem
function net.http_post(url, body, headers) end

--- Saves what is at a URL to a file, as `file_ops.fetch` does.
---@param url string
---@param path string
---@return string? problem nil if all is well
function net.download(url, path) end
