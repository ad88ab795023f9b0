--- Describes figures: checks what they are given and makes plain tables of it.
--
-- A description has `kind`, the `options` as they were given, and what was read from them.
local check = require "mnemo.plot.check"
local values = require "mnemo.plot.values"

local describe = {}

local size_keys = { "width", "height" }
local axis_keys = { "title", "xlabel", "ylabel", "xlim", "ylim" }
local series_keys = { "name", "x", "y", "low", "high", "style" }
local styles = { "lines", "points", "linespoints", "reference" }
local legends = { "right", "below", "none" }

--- Joins lists of keys.
local function joined(...)
  local all = {}
  for _, list in ipairs { ... } do
    for _, key in ipairs(list) do all[#all + 1] = key end
  end
  return all
end

local line_keys = joined({ "x", "y", "low", "high", "name", "style", "series", "xscale",
  "yscale", "legend" }, axis_keys, size_keys)
local heatmap_keys = joined({ "matrix", "xlabels", "ylabels", "min", "max", "palette" },
  { "title", "xlabel", "ylabel" }, size_keys)
local grid_keys = joined({ "columns", "heights", "title" }, size_keys)

--- Reads one series of `lines`: its numbers, with x counted from 1 where none is given.
local function read_series(given, shared_x, where, index)
  check.keys(given, series_keys, ("%s, series %d"):format(where, index))
  if given.y == nil then check.fail("%s: series %d has no y", where, index) end
  check.choice(given.style, styles, where, "style")
  local what = ("series %d's "):format(index)
  local series = { name = given.name, style = given.style or "lines" }
  series.y = values.numbers(given.y, where, what .. "y")
  local x = given.x or shared_x
  if x then
    series.x = values.numbers(x, where, what .. "x")
  else
    series.x = {}
    for i = 1, #series.y do series.x[i] = i end
  end
  if (given.low == nil) ~= (given.high == nil) then
    check.fail("%s: series %d has one of low and high; a band needs both", where, index)
  end
  for _, key in ipairs { "low", "high" } do
    if given[key] then series[key] = values.numbers(given[key], where, what .. key) end
  end
  for _, key in ipairs { "x", "low", "high" } do
    if series[key] and #series[key] ~= #series.y then
      check.fail("%s: series %d has %d y but %d %s", where, index, #series.y, #series[key],
        key)
    end
  end
  return series
end

--- Reads the options of `plot.lines`.
function describe.lines(options)
  local where = "plot.lines"
  check.keys(options, line_keys, where)
  check.choice(options.xscale, { "linear", "log" }, where, "xscale")
  check.choice(options.yscale, { "linear", "log" }, where, "yscale")
  check.choice(options.legend, legends, where, "legend")
  check.limits(options.xlim, where, "xlim")
  check.limits(options.ylim, where, "ylim")
  check.size(options, where)
  local given = options.series
  if given == nil then
    given = { {
      name = options.name, y = options.y, low = options.low, high = options.high,
      style = options.style,
    } }
  else
    for _, key in ipairs { "y", "low", "high", "name", "style" } do
      if options[key] ~= nil then
        check.fail("%s: %s belongs into a series when series are given", where, key)
      end
    end
  end
  local self = { kind = "lines", options = options, series = {} }
  for i, one in ipairs(given) do
    self.series[i] = read_series(one, options.x, where, i)
  end
  if #self.series == 0 then check.fail("%s: no series to draw", where) end
  return self
end

--- Reads the options of `plot.heatmap`.
function describe.heatmap(options)
  local where = "plot.heatmap"
  check.keys(options, heatmap_keys, where)
  check.choice(options.palette, { "blues", "greys", "viridis", "diverging" }, where, "palette")
  check.size(options, where)
  local rows = values.list(options.matrix, where, "matrix")
  local matrix = {}
  for i = 1, #rows do
    matrix[i] = values.numbers(rows[i], where, ("matrix[%d]"):format(i))
    if #matrix[i] ~= #matrix[1] then
      check.fail("%s: row %d has %d columns, row 1 has %d", where, i, #matrix[i], #matrix[1])
    end
  end
  if #matrix == 0 or #matrix[1] == 0 then check.fail("%s: the matrix is empty", where) end
  local self = { kind = "heatmap", options = options, matrix = matrix }
  for key, expected in pairs { xlabels = #matrix[1], ylabels = #matrix } do
    if options[key] ~= nil then
      local labels = values.list(options[key], where, key)
      if #labels ~= expected then
        check.fail("%s: %d %s for %d %s", where, #labels, key, expected,
          key == "xlabels" and "columns" or "rows")
      end
      self[key] = {}
      for i, label in ipairs(labels) do self[key][i] = values.visible(label) end
    end
  end
  for _, key in ipairs { "min", "max" } do
    if options[key] ~= nil and type(options[key]) ~= "number" then
      check.fail("%s: %s is a %s; a number is expected", where, key, type(options[key]))
    end
  end
  if options.min and options.max and options.min >= options.max then
    check.fail("%s: min is %g, not below max, %g", where, options.min, options.max)
  end
  return self
end

--- Reads the figures and options of `plot.grid`.
-- @tparam function is_figure tells whether a value is a figure
function describe.grid(figures, options, is_figure)
  local where = "plot.grid"
  options = options or {}
  check.keys(options, grid_keys, where)
  check.size(options, where)
  if type(figures) ~= "table" or #figures == 0 then
    check.fail("%s: a list of figures is expected", where)
  end
  for i, one in ipairs(figures) do
    if not is_figure(one) then
      check.fail("%s: entry %d is no figure", where, i)
    end
  end
  local columns = options.columns or math.min(#figures, 2)
  if math.type(columns) ~= "integer" or columns < 1 then
    check.fail("%s: columns is a whole number from 1", where)
  end
  local rows = (#figures + columns - 1) // columns
  local heights = options.heights or {}
  for i = 1, rows do
    if options.heights and not (type(heights[i]) == "number" and heights[i] > 0) then
      check.fail("%s: heights has a positive number for each of the %d rows", where, rows)
    end
  end
  return {
    kind = "grid", options = options, figures = figures, columns = columns, rows = rows,
  }
end

return describe
