--- Describes curves.
local check = require "mnemo.plot.check"
local description = require "mnemo.plot.description"
local expect = require "mnemo.text.expect"
local values = require "mnemo.plot.values"

local styles = { "lines", "points", "linespoints", "reference" }
local curve_keys = { "name", "x", "y", "low", "high", "style" }
local all_keys = description.joined({ "series", "from_zero" }, curve_keys, description.label_keys,
  description.axis_keys, description.size_keys)

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

--- Reads the options of `plot.lines`.
return function(options)
  local where = "plot.lines"
  check.options(options, all_keys, where, "y")
  local self = description.begun("lines", options, where, 600, 380)
  description.read_axes(self, where)
  read_zero(options, where)
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
