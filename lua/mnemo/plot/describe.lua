--- Describes figures: checks what they are given and makes plain tables of it.
--
-- A description has `kind`, the `options` as they were given, and what was read from them.
local axes = require "mnemo.plot.axes"
local check = require "mnemo.plot.check"
local style = require "mnemo.plot.style"
local values = require "mnemo.plot.values"
local visible = require "mnemo.text.visible"

local describe = {}

local size_keys = { "width", "height" }
local label_keys = { "title", "xlabel", "ylabel" }
local axis_keys = { "xlim", "ylim", "xscale", "yscale", "hlines", "vlines", "legend" }
local colour_keys = { "palette", "min", "max", "zlabel" }
local curve_keys = { "name", "x", "y", "low", "high", "style" }
local point_keys = { "name", "x", "y", "size", "colour", "labels" }
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

local line_keys = joined({ "series" }, curve_keys, label_keys, axis_keys, size_keys)
local scatter_keys = joined({ "series", "sizelabel" }, point_keys, label_keys, axis_keys,
  colour_keys, size_keys)
local heatmap_keys = joined({ "matrix", "xlabels", "ylabels", "xlim", "ylim", "aspect" },
  label_keys, colour_keys, size_keys)
local contour_keys = joined({ "x", "y", "z", "levels", "filled", "palette", "zlabel" },
  label_keys, axis_keys, size_keys)
local grid_keys = joined({ "columns", "heights" }, label_keys, size_keys)

---- What kinds of figures share ----

--- Begins a description, with the size that is asked for or the usual one.
local function begun(kind, options, where, width, height)
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
    check.keys(line, { "at", "name" }, ("%s, %s[%d]"):format(where, what, i))
    check.texts(line, { "name" }, where)
    if type(line.at) ~= "number" or not values.has_place(line.at, is_log) then
      check.fail("%s: %s[%d] is no number that the axis has a place for", where, what, i)
    end
    lines[i] = line
  end
  return lines
end

--- Checks the options of axes with numbers and reads the straight lines across.
local function read_axes(self, where)
  local options = self.options
  for _, axis in ipairs { "x", "y" } do
    local scale, limits = axis .. "scale", axis .. "lim"
    check.choice(options[scale], { "linear", "log" }, where, scale)
    check.limits(options[limits], where, limits)
    if options[scale] == "log" and options[limits] and options[limits][1] <= 0 then
      check.fail("%s: %s begins at %g; a log axis has places for positive numbers only", where,
        limits, options[limits][1])
    end
  end
  check.choice(options.legend, legends, where, "legend")
  self.hlines = read_rules(options.hlines, options.yscale == "log", where, "hlines")
  self.vlines = read_rules(options.vlines, options.xscale == "log", where, "vlines")
end

--- Checks the options of a colour bar.
local function check_colours(options, where)
  check.choice(options.palette, style.palette_names, where, "palette")
  for _, key in ipairs { "min", "max" } do
    if options[key] ~= nil and type(options[key]) ~= "number" then
      check.fail("%s: %s is a %s; a number is expected", where, key, type(options[key]))
    end
  end
  if options.min and options.max and options.min >= options.max then
    check.fail("%s: min is %g, not below max, %g", where, options.min, options.max)
  end
end

--- Returns the series that are given, or the single one that stands in the options themselves.
local function given_series(options, keys, where)
  local given = options.series
  if given == nil then
    local single = {}
    for _, key in ipairs(keys) do single[key] = options[key] end
    return { single }
  end
  for _, key in ipairs(keys) do
    if options[key] ~= nil and key ~= "x" then
      check.fail("%s: %s belongs into a series when series are given", where, key)
    end
  end
  if type(given) ~= "table" or #given == 0 then check.fail("%s: no series to draw", where) end
  return given
end

--- Refuses a series whose lists differ in length from y.
local function check_lengths(series, keys, where, index)
  if #series.y == 0 then check.fail("%s: series %d is empty", where, index) end
  for _, key in ipairs(keys) do
    if series[key] and #series[key] ~= #series.y then
      check.fail("%s: series %d has %d y but %d %s", where, index, #series.y, #series[key],
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
local function count_gaps(gaps, list, is_log, other, other_is_log)
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
local function tell_gaps(gaps, where)
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
local function no_gaps()
  return { total = 0, missing = 0, negative = 0 }
end

---- Curves ----

--- Reads y: numbers, or runs of numbers, of which the mean is drawn and a band around it.
local function read_heights(series, given, where, what, index)
  local y = values.list(given.y, where, what .. "y")
  if type(y[1]) ~= "table" and type(y[1]) ~= "userdata" then
    series.y = values.numbers(y, where, what .. "y")
    return
  end
  if given.low ~= nil or given.high ~= nil then
    check.fail("%s: series %d has runs in y, whose spread is its band; low and high go without",
      where, index)
  end
  series.runs = values.matrix(y, where, what .. "y")
  series.y, series.low, series.high = values.mean_and_band(series.runs)
end

--- Reads one series of `lines`: its numbers, with x counted from 1 where none is given.
local function read_curve(given, shared_x, where, index)
  check.keys(given, curve_keys, ("%s, series %d"):format(where, index))
  check.texts(given, { "name" }, where)
  if given.y == nil then check.fail("%s: series %d has no y", where, index) end
  check.choice(given.style, styles, where, "style")
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
    check.fail("%s: series %d has one of low and high; a band needs both", where, index)
  end
  for _, key in ipairs { "low", "high" } do
    if given[key] then series[key] = values.numbers(given[key], where, what .. key) end
  end
  check_lengths(series, { "x", "low", "high" }, where, index)
  return series
end

--- Reads the options of `plot.lines`.
function describe.lines(options)
  local where = "plot.lines"
  check.keys(options, line_keys, where)
  local self = begun("lines", options, where, 600, 380)
  read_axes(self, where)
  self.series = {}
  local gaps, x_log, y_log = no_gaps(), options.xscale == "log", options.yscale == "log"
  for i, one in ipairs(given_series(options, curve_keys, where)) do
    local series = read_curve(one, options.x, where, i)
    self.series[i] = series
    for _, y in ipairs(series.runs or { series.y }) do
      count_gaps(gaps, y, y_log, series.x, x_log)
    end
  end
  tell_gaps(gaps, where)
  return self
end

---- Points ----

--- Reads one series of `scatter`.
local function read_points(given, shared_x, where, index)
  check.keys(given, point_keys, ("%s, series %d"):format(where, index))
  check.texts(given, { "name" }, where)
  local series = { name = given.name }
  for _, key in ipairs { "x", "y", "size", "colour" } do
    local list = given[key] or key == "x" and shared_x
    if list then
      series[key] = values.numbers(list, where, ("series %d's %s"):format(index, key))
    elseif key == "x" or key == "y" then
      check.fail("%s: series %d has no %s", where, index, key)
    end
  end
  if given.labels ~= nil then
    series.labels = {}
    for i, label in ipairs(values.list(given.labels, where, "labels")) do
      series.labels[i] = visible.token(label)
    end
  end
  check_lengths(series, { "x", "size", "colour", "labels" }, where, index)
  return series
end

--- Reads the options of `plot.scatter`.
function describe.scatter(options)
  local where = "plot.scatter"
  check.keys(options, scatter_keys, where)
  local self = begun("scatter", options, where, 600, 420)
  read_axes(self, where)
  check_colours(options, where)
  self.series = {}
  local gaps = no_gaps()
  for i, one in ipairs(given_series(options, point_keys, where)) do
    local series = read_points(one, options.x, where, i)
    self.series[i] = series
    count_gaps(gaps, series.y, options.yscale == "log", series.x, options.xscale == "log")
  end
  tell_gaps(gaps, where)
  return self
end

---- Maps ----

--- Reads which columns or rows are in view.
-- @treturn table `first` and `last`
local function read_window(limits, count, where, what)
  if limits == nil then return { first = 1, last = count } end
  local first = type(limits) == "table" and math.tointeger(limits[1])
  local last = type(limits) == "table" and math.tointeger(limits[2])
  if not first or not last or first < 1 or first > last or last > count then
    check.fail("%s: %s is a pair such as { 1, %d }: the first and the last in view", where, what,
      count)
  end
  return { first = first, last = last }
end

--- Reads the options of `plot.heatmap`.
function describe.heatmap(options)
  local where = "plot.heatmap"
  check.keys(options, heatmap_keys, where)
  check_colours(options, where)
  check.choice(options.aspect, { "equal", "auto" }, where, "aspect")
  local self = begun("heatmap", options, where, 600, 560)
  self.matrix = values.matrix(options.matrix, where, "matrix")
  for key, expected in pairs { xlabels = #self.matrix[1], ylabels = #self.matrix } do
    if options[key] ~= nil then
      local labels = values.list(options[key], where, key)
      if #labels ~= expected then
        check.fail("%s: %d %s for %d %s", where, #labels, key, expected,
          key == "xlabels" and "columns" or "rows")
      end
      self[key] = {}
      for i, label in ipairs(labels) do self[key][i] = visible.token(label) end
    end
  end
  self.columns = read_window(options.xlim, #self.matrix[1], where, "xlim")
  self.rows = read_window(options.ylim, #self.matrix, where, "ylim")
  local gaps = no_gaps()
  for _, row in ipairs(self.matrix) do count_gaps(gaps, row) end
  tell_gaps(gaps, where)
  return self
end

---- Contours ----

--- Returns round levels between the least and the greatest value.
local function round_levels(low, high, count)
  local levels = {}
  if low == high then return levels end
  -- The distance is rounded up: for this many on average, ask for more.
  local distance = axes.tic_distance(high - low, 1.5 * count)
  for k = math.floor(low / distance) + 1, math.ceil(high / distance) - 1 do
    levels[#levels + 1] = k * distance
  end
  return levels
end

--- Reads levels: how many, about, or which.
local function read_levels(given, matrix, where)
  if given == nil or math.type(given) == "integer" then
    local count = given or 8
    if count < 1 or count > 100 then
      check.fail("%s: levels is %d; 1 to 100 are allowed", where, count)
    end
    local low, high = values.extent(matrix)
    return low and round_levels(low, high, count) or {}
  end
  local levels = values.numbers(given, where, "levels")
  for i, level in ipairs(levels) do
    if not values.finite(level) or i > 1 and level <= levels[i - 1] then
      check.fail("%s: levels do not rise at levels[%d]", where, i)
    end
  end
  return levels
end

--- Reads the places of columns or rows: numbers that rise.
local function read_places(given, count, is_log, where, what)
  local places = {}
  if given == nil then
    for i = 1, count do places[i] = i end
    return places
  end
  places = values.numbers(given, where, what)
  if #places ~= count then
    check.fail("%s: %d %s for %d %s of z", where, #places, what, count,
      what == "x" and "columns" or "rows")
  end
  for i, place in ipairs(places) do
    if not values.has_place(place, is_log) then
      check.fail("%s: %s[%d] is %g, which has no place on its axis", where, what, i, place)
    elseif i > 1 and place <= places[i - 1] then
      check.fail("%s: %s does not rise at %s[%d]", where, what, what, i)
    end
  end
  return places
end

--- Reads the options of `plot.contour`.
function describe.contour(options)
  local where = "plot.contour"
  check.keys(options, contour_keys, where)
  check.choice(options.palette, style.palette_names, where, "palette")
  check.choice(options.filled, { true, false }, where, "filled")
  local self = begun("contour", options, where, 600, 460)
  read_axes(self, where)
  local given = values.matrix(options.z, where, "z")
  if #given < 2 or #given[1] < 2 then
    check.fail("%s: z is %d × %d; 2 × 2 is the least", where, #given, #given[1])
  end
  self.x = read_places(options.x, #given[1], options.xscale == "log", where, "x")
  self.y = read_places(options.y, #given, options.yscale == "log", where, "y")
  self.z = {}
  local gaps = no_gaps()
  for j, row in ipairs(given) do
    self.z[j] = {}
    for i, value in ipairs(row) do self.z[j][i] = values.finite(value) and value or 0 / 0 end
    count_gaps(gaps, row)
  end
  self.levels = read_levels(options.levels, self.z, where)
  tell_gaps(gaps, where)
  return self
end

---- Grids ----

--- Reads the figures and options of `plot.grid`.
-- @tparam function is_figure tells whether a value is a figure
function describe.grid(figures, options, is_figure)
  local where = "plot.grid"
  options = options or {}
  check.keys(options, grid_keys, where)
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
  local self = begun("grid", options, where, 450 * columns, 360 * rows)
  self.figures, self.columns, self.rows = figures, columns, rows
  return self
end

return describe
