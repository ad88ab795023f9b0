--- What Tensors compute element by element, and draws, softmax and topk where kernels do them.
local luaunit = require "luaunit"
local mnemo = require "mnemo"

local equals, close = luaunit.assertEquals, luaunit.assertAlmostEquals

local functions, limits, operators, draws, lines = {}, {}, {}, {}, {}

--- Asserts elements, to a share of their size; 1e-30 beside it.
local function assert_close(tensor, elements, share)
  local flat = tensor:reshape(-1):totable()
  equals(#flat, #elements)
  for i, element in ipairs(elements) do
    if element ~= element then
      luaunit.assertNaN(flat[i])
    elseif math.abs(element) == math.huge then
      equals(flat[i], element)
    else
      close(flat[i], element, share * math.abs(element) + 1e-30)
    end
  end
end

--- Asserts that a call fails with exactly this message, the script's position aside.
local function fails(message, fn, ...)
  local ok, found = pcall(fn, ...)
  luaunit.assertFalse(ok, message)
  equals((tostring(found):gsub("^[^\n]-%.lua:%d+: ", "")), message)
end

local inf, nan = math.huge, 0 / 0
local signed = { -20, -3.5, -1, -0.25, 0, 0.5, 2, 7.75 }
local positive = { 0.0625, 0.25, 1, 1.5, 3, 10, 1000, 1e10 }

-- Places, values and gradients, the latter two recorded from PyTorch in Float64.
local recorded = {
  sin = {
    signed,
    { -0.91294525, 0.35078323, -0.84147098, -0.24740396, 0, 0.47942554, 0.90929743, 0.99459878 },
    { 0.40808206, -0.93645669, 0.54030231, 0.96891242, 1, 0.87758256, -0.41614684, 0.10379436 },
  },
  cos = {
    signed,
    { 0.40808206, -0.93645669, 0.54030231, 0.96891242, 1, 0.87758256, -0.41614684, 0.10379436 },
    { 0.91294525, -0.35078323, 0.84147098, 0.24740396, 0, -0.47942554, -0.90929743, -0.99459878 },
  },
  erf = {
    signed,
    { -1, -0.99999926, -0.84270079, -0.27632639, 0, 0.52049988, 0.99532227, 1 },
    { 2.1610375e-174, 5.3994268e-06, 0.4151075, 1.0600141,
      1.1283792, 0.87878258, 0.020666985, 9.2820251e-27 },
  },
  silu = {
    signed,
    { -4.1223072e-08, -0.10259281, -0.26894142, -0.10945587, 0, 0.31122967, 1.7615942, 7.7466632 },
    { -3.9161919e-08, -0.070273353, 0.072329488, 0.37628998,
      0.5, 0.73996119, 1.0907842, 1.0029048 },
  },
  softplus = {
    signed,
    { 2.0611536e-09, 0.029750418, 0.31326169, 0.57593942,
      0.69314718, 0.97407698, 2.126928, 7.7504306 },
    { 2.0611536e-09, 0.029312231, 0.26894142, 0.4378235, 0.5, 0.62245933, 0.88079708, 0.99956944 },
  },
  expm1 = {
    signed,
    { -1, -0.96980262, -0.63212056, -0.22119922, 0, 0.64872127, 6.3890561, 2320.5724 },
    { 2.0611536e-09, 0.030197383, 0.36787944, 0.77880078, 1, 1.6487213, 7.3890561, 2321.5724 },
  },
  gelu = {
    signed,
    { 0, -0.00081420178, -0.15865525, -0.10032342, 0, 0.34573123, 1.9544997, 7.75 },
    { -1.1041897e-86, -0.0028217604, -0.083315471, 0.30462665, 0.5, 0.86749512, 1.0852318, 1 },
  },
  tanh = {
    signed,
    { -1, -0.9981779, -0.76159416, -0.24491866, 0, 0.46211716, 0.96402758, 0.99999963 },
    { 0, 0.0036408847, 0.41997434, 0.94001485, 1, 0.78644773, 0.070650825, 7.4215627e-07 },
  },
  sign = {
    signed,
    { -1, -1, -1, -1, 0, 1, 1, 1 },
    { 0, 0, 0, 0, 0, 0, 0, 0 },
  },
  floor = {
    signed,
    { -20, -4, -1, -1, 0, 0, 2, 7 },
    { 0, 0, 0, 0, 0, 0, 0, 0 },
  },
  ceil = {
    signed,
    { -20, -3, -1, 0, 0, 1, 2, 8 },
    { 0, 0, 0, 0, 0, 0, 0, 0 },
  },
  round = {
    signed,
    { -20, -4, -1, 0, 0, 0, 2, 8 },
    { 0, 0, 0, 0, 0, 0, 0, 0 },
  },
  log = {
    positive,
    { -2.7725887, -1.3862944, 0, 0.40546511, 1.0986123, 2.3025851, 6.9077553, 23.025851 },
    { 16, 4, 1, 0.66666667, 0.33333333, 0.1, 0.001, 1e-10 },
  },
  log1p = {
    positive,
    { 0.060624622, 0.22314355, 0.69314718, 0.91629073, 1.3862944, 2.3978953, 6.9087548, 23.025851 },
    { 0.94117647, 0.8, 0.5, 0.4, 0.25, 0.090909091, 0.000999001, 1e-10 },
  },
  log2 = {
    positive,
    { -4, -2, 0, 0.5849625, 1.5849625, 3.3219281, 9.9657843, 33.219281 },
    { 23.083121, 5.7707802, 1.442695, 0.96179669,
      0.48089835, 0.1442695, 0.001442695, 1.442695e-10 },
  },
  log10 = {
    positive,
    { -1.20412, -0.60205999, 0, 0.17609126, 0.47712125, 1, 3, 10 },
    { 6.9487117, 1.7371779, 0.43429448, 0.28952965,
      0.14476483, 0.043429448, 0.00043429448, 4.3429448e-11 },
  },
  rsqrt = {
    positive,
    { 4, 2, 1, 0.81649658, 0.57735027, 0.31622777, 0.031622777, 1e-05 },
    { -32, -4, -0.5, -0.27216553, -0.096225045, -0.015811388, -1.5811388e-05, -5e-16 },
  },
  reciprocal = {
    positive,
    { 16, 4, 1, 0.66666667, 0.33333333, 0.1, 0.001, 1e-10 },
    { -256, -16, -1, -0.44444444, -0.11111111, -0.01, -1e-06, -1e-20 },
  },
}

function functions.test_values_and_gradients()
  for name, record in pairs(recorded) do
    local x = mnemo.tensor(record[1]):requires_grad(true)
    local y = x[name](x)
    assert_close(y, record[2], 1e-6)
    y:sum():backward()
    -- 1 - tanh² and 1 - s of a share s lose what is left of their difference to 1.
    local lost = name == "tanh" or name == "silu" or name == "gelu"
    for i, slope in ipairs(record[3]) do
      close(x.grad[i]:item(), slope, 2e-6 * math.abs(slope) + (lost and 3e-7 or 1e-30), name)
    end
  end
end

function functions.test_views_and_halves()
  local x = mnemo.tensor { { 0.5, 1, 2 }, { 3, 4, 5 } }
  for name in pairs(recorded) do
    local plain = x[name](x:t():clone())
    equals(x[name](x:t()):totable(), plain:totable(), name)
    equals(x[name](x:t():half()):totable(), plain:totable(), name)
    equals(x[name](mnemo.zeros(0, 3)):shape(), { 0, 3 }, name)
    equals(x[name](mnemo.tensor(1)):shape(), {}, name)
  end
end

function functions.test_kinds()
  local x = mnemo.tensor { 1, nan, inf, -inf, 0 }
  equals(x:isnan():totable(), { 0, 1, 0, 0, 0 })
  equals(x:isfinite():totable(), { 1, 0, 0, 0, 1 })
  equals(x:isinf():totable(), { 0, 0, 1, 1, 0 })
end

function functions.test_powers()
  local x = mnemo.tensor { -2, 0, 3 }:requires_grad(true)
  local y = x:pow(2)
  equals(y:totable(), { 4, 0, 9 })
  y:sum():backward()
  equals(x.grad:totable(), { -4, 0, 6 })
  equals(mnemo.tensor { 4, 9 }:pow(0.5):totable(), { 2, 3 })
  equals(mnemo.tensor { 2, 3 }:pow(mnemo.tensor { 3, 2 }):totable(), { 8, 9 })
end

function limits.test_one_side()
  local x = mnemo.tensor { -2, 0.5, 3, nan }
  assert_close(x:clamp(0), { 0, 0.5, 3, nan }, 0)
  assert_close(x:clamp(nil, 1), { -2, 0.5, 1, nan }, 0)
  assert_close(x:clamp(0, 1), { 0, 0.5, 1, nan }, 0)
  fails("bad argument #2 to 'clamp' (a lower or an upper limit expected, got none)",
    x.clamp, x)
  fails("bad argument #2 to 'clamp' (a lower or an upper limit expected, got none)",
    x.clamp, x, nil, nil)
  fails("bad argument #2 to 'clamp' (number expected, got string)", x.clamp, x, "low")
  fails("clamp: the lower limit 1.0 is above the upper limit 0.0", x.clamp, x, 1, 0)
  fails("clamp: the lower limit is not a number", x.clamp, x, nan)
  fails("clamp: the upper limit is not a number", x.clamp, x, nil, nan)
end

function limits.test_minimum()
  local a = mnemo.tensor { 1, 5, 2 }:requires_grad(true)
  local b = mnemo.tensor { 3, 3, 2 }:requires_grad(true)
  local y = a:minimum(b)
  equals(y:totable(), { 1, 3, 2 })
  y:sum():backward()
  equals(a.grad:totable(), { 1, 0, 0.5 })
  equals(b.grad:totable(), { 0, 1, 0.5 })
  equals(a:minimum(2):totable(), { 1, 2, 2 })
  assert_close(mnemo.tensor { nan, 1 }:minimum(mnemo.tensor { 1, nan }), { nan, nan }, 0)
  fails("minimum: shapes [3] and [2] do not broadcast together",
    a.minimum, a, mnemo.zeros(2))
  fails("bad argument #2 to 'minimum' (Tensor or number expected, got string)",
    a.minimum, a, "x")
end

--- As Lua's own numbers, where these round alike.
function operators.test_remainder_and_quotient()
  local pairs_of = { { 5, 3 }, { -5, 3 }, { 5, -3 }, { -5, -3 }, { 7.5, 2 }, { -0.5, 0.25 },
    { 5, inf }, { 0, 3 } }
  for _, pair in ipairs(pairs_of) do
    local a, b = pair[1] + 0.0, pair[2] + 0.0
    local x = mnemo.tensor { a }
    assert_close(x % b, { a % b }, 0)
    assert_close(a % mnemo.tensor { b }, { a % b }, 0)
    assert_close(x // b, { a // b }, 0)
    assert_close(a // mnemo.tensor { b }, { a // b }, 0)
  end
  assert_close(mnemo.tensor { 5, 0 } % 0, { nan, nan }, 0)
  assert_close(mnemo.tensor { 5, -5, 0 } // 0, { inf, -inf, nan }, 0)
  equals(mnemo.tensor { { 7, 8 }, { 9, 10 } }:remainder(mnemo.tensor { 3, 4 }):totable(),
    { { 1, 0 }, { 0, 2 } })
  equals(mnemo.tensor { 7, -7 }:floor_divide(2):totable(), { 3, -4 })
  local a = mnemo.tensor { 5, -5, 5 }:requires_grad(true)
  local b = mnemo.tensor { 3, 3, -3 }:requires_grad(true);
  (a % b):sum():backward()
  equals(a.grad:totable(), { 1, 1, 1 })
  equals(b.grad:totable(), { -1, 2, 2 })
  luaunit.assertFalse((a // b):requires_grad())
  fails("remainder: shapes [3] and [2] do not broadcast together",
    function() return a % mnemo.zeros(2) end)
  fails("floor_divide: shapes [3] and [2] do not broadcast together",
    function() return a // mnemo.zeros(2) end)
end

function operators.test_comparisons_name_the_method()
  local a = mnemo.tensor { 1, 2 }
  local less = "<: Lua makes a boolean of what it gives, not a tensor of 0 and 1; use a:lt(b), or "
    .. "a:gt(b) for a > b"
  local at_most = "<=: Lua makes a boolean of what it gives, not a tensor of 0 and 1; use a:le(b), "
    .. "or a:ge(b) for a >= b"
  fails(less, function() return a < a end)
  fails(less, function() return a < 1 end)
  fails(less, function() return 1 < a end)
  fails(less, function() return a > 1 end)
  fails(at_most, function() return a <= 1 end)
  fails(at_most, function() return a >= a end)
  luaunit.assertTrue(a == a)
  luaunit.assertFalse(a == a:clone())
end

--- A number that tells drawn numbers from any others.
local function fingerprint(tensor)
  local sum = 0
  for _, x in ipairs(tensor:totable()) do
    sum = (sum * 31 + string.unpack("<I4", string.pack("<f", x))) & 0xffffffffffff
  end
  return sum
end

--- A seed's numbers are what they were when they were drawn one by one, with the C library.
function draws.test_numbers_stay()
  mnemo.seed(42)
  equals(fingerprint(mnemo.rand(1001)), 233574484709090)
  equals(fingerprint(mnemo.randn(1001)), 221992411800979)
  equals(fingerprint(mnemo.randn(2)), 100295042311)
  assert_close(mnemo.randn(3), { 0.36826902627945, 0.22438704967499, -0.11479957401752 }, 1e-7)
end

--- Softmax and its kin along any dimension, as along the last of the transpose.
function lines.test_softmax_along_others()
  local x = mnemo.randn(3, 70, 5)
  for _, name in ipairs { "softmax", "log_softmax", "logsumexp" } do
    for d = 1, 2 do
      local moved = x:transpose(d, 3):clone()
      local expected = moved[name](moved, 3)
      local found = x[name](x, d)
      if name ~= "logsumexp" then expected = expected:transpose(d, 3) end
      if name == "logsumexp" and d == 1 then expected = expected:t() end
      luaunit.assertTrue((found - expected):abs():max():item() < 2e-6, name .. d)
    end
  end
end

function lines.test_topk_of_many()
  local x = mnemo.randn(4, 1000)
  for _, largest in ipairs { true, false } do
    local values, places = x:topk(7, 2, largest)
    local sorted, order = x:sort(2, largest)
    equals(values:totable(), sorted:narrow(2, 1, 7):totable())
    equals(places:totable(), order:narrow(2, 1, 7):totable())
    local down = x:t():clone()
    equals(down:topk(7, 1, largest):t():totable(), values:totable())
  end
  local _, places = mnemo.tensor { 1, nan, 3, nan, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }:topk(4)
  equals(places:totable(), { 2, 4, 3, 5 })
end

os.exit(luaunit.LuaUnit.new():runSuiteByInstances {
  { "functions", functions }, { "limits", limits }, { "operators", operators },
  { "draws", draws }, { "lines", lines },
})
