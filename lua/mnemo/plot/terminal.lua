--- Draws figures in the terminal, with characters.
local Script = require "mnemo.plot.script"
local axes = require "mnemo.plot.axes"
local gnuplot = require "mnemo.plot.gnuplot"
local style = require "mnemo.plot.style"
local values = require "mnemo.plot.values"
local visible = require "mnemo.text.visible"

local terminal = {}

--- The size of the terminal in columns and rows.
local function terminal_size()
  local prompt = package.loaded["(prompt)"]
  if prompt then return prompt.engine.columns(), prompt.engine.rows(), prompt.engine.colour() end
  return tonumber(os.getenv "COLUMNS") or 80, tonumber(os.getenv "LINES") or 24, false
end

-- From little to much, for maps without colour.
local shades = { " ", "░", "▒", "▓", "█" }

--- How many columns of the terminal a text takes.
local function columns_of(text)
  local prompt = package.loaded["(prompt)"]
  return prompt and prompt.engine.width(text) or utf8.len(text) or #text
end

--- The widest of some labels.
local function widest_of(labels)
  local widest = 0
  for _, label in ipairs(labels) do widest = math.max(widest, columns_of(label)) end
  return widest
end

--- A text with spaces before it, so that it takes so many columns.
local function right_aligned(text, columns)
  return (" "):rep(columns - columns_of(text)) .. text
end

--- Returns the labels of the rows or columns of a map that are in view, or nil.
local function labels_in_view(labels, range)
  return labels and table.move(labels, range.first, range.last, 1, {})
end

--- Returns the rows of a map that are in view, from top to bottom.
local function rows_in_view(self)
  local view = {}
  if self.kind == "contour" then
    for i = #self.z, 1, -1 do view[#view + 1] = self.z[i] end
    return view
  end
  for i = self.rows.first, self.rows.last do
    view[#view + 1] = table.move(self.matrix[i], self.columns.first, self.columns.last, 1, {})
  end
  return view
end

--- Returns a map as lines of text: two cells a row of text in colour, shades without.
--
-- Labels of rows need a line for each row, those of columns the two characters of a cell.
local function map_text(self, columns, rows, colour)
  local matrix = rows_in_view(self)
  local height, width = #matrix, #matrix[1]
  local low, high = values.extent(self.matrix or self.z)
  low, high = self.options.min or low or 0, self.options.max or high or 0
  -- Cells are square: one column and half a row each, or two columns and a row.
  local ylabels = labels_in_view(self.ylabels, self.rows)
  local xlabels = labels_in_view(self.xlabels, self.columns)
  local margin = ylabels and widest_of(ylabels) + 1 or 0
  local fits = height <= rows - 5 and 2 * width <= columns - 2 - margin
  local names_rows = fits and ylabels
  local names_columns = fits and xlabels and widest_of(xlabels) <= 2
  local halves = colour and not (names_rows or names_columns)
  if not names_rows then margin = 0 end
  local most_rows = math.max(2, rows - 4) * (halves and 2 or 1)
  local step = math.max(1, math.ceil(height / most_rows),
    math.ceil(width / (halves and columns - 2 or (columns - 2) // 2)))
  local function level(i, j)
    local most = -math.huge
    for r = i, math.min(height, i + step - 1) do
      for c = j, math.min(width, j + step - 1) do
        if values.finite(matrix[r][c]) then most = math.max(most, matrix[r][c]) end
      end
    end
    if most == -math.huge then return nil end
    return high > low and math.max(0, math.min(1, (most - low) / (high - low))) or 0
  end
  -- The greys of the 256 colours, dark for little.
  local function grey(x) return x and 232 + math.floor(x * 23 + 0.5) or 52 end
  local lines = {}
  local function add(text) lines[#lines + 1] = " " .. text end
  if self.options.title then add(visible.line(self.options.title)) end
  if self.options.ylabel then add(visible.line(self.options.ylabel) .. " ↓") end
  if names_columns then
    local names = {}
    for j, label in ipairs(xlabels) do names[j] = right_aligned(label, 2) end
    add(((" "):rep(margin) .. table.concat(names)):gsub("%s+$", ""))
  end
  for i = 1, height, halves and 2 * step or step do
    local cells = {}
    for j = 1, width, step do
      if colour and not halves then
        cells[#cells + 1] = ("\27[48;5;%dm  "):format(grey(level(i, j)))
      elseif colour then
        local lower = i + step <= height
        cells[#cells + 1] = lower
          and ("\27[38;5;%d;48;5;%dm▀"):format(grey(level(i, j)), grey(level(i + step, j)))
          or ("\27[0;38;5;%dm▀"):format(grey(level(i, j)))
      else
        local x = level(i, j)
        cells[#cells + 1] = x and shades[1 + math.floor(x * 4.999)]:rep(2) or "??"
      end
    end
    local name = names_rows and right_aligned(names_rows[i], margin - 1) .. " " or ""
    add(name .. table.concat(cells) .. (colour and "\27[0m" or ""))
  end
  if self.options.xlabel then add(visible.line(self.options.xlabel) .. " →") end
  local each = step > 1 and (", each cell the largest of %d × %d"):format(step, step) or ""
  lines[#lines + 1] = (" %d × %d, from %.4g (%s) to %.4g (%s)%s"):format(height, width, low,
    colour and "dark" or "blank", high, colour and "light" or "full", each)
  return table.concat(lines, "\n")
end

--- Writes the script that draws curves or points.
-- @treturn string the script
-- @treturn string|nil the y label
local function curves_script(self, columns, rows, colour)
  local options, script = self.options, Script.new()
  script:add("set encoding utf8")
  script:add("set terminal dumb noenhanced size %d,%d %s", columns, rows,
    colour and "ansi256" or "mono")
  if options.title then script:add("set title %s", Script.quoted(options.title)) end
  -- This terminal of gnuplot's writes no text sideways, and leaves the y label out: see show.
  if options.xlabel then script:add("set xlabel %s", Script.quoted(options.xlabel)) end
  script:add(options.legend == "none" and "unset key"
    or "set key below center horizontal Left reverse samplen 3 width 2")
  local across, upward = { axes.places(self, "x") }, { axes.places(self, "y") }
  for _, series in ipairs(self.series) do
    across[#across + 1], upward[#upward + 1] = series.x, series.y
  end
  -- A tic takes as many columns and rows as it would take tens of pixels.
  if self.kind == "lines" then axes.add_zero(options, upward) end
  local left, right = axes.scale(script, options, "x", across, 6 * columns, axes.measured(self))
  local bottom, top = axes.scale(script, options, "y", upward, 12 * rows)
  local parts = {}
  local rules = axes.rule(self, script, { x = { left, right }, y = { bottom, top } })
  for i, series in ipairs(self.series) do
    local points = {}
    for j = 1, #series.y do points[j] = { series.x[j], series.y[j] } end
    parts[#parts + 1] = ("%s using 1:2 with %s %s %s"):format(script:data(points),
      (self.kind == "scatter" or series.style == "points") and "points" or "lines",
      colour and "lc rgb '" .. style.series(i).colour .. "'" or "",
      series.name and "title " .. Script.quoted(series.name) or "notitle")
  end
  table.move(rules, 1, #rules, #parts + 1, parts)
  -- Last, so that it takes no series' character: without a point gnuplot would draw no axes.
  parts[#parts + 1] = "NaN notitle"
  script:plot(parts)
  local ylabel = self.kind == "lines" and axes.label(options, bottom, top) or options.ylabel
  return script:text(), ylabel
end

--- Lines of gnuplot's without the empty ones at either end, and without spaces at theirs.
local function trimmed(text)
  local lines, last = {}, 0
  for line in text:gsub("\f", ""):gmatch "[^\n]*" do
    local is_empty = not line:gsub("\27%[[%d;]*m", ""):find "%S"
    if not is_empty or last > 0 then
      lines[#lines + 1] = is_empty and "" or (line:gsub("%s+$", ""))
      if not is_empty then last = #lines end
    end
  end
  return table.concat(lines, "\n", 1, last)
end

--- Prints a figure, or the figures of a grid below each other.
local function show(self, columns, rows, colour)
  if self.kind == "grid" then
    if self.options.title then io.write(" ", visible.line(self.options.title), "\n") end
    for _, one in ipairs(self.figures) do
      if one then show(one, columns, math.max(12, rows // 2), colour) end
    end
  elseif self.series then
    local script, ylabel = curves_script(self, columns, rows - 1, colour)
    local text = gnuplot.printed(script)
    if ylabel then io.write(" ", visible.line(ylabel), " ↑\n") end
    io.write(trimmed(text), colour and "\27[0m\n" or "\n")
    local bands = {}
    for i, series in ipairs(self.series) do
      if series.low then bands[#bands + 1] = visible.line(series.name or "curve " .. i) end
    end
    if #bands > 0 then
      io.write(" not drawn here, only in files: the band of ", table.concat(bands, ", "), "\n")
    end
  else
    io.write(map_text(self, columns, rows, colour), "\n")
  end
end

--- Prints a figure at the window's size.
function terminal.show(figure)
  local columns, rows, colour = terminal_size()
  show(figure, math.max(20, columns - 1), math.max(10, math.min(rows - 2, columns // 3)), colour)
end

return terminal
