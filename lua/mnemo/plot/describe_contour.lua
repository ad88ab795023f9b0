--- Describes level lines.
local check = require "mnemo.plot.check"
local description = require "mnemo.plot.description"
local expect = require "mnemo.text.expect"
local style = require "mnemo.plot.style"
local tics = require "mnemo.plot.tics"
local values = require "mnemo.plot.values"

local styles = { "lines", "points", "linespoints", "reference" }
local path_keys = { "name", "x", "y", "style" }
local all_keys = description.joined(
  { "x", "y", "z", "levels", "filled", "palette", "zlabel", "series" }, description.label_keys,
  description.axis_keys, description.size_keys)

--- Returns round levels between the least and the greatest value.
local function round_levels(low, high, count)
  local levels = {}
  if low == high then return levels end
  -- The distance is rounded up: for this many on average, ask for more.
  local distance = tics.distance(high - low, 1.5 * count)
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
      expect.fail("%s: levels is %d; 1 to 100 are allowed", where, count)
    end
    local low, high = values.extent(matrix)
    return low and round_levels(low, high, count) or {}
  end
  local levels = values.numbers(given, where, "levels")
  for i, level in ipairs(levels) do
    if not values.finite(level) or i > 1 and level <= levels[i - 1] then
      expect.fail("%s: levels do not rise at levels[%d]", where, i)
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
    expect.fail("%s: %d %s for %d %s of z", where, #places, what, count,
      what == "x" and "columns" or "rows")
  end
  for i, place in ipairs(places) do
    if not values.has_place(place, is_log) then
      expect.fail("%s: %s[%d] is %g, which has no place on its axis", where, what, i, place)
    elseif i > 1 and place <= places[i - 1] then
      expect.fail("%s: %s does not rise at %s[%d]", where, what, what, i)
    end
  end
  check.extent(places[1], places[#places], ("%s: %s"):format(where, what))
  return places
end

--- Reads a path across the landscape.
local function read_path(given, where, index)
  if type(given) ~= "table" then
    expect.fail("%s: series %d is a %s; a table such as { x = …, y = … } is expected", where, index,
      type(given))
  end
  expect.keys(given, path_keys, ("%s, series %d"):format(where, index))
  check.texts(given, { "name" }, where)
  expect.choice(given.style, styles, where, "style")
  local path = { name = given.name, style = given.style or "lines" }
  for _, axis in ipairs { "x", "y" } do
    if given[axis] == nil then expect.fail("%s: series %d has no %s", where, index, axis) end
    path[axis] = values.numbers(given[axis], where, ("series %d's %s"):format(index, axis))
  end
  description.check_lengths(path, { "x" }, where, index)
  return path
end

--- Reads the paths; counts their points that have no place.
local function read_paths(options, gaps, where)
  local paths = {}
  for i, given in ipairs(values.list(options.series or {}, where, "series")) do
    paths[i] = read_path(given, where, i)
    description.count_gaps(gaps, paths[i].y, options.yscale == "log", paths[i].x,
      options.xscale == "log")
  end
  return paths
end

--- Reads the options of `plot.contour`.
return function(options)
  local where = "plot.contour"
  check.options(options, all_keys, where, "z")
  expect.choice(options.palette, style.palette_names, where, "palette")
  expect.choice(options.filled, { true, false }, where, "filled")
  local self = description.begun("contour", options, where, 600, 460)
  description.read_axes(self, where)
  local given = values.matrix(options.z, where, "z")
  if #given < 2 or #given[1] < 2 then
    expect.fail("%s: z is %d × %d; 2 × 2 is the least", where, #given, #given[1])
  end
  self.x = read_places(options.x, #given[1], options.xscale == "log", where, "x")
  self.y = read_places(options.y, #given, options.yscale == "log", where, "y")
  self.z = {}
  local gaps = description.no_gaps()
  for j, row in ipairs(given) do
    self.z[j] = {}
    for i, value in ipairs(row) do self.z[j][i] = values.finite(value) and value or 0 / 0 end
    description.count_gaps(gaps, row)
  end
  self.levels = read_levels(options.levels, self.z, where)
  self.series = read_paths(options, gaps, where)
  description.tell_gaps(gaps, where)
  return self
end
