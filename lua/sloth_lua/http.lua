--- `http`: requests over HTTP, while other tasks go on. Redirects are followed, certificates are
--- verified, a proxy that the environment names is used, but not for this machine itself; cookies are
--- not kept. An answer with any status is a result; none at all is nil and a message, as is one of more
--- than 64 MiB, which `file_ops.fetch` saves to a file.

local host = ...
local type, next, tostring, setmetatable = type, next, tostring, setmetatable
local match, upper, lower, gsub, format, concat = string.match, string.upper, string.lower, string.gsub, string.format, table.concat
local want, blame = host.want, host.blame

---@class http_options
---@field headers table<string, string|number|boolean>?
---@field body string|table|nil text or bytes; a table is sent as JSON; without a Content-Type, what is JSON is said to be it, all else is text
---@field json any? a value that is sent as JSON
---@field timeout number|string|nil of each try, 30 s by default
---@field retries integer? more tries while there is no answer or a status of 500 and above, after 0.5, 1, 2 … seconds, 30 at most

---@class http_request: http_options
---@field url string
---@field method string? "GET" by default

---@class http_response
---@field status_code integer
---@field status string "200 OK"
---@field success boolean whether the status is 200 to 299
---@field body string
---@field headers table<string, string|string[]> found by any spelling: headers["content-type"]; one that came several times is a list
---@field json any? the decoded body, if it is JSON

---@class http
local http = {}

local OPTIONS = { headers = "map?", body = "any?", json = "any?", timeout = "any?", retries = "number?" }
local SIMPLE = { url = "string" }
for name, kind in next, OPTIONS do SIMPLE[name] = kind end
local REQUEST = { method = "string?" }
for name, kind in next, SIMPLE do REQUEST[name] = kind end

local METHODS = { "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS" }

local is_table = host.is_plain_table

-- Header names begin with a capital letter and options do not, so a table may be either.
local function are_headers(options)
  for name in next, options do
    if type(name) ~= "string" or not match(name, "^%u") then return false end
  end
  return next(options) ~= nil
end

local function gathered(call, url, body, options)
  if is_table(url) then return url end
  local given = {}
  options = host.want_or_nil(call, "options", options, "map") or {}
  if are_headers(options) then options = { headers = options } end
  for name, value in next, options do given[name] = value end
  if body ~= nil and given.body ~= nil then blame(call .. ": body is given twice") end
  given.url = want(call, "url", url, "string")
  if body ~= nil then given.body = body end
  return given
end

local Headers = {
  __index = function(self, name)
    if type(name) ~= "string" then return nil end
    local spelled = gsub(lower(name), "%f[%a]%a", upper)
    return spelled ~= name and self[spelled] or nil
  end,
}

local function headers_of(call, headers)
  local texts = {}
  for name, value in next, headers or {} do
    texts[name] = type(value) == "boolean" and tostring(value) or want(call, "headers." .. host.text(name), value, "string")
  end
  return texts
end

local function body_of(call, request)
  if request.json ~= nil then
    if request.body ~= nil then blame(call .. ": body and json are both given; one request sends one of them") end
    return host.encode(request.json, call .. ": json")
  end
  if is_table(request.body) then return host.encode(request.body, call .. ": body") end
  return host.want_or_nil(call, "body", request.body, "string")
end

local function send(call, method, given, fields)
  local request = host.want_fields(call, given, fields or SIMPLE)
  if not match(request.url, "^https?://[^/]") then
    blame(format("%s: url must begin with http:// or https:// and a host, not '%s'", call, request.url))
  end
  local retries = request.retries or 0
  if retries < 0 or retries % 1 ~= 0 then blame(call .. ": retries must be a whole number, 0 or more") end
  local settings = host.encode({
    headers = headers_of(call, request.headers), timeout = host.seconds(call, "timeout", request.timeout or 30, true), retries = retries,
  }, call .. ":")
  local status, text, body, headers, json = host.wait("http." .. lower(method), request.url, settings, body_of(call, request))
  if not status then return nil, text end
  return {
    status_code = status, status = text, success = status >= 200 and status < 300, body = body,
    headers = setmetatable(host.decode(headers), Headers), json = json and host.decode(json),
  }
end

local function send_body(call, method, url, body, options)
  if options == nil and is_table(body) then body, options = nil, body end
  return send(call, method, gathered(call, url, body, options))
end

--- Gets what is at a URL. A table of options whose names all begin with a capital letter is taken for headers.
---@param url string|http_request
---@param options http_options?
---@return http_response? response
---@return string? problem
function http.get(url, options) return send("http.get", "GET", gathered("http.get", url, nil, options)) end

--- Asks for what `http.get` gets, but for its headers only.
---@param url string|http_request
---@param options http_options?
---@return http_response? response
---@return string? problem
function http.head(url, options) return send("http.head", "HEAD", gathered("http.head", url, nil, options)) end

--- Deletes what is at a URL.
---@param url string|http_request
---@param options http_options?
---@return http_response? response
---@return string? problem
function http.delete(url, options) return send("http.delete", "DELETE", gathered("http.delete", url, nil, options)) end

--- Sends a body with POST. A single table after the URL is options; one before options is sent as JSON.
---@param url string|http_request
---@param body string|table|nil
---@param options http_options?
---@return http_response? response
---@return string? problem
function http.post(url, body, options) return send_body("http.post", "POST", url, body, options) end

--- Sends a body with PUT; the arguments are those of `http.post`.
---@param url string|http_request
---@param body string|table|nil
---@param options http_options?
---@return http_response? response
---@return string? problem
function http.put(url, body, options) return send_body("http.put", "PUT", url, body, options) end

--- Sends a body with PATCH; the arguments are those of `http.post`.
---@param url string|http_request
---@param body string|table|nil
---@param options http_options?
---@return http_response? response
---@return string? problem
function http.patch(url, body, options) return send_body("http.patch", "PATCH", url, body, options) end

--- Sends a request of any method.
---@param request http_request
---@return http_response? response
---@return string? problem
function http.request(request)
  want("http.request", "its argument", request, "map")
  local method = upper(host.want_or_nil("http.request", "method", request.method, "string") or "GET")
  for _, known in next, METHODS do
    if method == known then return send("http.request", method, request, REQUEST) end
  end
  return blame(format("http.request: there is no method '%s'; there is %s", method, concat(METHODS, ", ")))
end

return http
