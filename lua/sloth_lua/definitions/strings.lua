---@meta

--- `strings`: texts. Nothing here is a pattern; for patterns there is Lua's own `string`. Widths are
--- bytes, lengths are characters.
---@class strings
strings = {}

--- The parts of a text between separators, "," by default.
---@param text string
---@param separator string?
---@return string[]
function strings.split(text, separator) end

--- A text without the white space at both ends.
---@param text string
---@return string
function strings.trim(text) end

--- Whether a text has another one in it.
---@param text string
---@param part string
---@return boolean
function strings.contains(text, part) end

--- Whether a text begins with another one.
---@param text string
---@param prefix string
---@return boolean
function strings.starts_with(text, prefix) end

--- Whether a text ends with another one.
---@param text string
---@param suffix string
---@return boolean
function strings.ends_with(text, suffix) end

--- The same as `crypto.md5`.
---@param text string
---@return string
function strings.md5(text) end

--- The same as `crypto.sha1`.
---@param text string
---@return string
function strings.sha1(text) end

--- The same as `crypto.sha256`.
---@param text string
---@return string
function strings.sha256(text) end

--- The same as `crypto.base64_encode`.
---@param text string
---@return string
function strings.base64_encode(text) end

--- The same as `crypto.base64_decode`.
---@param text string
---@return string?
---@return string?
function strings.base64_decode(text) end

--- One text of a list of texts, numbers and booleans.
---@param parts any[]
---@param separator string? "" by default
---@return string
function strings.join(parts, separator) end

--- A text with one part of it replaced, everywhere or so many times.
---@param text string
---@param part string
---@param replacement string
---@param count integer? everywhere by default
---@return string
function strings.replace(text, part, replacement, count) end

--- A text in capital letters, those beyond a to z included.
---@param text string
---@return string
function strings.upper(text) end

--- A text in small letters, those beyond a to z included.
---@param text string
---@return string
function strings.lower(text) end

--- A text in which each word begins with a capital letter.
---@param text string
---@return string
function strings.title(text) end

--- A text made so many bytes long, with something before it.
---@param text string
---@param width integer bytes
---@param pad string? " " by default
---@return string
function strings.pad_left(text, width, pad) end

--- A text made so many bytes long, with something behind it.
---@param text string
---@param width integer bytes
---@param pad string? " " by default
---@return string
function strings.pad_right(text, width, pad) end

--- A text that is at most so many characters long: its beginning and a suffix if it is longer.
---@param text string
---@param length integer characters, with those of the suffix
---@param suffix string? "..." by default
---@return string
function strings.truncate(text, length, suffix) end

--- A text as a part of a URL: all but letters, digits and -._~ is percent-encoded.
---@param text string
---@return string
function strings.url_encode(text) end

--- The text of a percent-encoded one; what is no percent-encoding in it stays, "+" too.
---@param text string
---@return string
function strings.url_decode(text) end

--- Whether a text is a number, as `tonumber` reads it.
---@param text string
---@return boolean
function strings.is_numeric(text) end

--- Whether a text has letters and nothing else; an empty one has none.
---@param text string
---@return boolean
function strings.is_alpha(text) end

--- Whether a text has letters and digits and nothing else.
---@param text string
---@return boolean
function strings.is_alphanumeric(text) end

--- Whether a text has the form of an e-mail address; not whether there is one.
---@param text string
---@return boolean
function strings.is_email(text) end

--- Whether a text has the form of an http or https URL.
---@param text string
---@return boolean
function strings.is_url(text) end
