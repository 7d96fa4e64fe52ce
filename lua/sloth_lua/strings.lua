--- `strings`: texts. Nothing here is a pattern; for patterns there is Lua's own `string`. Widths are
--- bytes, lengths are characters.

local host = ...
local rep, sub, gsub, find, byte, format = string.rep, string.sub, string.gsub, string.find, string.byte, string.format
local char, concat, ceil = string.char, table.concat, math.ceil
local tonumber, tostring, ipairs, type = tonumber, tostring, ipairs, type
local want = host.want

---@class strings
---@field split fun(text: string, separator: string?): string[] the parts of a text between separators, "," by default
---@field trim fun(text: string): string a text without the white space at both ends
---@field contains fun(text: string, part: string): boolean whether a text has another one in it
---@field starts_with fun(text: string, prefix: string): boolean whether a text begins with another one
---@field ends_with fun(text: string, suffix: string): boolean whether a text ends with another one
---@field md5 fun(text: string): string the same as `crypto.md5`
---@field sha1 fun(text: string): string the same as `crypto.sha1`
---@field sha256 fun(text: string): string the same as `crypto.sha256`
---@field base64_encode fun(text: string): string the same as `crypto.base64_encode`
---@field base64_decode fun(text: string): string?, string? the same as `crypto.base64_decode`
local strings = {}

for _, name in ipairs({ "split", "trim", "contains", "starts_with", "ends_with" }) do strings[name] = string[name] end
for _, name in ipairs({ "md5", "sha1", "sha256", "base64_encode", "base64_decode" }) do
  strings[name] = host.modules.crypto[name]
end

local function text_of(name, text) return want("strings." .. name, "text", text, "string") end

--- One text of a list of texts, numbers and booleans.
---@param parts any[]
---@param separator string? "" by default
---@return string
function strings.join(parts, separator)
  separator = host.want_or_nil("strings.join", "separator", separator, "string") or ""
  local texts = {}
  for index, part in ipairs(want("strings.join", "parts", parts, "table")) do
    texts[index] = type(part) == "boolean" and tostring(part) or want("strings.join", "item " .. index, part, "string")
  end
  return concat(texts, separator)
end

--- A text with one part of it replaced, everywhere or so many times.
---@param text string
---@param part string
---@param replacement string
---@param count integer? everywhere by default
---@return string
function strings.replace(text, part, replacement, count)
  text, part = text_of("replace", text), want("strings.replace", "part", part, "string")
  replacement = want("strings.replace", "replacement", replacement, "string")
  count = host.want_or_nil("strings.replace", "count", count, "number")
  if part == "" then host.blame("strings.replace: part must not be empty") end
  return (gsub(text, (gsub(part, "%W", "%%%0")), (gsub(replacement, "%%", "%%%%")), count ~= -1 and count or nil))
end

--- A text in capital letters, those beyond a to z included.
---@param text string
---@return string
function strings.upper(text) return host.call("strings.upper", text_of("upper", text)) end

--- A text in small letters, those beyond a to z included.
---@param text string
---@return string
function strings.lower(text) return host.call("strings.lower", text_of("lower", text)) end

--- A text in which each word begins with a capital letter.
---@param text string
---@return string
function strings.title(text) return host.call("strings.title", text_of("title", text)) end

local function padding(name, text, width, pad)
  width = want("strings." .. name, "width", width, "number")
  pad = host.want_or_nil("strings." .. name, "pad", pad, "string") or " "
  if pad == "" then host.blame("strings." .. name .. ": pad must not be empty") end
  local missing = width - #text
  return missing > 0 and sub(rep(pad, ceil(missing / #pad)), 1, missing) or ""
end

--- A text made so many bytes long, with something before it.
---@param text string
---@param width integer bytes
---@param pad string? " " by default
---@return string
function strings.pad_left(text, width, pad)
  text = text_of("pad_left", text)
  return padding("pad_left", text, width, pad) .. text
end

--- A text made so many bytes long, with something behind it.
---@param text string
---@param width integer bytes
---@param pad string? " " by default
---@return string
function strings.pad_right(text, width, pad)
  text = text_of("pad_right", text)
  return text .. padding("pad_right", text, width, pad)
end

--- A text that is at most so many characters long: its beginning and a suffix if it is longer.
---@param text string
---@param length integer characters, with those of the suffix
---@param suffix string? "..." by default
---@return string
function strings.truncate(text, length, suffix)
  text, length = text_of("truncate", text), want("strings.truncate", "length", length, "number")
  if length < 0 or length % 1 ~= 0 then host.blame("strings.truncate: length must be a whole number, 0 or more") end
  suffix = host.want_or_nil("strings.truncate", "suffix", suffix, "string") or "..."
  return host.call("strings.truncate", text, length, suffix)
end

--- A text as a part of a URL: all but letters, digits and -._~ is percent-encoded.
---@param text string
---@return string
function strings.url_encode(text)
  return (gsub(text_of("url_encode", text), "[^%w%-._~]", function(each) return format("%%%02X", byte(each)) end))
end

--- The text of a percent-encoded one; what is no percent-encoding in it stays, "+" too.
---@param text string
---@return string
function strings.url_decode(text)
  return (gsub(text_of("url_decode", text), "%%(%x%x)", function(digits) return char(tonumber(digits, 16)) end))
end

--- Whether a text is a number, as `tonumber` reads it.
---@param text string
---@return boolean
function strings.is_numeric(text) return tonumber(text_of("is_numeric", text)) ~= nil end

--- Whether a text has letters and nothing else; an empty one has none.
---@param text string
---@return boolean
function strings.is_alpha(text) return host.call("strings.is_alpha", text_of("is_alpha", text)) end

--- Whether a text has letters and digits and nothing else.
---@param text string
---@return boolean
function strings.is_alphanumeric(text) return host.call("strings.is_alphanumeric", text_of("is_alphanumeric", text)) end

--- Whether a text has the form of an e-mail address; not whether there is one.
---@param text string
---@return boolean
function strings.is_email(text)
  return find(text_of("is_email", text), "^[%w._%%+-]+@[%w.-]+%.%a%a+$") ~= nil
end

--- Whether a text has the form of an http or https URL.
---@param text string
---@return boolean
function strings.is_url(text) return find(text_of("is_url", text), "^https?://[^%s/?#]+%S*$") ~= nil end

return strings
