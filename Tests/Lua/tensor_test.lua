--- Tensors, integer tensors and linear algebra as a script sees them.
local luaunit = require "luaunit"
local mnemo = require "mnemo"

local equals, close = luaunit.assertEquals, luaunit.assertAlmostEquals

local creation, access, arithmetic, reductions, gradients, in_place, integers, linalg, files =
  {}, {}, {}, {}, {}, {}, {}, {}, {}

--- Asserts shape and elements of a Tensor or IntTensor.
local function assert_tensor(tensor, shape, elements, tolerance)
  equals(tensor:shape(), shape)
  local flat = tensor:reshape(-1):totable()
  equals(#flat, #elements)
  for i, element in ipairs(elements) do
    if tolerance then
      close(flat[i], element, tolerance)
    else
      equals(flat[i], element, "element " .. i)
    end
  end
end

--- Asserts that a call fails with exactly this message, the script's position aside.
local function fails(message, fn, ...)
  local ok, found = pcall(fn, ...)
  luaunit.assertFalse(ok, message)
  equals((tostring(found):gsub("^[^\n]-%.lua:%d+: ", "")), message)
end

local m = mnemo.tensor { { 1, 2, 3 }, { 4, 5, 6 } }
local ids = mnemo.int_tensor { { 1, 2, 3 }, { 4, 5, 6 } }

-- Creation

function creation.test_lists()
  assert_tensor(m, { 2, 3 }, { 1, 2, 3, 4, 5, 6 })
  assert_tensor(mnemo.tensor(2.5), {}, { 2.5 })
  assert_tensor(mnemo.tensor {}, { 0 }, {})
  assert_tensor(ids, { 2, 3 }, { 1, 2, 3, 4, 5, 6 })
  assert_tensor(mnemo.int_tensor(7), {}, { 7 })
  fails("bad argument #1 to 'tensor' ([2]: rows must have one shape, got [1] after [2])",
    mnemo.tensor, { { 1, 2 }, { 3 } })
  fails("bad argument #1 to 'tensor' ([2][1]: number expected, got string)",
    mnemo.tensor, { { 1 }, { "x" } })
  fails("bad argument #1 to 'tensor' (number expected, got nil)", mnemo.tensor, nil)
  fails("bad argument #1 to 'int_tensor' ([1]: number has no integer representation)",
    mnemo.int_tensor, { 1.5 })
  fails("bad argument #1 to 'int_tensor' ([1]: integers have 32 bits here, got 4294967296)",
    mnemo.int_tensor, { 1 << 32 })
end

function creation.test_constants()
  assert_tensor(mnemo.zeros(2, 1), { 2, 1 }, { 0, 0 })
  assert_tensor(mnemo.zeros { 1, 2 }, { 1, 2 }, { 0, 0 })
  assert_tensor(mnemo.ones(2), { 2 }, { 1, 1 })
  assert_tensor(mnemo.ones(), {}, { 1 })
  assert_tensor(mnemo.full(2, 2, 0.5), { 2, 2 }, { 0.5, 0.5, 0.5, 0.5 })
  assert_tensor(mnemo.eye(2), { 2, 2 }, { 1, 0, 0, 1 })
  fails("zeros: sizes must not be negative, got [2, -1]", mnemo.zeros, 2, -1)
  fails("zeros: a tensor of shape [1099511627776, 2] is too large", mnemo.zeros, 1 << 40, 2)
  fails("bad argument #2 to 'zeros' (number expected, got string)", mnemo.zeros, 2, "3")
  fails("bad argument #1 to 'zeros' (number has no integer representation)", mnemo.zeros, 1.5)
end

function creation.test_ranges()
  assert_tensor(mnemo.arange(1, 4), { 4 }, { 1, 2, 3, 4 })
  assert_tensor(mnemo.arange(5, 1, -2), { 3 }, { 5, 3, 1 })
  assert_tensor(mnemo.linspace(0, 1, 5), { 5 }, { 0, 0.25, 0.5, 0.75, 1 })
  fails("arange: steps of 0.0 do not lead from 1.0 to 2.0", mnemo.arange, 1, 2, 0)
  fails("linspace: needs at least 1 number, got 0", mnemo.linspace, 0, 1, 0)
end

function creation.test_random_numbers_follow_the_seed()
  for _, draw in ipairs { mnemo.rand, mnemo.randn } do
    mnemo.seed(3)
    local a, b = draw(2, 3), draw(2, 3)
    mnemo.seed(3)
    equals(draw(2, 3):totable(), a:totable())
    equals(draw { 2, 3 }:totable(), b:totable())
    luaunit.assertNotEquals(a:totable(), b:totable())
    equals(draw(4, { seed = 1 }):totable(), draw(4, { seed = 1 }):totable())
    luaunit.assertNotEquals(draw(4, { seed = 1 }):totable(), draw(4, { seed = 2 }):totable())
    luaunit.assertErrorMsgContains("did you mean 'seed'?", draw, 4, { sed = 1 })
  end
  local uniform, normal = mnemo.rand(10000, { seed = 1 }), mnemo.randn(10000, { seed = 1 })
  luaunit.assertTrue(uniform:min():item() >= 0 and uniform:max():item() < 1)
  close(uniform:mean():item(), 0.5, 0.02)
  close(normal:mean():item(), 0, 0.05)
  close(normal:std():item(), 1, 0.05)
end

function creation.test_one_hot()
  assert_tensor(mnemo.one_hot(mnemo.int_tensor { 2, 1 }, 3), { 2, 3 }, { 0, 1, 0, 1, 0, 0 })
  fails("one_hot: id 0 is outside 1…3", mnemo.one_hot, mnemo.int_tensor { 0 }, 3)
  fails("one_hot: id 4 is outside 1…3", mnemo.one_hot, mnemo.int_tensor { 4 }, 3)
end

function creation.test_joining()
  assert_tensor(mnemo.cat({ m, m[1]:reshape(1, 3) }, 1), { 3, 3 }, { 1, 2, 3, 4, 5, 6, 1, 2, 3 })
  assert_tensor(mnemo.cat({ m, m }, -1), { 2, 6 }, { 1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6 })
  assert_tensor(mnemo.stack({ m[1], m[2] }, 2), { 3, 2 }, { 1, 4, 2, 5, 3, 6 })
  fails("cat: the list is empty", mnemo.cat, {}, 1)
  fails("cat: tensor 2 has shape [3], the first [2, 3]", mnemo.cat, { m, m[1] }, 1)
  fails("bad argument #1 to 'cat' ([2]: Tensor expected, got number)", mnemo.cat, { m, 1 }, 1)
  fails("bad argument #2 to 'cat' (dimensions count from 1, got 0)", mnemo.cat, { m, m }, 0)
  fails("stack: shapes [2, 3] and [3] differ", mnemo.stack, { m, m[1] }, 1)
end

function creation.test_where()
  assert_tensor(mnemo.where(m:gt(3), m, -m), { 2, 3 }, { -1, -2, -3, 4, 5, 6 })
  assert_tensor(mnemo.where(m:gt(3), 1, 0), { 2, 3 }, { 0, 0, 0, 1, 1, 1 })
  fails("where: shapes [2, 3] and [2] do not broadcast together",
    mnemo.where, m, mnemo.ones(2), 0)
end

-- Access

function access.test_sizes()
  equals(m:shape(), { 2, 3 })
  equals(m:size(1), 2)
  equals(m:size(-1), 3)
  equals(m:dim(), 2)
  equals(m:numel(), 6)
  equals(#m, 2)
  equals(mnemo.tensor(5):item(), 5)
  equals(mnemo.zeros(0, 3):numel(), 0)
  fails("size: dimension 3 of a tensor of shape [2, 3] (allowed: 1…2)", m.size, m, 3)
  fails("bad argument #1 to 'size' (dimensions count from 1, got 0)", function() m:size(0) end)
  fails("bad argument #1 to 'size' (number expected, got no value)", function() m:size() end)
  fails("item: needs a tensor of one element, got shape [2, 3]", m.item, m)
  fails("#: a 0-dimensional tensor has no length", function() return #mnemo.tensor(1) end)
  fails("bad argument #1 to 'size' (Tensor expected, got number)", m.size, 3, 1)
end

function access.test_rows()
  assert_tensor(m[2], { 3 }, { 4, 5, 6 })
  assert_tensor(m[-1], { 3 }, { 4, 5, 6 })
  equals(m[2][3]:item(), 6)
  equals(m[2.0]:totable(), { 4, 5, 6 })
  assert_tensor(m[mnemo.int_tensor { 2, 1, 2 }], { 3, 3 }, { 4, 5, 6, 1, 2, 3, 4, 5, 6 })
  fails("bad index (indices count from 1, got 0)", function() return m[0] end)
  fails("select: index 3 in dimension 1 of shape [2, 3] (allowed: 1…2)",
    function() return m[3] end)
  fails("select: index -4 in dimension 1 of shape [2, 3] (allowed: 1…2)",
    function() return m[-4] end)
  fails("index: row 3 is outside 1…2", function() return m[mnemo.int_tensor { 3 }] end)
  fails("select: a 0-dimensional tensor has no dimensions to choose from",
    function() return mnemo.tensor(1)[1] end)
  fails("bad index (number has no integer representation)", function() return m[1.5] end)
  fails("Tensor: has no member 'shap'; did you mean 'shape'?", function() return m.shap end)
end

function access.test_ipairs_ends_after_the_last_row()
  for _, t in ipairs { m, ids } do
    local rows = {}
    for i, row in ipairs(t) do rows[i] = row:totable() end
    equals(rows, { { 1, 2, 3 }, { 4, 5, 6 } })
    -- Elsewhere the row after the last is an error, also from inside the loop.
    fails("select: index 3 in dimension 1 of shape [2, 3] (allowed: 1…2)",
      function() return t[3] end)
    for i in ipairs(t) do
      fails(("select: index %d in dimension 1 of shape [2, 3] (allowed: 1…2)"):format(i + 2),
        function() return t[i + 2] end)
    end
    local sum = 0
    for _, element in ipairs(t[2]) do sum = sum + element:item() end
    equals(sum, 15)
  end
  for _ in ipairs(mnemo.zeros(0, 2)) do error "there is no row" end
  local _, message = pcall(function()
    for _ in ipairs(mnemo.tensor(1)) do error "there is no row" end
  end)
  luaunit.assertStrMatches(message, "[^:]*tensor_test.lua:%d+: "
    .. "select: a 0%-dimensional tensor has no dimensions to choose from")
end

function access.test_setting()
  local t = mnemo.zeros(2, 3)
  t[1] = 7
  t[2] = mnemo.tensor { 1, 2, 3 }
  t[-1][2] = 9
  assert_tensor(t, { 2, 3 }, { 7, 7, 7, 1, 9, 3 })
  fails("t[i] = v: shape [2] does not broadcast to [3]", function() t[1] = mnemo.ones(2) end)
  fails("bad value (Tensor or number expected, got string)", function() t[1] = "x" end)
  fails("bad index (indices count from 1, got 0)", function() t[0] = 1 end)
  fails("select: index 3 in dimension 1 of shape [2, 3] (allowed: 1…2)", function() t[3] = 1 end)
  fails("Tensor: 'name' cannot be set (only grad and elements can)", function() t.name = 1 end)
  local x = mnemo.ones(2):requires_grad(true)
  fails("t[i] = v: a tensor that requires gradients is not changed in place; do it inside no_grad",
    function() x[1] = 1 end)
end

function access.test_one_element()
  equals(m:get(2, 3), 6)
  equals(m:get(-2, -3), 1)
  equals(m:t():get(3, 1), 3)
  equals(mnemo.tensor(4):get(), 4)
  fails("get: 1 indices for a tensor of shape [2, 3]", m.get, m, 1)
  fails("get: index 4 in dimension 2 of shape [2, 3] (allowed: 1…3)", m.get, m, 1, 4)
  fails("bad argument #2 to 'get' (indices count from 1, got 0)", function() m:get(1, 0) end)
end

function access.test_views()
  assert_tensor(m:narrow(2, 2, 2), { 2, 2 }, { 2, 3, 5, 6 })
  assert_tensor(m:narrow(-1, -2, 2), { 2, 2 }, { 2, 3, 5, 6 })
  assert_tensor(m:select(2, 3), { 2 }, { 3, 6 })
  assert_tensor(m:select(-1, -1), { 2 }, { 3, 6 })
  assert_tensor(m:reshape(3, -1), { 3, 2 }, { 1, 2, 3, 4, 5, 6 })
  assert_tensor(m:reshape { 6 }, { 6 }, { 1, 2, 3, 4, 5, 6 })
  assert_tensor(m:transpose(1, 2), { 3, 2 }, { 1, 4, 2, 5, 3, 6 })
  assert_tensor(m:t(), { 3, 2 }, { 1, 4, 2, 5, 3, 6 })
  assert_tensor(m[1]:expand(2, 3), { 2, 3 }, { 1, 2, 3, 1, 2, 3 })
  assert_tensor(m:t():contiguous(), { 3, 2 }, { 1, 4, 2, 5, 3, 6 })
  luaunit.assertTrue(m:contiguous() == m)
  local t = m:clone()
  t:t()[1] = 0
  assert_tensor(t, { 2, 3 }, { 0, 2, 3, 0, 5, 6 })
  t:detach()[1] = 1
  equals(t:totable(), { { 1, 1, 1 }, { 0, 5, 6 } })
  equals(m:totable()[1][1], 1)
  fails("reshape: [2, 3] has 6 elements and cannot become [4, 2]", m.reshape, m, 4, 2)
  fails("narrow: 3 elements from index 2 do not fit in dimension 2 of shape [2, 3]",
    m.narrow, m, 2, 2, 3)
  fails("bad argument #2 to 'narrow' (indices count from 1, got 0)",
    function() m:narrow(2, 0, 1) end)
  fails("transpose: dimension 3 of a tensor of shape [2, 3] (allowed: 1…2)",
    m.transpose, m, 1, 3)
  fails("t: needs a matrix, got shape [3]", m.t, m[1])
  fails("expand: shape [2, 3] does not broadcast to [3]", m.expand, m, 3)
end

function access.test_gather()
  local places = mnemo.int_tensor { { 3 }, { 1 } }
  assert_tensor(m:gather(2, places), { 2, 1 }, { 3, 4 })
  fails("gather: index 4 is outside 1…3", m.gather, m, 2, mnemo.int_tensor { { 4 }, { 1 } })
end

function access.test_text()
  equals(tostring(m), "Tensor [2, 3]\n  1  2  3\n  4  5  6")
  equals(tostring(ids[1]), "IntTensor [3]\n  1  2  3")
  equals(tostring(mnemo.tensor { 1e-5, 0.5 }), "Tensor [2]\n   1e-05  0.5000")
end

function access.test_print_options()
  local before = mnemo.print_options()
  equals(before,
    { precision = 4, threshold = 0, edge_items = 6, width = 0, scientific = "auto" })
  local set = { precision = 1, threshold = 2, edge_items = 1, width = 40, scientific = true }
  equals(mnemo.print_options(set), set)
  equals(mnemo.print_options(), set)
  equals(tostring(mnemo.tensor { 1, 0.25, 3 }), "Tensor [3]\n  1.0e+00        …  3.0e+00")
  equals(tostring(ids[1]), "IntTensor [3]\n  1  …  3")
  equals(mnemo.print_options(before), before)
  -- One that is refused changes nothing.
  fails("print_options: precision = 11 (allowed: 0 to 10)", mnemo.print_options,
    { precision = 11 })
  fails("print_options: threshold = -1 (allowed: 0 to 1000000)", mnemo.print_options,
    { threshold = -1, width = 100 })
  fails("print_options: edge_items = 0 (allowed: 1 to 1000)", mnemo.print_options,
    { edge_items = 0 })
  fails("print_options: width = 19 (allowed: 0, or 20 or more)", mnemo.print_options,
    { width = 19 })
  fails('bad option \'scientific\' to \'print_options\' (boolean or "auto" expected, got "no")',
    mnemo.print_options, { scientific = "no" })
  fails("print_options: unknown option 'digits'; allowed are 'precision', 'threshold', "
    .. "'edge_items', 'width', 'scientific'", mnemo.print_options, { digits = 3 })
  equals(mnemo.print_options(), before)
end

-- Arithmetic

function arithmetic.test_operators()
  assert_tensor(m + 1, { 2, 3 }, { 2, 3, 4, 5, 6, 7 })
  assert_tensor(1 - m, { 2, 3 }, { 0, -1, -2, -3, -4, -5 })
  assert_tensor(m * mnemo.tensor { { 1 }, { 10 } }, { 2, 3 }, { 1, 2, 3, 40, 50, 60 })
  assert_tensor(6 / m[1], { 3 }, { 6, 3, 2 })
  assert_tensor(m[1] ^ 2, { 3 }, { 1, 4, 9 })
  assert_tensor(2 ^ m[1], { 3 }, { 2, 4, 8 })
  assert_tensor(-m[1], { 3 }, { -1, -2, -3 })
  assert_tensor(m[1] + ids[1], { 3 }, { 2, 4, 6 })
  luaunit.assertTrue(m == m)
  luaunit.assertFalse(m == m:clone())
  luaunit.assertTrue(m:detach() ~= m)
  fails("add: shapes [2, 3] and [2] do not broadcast together",
    function() return m + mnemo.ones(2) end)
  fails("bad operand #2 to '+' (Tensor or number expected, got nil)",
    function() return m + nil end)
  fails("bad operand #1 to '*' (Tensor or number expected, got string)",
    function() return "x" * m end)
end

function arithmetic.test_products()
  assert_tensor(m:matmul(m:t()), { 2, 2 }, { 14, 32, 32, 77 })
  equals(m[1]:dot(m[2]):item(), 32)
  assert_tensor(m[1]:outer(mnemo.tensor { 1, 10 }), { 3, 2 }, { 1, 10, 2, 20, 3, 30 })
  fails("matmul: inner sizes differ, [2, 3] × [2, 3]", m.matmul, m, m)
  fails("dot: needs two vectors of one length, got shapes [2, 3] and [3]", m.dot, m, m[1])
  fails("outer: needs two vectors, got shapes [2, 3] and [3]", m.outer, m, m[1])
  fails("bad argument #1 to 'matmul' (Tensor expected, got number)",
    function() m:matmul(2) end)
end

function arithmetic.test_functions()
  local x = mnemo.tensor { -1, 0.5, 2 }
  for name, reference in pairs {
    exp = math.exp, abs = math.abs,
    tanh = function(v) return 1 - 2 / (math.exp(2 * v) + 1) end,
    sigmoid = function(v) return 1 / (1 + math.exp(-v)) end,
    relu = function(v) return math.max(v, 0) end, square = function(v) return v * v end,
  } do
    local y = x[name](x):totable()
    for i, v in ipairs { -1, 0.5, 2 } do close(y[i], reference(v), 1e-5, name) end
  end
  assert_tensor(x:gelu(), { 3 }, { -0.158655, 0.345731, 1.954500 }, 1e-5)
  assert_tensor(mnemo.tensor { 1, 4 }:sqrt(), { 2 }, { 1, 2 })
  assert_tensor(mnemo.tensor { 1, 4 }:log(), { 2 }, { 0, math.log(4) }, 1e-6)
  assert_tensor(x:clamp(0, 1), { 3 }, { 0, 0.5, 1 })
  assert_tensor(x:maximum(0.25), { 3 }, { 0.25, 0.5, 2 })
  fails("clamp: the lower limit 1.0 is above the upper limit 0.0", x.clamp, x, 1, 0)
end

function arithmetic.test_comparisons()
  local expected = {
    eq = { 0, 1, 0 }, ne = { 1, 0, 1 }, lt = { 1, 0, 0 }, le = { 1, 1, 0 }, gt = { 0, 0, 1 },
    ge = { 0, 1, 1 },
  }
  for name, mask in pairs(expected) do
    for _, left in ipairs { m[1], ids[1] } do
      for _, right in ipairs {
        2, 2.0, mnemo.tensor { 2, 2, 2 }, mnemo.tensor(2), mnemo.int_tensor { 2 },
      } do
        assert_tensor(left[name](left, right), { 3 }, mask)
      end
      fails(("bad argument #2 to '%s' (%s expected, got string)"):format(name,
        left == ids[1] and "IntTensor or integer" or "Tensor or number"), function()
        left[name](left, "x")
      end)
    end
  end
  assert_tensor(ids[1]:lt(2.5), { 3 }, { 1, 1, 0 })
end

-- Reductions

function reductions.test_everything_and_one_dimension()
  for name, expected in pairs {
    sum = { 21, { 5, 7, 9 }, { 6, 15 } }, mean = { 3.5, { 2.5, 3.5, 4.5 }, { 2, 5 } },
    max = { 6, { 4, 5, 6 }, { 3, 6 } }, min = { 1, { 1, 2, 3 }, { 1, 4 } },
    var = { 3.5, { 4.5, 4.5, 4.5 }, { 1, 1 } },
    argmax = { 6, { 2, 2, 2 }, { 3, 3 } }, argmin = { 1, { 1, 1, 1 }, { 1, 1 } },
  } do
    equals(m[name](m):item(), expected[1], name)
    assert_tensor(m[name](m, 1), { 3 }, expected[2])
    assert_tensor(m[name](m, -1), { 2 }, expected[3])
    assert_tensor(m[name](m, 2, true), { 2, 1 }, expected[3])
    fails(("bad argument #2 to '%s' (dimensions count from 1, got 0)"):format(name),
      m[name], m, 0)
    fails(("%s: dimension 3 of a tensor of shape [2, 3] (allowed: 1…2)"):format(name),
      m[name], m, 3)
  end
  close(m:std():item(), math.sqrt(3.5), 1e-6)
  assert_tensor(m:norm(2, 2), { 2 }, { math.sqrt(14), math.sqrt(77) }, 1e-5)
  close(mnemo.zeros(3):logsumexp():item(), math.log(3), 1e-6)
  assert_tensor(mnemo.zeros(2, 3):logsumexp(1), { 3 }, { math.log(2), math.log(2), math.log(2) },
    1e-6)
  fails("max: the dimension is empty", m.max, mnemo.zeros(0))
end

function reductions.test_sort()
  local x = mnemo.tensor { { 3, 1, 2 }, { 5, 6, 4 } }
  local values, places = x:sort()
  assert_tensor(values, { 2, 3 }, { 1, 2, 3, 4, 5, 6 })
  assert_tensor(places, { 2, 3 }, { 2, 3, 1, 3, 1, 2 })
  equals(x:gather(2, places):totable(), values:totable())
  values, places = x:sort(1, true)
  assert_tensor(values, { 2, 3 }, { 5, 6, 4, 3, 1, 2 })
  assert_tensor(places, { 2, 3 }, { 2, 2, 2, 1, 1, 1 })
  fails("sort: dimension 3 of a tensor of shape [2, 3] (allowed: 1…2)", x.sort, x, 3)
end

function reductions.test_topk()
  local x = mnemo.tensor { { 3, 1, 2 }, { 5, 6, 4 } }
  local values, places = x:topk(2)
  assert_tensor(values, { 2, 2 }, { 3, 2, 6, 5 })
  assert_tensor(places, { 2, 2 }, { 1, 3, 2, 1 })
  values, places = x:topk(1, 1, false)
  assert_tensor(values, { 1, 3 }, { 3, 1, 2 })
  assert_tensor(places, { 1, 3 }, { 1, 1, 1 })
  fails("topk: 4 of the 3 elements in dimension 2 of shape [2, 3]", x.topk, x, 4)
end

function reductions.test_softmax()
  assert_tensor(mnemo.tensor { 0, math.log(3) }:softmax(1), { 2 }, { 0.25, 0.75 }, 1e-6)
  assert_tensor(mnemo.tensor { 0, math.log(3) }:log_softmax(-1), { 2 },
    { math.log(0.25), math.log(0.75) }, 1e-6)
  fails("bad argument #1 to 'softmax' (number expected, got no value)",
    function() m:softmax() end)
end

function reductions.test_layer_norm()
  local x = mnemo.tensor { { 1, 3 }, { -2, 2 } }
  assert_tensor(x:layer_norm(), { 2, 2 }, { -1, 1, -1, 1 }, 1e-4)
  assert_tensor(x:layer_norm(mnemo.tensor { 2, 3 }, mnemo.tensor { 0, 10 }, 0), { 2, 2 },
    { -2, 13, -2, 13 }, 1e-5)
  assert_tensor(x:layer_norm(nil, mnemo.tensor { 1, 1 }), { 2, 2 }, { 0, 2, 0, 2 }, 1e-4)
  fails("layer_norm: rows of 2 elements need a weight of shape [2], got [3]",
    x.layer_norm, x, mnemo.ones(3))
  fails("layer_norm: a 0-dimensional tensor has no rows to normalise",
    x.layer_norm, mnemo.tensor(1))
end

function reductions.test_cross_entropy()
  local logits = mnemo.tensor { { 0, math.log(3) }, { 0, 0 } }
  close(logits:cross_entropy(mnemo.int_tensor { 2, 1 }):item(),
    (-math.log(0.75) + math.log(2)) / 2, 1e-6)
  close(logits:cross_entropy(mnemo.int_tensor { 2, 1 }, { mask = mnemo.tensor { 1, 0 } }):item(),
    -math.log(0.75), 1e-6)
  close(logits:cross_entropy({ 2, 1 }):item(), (-math.log(0.75) + math.log(2)) / 2, 1e-6)
  fails("cross_entropy: target 3 is outside 1…2",
    logits.cross_entropy, logits, mnemo.int_tensor { 3, 1 })
  fails("cross_entropy: logits of shape [2, 2] need targets of shape [2], got [3]",
    logits.cross_entropy, logits, mnemo.int_tensor { 1, 1, 1 })
end

-- Gradients

function gradients.test_backward()
  local x = mnemo.tensor { 1, 2, 3 }
  luaunit.assertFalse(x:requires_grad())
  luaunit.assertTrue(x:requires_grad(true) == x)
  luaunit.assertTrue(x:requires_grad())
  luaunit.assertNil(x.grad)
  local y = (x * x):sum()
  y:backward()
  assert_tensor(x.grad, { 3 }, { 2, 4, 6 })
  fails("backward: the graph was already used by an earlier backward() or grad(); compute the "
    .. "result again, or call that one with {retain = true}", y.backward, y);
  (x * 2):sum():backward()
  assert_tensor(x.grad, { 3 }, { 4, 6, 8 })
  x.grad = nil
  luaunit.assertNil(x.grad)
  x.grad = mnemo.ones(3)
  assert_tensor(x.grad, { 3 }, { 1, 1, 1 })
  fails("grad: needs shape [3], as the tensor, got [2]", function() x.grad = mnemo.ones(2) end)
  fails("backward: needs a scalar, got shape [3]; take sum() or mean() first, or give a gradient",
    function() (x * x):backward() end)
  fails("backward: this tensor does not depend on any that requires gradients (gradients "
    .. "themselves have no history: there are no second derivatives)",
    function() mnemo.ones(1):backward() end)
  fails("requires_grad: only a tensor that was not computed from others can change it; "
    .. "use detach() first", function() (x * x):requires_grad(false) end)
end

function gradients.test_no_grad()
  local x = mnemo.ones(2):requires_grad(true)
  local a, b = mnemo.no_grad(function() return (x * 2):requires_grad(), 5 end)
  luaunit.assertFalse(a)
  equals(b, 5)
  luaunit.assertTrue((x * 2):requires_grad())
  luaunit.assertFalse((x * 2):detach():requires_grad())
  fails("inside", mnemo.no_grad, function() error("inside", 0) end)
  luaunit.assertTrue((x * 2):requires_grad())
end

function gradients.test_changes_after_use()
  local x, w = mnemo.ones(2):requires_grad(true), mnemo.ones(2)
  local y = (x * w):sum()
  w:add_(1)
  fails("backward: an input of mul, of shape [2], was changed in place after its use",
    y.backward, y)
end

--- Slopes of f at a vector by central differences.
local function assert_gradient(f, values)
  local x = mnemo.tensor(values):requires_grad(true)
  f(x):backward()
  local step = 1 / 256
  for i in ipairs(values) do
    local function moved(by)
      local copy = { table.unpack(values) }
      copy[i] = copy[i] + by
      return f(mnemo.tensor(copy)):item()
    end
    close(x.grad:get(i), (moved(step) - moved(-step)) / (2 * step), 5e-3, "entry " .. i)
  end
end

function gradients.test_of_operations()
  local weights = mnemo.tensor { 1, -2, 3, 0.5 }
  local values = { 0.5, -1.25, 2, 0.75 }
  for name, f in pairs {
    sort = function(x) return ((x:sort())):dot(weights) end,
    topk = function(x) return ((x:topk(2))):dot(mnemo.tensor { 1, 3 }) end,
    layer_norm = function(x)
      return x:reshape(2, 2):layer_norm(nil, nil, 0.5):reshape(4):dot(weights)
    end,
    rows = function(x) return x[mnemo.int_tensor { 1, 1, 4 }]:square():sum() end,
    select = function(x) return x:reshape(2, 2)[1]:square():sum() end,
    solve = function(x)
      return mnemo.linalg.solve(x:reshape(2, 2) + 3 * mnemo.eye(2), mnemo.tensor { 1, 2 }):sum()
    end,
    solve_right = function(x)
      return mnemo.linalg.solve(mnemo.tensor { { 2, 1 }, { 1, 3 } }, x:reshape(2, 2)):square():sum()
    end,
  } do
    local ok, message = pcall(assert_gradient, f, values)
    luaunit.assertTrue(ok, name .. ": " .. tostring(message))
  end
end

-- In place

function in_place.test_changes()
  local t = mnemo.zeros(2)
  luaunit.assertTrue(t:fill_(3) == t)
  assert_tensor(t, { 2 }, { 3, 3 })
  assert_tensor(t:copy_(mnemo.tensor { 1, 2 }), { 2 }, { 1, 2 })
  assert_tensor(t:add_(1), { 2 }, { 2, 3 })
  assert_tensor(t:mul_(mnemo.tensor { 2, 0 }), { 2 }, { 4, 0 })
  fails("copy_: shape [3] does not broadcast to [2]", t.copy_, t, mnemo.ones(3))
  fails("add_: this view repeats its elements (expand); change a clone() of it",
    t.add_, t:expand(2, 2), 1)
  fails("bad argument #1 to 'fill_' (number expected, got Tensor)", function() t:fill_(t) end)
  local x = mnemo.ones(2):requires_grad(true)
  for _, name in ipairs { "fill_", "copy_", "add_", "mul_", "normal_", "uniform_" } do
    local draws = name == "normal_" or name == "uniform_"
    local function change() x[name](x, not draws and 1 or nil) end
    fails(name .. ": a tensor that requires gradients is not changed in place; "
      .. "do it inside no_grad", change)
    mnemo.no_grad(change)
  end
end

function in_place.test_random_numbers()
  for name, draw in pairs { normal_ = mnemo.randn, uniform_ = mnemo.rand } do
    local t = mnemo.zeros(3, 4)
    luaunit.assertTrue(t[name](t, { seed = 5 }) == t)
    equals(t:totable(), draw(3, 4, { seed = 5 }):totable())
    mnemo.seed(9)
    t[name](t)
    mnemo.seed(9)
    equals(t:totable(), draw(3, 4):totable())
    -- A view takes the same numbers.
    local view = mnemo.zeros(4, 3):t()
    equals(view[name](view, { seed = 5 }):totable(), draw(3, 4, { seed = 5 }):totable())
  end
  local normal = mnemo.zeros(10000):normal_ { mean = 3, std = 0.5, seed = 1 }
  close(normal:mean():item(), 3, 0.03)
  close(normal:std():item(), 0.5, 0.03)
  local uniform = mnemo.zeros(10000):uniform_ { low = -1, high = 3, seed = 1 }
  luaunit.assertTrue(uniform:min():item() >= -1 and uniform:max():item() < 3)
  close(uniform:mean():item(), 1, 0.06)
  local t = mnemo.zeros(2)
  fails("normal_: unknown option 'sdt'; did you mean 'std'?", function() t:normal_ { sdt = 1 } end)
  fails("bad option 'std' to 'normal_' (0 or more expected, got -1.0)",
    function() t:normal_ { std = -1 } end)
  fails("bad option 'low' to 'uniform_' (1.0, the option 'high', or less expected, got 2.0)",
    function() t:uniform_ { low = 2 } end)
end

-- Integers

function integers.test_access()
  equals(ids:shape(), { 2, 3 })
  equals(ids:size(-1), 3)
  equals(ids:dim(), 2)
  equals(ids:numel(), 6)
  equals(#ids, 2)
  equals(ids:get(2, -1), 6)
  equals(math.type(ids:get(1, 1)), "integer")
  equals(ids[2][1]:item(), 4)
  equals(ids[mnemo.int_tensor { 2 }]:totable(), { { 4, 5, 6 } })
  assert_tensor(ids:tensor() / 2, { 2, 3 }, { 0.5, 1, 1.5, 2, 2.5, 3 })
  fails("select: index 3 in dimension 1 of shape [2, 3] (allowed: 1…2)",
    function() return ids[3] end)
  fails("bad index (indices count from 1, got 0)", function() return ids[0] end)
  fails("get: 1 indices for a tensor of shape [2, 3]", ids.get, ids, 1)
  fails("IntTensor: has no member 'totabel'; did you mean 'totable'?",
    function() return ids.totabel end)
end

function integers.test_views()
  assert_tensor(ids:narrow(2, 2, 2), { 2, 2 }, { 2, 3, 5, 6 })
  assert_tensor(ids:select(2, -1), { 2 }, { 3, 6 })
  assert_tensor(ids:reshape(3, -1), { 3, 2 }, { 1, 2, 3, 4, 5, 6 })
  assert_tensor(ids:transpose(1, 2), { 3, 2 }, { 1, 4, 2, 5, 3, 6 })
  assert_tensor(ids:t():contiguous(), { 3, 2 }, { 1, 4, 2, 5, 3, 6 })
  assert_tensor(ids[1]:expand(2, 3), { 2, 3 }, { 1, 2, 3, 1, 2, 3 })
  assert_tensor(ids:gather(2, mnemo.int_tensor { { 3 }, { 1 } }), { 2, 1 }, { 3, 4 })
  luaunit.assertTrue(ids == ids)
  luaunit.assertFalse(ids == ids:clone())
  fails("t: needs a matrix, got shape [3]", ids.t, ids[1])
end

function integers.test_setting()
  local t = ids:clone()
  t[1] = 7
  t[2] = mnemo.int_tensor { 1, 2, 3 }
  t[2][-1] = 9
  assert_tensor(t, { 2, 3 }, { 7, 7, 7, 1, 2, 9 })
  equals(ids:get(1, 1), 1)
  fails("t[i] = v: shape [2] does not broadcast to [3]",
    function() t[1] = mnemo.int_tensor { 1, 2 } end)
  fails("bad value (number has no integer representation)", function() t[1] = 1.5 end)
  fails("IntTensor: 'x' cannot be set (only elements can)", function() t.x = 1 end)
end

function integers.test_arithmetic()
  assert_tensor(ids + 1, { 2, 3 }, { 2, 3, 4, 5, 6, 7 })
  assert_tensor(10 - ids[1], { 3 }, { 9, 8, 7 })
  assert_tensor(ids * ids[1], { 2, 3 }, { 1, 4, 9, 4, 10, 18 })
  assert_tensor(-ids[1], { 3 }, { -1, -2, -3 })
  fails("+: 2147483647 and 1 leave the range of 32 bits",
    function() return mnemo.int_tensor { 2147483647 } + 1 end)
  fails("+: shapes [2, 3] and [2] do not broadcast together",
    function() return ids + mnemo.int_tensor { 1, 2 } end)
  fails("bad operand #2 to '+' (number has no integer representation)",
    function() return ids + 1.5 end)
end

function integers.test_reductions()
  equals(ids:sum():item(), 21)
  assert_tensor(ids:sum(1), { 3 }, { 5, 7, 9 })
  assert_tensor(ids:max(2), { 2 }, { 3, 6 })
  assert_tensor(ids:min(-1, true), { 2, 1 }, { 1, 4 })
  fails("sum: 4294967294 leaves the range of 32 bits",
    function() mnemo.int_tensor { 2147483647, 2147483647 }:sum() end)
  fails("max: the dimension is empty", ids.max, mnemo.int_tensor {})
end

-- Linear algebra

local function assert_close(a, b, tolerance)
  equals(a:shape(), b:shape())
  luaunit.assertTrue((a - b):abs():max():item() <= tolerance)
end

function linalg.test_svd()
  for _, shape in ipairs { { 5, 3 }, { 3, 5 }, { 1, 4 } } do
    local A = mnemo.randn(shape[1], shape[2], { seed = 1 })
    local U, S, V = mnemo.linalg.svd(A)
    assert_close((U * S):matmul(V:t()), A, 1e-5)
    local k = math.min(shape[1], shape[2])
    equals(V:shape(), { shape[2], k })
    assert_close(U:t():matmul(U), mnemo.eye(k), 1e-5)
  end
  fails("svd: needs a matrix, got shape [3]", mnemo.linalg.svd, mnemo.ones(3))
  fails("svd: needs finite numbers, but one of shape [1, 1] is inf",
    mnemo.linalg.svd, mnemo.tensor { { math.huge } })
  fails("bad argument #1 to 'linalg.svd' (Tensor expected, got table)", mnemo.linalg.svd, { 1 })
end

function linalg.test_qr()
  local A = mnemo.randn(5, 3, { seed = 1 })
  local Q, R = mnemo.linalg.qr(A)
  assert_close(Q:matmul(R), A, 1e-5)
  assert_close(Q:t():matmul(Q), mnemo.eye(3), 1e-5)
  luaunit.assertTrue(R:get(1, 1) > 0 and R:get(2, 1) == 0)
end

function linalg.test_eigh()
  local values, vectors = mnemo.linalg.eigh(mnemo.tensor { { 2, 1 }, { 1, 2 } })
  assert_tensor(values, { 2 }, { 1, 3 }, 1e-6)
  assert_tensor(vectors:select(2, 2), { 2 }, { math.sqrt(0.5), math.sqrt(0.5) }, 1e-6)
  fails("eigh: the matrix is not symmetric: entry (1, 2) is 1.0, (2, 1) is 0.0",
    mnemo.linalg.eigh, mnemo.tensor { { 1, 1 }, { 0, 1 } })
end

function linalg.test_solve()
  local A = mnemo.tensor { { 2, 1 }, { 0, 4 } }
  assert_tensor(mnemo.linalg.solve(A, mnemo.tensor { 4, 8 }), { 2 }, { 1, 2 }, 1e-6)
  assert_close(A:matmul(mnemo.linalg.solve(A, mnemo.eye(2))), mnemo.eye(2), 1e-6)
  fails("solve: the matrix is singular", mnemo.linalg.solve, mnemo.ones(2, 2), mnemo.ones(2))
  fails("solve: a matrix of shape [2, 2] needs a right-hand side [2] or [2, r], got [3]",
    mnemo.linalg.solve, A, mnemo.ones(3))
end

function linalg.test_rank_truncate()
  local W = mnemo.tensor { { 3, 0 }, { 0, 1 } }
  assert_tensor(mnemo.linalg.rank_truncate(W, 1), { 2, 2 }, { 3, 0, 0, 0 }, 1e-6)
  assert_tensor(mnemo.linalg.rank_truncate(W, 0), { 2, 2 }, { 0, 0, 0, 0 })
  fails("rank_truncate: rank 3 for a matrix of shape [2, 2] (allowed: 0…2)",
    mnemo.linalg.rank_truncate, W, 3)
end

-- Files

local function with_file(ending, body)
  local name = os.tmpname()
  local path = name .. ending
  local ok, message = pcall(body, path)
  os.remove(path)
  os.remove(name)
  if not ok then error(message, 0) end
end

function files.test_npy()
  with_file(".npy", function(path)
    m:t():save(path)
    assert_tensor(mnemo.load(path), { 3, 2 }, { 1, 4, 2, 5, 3, 6 })
    ids:save(path)
    local back = mnemo.load(path)
    equals(math.type(back:get(1, 1)), "integer")
    equals(back:totable(), ids:totable())
    local file = assert(io.open(path, "wb"))
    file:write("no array")
    file:close()
    fails(("load: \"%s\": is no .npy file: it does not begin with \\x93NUMPY"):format(path),
      mnemo.load, path)
  end)
  fails("load: \"/nonexistent/x.npy\": No such file or directory", mnemo.load,
    "/nonexistent/x.npy")
  fails("bad argument #1 to 'load' (a path ending in .npy or .safetensors expected, got \"x.csv\")",
    mnemo.load, "x.csv")
  fails("bad argument #1 to 'save' (a path ending in .npy or .safetensors expected, got \"x\")",
    function() m:save("x") end)
end

function files.test_safetensors()
  with_file(".safetensors", function(path)
    m:save(path)
    equals(mnemo.load(path).tensor:totable(), m:totable())
    mnemo.safetensors.save(path, { m = m, ids = ids }, { note = "two" })
    local tensors, metadata = mnemo.safetensors.load(path)
    equals(tensors.m:totable(), m:totable())
    equals(tensors.ids:totable(), ids:totable())
    equals(metadata, { note = "two" })
    equals(mnemo.load(path).ids:totable(), ids:totable())
    fails("bad argument #2 to 'safetensors.save' (.m: Tensor or IntTensor expected, got number)",
      mnemo.safetensors.save, path, { m = 1 })
  end)
end

os.exit(luaunit.LuaUnit.new():runSuiteByInstances {
  { "creation", creation }, { "access", access }, { "arithmetic", arithmetic },
  { "reductions", reductions }, { "gradients", gradients }, { "in_place", in_place },
  { "integers", integers }, { "linalg", linalg }, { "files", files },
})
