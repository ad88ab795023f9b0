--- Words for strings, numbers, shapes and sizes.
local visible = require "mnemo.text.visible"

local words = {}

local byte, format, gsub, sub = string.byte, string.format, string.gsub, string.sub

--- A string as Lua source would write it; UTF-8 stays readable, control characters do not pass.
function words.quoted(text, most)
  local cut = ""
  if #text > most then
    local length = most
    -- Not in the middle of a character.
    while length > 1 and (byte(text, length + 1) or 0) & 0xC0 == 0x80 do length = length - 1 end
    cut = format("… (%d bytes)", #text)
    text = sub(text, 1, length)
  end
  text = gsub(text, '[%c"\\]', function(c)
    if c == "\n" then return "\\n" end
    if c == "\t" then return "\\t" end
    if c == '"' or c == "\\" then return "\\" .. c end
    return format("\\%d", byte(c))
  end)
  if not utf8.len(text) then
    text = gsub(text, "[\x80-\xff]", function(c) return format("\\%d", byte(c)) end)
  end
  text = visible.without_steering(text, function(c)
    return format("\\u{%x}", utf8.codepoint(c))
  end)
  return '"' .. text .. '"' .. cut
end

--- A number, short but not wrong.
function words.number(x)
  if math.type(x) == "integer" then return tostring(x) end
  if x ~= x then return "nan" end
  if x == math.huge or x == -math.huge then return x > 0 and "inf" or "-inf" end
  return format("%.14g", x) == format("%.0f", x) and format("%.1f", x) or format("%.14g", x)
end

--- A number of a table: four digits that count.
function words.short(x)
  if x ~= x or x == math.huge or x == -math.huge then return words.number(x) end
  if x == math.floor(x) and math.abs(x) < 1e6 then return format("%d", x) end
  return format("%.4g", x)
end

--- The shape of a tensor.
function words.shape(tensor)
  local done, shape = pcall(function() return tensor:shape() end)
  return done and type(shape) == "table" and "[" .. table.concat(shape, ", ") .. "]" or "?"
end

--- Bytes for people.
function words.bytes(n)
  if n < 1024 then return format("%d B", n) end
  for _, unit in ipairs { "KiB", "MiB", "GiB", "TiB" } do
    n = n / 1024
    if n < 1024 then return format("%.1f %s", n, unit) end
  end
  return format("%.0f PiB", n / 1024)
end

return words
