--- Several runs of one experiment: columns, last values, mean and spread, text.
local luaunit = require "luaunit"
local runs = require "mnemo.runs"

local tests = {}

--- A run with these losses, measured every ten steps.
local function run(...)
  local history = {}
  for i, loss in ipairs { ... } do history[i] = { step = 10 * (i - 1), loss = loss } end
  return { history = history }
end

local two = { run(4, 2, 1), run(5, 3, 2) }

function tests.test_columns_of_runs()
  luaunit.assertEquals(runs.series(two, "loss"), { { 4, 2, 1 }, { 5, 3, 2 } })
  luaunit.assertEquals(runs.series(two, "step")[2], { 0, 10, 20 })
  luaunit.assertEquals(runs.last(two, "loss"), { 1, 2 })
end

function tests.test_trained_runs()
  local task = mnemo.data.bigram { seq_len = 16, seed = 1 }
  local trained = mnemo.train {
    model = mnemo.model.simplified { vocab = task.vocab_size, dim = 8, max_len = 16, seed = 1 },
    data = task, steps = 4, batch_size = 2, eval_every = 2, progress = false,
    optimizer = mnemo.optim.sgd { lr = 0.1 },
  }
  luaunit.assertEquals(runs.series({ trained }, "step"), { { 0, 2, 4 } })
  luaunit.assertEquals(runs.last({ trained }, "loss"), { trained:series("loss")[3] })
end

function tests.test_first_step()
  local function below(limit)
    return runs.first_step(two[1], "loss", function(loss) return loss < limit end)
  end
  luaunit.assertEquals(below(5), 0)
  luaunit.assertEquals(below(4), 10)
  luaunit.assertNil(below(1))
end

function tests.test_plateaus()
  local function is_on(losses, options)
    options.mode = options.mode or "min"
    return runs.on_plateau(run(table.unpack(losses)), "loss", options)
  end
  -- A plateau lasts `patience` records after the best one, whatever comes in between.
  luaunit.assertFalse(is_on({ 4, 3, 3.5 }, { patience = 2 }))
  luaunit.assertTrue(is_on({ 4, 3, 3.5, 3 }, { patience = 2 }))
  luaunit.assertTrue(is_on({ 4, 3, 3.5, 3 }, { patience = 1 }))
  luaunit.assertFalse(is_on({ 4, 3, 3.5, 3, 2 }, { patience = 2 }))
  -- Small improvements count together, from the last large one on.
  luaunit.assertTrue(is_on({ 4, 3.75, 3.5 }, { patience = 2, min_delta = 0.5 }))
  luaunit.assertFalse(is_on({ 4, 3.75, 3.25 }, { patience = 2, min_delta = 0.5 }))
  luaunit.assertFalse(is_on({ 1, 2, 3 }, { patience = 2, mode = "max" }))
  luaunit.assertTrue(is_on({ 3, 2, 1 }, { patience = 2, mode = "max" }))
  luaunit.assertTrue(runs.on_plateau(run(2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2), "loss"))
  luaunit.assertFalse(runs.on_plateau(run(2, 2, 2, 2, 2, 2, 2, 2, 2, 2), "loss"))
  luaunit.assertTrue(is_on({ 0 / 0, 0 / 0 }, { patience = 2 }))
  luaunit.assertFalse(is_on({ 0 / 0, 0 / 0, 1 }, { patience = 2 }))
  luaunit.assertTrue(is_on({ 1, 0 / 0, 0 / 0 }, { patience = 2 }))
end

function tests.test_a_run_ends_on_a_plateau()
  local task = mnemo.data.bigram { seq_len = 16, seed = 1 }
  local function model(seed)
    return mnemo.model.simplified { vocab = task.vocab_size, dim = 8, max_len = 16, seed = seed }
  end
  local falls = { function(ctx) return -ctx.step end, function() return 1 end }
  local trained = mnemo.train {
    model = { model(1), model(2) }, data = task, steps = 9, batch_size = 2, eval_every = 1,
    progress = false, optimizer = mnemo.optim.sgd { lr = 0.1 },
    probes = { { a = falls[1] }, { a = falls[2] } },
    stop = function(_, one) return runs.on_plateau(one, "a", { patience = 3, mode = "min" }) end,
  }
  luaunit.assertEquals({ trained[1].step, trained[2].step }, { 9, 3 })
end

function tests.test_plateaus_refuse()
  for text, given in pairs {
    ["patience is 0 (allowed: an integer of 1 or more)"] = { two[1], "loss", { patience = 0 } },
    ["patience is 1.5 (allowed: an integer"] = { two[1], "loss", { patience = 1.5 } },
    ["min_delta is -1 (allowed: 0 or more)"] = { two[1], "loss", { min_delta = -1 } },
    ["min_delta is"] = { two[1], "loss", { min_delta = 0 / 0 } },
    ["mode is 'most'; allowed are max, min"] = { two[1], "loss", { mode = "most" } },
    ["unknown option 'patiense'; did you mean 'patience'?"] =
      { two[1], "loss", { patiense = 1 } },
    ["no column 'acc'"] = { two[1], "acc" },
    ["bad argument #1 to 'runs.on_plateau' (Run expected, got nil)"] = {},
  } do
    luaunit.assertErrorMsgContains(text, runs.on_plateau, table.unpack(given, 1, 3))
  end
end

function tests.test_mean_and_spread()
  local mean, deviation = runs.summary { 1, 2, 6 }
  luaunit.assertEquals(mean, 3)
  luaunit.assertAlmostEquals(deviation, math.sqrt(7), 1e-12)
  luaunit.assertEquals({ runs.summary { 5 } }, { 5 })
  luaunit.assertEquals(runs.spread { 1, 2, 6 }, "3.000 ± 2.646")
  luaunit.assertEquals(runs.spread({ 150, 175 }, 0), "162 ± 18")
  luaunit.assertEquals(runs.spread { 0.25 }, "0.250")
  luaunit.assertEquals(runs.spread { -0.0001, -0.0003 }, "0.000 ± 0.000")
  luaunit.assertEquals(runs.spread({ -0.0004 }, 4), "-0.0004")
  luaunit.assertEquals(runs.spread {}, "nan")
  luaunit.assertEquals(runs.spread { 1, -(0 / 0) }, "nan ± nan")
  luaunit.assertEquals(runs.spread { 1, 0 / 0 }, "nan ± nan")
end

function tests.test_transposed()
  luaunit.assertEquals(runs.transposed { { 1, 2, 3 }, { 4, 5, 6 } },
    { { 1, 4 }, { 2, 5 }, { 3, 6 } })
  luaunit.assertEquals(runs.transposed {}, {})
end

function tests.test_columns_of_text_count_characters()
  luaunit.assertEquals(runs.columns {
    { "", "accuracy", "d" }, { "noisy", "0.9 ± 0.1", 64 }, { "clean é", "1.0", 8 },
  }, "            accuracy   d\n  noisy    0.9 ± 0.1  64\n  clean é        1.0   8")
  luaunit.assertEquals(runs.columns { { 0 / 0, -(0 / 0) } }, "  nan  nan")
end

os.exit(luaunit.LuaUnit.new():runSuiteByInstances { { "runs", tests } })
