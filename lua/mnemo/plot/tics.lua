--- The ends and tics of axes, as numbers.
local tics = {}

-- Beyond it gnuplot takes numbers for undefined, and spans of axes become infinite.
tics.greatest = 8e307

--- Returns 1, 2 or 5 times a power of ten: the distance of tics that leaves each of them
-- the room it needs.
-- @tparam number span how much the axis covers
-- @tparam number room how many tics there is room for
function tics.distance(span, room)
  local least = span / math.max(2, room)
  local power = 10 ^ math.floor(math.log(least, 10))
  for _, factor in ipairs { 1, 2, 5 } do
    if factor * power >= least * (1 - 1e-9) then return factor * power end
  end
  return 10 * power
end

-- gnuplot is told ends with so many digits that those of numbers nearer to each other are the
-- same; and among the least numbers there are none between for tics.
local nearest, least_span = 1e-11, 1e-300

--- Tells whether two numbers can be the ends of an axis.
function tics.are_apart(low, high)
  local span = high - low
  return span >= least_span and span >= nearest * math.max(math.abs(low), math.abs(high))
end

--- Moves the ends of an axis outwards: to a tic that is near, or else by a little.
function tics.widened(low, high, room)
  if not tics.are_apart(low, high) then
    local half = low == 0 and high == 0 and 1 or math.max(math.abs(high) / 10, least_span)
    return low - half, high + half
  end
  local span = high - low
  local distance = tics.distance(span, room)
  local below = math.floor(low / distance + 1e-9) * distance
  local above = math.ceil(high / distance - 1e-9) * distance
  return low - below <= 0.4 * distance and below or low - 0.03 * span,
    above - high <= 0.4 * distance and above or high + 0.03 * span
end

--- Tells whether all numbers of some lists are whole.
function tics.are_whole(lists)
  for _, list in ipairs(lists) do
    for _, value in ipairs(list) do
      if value == value and value ~= math.floor(value) then return false end
    end
  end
  return true
end

local raised = { [0] = "⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹" }

--- Writes a positive number: in digits if it is short, else with a power of ten.
local function short_number(x)
  if x >= 0.00099 and x < 10001 then return ("%g"):format(x) end
  local mantissa, sign, exponent = ("%.6e"):format(x):match "^(.-)0*e([+-])0*(%d+)$"
  mantissa = mantissa:gsub("%.$", "")
  exponent = exponent:gsub("%d", function(digit) return raised[tonumber(digit)] end)
  return (mantissa == "1" and "" or mantissa .. "·") .. "10" .. (sign == "-" and "⁻" or "")
    .. exponent
end

-- More places than these are no longer read one by one; letters are so wide, about.
local most_places, letter_width = 12, 7

--- Chooses tics that stand where the data of a logarithmic axis are, if these are few places.
-- @tparam {table,...} lists the data
-- @tparam number low the axis's lower end
-- @tparam number high its upper end
-- @tparam number pixels its length
-- @treturn {table,...}|nil pairs of a place and a label, without one where there is no room for
--   it; nil where there is but one place, or too many
function tics.at_data(lists, low, high, pixels)
  local places, is_known = {}, {}
  for _, list in ipairs(lists) do
    for _, place in ipairs(list) do
      if place >= low and place <= high and not is_known[place] then
        if #places == most_places then return nil end
        is_known[place] = true
        places[#places + 1] = place
      end
    end
  end
  if #places < 2 then return nil end
  table.sort(places)
  local chosen, free = {}, -math.huge
  for i, place in ipairs(places) do
    local label = place >= 1e-4 and place < 1e6 and ("%g"):format(place) or short_number(place)
    local half = letter_width * utf8.len(label) / 2
    local middle = (math.log(place) - math.log(low)) / (math.log(high) - math.log(low)) * pixels
    local has_room = middle - half >= free
    chosen[i] = { place, has_room and label or nil }
    if has_room then free = middle + half + letter_width end
  end
  return chosen
end

--- Chooses the tics of a logarithmic axis.
-- @treturn {table,...} pairs of a place and a label; without one, a small tic
function tics.log(low, high, room)
  local chosen = {}
  local decades = math.log(high, 10) - math.log(low, 10)
  local distance = decades < 0.7 and tics.distance(high - low, math.min(1.5 * room, 9)) or 0
  if distance > least_span then
    for k = math.ceil(low / distance), math.floor(high / distance) do
      chosen[#chosen + 1] = { k * distance, ("%g"):format(k * distance) }
    end
    return chosen
  end
  local labelled = { [1] = true }
  if decades * 3 <= room and decades < 4 then labelled = { [1] = true, [2] = true, [5] = true } end
  local stride = math.ceil(decades / room)
  for exponent = math.floor(math.log(low, 10)), math.ceil(math.log(high, 10)) do
    for factor = 1, 9 do
      local place = factor * 10.0 ^ exponent
      if place >= low * (1 - 1e-9) and place <= high * (1 + 1e-9) then
        if labelled[factor] and exponent % stride == 0 then
          chosen[#chosen + 1] = { place, short_number(place) }
        elseif stride == 1 and decades < 10 then
          chosen[#chosen + 1] = { place }
        end
      end
    end
  end
  return chosen
end

return tics
