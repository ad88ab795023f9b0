--- Describes grids of figures.
local description = require "mnemo.plot.description"
local expect = require "mnemo.text.expect"

local all_keys = description.joined({ "columns", "heights" }, description.label_keys,
  description.size_keys)

-- More would have no room for a figure each.
local most_columns = 100
-- A row of a share that is less would show nothing.
local most_times = 1000

--- Reads the figures and options of `plot.grid`.
-- @tparam function is_figure tells whether a value is a figure
return function(figures, options, is_figure)
  local where = "plot.grid"
  options = options or {}
  if is_figure(options) or is_figure(figures) then
    expect.fail("%s: figures stand in a list, such as plot.grid { first, second }", where)
  end
  expect.keys(options, all_keys, where)
  if type(figures) ~= "table" or #figures == 0 then
    expect.fail("%s: a list of figures is expected", where)
  end
  for i, one in ipairs(figures) do
    if not is_figure(one) then
      expect.fail("%s: entry %d is no figure", where, i)
    end
  end
  local columns = options.columns or math.min(#figures, 2)
  if math.type(columns) ~= "integer" or columns < 1 or columns > most_columns then
    expect.fail("%s: columns is a whole number from 1 to %d", where, most_columns)
  end
  local rows = (#figures + columns - 1) // columns
  local heights = options.heights or {}
  local least, most = math.huge, 0
  for i = 1, rows do
    local height = heights[i] or not options.heights and 1
    if type(height) ~= "number" or not (height > 0 and height < math.huge) then
      expect.fail("%s: heights has a positive number for each of the %d rows", where, rows)
    end
    least, most = math.min(least, height), math.max(most, height)
  end
  if most / least > most_times or rows * most == math.huge then
    expect.fail("%s: heights go from %g to %g; none may be more than %d times another", where,
      least, most, most_times)
  end
  local self = description.begun("grid", options, where, 450 * columns, 360 * rows)
  self.figures, self.columns, self.rows = figures, columns, rows
  return self
end
