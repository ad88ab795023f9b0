--- Colour bars: which colour stands for which value.
local Script = require "mnemo.plot.script"
local check = require "mnemo.plot.check"
local style = require "mnemo.plot.style"
local values = require "mnemo.plot.values"

local colour_bar = {}

-- gnuplot draws the bar beside what has a colour of the palette: a point that is nowhere.
colour_bar.bearer = "NaN with points lc palette cb 0 notitle"

--- Writes what all colour bars share.
local function frame(script, options)
  script:add("set colorbox; set cblabel %s offset 0.5,0", Script.quoted(options.zlabel or ""))
  script:add("set cbtics scale 0.3 %s", script:font(10))
end

--- Chooses what the ends of a palette stand for: what is asked for, else the least and the greatest
-- value; white stands for 0 in `diverging`.
-- @tparam number|nil low the least value there is
-- @tparam number|nil high the greatest
-- @treturn number
-- @treturn number a greater one
function colour_bar.limits(options, palette, low, high)
  low, high = low or 0, high or 1
  if palette == "diverging" then
    high = math.max(math.abs(low), math.abs(high))
    low = -high
  end
  low, high = options.min or low, options.max or high
  check.extent(math.min(low, high), math.max(low, high), "the colour bar")
  if low > high then low, high = high, low end
  -- For gnuplot they are the same.
  if values.text(low) == values.text(high) then high = low + math.max(1, math.abs(low) / 10) end
  return low, high
end

--- Writes the bar of colours that go over into each other.
-- @tparam string usual the palette unless the options name one
-- @tparam number|nil low the least value there is
-- @tparam number|nil high the greatest
-- @treturn function from a value to its colour
function colour_bar.values(script, options, usual, low, high)
  local palette = options.palette or usual
  low, high = colour_bar.limits(options, palette, low, high)
  local steps = {}
  for i, colour in ipairs(style.palette(palette)) do
    steps[i] = ("%d '%s'"):format(i - 1, colour)
  end
  script:add("set palette defined (%s)", table.concat(steps, ", "))
  frame(script, options)
  script:add("set cbrange [%s:%s]", values.text(low), values.text(high))
  return function(value)
    return values.finite(value) and style.colour(palette, (value - low) / (high - low))
      or style.missing
  end
end

--- Writes the bar of bands between levels, all of one height.
-- @tparam {string,...} colours of the bands, one more than levels
-- @tparam {number,...} levels rising
function colour_bar.bands(script, options, colours, levels)
  local steps, tics = {}, {}
  for i, colour in ipairs(colours) do
    steps[#steps + 1] = ("%d '%s', %d '%s'"):format(i - 1, colour, i, colour)
  end
  -- Not more labels than there is room for.
  local every = math.ceil(#levels / 20)
  for i, level in ipairs(levels) do
    if (i - 1) % every == 0 then
      tics[#tics + 1] = ("%s %d"):format(Script.quoted(("%.4g"):format(level)), i)
    end
  end
  script:add("set palette defined (%s)", table.concat(steps, ", "))
  frame(script, options)
  script:add("set cbrange [0:%d]; set cbtics (%s)", #colours, table.concat(tics, ", "))
end

return colour_bar
