--- Gradients as a script asks for them.
local luaunit = require "luaunit"
local mnemo = require "mnemo"

local equals = luaunit.assertEquals

local backward, grad, leaves = {}, {}, {}

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

os.exit(luaunit.LuaUnit.new():runSuiteByInstances {
  { "backward", backward }, { "grad", grad }, { "leaves", leaves },
})
