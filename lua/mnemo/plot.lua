--- Figures, drawn by gnuplot.
--
--     local plot = require "mnemo.plot"
--     plot.lines { x = steps, series = { { name = "loss", y = loss } } }:save("loss.svg")
--
-- A figure is described first and drawn when it is saved; the numbers in it are written
-- beside it as CSV. Colours are those of Okabe and Ito, which colour-blind readers can tell
-- apart; dashes and marks differ as well, for print in black and white. Data are lists of
-- numbers or tensors; NaN leaves a gap.
local check = require "mnemo.plot.check"
local csv = require "mnemo.plot.csv"
local describe = require "mnemo.plot.describe"
local draw = require "mnemo.plot.draw"
local files = require "mnemo.plot.files"
local gnuplot = require "mnemo.plot.gnuplot"
local terminal = require "mnemo.plot.terminal"

local plot = {}

--- A figure: described, and drawn when it is saved.
-- @type Figure
local figure = {}
figure.__index = figure

--- Makes a figure of a description.
local function made(description)
  return setmetatable(description, figure)
end

--- Tells whether a value is a figure.
local function is_figure(value)
  return getmetatable(value) == figure
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
  return made(describe.lines(options))
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
  return made(describe.heatmap(options))
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
  return made(describe.grid(figures, options, is_figure))
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

--- Returns a figure's numbers as CSV.
--
-- One line for each point or cell. Columns: `panel` (in a grid: the figure's title),
-- `series`, `x`, `y`, `low`, `high` for curves; `x` and `y` (column and row, from 1), `value`,
-- `x_label`, `y_label` for maps; those that nothing uses are left out.
-- @treturn string with a line of column names first
-- @usage print(mnemo.plot.lines { y = { 3, 2, 1 } }:csv())
function figure:csv()
  return csv.text(self)
end

--- Draws the figure into a file, and its numbers into a CSV file beside it (`loss.svg` and
-- `loss.csv`). The folder must exist.
-- @tparam string path ends in .svg, .png or .pdf
-- @treturn Figure the same one, so that it can be saved in another format
-- @usage mnemo.plot.lines { y = { 3, 2, 1 } }:save("loss.svg"):save("loss.pdf")
function figure:save(path)
  if type(path) ~= "string" then
    check.fail("save: a path is expected, got %s", type(path))
  end
  local script = draw.script(self, path)
  files.write(path:gsub("%.%w+$", ".csv"), self:csv(), "save")
  gnuplot.run(script, "save")
  return self
end

--- Draws the figure in the terminal, with characters, at the window's size.
-- @treturn Figure itself
-- @usage mnemo.plot.lines { y = { 3, 2, 1 } }:show()
function figure:show()
  terminal.show(self)
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
