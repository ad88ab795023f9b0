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
