--- Checks of what figures are given. An error names the caller's line outside the module.
local nearest = require "mnemo.text.nearest"
local tics = require "mnemo.plot.tics"

local check = {}

-- This folder's path, which the sources of the module's files begin with.
local own = debug.getinfo(1, "S").source:match "^(.*)/check%.lua$"

--- Tells whether a function belongs to the module, or hands a call on to it: the engine's
-- run:plot, or pcall.
local function is_own(info)
  return info.source == own .. ".lua" or info.source:sub(1, #own + 1) == own .. "/"
    or info.source == "=[C]" or info.source == "=(mnemo)"
end

--- Returns the level, as `error` counts from the caller of this function, of the first caller
-- outside the module.
local function outer_level()
  local level = 3
  local info = debug.getinfo(level, "S")
  while info and is_own(info) do
    level = level + 1
    info = debug.getinfo(level, "S")
  end
  return level - 1
end

--- Raises an error that names the line outside the module from which it was called.
function check.fail(message, ...)
  error(message:format(...), outer_level())
end

--- What a value is called in messages: a Tensor, a Run, a number.
function check.kind(value)
  return type(value) == "userdata" and tostring(value):match "^%a+" or type(value)
end

--- Refuses what is no table of options by name.
-- @tparam string example one of the names
function check.options(options, known, where, example)
  if type(options) ~= "table" then
    check.fail("%s: a table of options such as { %s = … } is expected, got %s", where, example,
      check.kind(options))
  elseif options[1] ~= nil then
    check.fail("%s: options have names, such as { %s = … }; got a list", where, example)
  end
  check.keys(options, known, where)
end

--- Refuses a table with an option that is not known.
function check.keys(options, known, where)
  nearest.check_keys(options, known, where, outer_level())
end

--- Refuses a value that is not among the allowed ones.
function check.choice(value, allowed, where, what)
  if value == nil then return end
  local words = {}
  for i, one in ipairs(allowed) do
    if value == one then return end
    words[i] = tostring(one)
  end
  check.fail("%s: %s is %s; allowed are %s", where, what,
    type(value) == "string" and "'" .. value .. "'" or "a " .. type(value),
    table.concat(words, ", "))
end

--- Refuses numbers that are too large for axes and colours.
function check.extent(low, high, what)
  if low < -tics.greatest or high > tics.greatest then
    check.fail("%s goes from %g to %g; figures show numbers from -%g to %g", what, low, high,
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
    check.fail("%s: %s is a pair such as { 0, 1 }, the smaller number first", where, what)
  end
  check.extent(limits[1], limits[2], ("%s: %s"):format(where, what))
  if not tics.are_apart(limits[1], limits[2]) then
    check.fail("%s: %s goes from %.17g to %.17g, which are too near to each other", where, what,
      limits[1], limits[2])
  end
end

--- Refuses titles, labels and names that are no text.
function check.texts(options, keys, where)
  for _, key in ipairs(keys) do
    local kind = type(options[key])
    if kind ~= "nil" and kind ~= "string" and kind ~= "number" then
      check.fail("%s: %s is a %s; a text is expected", where, key, kind)
    end
  end
end

--- Refuses a width or height that is no number of pixels.
function check.size(options, where)
  for _, key in ipairs { "width", "height" } do
    local value = options[key]
    if value ~= nil and not (type(value) == "number" and value >= 50 and value <= 20000) then
      check.fail("%s: %s is a number of pixels from 50 to 20000", where, key)
    end
  end
end

return check
