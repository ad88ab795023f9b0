--- Measurements and their comparisons.
local luaunit = require "luaunit"
local mnemo = require "mnemo"

local tests = {}

function tests.test_of()
  local measured = mnemo.stats.of { 1, 2, 3, 6 }
  luaunit.assertEquals(measured.mean, 3)
  luaunit.assertAlmostEquals(measured.error, math.sqrt(14 / 3 / 4), 1e-12)
  luaunit.assertNil(mnemo.stats.of({ 5 }).error)
  luaunit.assertEquals(("%.1f"):format(mnemo.stats.of({}).mean), "nan")
end

-- Against sequences drawn again and again: of each, four places that are all right or all wrong.
function tests.test_share_counts_sequences()
  local hits, sequences = {}, {}
  for i = 1, 50 do
    for _ = 1, 4 do
      hits[#hits + 1], sequences[#sequences + 1] = i <= 20 and 1 or 0, i
    end
  end
  local measured = mnemo.stats.share(mnemo.tensor(hits), mnemo.int_tensor(sequences))
  luaunit.assertAlmostEquals(measured.mean, 0.4, 1e-12)
  luaunit.assertEquals(measured.count, 200)
  luaunit.assertAlmostEquals(measured.error, math.sqrt(0.4 * 0.6 / 49), 1e-12)
  -- Of ten sequences that are all right.
  sequences = mnemo.arange(1, 10)
  luaunit.assertAlmostEquals(mnemo.stats.share(mnemo.ones(10), sequences).error, 0.1, 1e-12)
  local empty = mnemo.stats.share(mnemo.zeros(0), mnemo.zeros(0))
  luaunit.assertNaN(empty.mean)
  luaunit.assertNil(empty.error)
end

-- Places that count are those where a vector is 1.
function tests.test_share_of_some()
  local hits, sequences = mnemo.tensor { 1, 0, 1, 1 }, mnemo.int_tensor { 1, 1, 2, 3 }
  local some = mnemo.stats.share(hits, sequences, mnemo.tensor { 1, 1, 1, 0 })
  luaunit.assertEquals(some, mnemo.stats.share(
    mnemo.tensor { 1, 0, 1 }, mnemo.int_tensor { 1, 1, 2 }))
  luaunit.assertErrorMsgContains("bad argument #3 to 'stats.share' (Tensor expected, got number)",
    mnemo.stats.share, hits, sequences, 1)
end

-- The larger of the two errors: between the seeds, and within them.
function tests.test_over_seeds()
  local apart = mnemo.stats.over_seeds { { mean = 1, error = 0.1 }, { mean = 3, error = 0.1 } }
  luaunit.assertEquals(apart.mean, 2)
  luaunit.assertAlmostEquals(apart.error, 1, 1e-12)
  local alike = mnemo.stats.over_seeds { { mean = 2, error = 0.3 }, { mean = 2, error = 0.4 } }
  luaunit.assertAlmostEquals(alike.error, 0.25, 1e-12)
  luaunit.assertEquals(mnemo.stats.over_seeds({ { mean = 2, error = 0.3 } }).error, 0.3)
end

function tests.test_compare()
  local compare = mnemo.stats.compare
  luaunit.assertEquals(compare({ mean = 0.9, error = 0.01 }, { mean = 0.8, error = 0.01 }), "more")
  luaunit.assertEquals(compare({ mean = 0.8, error = 0.01 }, 0.9), "less")
  luaunit.assertNil(compare({ mean = 0.9, error = 0.04 }, { mean = 0.8, error = 0.04 }))
  luaunit.assertEquals(
    compare({ mean = 0.9, error = 0.04 }, { mean = 0.8, error = 0.04 }, 1), "more")
  luaunit.assertNil(compare({ mean = 0.9 }, { mean = 0.1, error = 0 }))
  luaunit.assertNil(compare({ mean = 0 / 0, error = 0 }, 1))
  luaunit.assertNil(compare({ mean = 1, error = 0 }, 1))
end

function tests.test_text()
  luaunit.assertEquals(mnemo.stats.text { mean = 0.3614, error = 0.0061 }, "0.361 ± 0.006")
  luaunit.assertEquals(mnemo.stats.text({ mean = 2 }, 1), "2.0")
  luaunit.assertEquals(mnemo.stats.text({ mean = -0.04, error = 0.01 }, 1), "0.0 ± 0.0")
  luaunit.assertEquals(mnemo.stats.text { mean = 0 / 0 }, "none")
end

os.exit(luaunit.LuaUnit.new():runSuiteByInstances { { "stats", tests } })
