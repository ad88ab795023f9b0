--- Level lines: where they run, which side is high, and what they enclose; paths over them.
local contours = require "mnemo.plot.contours"
local draw = require "mnemo.plot.draw"
local luaunit = require "luaunit"
local plot = require "mnemo.plot"

local tests = {}

local nan = 0 / 0

--- Makes a grid of a function's values on places at equal distances.
local function grid(from, to, count, value)
  local places, rows = {}, {}
  for i = 1, count do places[i] = from + (i - 1) * (to - from) / (count - 1) end
  for j, y in ipairs(places) do
    rows[j] = {}
    for i, x in ipairs(places) do rows[j][i] = value(x, y) end
  end
  return places, places, rows
end

--- Sums the areas of loops: positive where they run counter-clockwise.
local function area(loops)
  local sum = 0
  for _, loop in ipairs(loops) do
    for i = 2, #loop do
      sum = sum + loop[i - 1][1] * loop[i][2] - loop[i][1] * loop[i - 1][2]
    end
  end
  return sum / 2
end

local function bump(x, y) return -(x * x + y * y) end

function tests.test_a_circle_is_one_closed_line()
  local x, y, z = grid(-2, 2, 41, bump)
  local lines = contours.lines(x, y, z, -1)
  luaunit.assertEquals(#lines, 1)
  luaunit.assertTrue(lines[1].closed)
  luaunit.assertEquals(lines[1][1], lines[1][#lines[1]])
  for _, point in ipairs(lines[1]) do
    luaunit.assertAlmostEquals(point[1] ^ 2 + point[2] ^ 2, 1, 0.003)
  end
  -- What is high is on the left: inside.
  luaunit.assertAlmostEquals(area(lines), math.pi, 0.01)
  local _, _, hollow = grid(-2, 2, 41, function(a, b) return -bump(a, b) end)
  luaunit.assertAlmostEquals(area(contours.lines(x, y, hollow, 1)), -math.pi, 0.01)
end

function tests.test_a_line_ends_at_the_border()
  local lines = contours.lines({ 1, 2, 4 }, { 10, 20 }, { { 0, 2, 6 }, { 0, 2, 6 } }, 3)
  luaunit.assertEquals(#lines, 1)
  luaunit.assertFalse(lines[1].closed)
  -- High is to the right of it, so it runs downwards.
  luaunit.assertEquals(lines[1], { { 2.5, 20.0 }, { 2.5, 10.0 }, closed = false })
end

function tests.test_a_ring_has_a_hole()
  local x, y, z = grid(-2, 2, 81, function(a, b)
    return -math.abs(math.sqrt(a * a + b * b) - 1)
  end)
  local loops = contours.regions(x, y, z, -0.5)
  luaunit.assertEquals(#loops, 2)
  luaunit.assertAlmostEquals(area(loops), math.pi * (1.5 ^ 2 - 0.5 ^ 2), 0.02)
end

function tests.test_the_mean_joins_opposite_corners()
  local places = { 0, 1 }
  luaunit.assertEquals(#contours.regions(places, places, { { 3, -1 }, { -1, 3 } }, 0), 1)
  luaunit.assertEquals(#contours.regions(places, places, { { 1, -3 }, { -3, 1 } }, 0), 2)
end

function tests.test_a_region_and_the_rest_fill_the_grid()
  local x, y = { 0, 1, 3, 4, 7, 8, 9 }, { -2, 0, 1, 1.5, 4 }
  local state = 1
  for trial = 1, 20 do
    local z, negative = {}, {}
    for j = 1, #y do
      z[j], negative[j] = {}, {}
      for i = 1, #x do
        state = (state * 1103515245 + 12345) % 2 ^ 31
        z[j][i] = state / 2 ^ 30 - 1
        negative[j][i] = -z[j][i]
      end
    end
    local before = 9 * 6
    luaunit.assertAlmostEquals(area(contours.regions(x, y, z, -math.huge)), before, 1e-9)
    for level = -0.8, 0.8, 0.2 do
      local above = area(contours.regions(x, y, z, level))
      local below = area(contours.regions(x, y, negative, -level))
      luaunit.assertAlmostEquals(above + below, 9 * 6, 1e-9, ("trial %d"):format(trial))
      luaunit.assertTrue(above <= before)
      before = above
    end
  end
end

function tests.test_nan_is_a_hole()
  local x, y, z = grid(0, 4, 5, function() return 1 end)
  z[3][3] = nan
  luaunit.assertEquals(contours.lines(x, y, z, 0.5), {})
  -- The four cells around it are cut at their diagonals.
  luaunit.assertAlmostEquals(area(contours.regions(x, y, z, 0.5)), 16 - 2, 1e-9)
  for j = 1, 5 do z[j][5] = 0 end
  for _, line in ipairs(contours.lines(x, y, z, 0.5)) do
    for _, point in ipairs(line) do luaunit.assertEquals(point[1], 3.5) end
  end
end

function tests.test_nothing_above_and_everything()
  local x, y, z = grid(0, 1, 3, function() return 2 end)
  luaunit.assertEquals(contours.regions(x, y, z, 3), {})
  luaunit.assertEquals(contours.lines(x, y, z, 2), {})
  luaunit.assertAlmostEquals(area(contours.regions(x, y, z, 2)), 1, 1e-12)
end

-- Paths ----------------------------------------------------------------------------------

local z = { { 1, 2, 3 }, { 2, 3, 4 }, { 3, 4, 5 } }

--- Returns a figure's script.
local function script(options)
  options.z, options.levels = z, options.levels or { 2.5 }
  return draw.script(plot.contour(options), "figure.svg")
end

function tests.test_paths_are_drawn_over_the_levels()
  local text = script { series = {
    { name = "descent", x = { 1, 2, 3 }, y = { 3, 2.5, 1 } },
    { name = "theory", x = { 1, 3 }, y = { 1, 3 }, style = "reference" },
    { x = { 2 }, y = { 2 }, style = "points" },
  } }
  luaunit.assertStrContains(text, "1 3\n2 2.5\n3 1\n")
  local plotted = text:match "\nplot (.*)"
  local function place(what)
    local found = plotted:find(what, 1, true)
    luaunit.assertNotNil(found, what)
    return found
  end
  -- From below: bands, level lines, white edges, the paths, their marks.
  local edge = place "lines lw 5 lc rgb '#FFFFFF'"
  luaunit.assertTrue(place "filledcurves" < place "lines lw 1.2 dt solid lc rgb '#303030'")
  luaunit.assertTrue(place "lines lw 1.2 dt solid lc rgb '#303030'" < edge)
  luaunit.assertTrue(edge < place "lines lw 2 dt solid lc rgb '#0072B2'")
  luaunit.assertTrue(place "lines lw 2 dt solid" < place "points pt 7 ps 0.7 lc rgb '#0072B2'")
  -- Two lines have an edge, and two sets of marks: theory has none, points have no line.
  luaunit.assertEquals(select(2, plotted:gsub("lw 5 lc rgb '#FFFFFF'", "")), 2)
  luaunit.assertEquals(select(2, plotted:gsub("ps 1%.1 lc rgb '#FFFFFF'", "")), 2)
  place "keyentry with linespoints"
  place "title \"descent\""
  place "title \"theory\""
end

function tests.test_a_landscape_without_paths_has_none()
  luaunit.assertNotStrContains(script {}, "lw 5")
  luaunit.assertEquals(script { series = {} }, script {})
end

-- Without a path the label stands in the middle of the line; with one there, beside it.
function tests.test_labels_keep_clear_of_paths()
  local function label(options)
    local x, y = script(options):match "set label %S+ at first (%S+), first (%S+)"
    return { tonumber(x), tonumber(y) }
  end
  local free = label {}
  luaunit.assertAlmostEquals(free[1], free[2], 0.6)
  local path = { x = { free[1] }, y = { free[2] }, style = "points" }
  local moved = label { series = { path } }
  luaunit.assertTrue(math.abs(moved[1] - free[1]) + math.abs(moved[2] - free[2]) > 0.1)
  luaunit.assertAlmostEquals(moved[1] + moved[2], free[1] + free[2], 1e-6)
  -- A jump from one end to the other has no point there, but runs through it.
  path = { x = { free[1] - 0.5, free[1] + 0.5 }, y = { free[2] - 0.5, free[2] + 0.5 } }
  luaunit.assertNotEquals(label { series = { path } }, free)
end

function tests.test_csv_has_the_cells_and_the_paths()
  luaunit.assertEquals(plot.contour {
    z = { { 5, 6 }, { 7, 8 } }, series = { { name = "descent", x = { 1, 1.5 }, y = { 2, 1 } } },
  }:csv(), "series,x,y,value\n,1,1,5\n,2,1,6\n,1,2,7\n,2,2,8\ndescent,1,2,\ndescent,1.5,1,\n")
end

function tests.test_paths_that_are_none_are_refused()
  for message, series in pairs {
    ["plot.contour: series 1 has no x"] = { { y = { 1 } } },
    ["plot.contour: series 2 has no y"] = { { x = { 1 }, y = { 1 } }, { x = { 1 } } },
    ["plot.contour: series 1 has 2 y but 1 x"] = { { x = { 1 }, y = { 1, 2 } } },
    ["plot.contour: series 1 is empty"] = { { x = {}, y = {} } },
    ["plot.contour: series 1 is a number; a table"] = { 3 },
    ["plot.contour: series is a boolean; a list or a tensor is expected"] = true,
    ["plot.contour: series 1's x[2] is a string; a number is expected"] =
      { { x = { 1, "a" }, y = { 1, 2 } } },
    ["plot.contour, series 1: unknown option 'low'"] = { { x = { 1 }, y = { 1 }, low = { 0 } } },
    ["'curve'"] = { { x = { 1 }, y = { 1 }, style = "curve" } },
  } do
    luaunit.assertErrorMsgContains(message, plot.contour, { z = z, series = series })
  end
end

os.exit(luaunit.LuaUnit.new():runSuiteByInstances { { "contours", tests } })
