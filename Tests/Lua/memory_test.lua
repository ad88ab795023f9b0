--- Associative memories: embeddings, recall, closed-form gradients, curvature, capacity.
local luaunit = require "luaunit"
local mnemo = require "mnemo"

local memory = mnemo.memory
local tests = {}

--- Returns the largest difference of two tensors, relative to the largest entry of the second.
local function difference(a, b)
  return (a - b):abs():max():item() / b:abs():max():item()
end

--- Returns the Gram matrix of rows.
local function gram(rows) return rows:matmul(rows:t()) end

function tests.test_embeddings()
  local sphere = memory.embeddings(50, 16, { kind = "sphere", seed = 3 })
  luaunit.assertAlmostEquals((sphere:norm(2, 2) - 1):abs():max():item(), 0, 1e-6)
  local orthonormal = memory.embeddings(7, 16, { kind = "orthonormal", seed = 3 })
  luaunit.assertEquals(orthonormal:shape(), { 7, 16 })
  luaunit.assertAlmostEquals((gram(orthonormal) - mnemo.eye(7)):abs():max():item(), 0, 1e-6)
  local one_hot = memory.embeddings(2, 3, { kind = "one_hot" })
  luaunit.assertEquals(one_hot:totable(), { { 1, 0, 0 }, { 0, 1, 0 } })
  local gaussian = memory.embeddings(2000, 64, { seed = 3 })
  luaunit.assertAlmostEquals(gaussian:square():mean():item() * 64, 1, 0.02)
  luaunit.assertEquals(gaussian:totable(), memory.embeddings(2000, 64, { seed = 3 }):totable())
end

function tests.test_outer_weighs_pairs()
  local V, U = mnemo.tensor { { 1, 0 }, { 0, 1 } }, mnemo.tensor { { 1, 2, 3 }, { 4, 5, 6 } }
  luaunit.assertEquals(memory.outer(V, U, mnemo.tensor { 1, 10 }):totable(),
    { { 1, 2, 3 }, { 40, 50, 60 } })
  luaunit.assertEquals(memory.outer(V, U):totable(), { { 1, 2, 3 }, { 4, 5, 6 } })
end

function tests.test_recall_and_margins()
  local U = mnemo.eye(3)
  -- The scores of input z are the column z.
  local W = mnemo.tensor { { 1, 0, 5 }, { 3, 2, 0 }, { 0, 0, 4 } }
  local share, answers = memory.recall(W, U, U)
  luaunit.assertAlmostEquals(share, 1 / 3, 1e-7)
  luaunit.assertEquals(answers:totable(), { 2, 2, 1 })
  luaunit.assertEquals(memory.margins(W, U, U):totable(), { -2, 2, -1 })
  local targets = mnemo.int_tensor { 2, 2, 3 }
  luaunit.assertAlmostEquals(memory.recall(W, U, U, { targets = targets }), 2 / 3, 1e-7)
  luaunit.assertEquals(memory.margins(W, U, U, { targets = targets }):totable(), { 2, 2, -1 })
  luaunit.assertAlmostEquals(memory.recall(W, U, U,
    { targets = targets, weights = mnemo.tensor { 0.5, 0.25, 0.25 } }), 0.75, 1e-7)
  luaunit.assertEquals(memory.recall(nil, U, U), 1)
  luaunit.assertEquals(memory.recall(function(X) return X:matmul(W:t()) end, U, U), share)
end

-- Blocks: more inputs than one of them holds, against the whole matrix of scores.
function tests.test_recall_in_blocks()
  local U = memory.embeddings(3000, 8, { seed = 1 })
  local V = memory.embeddings(3000, 8, { seed = 2 })
  local W = memory.outer(V, U)
  local share, answers = memory.recall(W, U, V)
  local scores = U:matmul(W:t()):matmul(V:t())
  luaunit.assertEquals(answers:totable(), scores:argmax(2):totable())
  local right = 0
  for z, answer in ipairs(answers:totable()) do right = right + (answer == z and 1 or 0) end
  luaunit.assertAlmostEquals(share, right / 3000, 1e-7)
end

--- A memory with inputs, outputs, right answers and their probabilities, of which nothing is
-- special.
local function some_memory()
  local U, V = mnemo.randn(6, 9, { seed = 1 }), mnemo.randn(4, 7, { seed = 2 })
  return {
    U = U, V = V, W = mnemo.randn(7, 9, { seed = 3 }) / 5,
    targets = mnemo.int_tensor { 1, 4, 4, 2, 3, 1 },
    weights = mnemo.tensor { 0.3, 0.1, 0.2, 0.05, 0.25, 0.1 },
  }
end

--- The gradient of Σ_z p(z) Σ_k p(k|z) (−log p̂(k|z)) by differentiation.
local function differentiated(given, joint)
  local W = given.W:clone():requires_grad(true)
  local logs = given.U:matmul(W:t()):matmul(given.V:t()):log_softmax(2)
  ;(-(logs * joint):sum()):backward()
  return W.grad
end

function tests.test_population_gradient_is_the_gradient()
  local given = some_memory()
  local joint = mnemo.one_hot(given.targets, 4) * given.weights:reshape(6, 1)
  local gradient = memory.population_gradient(given.W, given.U, given.V,
    { targets = given.targets, weights = given.weights })
  luaunit.assertTrue(difference(gradient, differentiated(given, joint)) < 2e-6)
  joint = mnemo.rand(6, 4, { seed = 5 })
  joint = joint / joint:sum()
  gradient = memory.population_gradient(given.W, given.U, given.V, { joint = joint })
  luaunit.assertTrue(difference(gradient, differentiated(given, joint)) < 2e-6)
  local even = mnemo.one_hot(given.targets, 4) / 6
  gradient = memory.population_gradient(given.W, given.U, given.V, { targets = given.targets })
  luaunit.assertTrue(difference(gradient, differentiated(given, even)) < 2e-6)
end

function tests.test_noisy_gradient_is_the_gradient()
  local given = some_memory()
  local gradient, parts = memory.noisy_gradient(given.W, given.U, given.targets, given.V)
  local even = mnemo.one_hot(given.targets, 4) / 6
  luaunit.assertTrue(difference(gradient, differentiated(given, even)) < 2e-6)
  luaunit.assertAlmostEquals(parts.p[1]:item(), 2 / 6, 1e-6)
  luaunit.assertTrue(difference(parts.means[4], (given.U[2] + given.U[3]) / 2) < 1e-6)
  -- The lemma, put together from its parts.
  local sum = mnemo.zeros(7, 9)
  for k = 1, 4 do
    sum = sum + given.V[k]:outer(parts.predicted[k] - parts.means[k]) * parts.p[k]
  end
  luaunit.assertTrue(difference(gradient, sum) < 2e-6)
end

-- Against the difference of gradients at two places.
function tests.test_hessian_product()
  local given = some_memory()
  local D, small = mnemo.randn(7, 9, { seed = 8 }), 2e-3
  local options = { targets = given.targets, weights = given.weights }
  local function gradient(W) return memory.population_gradient(W, given.U, given.V, options) end
  local slope = (gradient(given.W + D * small) - gradient(given.W - D * small)) / (2 * small)
  local product = memory.hessian_product(given.W, given.U, given.V, D,
    { weights = given.weights })
  luaunit.assertTrue(difference(product, slope) < 1e-3)
end

-- Against all eigenvalues of the whole matrix.
function tests.test_hessian_top()
  local given = some_memory()
  local options = { weights = given.weights }
  local columns = {}
  for i = 1, 63 do
    local unit = mnemo.zeros(63)
    unit[i] = 1
    columns[i] = memory.hessian_product(given.W, given.U, given.V, unit:reshape(7, 9), options)
      :reshape(63)
  end
  local whole = mnemo.stack(columns, 1)
  local values = mnemo.linalg.eigh((whole + whole:t()) / 2)
  local top, direction = memory.hessian_top(given.W, given.U, given.V, options)
  luaunit.assertAlmostEquals(top, values[-1]:item(), 1e-4 * top)
  luaunit.assertAlmostEquals(direction:norm():item(), 1, 1e-5)
  local image = memory.hessian_product(given.W, given.U, given.V, direction, options)
  luaunit.assertTrue(difference(image, direction * top) < 1e-2)
end

function tests.test_capacity()
  local asked = 0
  local found = memory.capacity {
    low = 1, high = 1000, seeds = { 10, 20 },
    holds = function(n, seed)
      asked = asked + 1
      return n <= 13 * seed
    end,
  }
  luaunit.assertEquals(found.values, { 130, 260 })
  luaunit.assertEquals(found.mean, 195)
  luaunit.assertTrue(asked <= 2 * 12)
  local near = memory.capacity {
    low = 1, high = 1000, seeds = 1, tolerance = 0.1, holds = function(n) return n <= 500 end,
  }
  luaunit.assertTrue(near.mean <= 500 and near.mean > 450)
end

function tests.test_capacity_begins_near_what_is_expected()
  for _, near in ipairs { -3, 1, 250, 300, 400, 999, 5000 } do
    local asked = {}
    local found = memory.capacity {
      low = 1, high = 1000, seeds = 3, near = near,
      holds = function(n, seed)
        asked[seed] = (asked[seed] or 0) + 1
        return n <= 299 + seed
      end,
    }
    luaunit.assertEquals(found.values, { 300, 301, 302 })
    -- The first is what the second begins at.
    luaunit.assertTrue(asked[2] <= 6 and asked[3] <= 6)
  end
end

function tests.test_slope()
  local fit = memory.slope({ 1, 2, 4, 8 }, { 3, 12, 48, 192 })
  luaunit.assertAlmostEquals(fit.mean, 2, 1e-12)
  luaunit.assertAlmostEquals(fit.factor, 3, 1e-12)
  luaunit.assertAlmostEquals(fit.error, 0, 1e-9)
  -- log y = 0, 1, 1 at log x = 0, 1, 2: slope 1/2, residuals −1/6, 1/3, −1/6.
  local e = math.exp(1)
  fit = memory.slope({ 1, e, e * e }, { 1, e, e })
  luaunit.assertAlmostEquals(fit.mean, 0.5, 1e-12)
  luaunit.assertAlmostEquals(fit.error, math.sqrt(1 / 6 / 2), 1e-12)
  luaunit.assertNil(memory.slope({ 1, 2 }, { 1, 2 }).error)
end

--- Calls a function that must fail, and returns its message without file and line.
local function message(...)
  local ok, text = pcall(...)
  luaunit.assertFalse(ok)
  return (tostring(text):gsub("^[^:]*memory_test%.lua:%d+: ", ""))
end

function tests.test_mistakes_are_named()
  local given = some_memory()
  local cases = {
    { function() memory.embeddings(9, 8, { kind = "orthonormal" }) end,
      "memory.embeddings: 9 vectors of kind 'orthonormal' do not fit in 8 dimensions "
        .. "(allowed: up to 8)" },
    { function() memory.embeddings(3, 0) end,
      "bad argument #2 to 'memory.embeddings' (an integer of 1 or more expected, got 0)" },
    { function() memory.embeddings(3, 8, { kind = "round" }) end,
      "memory.embeddings: kind is 'round'; allowed are gaussian, sphere, orthonormal, one_hot" },
    { function() memory.recall(given.W, given.U, given.V) end,
      "memory.recall: without targets input i has the answer i: 6 inputs need 6 outputs, got 4" },
    { function()
        local targets = mnemo.int_tensor { 1, 2, 3, 4, 5, 1 }
        memory.recall(given.W, given.U, given.V, { targets = targets })
      end, "memory.recall: target 5 is out of range (allowed: 1…4)" },
    { function() memory.recall(given.W:t(), given.U, given.V) end,
      "bad argument #1 to 'memory.recall' (shape [7, 9] expected, got [9, 7])" },
    { function() memory.recall(given.W, given.U) end,
      "bad argument #3 to 'memory.recall' (a matrix of embeddings expected, got nil)" },
    { function()
        memory.population_gradient(given.W, given.U, given.V, { joint = mnemo.full(6, 4, 0.1) })
      end, "memory.population_gradient: joint sums to 2.4 (allowed: 1)" },
    { function()
        memory.population_gradient(given.W, given.U, given.V, { joint = mnemo.full(6, 4, -1) })
      end, "memory.population_gradient: joint has the entry -1 (allowed: 0 or more)" },
    { function()
        memory.hessian_top(given.W, given.U, given.V, { weights = mnemo.ones(6) })
      end, "memory.hessian_top: weights sums to 6 (allowed: 1)" },
    { function() memory.capacity { high = 10, holds = function() return true end } end,
      "memory.capacity: the bracket does not hold: seed 1 holds even high = 10; give a larger "
        .. "high" },
    { function() memory.capacity { high = 10, holds = function() return false end } end,
      "memory.capacity: the bracket does not hold: seed 1 does not hold even low = 1; give a "
        .. "smaller low" },
    { function()
        memory.capacity { high = 10, near = 5, holds = function() return true end }
      end, "memory.capacity: the bracket does not hold: seed 1 holds even high = 10; give a larger "
        .. "high" },
    { function()
        memory.capacity { high = 10, near = 5, holds = function() return false end }
      end, "memory.capacity: the bracket does not hold: seed 1 does not hold even low = 1; give a "
        .. "smaller low" },
    { function() memory.capacity { high = 10, near = 2.5, holds = print } end,
      "memory.capacity: near is 2.5 (allowed: an integer)" },
    { function() memory.capacity { holds = print } end,
      "memory.capacity: high is nil (allowed: an integer of 0 or more)" },
    { function() memory.slope({ 1, 2 }, { 1, 0 }) end,
      "bad argument #2 to 'memory.slope' ([2]: a positive number expected, got 0)" },
    { function() memory.slope({ 2, 2 }, { 1, 3 }) end,
      "bad argument #1 to 'memory.slope' (two different numbers or more expected)" },
  }
  for _, case in ipairs(cases) do luaunit.assertEquals(message(case[1]), case[2]) end
end

os.exit(luaunit.LuaUnit.new():runSuiteByInstances { { "memory", tests } })
