--- The values in figures: read from lists and tensors, and written as text.
local check = require "mnemo.plot.check"

local values = {}

--- Turns a list or a tensor into a Lua table.
function values.list(given, where, what)
  if type(given) == "table" then return given end
  local converted, result = pcall(function() return given:totable() end)
  if converted and type(result) == "table" then return result end
  check.fail("%s: %s is a %s; a list or a tensor is expected", where, what, type(given))
end

--- Returns a list of numbers from a list or a one-dimensional tensor.
function values.numbers(given, where, what)
  local list = values.list(given, where, what)
  for i = 1, #list do
    if type(list[i]) ~= "number" then
      check.fail("%s: %s[%d] is a %s; a number is expected", where, what, i, type(list[i]))
    end
  end
  return list
end

--- Tells whether a number is neither NaN nor infinite.
function values.finite(x)
  return x == x and math.abs(x) ~= math.huge
end

--- Writes a number for gnuplot and CSV.
function values.text(x)
  if not values.finite(x) then return "NaN" end
  if x == math.floor(x) and math.abs(x) < 1e15 then return ("%d"):format(x) end
  return ("%.9g"):format(x)
end

--- Makes a token's white space visible.
function values.visible(label)
  return (tostring(label):gsub(" ", "␣"):gsub("\n", "↵"):gsub("\t", "⇥"):gsub("%c", "·"))
end

return values
