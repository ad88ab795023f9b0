--- Figures: what they refuse, the numbers beside them, and that gnuplot draws them.
local luaunit = require "luaunit"
local plot = require "mnemo.plot"

local tests = {}

local nan = 0 / 0

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

function tests.test_csv_of_curves()
  luaunit.assertEquals(plot.lines { y = { 1, 2.5, nan } }:csv(),
    "series,x,y\nseries 1,1,1\nseries 1,2,2.5\nseries 1,3,NaN\n")
  luaunit.assertEquals(plot.lines {
    x = { 10, 20 },
    series = {
      { name = "a", y = { 0.1, math.huge } },
      { name = 'b, "c"', x = { 1, 2 }, y = { 3, 4 }, low = { 2, 3 }, high = { 4, 5 } },
    },
  }:csv(), "series,x,y,low,high\na,10,0.1,,\na,20,NaN,,\n"
    .. '"b, ""c""",1,3,2,4\n"b, ""c""",2,4,3,5\n')
end

function tests.test_csv_of_a_map()
  luaunit.assertEquals(plot.heatmap {
    matrix = { { 1, 2, 3 }, { 4, 5, 6 } }, xlabels = { "a", " ", "\n" },
  }:csv(), "x,y,value,x_label\n1,1,1,a\n2,1,2,␣\n3,1,3,↵\n1,2,4,a\n2,2,5,␣\n3,2,6,↵\n")
end

function tests.test_csv_of_a_grid()
  local inner = plot.grid { plot.lines { y = { 1 }, title = "left" }, plot.lines { y = { 2 } } }
  luaunit.assertEquals(plot.grid({ inner, plot.heatmap { matrix = { { 7 } } } }):csv(),
    "panel,series,x,y,value\nleft,series 1,1,1,\npanel 3,series 1,1,2,\npanel 4,,1,1,7\n")
end

function tests.test_tensors_are_read()
  local mnemo = require "mnemo"
  luaunit.assertEquals(plot.lines { y = mnemo.tensor { 1, 2 } }:csv(),
    plot.lines { y = { 1, 2 } }:csv())
  luaunit.assertEquals(plot.heatmap { matrix = mnemo.tensor { { 1, 2 }, { 3, 4 } } }:csv(),
    plot.heatmap { matrix = { { 1, 2 }, { 3, 4 } } }:csv())
end

function tests.test_options_are_checked()
  for message, wrong in pairs {
    ["unknown option 'xlable'; did you mean 'xlabel'?"] = { y = { 1 }, xlable = "" },
    ["xscale is 'lag'; allowed are linear, log"] = { y = { 1 }, xscale = "lag" },
    ["legend is 'inside'; allowed are right, below, none"] = { y = { 1 }, legend = "inside" },
    ["ylim is a pair"] = { y = { 1 }, ylim = { 1, 0 } },
    ["width is a number of pixels"] = { y = { 1 }, width = "wide" },
    ["series 1 has no y"] = {},
    ["series 1's y[2] is a string; a number is expected"] = { y = { 1, "2" } },
    ["series 1's y is a number; a list or a tensor is expected"] = { y = 1 },
    ["series 2 has 1 y but 2 x"] = { x = { 1, 2 }, series = { { y = { 1, 2 } }, { y = { 1 } } } },
    ["series 1 has one of low and high; a band needs both"] = { y = { 1 }, low = { 0 } },
    ["plot.lines, series 1: unknown option 'nmae'; did you mean 'name'?"] =
      { series = { { y = { 1 }, nmae = "" } } },
    ["name belongs into a series"] = { name = "a", series = { { y = { 1 } } } },
    ["no series to draw"] = { series = {} },
  } do
    luaunit.assertErrorMsgContains(message, plot.lines, wrong)
  end
  for message, wrong in pairs {
    ["palette is 'jet'; allowed are blues"] = { matrix = { { 1 } }, palette = "jet" },
    ["row 2 has 1 columns, row 1 has 2"] = { matrix = { { 1, 2 }, { 3 } } },
    ["the matrix is empty"] = { matrix = {} },
    ["1 xlabels for 2 columns"] = { matrix = { { 1, 2 } }, xlabels = { "a" } },
    ["2 ylabels for 1 rows"] = { matrix = { { 1, 2 } }, ylabels = { "a", "b" } },
    ["min is 1, not below max, 0"] = { matrix = { { 1 } }, min = 1, max = 0 },
  } do
    luaunit.assertErrorMsgContains(message, plot.heatmap, wrong)
  end
  luaunit.assertErrorMsgContains("entry 1 is no figure", plot.grid, { {} })
  luaunit.assertErrorMsgContains("did you mean 'columns'?", plot.grid,
    { plot.lines { y = { 1 } } }, { colums = 1 })
end

function tests.test_errors_name_the_callers_line()
  local here = debug.getinfo(1, "S").short_src
  for _, wrong in ipairs {
    function() local _ = plot.lines { y = { 1 }, tilte = "" } end,
    function() local _ = plot.lines { y = { "1" } } end,
    function() local _ = plot.heatmap { matrix = { { 1, 2 }, { 1 } } } end,
    function() local _ = plot.lines { y = { 1 }, xlim = 3 } end,
    function() local _ = plot.lines { y = { 1 }, legend = "up" } end,
    function() local _ = plot.lines { series = { { y = { 1 }, x = { 1, 2 } } } } end,
    function() local _ = plot.lines { y = 1 } end,
    function() local _ = plot.heatmap { matrix = 1 } end,
    function() local _ = plot.heatmap { matrix = { { "1" } } } end,
    function() local _ = plot.lines { y = { 1 } }:save("figure.gif") end,
    function() local _ = plot.lines { y = { 1 } }:save("/no/such/folder/figure.svg") end,
  } do
    local _, message = pcall(wrong)
    local line = debug.getinfo(wrong, "S").linedefined
    luaunit.assertStrContains(message, ("%s:%d:"):format(here, line))
  end
end

function tests.test_every_format_is_drawn()
  local figure = plot.lines { y = { 1, 2, nan, 4 }, name = "a" }
  luaunit.assertStrContains(saved(figure, ".svg"), "</svg>")
  luaunit.assertEquals(saved(figure, ".png"):sub(2, 4), "PNG")
  luaunit.assertEquals(saved(figure, ".pdf"):sub(1, 5), "%PDF-")
  local _, csv = saved(figure, ".SVG")
  luaunit.assertEquals(csv, figure:csv())
  luaunit.assertErrorMsgContains("does not end in .svg, .png or .pdf", figure.save, figure, "a.gif")
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
    ["no point"] = plot.lines { y = {} },
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
    ["a grid with an empty place"] = plot.grid {
      plot.lines { y = { 1 } }, plot.lines { y = { 1 } }, plot.lines { y = { 1 } },
    },
  } do
    luaunit.assertStrContains(saved(figure, ".svg"), "</svg>", false, what)
  end
end

os.exit(luaunit.LuaUnit.new():runSuiteByInstances { { "plot", tests } })
