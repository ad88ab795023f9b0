--- Draws matrices as maps of colours.
local Script = require "mnemo.plot.script"
local axes = require "mnemo.plot.axes"
local colour_bar = require "mnemo.plot.colour_bar"
local layout = require "mnemo.plot.layout"
local style = require "mnemo.plot.style"
local tics = require "mnemo.plot.tics"
local values = require "mnemo.plot.values"

--- Writes labels for columns or rows. Where rows are denser than letters are high, short labels
-- stand in two lanes; where that is not enough, some are left out, and the others followed by
-- their number.
-- @tparam table span `first` and `last`, the columns or rows in view
-- @tparam number cell the distance of cells in pixels
local function label_tics(script, axis, labels, span, cell)
  local size, longest = math.max(8, math.min(11, math.floor(cell * 0.85))), 1
  for i = span.first, span.last do
    longest = math.max(longest, utf8.len(labels[i]) or #labels[i])
  end
  local line_height = 1.05 * size
  local rotated = axis == "x" and longest > 2
  local need = (axis == "y" or rotated) and line_height or 0.65 * size * longest + 1
  local lanes = axis == "y" and longest <= 3 and need > cell and need <= 2 * cell and 2 or 1
  local every = 1
  if need > lanes * cell then
    rotated = axis == "x"
    local count = span.last - span.first + 1
    every = math.max(1, math.floor(tics.distance(count, count * cell / line_height) + 0.5))
  end
  local places = {}
  for i = span.first, span.last do
    if i % every == 0 then
      local text = every > 1 and ("%s %d"):format(labels[i], i) or labels[i]
      text = text .. ("  "):rep((i - span.first) % lanes * longest)
      -- gnuplot reads a tic label as a number format, hence %%.
      places[#places + 1] = ("%s %d"):format(Script.quoted(text:gsub("%%", "%%%%")), i)
    end
  end
  script:add("set %stics (%s) %s %s", axis, table.concat(places, ", "),
    rotated and "rotate" or "norotate", script:font(size))
end

--- Writes the cells in view.
-- @treturn string the block of cells with a value, or nil without one
-- @treturn string the block of those without, or nil
local function cell_data(self, script)
  local cells, gaps = {}, {}
  for i = self.rows.first, self.rows.last do
    for j = self.columns.first, self.columns.last do
      local value = self.matrix[i][j]
      if values.finite(value) then
        cells[#cells + 1] = { j, i, value }
      else
        gaps[#gaps + 1] = { j, i }
      end
    end
  end
  return #cells > 0 and script:data(cells) or nil, #gaps > 0 and script:data(gaps) or nil
end

--- Returns what draws the cells: one rectangle each. An image would be smoothed by some viewers,
-- and gnuplot draws none of a single row or column. What is not a number is grey.
-- @tparam number width a cell's, in pixels
-- @tparam number height
local function cell_parts(self, script, width, height)
  -- They overlap by half a pixel, lest the page shine through between them.
  local half = {}
  for i, cell in ipairs { width, height } do
    half[i] = math.min(0.75, 0.5 + 0.5 / math.max(cell, 1))
  end
  local cells, gaps = cell_data(self, script)
  local drawn = {}
  if cells then
    drawn[1] = ("%s using 1:2:(%.4f):(%.4f):3 with boxxyerror fs solid 1 noborder fc palette"
      .. " notitle")
      :format(cells, half[1], half[2])
  end
  if gaps then
    drawn[#drawn + 1] = ("%s using 1:2:(%.4f):(%.4f) with boxxyerror fs solid 1 noborder"
      .. " fc rgb '%s' notitle"):format(gaps, half[1], half[2], style.missing)
  end
  return drawn
end

-- The sides in pixels of the triangles before marked rows, and what labels make room for them.
local mark_width, least_height, most_height = 7, 6, 9
local mark_room = "offset character -0.8,0"

--- Draws a triangle between the label and the cells of each marked row in view.
local function draw_marks(self, script, width, height)
  local edge = self.columns.first - 0.5
  local wide = mark_width / width
  local half = math.max(least_height, math.min(most_height, height)) / (2 * height)
  if next(self.marked) then script:add("set ytics %s; set ylabel %s", mark_room, mark_room) end
  for i = self.rows.first, self.rows.last do
    if self.marked[i] then
      script:add("set object polygon from %.5g,%.5g to %.5g,%.5g to %.5g,%.5g to %.5g,%.5g front"
        .. " noclip fs solid noborder fc rgb '%s'", edge - wide, i - half, edge, i, edge - wide,
        i + half, edge - wide, i - half, style.mark)
    end
  end
end

--- Draws a matrix into the current panel; of one that is `unpainted`, all but the cells.
-- @tparam number pixels the panel's width
-- @tparam number tall the panel's height
return function(self, script, pixels, tall)
  local options, rows, columns = self.options, self.rows, self.columns
  local legend = layout.legend(self, pixels, tall)
  -- A cell's sides in pixels, about: the margins are gnuplot's.
  local width = (pixels - 130) / (columns.last - columns.first + 1)
  local height = (tall - 110 - legend.tall) / (rows.last - rows.first + 1)
  axes.frame(script, options, pixels, tall, self.ylabel)
  script:add("set border 15 lc rgb '#404040'; set tics nomirror out scale 0.3"
    .. " tc rgb '#202020'")
  axes.legend(script, legend)
  if options.aspect ~= "auto" then
    width, height = math.min(width, height), math.min(width, height)
    script:add("set size ratio -1")
  end
  script:add("set xrange [%d.5:%d.5]; set yrange [%d.5:%d.5]", columns.first - 1, columns.last,
    rows.last, rows.first - 1)
  for axis, span in pairs { x = columns, y = rows } do
    local labels, cell = self[axis .. "labels"], axis == "x" and width or height
    if labels then
      label_tics(script, axis, labels, span, cell)
    else
      local count = span.last - span.first + 1
      script:add("set %stics %d", axis, math.max(1, tics.distance(count, count * cell / 40)))
    end
  end
  draw_marks(self, script, width, height)
  colour_bar.values(script, options, "blues", values.extent(self.matrix))
  local rules = axes.rule(self, script, {
    x = { columns.first - 0.5, columns.last + 0.5 }, y = { rows.first - 0.5, rows.last + 0.5 },
  }, "front")
  local parts = self.unpainted and { colour_bar.bearer } or cell_parts(self, script, width, height)
  script:plot(table.move(rules, 1, #rules, #parts + 1, parts))
end
