--- Curves as gnuplot draws them: their numbers, lines, marks, and entries in the legend.
local Script = require "mnemo.plot.script"
local style = require "mnemo.plot.style"
local values = require "mnemo.plot.values"

local curves = {}

--- Writes a series' curve; what has no place on its axis becomes a gap.
function curves.data(series, script, options)
  local function placed(value, scale)
    return values.has_place(value, scale == "log") and value or 0 / 0
  end
  local rows = {}
  for j = 1, #series.y do
    rows[j] = { placed(series.x[j], options.xscale), placed(series.y[j], options.yscale) }
  end
  return script:data(rows)
end

--- How a series' line is drawn.
function curves.line(series, index)
  if series.style == "reference" then
    return ("lw 1.2 dt %s lc rgb '#000000'"):format(style.reference_dash(index))
  end
  local look = style.series(index)
  return ("lw 2 dt %s lc rgb '%s'"):format(look.dash, look.colour)
end

--- Adds what draws one series: its line, the marks on it, and its entry in the legend.
-- @tparam integer index its number among the curves, or among the references
-- @tparam string name the block with its numbers
-- @tparam table parts lists `lines`, `marks` and `legend`
-- @tparam[opt] table together what `hidden.find` found of it
function curves.add(series, index, count, name, parts, together)
  local look, line = style.series(index), curves.line(series, index)
  local point = ("pt %d ps 0.7 lc rgb '%s'"):format(look.mark, look.colour)
  local sample = "linespoints " .. line .. (" pt %d ps 0.7"):format(look.mark)
  if series.style == "reference" then
    sample = "lines " .. line
  else
    -- A few marks along a line tell it from others; each series has them elsewhere, so
    -- that they show where lines coincide.
    local every, first = 1, 0
    if series.style == "lines" then
      every = math.max(1, (#series.y + 7) // 8)
      first = (index - 1) * every // math.max(2, count)
      local those = together and together.under + #together.over + 1 or 1
      if every < those then every, first = those, together.under end
    end
    parts.marks[#parts.marks + 1] = ("%s every %d::%d using 1:2 with points %s notitle"):format(
      name, every, first, point)
  end
  if series.style == "points" then
    sample = "points " .. point
  else
    parts.lines[#parts.lines + 1] = ("%s using 1:2 with lines %s notitle"):format(name, line)
  end
  if series.name then
    parts.legend[#parts.legend + 1] = ("keyentry with %s title %s"):format(sample,
      Script.quoted(series.name))
  end
end

return curves
