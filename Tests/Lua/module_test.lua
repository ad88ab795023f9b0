--- The tables of the module: what they hold, and what is said about other names.
local luaunit = require "luaunit"
local mnemo = require "mnemo"

local tests = {}

--- The message of an error that names this file and the line of the call.
local function message(f)
  local line = debug.getinfo(f, "S").linedefined
  local done, found = pcall(f)
  luaunit.assertFalse(done)
  local start, rest = found:match("^[^:]*module_test%.lua:(%d+): (.*)$")
  luaunit.assertEquals(tonumber(start), line, found)
  return rest
end

function tests.test_unknown_names_are_errors()
  for expected, f in pairs {
    ["mnemo has no 'trian'; did you mean 'train'?"] = function() return mnemo.trian end,
    ["mnemo has no 'prbes'; did you mean 'probes'?"] = function() return mnemo.prbes end,
    ["mnemo has no 'xyzzy'"] = function() return mnemo.xyzzy end,
    ["mnemo has no '../mnemo/plot'"] = function() return mnemo["../mnemo/plot"] end,
    ["mnemo.optim has no 'adma'; did you mean 'adam'?"] = function() mnemo.optim.adma {} end,
    ["mnemo.plot has no 'line'; did you mean 'lines'?"] = function() mnemo.plot.line {} end,
    ["mnemo.probes has no 'head_score'; did you mean 'head_scores'?"] =
      function() return mnemo.probes.head_score end,
    ["mnemo.model has no 'simplifed'; did you mean 'simplified'?"] =
      function() mnemo.model.simplifed { vocab = 3 } end,
    ["mnemo.runs has no 'lost'; did you mean 'last'?"] =
      function() return require("mnemo.runs").lost end,
    ["mnemo.arguments has no 'pars'; did you mean 'parse'?"] =
      function() return mnemo.arguments.pars end,
  } do
    luaunit.assertEquals(message(f), expected)
  end
end

function tests.test_the_tables_are_tables()
  luaunit.assertNil(rawget(mnemo.optim, "lion"))
  luaunit.assertNil(mnemo[1])
  luaunit.assertNil(mnemo.optim[1])
  local names = {}
  for name in pairs(mnemo.optim) do names[#names + 1] = name end
  table.sort(names)
  luaunit.assertEquals(names, { "adam", "adamw", "clip_grad_norm", "muon", "sgd", "sign_sgd" })
  -- A script may add what it likes.
  mnemo.optim.mine = 3
  luaunit.assertEquals(mnemo.optim.mine, 3)
  mnemo.optim.mine = nil
  luaunit.assertEquals(message(function() return mnemo.optim.mine end),
    "mnemo.optim has no 'mine'")
end

-- However deep inside the module the check stands, and through whichever call it was reached.
function tests.test_mistakes_are_told_at_the_callers_line()
  local task = mnemo.data.bigram { seq_len = 8, seed = 1 }
  local model = mnemo.model.transformer { vocab = task.vocab_size, dim = 8, heads = 2, max_len = 8 }
  for expected, f in pairs {
    ["bad argument #1 to 'stats.compare' (measurement or number expected, got nil)"] =
      function() mnemo.stats.compare() end,
    ["bad argument #1 to 'runs.last' (list of Run expected, got nil)"] =
      function() mnemo.runs.last() end,
    ["probes.batch_metrics: unknown option 'lonk'; did you mean 'long'?"] =
      function() mnemo.probes.batch_metrics(task, { lonk = task }) end,
    ["probes.answers: at is 'ends'; allowed are outputs, repeats"] =
      function() mnemo.probes.answers(model, task, { at = "ends" }) end,
    ["bad argument #2 to 'probes.answers' (Task expected, got nil)"] =
      function() error(select(2, pcall(mnemo.probes.answers, model)), 0) end,
    ["plot.lines: unknown option 'xlable'; did you mean 'xlabel'?"] =
      function() mnemo.plot.lines { y = { 1, 2 }, xlable = "x" } end,
    ["option 'n' is declared twice"] =
      function() mnemo.arguments({ { "n", 1 }, { "n", 2 } }, {}) end,
    ["an option's declaration: unknown option 'mni'; did you mean 'min'?"] =
      function() mnemo.arguments.parse({ { "n", 1, mni = 0 } }, {}) end,
    ["circuit: layer is 9 (allowed: 1 to 2)"] = function() model:circuit("qk", 9, 1) end,
  } do
    luaunit.assertEquals(message(f), expected)
  end
end

os.exit(luaunit.LuaUnit.new():runSuiteByInstances { { "module", tests } })
