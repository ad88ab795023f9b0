--- Scripts for gnuplot, line by line.
local values = require "mnemo.plot.values"

local Script = {}
Script.__index = Script

--- Returns an empty script.
function Script.new()
  return setmetatable({}, Script)
end

--- Writes a text as a gnuplot string, all but letters and spaces in octal, so that nothing in
-- it is ever read as a quote, an escape, a command or a macro. (Doubling quotes between single
-- quotes is not safe: gnuplot 5.4 ends a string at a doubled first character. It also takes a
-- digit that follows an escape for a part of it.)
function Script.quoted(text)
  text = tostring(text)
  if not utf8.len(text) then text = text:gsub("[\x80-\xff]", "\u{FFFD}") end
  local safe = text:gsub("%c", " "):gsub("[^%a \x80-\xff]", function(character)
    return ("\\%03o"):format(character:byte())
  end)
  return '"' .. safe .. '"'
end

--- Adds a line, formatted if there is something to format.
function Script:add(format, ...)
  self[#self + 1] = select("#", ...) > 0 and format:format(...) or format
end

--- Writes a block of inline data and returns its name.
function Script:data(rows)
  self.blocks = (self.blocks or 0) + 1
  local name = ("$data%d"):format(self.blocks)
  self:add("%s << END_OF_DATA", name)
  for _, row in ipairs(rows) do
    local words = {}
    for i, value in ipairs(row) do words[i] = values.text(value) end
    self[#self + 1] = table.concat(words, " ")
  end
  self:add("END_OF_DATA")
  return name
end

--- Returns the whole text.
function Script:text()
  return table.concat(self, "\n") .. "\n"
end

return Script
