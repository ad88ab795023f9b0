--- What figures look like: colours, dashes, marks and palettes.
--
-- Colours are those of Okabe and Ito, which colour-blind readers can tell apart; dashes and
-- marks differ as well, for print in black and white.
local style = {}

-- Okabe–Ito without its yellow, too pale for a thin line on white.
local colours = {
  "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000",
}
-- gnuplot dash patterns: pairs of drawn and empty lengths. Eight, so that with seven colours
-- the pairs repeat only after 56 series.
local dashes = {
  "solid", "(12,4)", "(3,3)", "(12,3,3,3)", "(24,8)", "(6,4)", "(16,3,3,3,3,3)", "(3,7)",
}
-- gnuplot point types: filled disc, square, triangle, diamond, …, then hollow ones.
local marks = { 7, 5, 9, 13, 11, 6, 4, 8, 12 }
-- The patterns of lines that are not data: theory, and straight lines across.
local reference_dashes = { "(8,4)", "(2,3)", "(10,3,2,3)", "(16,4)" }
-- What shades spans of an axis. Neighbours differ in lightness, for print in black and white.
local shades = { "#DFE8F2", "#FBF4DF", "#D8E8DC" }

--- Takes the entry of a list that belongs to a series; the list begins again at its end.
local function turn(list, index)
  return list[(index - 1) % #list + 1]
end

--- Returns how the series of that number is drawn.
-- @treturn table `colour`, `dash`, `mark`, and `solid` if the mark is filled
function style.series(index)
  local mark = turn(marks, index)
  return {
    colour = turn(colours, index), dash = turn(dashes, index), mark = mark, solid = mark % 2 == 1,
  }
end

--- Returns the dash pattern of the reference line of that number.
function style.reference_dash(index)
  return turn(reference_dashes, index)
end

--- Returns the colour of the shaded span of that number.
function style.shade(index)
  return turn(shades, index)
end

-- Colours from the least to the greatest value, at equal distances. Lightness goes one way in
-- all but `diverging`.
local palettes = {
  blues = { "#FFFFFF", "#C6DBEF", "#6BAED6", "#2171B5", "#08306B" },
  greys = { "#FFFFFF", "#000000" },
  viridis = { "#440154", "#3B528B", "#21918C", "#5EC962", "#FDE725" },
  diverging = { "#0072B2", "#8FC1DF", "#FFFFFF", "#EBA878", "#D55E00" },
}

-- The colour of marks beside maps: dark on white in print, unlike any palette's ends.
style.mark = "#D55E00"

-- What stands for a value that is not a number.
style.missing = "#C8C8C8"

style.palette_names = { "blues", "greys", "viridis", "diverging" }

--- Returns a palette's colours, from the least to the greatest value, at equal distances.
function style.palette(name)
  return palettes[name]
end

--- Returns a colour's red, green and blue, each from 0 to 255.
-- @tparam string hex such as `#C6DBEF`
function style.channels(hex)
  local channels = {}
  for i = 0, 2 do channels[i + 1] = tonumber(hex:sub(2 + 2 * i, 3 + 2 * i), 16) end
  return channels
end

--- Returns the colour at a place of a palette.
-- @tparam string name the palette
-- @tparam number share from 0, its lower end, to 1
-- @treturn string such as `#C6DBEF`
function style.colour(name, share)
  local palette = palettes[name]
  local place = 1 + math.max(0, math.min(1, share)) * (#palette - 1)
  local first = math.min(math.floor(place), #palette - 1)
  local low, high = style.channels(palette[first]), style.channels(palette[first + 1])
  local mixed = {}
  for i = 1, 3 do mixed[i] = math.floor(low[i] + (place - first) * (high[i] - low[i]) + 0.5) end
  return ("#%02X%02X%02X"):format(table.unpack(mixed))
end

return style
