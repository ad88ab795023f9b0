--- Draws functions of two variables by their level lines.
local Script = require "mnemo.plot.script"
local axes = require "mnemo.plot.axes"
local colour_bar = require "mnemo.plot.colour_bar"
local contours = require "mnemo.plot.contours"
local curves = require "mnemo.plot.curves"
local layout = require "mnemo.plot.layout"
local style = require "mnemo.plot.style"
local values = require "mnemo.plot.values"

-- Pixels between labels, from a label to the edge, and the least length of a line that gets one.
local label_distance, label_margin, label_length = 30, 20, 70

-- A letter's size in pixels, about.
local letter_width, letter_height = 6.2, 13

--- Chooses the colours of the bands between levels; with `diverging`, white is where 0 is.
local function band_colours(palette, levels)
  local below = 0
  for _, level in ipairs(levels) do
    if level <= 0 then below = below + 1 end
  end
  local half = math.max(below, #levels + 1 - below)
  local colours = {}
  for i = 1, #levels + 1 do
    local share = (i - 0.5) / (#levels + 1)
    if palette == "diverging" then share = 0.5 + (i - below - 0.5) / (2 * half) end
    colours[i] = style.colour(palette, share)
  end
  return colours
end

--- Returns the loops around a region as one polygon: from the first loop to each of the others
-- and back, so that holes stay empty.
local function joined(loops)
  local rows = {}
  for _, loop in ipairs(loops) do
    for _, point in ipairs(loop) do rows[#rows + 1] = point end
    rows[#rows + 1] = loops[1][1]
  end
  return rows
end

--- The plane of a figure, in which lines are straight: on a logarithmic axis between the
-- logarithms of its numbers.
local Plane = {}
Plane.__index = Plane

--- Makes the plane of a figure.
-- @tparam table ends `x` and `y`, pairs of numbers
-- @tparam table area `x` and `y`, the data's area in pixels
function Plane.new(self, ends, area)
  local plane = setmetatable({ z = self.z }, Plane)
  local function same(value) return value end
  for _, axis in ipairs { "x", "y" } do
    local is_log = self.options[axis .. "scale"] == "log"
    local one = { place = is_log and math.log or same, number = is_log and math.exp or same }
    one.low, one.high = one.place(ends[axis][1]), one.place(ends[axis][2])
    one.pixels, one.places = area[axis], {}
    for i, value in ipairs(self[axis]) do one.places[i] = one.place(value) end
    plane[axis] = one
  end
  return plane
end

--- Calls `contours.lines` or `contours.regions` for a level; gives points in the axes' numbers.
function Plane:find(what, level)
  local chains = what(self.x.places, self.y.places, self.z, level)
  for _, chain in ipairs(chains) do
    for i, point in ipairs(chain) do
      chain[i] = { self.x.number(point[1]), self.y.number(point[2]) }
    end
  end
  return chains
end

--- Returns a point's place in pixels.
function Plane:pixel(point)
  local function pixels(axis, value)
    return (axis.place(value) - axis.low) / (axis.high - axis.low) * axis.pixels
  end
  return pixels(self.x, point[1]), pixels(self.y, point[2])
end

--- Returns the point at a share of the way from one to another.
function Plane:between(from, to, share)
  local function number(axis, a, b)
    a, b = axis.place(a), axis.place(b)
    return axis.number(a + share * (b - a))
  end
  return { number(self.x, from[1], to[1]), number(self.y, from[2], to[2]) }
end

--- Finds a place for a line's label: near its middle, clear of other labels.
-- @tparam {table,...} line points { x, y }
-- @tparam table plane turns points into pixels
-- @tparam {table,...} taken places of labels, in pixels
-- @treturn table|nil the point
local function label_place(line, plane, taken)
  local along, before = { 0 }, nil
  for i, point in ipairs(line) do
    local x, y = plane:pixel(point)
    if before then
      along[i] = along[i - 1] + math.sqrt((x - before[1]) ^ 2 + (y - before[2]) ^ 2)
    end
    before = { x, y }
  end
  local length = along[#along]
  if length < label_length then return nil end
  for _, share in ipairs { 0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8 } do
    local i = 2
    while along[i] < share * length do i = i + 1 end
    local point = plane:between(line[i - 1], line[i],
      (share * length - along[i - 1]) / (along[i] - along[i - 1]))
    local x, y = plane:pixel(point)
    local free = x > label_margin and x < plane.x.pixels - label_margin and y > label_margin
      and y < plane.y.pixels - label_margin
    for _, other in ipairs(taken) do
      if math.abs(x - other[1]) < 1.5 * label_distance and math.abs(y - other[2]) < label_distance
      then
        free = false
      end
    end
    if free then
      taken[#taken + 1] = { x, y }
      return point
    end
  end
  return nil
end

--- Fills the bands between levels, each over those below it; what is left is missing.
local function fill(self, script, plane, parts)
  local colours = band_colours(self.options.palette or "viridis", self.levels)
  colour_bar.bands(script, self.options, colours, self.levels)
  parts[1] = colour_bar.bearer
  script:add("set object rectangle from graph 0, graph 0 to graph 1, graph 1 behind"
    .. " fs solid noborder fc rgb '%s'", style.missing)
  for i, colour in ipairs(colours) do
    local loops = plane:find(contours.regions, self.levels[i - 1] or -math.huge)
    if #loops > 0 then
      parts[#parts + 1] = ("%s using 1:2 with filledcurves closed fs solid noborder"
        .. " fc rgb '%s' notitle"):format(script:data(joined(loops)), colour)
    end
  end
end

--- Draws one level's lines and its label on the longest.
local function draw_level(level, script, plane, parts, taken)
  local rows, longest = {}, {}
  for _, line in ipairs(plane:find(contours.lines, level)) do
    table.move(line, 1, #line, #rows + 1, rows)
    rows[#rows + 1] = {}
    if #line > #longest then longest = line end
  end
  if #rows == 0 then return end
  parts[#parts + 1] = ("%s using 1:2 with lines lw 1.2 dt %s lc rgb '#303030' notitle"):format(
    script:data(rows), level < 0 and "(6,3)" or "solid")
  local place = label_place(longest, plane, taken)
  if place then
    local text = ("%.4g"):format(level)
    -- A box of ours: gnuplot's own are too narrow in SVG.
    script:add("set object rectangle center first %.12g, first %.12g size graph %.4f, graph %.4f"
      .. " front fs solid noborder fc rgb '#FFFFFF'", place[1], place[2],
      (letter_width * #text + 4) / plane.x.pixels, letter_height / plane.y.pixels)
    script:add("set label %s at first %.12g, first %.12g center front %s tc rgb '#202020'",
      Script.quoted(text), place[1], place[2], script:font(10))
  end
end

--- Lists places along the paths, in pixels, not far from each other: labels keep clear of them.
local function along_paths(self, plane)
  local places, step = {}, label_distance / 2
  for _, path in ipairs(self.series) do
    local before
    for j, x in ipairs(path.x) do
      local at
      if values.has_place(x, self.options.xscale == "log")
        and values.has_place(path.y[j], self.options.yscale == "log") then
        at = { plane:pixel { x, path.y[j] } }
        local from = before or at
        local length = math.sqrt((at[1] - from[1]) ^ 2 + (at[2] - from[2]) ^ 2)
        -- No more than there is room for: a path may leave the axes.
        local count = math.floor(math.min(100, length // step + 1))
        for k = 1, count do
          places[#places + 1] = { from[1] + (at[1] - from[1]) * k / count,
            from[2] + (at[2] - from[2]) * k / count }
        end
      end
      before = at
    end
  end
  return places
end

--- Draws paths, with a white edge that tells them from the colours and lines below.
local function draw_paths(self, script, parts)
  local drawn, counts = { edges = {}, lines = {}, marks = {}, legend = {} }, {}
  for _, path in ipairs(self.series) do
    local kind = path.style == "reference" and "theory" or "measured"
    counts[kind] = (counts[kind] or 0) + 1
    local name = curves.data(path, script, self.options)
    if path.style ~= "points" then
      drawn.edges[#drawn.edges + 1] = name .. " using 1:2 with lines lw 5 lc rgb '#FFFFFF' notitle"
    end
    curves.add(path, counts[kind], #self.series, name, drawn)
  end
  for _, mark in ipairs(drawn.marks) do
    drawn.edges[#drawn.edges + 1] = mark:gsub("ps %S+ lc rgb '%S+'", "ps 1.1 lc rgb '#FFFFFF'")
  end
  for _, key in ipairs { "edges", "lines", "marks", "legend" } do
    table.move(drawn[key], 1, #drawn[key], #parts + 1, parts)
  end
end

--- Draws level lines into the current panel.
-- @tparam number pixels the panel's width
-- @tparam number tall the panel's height
return function(self, script, pixels, tall)
  local options, legend = self.options, layout.legend(self, pixels, tall)
  local filled = options.filled ~= false
  axes.frame(script, options, pixels, tall)
  axes.open(script)
  script:add("set border 15; unset grid")
  axes.legend(script, legend)
  local area = { x = pixels - legend.wide - (filled and 180 or 90), y = tall - legend.tall - 90 }
  -- The axes end where the grid does.
  local view, ends = {}, {}
  for _, axis in ipairs { "x", "y" } do
    view[axis .. "scale"] = options[axis .. "scale"]
    view[axis .. "lim"] = options[axis .. "lim"] or { self[axis][1], self[axis][#self[axis]] }
    ends[axis] = { axes.scale(script, view, axis, {}, area[axis]) }
  end
  local rules = axes.rule(self, script, ends, "front")
  local plane, parts = Plane.new(self, ends, area), { "NaN notitle" }
  local taken = along_paths(self, plane)
  if filled then fill(self, script, plane, parts) end
  for _, level in ipairs(self.levels) do draw_level(level, script, plane, parts, taken) end
  draw_paths(self, script, parts)
  script:plot(table.move(rules, 1, #rules, #parts + 1, parts))
end
