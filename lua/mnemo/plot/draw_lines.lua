--- Draws curves.
local axes = require "mnemo.plot.axes"
local curves = require "mnemo.plot.curves"
local hidden = require "mnemo.plot.hidden"
local layout = require "mnemo.plot.layout"
local style = require "mnemo.plot.style"
local values = require "mnemo.plot.values"

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

-- The dashes in which curves that coincide take turns, as gnuplot counts them.
local turn_length = 10

--- Draws curves that lie under others once more, in dashes that leave the others their turns.
-- @tparam {table,...} covered what `hidden.find` found
-- @tparam {integer,...} indices of the series among curves or references
-- @tparam {string,...} names the blocks with their numbers
-- @tparam {string,...} lines the list of lines
local function draw_turns(self, covered, indices, names, lines)
  for i = #self.series, 1, -1 do
    if covered[i] and #covered[i].over > 0 then
      local dash = ("dt (%d,%d)"):format(turn_length * (covered[i].under + 1),
        turn_length * #covered[i].over)
      lines[#lines + 1] = ("%s using 1:2 with lines %s notitle"):format(names[i],
        (curves.line(self.series[i], indices[i]):gsub("dt %S+", dash)))
    end
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
  local spans, rules = axes.shade(self, script, ends), axes.rule(self, script, ends)
  local covered = hidden.find(self, ends.y, tall - legend.tall - 90, 1.5)
  local parts, counts = { bands = {}, lines = {}, marks = {}, legend = {} }, {}
  local indices, names = {}, {}
  for i, series in ipairs(self.series) do
    local kind = series.style == "reference" and "theory" or "measured"
    counts[kind] = (counts[kind] or 0) + 1
    indices[i], names[i] = counts[kind], curves.data(series, script, options)
    if series.low then
      parts.bands[#parts.bands + 1] = ("%s using 1:2:3 with filledcurves fs transparent solid 0.2"
        .. " noborder lc rgb '%s' notitle"):format(band_data(series, script, options, ends),
        style.series(indices[i]).colour)
    end
    curves.add(series, indices[i], #self.series, names[i], parts, covered[i])
  end
  draw_turns(self, covered, indices, names, parts.lines)
  local all = { "NaN notitle" }
  for _, list in ipairs { parts.bands, parts.lines, parts.marks, parts.legend, rules, spans } do
    table.move(list, 1, #list, #all + 1, all)
  end
  script:plot(all)
end
