--- What is invisible in a text, made visible.
local visible = {}

-- Characters that show nothing by themselves and have a symbol.
local symbols = { [0x20] = "␣", [0x0A] = "↵", [0x09] = "⇥" }

--- Tells whether a character shows nothing by itself.
local function is_blank(code)
  return code < 0x20 or code >= 0x7F and code <= 0xA0 or code == 0xAD or code == 0x61C
    or code == 0x1680 or code >= 0x2000 and code <= 0x200F or code >= 0x2028 and code <= 0x202F
    or code >= 0x205F and code <= 0x206F or code == 0x3000 or code == 0xFEFF
    or code >= 0xFE00 and code <= 0xFE0F or code >= 0xE000 and code <= 0xF8FF or code >= 0xE0000
end

--- Makes a token visible: space, newline and tab by symbols, other characters that show nothing
-- by their number, accents on a dotted circle, bytes that are no text by theirs.
-- @tparam any token
-- @treturn string never empty: `∅` for a token without characters
function visible.token(token)
  local text = tostring(token)
  if text == "" then return "∅" end
  if not utf8.len(text) then
    text = text:gsub("[\x80-\xff]", function(byte) return ("<%02X>"):format(byte:byte()) end)
  end
  local shown = {}
  for _, code in utf8.codes(text) do
    local character = symbols[code] or is_blank(code) and ("<%02X>"):format(code)
      or utf8.char(code)
    if code >= 0x300 and code <= 0x36F and #shown == 0 then character = "◌" .. character end
    shown[#shown + 1] = character
  end
  return table.concat(shown)
end

-- What steers a terminal: control characters, those from U+0080 to U+009F too, and what turns the
-- direction of writing or ends a line: U+061C, U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069.
local steering = {
  "%c", "\xC2[\x80-\x9F]", "\xD8\x9C", "\xE2\x80[\x8E\x8F\xA8-\xAE]",
  "\xE2\x81[\xA6-\xA9]",
}

--- Puts something else in the place of each character that steers a terminal.
-- @tparam string text
-- @tparam function replace from a character to what is shown
function visible.without_steering(text, replace)
  text = tostring(text)
  for _, pattern in ipairs(steering) do text = text:gsub(pattern, replace) end
  return text
end

--- A text in a line of a terminal: what would steer it by its number.
function visible.line(text)
  return visible.without_steering(text, function(character)
    return ("<%02X>"):format(utf8.codepoint(character))
  end)
end

--- Keeps a row of tokens a row: newlines and tabs by symbols, other control characters as dots.
-- @tparam string text
-- @treturn string as long as before, in characters
function visible.row(text)
  return visible.without_steering(text, function(c) return symbols[c:byte()] or "·" end)
end

return visible
