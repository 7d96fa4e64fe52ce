--- Something that must answer over HTTP: a check that waits until it does, and owns nothing. With
--- `create` it is an object of a REST interface, which is owned as far as `compare` names it.

local host = ...
local type, next, ipairs, tonumber = type, next, ipairs, tonumber
local gmatch, match, sub, format, find, upper = string.gmatch, string.match, string.sub, string.format, string.find, string.upper
local want, blame, encode, json, sleep = host.want, host.blame, host.encode, host.modules.json, host.modules.sleep

local WHAT = "resource.http_endpoint"
local OF_CHECKS = { "method", "status", "body_contains", "body", "json", "retries", "interval" }
local OF_OBJECTS = { "update", "delete", "compare" }
local REQUEST = { method = "string?", url = "string?", headers = "map?", body = "string?", json = "any?" }
local SHOWN = 100 -- characters of an answer that is not as it should be

local M = {
  fields = {
    url = "string", headers = "map?", timeout = "any?",
    method = "string?", status = "number?", body_contains = "string?", body = "string?", json = "any?",
    retries = "number?", interval = "any?",
    create = "map?", update = "map?", delete = "map?", compare = "table?",
  },
  natural_key = { "url" },
  sensitive = { "headers", "create.headers", "update.headers", "delete.headers" },
}

-- ------------------------------------------------------------- what is declared

local function refuse(r, fields, why)
  for _, field in ipairs(fields) do
    if r[field] ~= nil then blame(format("%s: %s %s", WHAT, field, why)) end
  end
end

local function checked(what, request)
  if request.body and request.json ~= nil then blame(what .. ": body and json are both given; one request sends one of them") end
  for name, value in next, request.headers or {} do want(what, "headers." .. name, value, "string") end
  if request.url and not match(request.url, "^https?://[^/]") then
    blame(format("%s: url must begin with http:// or https:// and a host, not '%s'", what, request.url))
  end
  return request
end

-- The value at a path such as "spec.ports.1"; nil if there is none.
local function at(value, path)
  for step in gmatch(path, "[^.]+") do
    if type(value) ~= "table" then return nil end
    local found = value[step]
    if found == nil then found = value[tonumber(step)] end
    value = found
  end
  return value
end

-- What is compared of an object: what `compare` names, or else all that `create` sends.
local function compared(r, object)
  local values = {}
  for _, path in ipairs(r.compare or {}) do values[path] = at(object, path) end
  if not r.compare then
    for name in next, r.create.json do values[name] = object[name] end
  end
  return values
end

local function declare_object(r)
  refuse(r, OF_CHECKS, "belongs to a check, and with create this is an object")
  for _, verb in ipairs({ "create", "update", "delete" }) do
    r[verb] = checked(WHAT, host.want_fields(WHAT .. "." .. verb, r[verb] or {}, REQUEST))
  end
  want(WHAT, "create.json", r.create.json, "map")
  r.compare = r.compare and host.list(r.compare)
  for index, path in next, r.compare or {} do
    if type(index) ~= "number" then blame(WHAT .. ": compare must be a list") end
    want(WHAT, "compare's items", path, "string")
  end
  r.object = compared(r, r.create.json)
  for _, path in ipairs(r.compare or {}) do
    if r.object[path] == nil then
      blame(format("%s: compare names '%s', which create.json does not have", WHAT, path))
    end
  end
  return r
end

local function declare_check(r)
  refuse(r, OF_OBJECTS, "belongs to an object, and without create this is a check")
  r.method, r.status, r.retries = upper(r.method or "GET"), r.status or 200, r.retries or 0
  r.interval = host.seconds(WHAT, "interval", r.interval or 1)
  if r.retries < 0 or r.retries % 1 ~= 0 then blame(WHAT .. ": retries must be a whole number, 0 or more") end
  return r
end

function M.declare(r)
  checked(WHAT, r)
  r.timeout = host.seconds(WHAT, "timeout", r.timeout or 10, true)
  return r.create and declare_object(r) or declare_check(r)
end

-- ------------------------------------------------------------- requests

local function beginning(body) return #body > SHOWN and sub(body, 1, SHOWN) .. "…" or body end

-- Status and body of the answer; nil and why there is none.
local function send(r, method, request)
  local headers = {}
  for name, value in next, r.headers or {} do headers[name] = value end
  for name, value in next, request.headers or {} do headers[name] = value end
  return host.wait("http.request", encode({
    method = method, url = request.url or r.url, timeout = r.timeout, headers = headers, body = request.body, json = request.json,
  }, WHAT .. ":"))
end

-- The same; no answer, and one that does not say that it is done, is an error.
local function change(r, default_method, request, also_done)
  local method = upper(request.method or default_method)
  local status, body = send(r, method, request)
  local failed = not status and body or (status < 200 or status > 299) and status ~= also_done and format("it answered %d: %s", status, beginning(body))
  if failed then blame(format("%s %s: %s", method, request.url or r.url, failed)) end
end

-- ------------------------------------------------------------- a check

-- The answer in the form of what it should be; nil and a message if there is none.
local function answer_to(r)
  local status, body = send(r, r.method, r)
  if not status then return nil, body end
  local contained = r.body_contains and (find(body, r.body_contains, 1, true) and r.body_contains or beginning(body))
  return { status = status, body_contains = contained }
end

local function complaint(r, answer, problem)
  if not answer then return problem end
  if answer.status ~= r.status then return format("it answered %d, not %d", answer.status, r.status) end
  if answer.body_contains ~= r.body_contains then
    return format("its body does not contain '%s': '%s'", r.body_contains, answer.body_contains)
  end
end

local function wait_for_answer(r)
  local wrong
  for attempt = 0, r.retries do
    if attempt > 0 then sleep(r.interval) end
    wrong = complaint(r, answer_to(r))
    if not wrong then return end
  end
  blame(format("%s %s: %s (attempts: %d)", r.method, r.url, wrong, r.retries + 1))
end

-- ------------------------------------------------------------- an object

local function read_object(r)
  local status, body = send(r, "GET", {})
  if status == 404 or status == 410 then return nil end
  if not status then blame(format("GET %s: %s", r.url, body)) end
  if status ~= 200 then blame(format("GET %s: it answered %d: %s", r.url, status, beginning(body))) end
  local object = json.decode(body)
  if type(object) ~= "table" then blame(format("GET %s: its answer is no JSON object: %s", r.url, beginning(body))) end
  return { object = compared(r, object) }
end

--- How it is asked for is given back as it came: a change of that is recorded and changes nothing.
--- A check's endpoint that does not answer is not there, for whatever reason.
function M.read(r)
  local found
  if r.create then found = read_object(r) else found = answer_to(r) end
  for name, value in next, found and r or {} do
    if found[name] == nil then found[name] = value end
  end
  return found
end

--- What was there before the workflow came is not the workflow's to delete.
function M.prepare(r, before, memory)
  if r.create and (before == nil or memory.made == nil) then memory.made = before == nil end
end

function M.create(r)
  if not r.create then return wait_for_answer(r) end
  change(r, "POST", r.create)
end

function M.update(r)
  if not r.create then return wait_for_answer(r) end
  local request = { json = not r.update.body and r.create.json or nil }
  for name, value in next, r.update do request[name] = value end
  change(r, "PUT", request)
end

function M.delete(r, before, memory)
  if r.create and before and memory.made then change(r, "DELETE", r.delete, 404) end
end

return M
