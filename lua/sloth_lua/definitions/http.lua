---@meta

--- `http`: requests over HTTP, while other tasks go on. Redirects are followed, certificates are
--- verified, a proxy that the environment names is used, but not for this machine itself; cookies are
--- not kept. An answer with any status is a result; none at all is nil and a message, as is one of more
--- than 64 MiB, which `file_ops.fetch` saves to a file.
---@class http
http = {}

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

--- Gets what is at a URL. A table of options whose names all begin with a capital letter is taken for headers.
---@param url string|http_request
---@param options http_options?
---@return http_response? response
---@return string? problem
function http.get(url, options) end

--- Asks for what `http.get` gets, but for its headers only.
---@param url string|http_request
---@param options http_options?
---@return http_response? response
---@return string? problem
function http.head(url, options) end

--- Deletes what is at a URL.
---@param url string|http_request
---@param options http_options?
---@return http_response? response
---@return string? problem
function http.delete(url, options) end

--- Sends a body with POST. A single table after the URL is options; one before options is sent as JSON.
---@param url string|http_request
---@param body string|table|nil
---@param options http_options?
---@return http_response? response
---@return string? problem
function http.post(url, body, options) end

--- Sends a body with PUT; the arguments are those of `http.post`.
---@param url string|http_request
---@param body string|table|nil
---@param options http_options?
---@return http_response? response
---@return string? problem
function http.put(url, body, options) end

--- Sends a body with PATCH; the arguments are those of `http.post`.
---@param url string|http_request
---@param body string|table|nil
---@param options http_options?
---@return http_response? response
---@return string? problem
function http.patch(url, body, options) end

--- Sends a request of any method.
---@param request http_request
---@return http_response? response
---@return string? problem
function http.request(request) end
