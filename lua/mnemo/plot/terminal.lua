--- Draws figures in the terminal, with characters.
local Script = require "mnemo.plot.script"
local axes = require "mnemo.plot.axes"
local colour_bar = require "mnemo.plot.colour_bar"
local hidden = require "mnemo.plot.hidden"
local gnuplot = require "mnemo.plot.gnuplot"
local point_labels = require "mnemo.plot.point_labels"
local style = require "mnemo.plot.style"
local map = require "mnemo.plot.terminal_map"
local tics = require "mnemo.plot.tics"
local values = require "mnemo.plot.values"
local visible = require "mnemo.text.visible"

local terminal = {}

--- The size of the terminal in columns and rows.
local function terminal_size()
  local prompt = package.loaded["(prompt)"]
  if prompt then return prompt.engine.columns(), prompt.engine.rows(), prompt.engine.colour() end
  return tonumber(os.getenv "COLUMNS") or 80, tonumber(os.getenv "LINES") or 24, false
end

--- Moves the ends of an axis outwards by a letter: what lies on the frame would not be seen.
-- @tparam {number,...} ends its ends, which are moved
-- @tparam number letters how many columns or rows it takes
local function clear_frame(script, options, axis, ends, letters)
  local low, high = ends[1], ends[2]
  if options[axis .. "scale"] == "log" then
    local factor = (high / low) ^ (1 / letters)
    low, high = low / factor, high * factor
    if low == 0 then return end
  else
    local letter = (high - low) / letters
    low, high = low - letter, high + letter
  end
  -- Beyond are no numbers.
  if low < -tics.greatest or high > tics.greatest then return end
  ends[1], ends[2] = low, high
  script:add("set %srange [%.12g:%.12g]", axis, low, high)
end

--- Returns a function from a value to the colour of its point, and what the palette's ends stand
-- for; nil if no point has one.
local function colour_scale(self)
  local lists = {}
  for _, series in ipairs(self.series) do lists[#lists + 1] = series.colour end
  if #lists == 0 then return nil end
  local palette = self.options.palette or "viridis"
  local low, high = colour_bar.limits(self.options, palette, values.extent(lists))
  return function(value)
    return values.finite(value) and style.colour(palette, (value - low) / (high - low))
      or style.missing
  end, low, high
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
  -- gnuplot leaves out a title that is wider than the axes.
  if options.title then
    script:add("set title %s", (Script.wrapped(options.title, columns - 10, 1 / 0.6)))
  end
  -- This terminal of gnuplot's writes no text sideways, and leaves the y label out: see show.
  if options.xlabel then script:add("set xlabel %s", Script.quoted(options.xlabel)) end
  script:add(options.legend == "none" and "unset key"
    or "set key below center horizontal Left reverse samplen 3 width 2")
  local across, upward = { axes.places(self, "x") }, { axes.places(self, "y") }
  for _, series in ipairs(self.series) do
    across[#across + 1], upward[#upward + 1] = series.x, series.y
  end
  if self.kind == "lines" then axes.add_zero(options, upward) end
  -- A tic takes as many columns and rows as it would take tens of pixels.
  local ends = {
    x = { axes.scale(script, options, "x", across, 6 * columns, axes.measured(self)) },
    y = { axes.scale(script, options, "y", upward, 12 * rows) },
  }
  local ylabel = self.kind == "lines" and axes.label(options, table.unpack(ends.y))
    or options.ylabel
  -- What the axes leave, about.
  columns, rows = columns - 8, rows - 6
  clear_frame(script, options, "x", ends.x, columns)
  clear_frame(script, options, "y", ends.y, rows)
  local parts, rules = {}, axes.rule(self, script, ends)
  if self.kind == "scatter" then
    point_labels.draw(self, script, ends, point_labels.pixels(columns, rows))
  end
  local colour_of = colour and colour_scale(self)
  for i, series in ipairs(self.series) do
    local points, shade = {}, colour_of and series.colour
    for j = 1, #series.y do
      points[j] = { series.x[j], series.y[j],
        shade and tonumber(colour_of(shade[j]):sub(2), 16) or nil }
    end
    parts[#parts + 1] = ("%s using 1:2%s with %s %s %s"):format(script:data(points),
      shade and ":3" or "",
      (self.kind == "scatter" or series.style == "points") and "points" or "lines",
      shade and "lc rgb variable" or colour and "lc rgb '" .. style.series(i).colour .. "'" or "",
      series.name and "title " .. Script.quoted(series.name) or "notitle")
  end
  table.move(rules, 1, #rules, #parts + 1, parts)
  -- Last, so that it takes no series' character: without a point gnuplot would draw no axes.
  parts[#parts + 1] = "NaN notitle"
  script:plot(parts)
  return script:text(), ylabel, ends.y
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

--- Says what the colours of points stand for.
local function tell_colours(self, colour)
  local colour_of, low, high = colour_scale(self)
  if not (colour and colour_of) then return end
  local zlabel = self.options.zlabel
  io.write((" %s from %.4g %s to %.4g %s\n"):format(zlabel and visible.line(zlabel) or "colours",
    low, map.sample(colour_of(low)), high, map.sample(colour_of(high))))
end

--- Says what is drawn in files only.
local function tell_left_out(self, colour)
  local left_out = {}
  for i, span in ipairs(self.vspans or {}) do
    left_out[i] = ("the span %s"):format(visible.line(span.name or ("%d"):format(i)))
  end
  for i, series in ipairs(self.series) do
    local name = visible.line(series.name or (self.kind == "lines" and "curve " or "points ") .. i)
    local function add(what) left_out[#left_out + 1] = ("the %s of %s"):format(what, name) end
    if series.low then add "band" end
    if series.size then add "sizes" end
    if series.colour and not colour then add "colours" end
  end
  if #left_out > 0 then
    io.write(" not drawn here, only in files: ", table.concat(left_out, ", "), "\n")
  end
end

--- Prints a figure, or the figures of a grid below each other.
local function show(self, columns, rows, colour)
  if self.kind == "grid" then
    if self.options.title then io.write(" ", visible.line(self.options.title), "\n") end
    for _, one in ipairs(self.figures) do
      if one then show(one, columns, math.max(12, rows // 2), colour) end
    end
  elseif self.kind == "lines" or self.kind == "scatter" then
    local script, ylabel, ends = curves_script(self, columns, rows - 1, colour)
    local text = gnuplot.printed(script)
    if ylabel then io.write(" ", visible.line(ylabel), " ↑\n") end
    io.write(trimmed(text), colour and "\27[0m\n" or "\n")
    if self.kind == "lines" then tell_hidden(self, ends, rows) end
    tell_colours(self, colour)
    tell_left_out(self, colour)
  else
    io.write(map.text(self, columns, rows, colour), "\n")
    if self.series and #self.series > 0 then
      io.write(" not drawn here, only in files: paths\n")
    end
  end
end

--- Prints a figure at the window's size.
function terminal.show(figure)
  local columns, rows, colour = terminal_size()
  show(figure, math.max(20, columns - 1), math.max(10, math.min(rows - 2, columns // 3)), colour)
end

return terminal
