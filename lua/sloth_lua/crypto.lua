--- `crypto`: hashes, encodings and random values. Results are lower-case hex text, if not said otherwise.

local host = ...
local want, find = host.want, string.find

---@class crypto
---@field md5 fun(text: string): string the MD5 of a text; not for secrets
---@field sha1 fun(text: string): string the SHA-1 of a text; not for secrets
---@field sha256 fun(text: string): string the SHA-256 of a text
---@field sha512 fun(text: string): string the SHA-512 of a text
---@field base64 fun(text: string): string the same as `crypto.base64_encode`
---@field base64_encode fun(text: string): string a text in base64
---@field base64_decode fun(text: string): string?, string? the text of base64, or nil and a message
---@field hex fun(text: string): string the same as `crypto.hex_encode`
---@field hex_encode fun(text: string): string a text's bytes as hex digits
---@field hex_decode fun(text: string): string?, string? the text of hex digits, or nil and a message
local crypto = {}

for _, name in ipairs({ "md5", "sha1", "sha256", "sha512" }) do
  crypto[name] = function(text) return host.call("crypto.hash", name, want("crypto." .. name, "text", text, "string")) end
end

--- Hash of a text by the algorithm of this name: md5, sha1, sha256 or sha512.
---@param algorithm string
---@param text string
---@return string
function crypto.hash(algorithm, text)
  algorithm = want("crypto.hash", "algorithm", algorithm, "string"):lower()
  text = want("crypto.hash", "text", text, "string")
  if not find(" md5 sha1 sha256 sha512 ", " " .. algorithm .. " ", 1, true) then
    host.unknown("crypto.hash: there is no algorithm", algorithm, { "md5", "sha1", "sha256", "sha512" })
  end
  return host.call("crypto.hash", algorithm, text)
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

crypto.uuid_v4 = crypto.uuid

--- Random characters from the system's secure source.
---@param length integer? 32 by default
---@param characters string? those to choose from; letters and digits by default
---@return string
function crypto.random_string(length, characters)
  length = host.want_or_nil("crypto.random_string", "length", length, "number") or 32
  characters = host.want_or_nil("crypto.random_string", "characters", characters, "string")
  if characters == "" then host.blame("crypto.random_string: characters must not be empty") end
  return host.call("crypto.random_string", "crypto.random_string", length, characters)
end

local ALPHANUMERIC = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

--- A random password of letters, digits and, unless `special` is false, other characters.
---@param length integer
---@param special boolean?
---@return string
function crypto.generate_password(length, special)
  length = want("crypto.generate_password", "length", length, "number")
  special = host.want_or_nil("crypto.generate_password", "special", special, "boolean")
  local characters = ALPHANUMERIC .. (special ~= false and "!@#$%^&*()-_=+[]{}:,.?" or "")
  return host.call("crypto.random_string", "crypto.generate_password", length, characters)
end

--- So many random bytes from the system's secure source, in base64.
---@param length integer
---@return string
function crypto.random_bytes(length)
  return host.call("crypto.random_bytes", want("crypto.random_bytes", "length", length, "number"))
end

return crypto
