--- Figures, drawn by gnuplot.
--
--     local plot = require "mnemo.plot"
--     plot.lines { x = steps, series = { { name = "loss", y = loss } } }:save("loss.svg")
--
-- A figure is described first and drawn when it is saved; the numbers in it are written
-- beside it as CSV. Colours are those of Okabe and Ito, which colour-blind readers can tell
-- apart; dashes and marks differ as well, for print in black and white. Data are lists of
-- numbers or tensors; NaN leaves a gap.
local nearest = require "mnemo.nearest"

local plot = {}

--- A figure: described, and drawn when it is saved.
-- @type Figure
local figure = {}
figure.__index = figure

-- Okabe–Ito without its yellow, too pale for a thin line on white.
local colours = {
  "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000",
}
-- gnuplot dash patterns: pairs of drawn and empty lengths. Five, so that with seven colours
-- the pairs repeat only after 35 series.
local dashes = { "solid", "(12,4)", "(3,3)", "(12,3,3,3)", "(18,4)" }
-- gnuplot point types: filled disc, square, triangle, diamond, …, then hollow ones.
local marks = { 7, 5, 9, 13, 11, 6, 4, 8, 12 }

local palettes = {
  blues = "(0 '#FFFFFF', 0.25 '#C6DBEF', 0.5 '#6BAED6', 0.75 '#2171B5', 1 '#08306B')",
  greys = "(0 '#FFFFFF', 1 '#000000')",
  viridis = "(0 '#440154', 0.25 '#3B528B', 0.5 '#21918C', 0.75 '#5EC962', 1 '#FDE725')",
  diverging = "(0 '#0072B2', 0.25 '#8FC1DF', 0.5 '#FFFFFF', 0.75 '#EBA878', 1 '#D55E00')",
}

local this_file = debug.getinfo(1, "S").source

--- Raises an error that names the line outside this file from which it was called.
local function fail(message, ...)
  local level = 2
  local info = debug.getinfo(level, "S")
  while info and info.source == this_file do
    level = level + 1
    info = debug.getinfo(level, "S")
  end
  error(message:format(...), level)
end

---- Values ----

--- Turns a list or a tensor into a Lua table.
local function table_of(values, where, what)
  if type(values) == "table" then return values end
  local converted, result = pcall(function() return values:totable() end)
  if converted and type(result) == "table" then return result end
  fail("%s: %s is a %s; a list or a tensor is expected", where, what, type(values))
end

--- Returns a list of numbers from a list or a one-dimensional tensor.
local function numbers(values, where, what)
  local list = table_of(values, where, what)
  for i = 1, #list do
    if type(list[i]) ~= "number" then
      fail("%s: %s[%d] is a %s; a number is expected", where, what, i, type(list[i]))
    end
  end
  return list
end

--- Tells whether a number is neither NaN nor infinite.
local function finite(x)
  return x == x and math.abs(x) ~= math.huge
end

--- Writes a number for gnuplot and CSV.
local function number_text(x)
  if not finite(x) then return "NaN" end
  if x == math.floor(x) and math.abs(x) < 1e15 then return ("%d"):format(x) end
  return ("%.9g"):format(x)
end

--- Writes a text as a gnuplot string, all but letters, digits and spaces in octal, so that
-- nothing in it is ever read as a quote, an escape, a command or a macro. (Doubling quotes
-- between single quotes is not safe: gnuplot 5.4 ends a string at a doubled first character.)
local function quoted(text)
  text = tostring(text)
  if not utf8.len(text) then text = text:gsub("[\x80-\xff]", "\u{FFFD}") end
  local safe = text:gsub("%c", " "):gsub("[^%w \x80-\xff]", function(character)
    return ("\\%03o"):format(character:byte())
  end)
  return '"' .. safe .. '"'
end

--- Makes a token's white space visible.
local function visible(label)
  return (tostring(label):gsub(" ", "␣"):gsub("\n", "↵"):gsub("\t", "⇥"):gsub("%c", "·"))
end

---- Describing figures ----

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

--- Refuses a word that is not among the allowed ones.
local function check_choice(value, allowed, where, what)
  if value == nil then return end
  for _, word in ipairs(allowed) do
    if value == word then return end
  end
  fail("%s: %s is %s; allowed are %s", where, what,
    type(value) == "string" and "'" .. value .. "'" or "a " .. type(value),
    table.concat(allowed, ", "))
end

--- Refuses what is not a pair of numbers, the first below the second.
local function check_limits(limits, where, what)
  if limits == nil then return end
  local ok = type(limits) == "table" and type(limits[1]) == "number"
    and type(limits[2]) == "number" and limits[1] < limits[2]
  if not ok then
    fail("%s: %s is a pair such as { 0, 1 }, the smaller number first", where, what)
  end
end

--- Refuses a width or height that is no number of pixels.
local function check_size(options, where)
  for _, key in ipairs(size_keys) do
    local value = options[key]
    if value ~= nil and not (type(value) == "number" and value >= 50 and value <= 20000) then
      fail("%s: %s is a number of pixels from 50 to 20000", where, key)
    end
  end
end

--- Reads one series of `lines`: its numbers, with x counted from 1 where none is given.
local function read_series(given, shared_x, where, index)
  nearest.check_keys(given, series_keys, ("%s, series %d"):format(where, index), 3)
  if given.y == nil then fail("%s: series %d has no y", where, index) end
  check_choice(given.style, styles, where, "style")
  local what = ("series %d's "):format(index)
  local series = { name = given.name, style = given.style or "lines" }
  series.y = numbers(given.y, where, what .. "y")
  local x = given.x or shared_x
  if x then
    series.x = numbers(x, where, what .. "x")
  else
    series.x = {}
    for i = 1, #series.y do series.x[i] = i end
  end
  if (given.low == nil) ~= (given.high == nil) then
    fail("%s: series %d has one of low and high; a band needs both", where, index)
  end
  for _, key in ipairs { "low", "high" } do
    if given[key] then series[key] = numbers(given[key], where, what .. key) end
  end
  for _, key in ipairs { "x", "low", "high" } do
    if series[key] and #series[key] ~= #series.y then
      fail("%s: series %d has %d y but %d %s", where, index, #series.y, #series[key],
        key)
    end
  end
  return series
end

--- Describes curves.
--
-- A series is `{ name=, x=, y=, low=, high=, style= }`: `x` counts from 1 unless it is given
-- here or for all series; `low` and `high` bound a shaded band; `style` is `"lines"` (the
-- default, with a few marks along the line), `"points"`, `"linespoints"` (a mark at every
-- point) or `"reference"` (thin and black, for theory). A single series may stand in the
-- options themselves.
-- @tparam[opt] {table,...} options.series the curves; without it, one of y
-- @tparam[opt] Tensor|{number,...} options.y of a single series
-- @tparam[opt=1, 2, …] Tensor|{number,...} options.x of all series without one of their own
-- @tparam[opt] Tensor|{number,...} options.low of a single series: the band's lower edge
-- @tparam[opt] Tensor|{number,...} options.high of a single series: the band's upper edge
-- @tparam[opt] string options.name of a single series, for the legend
-- @tparam[opt="lines"] "lines"|"points"|"linespoints"|"reference" options.style of a single
--   series
-- @tparam[opt] string options.title above the figure
-- @tparam[opt] string options.xlabel below the x axis
-- @tparam[opt] string options.ylabel beside the y axis
-- @tparam[opt="linear"] "linear"|"log" options.xscale of the x axis
-- @tparam[opt="linear"] "linear"|"log" options.yscale of the y axis
-- @tparam[opt] {number,...} options.xlim { low, high }: the ends of the x axis
-- @tparam[opt] {number,...} options.ylim { low, high }: the ends of the y axis
-- @tparam[opt] "right"|"below"|"none" options.legend where it stands; without it, on the right
--   where there is room
-- @tparam[opt=600] number options.width in pixels
-- @tparam[opt=380] number options.height in pixels
-- @treturn Figure
-- @usage
-- local curve = { name = "measured", y = { 0.9, 0.5, 0.3 }, low = { 0.8, 0.4, 0.2 },
--   high = { 1, 0.6, 0.4 } }
-- local theory = { name = "1/x", y = { 1, 1/2, 1/3 }, style = "reference" }
-- mnemo.plot.lines { series = { curve, theory }, xlabel = "step" }:save("loss.svg")
function plot.lines(options)
  local where = "plot.lines"
  nearest.check_keys(options, line_keys, where, 2)
  check_choice(options.xscale, { "linear", "log" }, where, "xscale")
  check_choice(options.yscale, { "linear", "log" }, where, "yscale")
  check_choice(options.legend, legends, where, "legend")
  check_limits(options.xlim, where, "xlim")
  check_limits(options.ylim, where, "ylim")
  check_size(options, where)
  local given = options.series
  if given == nil then
    given = { {
      name = options.name, y = options.y, low = options.low, high = options.high,
      style = options.style,
    } }
  else
    for _, key in ipairs { "y", "low", "high", "name", "style" } do
      if options[key] ~= nil then
        fail("%s: %s belongs into a series when series are given", where, key)
      end
    end
  end
  local self = setmetatable({ kind = "lines", options = options, series = {} }, figure)
  for i, one in ipairs(given) do
    self.series[i] = read_series(one, options.x, where, i)
  end
  if #self.series == 0 then fail("%s: no series to draw", where) end
  return self
end

--- Describes a matrix as a map of colours, its first row on top.
-- @tparam Tensor|{table,...} options.matrix rows of numbers, or a tensor [rows, columns]
-- @tparam[opt] {string,...} options.xlabels one label for each column, such as tokens, with white
--   space made visible
-- @tparam[opt] {string,...} options.ylabels the same for each row
-- @tparam[opt=that of the data] number options.min the value at the lower end of the palette
-- @tparam[opt=that of the data] number options.max the value at the upper end
-- @tparam[opt="blues"] "blues"|"greys"|"viridis"|"diverging" options.palette the colours
-- @tparam[opt] string options.title above the figure
-- @tparam[opt] string options.xlabel below the columns
-- @tparam[opt] string options.ylabel beside the rows
-- @tparam[opt=600] number options.width in pixels
-- @tparam[opt=560] number options.height in pixels
-- @treturn Figure
-- @usage
-- mnemo.plot.heatmap {
--   matrix = mnemo.eye(3), xlabels = { "a", "b", " " }, palette = "greys",
-- }:save("attention.svg")
function plot.heatmap(options)
  local where = "plot.heatmap"
  nearest.check_keys(options, heatmap_keys, where, 2)
  check_choice(options.palette, { "blues", "greys", "viridis", "diverging" }, where, "palette")
  check_size(options, where)
  local rows = table_of(options.matrix, where, "matrix")
  local matrix = {}
  for i = 1, #rows do
    matrix[i] = numbers(rows[i], where, ("matrix[%d]"):format(i))
    if #matrix[i] ~= #matrix[1] then
      fail("%s: row %d has %d columns, row 1 has %d", where, i, #matrix[i], #matrix[1])
    end
  end
  if #matrix == 0 or #matrix[1] == 0 then fail("%s: the matrix is empty", where) end
  local self = setmetatable({ kind = "heatmap", options = options, matrix = matrix }, figure)
  for key, expected in pairs { xlabels = #matrix[1], ylabels = #matrix } do
    if options[key] ~= nil then
      local labels = table_of(options[key], where, key)
      if #labels ~= expected then
        fail("%s: %d %s for %d %s", where, #labels, key, expected,
          key == "xlabels" and "columns" or "rows")
      end
      self[key] = {}
      for i, label in ipairs(labels) do self[key][i] = visible(label) end
    end
  end
  for _, key in ipairs { "min", "max" } do
    if options[key] ~= nil and type(options[key]) ~= "number" then
      fail("%s: %s is a %s; a number is expected", where, key, type(options[key]))
    end
  end
  if options.min and options.max and options.min >= options.max then
    fail("%s: min is %g, not below max, %g", where, options.min, options.max)
  end
  return self
end

--- Puts figures side by side; a figure may be a grid itself.
-- @tparam {Figure,...} figures row by row
-- @tparam[opt=2, or 1 for a single figure] integer options.columns how many stand in a row
-- @tparam[opt=all equal] {number,...} options.heights the rows' shares of the height
-- @tparam[opt] string options.title above all of them
-- @tparam[opt=450 a column] number options.width in pixels
-- @tparam[opt=360 a row] number options.height in pixels
-- @treturn Figure
-- @usage
-- local falling = mnemo.plot.lines { y = { 3, 2, 1 } }
-- local rising = mnemo.plot.lines { y = { 1, 2, 3 } }
-- mnemo.plot.grid({ falling, rising }, { title = "Two ways" }):save("both.svg")
function plot.grid(figures, options)
  local where = "plot.grid"
  options = options or {}
  nearest.check_keys(options, grid_keys, where, 2)
  check_size(options, where)
  if type(figures) ~= "table" or #figures == 0 then
    fail("%s: a list of figures is expected", where)
  end
  for i, one in ipairs(figures) do
    if getmetatable(one) ~= figure then
      fail("%s: entry %d is no figure", where, i)
    end
  end
  local columns = options.columns or math.min(#figures, 2)
  if math.type(columns) ~= "integer" or columns < 1 then
    fail("%s: columns is a whole number from 1", where)
  end
  local rows = (#figures + columns - 1) // columns
  local heights = options.heights or {}
  for i = 1, rows do
    if options.heights and not (type(heights[i]) == "number" and heights[i] > 0) then
      fail("%s: heights has a positive number for each of the %d rows", where, rows)
    end
  end
  return setmetatable({
    kind = "grid", options = options, figures = figures, columns = columns, rows = rows,
  }, figure)
end

--- Draws columns of a run's history over the steps; also run:plot(names).
-- @tparam Run run the run
-- @tparam[opt=loss and all probes] {string,...} names the columns
-- @treturn Figure
-- @usage
-- local task = mnemo.data.bigram { seq_len = 16, seed = 1 }
-- local run = mnemo.train {
--   model = mnemo.model.simplified { vocab = task.vocab_size, dim = 16, seed = 1 }, data = task,
--   steps = 4, eval_every = 2, optimizer = mnemo.optim.sgd { lr = 0.1 }, progress = false,
-- }
-- mnemo.plot.history(run, { "loss" }):save("loss.svg")
function plot.history(run, names)
  if not names then
    names = { "loss" }
    local probes = {}
    for name in pairs(run.history[1] or {}) do
      if name ~= "loss" and name ~= "step" then probes[#probes + 1] = name end
    end
    table.sort(probes)
    table.move(probes, 1, #probes, 2, names)
  end
  local series = {}
  for i, name in ipairs(names) do series[i] = { name = name, y = run:series(name) } end
  return plot.lines { x = run:series("step"), xlabel = "step", series = series }
end

---- Drawing ----

--- Returns a figure's size in pixels.
local function size_of(self)
  local options = self.options
  if self.kind == "lines" then return options.width or 600, options.height or 380 end
  if self.kind == "heatmap" then return options.width or 600, options.height or 560 end
  return options.width or 450 * self.columns, options.height or 360 * self.rows
end

--- Collects lines of a gnuplot script.
local Script = {}
Script.__index = Script

function Script:add(format, ...)
  self[#self + 1] = select("#", ...) > 0 and format:format(...) or format
end

--- Writes a block of inline data and returns its name.
function Script:data(rows)
  self.blocks = (self.blocks or 0) + 1
  local name = ("$data%d"):format(self.blocks)
  self:add("%s << END_OF_DATA", name)
  for _, row in ipairs(rows) do
    local words = {}
    for i, value in ipairs(row) do words[i] = number_text(value) end
    self[#self + 1] = table.concat(words, " ")
  end
  self:add("END_OF_DATA")
  return name
end

--- Writes the settings that all kinds of panels share.
local function frame(script, options)
  script:add("set title %s font ',13' offset 0,-0.4", quoted(options.title or ""))
  script:add("set xlabel %s offset 0,0.4", quoted(options.xlabel or ""))
  script:add("set ylabel %s", quoted(options.ylabel or ""))
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
        if finite(value) and not (is_log and value <= 0) then
          low, high = math.min(low or value, value), math.max(high or value, value)
        end
      end
    end
    local limits = options[axis .. "lim"]
    -- Without a point gnuplot would refuse to draw the empty axes.
    if not low then limits = limits or (is_log and { 0.1, 1 }) or { 0, 1 } end
    if limits then
      low, high = limits[1], limits[2]
      script:add("set %srange [%s:%s]", axis, number_text(low), number_text(high))
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
    local colour = colours[(i - 1) % #colours + 1]
    local dash = dashes[(i - 1) % #dashes + 1]
    local mark = marks[(i - 1) % #marks + 1]
    if series.low then
      bands[#bands + 1] = ("%s using 1:3:4 with filledcurves fs transparent solid 0.2 noborder"
        .. " lc rgb '%s' notitle"):format(name, colour)
    end
    local line = ("lw 2 dt %s lc rgb '%s'"):format(dash, colour)
    local point = ("pt %d ps 0.7 lc rgb '%s'"):format(mark, colour)
    local sample = "linespoints " .. line .. (" pt %d ps 0.7"):format(mark)
    if series.style == "reference" then
      sample = ("lines lw 1.2 dt %s lc rgb '#000000'"):format(dashes[i % #dashes + 1])
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
      curves[#curves + 1] = ("keyentry with %s title %s"):format(sample, quoted(series.name))
    end
  end
  script:add("plot %s", table.concat(joined(bands, curves), ", \\\n  "))
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
        tics[i] = ("%s %d"):format(quoted(label:gsub("%%", "%%%%")), i)
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
      if finite(value) then
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
  script:add("set palette defined %s", palettes[options.palette or "blues"])
  script:add("set cbrange [%s:%s]; set colorbox; set cbtics scale 0.3 font ',10'",
    number_text(low), number_text(high))
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
local function draw(self, script, x, y, width, height, canvas)
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
      quoted(self.options.title), x + width / 2, y + height - strip / 2)
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
        draw(one, script, x + width * (column - 1) / self.columns, top, width / self.columns,
          share, canvas)
      end
    end
  end
end

---- Saving ----

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
local function script_of(self, path)
  local ending = path:match("%.(%w+)$")
  local terminal = terminals[ending and ending:lower()]
  if not terminal then
    fail("save: '%s' does not end in .svg, .png or .pdf", path)
  end
  if path:find("%c") then fail("save: the path holds a control character") end
  local script = setmetatable({}, Script)
  local width, height = size_of(self)
  -- PDF pages are measured in inches; 96 pixels make one.
  local unit = ending:lower() == "pdf" and 1 / 96 or 1
  script:add("set encoding utf8")
  script:add("set terminal " .. terminal, width * unit, height * unit)
  -- A path from here starts with `./`, so that gnuplot takes it for a file whatever it is.
  script:add("set output %s", quoted(path:sub(1, 1) == "/" and path or "./" .. path))
  script:add("set multiplot")
  draw(self, script, 0, 0, 1, 1, { width = width, height = height })
  script:add("unset multiplot")
  script:add("unset output")
  return table.concat(script, "\n") .. "\n"
end

--- Adds a figure's numbers to a list of CSV records.
local function collect(self, records, panel)
  if self.kind == "grid" then
    for _, one in ipairs(self.figures) do
      records.panels = (records.panels or 0) + 1
      collect(one, records, one.options.title or ("panel %d"):format(records.panels))
    end
  elseif self.kind == "lines" then
    for i, series in ipairs(self.series) do
      for j = 1, #series.y do
        records[#records + 1] = {
          panel = panel, series = series.name or ("series %d"):format(i),
          x = number_text(series.x[j]), y = number_text(series.y[j]),
          low = series.low and number_text(series.low[j]),
          high = series.high and number_text(series.high[j]),
        }
      end
    end
  else
    for i, row in ipairs(self.matrix) do
      for j, value in ipairs(row) do
        records[#records + 1] = {
          panel = panel, x = number_text(j), y = number_text(i), value = number_text(value),
          x_label = self.xlabels and self.xlabels[j], y_label = self.ylabels and self.ylabels[i],
        }
      end
    end
  end
end

--- Writes a CSV field, in quotes where RFC 4180 asks for them.
local function field(text)
  text = text or ""
  if text:find('[",\r\n]') then return '"' .. text:gsub('"', '""') .. '"' end
  return text
end

--- Returns a figure's numbers as CSV.
--
-- One line for each point or cell. Columns: `panel` (in a grid: the figure's title),
-- `series`, `x`, `y`, `low`, `high` for curves; `x` and `y` (column and row, from 1), `value`,
-- `x_label`, `y_label` for maps; those that nothing uses are left out.
-- @treturn string with a line of column names first
-- @usage print(mnemo.plot.lines { y = { 3, 2, 1 } }:csv())
function figure:csv()
  local records = {}
  collect(self, records)
  local columns = {}
  for _, name in ipairs { "panel", "series", "x", "y", "low", "high", "value", "x_label",
    "y_label" } do
    for _, record in ipairs(records) do
      if record[name] then
        columns[#columns + 1] = name
        break
      end
    end
  end
  local lines = { table.concat(columns, ",") }
  for _, record in ipairs(records) do
    local fields = {}
    for i, name in ipairs(columns) do fields[i] = field(record[name]) end
    lines[#lines + 1] = table.concat(fields, ",")
  end
  return table.concat(lines, "\n") .. "\n"
end

--- Writes a file, or says why not.
local function write_file(path, text)
  local file, message = io.open(path, "w")
  local done = file
  if file then
    done, message = file:write(text)
    local closed, close_message = file:close()
    done, message = done and closed, message or close_message
  end
  if not done then fail("save: cannot write %s", message or path) end
end

--- Runs gnuplot on a script.
-- @tparam string text the script
-- @treturn string what it printed
local function run_gnuplot(text, where)
  where = where or "save"
  local path = os.tmpname()
  write_file(path, text)
  -- `-d`: the user's own start-up file must not change figures. `os.tmpname` gives a plain
  -- name, so there is nothing in it that the shell would expand.
  local pipe = assert(io.popen(("gnuplot -d '%s' 2>&1"):format(path)))
  local output = pipe:read("a")
  local done, how, code = pipe:close()
  os.remove(path)
  if done then return output end
  if how == "exit" and code == 127 then
    fail(where .. ": gnuplot is not installed; on Debian it is the package gnuplot-nox")
  end
  local message = output:gsub("^%s+", ""):gsub("%s+$", ""):gsub(path, "script", 1)
  fail(where .. ": gnuplot failed (%s %d): %s", how, code, message)
end

--- Draws the figure into a file, and its numbers into a CSV file beside it (`loss.svg` and
-- `loss.csv`). The folder must exist.
-- @tparam string path ends in .svg, .png or .pdf
-- @treturn Figure the same one, so that it can be saved in another format
-- @usage mnemo.plot.lines { y = { 3, 2, 1 } }:save("loss.svg"):save("loss.pdf")
function figure:save(path)
  if type(path) ~= "string" then
    fail("save: a path is expected, got %s", type(path))
  end
  local script = script_of(self, path)
  write_file(path:gsub("%.%w+$", ".csv"), self:csv())
  run_gnuplot(script)
  return self
end

---- In the terminal ----

--- The size of the terminal in columns and rows.
local function terminal_size()
  local prompt = package.loaded["(prompt)"]
  if prompt then return prompt.engine.columns(), prompt.engine.rows(), prompt.engine.colour() end
  return tonumber(os.getenv "COLUMNS") or 80, tonumber(os.getenv "LINES") or 24, false
end

-- From little to much, for maps without colour.
local shades = { " ", "░", "▒", "▓", "█" }

--- Returns a map as lines of text: two cells a row of text in colour, shades without.
local function map_text(self, columns, rows, colour)
  local matrix = self.matrix
  local height, width = #matrix, #matrix[1]
  local low, high = self.options.min or math.huge, self.options.max or -math.huge
  for _, row in ipairs(matrix) do
    for _, x in ipairs(row) do
      if finite(x) then
        if not self.options.min then low = math.min(low, x) end
        if not self.options.max then high = math.max(high, x) end
      end
    end
  end
  -- Cells are square: one column and half a row each, or two columns and a row.
  local most_rows = math.max(2, rows - 4) * (colour and 2 or 1)
  local step = math.max(1, math.ceil(height / most_rows),
    math.ceil(width / (colour and columns - 2 or (columns - 2) // 2)))
  local function level(i, j)
    local most = -math.huge
    for r = i, math.min(height, i + step - 1) do
      for c = j, math.min(width, j + step - 1) do
        if finite(matrix[r][c]) then most = math.max(most, matrix[r][c]) end
      end
    end
    if most == -math.huge then return nil end
    return high > low and math.max(0, math.min(1, (most - low) / (high - low))) or 0
  end
  -- The greys of the 256 colours, dark for little.
  local function grey(x) return x and 232 + math.floor(x * 23 + 0.5) or 52 end
  local lines = {}
  if self.options.title then lines[1] = " " .. self.options.title end
  for i = 1, height, colour and 2 * step or step do
    local cells = {}
    for j = 1, width, step do
      if colour then
        local lower = i + step <= height
        cells[#cells + 1] = lower
          and ("\27[38;5;%d;48;5;%dm▀"):format(grey(level(i, j)), grey(level(i + step, j)))
          or ("\27[0;38;5;%dm▀"):format(grey(level(i, j)))
      else
        local x = level(i, j)
        cells[#cells + 1] = x and shades[1 + math.floor(x * 4.999)]:rep(2) or "??"
      end
    end
    lines[#lines + 1] = " " .. table.concat(cells) .. (colour and "\27[0m" or "")
  end
  local each = step > 1 and (", each cell the largest of %d × %d"):format(step, step) or ""
  lines[#lines + 1] = (" %d × %d, from %.4g (%s) to %.4g (%s)%s"):format(height, width, low,
    colour and "dark" or "blank", high, colour and "light" or "full", each)
  return table.concat(lines, "\n")
end

--- Returns curves as text, drawn by gnuplot.
local function curves_text(self, columns, rows, colour)
  local options, lines = self.options, {}
  local function add(format, ...) lines[#lines + 1] = format:format(...) end
  add("set encoding utf8")
  add("set terminal dumb noenhanced size %d,%d %s", columns, rows, colour and "ansi256" or "mono")
  if options.title then add("set title %s", quoted(options.title)) end
  if options.xlabel then add("set xlabel %s", quoted(options.xlabel)) end
  if options.xscale == "log" then add("set logscale x") end
  if options.yscale == "log" then add("set logscale y") end
  if options.xlim then add("set xrange [%.9g:%.9g]", options.xlim[1], options.xlim[2]) end
  if options.ylim then add("set yrange [%.9g:%.9g]", options.ylim[1], options.ylim[2]) end
  add("set key below")
  local drawn = {}
  for i, series in ipairs(self.series) do
    add("$data%d << END_OF_DATA", i)
    for j = 1, #series.y do add("%s %s", number_text(series.x[j]), number_text(series.y[j])) end
    add("END_OF_DATA")
    drawn[i] = ("$data%d using 1:2 with %s %s %s"):format(i,
      series.style == "points" and "points" or "lines",
      colour and "lc rgb '" .. colours[(i - 1) % #colours + 1] .. "'" or "",
      series.name and "title " .. quoted(series.name) or "notitle")
  end
  add("plot %s", table.concat(drawn, ", "))
  return table.concat(lines, "\n") .. "\n"
end

--- Prints a figure, or the figures of a grid below each other.
local function show(self, columns, rows, colour)
  if self.kind == "grid" then
    if self.options.title then io.write(" ", self.options.title, "\n") end
    for _, one in ipairs(self.figures) do
      if one then show(one, columns, math.max(12, rows // 2), colour) end
    end
  elseif self.kind == "lines" then
    local text = run_gnuplot(curves_text(self, columns, rows, colour), "show")
    io.write((text:gsub("\f", ""):gsub(" +\n", "\n"):gsub("%s*$", ""):gsub("^%s*\n", "")), "\n")
  else
    io.write(map_text(self, columns, rows, colour), "\n")
  end
end

--- Draws the figure in the terminal, with characters, at the window's size.
-- @treturn Figure itself
-- @usage mnemo.plot.lines { y = { 3, 2, 1 } }:show()
function figure:show()
  local columns, rows, colour = terminal_size()
  show(self, math.max(20, columns - 1), math.max(10, math.min(rows - 2, columns // 3)), colour)
  return self
end

--- Tells what the figure is.
function figure:__tostring()
  if self.kind == "lines" then return ("figure: %d curves"):format(#self.series) end
  if self.kind == "grid" then return ("figure: %d panels"):format(#self.figures) end
  return ("figure: a map of %d × %d"):format(#self.matrix, #self.matrix[1])
end

plot.Figure = figure

return plot
