---@meta

--- `crypto`: hashes, encodings and random values. Results are lower-case hex text, if not said otherwise.
---@class crypto
crypto = {}

--- The MD5 of a text; not for secrets.
---@param text string
---@return string
function crypto.md5(text) end

--- The SHA-1 of a text; not for secrets.
---@param text string
---@return string
function crypto.sha1(text) end

--- The SHA-256 of a text.
---@param text string
---@return string
function crypto.sha256(text) end

--- The SHA-512 of a text.
---@param text string
---@return string
function crypto.sha512(text) end

--- The same as `crypto.base64_encode`.
---@param text string
---@return string
function crypto.base64(text) end

--- A text in base64.
---@param text string
---@return string
function crypto.base64_encode(text) end

--- The text of base64, or nil and a message.
---@param text string
---@return string?
---@return string?
function crypto.base64_decode(text) end

--- The same as `crypto.hex_encode`.
---@param text string
---@return string
function crypto.hex(text) end

--- A text's bytes as hex digits.
---@param text string
---@return string
function crypto.hex_encode(text) end

--- The text of hex digits, or nil and a message.
---@param text string
---@return string?
---@return string?
function crypto.hex_decode(text) end

--- Hash of a text by the algorithm of this name: md5, sha1, sha256 or sha512.
---@param algorithm string
---@param text string
---@return string
function crypto.hash(algorithm, text) end

--- Keyed hash of a text.
---@param key string
---@param text string
---@param algorithm string? "sha256" by default
---@return string
function crypto.hmac(key, text, algorithm) end

--- A random UUID (version 4).
---@return string
function crypto.uuid() end

--- The same as `crypto.uuid`.
---@return string
function crypto.uuid_v4() end

--- Random characters from the system's secure source.
---@param length integer? 32 by default
---@param characters string? those to choose from; letters and digits by default
---@return string
function crypto.random_string(length, characters) end

--- A random password of letters, digits and, unless `special` is false, other characters.
---@param length integer
---@param special boolean?
---@return string
function crypto.generate_password(length, special) end

--- So many random bytes from the system's secure source, in base64.
---@param length integer
---@return string
function crypto.random_bytes(length) end
