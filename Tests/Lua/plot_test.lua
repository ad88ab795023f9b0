--- Figures: what they refuse, what they say of gaps, and the numbers beside them.
-- luacheck: globals io.stderr
local luaunit = require "luaunit"
local plot = require "mnemo.plot"

local tests = {}

local nan = 0 / 0

--- Calls a function and returns what it says on standard error.
local function said(call)
  local words, stream = {}, io.stderr
  io.stderr = { write = function(_, ...) words[#words + 1] = table.concat { ... } end }
  local done, message = pcall(call)
  io.stderr = stream
  luaunit.assertTrue(done, message)
  return table.concat(words)
end

function tests.test_csv_of_curves()
  luaunit.assertEquals(plot.lines { y = { 1, 2.5 } }:csv(),
    "series,x,y\nseries 1,1,1\nseries 1,2,2.5\n")
  local figure
  said(function()
    figure = plot.lines {
      x = { 10, 20 }, hlines = { 0.5 }, vlines = { { at = 3, name = "v" } },
      vspans = { { from = 1, to = 4 }, { from = 5, to = 6.5, name = "late" } },
      series = {
        { name = "a", y = { nan, -math.huge } },
        { name = 'b, "c"', x = { 1, 2 }, y = { 3, 4 }, low = { 2, 3 }, high = { 4, 5 } },
      },
    }
  end)
  luaunit.assertEquals(figure:csv(), "series,x,y,low,high\na,10,NaN,,\na,20,-inf,,\n"
    .. '"b, ""c""",1,3,2,4\n"b, ""c""",2,4,3,5\nline across,,0.5,,\nv,3,,,\n'
    .. "span 1,1,,,\nspan 1,4,,,\nlate,5,,,\nlate,6.5,,,\n")
end

function tests.test_runs_become_a_mean_and_a_band()
  local mnemo = require "mnemo"
  local runs = { { 1, 2, 5 }, { 3, 2, 7 }, { 5, 2, 9 } }
  local expected = "series,x,y,low,high,runs\n"
    .. "series 1,1,3,1,5,3\nseries 1,2,2,2,2,3\nseries 1,3,7,5,9,3\n"
  luaunit.assertEquals(plot.lines { y = runs }:csv(), expected)
  luaunit.assertEquals(plot.lines { y = mnemo.tensor(runs) }:csv(), expected)
  local tensors = {}
  for i, run in ipairs(runs) do tensors[i] = mnemo.tensor(run) end
  luaunit.assertEquals(plot.lines { y = tensors }:csv(), expected)
  -- What is not a number does not count, and one number has no spread.
  local figure
  luaunit.assertEquals(said(function()
    figure = plot.lines { y = { { 1, 4, nan }, { nan, 6, nan } } }
  end), "plot.lines: 3 of 6 values are NaN or infinite and left out\n")
  luaunit.assertEquals(figure:csv(), "series,x,y,low,high,runs\nseries 1,1,1,NaN,NaN,2\n"
    .. "series 1,2,5,3.58578644,6.41421356,2\nseries 1,3,NaN,NaN,NaN,2\n")
end

function tests.test_attention_is_a_map_of_one_head()
  local mnemo = require "mnemo"
  local model = mnemo.model.transformer {
    vocab = 65, dim = 12, heads = 3, layers = 2, max_len = 5, seed = 1,
  }
  local corpus = mnemo.corpus.shakespeare()
  local ids = { 1, 20, 2, 20 }
  local given = { model = model, tokens = ids, layer = 2, head = 3, corpus = corpus }
  local figure = plot.attention(given)
  local weights = model:attention(mnemo.int_tensor { ids }, 2)[1][3]
  luaunit.assertEquals(figure.matrix, weights:totable())
  luaunit.assertEquals(figure.options.title, "layer 2, head 3")
  luaunit.assertEquals({ figure.options.min, figure.options.max }, { 0, 1 })
  luaunit.assertEquals(#figure.xlabels, 4)
  luaunit.assertEquals(figure.ylabels[2], corpus.symbols[20])
  -- Tokens as a task gives them, and labels without a corpus.
  for _, tokens in ipairs { mnemo.int_tensor(ids), mnemo.int_tensor { ids } } do
    local other = plot.attention { model = model, tokens = tokens, layer = 2, head = 3,
      title = "mine", xlim = { 1, 2 } }
    luaunit.assertEquals(other.matrix, figure.matrix)
    luaunit.assertEquals(other.xlabels, { "1", "20", "2", "20" })
    luaunit.assertEquals(other.options.title, "mine")
    luaunit.assertEquals(other.columns, { first = 1, last = 2 })
  end
  -- What was measured before says where it looks as well as the model does.
  local measured = plot.attention { weights = weights:totable(), tokens = ids, corpus = corpus }
  luaunit.assertEquals({ measured.matrix, measured.xlabels, measured.options.max },
    { figure.matrix, figure.xlabels, 1 })
  -- The first head without one; a model of single heads says nothing of heads.
  local single = mnemo.model.simplified { vocab = 65, dim = 8, max_len = 4, seed = 1 }
  luaunit.assertEquals(plot.attention { model = single, tokens = ids, layer = 1 }.options.title,
    "layer 1")
end

function tests.test_attention_marks_triggers_that_came_before()
  local mnemo = require "mnemo"
  local model = mnemo.model.simplified { vocab = 65, dim = 8, max_len = 4, seed = 1 }
  local function map(options)
    options.model, options.tokens, options.layer = model, { 5, 9, 5, 5 }, 1
    return plot.attention(options)
  end
  for _, occurrence in ipairs {
    { 1, 0, 2, 3 }, mnemo.int_tensor { 1, 0, 2, 3 }, mnemo.int_tensor { { 1, 0, 2, 3, 9 } },
  } do
    local figure = map { occurrence = occurrence }
    luaunit.assertEquals(figure.marked, { [3] = true, [4] = true })
    luaunit.assertEquals(figure.ylabel, "current token (▸ trigger seen before)")
  end
  luaunit.assertEquals(map { occurrence = { 0, 0, 0, 0 } }.ylabel, "current token")
  local figure = map { marked_rows = { 2 }, marks_name = "here" }
  luaunit.assertEquals(figure.marked, { [2] = true })
  luaunit.assertEquals(figure.ylabel, "current token (▸ here)")
  luaunit.assertErrorMsgContains("occurrence has 2 numbers for 4 tokens", map,
    { occurrence = { 1, 2 } })
  luaunit.assertErrorMsgContains("marked_rows goes without", map,
    { occurrence = { 1, 0, 2, 3 }, marked_rows = { 1 } })
end

function tests.test_attention_says_what_is_wrong()
  local mnemo = require "mnemo"
  local model = mnemo.model.simplified { vocab = 65, dim = 8, max_len = 4, seed = 1 }
  for _, case in ipairs {
    { {}, "model is missing" },
    { { model = 3 }, "model is no model" },
    { { model = model }, "tokens is missing; a list or a tensor is expected" },
    { { model = model, tokens = {} }, "tokens is empty" },
    { { model = model, tokens = { 1.5 } }, "tokens[1] is no id" },
    { { model = model, tokens = mnemo.int_tensor { { 1 }, { 2 } } },
      "tokens are 2 sequences; one is drawn, such as tokens[1]" },
    { { model = model, tokens = { 1 } }, "layer is missing (allowed: 1 to 2)" },
    { { model = model, tokens = { 1 }, layer = 3 }, "layer is 3 (allowed: 1 to 2)" },
    { { model = model, tokens = { 1 }, layer = 1, head = 0 }, "head is 0 (allowed: 1 to 1)" },
    { { model = model, tokens = { 65 }, layer = 1, corpus = mnemo.corpus.uniform(3) },
      "tokens[1] is 65; the corpus has 3 symbols" },
    { { weights = { { 1 } }, tokens = { 1, 2 } }, "weights are 1 × 1 for 2 tokens" },
    { { weights = { { 1 } }, tokens = { 1 }, layer = 1 },
      "weights say where it looks; layer goes without" },
    { { weights = 3, tokens = { 1 } }, "weights is a number; a list or a tensor is expected" },
    { { model = model, heads = 2 }, "unknown option 'heads'; did you mean 'head'?" },
  } do
    local done, message = pcall(function() plot.attention(case[1]) end)
    luaunit.assertFalse(done)
    luaunit.assertStrMatches(message, "[^:]*plot_test.lua:%d+: .*")
    luaunit.assertStrContains(message, "plot.attention: " .. case[2])
  end
end

function tests.test_csv_of_points()
  luaunit.assertEquals(plot.scatter {
    x = { 1, 2 }, y = { 3, 4 }, size = { 5, 6 }, colour = { 7, 8 }, labels = { " ", "b" },
  }:csv(), "series,x,y,size,colour,label\nseries 1,1,3,5,7,␣\nseries 1,2,4,6,8,b\n")
end

function tests.test_csv_has_no_formulas()
  local names = {
    "=1", "+a", "-x", "@SUM(1)", "\tb", "\rc", "-1", "a=1", "", "-", "-inf", "=\"q\"",
  }
  local series = {}
  for i, name in ipairs(names) do series[i] = { name = name, y = { -i } } end
  luaunit.assertEquals(plot.lines { series = series }:csv(), "series,x,y\n'=1,1,-1\n'+a,1,-2\n"
    .. "'-x,1,-3\n'@SUM(1),1,-4\n'\tb,1,-5\n\"'\rc\",1,-6\n-1,1,-7\na=1,1,-8\n,1,-9\n'-,1,-10\n"
    .. "-inf,1,-11\n\"'=\"\"q\"\"\",1,-12\n")
  luaunit.assertEquals(plot.heatmap { matrix = { { 1, 2 } }, xlabels = { "=", "-3" } }:csv(),
    "x,y,value,x_label\n1,1,1,'=\n2,1,2,-3\n")
end

function tests.test_csv_of_contours()
  luaunit.assertEquals(plot.contour { x = { 1, 2 }, y = { 10, 30 }, z = { { 5, 6 }, { 7, 8 } } }
    :csv(), "x,y,value\n1,10,5\n2,10,6\n1,30,7\n2,30,8\n")
end

function tests.test_gaps_are_told()
  for expected, draw in pairs {
    ["plot.lines: 2 of 4 values are NaN or infinite and left out\n"] =
      function() return plot.lines { y = { 1, nan, 3, math.huge } } end,
    ["plot.lines: 1 of 3 values is NaN or infinite and left out\n"
      .. "plot.lines: 1 of 3 values is zero or negative on a log axis and left out\n"] =
      function() return plot.lines { x = { 1, 2, nan }, y = { 1, 0, 3 }, yscale = "log" } end,
    ["plot.scatter: 2 of 3 values are zero or negative on a log axis and left out\n"] =
      function() return plot.scatter { x = { -1, 2, 0 }, y = { 1, 2, 3 }, xscale = "log" } end,
    ["plot.heatmap: 1 of 2 values is NaN or infinite and left out\n"] =
      function() return plot.heatmap { matrix = { { 1, nan } } } end,
    ["plot.contour: 1 of 4 values is NaN or infinite and left out\n"] =
      function() return plot.contour { z = { { 1, nan }, { 1, 2 } } } end,
    [""] = function() return plot.lines { y = { 1, 0, -3 } } end,
  } do
    luaunit.assertEquals(said(draw), expected)
  end
end

function tests.test_tokens_are_visible()
  local tokens = { " the", "\n", "\t", "", "\0", "\127", "\xff\xfe", "\u{a0}", "\u{200b}", "é",
    "e\u{301}", "\u{301}", "日本", "a\nb" }
  local expected = { "␣the", "↵", "⇥", "∅", "<00>", "<7F>", "<FF><FE>", "<A0>", "<200B>", "é",
    "e\u{301}", "◌\u{301}", "日本", "a↵b" }
  local row = {}
  for i = 1, #tokens do row[i] = i end
  local labels = plot.heatmap { matrix = { row }, xlabels = tokens }.xlabels
  luaunit.assertEquals(labels, expected)
end

function tests.test_csv_of_a_map()
  luaunit.assertEquals(plot.heatmap {
    matrix = { { 1, 2, 3 }, { 4, 5, 6 } }, xlabels = { "a", " ", "\n" },
  }:csv(), "x,y,value,x_label\n1,1,1,a\n2,1,2,␣\n3,1,3,↵\n1,2,4,a\n2,2,5,␣\n3,2,6,↵\n")
  luaunit.assertEquals(plot.heatmap { matrix = { { 1 }, { 2 } }, marked_rows = { 2 } }:csv(),
    "x,y,value,marked\n1,1,1,\n1,2,2,yes\n")
end

function tests.test_csv_of_a_grid()
  local inner = plot.grid { plot.lines { y = { 1 }, title = "left" }, plot.lines { y = { 2 } } }
  luaunit.assertEquals(plot.grid({ inner, plot.heatmap { matrix = { { 7 } } } }):csv(),
    "panel,series,x,y,value\nleft,series 1,1,1,\npanel 3,series 1,1,2,\npanel 4,,1,1,7\n")
end

function tests.test_a_figure_tells_what_it_is()
  local curve = plot.lines { y = { 1 } }
  for expected, one in pairs {
    ["figure: 1 curve"] = curve,
    ["figure: 2 curves"] = plot.lines { series = { { y = { 1 } }, { y = { 1 } } } },
    ["figure: 1 set of points"] = plot.scatter { x = { 1 }, y = { 1 } },
    ["figure: a map of 1 × 2"] = plot.heatmap { matrix = { { 1, 2 } } },
    ["figure: 0 levels"] = plot.contour { z = { { 1, 1 }, { 1, 1 } } },
    ["figure: 1 level"] = plot.contour { z = { { 1, 2 }, { 3, 4 } }, levels = { 2 } },
    ["figure: 2 panels"] = plot.grid { curve, curve },
  } do
    luaunit.assertEquals(tostring(one), expected)
  end
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
    ["series 1 is empty"] = { y = {} },
    ["row 2 of series 1's y has 1 columns, row 1 has 2"] = { y = { { 1, 2 }, { 3 } } },
    ["series 1 has runs in y, whose spread is its band"] =
      { y = { { 1 } }, low = { 0 }, high = { 2 } },
    ["from_zero is 'yes'; allowed are true, false"] = { y = { 1 }, from_zero = "yes" },
    ["from_zero is true; a log axis has no 0"] = { y = { 1 }, from_zero = true, yscale = "log" },
    ["ylim says where the axis begins; from_zero goes without"] =
      { y = { 1 }, from_zero = false, ylim = { 0, 1 } },
    ["title is a table; a text is expected"] = { y = { 1 }, title = {} },
    ["xlim begins at 0; a log axis has places for positive numbers only"] =
      { y = { 1 }, xscale = "log", xlim = { 0, 1 } },
    ["hlines[2] is no number that the axis has a place for"] =
      { y = { 1 }, yscale = "log", hlines = { 1, 0 } },
    ["plot.lines, vlines[1]: unknown option 'nmae'; did you mean 'name'?"] =
      { y = { 1 }, vlines = { { at = 1, nmae = "" } } },
  } do
    luaunit.assertErrorMsgContains(message, plot.lines, wrong)
  end
  for message, wrong in pairs {
    ["plot.lines: vspans is a number; a list or a tensor is expected"] = 3,
    ["plot.lines, vspans[1] is a number; a table such as { from = 0, to = 1 } is expected"] = { 3 },
    ["plot.lines, vspans[1]: unknown option 'form'; did you mean 'from'?"] = { { form = 1 } },
    ["plot.lines, vspans[1]: to is no number that the axis has a place for"] = { { from = 1 } },
    ["plot.lines, vspans[1]: from is no number that the axis"] = { { from = 0, to = 1 } },
    ["plot.lines, vspans[1]: from is 2, not below to, 2"] = { { from = 2, to = 2 } },
    ["name is a table; a text is expected"] = { { from = 1, to = 2, name = {} } },
  } do
    luaunit.assertErrorMsgContains(message, plot.lines,
      { y = { 1 }, xscale = "log", vspans = wrong })
  end
  for message, wrong in pairs {
    ["palette is 'jet'; allowed are blues"] = { matrix = { { 1 } }, palette = "jet" },
    ["row 2 of matrix has 1 columns, row 1 has 2"] = { matrix = { { 1, 2 }, { 3 } } },
    ["plot.heatmap: matrix is empty"] = { matrix = {} },
    ["1 xlabels for 2 columns"] = { matrix = { { 1, 2 } }, xlabels = { "a" } },
    ["2 ylabels for 1 rows"] = { matrix = { { 1, 2 } }, ylabels = { "a", "b" } },
    ["min is 1, not below max, 0"] = { matrix = { { 1 } }, min = 1, max = 0 },
    ["min is NaN; a number is expected, neither infinite nor NaN"] = {
      matrix = { { 1 } }, min = 0 / 0,
    },
    ["max is inf; a number is expected"] = { matrix = { { 1 } }, max = math.huge },
    ["matrix is missing; a list or a tensor is expected"] = {},
    ["ylim is a pair such as { 1, 1 }"] = { matrix = { { 1, 2 } }, ylim = { 1, 2 } },
    ["marked_rows[2] is 3 (allowed: 1 to 2)"] =
      { matrix = { { 1 }, { 2 } }, marked_rows = { 2, 3 } },
    ["aspect is 'wide'; allowed are equal, auto"] = { matrix = { { 1 } }, aspect = "wide" },
    ["plot.heatmap: vlines[1] is no number"] = { matrix = { { 1 } }, vlines = { "H" } },
    ["plot.heatmap, hlines[1]: unknown option 'nmae'; did you mean 'name'?"] =
      { matrix = { { 1 } }, hlines = { { at = 1, nmae = "" } } },
  } do
    luaunit.assertErrorMsgContains(message, plot.heatmap, wrong)
  end
  for message, wrong in pairs {
    ["unknown option 'color'; did you mean 'colour'?"] = { x = { 1 }, y = { 1 }, color = { 1 } },
    ["series 1 has no x"] = { y = { 1 } },
    ["series 1 has no y"] = { x = { 1 } },
    ["series 1 has 1 y but 2 labels"] = { x = { 1 }, y = { 1 }, labels = { "a", "b" } },
    ["series 2 has 1 y but 2 size"] =
      { x = { 1 }, series = { { y = { 1 } }, { y = { 1 }, size = { 1, 2 } } } },
  } do
    luaunit.assertErrorMsgContains(message, plot.scatter, wrong)
  end
  local z = { { 1, 2, 3 }, { 4, 5, 6 } }
  for message, wrong in pairs {
    ["z is missing"] = {},
    ["z is 1 × 3; 2 × 2 is the least"] = { z = { { 1, 2, 3 } } },
    ["2 x for 3 columns of z"] = { z = z, x = { 1, 2 } },
    ["3 y for 2 rows of z"] = { z = z, y = { 1, 2, 3 } },
    ["x does not rise at x[3]"] = { z = z, x = { 1, 3, 2 } },
    ["x[1] is 0, which has no place on its axis"] = { z = z, x = { 0, 1, 2 }, xscale = "log" },
    ["levels do not rise at levels[2]"] = { z = z, levels = { 2, 2 } },
    ["levels is 0; 1 to 100 are allowed"] = { z = z, levels = 0 },
  } do
    luaunit.assertErrorMsgContains(message, plot.contour, wrong)
  end
  luaunit.assertErrorMsgContains("entry 1 is no figure", plot.grid, { {} })
  luaunit.assertErrorMsgContains("columns is a whole number from 1 to 100", plot.grid,
    { plot.lines { y = { 1 } } }, { columns = math.maxinteger })
  local one = plot.lines { y = { 1 } }
  for words, heights in pairs {
    ["heights has a positive number for each of the 2 rows"] = { 1, math.huge },
    ["heights go from 0.001 to 2; none may be more than 1000 times another"] = { 2, 1e-3 },
    ["heights go from 1e+308 to 1.7e+308"] = { 1e308, 1.7e308 },
  } do
    luaunit.assertErrorMsgContains(words, plot.grid, { one, one, one }, { heights = heights })
  end
  luaunit.assertErrorMsgContains("did you mean 'columns'?", plot.grid,
    { plot.lines { y = { 1 } } }, { colums = 1 })
end

--- A run of two steps with two probes.
local function small_run()
  local mnemo = require "mnemo"
  local task = mnemo.data.bigram { seq_len = 8, seed = 1 }
  return mnemo.train {
    model = mnemo.model.simplified { vocab = task.vocab_size, dim = 8, seed = 1 }, data = task,
    steps = 2, eval_every = 1, optimizer = mnemo.optim.sgd { lr = 0.1 }, progress = false,
    probes = { one = function() return 1 end, half = function(ctx) return (ctx.step + 1) / 2 end },
  }
end

function tests.test_history_takes_options_of_curves()
  local run = small_run()
  local function names(figure)
    local listed = {}
    for i, series in ipairs(figure.series) do listed[i] = series.name end
    return listed
  end
  luaunit.assertEquals(names(run:plot()), { "loss", "half", "one" })
  luaunit.assertEquals(names(run:plot { title = "all" }), { "loss", "half", "one" })
  local figure = run:plot { "half", "loss", title = "t", ylabel = "nats", yscale = "log" }
  luaunit.assertEquals(names(figure), { "half", "loss" })
  luaunit.assertEquals(figure.series[1].x, { 0, 1, 2 })
  luaunit.assertEquals(figure.series[1].y, { 0.5, 1, 1.5 })
  luaunit.assertEquals({ figure.options.title, figure.options.ylabel, figure.options.yscale,
    figure.options.xlabel }, { "t", "nats", "log", "step" })
  luaunit.assertEquals(run:plot { xlabel = "time" }.options.xlabel, "time")
  for words, call in pairs {
    ["plot.history: unknown column 'los'; did you mean 'loss'?"] =
      function() local _ = run:plot { "los" } end,
    ["plot.history: unknown column 'x'; allowed are 'loss', 'half', 'one'"] =
      function() local _ = plot.history(run, { "x" }) end,
    ["plot.history: unknown option 'titel'; did you mean 'title'?"] =
      function() local _ = run:plot { "loss", titel = "t" } end,
    ['plot.history: a list of columns such as { "loss" } is expected, got string'] =
      function() local _ = run:plot("loss") end,
    ["plot.history: run is missing; a Run is expected"] =
      function() local _ = plot.history() end,
    ["plot.history: run is a number; a Run is expected"] =
      function() local _ = plot.history(3) end,
  } do
    local _, message = pcall(call)
    luaunit.assertStrMatches(message, "[^:]*plot_test.lua:"
      .. debug.getinfo(call, "S").linedefined .. ": .*")
    luaunit.assertStrContains(message, words)
  end
end

function tests.test_wrong_arguments_are_named()
  local mnemo = require "mnemo"
  for words, call in pairs {
    ["plot.lines: options have names, such as { y = … }; got a list"] =
      function() plot.lines { 1, 2, 3 } end,
    ["plot.lines: a table of options such as { y = … } is expected, got nil"] =
      function() plot.lines() end,
    ["plot.heatmap: a table of options such as { matrix = … } is expected, got Tensor"] =
      function() plot.heatmap(mnemo.eye(2)) end,
    ["plot.scatter: a table of options such as { x = … } is expected, got number"] =
      function() plot.scatter(1) end,
    ["plot.contour: options have names, such as { z = … }; got a list"] =
      function() plot.contour { { 1, 2 }, { 3, 4 } } end,
    ["plot.attention: a table of options such as { model = … } is expected, got string"] =
      function() plot.attention "model" end,
    ["plot.grid: figures stand in a list, such as plot.grid { first, second }"] =
      function() plot.grid(plot.lines { y = { 1 } }, plot.lines { y = { 1 } }) end,
    ["a figure is described once: its title is given where it is made"] =
      function() plot.lines { y = { 1 } }.title = "late" end,
  } do
    luaunit.assertErrorMsgContains(words, call)
  end
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
    function() local _ = plot.scatter { x = { 1 } } end,
    function() local _ = plot.contour { z = { { 1 } } } end,
    function() local _ = plot.grid {} end,
    function() local _ = plot.history() end,
    function() local _ = plot.attention {} end,
    function() pcall(plot.lines, {}); plot.lines { 1 } end,
    function() local f = plot.lines { y = { 1 } }; f.title = "late" end,
    function() local _ = plot.lines { y = { 1 } }:save("figure.gif") end,
    function() local _ = plot.lines { y = { 1 } }:save("/no/such/folder/figure.svg") end,
  } do
    local _, message = pcall(wrong)
    local line = debug.getinfo(wrong, "S").linedefined
    luaunit.assertStrContains(message, ("%s:%d:"):format(here, line))
  end
end

os.exit(luaunit.LuaUnit.new():runSuiteByInstances { { "plot", tests } })
