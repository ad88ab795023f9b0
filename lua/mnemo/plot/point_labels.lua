--- Labels beside points.
local Script = require "mnemo.plot.script"
local values = require "mnemo.plot.values"

local point_labels = {}

-- A letter's size in pixels, about; and what gnuplot's offsets count in.
local letter_width, letter_height = 6.5, 13
local offset_width, offset_height = 8, 18
-- In a terminal a point is a letter.
local letter_radius = 5

--- The size in pixels of so many columns and rows of letters.
function point_labels.pixels(columns, rows)
  return { x = letter_width * columns, y = letter_height * rows }
end

--- Tells whether two rectangles, each { left, bottom, right, top }, overlap.
local function overlap(a, b)
  return a[1] < b[3] and b[1] < a[3] and a[2] < b[4] and b[2] < a[4]
end

--- Returns the places that a label may have beside its point, the best first.
-- @tparam number radius the point's, in pixels
-- @tparam boolean is_letter whether the point is a letter
-- @treturn {table,...} rectangles, each with gnuplot's words for it
local function candidates(x, y, text, radius, is_letter)
  local width, half = letter_width * (utf8.len(text) or #text), letter_height / 2
  local gap = radius + 2
  local beside = is_letter and 1 or gap / offset_width
  local above = is_letter and 1 or (gap + half) / offset_height
  local function words(adjusted, across, up)
    return ("%s offset character %.3g,%.3g"):format(adjusted, across, up)
  end
  return {
    { x + gap, y - half, x + gap + width, y + half, words = words("left", beside, 0) },
    { x - gap - width, y - half, x - gap, y + half, words = words("right", -beside, 0) },
    { x - width / 2, y + gap, x + width / 2, y + gap + letter_height,
      words = words("center", 0, above) },
    { x - width / 2, y - gap - letter_height, x + width / 2, y - gap,
      words = words("center", 0, -above) },
  }
end

--- Draws the points' labels where they stand clear of points, of each other and of the edge;
-- where there is no such place, none.
-- @tparam table ends `x` and `y`, pairs of numbers
-- @tparam table area `x` and `y`, the data's area in pixels
-- @tparam[opt] function radius_of from a series and a point's number to its radius in pixels;
--   without it, points are letters
function point_labels.draw(self, script, ends, area, radius_of)
  local function place(axis, value)
    local low, high = ends[axis][1], ends[axis][2]
    if self.options[axis .. "scale"] == "log" then
      if not values.has_place(value, true) then return nil end
      value, low, high = math.log(value), math.log(low), math.log(high)
    end
    local pixels = (value - low) / (high - low) * area[axis]
    return pixels >= 0 and pixels <= area[axis] and pixels or nil
  end
  local taken, labels = {}, {}
  for _, series in ipairs(self.series) do
    for i = 1, #series.x do
      local x, y = place("x", series.x[i]), place("y", series.y[i])
      if x and y then
        local radius = radius_of and radius_of(series, i) or letter_radius
        taken[#taken + 1] = { x - radius, y - radius, x + radius, y + radius }
        local text = series.labels and series.labels[i]
        labels[#labels + 1] = text and { text, x, y, series.x[i], series.y[i], radius }
      end
    end
  end
  -- A little beyond the ends of the axes there is nothing yet.
  local whole = { -4, -8, area.x + 6, area.y + 10 }
  for _, label in ipairs(labels) do
    for _, box in ipairs(candidates(label[2], label[3], label[1], label[6], not radius_of)) do
      local free = box[1] >= whole[1] and box[2] >= whole[2] and box[3] <= whole[3]
        and box[4] <= whole[4]
      for _, other in ipairs(taken) do free = free and not overlap(box, other) end
      if free then
        taken[#taken + 1] = box
        script:add("set label %s at first %.12g, first %.12g %s front %s tc rgb '#202020'",
          Script.quoted(label[1]), label[4], label[5], box.words, script:font(10))
        break
      end
    end
  end
end

return point_labels
