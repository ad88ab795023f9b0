--- Figures, drawn by gnuplot: as pictures, pages for a browser, or characters.
--
--     local plot = require "mnemo.plot"
--     plot.lines { x = steps, series = { { name = "loss", y = loss } } }:save("loss.svg")
--
-- A figure is described first and drawn when it is saved; the numbers in it are written
-- beside it as CSV. Colours are those of Okabe and Ito, which colour-blind readers can tell
-- apart; dashes and marks differ as well, for print in black and white. Data are lists of
-- numbers or tensors; NaN leaves a gap.
local animate = require "mnemo.plot.animate"
local attention = require "mnemo.plot.attention"
local csv = require "mnemo.plot.csv"
local describe = require "mnemo.plot.describe"
local draw = require "mnemo.plot.draw"
local expect = require "mnemo.text.expect"
local files = require "mnemo.plot.files"
local history = require "mnemo.plot.history"
local gnuplot = require "mnemo.plot.gnuplot"
local page = require "mnemo.plot.page"
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
-- A series is `{ name=, x=, y=, low=, high=, style= }`: `x` counts from 1 unless it is given here
-- or for all series; `low` and `high` bound a shaded band. `y` may also be a list of runs
-- (seeds), or a tensor [runs, points]: their mean is drawn, with a band of one standard deviation
-- (with n − 1) to either side; where all runs lie from 0 to 1, as shares do, the drawn band ends
-- there, and the CSV has the whole of it. `style` is `"lines"` (the default, with a few marks
-- along the line), `"points"`, `"linespoints"` (a mark at every point) or `"reference"` (thin,
-- dashed and black, for theory). A single series may stand in the options themselves. NaN and
-- infinite numbers leave gaps, as do those that are not positive on a log axis; standard error
-- says how many. Curves that coincide take turns in dashes. On a log x axis with at most twelve
-- places of points, tics stand at these. A linear y axis without 0 says in its label where it
-- begins.
-- @tparam[opt] {table,...} options.series the curves; without it, one of y
-- @tparam[opt] Tensor|{number,...}|{table,...} options.y of a single series
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
-- @tparam[opt] boolean options.from_zero whether the y axis begins at 0; without it, it does
--   where that leaves the data at least half of it and no ylim is given
-- @tparam[opt] {number|table,...} options.hlines horizontal lines across: where, or
--   `{ at =, name = }` to have them in the legend
-- @tparam[opt] {number|table,...} options.vlines vertical lines across
-- @tparam[opt] {table,...} options.vspans spans of the x axis that are shaded from bottom to top:
--   `{ from =, to =, name = }`, the name for the legend
-- @tparam[opt] "right"|"below"|"none" options.legend where it stands; without it, on the right
--   where there is room
-- @tparam[opt=600] number options.width in pixels
-- @tparam[opt=380] number options.height in pixels
-- @treturn Figure
-- @usage
-- local seeds = { { 0.9, 0.5, 0.3 }, { 0.8, 0.6, 0.2 }, { 1, 0.4, 0.4 } }
-- local theory = { name = "1/x", y = { 1, 1/2, 1/3 }, style = "reference" }
-- mnemo.plot.lines {
--   series = { { name = "mean of 3 seeds", y = seeds }, theory }, xlabel = "step",
--   yscale = "log", hlines = { { at = 0.25, name = "chance" } },
--   vspans = { { from = 2, to = 3, name = "slow" } },
-- }:save("loss.svg")
function plot.lines(options)
  return made(describe.lines(options))
end

--- Describes points.
--
-- A series is `{ name=, x=, y=, size=, colour=, labels= }`. `size` and `colour` are lists of
-- values, one for each point: the area and the colour of a point grow with them. `labels` are
-- texts beside the points, such as tokens, with white space made visible; those that would run
-- into others are left out. A single series may stand in the options themselves. Points without
-- a place (NaN, or not positive on a log axis) are left out, and standard error says how many;
-- those whose colour is NaN are grey.
-- @tparam[opt] {table,...} options.series the sets of points; without it, one of x and y
-- @tparam[opt] Tensor|{number,...} options.x of a single series, or of all without one
-- @tparam[opt] Tensor|{number,...} options.y of a single series
-- @tparam[opt] Tensor|{number,...} options.size of a single series
-- @tparam[opt] Tensor|{number,...} options.colour of a single series
-- @tparam[opt] {string,...} options.labels of a single series
-- @tparam[opt] string options.name of a single series, for the legend
-- @tparam[opt] string options.title above the figure
-- @tparam[opt] string options.xlabel below the x axis
-- @tparam[opt] string options.ylabel beside the y axis
-- @tparam[opt="linear"] "linear"|"log" options.xscale of the x axis
-- @tparam[opt="linear"] "linear"|"log" options.yscale of the y axis
-- @tparam[opt] {number,...} options.xlim { low, high }: the ends of the x axis
-- @tparam[opt] {number,...} options.ylim { low, high }: the ends of the y axis
-- @tparam[opt] {number|table,...} options.hlines horizontal lines across: where, or
--   `{ at =, name = }` to have them in the legend
-- @tparam[opt] {number|table,...} options.vlines vertical lines across
-- @tparam[opt] string options.zlabel beside the colour bar
-- @tparam[opt] string options.sizelabel what size shows: puts the least and the greatest into
--   the legend
-- @tparam[opt=that of the data] number options.min the value at the lower end of the palette
-- @tparam[opt=that of the data] number options.max the value at the upper end
-- @tparam[opt="viridis"] "blues"|"greys"|"viridis"|"diverging" options.palette the colours
-- @tparam[opt] "right"|"below"|"none" options.legend where it stands; without it, on the right
--   where there is room
-- @tparam[opt=600] number options.width in pixels
-- @tparam[opt=420] number options.height in pixels
-- @treturn Figure
-- @usage
-- mnemo.plot.scatter {
--   x = { 1, 2, 3 }, y = { 3, 1, 2 }, colour = { 0.1, 0.5, 0.9 }, zlabel = "recall",
--   labels = { "a", " ", "the" },
-- }:save("points.svg")
function plot.scatter(options)
  return made(describe.scatter(options))
end

--- Describes a matrix as a map of colours, its first row on top.
--
-- Where labels are denser than letters, some are left out and the others followed by their
-- number: `xlim` and `ylim` look at a part of the matrix, in which there is room for all.
-- @tparam Tensor|{table,...} options.matrix rows of numbers, or a tensor [rows, columns]; NaN is
--   grey, and standard error says how many there are
-- @tparam[opt] {string,...} options.xlabels one label for each column, such as tokens: white
--   space, and what else shows nothing by itself, is made visible
-- @tparam[opt] {string,...} options.ylabels the same for each row
-- @tparam[opt] {integer,...} options.marked_rows rows with a triangle before them, from 1
-- @tparam[opt] string options.marks_name what the triangles say, for the label beside the rows
-- @tparam[opt] {number|table,...} options.hlines horizontal lines across, at numbers of rows (2.5
--   is between the second and the third), or `{ at =, name = }` to have them in a legend below
-- @tparam[opt] {number|table,...} options.vlines vertical lines across, at numbers of columns
-- @tparam[opt="below"] "right"|"below"|"none" options.legend where it stands
-- @tparam[opt=all] {integer,...} options.xlim { first, last }: the columns in view
-- @tparam[opt=all] {integer,...} options.ylim { first, last }: the rows in view
-- @tparam[opt=that of the data] number options.min the value at the lower end of the palette
-- @tparam[opt=that of the data] number options.max the value at the upper end
-- @tparam[opt="blues"] "blues"|"greys"|"viridis"|"diverging" options.palette the colours;
--   `"diverging"` is white at 0 and equally deep on both sides, unless min or max say otherwise;
--   printed in grey its sides look alike
-- @tparam[opt] string options.zlabel beside the colour bar
-- @tparam[opt="equal"] "equal"|"auto" options.aspect whether cells are squares or fill the
--   figure
-- @tparam[opt] string options.title above the figure
-- @tparam[opt] string options.xlabel below the columns
-- @tparam[opt] string options.ylabel beside the rows
-- @tparam[opt=600] number options.width in pixels
-- @tparam[opt=560] number options.height in pixels
-- @treturn Figure
-- @usage
-- mnemo.plot.heatmap {
--   matrix = mnemo.eye(3), xlabels = { "a", "b", " " }, palette = "greys", zlabel = "attention",
--   marked_rows = { 2 }, marks_name = "trigger",
-- }:save("attention.svg")
function plot.heatmap(options)
  return made(describe.heatmap(options))
end

--- Describes where one head looks in one sequence: a map of its attention, a row for each token.
-- @tparam[opt] Model options.model the model
-- @tparam[opt] Tensor|{{number,...},...} options.weights in place of model, layer and head: what
-- was measured before, [T, T], a row for each token that looks
-- @tparam IntTensor|{integer,...} options.tokens the ids of one sequence: [T] or [1, T]; of more
--   than about 24 the labels are too small to read
-- @tparam[opt] integer options.layer of the model, from 1; needed with it
-- @tparam[opt=1] integer options.head from 1
-- @tparam[opt] Corpus options.corpus whose symbols are the labels; without it, the ids
-- @tparam[opt] IntTensor|{integer,...} options.occurrence that of the sequence in a batch, [T] or
--   [1, T]: marks the rows where a trigger stands that came before, so that its output is known
-- @tparam[opt] {integer,...} options.marked_rows which rows are marked, without `occurrence`
-- @tparam[opt="trigger seen before" with `occurrence`] string options.marks_name what marks say
-- @tparam[opt="layer 1, head 1" and so on] string options.title above the figure
-- @tparam[opt="blues"] "blues"|"greys"|"viridis"|"diverging" options.palette the colours
-- @tparam[opt=all] {integer,...} options.xlim { first, last }: the columns in view
-- @tparam[opt=all] {integer,...} options.ylim { first, last }: the rows in view
-- @tparam[opt=600] number options.width in pixels
-- @tparam[opt=560] number options.height in pixels
-- @treturn Figure
-- @usage
-- local task = mnemo.data.bigram { seq_len = 12, seed = 1 }
-- local model = mnemo.model.simplified { vocab = task.vocab_size, dim = 16, seed = 1 }
-- local batch = task:held_out(1)
-- mnemo.plot.attention {
--   model = model, tokens = batch.tokens, layer = 1, corpus = task.corpus,
--   occurrence = batch.occurrence,
-- }:save("attention.svg")
function plot.attention(options)
  return made(describe.heatmap(attention(options)))
end

--- Describes a function of two variables by its level lines.
--
-- The bands between levels are filled, all with a colour of their own; levels below 0 are
-- dashed. Cells with a NaN corner are empty; standard error says how many NaN there are.
--
-- Paths may run over the landscape, such as that of a training over its loss: each is
-- `{ x =, y =, name =, style = }`, drawn as a curve of `plot.lines` with a white edge, its points
-- joined in their order. What lies outside the axes is cut off. Levels' labels keep clear of them.
-- @tparam Tensor|{table,...} options.z rows of values, or a tensor [ny, nx]; the first row is
--   at the first y
-- @tparam[opt=1, 2, …] Tensor|{number,...} options.x the columns' places, rising
-- @tparam[opt=1, 2, …] Tensor|{number,...} options.y the rows' places, rising
-- @tparam[opt] {table,...} options.series paths over it
-- @tparam[opt=8] integer|{number,...} options.levels about how many round ones, or which, rising
-- @tparam[opt=true] boolean options.filled whether the bands have colours, and a bar beside them
-- @tparam[opt="viridis"] "blues"|"greys"|"viridis"|"diverging" options.palette the colours
-- @tparam[opt] string options.zlabel beside the colour bar
-- @tparam[opt] string options.title above the figure
-- @tparam[opt] string options.xlabel below the x axis
-- @tparam[opt] string options.ylabel beside the y axis
-- @tparam[opt="linear"] "linear"|"log" options.xscale of the x axis
-- @tparam[opt="linear"] "linear"|"log" options.yscale of the y axis
-- @tparam[opt] {number,...} options.xlim { low, high }: the ends of the x axis
-- @tparam[opt] {number,...} options.ylim { low, high }: the ends of the y axis
-- @tparam[opt] {number|table,...} options.hlines horizontal lines across: where, or
--   `{ at =, name = }` to have them in the legend
-- @tparam[opt] {number|table,...} options.vlines vertical lines across
-- @tparam[opt="below"] "right"|"below"|"none" options.legend of paths and lines across
--   with a name
-- @tparam[opt=600] number options.width in pixels
-- @tparam[opt=460] number options.height in pixels
-- @treturn Figure
-- @usage
-- local z = {}
-- for j = 1, 9 do
--   z[j] = {}
--   for i = 1, 9 do z[j][i] = (i - 5) ^ 2 + (j - 4) ^ 2 end
-- end
-- local path = { name = "descent", x = { 1, 4, 5 }, y = { 9, 5, 4 }, style = "linespoints" }
-- mnemo.plot.contour {
--   z = z, levels = { 1, 4, 9, 16 }, zlabel = "loss", series = { path },
-- }:save("landscape.svg")
function plot.contour(options)
  return made(describe.contour(options))
end

--- Puts figures side by side; a figure may be a grid itself.
--
-- Curves, points and level lines in one row have axes of one height, whatever their legends and
-- titles take; maps keep the shape of their cells.
-- @tparam {Figure,...} figures row by row
-- @tparam[opt=2, or 1 for a single figure] integer options.columns how many stand in a row
-- @tparam[opt=all equal] {number,...} options.heights the rows' shares of the height
-- @tparam[opt] string options.title above all of them
-- @tparam[opt] string options.xlabel below all of them
-- @tparam[opt] string options.ylabel to the left of all of them
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

--- Writes a page for a browser with a slider over frames, such as maps of attention at several
-- steps of a training.
--
-- The page stands alone: no network and no library is needed. It shows the values where the
-- pointer is, and turns the frames by itself when asked to. Maps are all drawn on one scale of
-- colours, that of all frames unless min and max say otherwise; the numbers of all frames are in
-- the page.
--
-- A frame is `{ label =, matrix = }`, a map as of `plot.heatmap`, or `{ label =, figure = }`, a
-- figure of the first one's size. A label is a text or a number; without one, it is the frame's
-- number.
-- @tparam {table,...} options.frames all with a matrix, or all with a figure
-- @tparam string options.path ends in .html; the folder must exist
-- @tparam[opt] string options.title above the slider
-- @tparam[opt] {string,...} options.xlabels of maps: one label for each column
-- @tparam[opt] {string,...} options.ylabels one label for each row
-- @tparam[opt] {integer,...} options.marked_rows rows with a triangle before them, from 1
-- @tparam[opt] string options.marks_name what the triangles say
-- @tparam[opt=all] {integer,...} options.xlim { first, last }: the columns in view
-- @tparam[opt=all] {integer,...} options.ylim { first, last }: the rows in view
-- @tparam[opt=that of the data] number options.min the value at the lower end of the palette
-- @tparam[opt=that of the data] number options.max the value at the upper end
-- @tparam[opt="blues"] "blues"|"greys"|"viridis"|"diverging" options.palette the colours
-- @tparam[opt] string options.zlabel beside the colour bar
-- @tparam[opt="equal"] "equal"|"auto" options.aspect whether cells are squares or fill the
--   figure
-- @tparam[opt] string options.xlabel below the columns
-- @tparam[opt] string options.ylabel beside the rows
-- @tparam[opt=600] number options.width in pixels
-- @tparam[opt=560] number options.height in pixels
-- @treturn string the path
-- @usage
-- local frames = {}
-- for step = 1, 3 do
--   frames[step] = { label = "step " .. step, matrix = mnemo.eye(4) * (step / 3) }
-- end
-- mnemo.plot.animate { frames = frames, path = "growth.html", title = "A memory grows" }
function plot.animate(options)
  local text, path = animate(options, is_figure)
  files.write(path, text, "plot.animate")
  return path
end

--- Draws columns of a run's history over the steps; also run:plot(names).
--
-- Beside the columns may stand options of `plot.lines`, such as title, ylabel, yscale, ylim, hlines
-- or legend; x is the step.
-- @tparam Run run the run
-- @tparam[opt=loss and all probes] {string,...} names the columns, and options by name
-- @treturn Figure
-- @usage
-- local task = mnemo.data.bigram { seq_len = 16, seed = 1 }
-- local run = mnemo.train {
--   model = mnemo.model.simplified { vocab = task.vocab_size, dim = 16, seed = 1 }, data = task,
--   steps = 4, eval_every = 2, optimizer = mnemo.optim.sgd { lr = 0.1 }, progress = false,
-- }
-- mnemo.plot.history(run, { "loss", ylabel = "nats", yscale = "log" }):save("loss.svg")
function plot.history(run, names)
  return plot.lines(history(run, names))
end

--- Returns a figure's numbers as CSV.
--
-- One line for each point or cell. Columns: `panel` (in a grid: the figure's title); `series`, `x`,
-- `y`, `low`, `high`, `runs` (how many y is the mean of), `size`, `colour`, `label` for curves and
-- points; `x` and `y` (of a matrix, column and row from 1), `value`, `x_label`, `y_label`, `marked`
-- for maps and contours, whose paths have `series`, `x` and `y`. Those that nothing uses are left
-- out. A line across has a name in `series` and only one of x and y, a shaded span two lines with
-- the x of its ends. Before a text that begins with `=`, `+`, `-`, `@`, a tab or a carriage return
-- and is no number stands an apostrophe, so that spreadsheets take it for no formula.
-- @treturn string with a line of column names first
-- @usage print(mnemo.plot.lines { y = { 3, 2, 1 } }:csv())
function figure:csv()
  return csv.text(self)
end

--- Draws the figure into a file, and its numbers into a CSV file beside it (`loss.svg` and
-- `loss.csv`). The folder must exist. Without gnuplot there is an error, but the numbers are
-- saved. PNG and PDF need a font with the characters of the labels on this machine, SVG where it
-- is looked at.
--
-- Each file is replaced as a whole or left as it was. gnuplot may take 60 seconds, or as many as
-- the environment's `MNEMO_GNUPLOT_SECONDS` says.
-- An .html is a page for a browser: the same picture, which shows the values where the pointer is.
-- Nothing else is needed to look at it.
-- @tparam string path ends in .svg, .png, .pdf or .html
-- @treturn Figure the same one, so that it can be saved in another format
-- @usage mnemo.plot.lines { y = { 3, 2, 1 } }:save("loss.svg"):save("loss.pdf")
function figure:save(path)
  if type(path) ~= "string" then
    expect.fail("save: a path is expected, got %s", type(path))
  end
  local numbers = path:gsub("%.%w+$", ".csv")
  local rest = "; the numbers are in " .. numbers
  if path:lower():match "%.html$" then
    files.write(numbers, self:csv())
    files.write(path, page.of_figure(self, rest))
    return self
  end
  local script, format = draw.script(self, path)
  files.write(numbers, self:csv())
  gnuplot.draw(script, format, path, rest)
  return self
end

--- Draws the figure in the terminal, with characters, at the window's size.
-- @treturn Figure itself
-- @usage mnemo.plot.lines { y = { 3, 2, 1 } }:show()
function figure:show()
  terminal.show(self)
  return self
end

--- Refuses to set a field, which would change nothing that is drawn.
function figure.__newindex(_, key)
  expect.fail("a figure is described once: its %s is given where it is made, such as"
    .. " mnemo.plot.lines { y = …, title = … }", tostring(key))
end

--- Tells what the figure is.
function figure:__tostring()
  if self.kind == "heatmap" then
    return ("figure: a map of %d × %d"):format(#self.matrix, #self.matrix[1])
  end
  local parts, one, many = table.unpack(({
    lines = { self.series, "curve", "curves" },
    scatter = { self.series, "set of points", "sets of points" },
    contour = { self.levels, "level", "levels" },
    grid = { self.figures, "panel", "panels" },
  })[self.kind])
  return ("figure: %d %s"):format(#parts, #parts == 1 and one or many)
end

plot.Figure = figure

return plot
