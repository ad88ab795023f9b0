--- The values in figures: read from lists and tensors, and written as text.
local expect = require "mnemo.text.expect"

local values = {}

--- Turns a list or a tensor into a Lua table.
function values.list(given, where, what)
  if type(given) == "table" then return given end
  local converted, result = pcall(function() return given:totable() end)
  if converted and type(result) == "table" then return result end
  expect.fail("%s: %s is %s; a list or a tensor is expected", where, what,
    given == nil and "missing" or "a " .. type(given))
end

--- Returns a list of numbers from a list or a one-dimensional tensor.
function values.numbers(given, where, what)
  local list = values.list(given, where, what)
  for i = 1, #list do
    if type(list[i]) ~= "number" then
      expect.fail("%s: %s[%d] is a %s; a number is expected", where, what, i, type(list[i]))
    end
  end
  return list
end

--- Returns rows of numbers, all of one length, from a list of lists or a tensor [rows, columns].
function values.matrix(given, where, what)
  local rows = values.list(given, where, what)
  local matrix = {}
  for i = 1, #rows do
    matrix[i] = values.numbers(rows[i], where, ("%s[%d]"):format(what, i))
    if #matrix[i] ~= #matrix[1] then
      expect.fail("%s: row %d of %s has %d columns, row 1 has %d", where, i, what, #matrix[i],
        #matrix[1])
    end
  end
  if #matrix == 0 or #matrix[1] == 0 then expect.fail("%s: %s is empty", where, what) end
  return matrix
end

--- Tells whether a number is neither NaN nor infinite.
function values.finite(x)
  return x == x and math.abs(x) ~= math.huge
end

--- Tells whether a number has a place on an axis.
function values.has_place(x, is_log)
  return values.finite(x) and not (is_log and x <= 0)
end

--- Returns the least and the greatest number that has a place on an axis; nil if none has.
-- @tparam {table,...} lists lists of numbers
-- @tparam[opt] boolean is_log whether the axis is logarithmic
function values.extent(lists, is_log)
  local low, high
  for _, list in ipairs(lists) do
    for _, value in ipairs(list) do
      if values.has_place(value, is_log) then
        low, high = math.min(low or value, value), math.max(high or value, value)
      end
    end
  end
  return low, high
end

--- Tells whether all numbers of some lists lie from 0 to 1, as shares do; others do not count.
function values.are_shares(lists)
  local low, high = values.extent(lists)
  return low ~= nil and low >= 0 and high <= 1
end

--- Returns the mean over runs at each point, and one standard deviation (of the sample, with
-- n − 1) below and above it. What is not finite does not count; a single value has no band.
-- @tparam {table,...} runs lists of equal length
-- @treturn {number,...} means, NaN where no run has a number
-- @treturn {number,...} lower edge, NaN where fewer than two runs have a number
-- @treturn {number,...} upper edge
function values.mean_and_band(runs)
  local means, low, high = {}, {}, {}
  for i = 1, #runs[1] do
    local sum, count = 0, 0
    for _, run in ipairs(runs) do
      if values.finite(run[i]) then sum, count = sum + run[i], count + 1 end
    end
    local mean, squares = sum / count, 0
    for _, run in ipairs(runs) do
      if values.finite(run[i]) then squares = squares + (run[i] - mean) ^ 2 end
    end
    local deviation = count > 1 and math.sqrt(squares / (count - 1)) or 0 / 0
    means[i], low[i], high[i] = mean, mean - deviation, mean + deviation
  end
  return means, low, high
end

--- Writes a number for gnuplot and CSV.
function values.text(x)
  if x ~= x then return "NaN" end
  if math.abs(x) == math.huge then return x > 0 and "inf" or "-inf" end
  if x == math.floor(x) and math.abs(x) < 1e15 then return ("%d"):format(x) end
  return ("%.9g"):format(x)
end

return values
