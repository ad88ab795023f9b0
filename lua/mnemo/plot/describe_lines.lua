--- Describes curves.
local check = require "mnemo.plot.check"
local description = require "mnemo.plot.description"
local expect = require "mnemo.text.expect"
local values = require "mnemo.plot.values"

local styles = { "lines", "points", "linespoints", "reference" }
local curve_keys = { "name", "x", "y", "low", "high", "style" }
local all_keys = description.joined({ "series", "from_zero", "vspans" }, curve_keys,
  description.label_keys, description.axis_keys, description.size_keys)

--- Reads y: numbers, or runs of numbers, of which the mean is drawn and a band around it.
local function read_heights(series, given, where, what, index)
  local y = values.list(given.y, where, what .. "y")
  if type(y[1]) ~= "table" and type(y[1]) ~= "userdata" then
    series.y = values.numbers(y, where, what .. "y")
    return
  end
  if given.low ~= nil or given.high ~= nil then
    expect.fail("%s: series %d has runs in y, whose spread is its band; low and high go without",
      where, index)
  end
  series.runs = values.matrix(y, where, what .. "y")
  series.y, series.low, series.high = values.mean_and_band(series.runs)
  series.shares = values.are_shares(series.runs)
end

--- Reads one series of `lines`: its numbers, with x counted from 1 where none is given.
local function read_curve(given, shared_x, where, index)
  expect.keys(given, curve_keys, ("%s, series %d"):format(where, index))
  check.texts(given, { "name" }, where)
  if given.y == nil then expect.fail("%s: series %d has no y", where, index) end
  expect.choice(given.style, styles, where, "style")
  local what = ("series %d's "):format(index)
  local series = { name = given.name, style = given.style or "lines" }
  read_heights(series, given, where, what, index)
  local x = given.x or shared_x
  if x then
    series.x = values.numbers(x, where, what .. "x")
  else
    series.x = {}
    for i = 1, #series.y do series.x[i] = i end
  end
  if (given.low == nil) ~= (given.high == nil) then
    expect.fail("%s: series %d has one of low and high; a band needs both", where, index)
  end
  for _, key in ipairs { "low", "high" } do
    if given[key] then series[key] = values.numbers(given[key], where, what .. key) end
  end
  description.check_lengths(series, { "x", "low", "high" }, where, index)
  return series
end

--- Checks whether the y axis is to hold 0.
local function read_zero(options, where)
  expect.choice(options.from_zero, { true, false }, where, "from_zero")
  if options.from_zero and options.yscale == "log" then
    expect.fail("%s: from_zero is true; a log axis has no 0", where)
  elseif options.from_zero ~= nil and options.ylim ~= nil then
    expect.fail("%s: ylim says where the axis begins; from_zero goes without", where)
  end
end

--- Reads the shaded spans of the x axis.
local function read_spans(given, is_log, where)
  local spans = {}
  for i, span in ipairs(values.list(given or {}, where, "vspans")) do
    local what = ("%s, vspans[%d]"):format(where, i)
    if type(span) ~= "table" then
      expect.fail("%s is a %s; a table such as { from = 0, to = 1 } is expected", what, type(span))
    end
    expect.keys(span, { "from", "to", "name" }, what)
    check.texts(span, { "name" }, where)
    for _, key in ipairs { "from", "to" } do
      if type(span[key]) ~= "number" or not values.has_place(span[key], is_log) then
        expect.fail("%s: %s is no number that the axis has a place for", what, key)
      end
    end
    if span.from >= span.to then
      expect.fail("%s: from is %g, not below to, %g", what, span.from, span.to)
    end
    spans[i] = span
  end
  return spans
end

--- Reads the options of `plot.lines`.
return function(options)
  local where = "plot.lines"
  check.options(options, all_keys, where, "y")
  local self = description.begun("lines", options, where, 600, 380)
  description.read_axes(self, where)
  read_zero(options, where)
  self.vspans = read_spans(options.vspans, options.xscale == "log", where)
  self.series = {}
  local gaps, x_log, y_log = description.no_gaps(), options.xscale == "log", options.yscale == "log"
  for i, one in ipairs(description.given_series(options, curve_keys, where)) do
    local series = read_curve(one, options.x, where, i)
    self.series[i] = series
    for _, y in ipairs(series.runs or { series.y }) do
      description.count_gaps(gaps, y, y_log, series.x, x_log)
    end
  end
  description.tell_gaps(gaps, where)
  return self
end
