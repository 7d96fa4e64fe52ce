--- `crypto`: hashes, encodings and random values. Results are lower-case hex text, if not said otherwise.

local host = ...
local want = host.want

---@class crypto
---@field md5 fun(text: string): string
---@field sha1 fun(text: string): string
---@field sha256 fun(text: string): string
---@field sha512 fun(text: string): string
---@field base64 fun(text: string): string
---@field base64_encode fun(text: string): string
---@field base64_decode fun(text: string): string?, string? nil and a message if it is no base64
---@field hex fun(text: string): string
---@field hex_encode fun(text: string): string
---@field hex_decode fun(text: string): string?, string? nil and a message if they are no hex digits
local crypto = {}

for _, name in ipairs({ "md5", "sha1", "sha256", "sha512" }) do
  crypto[name] = function(text) return host.call("crypto.hash", name, want("crypto." .. name, "text", text, "string")) end
end

--- Keyed hash of a text.
---@param key string
---@param text string
---@param algorithm string? "sha256" by default
---@return string
function crypto.hmac(key, text, algorithm)
  key = want("crypto.hmac", "key", key, "string")
  text = want("crypto.hmac", "text", text, "string")
  algorithm = host.want_or_nil("crypto.hmac", "algorithm", algorithm, "string") or "sha256"
  return host.call("crypto.hmac", key, text, algorithm)
end

local function coder(name, operation)
  return function(text) return host.call(operation, want("crypto." .. name, "text", text, "string")) end
end

crypto.base64 = coder("base64", "crypto.base64_encode")
crypto.base64_encode = crypto.base64
crypto.base64_decode = coder("base64_decode", "crypto.base64_decode")
crypto.hex = coder("hex", "crypto.hex_encode")
crypto.hex_encode = crypto.hex
crypto.hex_decode = coder("hex_decode", "crypto.hex_decode")

--- A random UUID (version 4).
---@return string
function crypto.uuid() return host.call("crypto.uuid") end

--- Random letters and digits from the system's secure source.
---@param length integer? 32 by default
---@return string
function crypto.random_string(length)
  return host.call("crypto.random_string", host.want_or_nil("crypto.random_string", "length", length, "number") or 32)
end

return crypto
