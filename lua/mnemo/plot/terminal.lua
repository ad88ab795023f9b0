--- Draws figures in the terminal, with characters.
local Script = require "mnemo.plot.script"
local axes = require "mnemo.plot.axes"
local hidden = require "mnemo.plot.hidden"
local gnuplot = require "mnemo.plot.gnuplot"
local style = require "mnemo.plot.style"
local map_text = require "mnemo.plot.terminal_map"
local visible = require "mnemo.text.visible"

local terminal = {}

--- The size of the terminal in columns and rows.
local function terminal_size()
  local prompt = package.loaded["(prompt)"]
  if prompt then return prompt.engine.columns(), prompt.engine.rows(), prompt.engine.colour() end
  return tonumber(os.getenv "COLUMNS") or 80, tonumber(os.getenv "LINES") or 24, false
end

--- Writes the script that draws curves or points.
-- @treturn string the script
-- @treturn string|nil the y label
-- @treturn {number,...} the ends of the y axis
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
  return script:text(), ylabel, { bottom, top }
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

--- Says which curves lie under others; a row of text is the least height that shows.
local function tell_hidden(self, ends, rows)
  local function name(i) return visible.line(self.series[i].name or "curve " .. i) end
  local covered = hidden.find(self, ends, rows - 6, 0.5)
  for i in ipairs(self.series) do
    local over = {}
    for k, j in ipairs(covered[i] and covered[i].over or {}) do over[k] = name(j) end
    if #over > 0 then
      io.write(" ", name(i), " is not seen here: it lies under ", table.concat(over, ", "), "\n")
    end
  end
end

--- Prints a figure, or the figures of a grid below each other.
local function show(self, columns, rows, colour)
  if self.kind == "grid" then
    if self.options.title then io.write(" ", visible.line(self.options.title), "\n") end
    for _, one in ipairs(self.figures) do
      if one then show(one, columns, math.max(12, rows // 2), colour) end
    end
  elseif self.series then
    local script, ylabel, ends = curves_script(self, columns, rows - 1, colour)
    local text = gnuplot.printed(script)
    if ylabel then io.write(" ", visible.line(ylabel), " ↑\n") end
    io.write(trimmed(text), colour and "\27[0m\n" or "\n")
    if self.kind == "lines" then tell_hidden(self, ends, rows) end
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
