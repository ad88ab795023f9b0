--- Draws points.
local Script = require "mnemo.plot.script"
local axes = require "mnemo.plot.axes"
local colour_bar = require "mnemo.plot.colour_bar"
local layout = require "mnemo.plot.layout"
local style = require "mnemo.plot.style"
local values = require "mnemo.plot.values"

-- Sizes of points, for the least and the greatest value, and what their edges add.
local smallest, largest, edge = 0.4, 2.4, 0.15
local edge_colour = 0x303030

--- Lists one field of all series.
local function all(self, key)
  local lists = {}
  for _, series in ipairs(self.series) do lists[#lists + 1] = series[key] end
  return lists
end

--- Returns a function from a value to the size of its point: the area grows with the value.
local function sizes(self)
  local low, high = layout.sizes(self)
  return function(value)
    if not low or low == high then return 1 end
    local share = (value - low) / (high - low)
    return math.sqrt(smallest ^ 2 + share * (largest ^ 2 - smallest ^ 2))
  end
end

-- A point's and a letter's size in pixels, about.
local point_width, letter_width, letter_height = 10, 6.5, 13

--- Tells whether two rectangles, each { left, bottom, right, top }, overlap.
local function overlap(a, b)
  return a[1] < b[3] and b[1] < a[3] and a[2] < b[4] and b[2] < a[4]
end

--- Returns the places that a label may have beside its point, the best first.
-- @treturn {table,...} rectangles, each with gnuplot's words for it
local function candidates(x, y, text)
  local width, half = letter_width * (utf8.len(text) or #text), letter_height / 2
  local gap = point_width / 2 + 1
  return {
    { x + gap, y - half, x + gap + width, y + half, words = "left offset character 0.7,0" },
    { x - gap - width, y - half, x - gap, y + half, words = "right offset character -0.7,0" },
    { x - width / 2, y + gap, x + width / 2, y + gap + letter_height,
      words = "center offset character 0,0.8" },
    { x - width / 2, y - gap - letter_height, x + width / 2, y - gap,
      words = "center offset character 0,-0.8" },
  }
end

--- Draws the points' labels where they stand clear of points, of each other and of the edge;
-- where there is no such place, none.
-- @tparam table ends `x` and `y`, pairs of numbers
-- @tparam table area `x` and `y`, the data's area in pixels
local function draw_labels(self, script, ends, area)
  local function place(axis, value)
    local low, high = ends[axis][1], ends[axis][2]
    if self.options[axis .. "scale"] == "log" then
      if not values.has_place(value, true) then return nil end
      value, low, high = math.log(value), math.log(low), math.log(high)
    end
    local pixels = (value - low) / (high - low) * area[axis]
    return pixels >= 0 and pixels <= area[axis] and pixels or nil
  end
  local taken, labels = {}, {}
  for _, series in ipairs(self.series) do
    for i = 1, #series.x do
      local x, y = place("x", series.x[i]), place("y", series.y[i])
      if x and y then
        local half = point_width / 2
        taken[#taken + 1] = { x - half, y - half, x + half, y + half }
        local text = series.labels and series.labels[i]
        labels[#labels + 1] = text and { text, x, y, series.x[i], series.y[i] }
      end
    end
  end
  -- A little beyond the ends of the axes there is nothing yet.
  local whole = { -4, -8, area.x + 6, area.y + 10 }
  for _, label in ipairs(labels) do
    for _, box in ipairs(candidates(label[2], label[3], label[1])) do
      local free = box[1] >= whole[1] and box[2] >= whole[2] and box[3] <= whole[3]
        and box[4] <= whole[4]
      for _, other in ipairs(taken) do free = free and not overlap(box, other) end
      if free then
        taken[#taken + 1] = box
        script:add("set label %s at first %.12g, first %.12g %s front %s tc rgb '#202020'",
          Script.quoted(label[1]), label[4], label[5], box.words, script:font(10))
        break
      end
    end
  end
end

--- Writes one series' points: place, size and colour. A filled one comes twice, first larger
-- and dark: that is its edge.
-- @tparam table look how the series is drawn
-- @tparam function size_of from a value to a size
-- @tparam[opt] function colour_of from a value to a colour
local function series_data(series, script, options, look, size_of, colour_of)
  local rows = {}
  for i = 1, #series.x do
    local x, y = series.x[i], series.y[i]
    local size = series.size and series.size[i] or 0
    if values.has_place(x, options.xscale == "log") and values.has_place(y, options.yscale == "log")
      and values.finite(size) then
      local radius = series.size and size_of(size) or 0.9
      local colour = series.colour and colour_of(series.colour[i]) or look.colour
      if look.solid then rows[#rows + 1] = { x, y, radius + edge, edge_colour } end
      rows[#rows + 1] = { x, y, radius, tonumber(colour:sub(2), 16) }
    end
  end
  return script:data(rows)
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
    ends[axis] = { axes.scale(script, options, axis, lists, area[axis],
      axis == "x" and axes.measured(self) or nil) }
  end
  local rules, parts = axes.rule(self, script, ends), { "NaN notitle" }
  draw_labels(self, script, ends, area)
  local colour_of
  if coloured then
    colour_of = colour_bar.values(script, options, "viridis", values.extent(all(self, "colour")))
    parts[1] = colour_bar.bearer
  end
  for i, series in ipairs(self.series) do
    local look = style.series(i)
    parts[#parts + 1] = ("%s using 1:2:3:4 with points pt %d ps variable lc rgb variable notitle")
      :format(series_data(series, script, options, look, sizes(self), colour_of), look.mark)
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
