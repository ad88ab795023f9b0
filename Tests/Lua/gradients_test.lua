--- Gradients as a script asks for them.
local luaunit = require "luaunit"
local mnemo = require "mnemo"

local equals = luaunit.assertEquals

local backward = {}

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

local used = "the graph was already used by an earlier backward(); compute the result "
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

os.exit(luaunit.LuaUnit.new():runSuiteByInstances {
  { "backward", backward },
})
