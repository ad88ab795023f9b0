--- Gradients as a script asks for them: kept graphs, gradients of chosen tensors, decompositions,
--- masked forward passes.
local luaunit = require "luaunit"
local mnemo = require "mnemo"

local equals = luaunit.assertEquals

local backward, grad, leaves, linalg, masks = {}, {}, {}, {}, {}

--- Asserts the elements of a tensor, in row-major order.
local function assert_elements(tensor, elements, tolerance, label)
  local flat = tensor:reshape(-1):totable()
  equals(#flat, #elements, label)
  local largest = 1
  for _, element in ipairs(elements) do largest = math.max(largest, math.abs(element)) end
  for i, element in ipairs(elements) do
    luaunit.assertAlmostEquals(flat[i], element, (tolerance or 0) * largest,
      (label and label .. " " or "") .. "element " .. i)
  end
end

--- Asserts that a call fails with exactly this message, the script's position aside.
local function fails(message, fn, ...)
  local ok, found = pcall(fn, ...)
  luaunit.assertFalse(ok, message)
  equals((tostring(found):gsub("^[^\n]-%.lua:%d+: ", "")), message)
end

local function leaf(...) return mnemo.tensor { ... }:requires_grad(true) end

local used = "the graph was already used by an earlier backward() or grad(); compute the result "
  .. "again, or call that one with {retain = true}"
local without_history = "this tensor does not depend on any that requires gradients (gradients "
  .. "themselves have no history: there are no second derivatives)"

-- backward

function backward.test_retain()
  local x = leaf(1, 2, 3)
  local y = (x * x):sum()
  y:backward { retain = true }
  assert_elements(x.grad, { 2, 4, 6 })
  y:backward { retain = true }
  y:backward()
  assert_elements(x.grad, { 6, 12, 18 })
  fails("backward: " .. used, y.backward, y)
  fails("backward: " .. used, y.backward, y, { retain = true })
end

--- A model's loss computes its gradients with its value, and hands them out twice.
function backward.test_retain_of_a_models_loss()
  local task = mnemo.data.bigram { seq_len = 16, seed = 1 }
  local model = mnemo.model.simplified { vocab = task.vocab_size, dim = 8, max_len = 16, seed = 1 }
  local weight = model:get(model:trainable()[1])
  local loss = model:loss(task:batch(4)) + 0.01 * weight:square():sum()
  loss:backward { retain = true }
  local once = weight.grad:detach():clone()
  loss:backward { retain = true }
  loss:backward()
  luaunit.assertTrue(once:abs():max():item() > 0)
  luaunit.assertTrue((weight.grad - 3 * once):abs():max():item() <= 1e-5 * once:abs():max():item())
end

function backward.test_gradient()
  local x = leaf(1, 2, 3)
  local y = x * x
  y:backward { gradient = mnemo.tensor { 1, 10, 100 }, retain = true }
  assert_elements(x.grad, { 2, 40, 600 })
  y:sum():backward { gradient = mnemo.tensor(2) }
  assert_elements(x.grad, { 6, 48, 612 })
  y = x * x
  fails("backward: needs a scalar, got shape [3]; take sum() or mean() first, or give a gradient",
    function() y:backward() end)
  fails("backward: needs a scalar, got shape [3]; take sum() or mean() first, or give a gradient",
    function() y:backward { retain = true } end)
  fails("backward: needs a gradient of shape [3], as the tensor, got [1, 3]",
    function() y:backward { gradient = mnemo.ones(1, 3) } end)
  fails("bad argument #1 to 'backward' (table expected, got Tensor; write backward{gradient = g})",
    function() y:backward(mnemo.ones(3)) end)
  fails("bad argument #1 to 'backward' (table expected, got boolean)",
    function() y:backward(true) end)
  fails("bad option 'gradient' to 'backward' (Tensor expected, got number)",
    function() y:backward { gradient = 1 } end)
  fails("bad option 'retain' to 'backward' (boolean expected, got number)",
    function() y:backward { retain = 1 } end)
  fails("backward: unknown option 'retain_graph'; allowed are 'retain', 'gradient'",
    function() y:backward { retain_graph = true } end)
  fails("backward: " .. without_history, function() mnemo.ones(1):backward() end)
end

-- mnemo.grad

function grad.test_of_leaves_and_others()
  local x, w = leaf(1, 2, 3), leaf(4, 5, 6)
  local hidden = x * w
  local loss = hidden:square():sum()
  local found = mnemo.grad(loss, { w, hidden, x, w }, { retain = true })
  equals(#found, 4)
  assert_elements(found[1], { 8, 40, 108 })
  assert_elements(found[2], { 8, 20, 36 })
  assert_elements(found[3], { 32, 100, 216 })
  found[1]:fill_(0)
  assert_elements(found[4], { 8, 40, 108 })
  for _, tensor in ipairs { x, w, hidden, loss } do luaunit.assertNil(tensor.grad) end
  luaunit.assertFalse(found[3]:requires_grad());
  -- It leaves a gradient that is there.
  (x * 2):sum():backward()
  assert_elements(mnemo.grad(loss, { x })[1], { 32, 100, 216 })
  assert_elements(x.grad, { 2, 2, 2 })
  fails("grad: " .. used, mnemo.grad, loss, { x })
end

function grad.test_of_a_gradient_that_is_given()
  local x = leaf(1, 2)
  local found = mnemo.grad(x * x, { x }, { gradient = mnemo.tensor { 1, 100 } })
  assert_elements(found[1], { 2, 400 })
  fails("grad: needs a scalar, got shape [2]; take sum() or mean() first, or give a gradient",
    mnemo.grad, x * x, { x })
  fails("grad: needs a gradient of shape [2], as the tensor, got [3]",
    mnemo.grad, x * x, { x }, { gradient = mnemo.ones(3) })
end

function grad.test_of_a_models_parameters()
  local task = mnemo.data.bigram { seq_len = 16, seed = 1 }
  local model = mnemo.model.transformer {
    vocab = task.vocab_size, dim = 8, heads = 2, max_len = 16, seed = 1,
  }
  local names, parameters = model:trainable(), {}
  for i, name in ipairs(names) do parameters[i] = model:get(name) end
  local batch = task:batch(4)
  local found = mnemo.grad(model:loss(batch), parameters)
  for _, parameter in ipairs(parameters) do luaunit.assertNil(parameter.grad) end
  model:loss(batch):backward()
  for i, parameter in ipairs(parameters) do
    equals(found[i]:totable(), parameter.grad:totable(), names[i])
  end
end

function grad.test_errors()
  local x, w = leaf(1, 2), leaf(3, 4)
  fails("grad: the result does not depend on tensor 2, of shape [2]",
    mnemo.grad, (x * x):sum(), { x, w })
  -- x[1] is a view made anew, no part of the graph.
  fails("grad: the result does not depend on tensor 1, of shape []",
    mnemo.grad, x[1] * 2, { x[1] })
  fails("grad: tensor 1, of shape [3], does not require gradients",
    mnemo.grad, (x * x):sum(), { mnemo.ones(3) })
  fails("grad: " .. without_history, mnemo.grad, mnemo.grad((x ^ 3):sum(), { x })[1]:sum(), { x })
  fails("bad argument #2 to 'grad' (a list of at least one Tensor expected)",
    mnemo.grad, x:sum(), {})
  fails("bad argument #2 to 'grad' (list of Tensor expected, got Tensor)", mnemo.grad, x:sum(), x)
  fails("bad argument #2 to 'grad' ([2]: Tensor expected, got number)",
    mnemo.grad, x:sum(), { x, 3 })
  fails("bad argument #1 to 'grad' (Tensor expected, got number)", mnemo.grad, 3, { x })
  fails("grad: unknown option 'create_graph'; allowed are 'retain', 'gradient'",
    mnemo.grad, x:sum(), { x }, { create_graph = true })
  luaunit.assertNil(x.grad)
end

-- Leaves

function leaves.test_is_leaf_and_retain_grad()
  local x = leaf(1, 2)
  local y = x * x
  luaunit.assertTrue(x:is_leaf())
  luaunit.assertFalse(y:is_leaf())
  luaunit.assertTrue(y:detach():is_leaf())
  luaunit.assertTrue(mnemo.ones(2):is_leaf())
  luaunit.assertTrue(mnemo.no_grad(function() return x * x end):is_leaf())
  luaunit.assertTrue(y:retain_grad() == y);
  (y * mnemo.tensor { 3, 4 }):sum():backward()
  assert_elements(y.grad, { 3, 4 })
  assert_elements(x.grad, { 6, 16 })
  fails("retain_grad: the tensor does not require gradients",
    function() mnemo.ones(2):retain_grad() end)
end

-- Decompositions: values and gradients that PyTorch 2.15 gives in double precision. Losses read the
-- squares of vectors, whose signs libraries choose differently.

local tall = { { 2, 1, 0.5 }, { -1, 3, 0.25 }, { 0.5, -0.5, 1 }, { 1, 0, -2 } }
local square = { { 2, 1, 0.5 }, { -1, 3, 0.25 }, { 0.5, -0.5, 1 } }
local weights = mnemo.arange(1, 12):reshape(4, 3)
local w9, w3 = mnemo.arange(1, 9):reshape(3, 3), mnemo.tensor { 1, -2, 3 }
local side = { 1, 2, -1, 0.5 }

local svd_gradient = {
  -0.8122988, -0.4149907, 2.4166553, -0.1139208, 0.9306549, -0.2563214, 2.310239, 0.0346299,
  0.9123479, -1.28813, -0.5658594, -1.0939366,
}

local recorded = {
  svd = {
    { tall },
    function(A)
      local U, S, V = mnemo.linalg.svd(A)
      return (U * U * weights):sum() + (S * w3):sum() + (V * V * w9):sum()
    end,
    38.17633698, { svd_gradient },
  },
  svd_wide = {
    { tall },
    function(A)
      local U, S, V = mnemo.linalg.svd(A:t())
      return (U * U * w9):sum() + (S * w3):sum() + (V * V * weights):sum()
    end,
    38.17633698, { svd_gradient },
  },
  eigh = {
    { square },
    function(A)
      local values, X = mnemo.linalg.eigh(A + A:t())
      return (X * X * w9):sum() + (values * w3):sum()
    end,
    25.80990029,
    {
      { -3.118841, -0.4686499, -2.0832835, -0.4686499, 5.9539525, -0.416479, -2.0832835, -0.416479,
        1.1648885 },
    },
  },
  qr = {
    { tall },
    function(A)
      local Q, R = mnemo.linalg.qr(A)
      return (Q * Q * weights):sum() + (R * R * w9):sum()
    end,
    122.13039704,
    {
      { 6.1627241, 12.1208371, 11.4879721, 1.8230144, 28.8493409, 1.9591451, 3.3995344, -4.6622801,
        18.5308148, 0.297799, 1.9388068, -34.7822064 },
    },
  },
  solve = {
    { square, { 1, 2, -1 } },
    function(A, b) return (mnemo.linalg.solve(A, b) * w3):sum() end,
    -3.54545455,
    {
      { 0.0842975, 0.2528926, -0.2247934, 0.0099174, 0.0297521, -0.0264463, -0.8628099, -2.5884298,
        2.3008264 },
      { -0.3090909, -0.0363636, 3.1636364 },
    },
  },
  inv = {
    { square },
    function(A) return (mnemo.linalg.inv(A) * w9):sum() end,
    10.49090909,
    {
      { 0.2495868, -0.0076033, -1.1649587, -0.0561983, -0.6340496, -3.2343802, -0.2016529,
        -1.7104132, -8.4998347 },
    },
  },
  pinv = {
    { tall },
    function(A) return (mnemo.linalg.pinv(A) * weights:t()):sum() end,
    1.39699219,
    {
      { -1.9618367, -1.3106177, 0.5853941, 0.0844559, -0.0399788, 0.9617606, 1.2361999, 0.5538149,
        2.6926291, 1.539504, 0.9990855, 0.5323857 },
    },
  },
  lstsq = {
    { tall, side },
    function(A, b) return (mnemo.linalg.lstsq(A, b) * w3):sum() end,
    -2.25245831,
    {
      { -0.0315536, -0.3941962, 0.2161815, 0.0612316, 0.5513161, -0.2610984, -0.1749423, -0.5475927,
        -0.0159395, 0.0920037, 0.8467306, -0.4059196 },
      { 0.4762846, -0.6876506, 0.8266654, -1.0535525 },
    },
  },
  cholesky = {
    { square },
    function(A) return (mnemo.linalg.cholesky(A:matmul(A:t())) * w9):sum() end,
    26.58245719,
    {
      { 0.3824002, 1.2486353, 0.5557045, 0.4734821, 5.5991715, 5.2380313, 0.8966636, 8.9128313,
        10.6657129 },
    },
  },
  det = {
    { square }, mnemo.linalg.det, 6.875,
    { { 3.125, 1.125, -1.0, -1.25, 1.75, 1.5, -1.25, -1.0, 7.0 } },
  },
  slogdet = {
    { square }, function(A) return (select(2, mnemo.linalg.slogdet(A))) end, 1.92789164,
    {
      { 0.4545455, 0.1636364, -0.1454545, -0.1818182, 0.2545455, 0.2181818, -0.1818182, -0.1454545,
        1.0181818 },
    },
  },
}

function linalg.test_recorded_values()
  for name, case in pairs(recorded) do
    local inputs = {}
    for i, elements in ipairs(case[1]) do
      inputs[i] = mnemo.tensor(elements):requires_grad(true)
    end
    local loss = case[2](table.unpack(inputs))
    assert_elements(loss, { case[3] }, 1e-5, name)
    for i, gradient in ipairs(mnemo.grad(loss, inputs)) do
      assert_elements(gradient, case[4][i], 1e-5, name .. " " .. i)
    end
  end
end

--- The norm, and its gradient as a weighted sum.
function linalg.test_recorded_norms()
  for order, expected in pairs {
    fro = { 5.0062461, 2.996257 }, nuc = { 8.4362051, 4.5016798 }, [1] = { 5, -1 },
    [-1] = { 3.75, 6 }, [2] = { 3.7443722, 2.674621 }, [-2] = { 2.212633, -1.709062 },
    [math.huge] = { 4.75, 7 }, [-math.huge] = { 2, 8 },
  } do
    local A = mnemo.tensor { { 2, 1, 0.5 }, { -1, 3.5, 0.25 }, { 0.5, -0.5, 1 }, { 1, 0, -2 } }
    A:requires_grad(true)
    local norm = mnemo.linalg.norm(A, order)
    assert_elements(norm, { expected[1] }, 1e-5, order)
    assert_elements((mnemo.grad(norm, { A })[1] * weights):sum(), { expected[2] }, 1e-5, order)
  end
  equals(mnemo.linalg.norm(mnemo.tensor { { 3, 0 }, { 0, -4 } }):item(), 5.0)
  equals(mnemo.linalg.norm(mnemo.zeros(0, 3), "nuc"):item(), 0.0)
end

function linalg.test_values()
  local A = mnemo.tensor { { 1, 2 }, { 3, 4 } }
  assert_elements(mnemo.linalg.det(A), { -2 }, 1e-6)
  local sign, logarithm = mnemo.linalg.slogdet(A)
  equals(sign:item(), -1.0)
  assert_elements(logarithm, { math.log(2) }, 1e-6)
  equals(mnemo.linalg.matrix_rank(A), 2)
  equals(mnemo.linalg.matrix_rank(mnemo.ones(3, 4)), 1)
  equals(mnemo.linalg.matrix_rank(A, 1), 1)
  assert_elements(mnemo.linalg.inv(A), { -2, 1, 1.5, -0.5 }, 1e-5)
  -- The means of equal rows: least squares of a matrix of rank 1, and the shortest solution.
  local shortest = mnemo.linalg.lstsq(mnemo.ones(3, 2), mnemo.tensor { 1, 2, 6 })
  assert_elements(shortest, { 1.5, 1.5 }, 1e-5)
end

function linalg.test_errors()
  local I = mnemo.eye(2):requires_grad(true)
  local U, S, V = mnemo.linalg.svd(I)
  S:sum():backward { retain = true }
  assert_elements(I.grad, { 1, 0, 0, 1 }, 1e-6)
  fails("svd: the vectors of equal singular values have no gradient: singular values 1 and 2 are "
    .. "1.0 and 1.0", function() (U * 2 + V):sum():backward() end)
  local _, X = mnemo.linalg.eigh(I)
  fails("eigh: the vectors of equal eigenvalues have no gradient: eigenvalues 1 and 2 are 1.0 and "
    .. "1.0", function() X:sum():backward() end)
  local _, R = mnemo.linalg.qr(mnemo.tensor { { 1, 0 }, { 0, 0 } }:requires_grad(true))
  fails("qr: dependent columns have no gradient: column 2 depends on those before it, the diagonal "
    .. "entry of R is 0.0", function() R:sum():backward() end)
  local _, logarithm = mnemo.linalg.slogdet(mnemo.zeros(2, 2):requires_grad(true))
  fails("slogdet: the matrix is singular", function() logarithm:backward() end)
  fails("inv: the matrix is singular", mnemo.linalg.inv, mnemo.ones(2, 2))
  fails("det: needs a square matrix, got shape [2, 3]", mnemo.linalg.det, mnemo.ones(2, 3))
  fails("cholesky: the matrix is not positive definite: its first 1 rows and columns are not",
    mnemo.linalg.cholesky, mnemo.tensor { { -1, 0 }, { 0, 1 } })
  fails("matrix_rank: tolerance = -1.0 (allowed: 0 or more)", mnemo.linalg.matrix_rank, I, -1)
  fails("norm: order 3.0 (allowed: 1, 2, ∞ and their negatives)", mnemo.linalg.norm, I, 3)
  fails("norm: a matrix of shape [0, 3] has no norm of order 2.0",
    mnemo.linalg.norm, mnemo.zeros(0, 3), 2)
  fails("norm: needs a matrix, got shape [3]", mnemo.linalg.norm, mnemo.ones(3))
  fails("bad argument #2 to 'linalg.norm' (\"fro\", \"nuc\" or number expected, got \"f\")",
    mnemo.linalg.norm, I, "f")
  fails("bad argument #2 to 'linalg.norm' (\"fro\", \"nuc\" or number expected, got boolean)",
    mnemo.linalg.norm, I, true)
  fails("lstsq: a matrix of shape [2, 2] needs a right-hand side [2] or [2, r], got [3]",
    mnemo.linalg.lstsq, I, mnemo.ones(3))
end

-- Masks: model(tokens, mask) gives the logits where the mask is not 0, row after row, and their
-- gradients.

local function models()
  local weights_of = { e = mnemo.randn(9, 4, { seed = 1 }), u = mnemo.randn(4, 9, { seed = 2 }) }
  return {
    simplified = mnemo.model.simplified { vocab = 9, dim = 8, max_len = 5, seed = 1 },
    transformer = mnemo.model.transformer { vocab = 9, dim = 8, heads = 2, max_len = 5, seed = 1 },
    custom = mnemo.model.custom {
      vocab = 9, max_len = 5, parameters = weights_of,
      forward = function(tokens, p) return p.e[tokens]:matmul(p.u) end,
    },
  }
end

local tokens = mnemo.int_tensor { { 1, 5, 9, 2, 1 }, { 3, 3, 4, 8, 7 } }
local mask = mnemo.tensor { { 0, 1, 0, 0, 0.5 }, { 0, 0, -2, 0, 0 } }

function masks.test_logits_where_the_mask_is_not_0()
  for name, model in pairs(models()) do
    local all, wanted = model(tokens), model(tokens, mask)
    equals(wanted:shape(), { 3, 9 }, name)
    for row, place in ipairs { { 1, 2 }, { 1, 5 }, { 2, 3 } } do
      local difference = (wanted[row] - all[place[1]][place[2]]):abs():max():item()
      luaunit.assertTrue(difference <= 1e-5, name)
    end
    equals(model(tokens, mask * 0):shape(), { 0, 9 }, name)
    equals(model(tokens, mnemo.ones(2, 5)):shape(), { 10, 9 }, name)
  end
end

function masks.test_gradients()
  local columns = mnemo.randn(9, { seed = 3 })
  for name, model in pairs(models()) do
    local parameters = {}
    for i, parameter in ipairs(model:trainable()) do parameters[i] = model:get(parameter) end
    local wanted = mnemo.grad(model(tokens, mask):square():matmul(columns):sum(), parameters)
    local squares = model(tokens):square():matmul(columns)
    local all = mnemo.grad((squares * mask:ne(0)):sum(), parameters)
    for i, gradient in ipairs(all) do
      local largest = math.max(gradient:abs():max():item(), 1e-3)
      luaunit.assertTrue((wanted[i] - gradient):abs():max():item() <= 1e-4 * largest,
        name .. " " .. i)
    end
  end
end

function masks.test_errors()
  for _, model in pairs(models()) do
    fails("forward: the mask has shape [2, 4], the tokens have [2, 5]",
      model, tokens, mnemo.ones(2, 4))
    fails("forward: the mask has shape [5], the tokens have [2, 5]", model, tokens, mnemo.ones(5))
    fails("bad argument #2 to '__call' (Tensor expected, got IntTensor)", model, tokens, tokens)
  end
end

os.exit(luaunit.LuaUnit.new():runSuiteByInstances {
  { "backward", backward }, { "grad", grad }, { "leaves", leaves }, { "linalg", linalg },
  { "masks", masks },
})
