--- Draws points.
local Script = require "mnemo.plot.script"
local axes = require "mnemo.plot.axes"
local colour_bar = require "mnemo.plot.colour_bar"
local layout = require "mnemo.plot.layout"
local point_labels = require "mnemo.plot.point_labels"
local style = require "mnemo.plot.style"
local tics = require "mnemo.plot.tics"
local values = require "mnemo.plot.values"

-- Sizes of points, for the least and the greatest value, and what their edges add.
local smallest, largest, edge = 0.4, 2.4, 0.15
-- The radius in pixels of a point of size 1, about.
local pixels_of_size = 4.7
local edge_colour = 0x303030

--- Lists one field of all series.
local function all(self, key)
  local lists = {}
  for _, series in ipairs(self.series) do lists[#lists + 1] = series[key] end
  return lists
end

--- Returns a function from a series and a point's number to the size of the point: its area grows
-- with the value.
local function sizes(self)
  local low, high = layout.sizes(self)
  return function(series, i)
    local value = series.size and series.size[i]
    if not value then return 0.9 end
    if not low or low == high or not values.finite(value) then return 1 end
    local share = (value - low) / (high - low)
    return math.sqrt(smallest ^ 2 + share * (largest ^ 2 - smallest ^ 2))
  end
end

--- Writes one series' points: place, size and colour. A filled one comes twice, first larger
-- and dark: that is its edge.
-- @tparam table look how the series is drawn
-- @tparam function size_of from a series and a point's number to a size
-- @tparam[opt] function colour_of from a value to a colour
local function series_data(series, script, options, look, size_of, colour_of)
  local rows = {}
  for i = 1, #series.x do
    local x, y = series.x[i], series.y[i]
    local size = series.size and series.size[i] or 0
    if values.has_place(x, options.xscale == "log") and values.has_place(y, options.yscale == "log")
      and values.finite(size) then
      local radius = size_of(series, i)
      local colour = series.colour and colour_of(series.colour[i]) or look.colour
      if look.solid then rows[#rows + 1] = { x, y, radius + edge, edge_colour } end
      rows[#rows + 1] = { x, y, radius, tonumber(colour:sub(2), 16) }
    end
  end
  return script:data(rows)
end

--- Returns places a little beyond the data of a linear axis: points at its ends would stand half on
-- what is beside the axes. A log axis has room there.
local function beyond(lists, is_log)
  local low, high = values.extent(lists)
  if is_log or not low or low < -tics.greatest or high > tics.greatest then return {} end
  local margin = 0.03 * (high - low)
  return { low - margin, high + margin }
end

--- Draws points into the current panel.
-- @tparam number pixels the panel's width
-- @tparam number tall the panel's height
return function(self, script, pixels, tall)
  local options = self.options
  axes.frame(script, options, pixels, tall)
  axes.open(script)
  local legend, coloured = layout.legend(self, pixels, tall), #all(self, "colour") > 0
  axes.legend(script, legend)
  local area = { x = pixels - legend.wide - 90 - (coloured and 90 or 0),
    y = tall - legend.tall - 90 }
  local ends = {}
  for _, axis in ipairs { "x", "y" } do
    local lists = all(self, axis)
    lists[#lists + 1] = axes.places(self, axis)
    lists[#lists + 1] = beyond(lists, options[axis .. "scale"] == "log")
    ends[axis] = { axes.scale(script, options, axis, lists, area[axis],
      axis == "x" and axes.measured(self) or nil) }
  end
  local rules, parts = axes.rule(self, script, ends), { "NaN notitle" }
  local size_of = sizes(self)
  point_labels.draw(self, script, ends, area, function(series, i)
    return pixels_of_size * (size_of(series, i) + edge)
  end)
  local colour_of
  if coloured then
    colour_of = colour_bar.values(script, options, "viridis", values.extent(all(self, "colour")))
    parts[1] = colour_bar.bearer
  end
  for i, series in ipairs(self.series) do
    local look = style.series(i)
    parts[#parts + 1] = ("%s using 1:2:3:4 with points pt %d ps variable lc rgb variable notitle")
      :format(series_data(series, script, options, look, size_of, colour_of), look.mark)
    if series.name then
      parts[#parts + 1] = ("keyentry with points pt %d ps 0.9 lc rgb '%s' title %s"):format(
        look.mark, series.colour and "#808080" or look.colour, Script.quoted(series.name))
    end
  end
  for i, name in ipairs(layout.size_names(self)) do
    parts[#parts + 1] = ("keyentry with points pt 7 ps %g lc rgb '#808080' title %s"):format(
      i == 1 and smallest or largest, Script.quoted(name))
  end
  script:plot(table.move(rules, 1, #rules, #parts + 1, parts))
end
