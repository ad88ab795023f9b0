--- Draws figures in the terminal, with characters.
local Script = require "mnemo.plot.script"
local gnuplot = require "mnemo.plot.gnuplot"
local style = require "mnemo.plot.style"
local values = require "mnemo.plot.values"

local terminal = {}

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
      if values.finite(x) then
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
        if values.finite(matrix[r][c]) then most = math.max(most, matrix[r][c]) end
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
  if options.title then add("set title %s", Script.quoted(options.title)) end
  if options.xlabel then add("set xlabel %s", Script.quoted(options.xlabel)) end
  if options.xscale == "log" then add("set logscale x") end
  if options.yscale == "log" then add("set logscale y") end
  if options.xlim then add("set xrange [%.9g:%.9g]", options.xlim[1], options.xlim[2]) end
  if options.ylim then add("set yrange [%.9g:%.9g]", options.ylim[1], options.ylim[2]) end
  add("set key below")
  local drawn = {}
  for i, series in ipairs(self.series) do
    add("$data%d << END_OF_DATA", i)
    for j = 1, #series.y do add("%s %s", values.text(series.x[j]), values.text(series.y[j])) end
    add("END_OF_DATA")
    drawn[i] = ("$data%d using 1:2 with %s %s %s"):format(i,
      series.style == "points" and "points" or "lines",
      colour and "lc rgb '" .. style.colours[(i - 1) % #style.colours + 1] .. "'" or "",
      series.name and "title " .. Script.quoted(series.name) or "notitle")
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
    local text = gnuplot.run(curves_text(self, columns, rows, colour), "show")
    io.write((text:gsub("\f", ""):gsub(" +\n", "\n"):gsub("%s*$", ""):gsub("^%s*\n", "")), "\n")
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
