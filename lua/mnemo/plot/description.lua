--- What descriptions of all kinds of figures share: their options, and the checks of those.
--
-- A description has `kind`, the `options` as they were given, and what was read from them.
local check = require "mnemo.plot.check"
local expect = require "mnemo.text.expect"
local style = require "mnemo.plot.style"
local values = require "mnemo.plot.values"

local description = {}

-- Options of several kinds of figures.
description.size_keys = { "width", "height" }
description.label_keys = { "title", "xlabel", "ylabel" }
description.axis_keys = { "xlim", "ylim", "xscale", "yscale", "hlines", "vlines", "legend" }
description.colour_keys = { "palette", "min", "max", "zlabel" }

local legends = { "right", "below", "none" }

--- Joins lists of keys.
function description.joined(...)
  local all = {}
  for _, list in ipairs { ... } do
    for _, key in ipairs(list) do all[#all + 1] = key end
  end
  return all
end

--- Begins a description, with the size that is asked for or the usual one.
function description.begun(kind, options, where, width, height)
  check.size(options, where)
  check.texts(options, { "title", "xlabel", "ylabel", "zlabel", "sizelabel" }, where)
  return {
    kind = kind, options = options, width = options.width or width,
    height = options.height or height,
  }
end

--- Reads the straight lines across: numbers, or tables with `at` and `name`.
local function read_rules(given, is_log, where, what)
  local lines = {}
  for i, one in ipairs(values.list(given or {}, where, what)) do
    local line = type(one) == "table" and one or { at = one }
    expect.keys(line, { "at", "name" }, ("%s, %s[%d]"):format(where, what, i))
    check.texts(line, { "name" }, where)
    if type(line.at) ~= "number" or not values.has_place(line.at, is_log) then
      expect.fail("%s: %s[%d] is no number that the axis has a place for", where, what, i)
    end
    lines[i] = line
  end
  return lines
end

--- Reads the straight lines across.
function description.read_lines(self, where)
  local options = self.options
  expect.choice(options.legend, legends, where, "legend")
  self.hlines = read_rules(options.hlines, options.yscale == "log", where, "hlines")
  self.vlines = read_rules(options.vlines, options.xscale == "log", where, "vlines")
end

--- Checks the options of axes with numbers and reads the straight lines across.
function description.read_axes(self, where)
  local options = self.options
  for _, axis in ipairs { "x", "y" } do
    local scale, limits = axis .. "scale", axis .. "lim"
    expect.choice(options[scale], { "linear", "log" }, where, scale)
    check.limits(options[limits], where, limits)
    if options[scale] == "log" and options[limits] and options[limits][1] <= 0 then
      expect.fail("%s: %s begins at %g; a log axis has places for positive numbers only", where,
        limits, options[limits][1])
    end
  end
  description.read_lines(self, where)
end

--- Checks the options of a colour bar.
function description.check_colours(options, where)
  expect.choice(options.palette, style.palette_names, where, "palette")
  for _, key in ipairs { "min", "max" } do
    if options[key] ~= nil and type(options[key]) ~= "number" then
      expect.fail("%s: %s is a %s; a number is expected", where, key, type(options[key]))
    elseif options[key] and not values.finite(options[key]) then
      expect.fail("%s: %s is %s; a number is expected, neither infinite nor NaN", where, key,
        values.text(options[key]))
    end
  end
  if options.min and options.max and options.min >= options.max then
    expect.fail("%s: min is %g, not below max, %g", where, options.min, options.max)
  end
end

--- Returns the series that are given, or the single one that stands in the options themselves.
function description.given_series(options, keys, where)
  local given = options.series
  if given == nil then
    local single = {}
    for _, key in ipairs(keys) do single[key] = options[key] end
    return { single }
  end
  for _, key in ipairs(keys) do
    if options[key] ~= nil and key ~= "x" then
      expect.fail("%s: %s belongs into a series when series are given", where, key)
    end
  end
  if type(given) ~= "table" or #given == 0 then expect.fail("%s: no series to draw", where) end
  return given
end

--- Refuses a series whose lists differ in length from y.
function description.check_lengths(series, keys, where, index)
  if #series.y == 0 then expect.fail("%s: series %d is empty", where, index) end
  for _, key in ipairs(keys) do
    if series[key] and #series[key] ~= #series.y then
      expect.fail("%s: series %d has %d y but %d %s", where, index, #series.y, #series[key],
        key)
    end
  end
end

--- Counts places that cannot be drawn: NaN or infinite, or not positive on a log axis.
-- @tparam table gaps the counts so far: `total`, `missing`, `negative`
-- @tparam {number,...} list
-- @tparam boolean is_log whether the list belongs to a logarithmic axis
-- @tparam[opt] {number,...} other a list that belongs to the same places
-- @tparam[opt] boolean other_is_log
function description.count_gaps(gaps, list, is_log, other, other_is_log)
  for i, value in ipairs(list) do
    local beside = other and other[i] or 1
    gaps.total = gaps.total + 1
    if not values.finite(value) or not values.finite(beside) then
      gaps.missing = gaps.missing + 1
    elseif not values.has_place(value, is_log) or not values.has_place(beside, other_is_log) then
      gaps.negative = gaps.negative + 1
    end
  end
end

--- Says on standard error how many places are left out.
function description.tell_gaps(gaps, where)
  local function tell(count, what)
    if count > 0 then
      io.stderr:write(("%s: %d of %d values %s %s and left out\n"):format(where, count, gaps.total,
        count == 1 and "is" or "are", what))
    end
  end
  tell(gaps.missing, "NaN or infinite")
  tell(gaps.negative, "zero or negative on a log axis")
end

--- Returns the counts before anything is counted.
function description.no_gaps()
  return { total = 0, missing = 0, negative = 0 }
end

return description
