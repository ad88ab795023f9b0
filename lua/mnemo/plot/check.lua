--- Checks of what figures alone are given.
local expect = require "mnemo.text.expect"
local tics = require "mnemo.plot.tics"

local check = {}

--- Refuses what is no table of options by name.
-- @tparam string example one of the names
function check.options(options, known, where, example)
  if type(options) ~= "table" then
    expect.fail("%s: a table of options such as { %s = … } is expected, got %s", where, example,
      expect.kind(options))
  elseif options[1] ~= nil then
    expect.fail("%s: options have names, such as { %s = … }; got a list", where, example)
  end
  expect.keys(options, known, where)
end

--- Refuses numbers that are too large for axes and colours.
function check.extent(low, high, what)
  if low < -tics.greatest or high > tics.greatest then
    expect.fail("%s goes from %g to %g; figures show numbers from -%g to %g", what, low, high,
      tics.greatest, tics.greatest)
  end
end

--- Refuses what is not a pair of numbers, the first below the second.
function check.limits(limits, where, what)
  if limits == nil then return end
  local ok = type(limits) == "table" and type(limits[1]) == "number"
    and type(limits[2]) == "number" and limits[1] < limits[2] and limits[1] > -math.huge
    and limits[2] < math.huge
  if not ok then
    expect.fail("%s: %s is a pair such as { 0, 1 }, the smaller number first", where, what)
  end
  check.extent(limits[1], limits[2], ("%s: %s"):format(where, what))
  if not tics.are_apart(limits[1], limits[2]) then
    expect.fail("%s: %s goes from %.17g to %.17g, which are too near to each other", where, what,
      limits[1], limits[2])
  end
end

--- Refuses titles, labels and names that are no text.
function check.texts(options, keys, where)
  for _, key in ipairs(keys) do
    local kind = type(options[key])
    if kind ~= "nil" and kind ~= "string" and kind ~= "number" then
      expect.fail("%s: %s is a %s; a text is expected", where, key, kind)
    end
  end
end

--- Refuses a width or height that is no number of pixels.
function check.size(options, where)
  for _, key in ipairs { "width", "height" } do
    local value = options[key]
    if value ~= nil and not (type(value) == "number" and value >= 50 and value <= 20000) then
      expect.fail("%s: %s is a number of pixels from 50 to 20000", where, key)
    end
  end
end

return check
