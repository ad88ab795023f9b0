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

-- Values of printed tables; of one degree of freedom tan 0.475π.
function tests.test_t_quantile()
  local quantile = mnemo.stats.t_quantile
  for freedom, table_value in pairs {
    [1] = 12.706, [2] = 4.303, [3] = 3.182, [4] = 2.776, [10] = 2.228, [30] = 2.042, [120] = 1.980,
    [math.huge] = 1.960,
  } do
    luaunit.assertAlmostEquals(quantile(freedom), table_value, 5e-4, tostring(freedom))
  end
  luaunit.assertAlmostEquals(quantile(1), math.tan(0.475 * math.pi), 1e-6)
  luaunit.assertAlmostEquals(quantile(5, 0.95), 2.015, 5e-4)
  luaunit.assertAlmostEquals(quantile(2, 0.999), 22.327, 5e-4)
  luaunit.assertAlmostEquals(quantile(math.huge, 0.999), 3.090, 5e-4)
  luaunit.assertAlmostEquals(quantile(math.huge, 0.9999), 3.719, 5e-3)
  luaunit.assertEquals(quantile(7, 0.5), 0)
  -- Between whole numbers, of ν = 2 by its formula (2p − 1) √(2 / (1 − (2p − 1)²)) on both sides.
  local exact = 0.95 * math.sqrt(2 / (1 - 0.95 ^ 2))
  luaunit.assertAlmostEquals(quantile(2), exact, 1e-6)
  luaunit.assertTrue(quantile(2.01) < exact and exact < quantile(1.99))
end

function tests.test_t_quantile_refuses()
  for expected, given in pairs {
    ["bad argument #1 to 'stats.t_quantile' (at least 1 expected, got 0.5)"] = { 0.5 },
    ["bad argument #1 to 'stats.t_quantile' (number expected, got nil)"] = {},
    ["bad argument #2 to 'stats.t_quantile' (probability from 0.5 to 0.9999 expected, got 1)"] =
      { 3, 1 },
  } do
    luaunit.assertErrorMsgContains(expected, mnemo.stats.t_quantile, table.unpack(given))
  end
end

function tests.test_degrees_of_freedom()
  luaunit.assertEquals(mnemo.stats.of({ 1, 2, 4 }).freedom, 2)
  luaunit.assertNil(mnemo.stats.of({ 1 }).freedom)
  local hits, sequences = mnemo.tensor { 1, 0, 1, 1 }, mnemo.int_tensor { 1, 1, 2, 3 }
  local share = mnemo.stats.share(hits, sequences)
  luaunit.assertEquals(share.freedom, 2)
  luaunit.assertEquals(mnemo.stats.over_seeds({ share }).freedom, 2)
  luaunit.assertEquals(mnemo.stats.over_seeds({ share, share }).freedom, 1)
end

function tests.test_compare()
  local compare = mnemo.stats.compare
  luaunit.assertEquals(compare({ mean = 0.9, error = 0.01 }, { mean = 0.8, error = 0.01 }), "more")
  luaunit.assertEquals(compare({ mean = 0.8, error = 0.01 }, 0.9), "less")
  luaunit.assertNil(compare({ mean = 0.9, error = 0.04 }, { mean = 0.8, error = 0.04 }))
  luaunit.assertEquals(
    compare({ mean = 0.9, error = 0.04 }, { mean = 0.8, error = 0.04 }, 0.95), "more")
  luaunit.assertNil(compare({ mean = 0.9 }, { mean = 0.1, error = 0 }))
  luaunit.assertNil(compare({ mean = 0 / 0, error = 0 }, 1))
  luaunit.assertNil(compare({ mean = 1, error = 0 }, 1))
  luaunit.assertEquals(compare(2, 1), "more")
  luaunit.assertErrorMsgContains(
    "bad argument #3 to 'stats.compare' (probability from 0.5 to 0.9999 expected, got 3)",
    compare, 2, 1, 3)
end

-- The least difference that is told, by hand: t of Welch's degrees of freedom times the error.
function tests.test_compare_of_few()
  local function told(a, b)
    return mnemo.stats.compare(a, b) == "more"
  end
  -- Three values with error 1 beside a number: t(2) = 4.303.
  luaunit.assertTrue(told({ mean = 4.31, error = 1, freedom = 2 }, 0))
  luaunit.assertFalse(told({ mean = 4.29, error = 1, freedom = 2 }, 0))
  -- Two such: (1 + 1)² / (1/2 + 1/2) = 4 degrees of freedom, t(4) √2 = 3.926.
  luaunit.assertTrue(told({ mean = 3.93, error = 1, freedom = 2 },
    { mean = 0, error = 1, freedom = 2 }))
  luaunit.assertFalse(told({ mean = 3.92, error = 1, freedom = 2 },
    { mean = 0, error = 1, freedom = 2 }))
  -- Errors 2 of three and 1 of five: 25 / (16/2 + 1/4) = 100/33, t = 3.165, times √5 7.08.
  local few, more = { mean = 7.2, error = 2, freedom = 2 }, { mean = 0, error = 1, freedom = 4 }
  luaunit.assertTrue(told(few, more))
  few.mean = 6.9
  luaunit.assertFalse(told(few, more))
  -- Two values have one degree of freedom, whatever their error is rounded to.
  for _, error in ipairs { 0.1, 0.3, 1e-30, 7e90 } do
    luaunit.assertTrue(told({ mean = 12.8 * error, error = error, freedom = 1 }, 0), error)
    luaunit.assertFalse(told({ mean = 12.6 * error, error = error, freedom = 1 }, 0), error)
  end
end

-- Of pairs of means that are alike, of three normal values each, one in twenty may seem to differ;
-- by two errors it would be one in nine.
function tests.test_compare_errs_as_often_as_said()
  local told, count = 0, 600
  for _, row in ipairs(mnemo.randn(count, 6, { seed = 3 }):totable()) do
    local a = mnemo.stats.of { row[1], row[2], row[3] }
    local b = mnemo.stats.of { row[4], row[5], row[6] }
    told = told + (mnemo.stats.compare(a, b) and 1 or 0)
  end
  luaunit.assertTrue(told > 0.01 * count and told < 0.07 * count, told)
end

function tests.test_text()
  luaunit.assertEquals(mnemo.stats.text { mean = 0.3614, error = 0.0061 }, "0.361 ± 0.006")
  luaunit.assertEquals(mnemo.stats.text({ mean = 2 }, 1), "2.0")
  luaunit.assertEquals(mnemo.stats.text({ mean = -0.04, error = 0.01 }, 1), "0.0 ± 0.0")
  luaunit.assertEquals(mnemo.stats.text { mean = 0 / 0 }, "none")
end

os.exit(luaunit.LuaUnit.new():runSuiteByInstances { { "stats", tests } })
