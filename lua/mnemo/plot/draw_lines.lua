--- Draws curves.
local Script = require "mnemo.plot.script"
local axes = require "mnemo.plot.axes"
local layout = require "mnemo.plot.layout"
local style = require "mnemo.plot.style"
local values = require "mnemo.plot.values"

--- Writes a series' curve; what has no place on its axis becomes a gap.
local function curve_data(series, script, options)
  local function placed(value, scale)
    return values.has_place(value, scale == "log") and value or 0 / 0
  end
  local rows = {}
  for j = 1, #series.y do
    rows[j] = { placed(series.x[j], options.xscale), placed(series.y[j], options.yscale) }
  end
  return script:data(rows)
end

--- Returns the shares of the way from a to b, between 0 and 1, at which a limit is crossed.
local function crossings(shares, a, b, limits)
  for _, limit in ipairs(limits) do
    local share = (limit - a) / (b - a)
    if share > 0 and share < 1 then shares[#shares + 1] = share end
  end
end

--- Moves numbers below 0 to 0 and those above 1 to 1.
local function within_shares(list)
  local moved = {}
  for i, value in ipairs(list) do
    moved[i] = value == value and math.max(0, math.min(1, value)) or value
  end
  return moved
end

--- Returns an edge of a series' band, as far as it is drawn; nil without one.
local function edge(series, key)
  return series.shares and within_shares(series[key]) or series[key]
end

--- Writes a series' band, cut at the ends of the axes: not all of gnuplot's formats cut it right.
-- That of shares is cut at 0 and 1 too, beyond which there are none.
-- @tparam table ends `x` and `y`, pairs of numbers
local function band_data(series, script, options, ends)
  if series.shares then ends = { x = ends.x, y = within_shares(ends.y) } end
  -- In the axes' own measure, in which edges are straight.
  local function measure(value, scale)
    if scale ~= "log" then return value end
    return value > 0 and math.log(value) or 0 / 0
  end
  local across, upward = {}, {}
  for i = 1, 2 do
    across[i] = measure(ends.x[i], options.xscale)
    upward[i] = measure(ends.y[i], options.yscale)
  end
  local function height(value)
    -- An edge that a log axis has no place for is at its lower end.
    return options.yscale == "log" and value <= 0 and upward[1] or measure(value, options.yscale)
  end
  local function restored(value, scale) return scale == "log" and math.exp(value) or value end
  local rows = {}
  local function add(x, low, high)
    if x >= across[1] and x <= across[2] then
      low, high = math.max(low, upward[1]), math.min(high, upward[2])
      rows[#rows + 1] = { restored(x, options.xscale),
        restored(math.min(low, upward[2]), options.yscale),
        restored(math.max(high, upward[1]), options.yscale) }
    end
  end
  local before
  for j = 1, #series.y do
    local at = { measure(series.x[j], options.xscale), height(series.low[j]),
      height(series.high[j]) }
    if not (values.finite(at[1]) and values.finite(at[2]) and values.finite(at[3])) then
      -- A gap ends the band; another begins after it.
      rows[#rows + 1] = {}
      before = nil
    else
      if before then
        local shares = {}
        crossings(shares, before[1], at[1], across)
        crossings(shares, before[2], at[2], upward)
        crossings(shares, before[3], at[3], upward)
        table.sort(shares)
        for _, share in ipairs(shares) do
          local between = {}
          for k = 1, 3 do between[k] = before[k] + share * (at[k] - before[k]) end
          add(table.unpack(between))
        end
      end
      add(table.unpack(at))
      before = at
    end
  end
  return script:data(rows)
end

--- Adds what draws one series to a list of curves.
-- @tparam integer index its number among the curves, or among the references
-- @tparam string name the block with its numbers
local function draw_curve(series, index, count, name, curves)
  local look = style.series(index)
  local line = ("lw 2 dt %s lc rgb '%s'"):format(look.dash, look.colour)
  local point = ("pt %d ps 0.7 lc rgb '%s'"):format(look.mark, look.colour)
  local sample = "linespoints " .. line .. (" pt %d ps 0.7"):format(look.mark)
  if series.style == "reference" then
    sample = ("lines lw 1.2 dt %s lc rgb '#000000'"):format(style.reference_dash(index))
    curves[#curves + 1] = ("%s using 1:2 with %s notitle"):format(name, sample)
  else
    -- A few marks along a line tell it from others; each series has them elsewhere, so
    -- that they show where lines coincide.
    local every, first = 1, 0
    if series.style == "lines" then
      every = math.max(1, (#series.y + 7) // 8)
      first = (index - 1) * every // math.max(2, count)
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

--- Draws curves into the current panel.
-- @tparam number pixels the panel's width
-- @tparam number tall the panel's height
return function(self, script, pixels, tall)
  local options = self.options
  axes.open(script)
  local across, upward = { axes.places(self, "x") }, { axes.places(self, "y") }
  for _, series in ipairs(self.series) do
    across[#across + 1], upward[#upward + 1] = series.x, series.y
    for _, key in ipairs { "low", "high" } do upward[#upward + 1] = edge(series, key) end
  end
  axes.add_zero(options, upward)
  local legend = layout.legend(self, pixels, tall)
  axes.legend(script, legend)
  local ends = {
    x = { axes.scale(script, options, "x", across, pixels - legend.wide - 90,
      axes.measured(self)) },
    y = { axes.scale(script, options, "y", upward, tall - legend.tall - 90) },
  }
  axes.frame(script, options, pixels, tall, axes.label(options, table.unpack(ends.y)))
  local rules = axes.rule(self, script, ends)
  local bands, curves, measured, theory = {}, {}, 0, 0
  for _, series in ipairs(self.series) do
    local index
    if series.style == "reference" then
      theory = theory + 1
      index = theory
    else
      measured = measured + 1
      index = measured
    end
    if series.low then
      bands[#bands + 1] = ("%s using 1:2:3 with filledcurves fs transparent solid 0.2 noborder"
        .. " lc rgb '%s' notitle"):format(band_data(series, script, options, ends),
        style.series(index).colour)
    end
    draw_curve(series, index, #self.series, curve_data(series, script, options), curves)
  end
  local parts = { "NaN notitle" }
  for _, list in ipairs { bands, curves, rules } do
    table.move(list, 1, #list, #parts + 1, parts)
  end
  script:plot(parts)
end
