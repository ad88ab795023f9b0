--- Describes points.
local check = require "mnemo.plot.check"
local description = require "mnemo.plot.description"
local expect = require "mnemo.text.expect"
local values = require "mnemo.plot.values"
local visible = require "mnemo.text.visible"

local point_keys = { "name", "x", "y", "size", "colour", "labels" }
local all_keys = description.joined({ "series", "sizelabel" }, point_keys, description.label_keys,
  description.axis_keys, description.colour_keys, description.size_keys)

--- Reads one series of `scatter`.
local function read_points(given, shared_x, where, index)
  expect.keys(given, point_keys, ("%s, series %d"):format(where, index))
  check.texts(given, { "name" }, where)
  local series = { name = given.name }
  for _, key in ipairs { "x", "y", "size", "colour" } do
    local list = given[key] or key == "x" and shared_x
    if list then
      series[key] = values.numbers(list, where, ("series %d's %s"):format(index, key))
    elseif key == "x" or key == "y" then
      expect.fail("%s: series %d has no %s", where, index, key)
    end
  end
  if given.labels ~= nil then
    series.labels = {}
    for i, label in ipairs(values.list(given.labels, where, "labels")) do
      series.labels[i] = visible.token(label)
    end
  end
  description.check_lengths(series, { "x", "size", "colour", "labels" }, where, index)
  return series
end

--- Reads the options of `plot.scatter`.
return function(options)
  local where = "plot.scatter"
  check.options(options, all_keys, where, "x")
  local self = description.begun("scatter", options, where, 600, 420)
  description.read_axes(self, where)
  description.check_colours(options, where)
  self.series = {}
  local gaps, x_log, y_log = description.no_gaps(), options.xscale == "log", options.yscale == "log"
  for i, one in ipairs(description.given_series(options, point_keys, where)) do
    local series = read_points(one, options.x, where, i)
    self.series[i] = series
    description.count_gaps(gaps, series.y, y_log, series.x, x_log)
  end
  description.tell_gaps(gaps, where)
  return self
end
