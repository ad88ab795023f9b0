--- Draws figures: writes the gnuplot script for a description.
local Script = require "mnemo.plot.script"
local expect = require "mnemo.text.expect"
local layout = require "mnemo.plot.layout"

local draw = {}

local drawers = {
  lines = require "mnemo.plot.draw_lines",
  scatter = require "mnemo.plot.draw_scatter",
  heatmap = require "mnemo.plot.draw_heatmap",
  contour = require "mnemo.plot.draw_contour",
}

-- Pixels that a grid's own title and labels take.
local title_strip, label_strip = 30, 24

--- Writes a grid's title and labels and returns what they leave of the rectangle.
local function draw_labels(self, script, x, y, width, height, canvas)
  local options = self.options
  -- A panel of its own that holds nothing but the labels.
  script:add("reset; unset border; unset tics; unset key; set xrange [0:1]; set yrange [0:1]")
  local top = options.title and math.min(height / 4, title_strip / canvas.height) or 0
  local below = options.xlabel and math.min(height / 4, label_strip / canvas.height) or 0
  local left = options.ylabel and math.min(width / 4, label_strip / canvas.width) or 0
  local centre, middle = x + (left + width) / 2, y + (below + height - top) / 2
  local function label(text, across, up, size, turned)
    script:add("set label %s at screen %.5f,%.5f center %s %s", Script.quoted(text), across, up,
      turned and "rotate by 90" or "", script:font(size))
  end
  if options.title then label(options.title, centre, y + height - top / 2, 15) end
  if options.xlabel then label(options.xlabel, centre, y + below * 0.6, 13) end
  if options.ylabel then label(options.ylabel, x + left * 0.6, middle, 13, true) end
  script:plot { "NaN" }
  return x + left, y + below, width - left, height - top - below
end

--- Chooses what stands above and below the axes of panels side by side, so that their axes have
-- one height: the most that one of them needs. Maps keep the shape of their cells instead.
-- @tparam {figure,...} figures
-- @tparam number pixels a panel's width
-- @tparam number tall a panel's height
-- @treturn table|nil `above` and `below`, in pixels; nil where nothing need be shared, or where
--   little would be left
local function shared_margins(figures, pixels, tall)
  local count, above, below = 0, 0, 0
  for _, one in ipairs(figures) do
    if one.hlines and one.kind ~= "heatmap" then
      local top, bottom = layout.margins(one, pixels, tall)
      count, above, below = count + 1, math.max(above, top), math.max(below, bottom)
    end
  end
  return count > 1 and above + below < 0.75 * tall and { above = above, below = below } or nil
end

--- Draws a figure into a rectangle, in shares of the canvas from its lower left corner.
-- @tparam table canvas its `width` and `height` in pixels, and what is called `after` a panel
-- @tparam[opt] table margins what `shared_margins` chose
local function draw_panels(self, script, x, y, width, height, canvas, margins)
  if self.kind ~= "grid" then
    script:add("reset")
    script:add("set origin %.5f,%.5f; set size %.5f,%.5f", x, y, width, height)
    if margins and self.hlines and self.kind ~= "heatmap" then
      script:add("set tmargin at screen %.5f; set bmargin at screen %.5f",
        y + height - margins.above / canvas.height, y + margins.below / canvas.height)
    end
    drawers[self.kind](self, script, width * canvas.width, height * canvas.height)
    if canvas.after then canvas.after(script, self) end
    return
  end
  local options = self.options
  if options.title or options.xlabel or options.ylabel then
    x, y, width, height = draw_labels(self, script, x, y, width, height, canvas)
  end
  local heights, total = options.heights or {}, 0
  for row = 1, self.rows do total = total + (heights[row] or 1) end
  local top = y + height
  for row = 1, self.rows do
    local share = height * (heights[row] or 1) / total
    top = top - share
    local first = (row - 1) * self.columns
    local beside = table.move(self.figures, first + 1, first + self.columns, 1, {})
    local wide = width / self.columns
    local shared = shared_margins(beside, wide * canvas.width, share * canvas.height)
    for column, one in ipairs(beside) do
      draw_panels(one, script, x + wide * (column - 1), top, wide, share, canvas, shared)
    end
  end
end

-- What gnuplot is told of each format, so that pictures look alike: PNG measures letters in
-- points, of which 72 make an inch as 96 pixels do, and PDF's come out smaller by as much again;
-- both draw shorter dashes and smaller marks than SVG does. A PDF page is measured in inches.
local terminals = {
  svg = { "svg size %d,%d dynamic dashlength 0.8", unit = 1, font_scale = 1 },
  png = { "pngcairo size %d,%d dashlength 1.6 pointscale 1.45", unit = 1, font_scale = 0.75 },
  pdf = {
    "pdfcairo size %.3fin,%.3fin dashlength 1.6 linewidth 1.4 pointscale 1", unit = 1 / 96,
    font_scale = 1,
  },
}

--- Writes the gnuplot script that draws a figure on its standard output.
-- @tparam string format a key of `terminals`
-- @tparam[opt] function after called with the script after each panel
local function whole_script(self, format, after)
  local terminal = terminals[format]
  local script = Script.new(terminal.font_scale)
  script:add("set encoding utf8")
  script:add("set terminal %s noenhanced font 'sans-serif,%g' background '#FFFFFF'",
    terminal[1]:format(self.width * terminal.unit, self.height * terminal.unit),
    12 * terminal.font_scale)
  script:add("set multiplot")
  draw_panels(self, script, 0, 0, 1, 1, { width = self.width, height = self.height, after = after })
  script:add("unset multiplot")
  script:add("unset output")
  return script
end

--- Writes the gnuplot script that draws a figure on its standard output.
-- @tparam figure self the figure
-- @tparam string path where the picture goes
-- @treturn string the script
-- @treturn string the picture's format
function draw.script(self, path)
  local ending = path:match("%.(%w+)$")
  local format = ending and ending:lower()
  if not terminals[format] then
    expect.fail("save: '%s' does not end in .svg, .png, .pdf or .html", path)
  end
  if path:find("%c") then expect.fail("save: the path holds a control character") end
  return whole_script(self, format):text(), format
end

--- Writes the gnuplot script that draws a figure as SVG and then prints a line for each panel: its
-- left, right, lower and upper end in pixels, and the ends of its x and its y axis.
-- @treturn string the script
-- @treturn {figure,...} the panels, in the order of the lines
function draw.measuring_script(self)
  local panels = {}
  local script = whole_script(self, "svg", function(script, panel)
    panels[#panels + 1] = panel
    script:add("measure%d = sprintf('%%.2f %%.2f %%.2f %%.2f %%.12g %%.12g %%.12g %%.12g',"
      .. " GPVAL_TERM_XMIN, GPVAL_TERM_XMAX, GPVAL_TERM_YMIN, GPVAL_TERM_YMAX, GPVAL_X_MIN,"
      .. " GPVAL_X_MAX, GPVAL_Y_MIN, GPVAL_Y_MAX)", #panels)
  end)
  script:add("set print '-'")
  for i in ipairs(panels) do script:add("print measure%d", i) end
  return script:text(), panels
end

return draw
