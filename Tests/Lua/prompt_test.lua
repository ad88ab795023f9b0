--- What the prompt shows and completes, without a terminal: the Lua files of lua/mnemo/prompt.
local luaunit = require "luaunit"
local mnemo = require "mnemo"
local complete = require "mnemo.prompt.complete"
local objects = require "mnemo.prompt.objects"
local show = require "mnemo.prompt.show"
local columns = require "mnemo.text.columns"
local visible = require "mnemo.text.visible"

local tests = {}

--- What the prompt offers these files, for a window of some columns without colours.
local function engine(width)
  return {
    columns = function() return width or 80 end,
    colour = function() return false end,
    width = function(text) return utf8.len(text) end,
    is_interrupt = function(error) return error == "stop" end,
    decode = function() return nil end,
    files = function(beginning) return { beginning .. ".lua" } end,
    methods = function(class)
      return ({ Tensor = { "sum", "size", "t", "topk" }, Task = { "batch" } })[class] or {}
    end,
    fields = function(class)
      return ({ Batch = { "targets", "tokens" }, Tensor = { "grad" } })[class] or {}
    end,
    result = function(f)
      local class = ({ [mnemo.zeros] = "Tensor", ["Tensor:sum"] = "Tensor",
        ["Task:batch"] = "Batch", [mnemo.data.bigram] = "Task" })[f]
      if class then return { kind = "object", class = class } end
      return ({ ["Tensor:topk"] = { kind = "list", of = { kind = "object", class = "Batch" } },
        [mnemo.kernels] = { kind = "string" } })[f]
    end,
    field = function(_, name)
      if name ~= "grad" and name ~= "tokens" then return nil end
      return { kind = "union", of = { { kind = "number" }, { kind = "object", class = "Tensor" } } }
    end,
    choices = function(f, which)
      if f == mnemo.train and which == "loss_on" then return { "all", "outputs" } end
      return f == "Tensor:topk" and which == 2 and { "first", "last" } or nil
    end,
    topics = function() return { "data.bigram", "data.custom", "train" } end,
    options = function(f) return f == mnemo.data.bigram and { "seed", "seq_len" } or {} end,
    names = function(path)
      return ({ data = { "bigram", "custom" }, [""] = { "zeros", "late", "late" } })[path] or {}
    end,
    submodule = function(name) return mnemo[name] end,
  }
end

--- The text of a value in a window of some columns.
local function shown(value, width) return show.text(engine(width), value) end

function tests.test_values_in_a_line()
  local cyclic = { 1 }
  cyclic.self = cyclic
  for _, case in ipairs {
    { 3, "3" }, { 3.0, "3.0" }, { 0.1, "0.1" }, { 0 / 0, "nan" }, { -math.huge, "-inf" },
    { "a\"b\n\1", [["a\"b\n\1"]] }, { "é\xff", [["\195\169\255"]] }, { true, "true" },
    { {}, "{}" }, { { 1, 2, x = "y", ["not a name"] = 3, ["end"] = 4 },
      [=[{ 1, 2, ["end"] = 4, ["not a name"] = 3, x = "y" }]=] },
    { { [1.5] = 1, [true] = 2 }, "{ [1.5] = 1, [true] = 2 }" }, { cyclic, "{ 1, self = <cycle> }" },
    { { { { { { 1 } } } } }, "{ { { { {…} } } } }" },
  } do
    luaunit.assertEquals(shown(case[1]), case[2])
  end
end

function tests.test_what_is_too_wide_takes_lines()
  luaunit.assertEquals(shown({ name = "a long text", other = { 1, 2 } }, 20),
    '{\n  name = "a long text",\n  other = { 1, 2 },\n}')
  luaunit.assertEquals(shown({ 100, 200, 300, 400 }, 14), "{\n  100, 200,\n  300, 400,\n}")
  local many = {}
  for i = 1, 100 do many[i] = i end
  luaunit.assertStrContains(shown(many, 1000), "24, … 76 more }")
end

function tests.test_fields_that_are_not_shown_are_named()
  local many = {}
  for i = 1, 30 do many[("field%02d"):format(i)] = i end
  luaunit.assertStrContains(shown(many, 40), [[

  field24 = 24,
  … 6 more: field25, field26, field27,
    field28, field29, field30
}]])
  luaunit.assertStrMatches(shown(mnemo),
    "{.*… %d+ more: .*zeros_like\n}\nand, loaded when it is named: late")
  local model = mnemo.model.transformer { vocab = 5, dim = 8, heads = 2, layers = 2, max_len = 4 }
  local trace = shown(model:trace(mnemo.int_tensor { { 1, 2, 3 } }))
  local last = 0
  for _, name in ipairs { "embeddings", "layers.0.queries", "layers.0.residual",
    "layers.1.attention_input", "layers.1.values", "layers.1.scores", "layers.1.attention",
    "layers.1.residual", "norm", "logits" } do
    local place = trace:find('["]?' .. name:gsub("%.", "%%.") .. '["]?[ ,\n%]]')
    luaunit.assertTrue(place ~= nil and place > last, name)
    last = place
  end
end

function tests.test_next_tokens_are_rows_with_bars()
  local found = {
    { id = 254, probability = 0.5, token = " the" },
    { id = 3, probability = 1 / 128, token = "a\n" }, { id = 9, probability = 0.0 },
  }
  luaunit.assertEquals(shown(found, 66), table.concat({
    "3 next tokens",
    "  token   id  probability",
    "  ␣the   254       0.5000  ████████",
    "  a↵       3       0.0078  ▏",
    "           9       0.0000",
  }, "\n"))
  -- What only looks like it is shown as any table.
  for _, other in ipairs { {}, { { id = 1 } }, { { id = 1, probability = 1 } } } do
    luaunit.assertNil(shown(other):find "next tokens")
  end
end

function tests.test_functions()
  luaunit.assertEquals(shown(print), "function (of Lua)")
  luaunit.assertEquals(shown(string.rep), "function (of Lua)")
  luaunit.assertEquals(shown(mnemo.zeros), "function (of the engine)")
  luaunit.assertStrMatches(shown(shown), "function %(.*prompt_test%.lua:%d+%)")
end

function tests.test_metamethods_run_under_protection_alone()
  local function bad() error "no" end
  local odd = setmetatable({ 7 }, { __index = bad, __len = bad, __pairs = bad, __eq = bad })
  luaunit.assertEquals(shown(odd), "{ 7 }")
  luaunit.assertEquals(shown(setmetatable({ 7 }, { __tostring = bad })),
    "{ 7 } -- its __tostring fails")
  luaunit.assertEquals(shown(setmetatable({}, { __tostring = function() return "mine" end })),
    "mine")
  -- Only an interrupt gets through.
  local stopped = setmetatable({}, { __tostring = function() error("stop", 0) end })
  luaunit.assertErrorMsgEquals("stop", shown, stopped)
end

function tests.test_objects()
  luaunit.assertEquals(objects.sparkline({ 1, 2, 3, 4, 5, 6, 7, 8 }, 8), "▁▂▃▄▅▆▇█")
  luaunit.assertEquals(objects.sparkline({ 1, 1, 9, 9 }, 2), "▁█")
  luaunit.assertEquals(objects.sparkline({ 3, 0 / 0, 3 }, 3), "▁ ▁")
  local model = mnemo.model.simplified { vocab = 5, dim = 4, max_len = 3, seed = 1 }
  local lines = shown(model)
  luaunit.assertStrContains(lines, "Model simplified: 2 layers, ")
  luaunit.assertStrMatches(lines, ".*\n  tok_embeddings.weight +%[5, 4%]  frozen .*")
  luaunit.assertTrue(objects.is_figure(mnemo.plot.lines { y = { 1 } }))
  luaunit.assertFalse(objects.is_figure {} or false)
end

function tests.test_variables()
  local who = require "mnemo.prompt.who"
  luaunit.assertEquals(who(engine(), {}, _G), "no variables yet")
  luaunit.assertEquals(
    who(engine(), { _1 = 3, x = mnemo.ones(2, 3), text = "abc", list = { 1, a = 2 } }, _G),
    "name  type    shape or value          bytes\n"
    .. "list  table   1 in sequence, 1 field\n"
    .. 'text  string  "abc"                     3 B\n'
    .. "x     Tensor  [2, 3]                   24 B")
end

--- What stands in place of the end of a text.
local function completed(text, locals)
  local _, found = complete(engine(), text, locals or {})
  return table.concat(found, " ")
end

function tests.test_completion()
  luaunit.assertEquals(completed("retu"), "return")
  luaunit.assertEquals(completed("my", { mystery = 1, my_own = 2, other = 3 }), "my_own mystery")
  luaunit.assertEquals(completed("t.a", { t = { ab = 1, ac = 2, b = 3 } }), "ab ac")
  luaunit.assertEquals(completed("t:a", { t = { ab = print, ac = 2 } }), "ab(")
  luaunit.assertEquals(completed("x:s", { x = mnemo.ones(1) }), "size sum")
  luaunit.assertEquals(completed("('a'):up", {}), "upper(")
  luaunit.assertEquals(completed("s:upp", { s = "text" }), "upper(")
  luaunit.assertEquals(completed("m.data.b", { m = mnemo }), "bigram")
  luaunit.assertEquals(completed("m.data.bigram { se", { m = mnemo }), "seed seq_len")
  luaunit.assertEquals(completed("m.data.bigram { seed = 1, se", { m = mnemo }), "seq_len = ")
  luaunit.assertEquals(completed("io.open('fi"), "fi.lua")
  luaunit.assertEquals(completed("-- re"), "")
  luaunit.assertEquals(completed("x = [[ re"), " re.lua")
end

function tests.test_completion_of_what_is_not_evaluated()
  local task = mnemo.data.bigram { corpus = mnemo.corpus.text "abab", triggers = 1, seq_len = 4 }
  local locals = { m = mnemo, x = mnemo.ones(1), task = task, make = mnemo.data.bigram }
  for text, found in pairs {
    ["m.zeros(2, 3):s"] = "size sum", ["m.zeros { 2, 3 }:s"] = "size sum",
    ["m.zeros(f(2), '):'):si"] = "size(", ["print(m.zeros(1):sum(2):si"] = "size(",
    ["(m.zeros(1)):si"] = "size(", ["((x)):si"] = "size(", ["1 + x:sum():si"] = "size(",
    ["x[1]:si"] = "size(", ["x[{1}][2]:si"] = "size(", ["x.grad:si"] = "size(",
    ["task:batch(2)."] = "targets tokens", ["task:batch(2):"] = "",
    ["task:batch(2).tokens:si"] = "size(",
    ["task:batch(2)['tokens']:si"] = "size(", ["make{}:batch().t"] = "targets tokens",
    ["x:topk(2)[1].t"] = "targets tokens", ["('x'):upp"] = "upper(", ["m.kernels():upp"] = "upper(",
    ["('x' .. 'y'):"] = "", ["(x + x):s"] = "", ["unknown():"] = "", ["print(1):"] = "",
    ["x:none():"] = "", ["x:sum."] = "", ["task:batch(2).other."] = "", ["f{1, 2}."] = "",
    ["{1, 2}."] = "", ["x:batch(2)."] = "", ["):"] = "", ["return x:si"] = "size(",
  } do
    luaunit.assertEquals(completed(text, locals), found, text)
  end
end

function tests.test_completion_reads_lists_and_objects()
  local model = mnemo.model.simplified { vocab = 5, dim = 4, max_len = 3 }
  local locals = { m = model, t = { { one = 1 }, ["a b"] = { two = 2 } } }
  luaunit.assertEquals(completed("t[1].", locals), "one")
  luaunit.assertEquals(completed('t["a b"].', locals), "two")
  luaunit.assertEquals(completed("t[i].", locals), "")
  luaunit.assertEquals(completed("m.config.voc", locals), "vocab")
end

function tests.test_completion_of_names_of_objects()
  local model = mnemo.model.simplified { vocab = 5, dim = 4, max_len = 3 }
  local custom = mnemo.model.custom {
    vocab = 2, parameters = { layers = mnemo.ones(2, 2) }, forward = function() error "called" end,
  }
  local locals = { m = model, c = custom, ids = mnemo.int_tensor { { 1 } } }
  for text, found in pairs {
    ['m:get("out'] = "output.weight", ['m:get "tok'] = "tok_embeddings.weight",
    ['m:freeze { "pe", "out'] = "output.weight", ['m:trace(ids, "log'] = "logits",
    ['m:trace(ids, { "logits", "emb'] = "embeddings",
    ['m:patch(ids, { ["layers.1.sco'] = "layers.1.scores", ['c:get("la'] = "layers",
    ['c:trace(ids, "la'] = "", ['m.trace("la'] = "la.lua", ['ids:get("la'] = "la.lua",
  } do
    luaunit.assertEquals(completed(text, locals), found, text)
  end
end

function tests.test_completion_of_strings()
  local locals = { m = mnemo, x = mnemo.ones(1) }
  for text, found in pairs {
    ['m.train { loss_on = "'] = "all outputs", ['m.train { steps = 1, loss_on="o'] = 'outputs"',
    ["m.train({ loss_on = 'o"] = "outputs'", ["m.train { loss_on = [[o"] = "outputs]]",
    ['m.train { series = { { loss_on = "o'] = 'outputs"', ['m.train { loss_on = "x'] = "",
    ['m.train { data = "o'] = "o.lua", ['x:topk(f(1, 2), "l'] = 'last"', ['x:topk("l'] = "l.lua",
    ['x:topk(1, "a" .. "l'] = "l.lua", ['m.help("da'] = "data.bigram data.custom",
    ["help 'tr"] = "train",
  } do
    luaunit.assertEquals(completed(text, locals), found, text)
  end
end

function tests.test_completion_follows_tables_and_runs_nothing()
  local function bad() error "no" end
  local parent = { inherited = 1 }
  local odd = setmetatable({ own = 1 }, { __index = parent, __eq = bad, __pairs = bad })
  luaunit.assertEquals(completed("o.", { o = odd }), "inherited own")
  luaunit.assertEquals(completed("o.none.", { o = setmetatable({}, { __index = bad }) }), "")
end

function tests.test_columns()
  local rows = { { "name", "n" }, { "é", 10 }, { "b", 2 } }
  luaunit.assertEquals(columns(rows, function(i) return i == 2 end),
    { "name   n", "é     10", "b      2" })
  luaunit.assertEquals(columns(rows, function() return false end),
    { "name  n", "é     10", "b     2" })
  luaunit.assertEquals(columns({}, print), {})
end

function tests.test_what_is_invisible()
  luaunit.assertEquals(visible.token " ", "␣")
  luaunit.assertEquals(visible.token "", "∅")
  luaunit.assertEquals(visible.token "a\tb\u{200B}", "a⇥b<200B>")
  luaunit.assertEquals(visible.token "\u{301}", "◌\u{301}")
  luaunit.assertEquals(visible.token "\xff", "<FF>")
  luaunit.assertEquals(visible.row "a b\n\tc\1", "a b↵⇥c·")
end

-- Escape, CSI as one character (a C1 control), and what turns the direction of writing.
local steering = {
  "\27", "\u{9B}", "\u{80}", "\u{61C}", "\u{200F}", "\u{202E}", "\u{2066}", "\u{2028}",
}

function tests.test_what_steers_a_terminal_is_not_shown()
  for _, character in ipairs(steering) do
    local text = "a" .. character .. "31mb"
    for what, printed in pairs {
      string = shown(text), key = shown { [text] = 1 }, row = visible.row(text),
      line = visible.line(text), token = visible.token(text),
      model = shown(mnemo.model.custom {
        vocab = 2, parameters = { [text] = mnemo.ones(2, 2) }, forward = print,
      }),
    } do
      luaunit.assertNotStrContains(printed, character, false, what)
      luaunit.assertStrContains(printed, "31mb", false, what)
    end
  end
  luaunit.assertEquals(shown "é\u{9B}\u{202E}漢", [["é\u{9b}\u{202e}漢"]])
  luaunit.assertEquals(visible.line "é\27\u{9B}", "é<1B><9B>")
end

function tests.test_completion_runs_nothing_of_the_users()
  local ran = {}
  local traps = {}
  for _, name in ipairs {
    "eq", "lt", "le", "len", "index", "newindex", "call", "concat", "pairs", "tostring", "add",
    "unm", "close", "name", "metatable", "idiv", "band",
  } do
    traps["__" .. name] = function() ran[#ran + 1] = name end
  end
  local odd = setmetatable({ inner = setmetatable({ x = 1 }, traps) }, traps)
  local locals = { odd = odd, list = setmetatable({ odd, odd }, traps) }
  for _, text in ipairs {
    "odd", "odd.", "odd:", "odd.inner.", "odd.none.", "odd.inner:x", "odd{", "odd {a = 1, ",
    "odd('", "odd:get('", "odd.inner:series(\"", "print(odd.", "x = odd .. odd.", "#odd.", "list.",
    "list[1].", "mnemo.data.bigram{odd = odd, ", "odd.inner:trace{", "",
  } do
    complete(engine(), text, locals)
    luaunit.assertEquals(ran, {}, text)
  end
  luaunit.assertEquals({ complete(engine(), "odd.inn", locals) }, { 3, { "inner" } })
end

os.exit(luaunit.LuaUnit.new():runSuiteByInstances { { "prompt", tests } })
