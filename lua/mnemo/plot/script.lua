--- Scripts for gnuplot, line by line.
local values = require "mnemo.plot.values"

local visible = require "mnemo.text.visible"

local Script = {}
Script.__index = Script

--- Returns an empty script.
-- @tparam[opt=1] number font_scale the size of letters against that on the screen
function Script.new(font_scale)
  return setmetatable({ font_scale = font_scale or 1, blocks = 0 }, Script)
end

--- Makes a text of a value: with spaces in place of what would steer a terminal, or a viewer of
-- pictures, and of bytes that are no text nothing but a sign.
function Script.plain(value)
  local text = tostring(value)
  if not utf8.len(text) then text = text:gsub("[\x80-\xff]", "\u{FFFD}") end
  return (visible.without_steering(text, function() return " " end))
end

--- Writes a text as a gnuplot string, all but letters and spaces in octal, so that nothing in
-- it is ever read as a quote, an escape, a command or a macro. (Doubling quotes between single
-- quotes is not safe: gnuplot 5.4 ends a string at a doubled first character. It also takes a
-- digit that follows an escape for a part of it.)
function Script.quoted(text)
  local safe = Script.plain(text):gsub("[^%a \x80-\xff]", function(character)
    return ("\\%03o"):format(character:byte())
  end)
  return '"' .. safe .. '"'
end

--- Writes a text as a gnuplot string, on several lines if it is too long for one.
-- @tparam string text
-- @tparam number pixels the room for a line
-- @tparam number size that of the letters
-- @treturn string
-- @treturn integer how many lines there are
function Script.wrapped(text, pixels, size)
  local most = math.max(10, pixels / (0.6 * size))
  local lines = { "" }
  for word in tostring(text):gmatch("%S+") do
    local line = lines[#lines]
    if line == "" then
      lines[#lines] = word
    elseif (utf8.len(line .. word) or #line + #word) < most then
      lines[#lines] = line .. " " .. word
    else
      lines[#lines + 1] = word
    end
  end
  local count = lines[1] == "" and 0 or #lines
  for i, line in ipairs(lines) do lines[i] = Script.quoted(line):sub(2, -2) end
  return '"' .. table.concat(lines, "\\n") .. '"', count
end

--- Adds a line, formatted if there is something to format.
function Script:add(format, ...)
  self[#self + 1] = select("#", ...) > 0 and format:format(...) or format
end

--- Writes a size of letters, in pixels on the screen.
function Script:font(size)
  return ("font ',%.4g'"):format(size * self.font_scale)
end

--- Writes a block of inline data and returns its name. An empty row is an empty line, which
-- ends a line or a polygon.
function Script:data(rows)
  self.blocks = self.blocks + 1
  local name = ("$data%d"):format(self.blocks)
  self:add("%s << END_OF_DATA", name)
  for _, row in ipairs(rows) do
    local words = {}
    for i, value in ipairs(row) do
      words[i] = type(value) == "string" and value
        or values.finite(value) and values.text(value) or "NaN"
    end
    self[#self + 1] = table.concat(words, " ")
  end
  self:add("END_OF_DATA")
  return name
end

--- Draws what is listed, in this order.
function Script:plot(parts)
  self:add("plot %s", table.concat(parts, ", \\\n  "))
end

--- Returns the whole text.
function Script:text()
  return table.concat(self, "\n") .. "\n"
end

return Script
