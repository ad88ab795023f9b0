--- Matrices put together by hand, taken apart again.
local luaunit = require "luaunit"
local mnemo = require "mnemo"
local decompose = mnemo.probes.decompose

local tests = {}

--- Returns a number's text; that of NaN has no sign.
local function text(number) return ("%.3f"):format(number) end

--- Asserts that two matrices are alike to a part of the second's largest entry.
local function assert_near(found, wanted, what)
  luaunit.assertEquals(found:shape(), wanted:shape(), what)
  local error = (found - wanted):abs():max():item()
  luaunit.assertTrue(error <= 1e-4 * wanted:abs():max():item(), ("%s: %g off"):format(what, error))
end

--- Returns inputs [n, 12], outputs [m, 9], an initial matrix and coefficients [n, m].
local function parts(n, m, seed)
  mnemo.seed(seed)
  return mnemo.randn(n, 12), mnemo.randn(m, 9), mnemo.randn(9, 12), mnemo.randn(n, m)
end

function tests.test_what_was_put_in_comes_out()
  for _, size in ipairs { { 1, 1 }, { 5, 3 }, { 3, 8 }, { 12, 4 } } do
    local n, m = table.unpack(size)
    local U, V, W0, alpha = parts(n, m, n)
    -- Σ_ij α_ij v_j u_iᵀ, one outer product after the other.
    local W = W0 * 0.75
    for i = 1, n do
      for j = 1, m do W = W + V[j]:outer(U[i]) * alpha[i][j]:item() end
    end
    local found, what = decompose(W, W0, U, V), n .. " by " .. m
    luaunit.assertAlmostEquals(found.alpha0, 0.75, 1e-5, what)
    luaunit.assertTrue(found.outside < 1e-4, what)
    assert_near(found.alpha, alpha, what)
    luaunit.assertAlmostEquals(found.share, 1, 1e-4, what)
    luaunit.assertAlmostEquals(found.chance, n * m / (9 * 12), 1e-12, what)
  end
end

function tests.test_the_rest_is_no_share()
  -- Coordinates: u along 1 and 2, v along 1. The change is 3 v u_1ᵀ, 4 beside the inputs, and 12
  -- beside the outputs; W₀ is 2 in a place of its own.
  local U, V = mnemo.eye(4):narrow(1, 1, 2), mnemo.eye(4):narrow(1, 1, 1)
  local W0 = mnemo.zeros(4, 4)
  W0[4] = mnemo.tensor { 0, 0, 0, 2 }
  local W = W0 * 0.5
  W[1] = mnemo.tensor { 3, 0, 4, 0 }
  W[2] = mnemo.tensor { 12, 0, 0, 0 }
  local found = decompose(W, W0, U, V)
  luaunit.assertAlmostEquals(found.alpha0, 0.5, 1e-6)
  luaunit.assertEquals(found.alpha:totable(), { { 3 }, { 0 } })
  luaunit.assertAlmostEquals(found.share, 9 / (9 + 16 + 144), 1e-6)
  luaunit.assertAlmostEquals(found.chance, 2 / 16, 1e-12)
  -- Outside of v: 12 that is not W₀'s, beside 1 that is.
  luaunit.assertAlmostEquals(found.outside, 12 / math.sqrt(145), 1e-6)
  -- With another α₀, W₀'s place has changed too.
  found = decompose(W, W0, U, V, 1)
  luaunit.assertEquals(found.alpha0, 1)
  luaunit.assertAlmostEquals(found.share, 9 / (9 + 16 + 144 + 1), 1e-6)
end

function tests.test_vectors_that_depend_on_each_other()
  -- The second input is the first once more: each gets half.
  local U = mnemo.tensor { { 1, 0 }, { 1, 0 } }
  local V = mnemo.tensor { { 0, 1, 0 } }
  local W0 = mnemo.ones(3, 2)
  local found = decompose(W0 * 0.5 + V[1]:outer(U[1]) * 3, W0, U, V)
  luaunit.assertAlmostEquals(found.alpha0, 0.5, 1e-6)
  assert_near(found.alpha, mnemo.tensor { { 1.5 }, { 1.5 } }, "halves")
  luaunit.assertAlmostEquals(found.chance, 1 / 6, 1e-12)
end

function tests.test_outputs_that_span_everything()
  local U, V, W0 = parts(3, 9, 1)
  local W = W0 * 0.5 + V[2]:outer(U[1])
  luaunit.assertEquals(text(decompose(W, W0, U, V).alpha0), "nan")
  luaunit.assertEquals(text(decompose(W, W0, U, V).share), "nan")
  local found = decompose(W, W0, U, V, 0.5)
  luaunit.assertAlmostEquals(found.share, 1, 1e-4)
  luaunit.assertAlmostEquals(found.alpha[1][2]:item(), 1, 1e-3)
end

function tests.test_nothing_was_learned()
  local U, V, W0 = parts(3, 2, 1)
  local found = decompose(W0, W0, U, V)
  luaunit.assertAlmostEquals(found.alpha0, 1, 1e-6)
  -- From zeros, any multiple will do.
  local zeros = mnemo.zeros(9, 12)
  luaunit.assertEquals(text(decompose(zeros, zeros, U, V).alpha0), "nan")
end

-- SGD on frozen outputs: outside of their span only weight decay acts.
function tests.test_training_shrinks_what_it_does_not_reach()
  local task = mnemo.data.bigram { triggers = 2, seq_len = 8, seed = 1,
    corpus = mnemo.corpus.uniform(6) }
  local model = mnemo.model.simplified { vocab = 6, dim = 16, max_len = 8, seed = 1 }
  local before = model:clone()
  mnemo.train {
    model = model, data = task, steps = 20, batch_size = 16, progress = false,
    optimizer = mnemo.optim.sgd { lr = 0.5, weight_decay = 0.02 },
  }
  local memory = mnemo.probes.induction_memories(model, task).wo1
  local W0 = before:get(memory.parameter)
  local found = decompose(memory.matrix, W0, memory.inputs, memory.outputs)
  luaunit.assertAlmostEquals(found.alpha0, (1 - 0.5 * 0.02) ^ 20, 1e-5)
  luaunit.assertTrue(found.outside < 1e-5)
  luaunit.assertTrue(found.share > found.chance and found.share <= 1)
end

os.exit(luaunit.LuaUnit.new():runSuiteByInstances { { "decomposition", tests } })
