--- What reduces, orders and counts tensors, einsum, and integers, as a script sees them.
--
-- Values marked so were recorded from PyTorch 2.
local luaunit = require "luaunit"
local mnemo = require "mnemo"

local equals, close = luaunit.assertEquals, luaunit.assertAlmostEquals
local nan = 0 / 0

local reductions, norms, order, einsum, integers = {}, {}, {}, {}, {}

--- Asserts shape and elements of a Tensor or IntTensor; nan equals nan.
local function assert_tensor(tensor, shape, elements, tolerance)
  equals(tensor:shape(), shape)
  local flat = tensor:reshape(-1):totable()
  equals(#flat, #elements)
  for i, element in ipairs(elements) do
    if element ~= element then
      luaunit.assertTrue(flat[i] ~= flat[i], "element " .. i)
    elseif flat[i] ~= element then
      close(flat[i], element, tolerance or 0, "element " .. i)
    end
  end
end

local function assert_nan(number) luaunit.assertTrue(number ~= number) end

--- Asserts that a call fails with exactly this message, the script's position aside.
local function fails(message, fn, ...)
  local ok, found = pcall(fn, ...)
  luaunit.assertFalse(ok, message)
  equals((tostring(found):gsub("^[^\n]-%.lua:%d+: ", "")), message)
end

--- The gradient that `f` of a copy of a tensor has, each element of the result times a weight.
local function gradient(f, tensor, weights)
  local x = tensor:detach():clone():requires_grad(true)
  local sum = (f(x) * (weights or 1)):sum()
  sum:backward()
  return x.grad
end

local x = mnemo.tensor { { { 2, -1, 0.5 }, { 1, 3, -2 } }, { { 0, 4, 1 }, { -3, 0, 2.5 } } }
local m = mnemo.tensor { { 4, 1, 3, 2 }, { 7, -1, 0, 5.5 } }
local holes = mnemo.tensor { 2, nan, 1, nan }

-- Reductions

-- Recorded from PyTorch.
local over_several = {
  {
    { 1, 3 }, 2, sum = { 6.5, 1.5 }, mean = { 1.0833334, 0.25 }, var = { 3.0416667, 5.775 },
    std = { 1.7440375, 2.4031229 }, logsumexp = { 4.2154126, 3.5882697 },
    prod = { 0, 0 }, any = { 1, 1 }, all = { 0, 0 }, norm = { 4.7169905, 5.4083271 },
  },
  {
    { 2, 1 }, 3, sum = { 0, 6, 2 }, mean = { 0, 1.5, 0.5 }, var = { 4.6666667, 5.6666667, 3.5 },
    std = { 2.1602469, 2.3804761, 1.8708287 }, logsumexp = { 2.4120784, 4.3314114, 2.8145001 },
    prod = { 0, 0, -2.5 }, any = { 1, 1, 1 }, all = { 0, 0, 1 },
    norm = { 3.7416574, 5.0990195, 3.391165 },
  },
  {
    { -2, -1 }, 2, sum = { 3.5, 4.5 }, mean = { 0.5833333, 0.75 }, var = { 3.4416666, 5.775 },
    std = { 1.8551730, 2.4031229 }, logsumexp = { 3.4764535, 4.2703786 },
    prod = { 6, 0 }, any = { 1, 1 }, all = { 1, 0 }, norm = { 4.3874822, 5.6789083 },
  },
}

function reductions.test_several_dimensions()
  for _, case in ipairs(over_several) do
    local ds, size = case[1], case[2]
    local kept = x:shape()
    for _, d in ipairs(ds) do kept[d > 0 and d or d + 4] = 1 end
    for name, expected in pairs(case) do
      if type(name) == "string" then
        local function reduce(keepdim)
          if name == "norm" then return x:norm(2, ds, keepdim) end
          return x[name](x, ds, keepdim)
        end
        assert_tensor(reduce(), { size }, expected, 1e-6)
        assert_tensor(reduce(true), kept, expected, 1e-6)
      end
    end
  end
  equals(x:sum({ 1, 2, 3 }):item(), 8)
  equals(x:sum({ 2 }):totable(), x:sum(2):totable())
  assert_tensor(x:sum(nil, true), { 1, 1, 1 }, { 8 })
  assert_tensor(x:transpose(1, 3):sum({ 1, 3 }), { 2 }, { 6.5, 1.5 })
end

function reductions.test_lists_of_dimensions_that_are_wrong()
  for _, name in ipairs { "sum", "mean", "prod", "var", "std", "any", "all", "logsumexp" } do
    local said = name == "std" and "var" or name
    local f = x[name]
    fails(said .. ": the list of dimensions is empty", f, x, {})
    fails(said .. ": dimension 2 is named twice", f, x, { 2, 1, -2 })
    fails(said .. ": dimension 4 of a tensor of shape [2, 2, 3] (allowed: 1…3)", f, x, { 1, 4 })
    fails(("bad argument #2 to '%s' (dimensions count from 1, got 0)"):format(name), f, x, { 0 })
    fails(("bad argument #2 to '%s' ([1]: integer expected, got 1.5)"):format(name), f, x, { 1.5 })
    fails(("bad argument #3 to '%s' (boolean expected, got number)"):format(name), f, x, { 1 }, 1)
  end
end

function reductions.test_any_and_all_take_nan_for_true()
  equals(holes:any():item(), 1)
  equals(holes:all():item(), 1)
  equals(mnemo.zeros(0):any():item(), 0)
  equals(mnemo.zeros(0):all():item(), 1)
  assert_tensor(mnemo.zeros(2, 0):any(2), { 2 }, { 0, 0 })
  assert_tensor(mnemo.zeros(2, 0):all(2, true), { 2, 1 }, { 1, 1 })
end

function reductions.test_prod()
  assert_tensor(x:prod(1), { 2, 3 }, { 0, -4, 0.5, -3, 0, -5 })
  assert_tensor(x:prod(2, true), { 2, 1, 3 }, { 2, -3, -1, 0, 0, 2.5 })
  assert_tensor(x:prod(-1), { 2, 2 }, { -1, -6, 0, 0 })
  equals(mnemo.zeros(0):prod():item(), 1)
  assert_tensor(mnemo.zeros(2, 0):prod(2), { 2 }, { 1, 1 })
  -- On the way it leaves the range of Float32.
  close(mnemo.tensor { 1e30, 1e30, 1e-30, 1e-30 }:prod():item(), 1, 1e-5)
  assert_nan(holes:prod():item())
end

-- Recorded from PyTorch.
function reductions.test_gradient_of_prod_where_factors_are_zero()
  local z = mnemo.tensor { { 2, 0, 3 }, { 0, 0, 5 }, { 1, 2, 3 } }
  local function prod(t) return t:prod(2) end
  assert_tensor(gradient(prod, z), { 3, 3 }, { 0, 6, 0, 0, 0, 0, 6, 3, 2 })
  assert_tensor(gradient(function(t) return t:prod(1) end, x,
    mnemo.tensor { { 1, -2, 3 }, { 0.5, 2, 1 } }), { 2, 2, 3 },
    { 0, -8, 3, -1.5, 0, 2.5, 2, 2, 1.5, 0.5, 6, -2 })
  assert_tensor(gradient(function(t) return t:prod() end, mnemo.tensor { 2, 0, 4 }), { 3 },
    { 0, 8, 0 })
end

-- Recorded from PyTorch.
function reductions.test_cumsum()
  assert_tensor(x:cumsum(2), { 2, 2, 3 }, { 2, -1, 0.5, 3, 2, -1.5, 0, 4, 1, -3, 4, 3.5 })
  assert_tensor(x:transpose(2, 3):cumsum(-1):transpose(2, 3), { 2, 2, 3 },
    x:cumsum(2):reshape(-1):totable())
  local weights = mnemo.arange(1, 12):reshape(2, 2, 3)
  assert_tensor(gradient(function(t) return t:cumsum(2) end, x, weights), { 2, 2, 3 },
    { 5, 7, 9, 4, 5, 6, 17, 19, 21, 10, 11, 12 })
  equals(mnemo.zeros(2, 0):cumsum(2):shape(), { 2, 0 })
  -- A sum of a million times 0.1 keeps its digits.
  close(mnemo.full(1000000, 0.1):cumsum(1)[-1]:item(), 1e5, 0.01)
  fails("cumsum: dimension 4 of a tensor of shape [2, 2, 3] (allowed: 1…3)", x.cumsum, x, 4)
  fails("bad argument #2 to 'cumsum' (number expected, got no value)", x.cumsum, x)
end

function reductions.test_places_of_extremes()
  local values, places = m:max(2)
  assert_tensor(values, { 2 }, { 4, 7 })
  assert_tensor(places, { 2 }, { 1, 1 })
  values, places = m:min(1, true)
  assert_tensor(values, { 1, 4 }, { 4, -1, 0, 2 })
  assert_tensor(places, { 1, 4 }, { 1, 2, 2, 1 })
  equals(select("#", m:max()), 1)
  assert_tensor(m:max(nil, true), { 1, 1 }, { 7 })
  -- The first of equals, and nan before all others.
  values, places = mnemo.tensor { { 1, 5, 5 }, { 2, nan, 9 } }:max(2)
  assert_tensor(values, { 2 }, { 5, nan })
  assert_tensor(places, { 2 }, { 2, 2 })
  assert_nan(holes:min():item())
  assert_tensor(gradient(function(t) return (t:max(2)) end, mnemo.tensor { { 1, 5, 5 } }),
    { 1, 3 }, { 0, 1, 0 })
  fails("bad argument #2 to 'max' (number expected, got table)", m.max, m, { 1, 2 })
end

function reductions.test_allclose()
  luaunit.assertTrue((mnemo.tensor { 0.1 } * 3):allclose(mnemo.tensor { 0.3 }))
  luaunit.assertFalse(mnemo.tensor { 1 }:allclose(mnemo.tensor { 1.0001 }))
  luaunit.assertTrue(mnemo.tensor { 1 }:allclose(mnemo.tensor { 1.0001 }, 1e-3))
  luaunit.assertTrue(mnemo.tensor { 0 }:allclose(mnemo.tensor { 0.5 }, 0, 0.5))
  luaunit.assertTrue(mnemo.ones(2, 3):allclose(1))
  luaunit.assertTrue(mnemo.zeros(0):allclose(5))
  luaunit.assertFalse(holes:allclose(holes))
  local infinite = mnemo.tensor { math.huge, -math.huge }
  luaunit.assertTrue(infinite:allclose(infinite))
  luaunit.assertFalse(mnemo.tensor { 1 }:allclose(math.huge))
  luaunit.assertFalse(mnemo.tensor { -math.huge }:allclose(math.huge))
  fails("allclose: shapes [2, 4] and [3] do not broadcast together", m.allclose, m, mnemo.ones(3))
  fails("allclose: rtol is 0 or more, got -1.0", m.allclose, m, m, -1)
  fails("allclose: atol is 0 or more, got -0.5", m.allclose, m, m, 0, -0.5)
end

-- Norms

-- Recorded from PyTorch: the norms of both rows, of everything, and the gradient under weights of
-- 1 and 2 for the rows.
local recorded_norms = {
  [0] = { { 2, 3 }, 5 },
  [0.5] = {
    { 13.9282036, 14.6568556 }, 57.1608315,
    { 2.1547005, -1.8660254, 0, 7.6568546, 5.4142137, -5.4142137 },
  },
  [1] = { { 7, 5 }, 12, { 1, -1, 0, 2, 2, -2 } },
  [1.5] = {
    { 5.5842505, 3.5387187 }, 7.3319168,
    { 0.7329565, -0.8463453, 0, 1.0631804, 1.5035642, -1.5035642 },
  },
  [2] = { { 5, 3 }, 5.8309517, { 0.6, -0.8, 0, 0.6666667, 1.3333334, -1.3333334 } },
  [3] = {
    { 4.4979415, 2.5712817 }, 4.7622032,
    { 0.4448513, -0.7908468, 0, 0.3025037, 1.2100148, -1.2100148 },
  },
  [-1] = { { 0, 0.5 }, 0, { 0, 0, 0, 0.5, 0.125, -0.125 } },
  [math.huge] = { { 4, 2 }, 4, { 0, -1, 0, 0, 1, -1 } },
  [-math.huge] = { { 0, 1 }, 0, { 0, 0, 0, 2, 0, 0 } },
}

function norms.test_every_p()
  local n = mnemo.tensor { { 3, -4, 0 }, { 1, 2, -2 } }
  for p, expected in pairs(recorded_norms) do
    assert_tensor(n:norm(p, 2), { 2 }, expected[1], 2e-6)
    assert_tensor(n:t():norm(p, 1, true), { 1, 2 }, expected[1], 2e-6)
    assert_tensor(n:norm(p), {}, { expected[2] }, 1e-5)
    assert_tensor(n:norm(p, { 1, 2 }, true), { 1, 1 }, { expected[2] }, 1e-5)
    if expected[3] then
      assert_tensor(gradient(function(t) return t:norm(p, 2) end, n, mnemo.tensor { 1, 2 }),
        { 2, 3 }, expected[3], 2e-6)
    end
    close(mnemo.tensor(-3):norm(p):item(), p == 0 and 1 or 3, 1e-6)
  end
  equals(n:norm():item(), n:norm(2):item())
end

function norms.test_bad_ones()
  fails("norm: p is a number, got nan", m.norm, m, nan)
  fails("norm: dimension 3 of a tensor of shape [2, 4] (allowed: 1…2)", m.norm, m, 2, 3)
  fails("norm: dimension 3 of a tensor of shape [2, 4] (allowed: 1…2)", m.norm, m, 1.5, { 3 })
  fails("norm: dimension 1 is named twice", m.norm, m, 1, { 1, 1 })
  fails("norm: the dimension is empty", m.norm, mnemo.zeros(2, 0), math.huge, 2)
  fails("norm: a 0-dimensional tensor has no dimensions to choose from", m.norm, mnemo.tensor(1),
    2, 1)
  equals(mnemo.zeros(0):norm(3):item(), 0)
end

-- Order

function order.test_nan_counts_as_the_largest()
  local values, places = holes:sort()
  assert_tensor(values, { 4 }, { 1, 2, nan, nan })
  assert_tensor(places, { 4 }, { 3, 1, 2, 4 })
  assert_tensor(holes:argsort(), { 4 }, { 3, 1, 2, 4 })
  assert_tensor(holes:argsort(1, true), { 4 }, { 2, 4, 1, 3 })
  values, places = holes:topk(3)
  assert_tensor(values, { 3 }, { nan, nan, 2 })
  assert_tensor(places, { 3 }, { 2, 4, 1 })
  assert_tensor(holes:topk(1, 1, false), { 1 }, { 1 })
end

function order.test_argsort()
  assert_tensor(m:argsort(), { 2, 4 }, { 2, 4, 3, 1, 2, 3, 4, 1 })
  assert_tensor(m:argsort(1), { 2, 4 }, { 1, 2, 2, 1, 2, 1, 1, 2 })
  equals(m:argsort(-1, true):totable(), select(2, m:sort(-1, true)):totable())
  fails("argsort: dimension 3 of a tensor of shape [2, 4] (allowed: 1…2)", m.argsort, m, 3)
end

-- Recorded from PyTorch.
function order.test_median()
  local values, places = m:median(2)
  assert_tensor(values, { 2 }, { 2, 0 })
  assert_tensor(places, { 2 }, { 4, 3 })
  values, places = m:median(1, true)
  assert_tensor(values, { 1, 4 }, { 4, -1, 0, 2 })
  assert_tensor(places, { 1, 4 }, { 1, 2, 2, 1 })
  equals(m:median():item(), 2)
  equals(select("#", m:median()), 1)
  assert_tensor(m:median(nil, true), { 1, 1 }, { 2 })
  assert_tensor(gradient(function(t) return t:median() end, m), { 2, 4 },
    { 0, 0, 0, 1, 0, 0, 0, 0 })
  values, places = mnemo.tensor { { 1, nan, 0 }, { 2, 3, 9 } }:median(2)
  assert_tensor(values, { 2 }, { nan, 3 })
  assert_tensor(places, { 2 }, { 2, 2 })
  assert_nan(holes:median():item())
  equals(mnemo.zeros(0, 3):median(2):shape(), { 0 })
  fails("median: the dimension is empty", m.median, mnemo.zeros(0))
  fails("median: dimension 3 of a tensor of shape [2, 4] (allowed: 1…2)", m.median, m, 3)
end

-- Recorded from PyTorch: of everything, of the rows, of the columns.
local recorded_quantiles = {
  [0] = { -1, { 1, -1 }, { 4, -1, 0, 2 } },
  [0.1] = { -0.3, { 1.3, -0.7 }, { 4.3, -0.8, 0.3, 2.35 } },
  [0.5] = { 2.5, { 2.5, 2.75 }, { 5.5, 0, 1.5, 3.75 } },
  [0.7] = { 3.9, { 3.1, 5.65 }, { 6.1, 0.4, 2.1, 4.45 } },
  [1] = { 7, { 4, 7 }, { 7, 1, 3, 5.5 } },
}

function order.test_quantile()
  for q, expected in pairs(recorded_quantiles) do
    assert_tensor(m:quantile(q), {}, { expected[1] }, 1e-6)
    assert_tensor(m:quantile(q, 2), { 2 }, expected[2], 1e-6)
    assert_tensor(m:t():quantile(q, 1, true), { 1, 2 }, expected[2], 1e-6)
    assert_tensor(m:quantile(q, 1), { 4 }, expected[3], 1e-6)
  end
  assert_tensor(m:quantile({ 0.25, 0.9 }, 2), { 2, 2 }, { 1.75, -0.25, 3.7, 6.55 }, 1e-6)
  assert_tensor(m:quantile({ 0.25, 0.9 }, 2, true), { 2, 2, 1 }, { 1.75, -0.25, 3.7, 6.55 }, 1e-6)
  assert_tensor(m:quantile({ 0.5 }, nil, true), { 1, 1, 1 }, { 2.5 })
  assert_tensor(m:quantile({}, 1), { 0, 4 }, {})
  assert_tensor(gradient(function(t) return t:quantile({ 0.25, 0.9 }, 2) end, m,
    mnemo.tensor { { 1, 2 }, { 3, 4 } }), { 2, 4 }, { 2.1, 0.25, 0.9, 0.75, 2.8, 0.5, 1.5, 1.2 },
    1e-6)
end

function order.test_quantile_of_special_numbers()
  assert_tensor(mnemo.tensor { { 1, nan, 0 }, { 2, 3, 9 } }:quantile(0, 2), { 2 }, { nan, 2 })
  assert_nan(holes:quantile(0.5):item())
  -- Nothing is lost beside an infinity.
  local far = mnemo.tensor { -math.huge, 1, 2, math.huge }
  assert_tensor(far:quantile { 0, 1 / 3, 0.5, 0.9, 1 }, { 5 }, {
    -math.huge, 1, 1.5, math.huge, math.huge,
  }, 1e-6)
  for _, q in ipairs { 1.5, -0.1 } do
    fails(("quantile: q is within 0…1, got %s"):format(q), m.quantile, m, q)
  end
  fails("quantile: q is within 0…1, got nan", m.quantile, m, { 0.5, nan })
  fails("quantile: the dimension is empty", m.quantile, mnemo.zeros(2, 0), 0.5, 2)
  fails("quantile: dimension 3 of a tensor of shape [2, 4] (allowed: 1…2)", m.quantile, m, 0.5, 3)
  fails("bad argument #2 to 'quantile' (number expected, got no value)", m.quantile, m)
end

function order.test_unique()
  local values, inverse, counts = mnemo.tensor { { 3, 1, 3 }, { nan, 1, nan } }:unique()
  assert_tensor(values, { 3 }, { 1, 3, nan })
  assert_tensor(inverse, { 2, 3 }, { 2, 1, 2, 3, 1, 3 })
  assert_tensor(counts, { 3 }, { 2, 2, 2 })
  equals(m:t():unique():totable(), { -1, 0, 1, 2, 3, 4, 5.5, 7 })
  values, inverse, counts = mnemo.zeros(0, 2):unique()
  assert_tensor(values, { 0 }, {})
  assert_tensor(inverse, { 0, 2 }, {})
  assert_tensor(counts, { 0 }, {})
  luaunit.assertFalse(mnemo.ones(2):requires_grad(true):unique():requires_grad())
end

-- Einsum

local A, B = mnemo.arange(1, 6):reshape(2, 3), mnemo.arange(1, 12):reshape(3, 4) - 6
local C, S = mnemo.arange(1, 8):reshape(4, 2) / 2, mnemo.arange(1, 9):reshape(3, 3)
local T, U = mnemo.arange(1, 24):reshape(2, 3, 4) / 4, mnemo.arange(1, 24):reshape(2, 4, 3) - 12

local products = {
  -12.5, -10, -7.5, -38.5, -32, -25.5, -64.5, -54, -43.5, 83.5, 98, 112.5, 105.5, 124, 142.5,
  127.5, 150, 172.5,
}
local scores = {
  -7.75, -6.25, -18.25, -14.75, -17.75, -12.25, -24.25, -16.75, -11.75, -2.25, -14.25, -2.75,
  10.25, 23.75, 11.75, 27.25, 48.25, 65.75, 53.75, 73.25, 102.25, 123.75, 111.75, 135.25,
}

-- Recorded from PyTorch: equation, operands, shape, elements.
local recorded_einsums = {
  { "ij,jk->ik", { A, B }, { 2, 4 }, { 2, 8, 14, 20, -7, 8, 23, 38 } },
  { " ij , jk ", { A, B }, { 2, 4 }, { 2, 8, 14, 20, -7, 8, 23, 38 } },
  { "ji,jk", { A:t(), B }, { 2, 4 }, { 2, 8, 14, 20, -7, 8, 23, 38 } },
  { "ij->ji", { A }, { 3, 2 }, { 1, 4, 2, 5, 3, 6 } },
  { "ba", { A }, { 3, 2 }, { 1, 4, 2, 5, 3, 6 } },
  { "ij->", { A }, {}, { 21 } },
  { "ij->j", { A }, { 3 }, { 5, 7, 9 } },
  { "ii", { S }, {}, { 15 } },
  { "ii->i", { S }, { 3 }, { 1, 5, 9 } },
  { "bij,bjk->bik", { T, U }, { 2, 3, 3 }, products },
  { "bij,bjk->kb", { T, U }, { 3, 2 }, { -115.5, 316.5, -96, 372, -76.5, 427.5 } },
  { "bij,bkj->bik", { T, U:transpose(2, 3) }, { 2, 3, 3 }, products },
  { "i,j->ij", { A[1], B[1] }, { 3, 4 }, { -5, -4, -3, -2, -10, -8, -6, -4, -15, -12, -9, -6 } },
  { "i,i->", { A[1], A[2] }, {}, { 32 } },
  { "ij,ij->i", { A, A }, { 2 }, { 14, 77 } },
  { "ij,ij->ij", { A, A }, { 2, 3 }, { 1, 4, 9, 16, 25, 36 } },
  { "bij,bij->b", { T, T }, { 2 }, { 40.625, 265.625 } },
  { "bij,ij->b", { T, B }, { 2 }, { 45.5, 63.5 } },
  { "ij,k->j", { A, B[1] }, { 3 }, { -70, -98, -126 } },
  { "ijk,kji->ij", { T, U:transpose(1, 3):transpose(1, 2):reshape(4, 3, 2) }, { 2, 3 },
    { -12.5, -32, -43.5, 83.5, 124, 172.5 } },
  { "ii,ij->j", { S, B }, { 4 }, { 17, 32, 47, 62 } },
  { "Ba,aB->", { A, A:t() }, {}, { 91 } },
  { "a,a,a->a", { A[1], A[2], A[1] }, { 3 }, { 4, 20, 54 } },
  { "ij,jk,kl->il", { A, B, C }, { 2, 2 }, { 118, 140, 199, 230 } },
  { "ij,jk,kl,li->", { A, B, C, S:narrow(1, 1, 2):narrow(2, 1, 2) }, {}, { 2226 } },
  { "bhqd,bhkd->bhqk", { T:reshape(2, 3, 2, 2), U:reshape(2, 3, 2, 2) }, { 2, 3, 2, 2 }, scores },
}

function einsum.test_recorded_values()
  for _, case in ipairs(recorded_einsums) do
    assert_tensor(mnemo.einsum(case[1], table.unpack(case[2])), case[3], case[4])
  end
end

--- The formula itself: a loop over all values of all letters.
local function by_hand(inputs, output, operands)
  local sizes, letters = {}, {}
  for i, term in ipairs(inputs) do
    for place = 1, #term do
      local letter = term:sub(place, place)
      if not sizes[letter] then letters[#letters + 1] = letter end
      sizes[letter] = operands[i]:size(place)
    end
  end
  local shape = {}
  for letter in output:gmatch(".") do shape[#shape + 1] = sizes[letter] end
  local result, at = mnemo.zeros(shape), {}
  local function element(tensor, term)
    local index = {}
    for letter in term:gmatch(".") do index[#index + 1] = at[letter] end
    return tensor:get(table.unpack(index))
  end
  local function visit(level)
    if level <= #letters then
      for value = 1, sizes[letters[level]] do
        at[letters[level]] = value
        visit(level + 1)
      end
      return
    end
    local product, place = 1, 1
    for i, term in ipairs(inputs) do product = product * element(operands[i], term) end
    for letter in output:gmatch(".") do place = (place - 1) * sizes[letter] + at[letter] end
    local flat = result:reshape(-1)
    flat[place] = flat[place]:item() + product
  end
  visit(1)
  return result
end

--- Chains and stars whose cheapest order is another one each time, more than six operands too.
function einsum.test_many_operands_in_any_order()
  mnemo.seed(5)
  local sizes = { a = 2, b = 3, c = 1, d = 4, e = 2, f = 3 }
  for _, equation in ipairs {
    "ab,bc,cd,de->ae", "de,cd,bc,ab->ea", "abc,cde,ef,fa->bd", "ab,ac,ad,ae->bcde",
    "ab,b,bc,c->", "a,b,c,d,e->ebdac", "aab,bcc,cd->d", "ab,bc,cd,de,ef,fa->",
    "ab,bc,cd,de,ef,fa,ad->be", "abd,abd,abd->bd",
  } do
    local left, output = equation:match("(.*)->(.*)")
    local inputs, operands = {}, {}
    for term in left:gmatch("%a+") do
      local shape = {}
      for letter in term:gmatch(".") do shape[#shape + 1] = sizes[letter] end
      inputs[#inputs + 1], operands[#operands + 1] = term, mnemo.randn(shape)
    end
    local expected = by_hand(inputs, output, operands)
    local found = mnemo.einsum(equation, table.unpack(operands))
    equals(found:shape(), expected:shape())
    luaunit.assertTrue(found:allclose(expected, 1e-4, 1e-4), equation)
  end
end

function einsum.test_gradients()
  local a, b = A:clone():requires_grad(true), B:clone():requires_grad(true)
  mnemo.einsum("ij,jk->", a, b):backward()
  assert_tensor(a.grad, { 2, 3 }, { -14, 2, 18, -14, 2, 18 })
  assert_tensor(b.grad, { 3, 4 }, { 5, 5, 5, 5, 7, 7, 7, 7, 9, 9, 9, 9 })
  assert_tensor(gradient(function(t) return mnemo.einsum("ii->i", t) end, S,
    mnemo.tensor { 1, 2, 3 }), { 3, 3 }, { 1, 0, 0, 0, 2, 0, 0, 0, 3 })
  assert_tensor(gradient(function(t) return mnemo.einsum("ij,ij->", t, t) end, A), { 2, 3 },
    { 2, 4, 6, 8, 10, 12 })
end

function einsum.test_views_and_number_types()
  local y = mnemo.ones(2, 3)
  mnemo.einsum("ij->ji", y)[1][2] = 7
  equals(y:get(2, 1), 7)
  local same = mnemo.einsum("ij->ij", y)
  luaunit.assertFalse(same == y)
  assert_tensor(mnemo.einsum("ij,jk->ik", A:half(), B:bfloat16()), { 2, 4 },
    { 2, 8, 14, 20, -7, 8, 23, 38 })
  assert_tensor(mnemo.einsum("ij->j", A:half()), { 3 }, { 5, 7, 9 })
  assert_tensor(mnemo.einsum("", mnemo.tensor(3)), {}, { 3 })
  assert_tensor(mnemo.einsum(",i", mnemo.tensor(3), A[1]), { 3 }, { 3, 6, 9 })
  assert_tensor(mnemo.einsum("ij,jk->ik", mnemo.zeros(2, 0), mnemo.zeros(0, 3)), { 2, 3 },
    { 0, 0, 0, 0, 0, 0 })
  assert_tensor(mnemo.einsum("bij,bjk->bik", mnemo.zeros(0, 2, 3), mnemo.zeros(0, 3, 4)),
    { 0, 2, 4 }, {})
end

function einsum.test_errors()
  local E = mnemo.einsum
  fails("einsum: 'j' in \"ij,jk\" is 4 in operand 1 and 2 in operand 2", E, "ij,jk", B, A)
  fails("einsum: 'i' in \"ii\" is 2 in operand 1 and 3 in operand 1", E, "ii", A)
  fails("einsum: 'j' in \"ij,jk\" is 3 in operand 1 and 1 in operand 2", E, "ij,jk", A,
    mnemo.ones(1, 4))
  fails("einsum: the output's letter 'z' in \"ij,jk->iz\" is in no operand", E, "ij,jk->iz", A, B)
  fails("einsum: the output's letter 'i' stands twice in \"ij->ii\"", E, "ij->ii", A)
  fails("einsum: terms in \"ij,jk\": 2, operands: 1", E, "ij,jk", A)
  fails("einsum: terms in \"ij\": 1, operands: 0", E, "ij")
  fails("einsum: operand 1 has shape [2, 3], and its term in \"ijk\" 3 letters", E, "ijk", A)
  fails("einsum: \"...\" in \"i...,jk\" is not known here; name every dimension by a letter", E,
    "i...,jk", A, B)
  fails("einsum: '1' in \"i1\" (allowed: letters, \",\" and \"->\")", E, "i1", A)
  fails("einsum: 'é' in \"ié\" (allowed: letters, \",\" and \"->\")", E, "ié", A)
  fails("einsum: ',' in \"ij->i,j\" (allowed: letters, \",\" and \"->\")", E, "ij->i,j", A)
  fails("einsum: \"->\" stands more than once in \"ij->j->i\"", E, "ij->j->i", A)
  fails("bad argument #2 to 'einsum' (Tensor expected, got number)", E, "i", 3)
  fails("bad argument #3 to 'einsum' (Tensor expected, got nil)", E, "ij,jk", A, nil)
  fails("bad argument #1 to 'einsum' (string expected, got no value)", E)
  local wide = mnemo.tensor(1):expand(1 << 20)
  fails("einsum: a tensor of shape [1048576, 1048576] is too large", E, "i,j->ij", wide, wide)
end

-- Integers

local ids = mnemo.int_tensor { { 3, 5, 4 }, { 5, 2, 6 } }
local large = mnemo.int_tensor { { 1 << 30, -5, (1 << 30) + 1 }, { -(1 << 31), 7, 0 } }

-- Recorded from PyTorch, and what Lua computes.
function integers.test_division()
  local numerator = mnemo.int_tensor { 7, -7, 7, -7, 0, 6, -6 }
  local divisor = mnemo.int_tensor { 2, 2, -2, -2, 5, 3, 3 }
  assert_tensor(numerator // divisor, { 7 }, { 3, -4, -4, 3, 0, 2, -2 })
  assert_tensor(numerator % divisor, { 7 }, { 1, 1, -1, -1, 0, 0, 0 })
  assert_tensor(ids // 2, { 2, 3 }, { 1, 2, 2, 2, 1, 3 })
  assert_tensor(-7 // mnemo.int_tensor { 2, 3 }, { 2 }, { -4, -3 })
  assert_tensor(20 % ids, { 2, 3 }, { 2, 0, 0, 0, 0, 2 })
  assert_tensor(ids[1] / 2, { 3 }, { 1.5, 2.5, 2 })
  for a = -5, 5 do
    for b = -3, 3 do
      if b ~= 0 then
        equals((mnemo.int_tensor(a) // b):item(), a // b)
        equals((mnemo.int_tensor(a) % b):item(), a % b)
      end
    end
  end
  fails("//: 3 is divided by zero", function() return ids // 0 end)
  fails("%: 3 is divided by zero", function() return ids % mnemo.int_tensor { 0, 1, 1 } end)
  fails("//: -2147483648 and -1 leave the range of 32 bits", function() return large // -1 end)
  assert_tensor(large % -1, { 2, 3 }, { 0, 0, 0, 0, 0, 0 })
  fails("bad operand #2 to '//' (number has no integer representation)",
    function() return ids // 1.5 end)
  fails("%: shapes [2, 3] and [2] do not broadcast together",
    function() return ids % mnemo.int_tensor { 1, 2 } end)
end

function integers.test_conversions()
  local numbers = mnemo.tensor { 1.7, -1.7, -0.5, 3e4, -2147483648 }
  assert_tensor(numbers:int(), { 5 }, { 1, -1, 0, 30000, -2147483648 })
  equals(numbers:int():dtype(), "int32")
  assert_tensor(m:t():int(), { 4, 2 }, { 4, 7, 1, -1, 3, 0, 2, 5 })
  assert_tensor(m:half():int(), { 2, 4 }, { 4, 1, 3, 2, 7, -1, 0, 5 })
  assert_tensor(ids:float() / 2, { 2, 3 }, { 1.5, 2.5, 2, 2.5, 1, 3 })
  equals(ids:tensor():int():totable(), ids:totable())
  for _, number in ipairs { 2147483648, -2147483904, math.huge, nan } do
    local ok, message = pcall(m.int, mnemo.tensor { 0, number })
    luaunit.assertFalse(ok)
    luaunit.assertStrContains(message, "does not become an integer of 32 bits")
  end
  luaunit.assertErrorMsgContains("int: nan does not become", m.int, mnemo.tensor { nan })
end

function integers.test_reductions()
  for name, expected in pairs {
    sum = { 25, { 8, 7, 10 }, { 12, 13 } }, prod = { 3600, { 15, 10, 24 }, { 60, 60 } },
    mean = { 25 / 6, { 4, 3.5, 5 }, { 4, 13 / 3 } }, any = { 1, { 1, 1, 1 }, { 1, 1 } },
    all = { 1, { 1, 1, 1 }, { 1, 1 } }, max = { 6, { 5, 5, 6 }, { 5, 6 } },
    min = { 2, { 3, 2, 4 }, { 3, 2 } }, argmax = { 6, { 2, 1, 2 }, { 2, 3 } },
    argmin = { 5, { 1, 2, 1 }, { 1, 2 } },
  } do
    close(ids[name](ids):item(), expected[1], 1e-6, name)
    assert_tensor(ids[name](ids, 1), { 3 }, expected[2])
    assert_tensor(ids[name](ids, -1), { 2 }, expected[3], 1e-6)
    assert_tensor(ids[name](ids:t(), 1), { 2 }, expected[3], 1e-6)
    assert_tensor(ids[name](ids, 2, true), { 2, 1 }, expected[3], 1e-6)
    fails(("%s: dimension 3 of a tensor of shape [2, 3] (allowed: 1…2)"):format(name), ids[name],
      ids, 3)
  end
  assert_tensor(ids:sum({ 2, 1 }, true), { 1, 1 }, { 25 })
  assert_tensor(mnemo.int_tensor { { { 1, 2 }, { 3, 4 } }, { { 5, 6 }, { 7, 0 } } }:prod { 1, 3 },
    { 2 }, { 60, 0 })
  assert_tensor(mnemo.int_tensor { { 0, 2 }, { 0, 0 } }:any(2), { 2 }, { 1, 0 })
  assert_tensor(mnemo.int_tensor { { 0, 2 }, { 1, 1 } }:all(2), { 2 }, { 0, 1 })
  local values, places = ids:max(2)
  assert_tensor(values, { 2 }, { 5, 6 })
  assert_tensor(places, { 2 }, { 2, 3 })
  assert_tensor(select(2, mnemo.int_tensor { { 4, 4 }, { 1, 1 } }:min(2)), { 2 }, { 1, 1 })
  assert_nan(mnemo.int_tensor {}:mean():item())
  equals(mnemo.int_tensor {}:prod():item(), 1)
  equals((1 << 31) - 1, mnemo.int_tensor { -1, 1 - (1 << 31) }:prod():item())
  fails("prod: 1152921504606846976 leaves the range of 32 bits",
    function() mnemo.int_tensor { 1 << 30, 1 << 30, 3 }:prod() end)
  fails("argmax: the dimension is empty", ids.argmax, mnemo.int_tensor {})
  fails("min: the dimension is empty", ids.min, mnemo.int_tensor {})
  fails("sum: dimension 1 is named twice", ids.sum, ids, { 1, 1 })
end

function integers.test_cumsum()
  assert_tensor(ids:cumsum(2), { 2, 3 }, { 3, 8, 12, 5, 7, 13 })
  assert_tensor(ids:cumsum(-2), { 2, 3 }, { 3, 5, 4, 8, 7, 10 })
  assert_tensor(ids:t():cumsum(2), { 3, 2 }, { 3, 8, 5, 7, 4, 10 })
  equals(ids:totable(), { { 3, 5, 4 }, { 5, 2, 6 } })
  fails("cumsum: 2147483648 leaves the range of 32 bits",
    function() mnemo.int_tensor { 1 << 30, 1 << 30 }:cumsum(1) end)
  fails("cumsum: dimension 3 of a tensor of shape [2, 3] (allowed: 1…2)", ids.cumsum, ids, 3)
end

function integers.test_order()
  local values, places = ids:sort()
  assert_tensor(values, { 2, 3 }, { 3, 4, 5, 2, 5, 6 })
  assert_tensor(places, { 2, 3 }, { 1, 3, 2, 2, 1, 3 })
  values, places = ids:topk(2)
  assert_tensor(values, { 2, 2 }, { 5, 4, 6, 5 })
  assert_tensor(places, { 2, 2 }, { 2, 3, 3, 1 })
  assert_tensor(ids:argsort(1, true), { 2, 3 }, { 2, 1, 2, 1, 2, 1 })
  -- Equal ones keep their order in both directions, large ones too.
  for _, offset in ipairs { 0, 1 << 30 } do
    local equal = mnemo.int_tensor { 2, 1, 2, 1 } + offset
    assert_tensor(equal:argsort(), { 4 }, { 2, 4, 1, 3 })
    assert_tensor(equal:argsort(1, true), { 4 }, { 1, 3, 2, 4 })
    assert_tensor(equal:topk(3, 1, false), { 3 }, { 1 + offset, 1 + offset, 2 + offset })
  end
  fails("topk: 4 of the 3 elements in dimension 2 of shape [2, 3]", ids.topk, ids, 4)
  fails("sort: dimension 3 of a tensor of shape [2, 3] (allowed: 1…2)", ids.sort, ids, 3)
end

--- Numbers that Float32 cannot tell apart are ordered exactly.
function integers.test_order_of_large_numbers()
  assert_tensor(large:sort(), { 2, 3 }, { -5, 1 << 30, (1 << 30) + 1, -(1 << 31), 0, 7 })
  assert_tensor(large:topk(2), { 2, 2 }, { (1 << 30) + 1, 1 << 30, 7, 0 })
  assert_tensor(large:t():sort(2, true), { 3, 2 },
    { 1 << 30, -(1 << 31), 7, -5, (1 << 30) + 1, 0 })
  local list = {}
  math.randomseed(3)
  for i = 1, 500 do list[i] = math.random(-(1 << 31), (1 << 31) - 1) // 3 * 3 end
  for i = 1, 100 do list[500 + i] = list[i] + math.random(-1, 1) end
  local sorted = mnemo.int_tensor(list):sort():totable()
  table.sort(list)
  equals(sorted, list)
end

function integers.test_unique_and_bincount()
  local values, inverse, counts = ids:unique()
  assert_tensor(values, { 5 }, { 2, 3, 4, 5, 6 })
  assert_tensor(inverse, { 2, 3 }, { 2, 4, 3, 4, 1, 5 })
  assert_tensor(counts, { 5 }, { 1, 1, 1, 2, 1 })
  equals(large:unique():numel(), 6)
  -- Recorded from PyTorch, whose numbers count from 0.
  local list = mnemo.int_tensor { 1, 3, 3, 6 }
  assert_tensor(list:bincount(), { 6 }, { 1, 0, 2, 0, 0, 1 })
  assert_tensor(list:bincount(8), { 8 }, { 1, 0, 2, 0, 0, 1, 0, 0 })
  local weights = mnemo.tensor { 0.5, 1, 2, 4 }
  assert_tensor(list:bincount(8, weights), { 8 }, { 0.5, 0, 3, 0, 0, 4, 0, 0 })
  assert_tensor(gradient(function(w) return list:bincount(0, w) end, weights,
    mnemo.arange(1, 6)), { 4 }, { 1, 3, 3, 6 })
  assert_tensor(ids:t():bincount(), { 6 }, { 0, 1, 1, 1, 2, 1 })
  assert_tensor(mnemo.int_tensor {}:bincount(2), { 2 }, { 0, 0 })
  fails("bincount: number 0 is outside 1…2147483647", ids.bincount, mnemo.int_tensor { 1, 0 })
  luaunit.assertErrorMsgContains("is outside 1…2147483647", ids.bincount, large)
  fails("bincount: 0 or more counts, got -1", ids.bincount, ids, -1)
  fails("bincount: weights of shape [4] do not fit numbers of shape [2, 3]", ids.bincount, ids, 0,
    weights)
end

function integers.test_elementwise()
  local signed = mnemo.int_tensor { -3, 0, 5 }
  assert_tensor(signed:abs(), { 3 }, { 3, 0, 5 })
  assert_tensor(signed:maximum(1), { 3 }, { 1, 1, 5 })
  assert_tensor(signed:minimum(mnemo.int_tensor { { 0 }, { 9 } }), { 2, 3 }, { -3, 0, 0, -3, 0, 5 })
  assert_tensor(signed:clamp(-1, 2), { 3 }, { -1, 0, 2 })
  assert_tensor(signed:clamp(nil, 2), { 3 }, { -3, 0, 2 })
  assert_tensor(signed:clamp(1), { 3 }, { 1, 1, 5 })
  fails("abs: 2147483648 leaves the range of 32 bits", ids.abs, large)
  fails("clamp: the lower limit 3 is above the upper limit 1", ids.clamp, ids, 3, 1)
  fails("bad argument #2 to 'clamp' (a limit expected at one end at least)", ids.clamp, ids)
  fails("bad argument #2 to 'clamp' (integers have 32 bits here, got 4294967296)", ids.clamp, ids,
    1 << 32)
  fails("bad argument #2 to 'minimum' (IntTensor or integer expected, got Tensor; tensor() makes "
    .. "a Tensor)", ids.minimum, ids, m)
end

os.exit(luaunit.LuaUnit.new():runSuiteByInstances {
  { "reductions", reductions }, { "norms", norms }, { "order", order }, { "einsum", einsum },
  { "integers", integers },
})
