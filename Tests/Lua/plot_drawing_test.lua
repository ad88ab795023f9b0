--- Figures as they are drawn: by gnuplot, in every format, and in the terminal.
-- luacheck: globals io.stderr io.write
local draw = require "mnemo.plot.draw"
local layout = require "mnemo.plot.layout"
local luaunit = require "luaunit"
local plot = require "mnemo.plot"
local style = require "mnemo.plot.style"

local tests = {}

local nan = 0 / 0

-- What figures say of gaps is tested with what they refuse.
local standard_error = io.stderr

function tests.setUp()
  io.stderr = { write = function() end }
end

function tests.tearDown()
  io.stderr = standard_error
end

--- Saves a figure under a temporary name and returns what was written.
-- @treturn string the picture, and the CSV
local function saved(figure, ending)
  local stem = os.tmpname()
  local texts = {}
  figure:save(stem .. ending)
  for i, path in ipairs { stem .. ending, stem .. ".csv" } do
    local file = assert(io.open(path, "rb"))
    texts[i] = file:read("a")
    file:close()
    os.remove(path)
  end
  os.remove(stem)
  return texts[1], texts[2]
end

--- Runs a command line and returns what it printed, standard error too, and its status.
local function run(line)
  local pipe = assert(io.popen(line .. " 2>&1"))
  local output = pipe:read("a")
  local _, _, status = pipe:close()
  return output, status
end

--- Returns what a figure draws in a terminal of 80 columns.
local function shown(figure)
  local words, write = {}, io.write
  io.write = function(...) words[#words + 1] = table.concat { ... } end
  local done, message = pcall(figure.show, figure)
  io.write = write
  luaunit.assertTrue(done, message)
  return table.concat(words)
end

--- Lists the numbers of the blocks that a part of the script draws.
-- @tparam string pattern finds the part, and in it the block's name
-- @treturn {table,...} rows of numbers
local function block(figure, pattern)
  local script = draw.script(figure, "figure.svg")
  local name = script:match(pattern)
  luaunit.assertIsString(name, script)
  local rows = {}
  local text = script:match("\n%$" .. name:sub(2) .. " << END_OF_DATA\n(.-)END_OF_DATA")
  for line in text:gmatch("[^\n]+") do
    local row = {}
    for word in line:gmatch("%S+") do row[#row + 1] = tonumber(word) or nan end
    rows[#rows + 1] = row
  end
  return rows
end

function tests.test_every_format_is_drawn()
  local figure = plot.lines { y = { 1, 2, nan, 4 }, name = "a" }
  luaunit.assertStrContains(saved(figure, ".svg"), "</svg>")
  luaunit.assertEquals(saved(figure, ".png"):sub(2, 4), "PNG")
  luaunit.assertEquals(saved(figure, ".pdf"):sub(1, 5), "%PDF-")
  local _, csv = saved(figure, ".SVG")
  luaunit.assertEquals(csv, figure:csv())
  luaunit.assertErrorMsgContains("does not end in .svg, .png, .pdf or .html", figure.save,
    figure, "a.gif")
  luaunit.assertErrorMsgContains("No such file or directory", figure.save, figure,
    "/no/such/folder/figure.svg")
end

function tests.test_any_text_is_shown_as_it_is()
  local witness = os.tmpname()
  os.remove(witness)
  for _, text in ipairs {
    "it's \"quoted\"", "50% of %d %s", "back\\slash\\", "{a}_b^c @d &e <f>", "# no comment",
    "`touch " .. witness .. "`", "$(touch " .. witness .. ")", "'; system('touch "
      .. witness .. "'); '", "'\nsystem('touch " .. witness .. "')\n'", "€ ␣ ↵", "", "\xff",
  } do
    local curve = plot.lines {
      y = { 1, 2 }, name = text, title = text, xlabel = text, ylabel = text,
    }
    local map = plot.heatmap {
      matrix = { { 1, 2 } }, xlabels = { text, "b" }, ylabels = { text }, title = text,
    }
    local picture = saved(plot.grid({ curve, map }, { title = text }), ".svg")
    luaunit.assertStrContains(picture, "</svg>", false, text)
    luaunit.assertNil(io.open(witness), text)
  end
  local picture = saved(plot.heatmap { matrix = { { 1 } }, xlabels = { "50%" } }, ".svg")
  luaunit.assertStrContains(picture, "50%<")
  -- A digit after an escaped character belongs to the text.
  picture = saved(plot.lines { y = { 1 }, title = "lr 0.25-7", name = "0.5" }, ".svg")
  luaunit.assertStrContains(picture, ">lr 0.25-7<")
  luaunit.assertStrContains(picture, ">0.5<")
end

function tests.test_paths_are_only_paths()
  -- gnuplot would take a leading bar for a command.
  local figure = plot.lines { y = { 1 } }
  local witness = os.tmpname()
  os.remove(witness)
  pcall(figure.save, figure, "|touch " .. witness .. ".svg")
  luaunit.assertNil(io.open(witness .. ".svg"))
  os.remove("|touch " .. witness .. ".svg")
end

function tests.test_odd_data_are_drawn()
  for what, figure in pairs {
    ["one point"] = plot.lines { y = { 3 } },
    ["only NaN"] = plot.lines { y = { nan, nan }, xscale = "log", yscale = "log" },
    ["a constant"] = plot.lines { y = { 2, 2, 2 } },
    ["nothing above zero on a log axis"] = plot.lines { y = { 0, -1 }, yscale = "log" },
    ["many series"] = plot.lines { series = (function()
      local series = {}
      for i = 1, 40 do series[i] = { y = { i, i + 1 }, name = tostring(i) } end
      return series
    end)() },
    ["a map of one value"] = plot.heatmap { matrix = { { 2, 2 }, { 2, 2 } } },
    ["a map with gaps"] = plot.heatmap { matrix = { { nan, nan } } },
    ["a map of one part"] = plot.heatmap { matrix = { { 1, 2 }, { 3, 4 } }, xlim = { 2, 2 } },
    ["no colour"] = plot.scatter { x = { 1 }, y = { 1 }, colour = { nan }, size = { nan } },
    ["a plain"] = plot.contour { z = { { 1, 1 }, { 1, 1 } } },
    ["nothing to contour"] = plot.contour { z = { { nan, nan }, { nan, nan } } },
    ["a grid with an empty place"] = plot.grid {
      plot.lines { y = { 1 } }, plot.lines { y = { 1 } }, plot.lines { y = { 1 } },
    },
  } do
    luaunit.assertStrContains(saved(figure, ".svg"), "</svg>", false, what)
  end
end

function tests.test_a_band_is_cut_at_the_axes()
  local rows = block(plot.lines {
    x = { 1, 2 }, y = { 1, 2 }, low = { 0.5, 1.5 }, high = { 1.5, 2.5 }, ylim = { 1.2, 1.8 },
  }, "(%$data%d+) using 1:2:3 with filledcurves")
  luaunit.assertAlmostEquals(rows, {
    { 1, 1.2, 1.5 }, { 1.3, 1.2, 1.8 }, { 1.7, 1.2, 1.8 }, { 2, 1.5, 1.8 },
  }, 1e-9)
  rows = block(plot.lines {
    x = { 1, 2, 3 }, y = { 1, 2, 3 }, low = { 1, 2, 3 }, high = { 2, 3, 4 }, xlim = { 1.5, 2 },
  }, "(%$data%d+) using 1:2:3 with filledcurves")
  luaunit.assertAlmostEquals(rows, { { 1.5, 1.5, 2.5 }, { 2, 2, 3 } }, 1e-9)
end

function tests.test_a_band_below_a_log_axis_goes_to_its_end()
  local rows = block(plot.lines {
    y = { 10, 10 }, low = { -1, 1 }, high = { 100, 100 }, yscale = "log", ylim = { 0.1, 100 },
  }, "(%$data%d+) using 1:2:3 with filledcurves")
  luaunit.assertAlmostEquals(rows, { { 1, 0.1, 100 }, { 2, 1, 100 } }, 1e-9)
end

function tests.test_eight_curves_have_eight_dashes()
  local dashes, looks = {}, {}
  for i = 1, 56 do
    local look = style.series(i)
    looks[look.colour .. look.dash] = true
    if i <= 8 then dashes[look.dash] = true end
  end
  local function count(set)
    local total = 0
    for _ in pairs(set) do total = total + 1 end
    return total
  end
  luaunit.assertEquals({ count(dashes), count(looks) }, { 8, 56 })
end

function tests.test_axes_hold_what_is_on_them()
  for _, given in ipairs {
    { y = { 0.3, 0.4 } }, { y = { -1e-9, 3e-9 } }, { y = { 5, 5 } }, { y = { 1e6, 1e6 + 1 } },
    { y = { 1e-12, 1e9 }, yscale = "log" }, { y = { 2.1, 3.3 }, yscale = "log" },
    { y = { 7, 7 }, yscale = "log" }, { y = { 1 }, hlines = { -3, 40 } },
    { y = { 1e-320, 1.7e308 }, yscale = "log" },
  } do
    local script = draw.script(plot.lines(given), "figure.svg")
    local low, high = script:match("set yrange %[([^:]*):([^%]]*)%]")
    low, high = tonumber(low), tonumber(high)
    for _, list in ipairs { given.y, given.hlines or {} } do
      for _, value in ipairs(list) do
        luaunit.assertTrue(low <= value and value <= high and low < high, script)
      end
    end
    luaunit.assertTrue(given.yscale ~= "log" or low > 0)
  end
end

--- The lower end of a picture's y axis, and what stands beside it.
local function y_axis(given)
  local script = draw.script(plot.lines(given), "figure.svg")
  local label = script:match 'set ylabel "(.-)"\n':gsub("\\(%d%d%d)", function(octal)
    return string.char(tonumber(octal, 8))
  end)
  return tonumber(script:match "set yrange %[([^:]*):"), label
end

function tests.test_axes_of_curves_begin_at_zero_or_say_where()
  for _, case in ipairs {
    { { y = { 0.14, 0.3 } }, 0, "" }, { { y = { 0.15, 0.3 }, ylabel = "nats" }, 0, "nats" },
    { { y = { 2, 3 }, ylabel = "nats" }, 2, "nats (axis from 2)" },
    { { y = { 2, 3 }, from_zero = true }, 0, "" },
    { { y = { 0.14, 0.3 }, from_zero = false }, 0.135, "(axis from 0.135)" },
    { { y = { 0.14, 0.3 }, ylim = { 0.1, 1 } }, 0.1, "(axis from 0.1)" },
    { { y = { -3, -2 } }, -3, "(axis to -2)" }, { { y = { -3, -1 } }, -3, "" },
    { { y = { -1, 2 } }, -1, "" }, { { y = { 2, 3 }, hlines = { 0.5 } }, 0, "" },
    { { y = { 2, 3 }, low = { 0.1, 1 }, high = { 4, 4 } }, 0, "" },
    { { y = { 2, 3 }, yscale = "log", ylim = { 1, 10 }, ylabel = "nats" }, 1, "nats" },
  } do
    local low, label = y_axis(case[1])
    luaunit.assertAlmostEquals(low, case[2], 0.01)
    luaunit.assertEquals(label, case[3])
  end
  luaunit.assertStrContains(shown(plot.lines { y = { 2, 3 }, ylabel = "nats" }),
    "nats (axis from 2) ↑")
  luaunit.assertNotStrContains(shown(plot.lines { y = { 0.1, 3 } }), "axis from")
end

function tests.test_whole_numbers_have_no_tics_between()
  local function distance(figure)
    return tonumber(draw.script(figure, "a.svg"):match "set xtics (%S+)\n")
  end
  luaunit.assertEquals(distance(plot.lines { y = { 1, 2, 3, 4 } }), 1)
  luaunit.assertEquals(distance(plot.lines { x = { 1, 2.5 }, y = { 1, 2 } }), 0.2)
  luaunit.assertEquals(distance(plot.lines { x = { 0, 400 }, y = { 1, 2 } }), 50)
end

function tests.test_bands_of_shares_end_at_zero_and_one()
  local pattern = "(%$data%d+) using 1:2:3 with filledcurves"
  local runs = { { 0, 1 }, { 0.5, 1 }, { 0, 0.5 } }
  local figure = plot.lines { y = runs, ylim = { -0.5, 1.5 } }
  for _, row in ipairs(block(figure, pattern)) do
    luaunit.assertTrue(row[2] >= 0 and row[3] <= 1, row[2] .. " " .. row[3])
  end
  -- The axis has no place for what is not drawn, the numbers beside the figure are whole.
  luaunit.assertEquals(y_axis { y = runs }, 0)
  luaunit.assertStrContains(figure:csv(), "series 1,1,0.166666667,-0.122008468,0.455341801,3")
  -- A run above 1 shows that these are no shares; given edges are drawn as they are.
  local lowest = block(plot.lines { y = { { 0, 1 }, { 0.5, 1.1 }, { 0, 0.5 } } }, pattern)[1][2]
  luaunit.assertAlmostEquals(lowest, -0.122008468, 1e-6)
  luaunit.assertEquals(block(plot.lines { y = { 1, 1 }, low = { -1, 0 }, high = { 2, 2 } },
    pattern)[1], { 1, -1, 2 })
end

function tests.test_curves_that_coincide_take_turns()
  local y = { 1, 2, nan, 4 }
  local figure = plot.lines { series = {
    { name = "first", y = y }, { name = "other", y = { 1, 2, 3, 4.5 } },
    { name = "second", y = y }, { name = "last", y = { 1, 2.001, 3, 4 } },
    { name = "dots", y = y, style = "points" },
  } }
  -- The first again for a third of the way, the second for two, on top of the last, whole one.
  local dashes = {}
  for name, dash in draw.script(figure, "figure.svg")
    :gmatch "(%$data%d+) using 1:2 with lines lw 2 dt (%S+) lc" do
    dashes[#dashes + 1] = name .. " " .. dash
  end
  luaunit.assertEquals(dashes, {
    "$data1 solid", "$data2 (12,4)", "$data3 (3,3)", "$data4 (12,3,3,3)",
    "$data3 (20,10)", "$data1 (10,20)",
  })
  -- Marks take turns as well.
  local script = draw.script(figure, "figure.svg")
  for i, every in pairs { [1] = "3::0", [2] = "1::0", [3] = "3::1", [4] = "3::2" } do
    luaunit.assertStrContains(script, ("$data%d every %s using"):format(i, every))
  end
  -- Where it lies elsewhere, even in one place, a curve is seen.
  luaunit.assertNotStrContains(draw.script(plot.lines { series = {
    { y = { 1, 2, 3 } }, { y = { 1, 2, 3.1 } }, { y = { 1, 2 } }, { y = { 1, 2, nan } },
  } }, "figure.svg"), "dt (10,")
  local text = shown(figure)
  luaunit.assertStrContains(text, " first is not seen here: it lies under second, last\n"
    .. " second is not seen here: it lies under last\n")
  luaunit.assertNotStrContains(text, "other is not seen")
end

-- The least and the greatest numbers there are.
local smallest, greatest = 0x1p-1074, 0x1.fffffffffffffp+1023

function tests.test_axes_of_all_numbers_end()
  for _, y in ipairs {
    { smallest, greatest }, { smallest, smallest }, { smallest, 2 * smallest },
    { greatest, greatest }, { 1, 1 + 2 ^ -52 }, { 1e-320, 3e-320 }, { 1e-300, 1e-290 },
  } do
    for _, scale in ipairs { "linear", "log" } do
      if scale == "log" or y[2] < 8e307 then
        local figure = plot.lines { y = y, yscale = scale }
        local words = ("%s from %g to %g"):format(scale, y[1], y[2])
        luaunit.assertStrContains(saved(figure, ".svg"), "</svg>", false, words)
        luaunit.assertStrContains(shown(figure), "|", false, words)
      end
    end
  end
end

function tests.test_numbers_too_large_to_be_drawn_are_told()
  local range = "; figures show numbers from -8e+307 to 8e+307"
  for words, draw_one in pairs {
    ["y goes from -1.7e+308 to 1.7e+308"] = function()
      plot.lines { y = { -1.7e308, 1.7e308 } }:save("none.svg")
    end,
    ["x goes from 1 to 1e+308"] = function()
      plot.scatter { x = { 1, 1e308 }, y = { 1, 2 } }:show()
    end,
    ["the colour bar goes from -1e+308 to 1"] = function()
      plot.heatmap { matrix = { { 1, -1e308 } } }:save("none.svg")
    end,
    ["plot.lines: ylim goes from -1e+308 to 1"] = function()
      plot.lines { y = { 1 }, ylim = { -1e308, 1 } }
    end,
    ["plot.contour: x goes from 0 to 1e+308"] = function()
      plot.contour { z = { { 1, 2 }, { 3, 4 } }, x = { 0, 1e308 } }
    end,
  } do
    luaunit.assertErrorMsgContains(words .. range, draw_one)
  end
  luaunit.assertErrorMsgContains("plot.lines: xlim goes from 1 to 1.0000000000000002, which are too"
    .. " near to each other", plot.lines, { y = { 1 }, xlim = { 1, 1 + 2 ^ -52 } })
end

function tests.test_one_colour_for_large_numbers()
  for _, value in ipairs { 7e307, 1e300, -1e15, smallest } do
    luaunit.assertStrContains(saved(plot.heatmap { matrix = { { value, value } } }, ".svg"),
      "</svg>", false, tostring(value))
  end
end

function tests.test_texts_do_not_steer_the_terminal()
  local text = "a\27[31m\u{9B}2J\u{202E}b"
  local all = { y = { 1, 2 }, low = { 0, 1 }, high = { 2, 3 }, name = text, title = text }
  all.xlabel, all.ylabel = text, text
  local map = { matrix = { { 1 } }, title = text, xlabel = text, ylabel = text }
  for _, figure in ipairs {
    plot.lines(all), plot.heatmap(map), plot.grid({ plot.lines(all) }, { title = text }),
  } do
    for _, drawing in ipairs { shown(figure), (saved(figure, ".svg")) } do
      for _, steering in ipairs { "\27", "\u{9B}", "\u{202E}" } do
        luaunit.assertNotStrContains(drawing, steering)
      end
      luaunit.assertStrContains(drawing, "2J")
    end
  end
end

function tests.test_powers_of_ten_are_raised()
  local picture = saved(plot.lines { y = { 1e-7, 1e7 }, yscale = "log" }, ".svg")
  luaunit.assertStrContains(picture, ">10⁻⁶<")
  luaunit.assertStrContains(picture, ">10⁶<")
end

--- Lists the labels of a picture's x axis, and how many small tics stand between them.
local function x_tics(figure)
  local listed = draw.script(figure, "figure.svg"):match "set xtics %((.-)%)"
  local labels, small = {}, 0
  for text, level in listed:gmatch '"([^"]*)" %S+ (%d)' do
    local label = text:gsub("\\(%d%d%d)", function(octal)
      return string.char(tonumber(octal, 8))
    end)
    if level == "0" then labels[#labels + 1] = label else small = small + 1 end
  end
  return table.concat(labels, " "), small
end

function tests.test_tics_of_log_axes_stand_where_the_data_are()
  local theory = { x = {}, y = {}, style = "reference", name = "theory" }
  for i = 1, 50 do theory.x[i], theory.y[i] = 10 * i, i end
  for expected, x in pairs {
    ["64 128 256 512"] = { 64, 128, 256, 512 }, ["32 64 128"] = { 32, 64, 128 },
    ["0.001 0.25"] = { 0.001, 0.25 }, ["2·10⁻⁵ 3"] = { 2e-5, 3 },
  } do
    local y = table.move(x, 1, #x, 1, {})
    for _, figure in ipairs {
      plot.lines { x = x, y = y, xscale = "log" }, plot.scatter { x = x, y = y, xscale = "log" },
      plot.lines { series = { { x = x, y = y }, theory }, xscale = "log" },
    } do
      local labels, small = x_tics(figure)
      luaunit.assertEquals(labels, expected)
      luaunit.assertEquals(small, 0)
    end
  end
  luaunit.assertStrContains(saved(plot.lines { x = { 64, 512 }, y = { 1, 2 }, xscale = "log" },
    ".svg"), ">512<")
  -- Without room for all labels every place has its tic.
  local labels, small = x_tics(plot.lines {
    x = { 1, 1000, 1001, 1002 }, y = { 1, 2, 3, 4 }, xscale = "log",
  })
  luaunit.assertEquals(labels, "1 1000")
  luaunit.assertEquals(small, 2)
  -- Many places are as good as all.
  local many = {}
  for i = 1, 13 do many[i] = 7 * i end
  luaunit.assertEquals(x_tics(plot.lines { x = many, y = many, xscale = "log" }), "10 20 50")
end

function tests.test_lines_across_and_theory_are_in_the_legend()
  local picture = saved(plot.lines {
    series = { { name = "measured", y = { 1, 2 } },
      { name = "theory", y = { 2, 3 }, style = "reference" } },
    hlines = { { at = 2.5, name = "chance" } }, vlines = { 1.5 },
  }, ".svg")
  for _, name in ipairs { "measured", "theory", "chance" } do
    luaunit.assertStrContains(picture, ">" .. name .. "<")
  end
end

function tests.test_spans_are_shaded_behind_the_curves()
  local figure = plot.lines {
    x = { 1, 2, 3 }, y = { 1, 2, 3 }, xlim = { 1, 3 }, name = "curve",
    vspans = { { from = 0, to = 2, name = "early" }, { from = 2, to = 2.5 }, { from = 4, to = 5 } },
  }
  local script, spans = draw.script(figure, "figure.svg"), {}
  for from, to in script:gmatch "rectangle from first (%S+), graph 0 to first (%S+), graph 1 behind"
  do
    spans[#spans + 1] = { tonumber(from), tonumber(to) }
  end
  luaunit.assertEquals(spans, { { 1, 2 }, { 2, 2.5 } })
  local picture = saved(figure, ".svg")
  luaunit.assertStrContains(picture, ">early<")
  for i = 1, 2 do
    -- gnuplot writes the colour's channels apart.
    local colour = ("rgb( %d, %d, %d)"):format(table.unpack(style.channels(style.shade(i))))
    luaunit.assertStrContains(picture:gsub("rgb%(%s*(%d+),%s*(%d+),%s*(%d+)%)",
      "rgb( %1, %2, %3)"), colour)
  end
  -- Without a limit, the axis goes as far as the spans do.
  local wide = draw.script(plot.lines { y = { 1, 2 }, vspans = { { from = -3, to = 9 } } },
    "figure.svg")
  local low, high = wide:match "set xrange %[(%S+):(%S+)%]"
  luaunit.assertTrue(tonumber(low) <= -3 and tonumber(high) >= 9)
  luaunit.assertStrContains(shown(figure),
    " not drawn here, only in files: the span early, the span 2, the span 3\n")
end

function tests.test_sizes_are_areas()
  local figure = plot.scatter {
    x = { 1, 2, 3 }, y = { 1, 2, 3 }, size = { 10, 60, 110 }, colour = { 0, 1, 2 },
    palette = "greys",
  }
  local rows = block(figure, "(%$data%d+) using 1:2:3:4 with points")
  -- Each twice: an edge, and the point in its colour.
  luaunit.assertEquals(#rows, 6)
  local least, middle, most = rows[2][3], rows[4][3], rows[6][3]
  luaunit.assertAlmostEquals(middle ^ 2 - least ^ 2, most ^ 2 - middle ^ 2, 1e-6)
  luaunit.assertEquals({ rows[2][4], rows[4][4], rows[6][4] }, { 0xFFFFFF, 0x808080, 0 })
  luaunit.assertTrue(rows[1][3] > rows[2][3])
end

function tests.test_labels_of_points_keep_clear_of_each_other()
  local x, labels = {}, {}
  for i = 1, 30 do x[i], labels[i] = i % 2 + i / 1000, "label" end
  local _, count = draw.script(plot.scatter { x = x, y = x, labels = labels }, "figure.svg")
    :gsub("set label", "")
  luaunit.assertTrue(count >= 2 and count < 10, count)
  _, count = draw.script(plot.scatter {
    x = { 1, 2, 3 }, y = { 1, 2, 3 }, labels = { "a", "b", "c" },
  }, "figure.svg"):gsub("set label", "")
  luaunit.assertEquals(count, 3)
end

function tests.test_labels_of_points_stand_beside_large_ones()
  local function offset(options)
    options.x, options.y, options.labels = { 1, 2 }, { 1, 2 }, { "a", "b" }
    local script = draw.script(plot.scatter(options), "figure.svg")
    return tonumber(script:match 'set label "b" .- offset character ([%d.-]+),')
  end
  luaunit.assertTrue(offset { size = { 1, 9 } } > 1.5 * offset {})
  luaunit.assertEquals(offset { size = { 9, 1 } } < offset {}, true)
end

function tests.test_points_stand_clear_of_the_axes_ends()
  local script = draw.script(plot.scatter { x = { 1, 5 }, y = { 0, 10 } }, "figure.svg")
  for axis, ends in pairs { x = { 1, 5 }, y = { 0, 10 } } do
    local low, high = script:match("set " .. axis .. "range %[([^:]*):([^%]]*)%]")
    luaunit.assertTrue(tonumber(low) < ends[1] and tonumber(high) > ends[2])
  end
end

--- Makes the map of a matrix with so many labels.
local function tokens(count, options)
  options.matrix, options.xlabels, options.ylabels = {}, {}, {}
  for i = 1, count do
    options.matrix[i], options.xlabels[i], options.ylabels[i] = {}, "c" .. i, "r" .. i
    for j = 1, count do options.matrix[i][j] = i + j end
  end
  return plot.heatmap(options)
end

function tests.test_dense_labels_are_thinned_out_and_numbered()
  local picture = saved(tokens(16, {}), ".svg")
  luaunit.assertStrContains(picture, ">c7<")
  luaunit.assertStrContains(picture, ">r16<")
  picture = saved(tokens(128, {}), ".svg")
  luaunit.assertStrContains(picture, ">c20 20<")
  luaunit.assertNotStrContains(picture, ">c21")
  picture = saved(tokens(128, { xlim = { 21, 40 }, ylim = { 101, 120 } }), ".svg")
  luaunit.assertStrContains(picture, ">c21<")
  luaunit.assertStrContains(picture, ">r101<")
  luaunit.assertNotStrContains(picture, ">c20<")
  luaunit.assertNotStrContains(picture, ">r121<")
end

function tests.test_marked_rows_have_a_triangle()
  local function triangles(options)
    options.matrix = { { 1, 2 }, { 3, 4 }, { 5, 6 } }
    local script, rows = draw.script(plot.heatmap(options), "figure.svg"), {}
    -- From a corner to the tip at the cells' edge, in the middle of the row.
    for edge, row in script:gmatch "set object polygon from %S+ to (%S+),(%S+) to" do
      luaunit.assertEquals(tonumber(edge), options.xlim and 1.5 or 0.5)
      rows[#rows + 1] = tonumber(row)
    end
    return rows
  end
  luaunit.assertEquals(triangles {}, {})
  luaunit.assertEquals(triangles { marked_rows = { 3, 1 } }, { 1, 3 })
  luaunit.assertEquals(triangles { marked_rows = { 3, 1 }, ylim = { 2, 3 }, xlim = { 2, 2 } },
    { 3 })
  local figure = plot.heatmap {
    matrix = { { 1 }, { 2 } }, marked_rows = { 2 }, marks_name = "here", ylabel = "row",
  }
  luaunit.assertStrContains(saved(figure, ".svg"), ">row (▸ here)<")
  luaunit.assertStrContains(shown(figure), "row (▸ here) ↓\n     \n ▸ ██\n")
  -- Of three rows a line, only those in view; labels stand before the triangles.
  local long = {}
  for i = 1, 60 do long[i] = { i } end
  local text = shown(plot.heatmap { matrix = long, ylim = { 1, 58 }, marked_rows = { 2, 59 } })
  luaunit.assertEquals(select(2, text:gsub("▸", "")), 1)
  luaunit.assertStrContains(shown(plot.heatmap {
    matrix = { { 0 }, { 1 } }, ylabels = { "a", "bc" }, marked_rows = { 2 },
  }), "  a     \n bc ▸ ██\n")
end

function tests.test_lines_across_maps()
  local function lines(options)
    options.matrix = { { 1, 2 }, { 3, 4 }, { 5, 6 } }
    local script, found = draw.script(plot.heatmap(options), "figure.svg"), {}
    -- Each twice: first a white edge.
    for line in script:gmatch "set arrow from ([^\n]-) nohead front lw 4" do
      found[#found + 1] = line
    end
    luaunit.assertEquals(select(2, script:gsub("set arrow", "")), 2 * #found)
    return found
  end
  luaunit.assertEquals(lines {}, {})
  luaunit.assertEquals(lines { hlines = { 1.5, 9 }, vlines = { { at = 1.5, name = "half" } } }, {
    "graph 0, first 1.5 to graph 1, first 1.5", "first 1.5, graph 0 to first 1.5, graph 1",
  })
  luaunit.assertEquals(lines { hlines = { 1.5, 2.5 }, ylim = { 1, 2 } },
    { "graph 0, first 1.5 to graph 1, first 1.5", "graph 0, first 2.5 to graph 1, first 2.5" })
  local named = { matrix = { { 1, 2 } }, vlines = { { at = 1.5, name = "half" } } }
  luaunit.assertStrContains(saved(plot.heatmap(named), ".svg"), ">half<")
  luaunit.assertStrContains(plot.heatmap(named):csv(), "half,1.5")
  named.legend = "none"
  luaunit.assertNotStrContains(saved(plot.heatmap(named), ".svg"), ">half<")
end

--- Returns what a figure draws at a prompt with colours.
local function shown_in_colour(figure)
  local function number(value) return function() return value end end
  package.loaded["(prompt)"] = { engine = {
    columns = number(80), rows = number(24), colour = number(true), width = utf8.len,
  } }
  local done, text = pcall(shown, figure)
  package.loaded["(prompt)"] = nil
  luaunit.assertTrue(done, text)
  return text
end

function tests.test_palettes_are_shown_in_the_terminal()
  local matrix = { { -2, -1, 0, 1 } }
  -- Orange above 0, blue below it, white between; without colour, other characters below 0.
  local text = shown_in_colour(plot.heatmap { matrix = matrix, palette = "diverging" })
  luaunit.assertStrContains(text, "\27[0;38;5;25m▀\27[0;38;5;110m▀\27[0;38;5;231m▀\27[0;38;5;216m▀")
  luaunit.assertStrContains(text, "from -2 \27[48;5;25m  \27[0m to 2 \27[48;5;166m  \27[0m")
  text = shown(plot.heatmap { matrix = matrix, palette = "diverging" })
  luaunit.assertStrContains(text, " ##--  ▒▒\n 1 × 4, from -2 (#) to 2 (full)")
  text = shown_in_colour(plot.heatmap { matrix = { { 0, 1 } }, palette = "greys" })
  luaunit.assertStrContains(text, "\27[0;38;5;231m▀\27[0;38;5;16m▀")
  luaunit.assertStrContains(shown(plot.heatmap { matrix = matrix }), " 1 × 4, from -2 (blank) to 1")
  -- Of several cells in one, what is farthest from 0 is shown.
  local wide = { {}, {} }
  for j = 1, 100 do wide[1][j], wide[2][j] = 1, j == 1 and -3 or 0 end
  text = shown(plot.heatmap { matrix = wide, palette = "diverging" })
  luaunit.assertStrContains(text, " ##░░")
  luaunit.assertStrContains(text, "each cell the farthest from 0 of 3 × 3")
end

function tests.test_diverging_is_white_at_zero()
  local options = { matrix = { { -1, 3 } }, palette = "diverging" }
  local script = draw.script(plot.heatmap(options), "a.svg")
  luaunit.assertStrContains(script, "set cbrange [-3:3]")
  options.min = -1
  script = draw.script(plot.heatmap(options), "a.svg")
  luaunit.assertStrContains(script, "set cbrange [-1:3]")
end

function tests.test_levels_are_round_or_as_given()
  local z = { { 0, 10 }, { 0, 10 } }
  luaunit.assertEquals(plot.contour { z = z, levels = 4 }.levels, { 2, 4, 6, 8 })
  luaunit.assertEquals(plot.contour { z = z, levels = { 0.5, 7 } }.levels, { 0.5, 7 })
  local picture = saved(plot.contour { z = z, levels = { 0.5, 7 } }, ".svg")
  -- On the bar and on the line.
  for _, text in ipairs { ">0%.5<", ">7<" } do
    luaunit.assertEquals(select(2, picture:gsub(text, "")), 2)
  end
end

function tests.test_level_lines_are_straight_on_log_axes()
  -- log x + log y at level 0: the line through (0.1, 10) and (10, 0.1).
  local places, z = { 0.01, 1, 100 }, {}
  for j, y in ipairs(places) do
    z[j] = {}
    for i, x in ipairs(places) do z[j][i] = math.log(x, 10) + math.log(y, 10) end
  end
  local rows = block(plot.contour {
    x = places, y = places, z = z, levels = { 1 }, xscale = "log", yscale = "log", filled = false,
  }, "(%$data%d+) using 1:2 with lines")
  luaunit.assertTrue(#rows > 1)
  for _, row in ipairs(rows) do luaunit.assertAlmostEquals(row[1] * row[2], 10, 1e-6) end
end

--- Lists where the axes of a grid's panels end above and below, as shares of the canvas.
local function heights(grid)
  local listed = {}
  for top, bottom in draw.script(grid, "figure.svg")
    :gmatch "set tmargin at screen (%S+); set bmargin at screen (%S+)" do
    listed[#listed + 1] = { tonumber(top), tonumber(bottom) }
  end
  return listed
end

function tests.test_panels_of_a_row_have_one_height()
  local series = {}
  for i = 1, 7 do series[i] = { name = "a curve with a long name " .. i, y = { i, i + 1 } } end
  local crowded = plot.lines { series = series, legend = "below", xlabel = "step" }
  local plain = plot.lines { y = { 1, 2 } }
  local titled = plot.scatter { x = { 1 }, y = { 1 }, title = ("several words "):rep(8) }
  local level = plot.contour { z = { { 1, 2 }, { 3, 4 } } }
  local map = plot.heatmap { matrix = { { 1, 2 } } }
  local found = heights(plot.grid({ crowded, plain, titled, level },
    { width = 900, height = 800 }))
  luaunit.assertEquals(#found, 4)
  luaunit.assertEquals(found[1], found[2])
  luaunit.assertEquals(found[3], found[4])
  for _, pair in ipairs(found) do luaunit.assertTrue(pair[1] - pair[2] > 0.1) end
  -- Seven names in two columns take more than a title in two lines.
  luaunit.assertTrue(found[1][1] - found[1][2] < found[3][1] - found[3][2])
  -- A map keeps its cells' shape, and one panel alone is gnuplot's.
  luaunit.assertEquals(heights(plot.grid { crowded, map }), {})
  luaunit.assertEquals(heights(plot.grid({ crowded, plain }, { columns = 1 })), {})
  -- Where little would be left, each panel has what it can.
  luaunit.assertEquals(heights(plot.grid({ crowded, plain }, { height = 200 })), {})
end

function tests.test_legends_have_the_rows_that_are_kept_free()
  for _, case in ipairs {
    { 300, 8 }, { 450, 18 }, { 450, 19 }, { 600, 28 }, { 900, 20 }, { 900, 47 }, { 1200, 29 },
  } do
    local width, letters, series = case[1], case[2], {}
    for i = 1, 7 do series[i] = { name = ("m"):rep(letters), y = { i, i + 1 } } end
    local figure = plot.lines { series = series, legend = "below", width = width, height = 500 }
    local rows, lines = 0, {}
    for height in saved(figure, ".svg"):gmatch 'translate%([%d.]+,([%d.]+)%)"[^>]*>%s*<text>m' do
      if not lines[height] then rows, lines[height] = rows + 1, true end
    end
    luaunit.assertTrue(rows > 0 and rows <= layout.legend(figure, width, 500).rows,
      ("%d letters at %d pixels: %d rows"):format(letters, width, rows))
  end
end

function tests.test_a_grid_shares_title_and_labels()
  local one = plot.lines { y = { 1, 2 }, title = "inner" }
  local picture = saved(plot.grid({ one, one }, {
    title = "whole", xlabel = "below all", ylabel = "beside all",
  }), ".svg")
  for _, text in ipairs { "inner", "whole", "below all", "beside all" } do
    luaunit.assertStrContains(picture, ">" .. text .. "<")
  end
end

function tests.test_without_gnuplot_the_numbers_are_saved()
  local command = run("readlink /proc/$PPID/exe"):gsub("\n", "")
  local folder = run("mktemp -d"):gsub("\n", "")
  local function try(gnuplot)
    if gnuplot then
      local file = assert(io.open(folder .. "/gnuplot", "w"))
      file:write("#!/bin/sh\n", gnuplot, "\n")
      file:close()
      run(("chmod +x '%s/gnuplot'"):format(folder))
    end
    os.remove(folder .. "/a.csv")
    local output, status = run(([[cd '%s' && PATH='%s' '%s' -e ]]):format(folder, folder, command)
      .. [['mnemo.plot.lines { y = { 1, 2 } }:save("a.svg")']])
    luaunit.assertEquals(status, 1)
    local file = assert(io.open(folder .. "/a.csv"))
    luaunit.assertEquals(file:read("a"), "series,x,y\nseries 1,1,1\nseries 1,2,2\n")
    file:close()
    return output
  end
  luaunit.assertStrContains(try(nil), "save: gnuplot is not installed; on Debian it is the package"
    .. " gnuplot-nox; the numbers are in a.csv")
  luaunit.assertStrContains(try("echo 'no terminal' >&2; exit 3"),
    "save: gnuplot failed (exit 3): no terminal; the numbers are in a.csv")
  local killed = try("kill -9 $$")
  luaunit.assertStrContains(killed, "save: gnuplot failed (")
  luaunit.assertStrContains(killed, "; the numbers are in a.csv")
  run(("rm -r '%s'"):format(folder))
end

--- Counts a character in what is drawn within the frame.
local function count_within(text, character)
  local count = 0
  for line in text:gmatch "[^\n]+" do
    local inner = line:match "^[^|]*|(.*)|$"
    if inner then count = count + select(2, inner:gsub(character, "")) end
  end
  return count
end

function tests.test_points_on_the_frame_are_shown()
  local x, y = { 1, 2, 3, 4 }, { 1, 4, 9, 5 }
  for _, figure in ipairs {
    plot.scatter { x = x, y = y }, plot.scatter { x = x, y = y, xlim = { 1, 4 }, ylim = { 1, 9 } },
    plot.scatter { x = x, y = y, xscale = "log", yscale = "log" },
    plot.lines { x = x, y = y, style = "points" },
  } do
    luaunit.assertEquals(count_within(shown(figure), "A"), 4)
  end
  -- A curve along the end of the axis.
  local flat = plot.lines { y = { 0, 0, 0 }, ylim = { 0, 1 } }
  luaunit.assertTrue(count_within(shown(flat), "%*") > 60)
end

function tests.test_long_titles_are_shown()
  local words = {}
  for i = 1, 30 do words[i] = "word" .. i end
  local text = shown(plot.lines { y = { 1, 2 }, title = table.concat(words, " ") })
  for _, word in ipairs(words) do luaunit.assertStrContains(text, word) end
end

function tests.test_labels_of_points_are_shown()
  local figure = plot.scatter {
    x = { 1, 2, 3, 4 }, y = { 1, 4, 9, 5 }, labels = { "one", "two", "three", "four" },
    colour = { 1, 2, 3, 4 }, size = { 1, 2, 3, 4 }, name = "marks", zlabel = "recall",
  }
  local text = shown(figure)
  for _, label in ipairs { "Aone", "Atwo", "Athree", "four A" } do
    luaunit.assertStrContains(text, label)
  end
  luaunit.assertStrContains(text,
    " not drawn here, only in files: the sizes of marks, the colours of marks\n")
  -- Dark violet is the least, yellow the most.
  luaunit.assertStrContains(shown_in_colour(figure),
    " recall from 1 \27[48;5;53m  \27[0m to 4 \27[48;5;220m  \27[0m\n"
    .. " not drawn here, only in files: the sizes of marks\n")
end

function tests.test_every_kind_is_shown()
  local z = { { 0, 1 }, { 2, 3 } }
  luaunit.assertStrContains(shown(plot.lines { y = { 1, 2 }, name = "curve", hlines = { 1.5 } }),
    "curve")
  luaunit.assertStrContains(
    shown(plot.scatter { series = { { x = { 1, 2 }, y = { 1, 2 }, name = "dots" } } }), "dots")
  luaunit.assertStrContains(shown(plot.heatmap { matrix = z }), "2 × 2, from 0")
  -- The first row of a contour is at the bottom.
  local rows = {}
  for line in shown(plot.contour { z = z }):gmatch("[^\n]+") do rows[#rows + 1] = line end
  luaunit.assertStrContains(rows[1], "██")
  luaunit.assertNotStrContains(rows[2], "██")
  luaunit.assertStrContains(shown(plot.heatmap { matrix = { { 1, 2, 3 } }, xlim = { 2, 3 } }),
    "1 × 2, from 1")
end

os.exit(luaunit.LuaUnit.new():runSuiteByInstances { { "plot drawing", tests } })
