--- Draws figures: writes the gnuplot script for a description.
local Script = require "mnemo.plot.script"
local check = require "mnemo.plot.check"
local style = require "mnemo.plot.style"
local values = require "mnemo.plot.values"

local draw = {}

--- Returns a figure's size in pixels.
local function size_of(self)
  local options = self.options
  if self.kind == "lines" then return options.width or 600, options.height or 380 end
  if self.kind == "heatmap" then return options.width or 600, options.height or 560 end
  return options.width or 450 * self.columns, options.height or 360 * self.rows
end

--- Writes the settings that all kinds of panels share.
local function frame(script, options)
  script:add("set title %s font ',13' offset 0,-0.4", Script.quoted(options.title or ""))
  script:add("set xlabel %s offset 0,0.4", Script.quoted(options.xlabel or ""))
  script:add("set ylabel %s", Script.quoted(options.ylabel or ""))
end

--- Returns 1, 2 or 5 times a power of ten: the distance of tics that leaves each of them
-- the room it needs.
local function tic_distance(span, room)
  local least = span / math.max(2, room)
  local power = 10 ^ math.floor(math.log(least, 10))
  for _, factor in ipairs { 1, 2, 5 } do
    if factor * power >= least * (1 - 1e-9) then return factor * power end
  end
  return 10 * power
end

--- Draws curves into the current panel, `pixels` wide.
local function draw_lines(self, script, pixels)
  local options = self.options
  local legend = options.legend or (pixels < 560 and "below" or "right")
  frame(script, options)
  script:add("set border 3 lc rgb '#404040'; set tics nomirror out scale 0.5 tc rgb '#202020'")
  script:add("set grid x y lt 1 lw 0.5 lc rgb '#E0E0E0'")
  for _, axis in ipairs { "x", "y" } do
    if options[axis .. "scale"] == "log" then
      -- Powers of ten in digits: with `noenhanced` an exponent cannot be raised.
      script:add("set logscale %s; set format %s '%%g'", axis, axis)
    end
    local is_log = options[axis .. "scale"] == "log"
    local low, high
    for _, series in ipairs(self.series) do
      for _, value in ipairs(series[axis]) do
        if values.finite(value) and not (is_log and value <= 0) then
          low, high = math.min(low or value, value), math.max(high or value, value)
        end
      end
    end
    local limits = options[axis .. "lim"]
    -- Without a point gnuplot would refuse to draw the empty axes.
    if not low then limits = limits or (is_log and { 0.1, 1 }) or { 0, 1 } end
    if limits then
      low, high = limits[1], limits[2]
      script:add("set %srange [%s:%s]", axis, values.text(low), values.text(high))
    end
    if axis == "x" and not is_log and high > low then
      local room = (pixels - (legend == "right" and 220 or 90)) / 50
      script:add("set xtics %.9g", tic_distance(high - low, room))
    end
  end
  if legend == "none" then
    script:add("unset key")
  elseif legend == "below" then
    script:add("set key outside below center horizontal Left reverse samplen 3 spacing 1.1")
  else
    script:add("set key outside right top vertical Left reverse samplen 3 spacing 1.2")
  end
  local bands, curves = {}, {}
  for i, series in ipairs(self.series) do
    local rows = {}
    for j = 1, #series.y do
      rows[j] = { series.x[j], series.y[j], series.low and series.low[j],
        series.high and series.high[j] }
    end
    local name = script:data(rows)
    local colour = style.colours[(i - 1) % #style.colours + 1]
    local dash = style.dashes[(i - 1) % #style.dashes + 1]
    local mark = style.marks[(i - 1) % #style.marks + 1]
    if series.low then
      bands[#bands + 1] = ("%s using 1:3:4 with filledcurves fs transparent solid 0.2 noborder"
        .. " lc rgb '%s' notitle"):format(name, colour)
    end
    local line = ("lw 2 dt %s lc rgb '%s'"):format(dash, colour)
    local point = ("pt %d ps 0.7 lc rgb '%s'"):format(mark, colour)
    local sample = "linespoints " .. line .. (" pt %d ps 0.7"):format(mark)
    if series.style == "reference" then
      sample = ("lines lw 1.2 dt %s lc rgb '#000000'"):format(style.dashes[i % #style.dashes + 1])
      curves[#curves + 1] = ("%s using 1:2 with %s notitle"):format(name, sample)
    else
      -- A few marks along a line tell it from others; each series has them elsewhere, so
      -- that they show where lines coincide.
      local every, first = 1, 0
      if series.style == "lines" then
        every = math.max(1, (#series.y + 7) // 8)
        first = (i - 1) * every // math.max(2, #self.series)
      end
      if series.style == "points" then
        sample = "points " .. point
      else
        curves[#curves + 1] = ("%s using 1:2 with lines %s notitle"):format(name, line)
      end
      curves[#curves + 1] = ("%s every %d::%d using 1:2 with points %s notitle"):format(
        name, every, first, point)
    end
    if series.name then
      curves[#curves + 1] = ("keyentry with %s title %s"):format(sample, Script.quoted(series.name))
    end
  end
  script:add("plot %s", table.concat(table.move(curves, 1, #curves, #bands + 1, bands), ", \\\n  "))
end

--- Draws a matrix into the current panel, `pixels` wide and `tall`.
local function draw_heatmap(self, script, pixels, tall)
  local options, matrix = self.options, self.matrix
  local rows, columns = #matrix, #matrix[1]
  -- A cell's side in pixels, about: the margins are gnuplot's.
  local cell = math.min((pixels - 130) / columns, (tall - 110) / rows)
  frame(script, options)
  script:add("set border 15 lc rgb '#404040'; set tics nomirror out scale 0.3"
    .. " tc rgb '#202020'; unset key; set size ratio -1")
  script:add("set xrange [0.5:%d.5]; set yrange [%d.5:0.5]", columns, rows)
  for axis, labels in pairs { x = self.xlabels or false, y = self.ylabels or false } do
    if labels then
      -- The labels of dense cells are small, but not beyond reading.
      local font = math.max(5, math.min(11, math.floor(cell * 0.8)))
      local tics, widest = {}, 1
      for i, label in ipairs(labels) do
        -- gnuplot reads a tic label as a number format, hence %%.
        tics[i] = ("%s %d"):format(Script.quoted(label:gsub("%%", "%%%%")), i)
        widest = math.max(widest, utf8.len(label) or #label)
      end
      script:add("set %stics (%s) %s font ',%d'", axis, table.concat(tics, ", "),
        axis == "x" and widest > 2 and "rotate" or "norotate", font)
    else
      local count = axis == "x" and columns or rows
      local room = (axis == "x" and pixels - 130 or tall - 110) / 40
      script:add("set %stics %d", axis, math.max(1, tic_distance(count, room)))
    end
  end
  local low, high = options.min, options.max
  local cells, gaps = {}, {}
  for i, row in ipairs(matrix) do
    for j, value in ipairs(row) do
      if values.finite(value) then
        cells[#cells + 1] = { j, i, value }
        if not options.min then low = math.min(low or value, value) end
        if not options.max then high = math.max(high or value, value) end
      else
        gaps[#gaps + 1] = { j, i }
      end
    end
  end
  low, high = low or 0, high or 1
  if low >= high then low, high = math.min(low, high), math.min(low, high) + 1 end
  script:add("set palette defined %s", style.palettes[options.palette or "blues"])
  script:add("set cbrange [%s:%s]; set colorbox; set cbtics scale 0.3 font ',10'",
    values.text(low), values.text(high))
  -- One rectangle a cell: an image would be smoothed by some viewers, and gnuplot draws none
  -- of a single row or column. They overlap by half a pixel, lest the page shine through
  -- between them. What is not a number is grey.
  local half = math.min(0.75, 0.5 + 0.5 / math.max(cell, 1))
  local drawn = {}
  if #cells > 0 then
    drawn[1] = ("%s using 1:2:(%.4f):(%.4f):3 with boxxyerror fs solid 1 noborder fc palette")
      :format(script:data(cells), half, half)
  end
  if #gaps > 0 then
    drawn[#drawn + 1] = ("%s using 1:2:(%.4f):(%.4f) with boxxyerror fs solid 1 noborder"
      .. " fc rgb '#C8C8C8'"):format(script:data(gaps), half, half)
  end
  script:add("plot %s", table.concat(drawn, ", \\\n  "))
end

--- Draws a figure into a rectangle, in shares of the canvas from its lower left corner.
-- @tparam table canvas its `width` and `height` in pixels
local function draw_panels(self, script, x, y, width, height, canvas)
  if self.kind ~= "grid" then
    script:add("reset")
    script:add("set origin %.5f,%.5f; set size %.5f,%.5f", x, y, width, height)
    local body = self.kind == "lines" and draw_lines or draw_heatmap
    return body(self, script, width * canvas.width, height * canvas.height)
  end
  if self.options.title then
    local strip = math.min(height / 4, 30 / canvas.height)
    -- A panel of its own that holds nothing but the title.
    script:add("reset; unset border; unset tics; unset key; set xrange [0:1]; set yrange [0:1]")
    script:add("set label 1 %s at screen %.5f,%.5f center font ',15'",
      Script.quoted(self.options.title), x + width / 2, y + height - strip / 2)
    script:add("plot NaN")
    height = height - strip
  end
  local heights, total = self.options.heights or {}, 0
  for row = 1, self.rows do total = total + (heights[row] or 1) end
  local top = y + height
  for row = 1, self.rows do
    local share = height * (heights[row] or 1) / total
    top = top - share
    for column = 1, self.columns do
      local one = self.figures[(row - 1) * self.columns + column]
      if one then
        draw_panels(one, script, x + width * (column - 1) / self.columns, top, width / self.columns,
          share, canvas)
      end
    end
  end
end

local terminals = {
  svg = "svg size %d,%d dynamic noenhanced font 'sans-serif,12' background '#FFFFFF'"
    .. " dashlength 0.8",
  png = "pngcairo size %d,%d noenhanced font 'sans-serif,12' background '#FFFFFF'"
    .. " dashlength 0.8",
  pdf = "pdfcairo size %.3fin,%.3fin noenhanced font 'sans-serif,9' background '#FFFFFF'"
    .. " dashlength 0.8",
}

--- Writes the gnuplot script that draws a figure.
-- @tparam figure self the figure
-- @tparam string path where the picture goes
-- @treturn string the script
function draw.script(self, path)
  local ending = path:match("%.(%w+)$")
  local terminal = terminals[ending and ending:lower()]
  if not terminal then
    check.fail("save: '%s' does not end in .svg, .png or .pdf", path)
  end
  if path:find("%c") then check.fail("save: the path holds a control character") end
  local script = Script.new()
  local width, height = size_of(self)
  -- PDF pages are measured in inches; 96 pixels make one.
  local unit = ending:lower() == "pdf" and 1 / 96 or 1
  script:add("set encoding utf8")
  script:add("set terminal " .. terminal, width * unit, height * unit)
  -- A path from here starts with `./`, so that gnuplot takes it for a file whatever it is.
  script:add("set output %s", Script.quoted(path:sub(1, 1) == "/" and path or "./" .. path))
  script:add("set multiplot")
  draw_panels(self, script, 0, 0, 1, 1, { width = width, height = height })
  script:add("unset multiplot")
  script:add("unset output")
  return script:text()
end

return draw
