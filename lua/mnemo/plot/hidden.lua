--- Curves that lie wholly under others, and would not be seen.
local values = require "mnemo.plot.values"

local hidden = {}

--- Returns a function from a number to its place on an axis, in pixels from its lower end; nil for
-- what has none.
local function placing(ends, is_log, pixels)
  local function measure(value) return is_log and math.log(value) or value end
  local low, high = measure(ends[1]), measure(ends[2])
  return function(value)
    return values.has_place(value, is_log) and (measure(value) - low) / (high - low) * pixels or nil
  end
end

--- Tells whether a curve lies under another: at all its places the other is as high.
local function lies_under(one, other, place, tolerance)
  if one.style == "points" or other.style == "points" or #one.y ~= #other.y then return false end
  local any = false
  for i = 1, #one.y do
    local height = place(one.y[i])
    if height then
      local above = one.x[i] == other.x[i] and place(other.y[i])
      if not above or math.abs(height - above) > tolerance then return false end
      any = true
    end
  end
  return any
end

--- Finds curves that coincide, each under those that are drawn later.
-- @tparam figure self curves
-- @tparam {number,...} ends of the y axis
-- @tparam number pixels its length
-- @tparam number tolerance how far apart, in pixels, curves still look like one
-- @treturn table by a curve's number, for curves that coincide with others: `over`, the numbers of
--   those that cover it, and `under`, how many it covers itself
function hidden.find(self, ends, pixels, tolerance)
  local place = placing(ends, self.options.yscale == "log", pixels)
  local found = {}
  for i, one in ipairs(self.series) do
    local over, under = {}, 0
    for j, other in ipairs(self.series) do
      if j > i and lies_under(one, other, place, tolerance) then over[#over + 1] = j end
      if j < i and lies_under(other, one, place, tolerance) then under = under + 1 end
    end
    if #over + under > 0 then found[i] = { over = over, under = under } end
  end
  return found
end

return hidden
