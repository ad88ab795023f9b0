--- Axes: their ends and tics, and what stands around the data.
local Script = require "mnemo.plot.script"
local check = require "mnemo.plot.check"
local layout = require "mnemo.plot.layout"
local style = require "mnemo.plot.style"
local tics = require "mnemo.plot.tics"
local values = require "mnemo.plot.values"

local axes = {}

--- Writes title and labels.
-- @tparam number pixels the panel's width
-- @tparam number tall the panel's height
-- @tparam[opt] string ylabel in place of the options'
function axes.frame(script, options, pixels, tall, ylabel)
  local texts = layout.texts({
    title = options.title, xlabel = options.xlabel, ylabel = ylabel or options.ylabel,
  }, pixels, tall)
  script:add("set title %s %s offset 0,-0.4", texts.title, script:font(13))
  script:add("set xlabel %s", texts.xlabel)
  script:add("set ylabel %s", texts.ylabel)
end

--- Writes the settings of panels with numbers on both axes.
function axes.open(script)
  script:add("set border 3 back lc rgb '#404040'; set tics nomirror out scale 0.5 tc rgb '#202020'")
  script:add("set grid x y lt 1 lw 0.5 lc rgb '#E0E0E0'; set clip two")
end

---- Ends and tics ----

--- Scales an axis: its ends, and tics with the room they need. A logarithmic axis with few places
-- of measured points has its tics there; one of whole numbers has none between them.
-- @tparam string axis `"x"` or `"y"`
-- @tparam {table,...} lists the numbers that must have a place on it
-- @tparam number pixels its length
-- @tparam[opt] {table,...} measured those of the lists at whose numbers tics may stand
-- @treturn number its lower end
-- @treturn number its upper end
function axes.scale(script, options, axis, lists, pixels, measured)
  local is_log = options[axis .. "scale"] == "log"
  local limits = options[axis .. "lim"]
  local low, high = values.extent(lists, is_log)
  -- Without a point there are empty axes.
  if not low then low, high = is_log and 0.1 or 0, 1 end
  if not is_log then check.extent(low, high, axis) end
  local room = math.max(2, pixels / (axis == "x" and 55 or 38))
  if limits then
    low, high = limits[1], limits[2]
  elseif is_log then
    -- The ratio, and what it is multiplied with, stay numbers whatever the data are.
    local margin = math.min(math.max(high / low, 1.2), 1e300) ^ 0.03
    low = math.max(low / margin, math.min(low, 1e-300))
    high = math.min(high * margin, math.max(high, 1e300))
    -- The least number there is has none below it.
    if low == high then high = 2 * low end
  else
    low, high = tics.widened(low, high, room)
  end
  script:add("set %srange [%.12g:%.12g]", axis, low, high)
  if not is_log then
    local distance = tics.distance(high - low, room)
    -- Between whole numbers, such as steps and layers, there is nothing to read.
    if measured and tics.are_whole(measured) then distance = math.max(1, distance) end
    script:add("set %stics %.9g", axis, distance)
    return low, high
  end
  local places = {}
  local chosen = measured and tics.at_data(measured, low, high, pixels)
    or tics.log(low, high, room)
  for i, tic in ipairs(chosen) do
    places[i] = ("%s %.9g %d"):format(Script.quoted(tic[2] or ""), tic[1], tic[2] and 0 or 1)
  end
  script:add("set logscale %s; set %stics (%s)", axis, axis, table.concat(places, ", "))
  return low, high
end

---- Zero on the y axis of curves ----

--- Adds 0 to what must have a place on the y axis of curves where that is asked for or, unless it
-- is declined, leaves the data at least half of the axis.
-- @tparam {table,...} lists the numbers that must have a place on it
function axes.add_zero(options, lists)
  local low, high = values.extent(lists)
  if not low or options.yscale == "log" or options.from_zero == false then return end
  local far, near = math.max(math.abs(low), math.abs(high)), math.min(math.abs(low), math.abs(high))
  if options.from_zero or low * high > 0 and near <= far / 2 then lists[#lists + 1] = { 0 } end
end

--- Returns the y label of curves: it says where the axis begins unless 0 is on it.
-- @tparam number low the axis's lower end
-- @tparam number high its upper end
-- @treturn string|nil
function axes.label(options, low, high)
  if options.yscale == "log" or low <= 0 and high >= 0 then return options.ylabel end
  local note = low > 0 and ("(axis from %.3g)"):format(low) or ("(axis to %.3g)"):format(high)
  return options.ylabel and options.ylabel .. " " .. note or note
end

---- Straight lines across, shaded spans, and the legend ----

--- Returns the straight lines that cross an axis.
local function lines_across(self, axis)
  return self[axis == "x" and "vlines" or "hlines"]
end

--- Lists where straight lines cross an axis, and where shaded spans of it end.
-- @tparam string axis `"x"` for vertical lines, `"y"` for horizontal ones
function axes.places(self, axis)
  local places = {}
  for i, line in ipairs(lines_across(self, axis)) do places[i] = line.at end
  for _, span in ipairs(axis == "x" and self.vspans or {}) do
    table.move({ span.from, span.to }, 1, 2, #places + 1, places)
  end
  return places
end

--- Lists the x of the series that were measured: theory is drawn between the measurements too.
function axes.measured(self)
  local lists = {}
  for _, series in ipairs(self.series) do
    if series.style ~= "reference" then lists[#lists + 1] = series.x end
  end
  return lists
end

--- Draws the straight lines across.
-- @tparam table ends `x` and `y`, pairs of numbers
-- @tparam[opt="back"] string layer `"front"` or `"back"` of the data
-- @treturn {string,...} their entries in the legend, for `plot`
function axes.rule(self, script, ends, layer)
  local entries, count = {}, 0
  for _, axis in ipairs { "y", "x" } do
    for _, line in ipairs(lines_across(self, axis)) do
      count = count + 1
      local look = ("lw 1.2 dt %s lc rgb '#606060'"):format(style.reference_dash(count))
      if line.at >= ends[axis][1] and line.at <= ends[axis][2] then
        local from = axis == "x" and "first %.12g, graph 0 to first %.12g, graph 1"
          or "graph 0, first %.12g to graph 1, first %.12g"
        if layer == "front" then
          -- A white edge tells it from the colours below.
          script:add("set arrow from " .. from .. " nohead front lw 4 lc rgb '#FFFFFF'", line.at,
            line.at)
        end
        script:add("set arrow from " .. from .. " nohead %s " .. look, line.at, line.at,
          layer or "back")
      end
      if line.name then
        entries[#entries + 1] = ("keyentry with lines %s title %s"):format(look,
          Script.quoted(line.name))
      end
    end
  end
  return entries
end

--- Shades spans of the x axis, behind everything.
-- @tparam table ends `x` and `y`, pairs of numbers
-- @treturn {string,...} their entries in the legend, for `plot`
function axes.shade(self, script, ends)
  local entries = {}
  for i, span in ipairs(self.vspans) do
    local fill = ("fs solid noborder fc rgb '%s'"):format(style.shade(i))
    local from, to = math.max(span.from, ends.x[1]), math.min(span.to, ends.x[2])
    if from < to then
      script:add("set object rectangle from first %.12g, graph 0 to first %.12g, graph 1 behind "
        .. fill, from, to)
    end
    if span.name then
      entries[#entries + 1] = ("keyentry with boxes %s title %s"):format(fill,
        Script.quoted(span.name))
    end
  end
  return entries
end

--- Writes where the legend stands.
-- @tparam table legend what `layout.legend` chose
function axes.legend(script, legend)
  if legend.place == "none" then
    script:add("unset key")
  elseif legend.place == "below" then
    script:add("set key outside below center horizontal Left reverse samplen 3 spacing 1.1"
      .. " height 1 maxcols %d", legend.columns)
  else
    script:add("set key outside right top vertical Left reverse samplen 3 spacing 1.2")
  end
end

return axes
