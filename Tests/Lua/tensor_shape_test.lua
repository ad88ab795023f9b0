--- Making tensors, drawing them, and rearranging their elements, as a script does it.
--
-- Values marked so were recorded from PyTorch 2.15.
local luaunit = require "luaunit"
local mnemo = require "mnemo"

local equals, close = luaunit.assertEquals, luaunit.assertAlmostEquals

local creation, draws, dimensions, repetitions, pieces, moves, joining, diagonals =
  {}, {}, {}, {}, {}, {}, {}, {}

--- Asserts shape and elements of a Tensor or IntTensor.
local function assert_tensor(tensor, shape, elements)
  equals(tensor:shape(), shape)
  equals(tensor:reshape(-1):totable(), elements)
end

--- Asserts that a call fails with exactly this message, the script's position aside.
local function fails(message, fn, ...)
  local ok, found = pcall(fn, ...)
  luaunit.assertFalse(ok, message)
  equals((tostring(found):gsub("^[^\n]-%.lua:%d+: ", "")), message)
end

--- The shapes of a list of tensors.
local function shapes(list)
  local result = {}
  for i, tensor in ipairs(list) do result[i] = tensor:shape() end
  return result
end

--- The elements of a list of tensors.
local function tables(list)
  local result = {}
  for i, tensor in ipairs(list) do result[i] = tensor:totable() end
  return result
end

--- Calls a function with 1 to 24 as [2, 3, 4], in numbers and in integers.
local function both(fn)
  fn(mnemo.arange(24):reshape(2, 3, 4))
  fn(mnemo.int_arange(24):reshape(2, 3, 4))
end

--- Asserts that a tensor shows what is written to another afterwards.
local function assert_view(view, tensor)
  tensor:t():copy_(7)
  for _, element in ipairs(view:reshape(-1):totable()) do equals(element, 7) end
end

-- Creation

function creation.test_alike()
  local m, ids = mnemo.ones(2, 3):t(), mnemo.int_tensor { { 5, 6, 7 } }
  assert_tensor(mnemo.zeros_like(m), { 3, 2 }, { 0, 0, 0, 0, 0, 0 })
  assert_tensor(mnemo.ones_like(m), { 3, 2 }, { 1, 1, 1, 1, 1, 1 })
  assert_tensor(mnemo.full_like(m, -0.5), { 3, 2 }, { -0.5, -0.5, -0.5, -0.5, -0.5, -0.5 })
  assert_tensor(mnemo.zeros_like(ids), { 1, 3 }, { 0, 0, 0 })
  assert_tensor(mnemo.ones_like(ids), { 1, 3 }, { 1, 1, 1 })
  assert_tensor(mnemo.full_like(ids, -4), { 1, 3 }, { -4, -4, -4 })
  for _, alike in ipairs { "zeros_like", "ones_like", "full_like" } do
    equals(mnemo[alike](ids, 1):dtype(), "int32")
    equals(mnemo[alike](m, 1):dtype(), "float32")
    equals(mnemo[alike](m:half(), 1):dtype(), "float32")
    equals(mnemo[alike](mnemo.zeros(0, 3), 1):shape(), { 0, 3 })
    equals(mnemo[alike](mnemo.tensor(3), 1):shape(), {})
    fails(("bad argument #1 to '%s' (Tensor expected, got table)"):format(alike),
      mnemo[alike], { 1 })
  end
  -- What it has the shape of plays no other part.
  luaunit.assertFalse(mnemo.zeros_like(mnemo.ones(2):requires_grad(true)):requires_grad())
  fails("bad argument #2 to 'full_like' (number has no integer representation)",
    mnemo.full_like, ids, 0.5)
  fails("bad argument #2 to 'full_like' (integers have 32 bits here, got 4294967296)",
    mnemo.full_like, ids, 1 << 32)
  fails("bad argument #2 to 'full_like' (number expected, got no value)", mnemo.full_like, m)
end

function creation.test_integers()
  assert_tensor(mnemo.int_zeros(2, 1), { 2, 1 }, { 0, 0 })
  assert_tensor(mnemo.int_zeros { 1, 2 }, { 1, 2 }, { 0, 0 })
  assert_tensor(mnemo.int_full(2, 2, -7), { 2, 2 }, { -7, -7, -7, -7 })
  assert_tensor(mnemo.int_full({ 2 }, 9), { 2 }, { 9, 9 })
  assert_tensor(mnemo.int_full(3), {}, { 3 })
  equals(math.type(mnemo.int_zeros(1):item()), "integer")
  fails("int_zeros: sizes must not be negative, got [-1]", mnemo.int_zeros, -1)
  fails("int_full: a tensor of shape [1099511627776, 2] is too large",
    mnemo.int_full, 1 << 40, 2, 0)
  fails("bad argument #2 to 'int_full' (number has no integer representation)",
    mnemo.int_full, 2, 1.5)
  fails("bad argument #1 to 'int_full' (number expected, got no value)", mnemo.int_full)
end

function creation.test_ranges()
  for _, arange in ipairs { mnemo.arange, mnemo.int_arange } do
    assert_tensor(arange(4), { 4 }, { 1, 2, 3, 4 })
    assert_tensor(arange(0), { 0 }, {})
    assert_tensor(arange(-3), { 0 }, {})
    assert_tensor(arange(0, 3), { 4 }, { 0, 1, 2, 3 })
    assert_tensor(arange(2, 7, 3), { 2 }, { 2, 5 })
    assert_tensor(arange(5, 1, -2), { 3 }, { 5, 3, 1 })
    assert_tensor(arange(1, 5, -1), { 0 }, {})
    assert_tensor(arange(5, 4), { 0 }, {})
    assert_tensor(arange(3, 3, math.mininteger), { 1 }, { 3 })
  end
  assert_tensor(mnemo.arange(2.5), { 2 }, { 1, 2 })
  assert_tensor(mnemo.int_arange(-(1 << 31), (1 << 31) - 1, (1 << 31) - 1), { 3 },
    { -(1 << 31), -1, (1 << 31) - 2 })
  equals(mnemo.int_arange(2):dtype(), "int32")
  fails("int_arange: steps of 0 do not lead from 1 to 2", mnemo.int_arange, 1, 2, 0)
  fails("int_arange: from 1 to 2147483648 (allowed: both in 32 bits)",
    mnemo.int_arange, 1 << 31)
  fails("int_arange: from -9223372036854775808 to 1 (allowed: both in 32 bits)",
    mnemo.int_arange, math.mininteger, 1)
  fails("bad argument #1 to 'int_arange' (number has no integer representation)",
    mnemo.int_arange, 2.5)
  fails("bad argument #1 to 'arange' (number expected, got no value)", mnemo.arange)
end

-- Draws

--- Every function that draws, with arguments that give more than one number.
local drawing = {
  rand_like = function(...) return mnemo.rand_like(mnemo.zeros(3, 4), ...) end,
  randn_like = function(...) return mnemo.randn_like(mnemo.zeros(3, 4), ...) end,
  randint = function(...) return mnemo.randint(-1000, 1000, 3, 4, ...) end,
  randperm = function(...) return mnemo.randperm(12, ...) end,
  multinomial = function(...) return mnemo.multinomial(mnemo.ones(2, 40), 6, ...) end,
  replaced = function(...) return mnemo.multinomial(mnemo.ones(40), 12, true, ...) end,
  random_ = function(options)
    return mnemo.int_zeros(3, 4):random_ {
      low = -1000, high = 1000, seed = options and options.seed,
    }
  end,
}

function draws.test_follow_the_seed()
  for name, draw in pairs(drawing) do
    mnemo.seed(3)
    local a, b = draw():totable(), draw():totable()
    mnemo.seed(3)
    equals(draw():totable(), a, name)
    equals(draw():totable(), b, name)
    luaunit.assertNotEquals(a, b, name)
    equals(draw({ seed = 1 }):totable(), draw({ seed = 1 }):totable(), name)
    luaunit.assertNotEquals(draw({ seed = 1 }):totable(), draw({ seed = 2 }):totable(), name)
    if name ~= "random_" then
      luaunit.assertErrorMsgContains("did you mean 'seed'?", draw, { sed = 1 })
    end
  end
end

function draws.test_like()
  equals(mnemo.rand_like(mnemo.zeros(2, 3):t(), { seed = 1 }):totable(),
    mnemo.rand(3, 2, { seed = 1 }):totable())
  equals(mnemo.randn_like(mnemo.zeros(3):half(), { seed = 1 }):totable(),
    mnemo.randn(3, { seed = 1 }):totable())
  fails("bad argument #1 to 'randn_like' (Tensor expected, got IntTensor)",
    mnemo.randn_like, mnemo.int_zeros(2))
end

function draws.test_integers()
  -- Both ends are drawn, and all between them about as often.
  local counts = mnemo.one_hot(mnemo.randint(1, 6, 6000, { seed = 1 }), 6):sum(1):totable()
  for face = 1, 6 do close(counts[face], 1000, 120) end
  assert_tensor(mnemo.randint(7, 7, 2, 2), { 2, 2 }, { 7, 7, 7, 7 })
  equals(mnemo.randint(1, 2):shape(), {})
  equals(mnemo.randint(1, 2, { 3, 0 }):shape(), { 3, 0 })
  local wide = mnemo.randint(-(1 << 31), (1 << 31) - 1, 2000, { seed = 2 })
  luaunit.assertTrue(wide:min():item() < -(1 << 30) and wide:max():item() > 1 << 30)
  fails("randint: from 2 to 1 (allowed: low ≤ high, both in 32 bits)", mnemo.randint, 2, 1, 3)
  fails("randint: from 0 to 2147483648 (allowed: low ≤ high, both in 32 bits)",
    mnemo.randint, 0, 1 << 31, 3)
  fails("randint: from -9223372036854775808 to 9223372036854775807 "
    .. "(allowed: low ≤ high, both in 32 bits)",
    mnemo.randint, math.mininteger, math.maxinteger, 3)
  fails("randint: sizes must not be negative, got [-1]", mnemo.randint, 0, 1, -1)
  fails("randint: a tensor of shape [1099511627776] is too large", mnemo.randint, 0, 1, 1 << 40)
  fails("bad argument #1 to 'randint' (number has no integer representation)",
    mnemo.randint, 0.5, 1, 3)
  fails("bad argument #2 to 'randint' (number expected, got no value)", mnemo.randint, 0)
end

function draws.test_in_place()
  local t = mnemo.int_zeros(2, 3)
  luaunit.assertTrue(t:random_ { low = 4, high = 6, seed = 1 } == t)
  equals(t:totable(), mnemo.randint(4, 6, 2, 3, { seed = 1 }):totable())
  t:t()[1] = 9
  -- The default's lower end, and a view: what it does not show stays.
  t:narrow(2, 2, 2):random_ { high = 1 }
  equals(t:totable(), { { 9, 1, 1 }, { 9, 1, 1 } })
  fails("bad option 'low' to 'random_' (5, the option 'high', or less expected, got 6)",
    function() t:random_ { low = 6, high = 5 } end)
  fails("bad option 'high' to 'random_' (integers have 32 bits here, got 2147483648)",
    function() t:random_ { high = 1 << 31 } end)
  fails("random_: missing option 'high' (integer expected)", function() t:random_ {} end)
  fails("copy_: this view repeats its elements (expand); change a clone() of it",
    function() mnemo.int_zeros(1):expand(3):random_ { high = 5 } end)
end

function draws.test_permutations()
  local order = mnemo.randperm(100, { seed = 1 }):totable()
  luaunit.assertNotEquals(order, mnemo.arange(100):totable())
  table.sort(order)
  equals(order, mnemo.int_arange(100):totable())
  equals(mnemo.randperm(0):totable(), {})
  equals(mnemo.randperm(1):totable(), { 1 })
  -- Each of the six orders of three about as often.
  local counts = {}
  mnemo.seed(1)
  for _ = 1, 1200 do
    local name = table.concat(mnemo.randperm(3):totable())
    counts[name] = (counts[name] or 0) + 1
  end
  for _, name in ipairs { "123", "132", "213", "231", "312", "321" } do
    close(counts[name], 200, 60)
  end
  fails("randperm: needs 0 or more ids, got -1", mnemo.randperm, -1)
  fails("randperm: places are told among 2147483647 elements at the most, got 4294967296",
    mnemo.randperm, 1 << 32)
end

function draws.test_multinomial_with_replacement()
  local weights = mnemo.tensor { { 1, 0, 3 }, { 0, 5, 0 } }
  local ids = mnemo.multinomial(weights, 4000, true, { seed = 1 })
  equals(ids:shape(), { 2, 4000 })
  local counts = mnemo.one_hot(ids, 3):sum(2):totable()
  close(counts[1][1], 1000, 130)
  equals(counts[1][2], 0)
  equals(counts[2], { 0, 4000, 0 })
  equals(mnemo.multinomial(weights[1], 5, true):shape(), { 5 })
  equals(mnemo.multinomial(weights, 0, true):shape(), { 2, 0 })
  equals(mnemo.multinomial(mnemo.zeros(0, 3), 2):shape(), { 0, 2 })
end

function draws.test_multinomial_without_replacement()
  local weights = mnemo.tensor { { 1, 2, 0, 5 } }:expand(4000, 4)
  local ids = mnemo.multinomial(weights, 2, false, { seed = 1 })
  local first = mnemo.one_hot(ids:select(2, 1), 4):mean(1):totable()
  local second = mnemo.one_hot(ids:select(2, 2), 4):mean(1):totable()
  local function chance(i, w) return w[i] / 8 end
  local w = { 1, 2, 0, 5 }
  for i = 1, 4 do
    close(first[i], chance(i, w), 0.03)
    -- Drawn second: after each of the others, by what is left.
    local p = 0
    for j = 1, 4 do
      if j ~= i then p = p + chance(j, w) * w[i] / (8 - w[j]) end
    end
    close(second[i], p, 0.03)
  end
  local all = mnemo.multinomial(mnemo.tensor { 1e-45, 1, 3e38 }, 3):totable()
  table.sort(all)
  equals(all, { 1, 2, 3 })
  -- Without a word none is drawn twice.
  for seed = 1, 20 do
    local two = mnemo.multinomial(mnemo.ones(2), 2, { seed = seed }):totable()
    equals(two[1] + two[2], 3)
  end
end

function draws.test_bad_weights()
  local multinomial, tensor = mnemo.multinomial, mnemo.tensor
  for _, replacement in ipairs { true, false } do
    fails("multinomial: weight 2 is -1.0 (allowed: finite, 0 or more)",
      multinomial, tensor { 1, -1 }, 1, replacement)
    fails("multinomial: weight 1 of row 2 is nan (allowed: finite, 0 or more)",
      multinomial, tensor { { 1, 1 }, { 0 / 0, 1 } }, 1, replacement)
    fails("multinomial: weight 2 of row 1 is inf (allowed: finite, 0 or more)",
      multinomial, tensor { { 1, 1 / 0 } }, 1, replacement)
    fails("multinomial: the weights sum to 0", multinomial, tensor { 0, 0 }, 1, replacement)
    fails("multinomial: the weights of row 2 sum to 0",
      multinomial, tensor { { 1, 1 }, { 0, 0 } }, 1, replacement)
    fails("multinomial: the weights sum to 0", multinomial, mnemo.zeros(0), 1, replacement)
    fails("multinomial: needs 0 or more draws, got -1", multinomial, tensor { 1 }, -1, replacement)
    fails("multinomial: needs weights in a vector or in the rows of a matrix, got shape []",
      multinomial, tensor(1), 1, replacement)
    fails("multinomial: needs weights in a vector or in the rows of a matrix, got shape [1, 2, 3]",
      multinomial, mnemo.ones(1, 2, 3), 1, replacement)
    fails("multinomial: a tensor of shape [1099511627776] is too large",
      multinomial, tensor { 1 }, 1 << 40, replacement)
  end
  fails("multinomial: 3 draws without replacement from 2 weights above 0",
    multinomial, tensor { 1, 0, 1 }, 3)
  fails("multinomial: 2 draws without replacement from 1 weights above 0 of row 2",
    multinomial, tensor { { 1, 1 }, { 0, 1 } }, 2)
  fails("bad argument #3 to 'multinomial' (boolean expected, got number)",
    multinomial, tensor { 1 }, 1, 1)
  fails("bad argument #1 to 'multinomial' (Tensor expected, got table)", multinomial, { 1 }, 1)
end

-- Dimensions

function dimensions.test_permute()
  both(function(x)
    -- Recorded from PyTorch.
    local expected =
      { 1, 5, 9, 13, 17, 21, 2, 6, 10, 14, 18, 22, 3, 7, 11, 15, 19, 23, 4, 8, 12, 16, 20, 24 }
    assert_tensor(x:permute(3, 1, 2), { 4, 2, 3 }, expected)
    assert_tensor(x:permute { -1, 1, -2 }, { 4, 2, 3 }, expected)
    equals(x:permute(1, 2, 3):totable(), x:totable())
    fails("permute: [1, 1, 2] does not name each of the 3 dimensions of shape [2, 3, 4] once",
      x.permute, x, 1, -3, 2)
    fails("permute: [1, 2] does not name each of the 3 dimensions of shape [2, 3, 4] once",
      x.permute, x, 1, 2)
    fails("permute: [] does not name each of the 3 dimensions of shape [2, 3, 4] once",
      x.permute, x)
    fails("permute: dimension 4 of a tensor of shape [2, 3, 4] (allowed: 1…3)",
      x.permute, x, 1, 2, 4)
    fails("bad argument #2 to 'permute' (dimensions count from 1, got 0)",
      function() x:permute(1, 0, 2) end)
    fails("bad argument #1 to 'permute' (dimensions count from 1, got 0)",
      function() x:permute { 1, 0, 2 } end)
  end)
  equals(mnemo.tensor(3):permute():item(), 3)
  local m = mnemo.zeros(2, 3)
  assert_view(m:permute(2, 1), m)
end

function dimensions.test_squeeze()
  both(function(x)
    local y = x:narrow(1, 2, 1):narrow(3, 4, 1)
    assert_tensor(y:squeeze(), { 3 }, { 16, 20, 24 })
    assert_tensor(y:squeeze(1), { 3, 1 }, { 16, 20, 24 })
    assert_tensor(y:squeeze(-1), { 1, 3 }, { 16, 20, 24 })
    equals(y:squeeze(2):shape(), { 1, 3, 1 })
    fails("squeeze: dimension 4 of a tensor of shape [2, 3, 4] (allowed: 1…3)", x.squeeze, x, 4)
    fails("squeeze: a 0-dimensional tensor has no dimensions to choose from",
      function() y:squeeze()[1]:squeeze(1) end)
  end)
  equals(mnemo.ones(1, 1):squeeze():item(), 1)
  equals(mnemo.zeros(0, 1):squeeze():shape(), { 0 })
  local m = mnemo.zeros(1, 3)
  assert_view(m:squeeze(1), m)
end

function dimensions.test_unsqueeze()
  both(function(x)
    for d, shape in pairs {
      [1] = { 1, 2, 3, 4 }, [2] = { 2, 1, 3, 4 }, [4] = { 2, 3, 4, 1 },
      [-1] = { 2, 3, 4, 1 }, [-2] = { 2, 3, 1, 4 }, [-4] = { 1, 2, 3, 4 },
    } do
      assert_tensor(x:unsqueeze(d), shape, mnemo.arange(24):totable())
    end
    equals(x:transpose(1, 3):unsqueeze(2):squeeze(2):totable(), x:transpose(1, 3):totable())
    fails("unsqueeze: dimension 5 (allowed: 1…4)", x.unsqueeze, x, 5)
    fails("unsqueeze: dimension -5 (allowed: 1…4)", x.unsqueeze, x, -5)
    fails("unsqueeze: dimension 9223372036854775807 (allowed: 1…4)",
      x.unsqueeze, x, math.maxinteger)
    fails("bad argument #1 to 'unsqueeze' (number expected, got no value)",
      function() x:unsqueeze() end)
  end)
  equals(mnemo.tensor(3):unsqueeze(1):totable(), { 3 })
  equals(mnemo.zeros(0, 3):unsqueeze(1):shape(), { 1, 0, 3 })
end

function dimensions.test_flatten_and_unflatten()
  both(function(x)
    -- Recorded from PyTorch.
    assert_tensor(x:permute(3, 1, 2):flatten(1, 2), { 8, 3 },
      { 1, 5, 9, 13, 17, 21, 2, 6, 10, 14, 18, 22, 3, 7, 11, 15, 19, 23, 4, 8, 12, 16, 20, 24 })
    assert_tensor(x:transpose(1, 2):unflatten(-1, 2, -1), { 3, 2, 2, 2 },
      { 1, 2, 3, 4, 13, 14, 15, 16, 5, 6, 7, 8, 17, 18, 19, 20, 9, 10, 11, 12, 21, 22, 23, 24 })
    equals(x:flatten():shape(), { 24 })
    equals(x:flatten(2):shape(), { 2, 12 })
    equals(x:flatten(-2, -1):shape(), { 2, 12 })
    equals(x:flatten(2, 2):shape(), { 2, 3, 4 })
    equals(x:unflatten(3, { 2, 2 }):shape(), { 2, 3, 2, 2 })
    fails("flatten: from dimension 3 to 2 (allowed: first ≤ last)", x.flatten, x, 3, 2)
    fails("flatten: dimension 4 of a tensor of shape [2, 3, 4] (allowed: 1…3)", x.flatten, x, 4)
    fails("unflatten: [4] has 4 elements and cannot become [2, 3]", x.unflatten, x, 3, 2, 3)
    fails("unflatten: [4] has 4 elements and cannot become [-1, 3]", x.unflatten, x, 3, -1, 3)
    fails("unflatten: [4] has 4 elements and cannot become [-1, -1]", x.unflatten, x, 3, -1, -1)
    fails("unflatten: [4] has 4 elements and cannot become []", x.unflatten, x, 3)
    fails("unflatten: dimension 4 of a tensor of shape [2, 3, 4] (allowed: 1…3)",
      x.unflatten, x, 4, 2)
  end)
  equals(mnemo.tensor(3):flatten():shape(), { 1 })
  equals(mnemo.zeros(2, 0, 3):flatten():shape(), { 0 })
  equals(mnemo.zeros(2, 0, 3):flatten(2):shape(), { 2, 0 })
  equals(mnemo.zeros(0, 3):unflatten(1, -1, 2):shape(), { 0, 2, 3 })
  fails("unflatten: a tensor of shape [1073741824, 0, 1073741824] is too large",
    function() mnemo.zeros(0, 1 << 30):unflatten(1, 1 << 30, 0) end)
  local m = mnemo.zeros(2, 4)
  assert_view(m:t():unflatten(1, 2, 2), m)
end

function dimensions.test_expand_keeps_sizes()
  both(function(x)
    local row = x[1]:narrow(1, 1, 1)
    assert_tensor(row:expand(2, -1), { 2, 4 }, { 1, 2, 3, 4, 1, 2, 3, 4 })
    equals(row:expand(5, -1, -1):shape(), { 5, 1, 4 })
    equals(x:expand(-1, -1, -1):shape(), { 2, 3, 4 })
    fails("expand: dimension 1 of [-1, 1, 4] is new: shape [1, 4] has no size to keep there",
      row.expand, row, -1, 1, 4)
    fails("expand: sizes must not be negative, got [-2, 4]", row.expand, row, -2, -1)
    fails("expand: shape [1, 4] does not broadcast to [4]", row.expand, row, -1)
  end)
end

-- Repetitions

function repetitions.test_interleaved()
  both(function(x)
    -- Recorded from PyTorch.
    assert_tensor(x[1]:repeat_interleave(2, 1):narrow(2, 1, 2), { 6, 2 },
      { 1, 2, 1, 2, 5, 6, 5, 6, 9, 10, 9, 10 })
    for _, counts in ipairs { { 2, 0, 1 }, mnemo.int_tensor { 2, 0, 1 } } do
      assert_tensor(x:select(3, 1):repeat_interleave(counts, 2), { 2, 3 },
        { 1, 1, 9, 13, 13, 21 })
    end
    local corner = x[1]:narrow(1, 1, 2):narrow(2, 1, 2)
    assert_tensor(corner:repeat_interleave(3), { 12 }, { 1, 1, 1, 2, 2, 2, 5, 5, 5, 6, 6, 6 })
    assert_tensor(corner:repeat_interleave { 1, 0, 0, 2 }, { 3 }, { 1, 6, 6 })
    equals(x:repeat_interleave(0, -1):shape(), { 2, 3, 0 })
    equals(x:repeat_interleave({ 0, 0 }, 1):shape(), { 0, 3, 4 })
    fails("repeat_interleave: counts must not be negative, got -1",
      x.repeat_interleave, x, -1, 1)
    fails("repeat_interleave: counts must not be negative, got -5",
      x.repeat_interleave, x, { 1, -5 }, 1)
    fails("repeat_interleave: counts of shape [2] do not fit the 3 entries of dimension 2",
      x.repeat_interleave, x, { 1, 1 }, 2)
    fails("repeat_interleave: dimension 4 of a tensor of shape [2, 3, 4] (allowed: 1…3)",
      x.repeat_interleave, x, 1, 4)
    fails("repeat_interleave: a tensor of shape [2, 1099511627776, 3, 4] is too large",
      x.repeat_interleave, x, 1 << 40, 1)
    fails("bad argument #1 to 'repeat_interleave' (integer, IntTensor or list expected, "
      .. "got Tensor)", function() x:repeat_interleave(mnemo.ones(2), 1) end)
  end)
  equals(mnemo.tensor(3):repeat_interleave(2):totable(), { 3, 3 })
  fails("repeat_interleave: a tensor of shape [429496729400] is too large",
    mnemo.ones(200).repeat_interleave, mnemo.ones(200), mnemo.int_full(200, 2147483647), 1)
end

function repetitions.test_tiled()
  both(function(x)
    -- Recorded from PyTorch.
    assert_tensor(x:select(2, 1):narrow(2, 1, 2):tile(2, 2), { 4, 4 },
      { 1, 2, 1, 2, 13, 14, 13, 14, 1, 2, 1, 2, 13, 14, 13, 14 })
    assert_tensor(x:select(3, 1):narrow(2, 1, 2):tile(2), { 2, 4 }, { 1, 5, 1, 5, 13, 17, 13, 17 })
    assert_tensor(x[1][1]:narrow(1, 1, 3):tile { 2, 1, 2 }, { 2, 1, 6 },
      { 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3 })
    equals(x:tile():totable(), x:totable())
    equals(x:tile(1, 0, 2):shape(), { 2, 0, 8 })
    fails("tile: counts must not be negative, got [2, -1]", x.tile, x, 2, -1)
    fails("tile: [1099511627776] times a tensor of shape [2, 3, 4] is too large",
      x.tile, x, 1 << 40)
    fails("tile: [4611686018427387904, 4, 0] times a tensor of shape [2, 3, 4] is too large",
      x.tile, x, 1 << 62, 4, 0)
  end)
  equals(mnemo.tensor(3):tile(2):totable(), { 3, 3 })
  equals(mnemo.zeros(0, 2):tile(3, 1):shape(), { 0, 2 })
end

-- Pieces

function pieces.test_split()
  for _, arange in ipairs { mnemo.arange, mnemo.int_arange } do
    -- Recorded from PyTorch.
    equals(tables(arange(7):split(3)), { { 1, 2, 3 }, { 4, 5, 6 }, { 7 } })
    equals(tables(arange(12):reshape(3, 4):split({ 1, 3 }, 2)),
      { { { 1 }, { 5 }, { 9 } }, { { 2, 3, 4 }, { 6, 7, 8 }, { 10, 11, 12 } } })
    local x = arange(12):reshape(3, 4)
    equals(shapes(x:split(3, -1)), { { 3, 3 }, { 3, 1 } })
    equals(shapes(x:split(math.maxinteger)), { { 3, 4 } })
    equals(shapes(x:split { 0, 3 }), { { 0, 4 }, { 3, 4 } })
    fails("split: needs a size of at least 1, got 0", x.split, x, 0)
    fails("split: needs a size of at least 1, got -9223372036854775808",
      x.split, x, math.mininteger)
    fails("split: sizes [1, 1] do not add up to the 3 of dimension 1", x.split, x, { 1, 1 })
    fails("split: sizes [2, 2] do not add up to the 3 of dimension 1", x.split, x, { 2, 2 })
    fails("split: sizes [-1, 4] do not add up to the 3 of dimension 1", x.split, x, { -1, 4 })
    fails("split: sizes [9223372036854775807, 1] do not add up to the 4 of dimension 2",
      x.split, x, { math.maxinteger, 1 }, 2)
    fails("split: sizes [] do not add up to the 3 of dimension 1", x.split, x, {})
    fails("split: dimension 3 of a tensor of shape [3, 4] (allowed: 1…2)", x.split, x, 1, 3)
    fails("bad argument #1 to 'split' (number expected, got nil)", function() x:split(nil) end)
  end
  equals(shapes(mnemo.zeros(0, 3):split(2)), { { 0, 3 } })
  equals(shapes(mnemo.zeros(0, 3):split {}), {})
  local wide = mnemo.zeros(0, 1 << 30)
  fails("split: 1073741824 pieces are too many (at most 1048576)", wide.split, wide, 1, 2)
  local m = mnemo.zeros(2, 3)
  assert_view(m:split(2, 2)[1], m)
end

function pieces.test_chunk()
  for _, arange in ipairs { mnemo.arange, mnemo.int_arange } do
    -- Recorded from PyTorch.
    equals(tables(arange(7):chunk(4)), { { 1, 2 }, { 3, 4 }, { 5, 6 }, { 7 } })
    equals(tables(arange(6):chunk(4)), { { 1, 2 }, { 3, 4 }, { 5, 6 } })
    local x = arange(12):reshape(3, 4)
    equals(shapes(x:chunk(2, 2)), { { 3, 2 }, { 3, 2 } })
    equals(shapes(x:chunk(math.maxinteger)), { { 1, 4 }, { 1, 4 }, { 1, 4 } })
    fails("chunk: needs at least 1 piece, got 0", x.chunk, x, 0)
    fails("chunk: dimension 3 of a tensor of shape [3, 4] (allowed: 1…2)", x.chunk, x, 2, 3)
    fails("chunk: a 0-dimensional tensor has no dimensions to choose from",
      function() x[1][1]:chunk(2) end)
  end
  equals(shapes(mnemo.zeros(0, 3):chunk(2)), { { 0, 3 }, { 0, 3 } })
  local empty, wide = mnemo.zeros(0, 3), mnemo.zeros(0, 1 << 30)
  fails("chunk: 9223372036854775807 pieces are too many (at most 1048576)",
    empty.chunk, empty, math.maxinteger)
  fails("chunk: 1073741824 pieces are too many (at most 1048576)", wide.chunk, wide, 1 << 40, 2)
end

function pieces.test_unbind()
  both(function(x)
    -- Recorded from PyTorch.
    equals(tables(x:select(2, 1):unbind(2)), { { 1, 13 }, { 2, 14 }, { 3, 15 }, { 4, 16 } })
    equals(shapes(x:unbind()), { { 3, 4 }, { 3, 4 } })
    equals(shapes(x:unbind(-2)), { { 2, 4 }, { 2, 4 }, { 2, 4 } })
    fails("unbind: dimension 4 of a tensor of shape [2, 3, 4] (allowed: 1…3)", x.unbind, x, 4)
  end)
  equals(shapes(mnemo.zeros(0, 3):unbind()), {})
  equals(shapes(mnemo.zeros(2, 0):unbind()), { { 0 }, { 0 } })
  local wide = mnemo.zeros(0, 1 << 30)
  fails("unbind: 1073741824 pieces are too many (at most 1048576)", wide.unbind, wide, 2)
  fails("unbind: a 0-dimensional tensor has no dimensions to choose from",
    function() mnemo.tensor(1):unbind() end)
end

-- Moves

function moves.test_flip()
  both(function(x)
    -- Recorded from PyTorch.
    local both_ends = { 16, 15, 14, 13, 20, 19, 18, 17, 24, 23, 22, 21, 4, 3, 2, 1, 8, 7, 6, 5,
      12, 11, 10, 9 }
    assert_tensor(x:flip(1, 3), { 2, 3, 4 }, both_ends)
    assert_tensor(x:flip { -1, 1 }, { 2, 3, 4 }, both_ends)
    assert_tensor(x[1]:flip(-1), { 3, 4 }, { 4, 3, 2, 1, 8, 7, 6, 5, 12, 11, 10, 9 })
    equals(x:flip():totable(), x:totable())
    equals(x:permute(3, 1, 2):flip(2):totable(), x:flip(1):permute(3, 1, 2):totable())
    fails("flip: dimension 3 is named twice", x.flip, x, 3, -1)
    fails("flip: dimension 4 of a tensor of shape [2, 3, 4] (allowed: 1…3)", x.flip, x, 4)
    fails("bad argument #1 to 'flip' (dimensions count from 1, got 0)", function() x:flip(0) end)
  end)
  equals(mnemo.zeros(0, 3):flip(1, 2):shape(), { 0, 3 })
  equals(mnemo.arange(3):half():flip(1):totable(), { 3, 2, 1 })
  equals(mnemo.arange(2):bfloat16():expand(2, 2):flip(2):totable(), { { 2, 1 }, { 2, 1 } })
  -- A copy, also where there is nothing to turn around.
  local m = mnemo.zeros(2)
  m:flip():fill_(1)
  equals(m:totable(), { 0, 0 })
end

function moves.test_roll()
  both(function(x)
    -- Recorded from PyTorch.
    assert_tensor(x[1]:roll(1, 2), { 3, 4 }, { 4, 1, 2, 3, 8, 5, 6, 7, 12, 9, 10, 11 })
    assert_tensor(x[1]:roll(-5, 1), { 3, 4 }, { 9, 10, 11, 12, 1, 2, 3, 4, 5, 6, 7, 8 })
    assert_tensor(x[1]:roll(5), { 3, 4 }, { 8, 9, 10, 11, 12, 1, 2, 3, 4, 5, 6, 7 })
    assert_tensor(x[1][1]:narrow(1, 1, 3):roll(-7), { 3 }, { 2, 3, 1 })
    equals(x:roll(math.mininteger, 3):totable(), x:totable())
    equals(x:roll(math.maxinteger, -1)[1][1]:totable(), { 2, 3, 4, 1 })
    fails("roll: dimension 4 of a tensor of shape [2, 3, 4] (allowed: 1…3)", x.roll, x, 1, 4)
    fails("bad argument #1 to 'roll' (number has no integer representation)",
      function() x:roll(0.5, 1) end)
  end)
  equals(mnemo.zeros(0, 3):roll(2, 1):shape(), { 0, 3 })
  equals(mnemo.tensor(3):roll(2):item(), 3)
  local m = mnemo.zeros(2)
  m:roll(0, 1):fill_(1)
  equals(m:totable(), { 0, 0 })
end

-- Joining

function joining.test_cat_and_stack()
  for _, list in ipairs { mnemo.tensor, mnemo.int_tensor } do
    local a, b = list { { 1, 2, 3 }, { 4, 5, 6 } }, list { { 7, 8, 9 } }
    assert_tensor(mnemo.cat { a, b, a }, { 5, 3 },
      { 1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 6 })
    assert_tensor(mnemo.cat({ a:t(), b:t() }, 2), { 3, 3 }, { 1, 4, 7, 2, 5, 8, 3, 6, 9 })
    assert_tensor(mnemo.cat({ a, a }, -1), { 2, 6 }, { 1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6 })
    assert_tensor(mnemo.stack { a[1], a[2], b[1] }, { 3, 3 }, { 1, 2, 3, 4, 5, 6, 7, 8, 9 })
    assert_tensor(mnemo.stack({ a[1], b[1] }, -1), { 3, 2 }, { 1, 7, 2, 8, 3, 9 })
    assert_tensor(mnemo.stack({ a, b:expand(2, 3) }, 2), { 2, 2, 3 },
      { 1, 2, 3, 7, 8, 9, 4, 5, 6, 7, 8, 9 })
    equals(mnemo.cat({ a, a }):dtype(), a:dtype())
    -- A copy.
    local joined = mnemo.cat { a }
    joined[1] = a[2]
    equals(a:totable(), { { 1, 2, 3 }, { 4, 5, 6 } })
    fails("cat: tensor 2 has shape [3], the first [2, 3]", mnemo.cat, { a, a[1] })
    fails("cat: tensor 2 has shape [3, 2], the first [2, 3]: only dimension 1 may differ",
      mnemo.cat, { a, a:t() })
    fails("cat: dimension 3 of a tensor of shape [2, 3] (allowed: 1…2)", mnemo.cat, { a }, 3)
    fails("stack: dimension 4 (allowed: 1…3)", mnemo.stack, { a, a }, 4)
    fails("stack: shapes [2, 3] and [1, 3] differ", mnemo.stack, { a, b })
  end
  local ids = mnemo.int_tensor { 1 }
  equals(mnemo.cat({ ids:expand(0), ids }):totable(), { 1 })
  fails("cat: the list is empty", mnemo.cat, {})
  fails("stack: the list is empty", mnemo.stack, {})
  fails("bad argument #1 to 'cat' ([2]: IntTensor expected, got Tensor)",
    mnemo.cat, { ids, mnemo.ones(1) })
  fails("bad argument #1 to 'stack' ([2]: Tensor expected, got IntTensor)",
    mnemo.stack, { mnemo.ones(1), ids })
  fails("bad argument #1 to 'cat' (list of Tensor expected, got IntTensor)", mnemo.cat, ids)
end

-- Diagonals

function diagonals.test_triangles()
  local m = mnemo.arange(12):reshape(3, 4)
  -- Recorded from PyTorch.
  for k, elements in pairs {
    [-1] = { 0, 0, 0, 0, 5, 0, 0, 0, 9, 10, 0, 0 }, [0] = { 1, 0, 0, 0, 5, 6, 0, 0, 9, 10, 11, 0 },
    { 1, 2, 0, 0, 5, 6, 7, 0, 9, 10, 11, 12 }, { 1, 2, 3, 0, 5, 6, 7, 8, 9, 10, 11, 12 },
  } do
    assert_tensor(m:tril(k), { 3, 4 }, elements)
  end
  for k, elements in pairs {
    [-1] = { 1, 2, 3, 4, 5, 6, 7, 8, 0, 10, 11, 12 },
    [0] = { 1, 2, 3, 4, 0, 6, 7, 8, 0, 0, 11, 12 },
    { 0, 2, 3, 4, 0, 0, 7, 8, 0, 0, 0, 12 }, { 0, 0, 3, 4, 0, 0, 0, 8, 0, 0, 0, 0 },
  } do
    assert_tensor(m:triu(k), { 3, 4 }, elements)
  end
  for _, far in ipairs { 9, math.maxinteger } do
    equals(m:tril(far):totable(), m:totable())
    equals(m:triu(-far):totable(), m:totable())
    equals(m:tril(-far):abs():sum():item(), 0)
    equals(m:triu(far):abs():sum():item(), 0)
  end
  equals(m:triu(math.mininteger):totable(), m:totable())
  equals(m:tril(math.mininteger):sum():item(), 0)
  equals(m:tril():totable(), m:tril(0):totable())
  -- Each matrix by itself, and views.
  local batch = mnemo.stack { m, m * 10 }
  equals(batch:triu(1)[2]:totable(), (m * 10):triu(1):totable())
  equals(m:t():tril():totable(), m:triu():t():totable())
  -- What is cleared is 0 whatever it was; what is not stays.
  equals(mnemo.full(2, 2, 0 / 0):tril(-2):totable(), { { 0, 0 }, { 0, 0 } })
  equals(m:half():tril():totable(), m:tril():totable())
  equals(mnemo.zeros(0, 3):tril():shape(), { 0, 3 })
  equals(mnemo.zeros(2, 3, 0):triu():shape(), { 2, 3, 0 })
  fails("tril: needs a matrix, or several of them, got shape [3]", m.tril, mnemo.ones(3))
  fails("triu: needs a matrix, or several of them, got shape []", m.triu, mnemo.tensor(3))
  fails("bad argument #1 to 'tril' (number has no integer representation)",
    function() m:tril(0.5) end)
end

function diagonals.test_diag()
  local v, m = mnemo.arange(3), mnemo.arange(12):reshape(3, 4)
  -- Recorded from PyTorch.
  assert_tensor(v:diag(-1), { 4, 4 }, { 0, 0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 3, 0 })
  assert_tensor(v:diag(), { 3, 3 }, { 1, 0, 0, 0, 2, 0, 0, 0, 3 })
  assert_tensor(m:diag(1), { 3 }, { 2, 7, 12 })
  assert_tensor(m:diag(-2), { 1 }, { 9 })
  assert_tensor(mnemo.zeros(0):diag(1), { 1, 1 }, { 0 })
  equals(v:diag(2):diag(2):totable(), v:totable())
  equals(v:half():diag():totable(), v:diag():totable())
  equals(v:expand(2, 3):t():select(2, 1):diag(1):totable(), v:diag(1):totable())
  fails("diag: needs a vector or a matrix, got shape []", m.diag, mnemo.tensor(1))
  fails("diag: needs a vector or a matrix, got shape [2, 3, 4]", m.diag, mnemo.ones(2, 3, 4))
  for _, far in ipairs { math.maxinteger, math.mininteger } do
    fails("diag: a tensor of shape [9223372036854775807, 9223372036854775807] is too large",
      v.diag, v, far)
  end
end

function diagonals.test_diagonal()
  local x = mnemo.arange(24):reshape(2, 3, 4)
  -- Recorded from PyTorch.
  assert_tensor(x:diagonal(1, 1, 3), { 3, 2 }, { 2, 15, 6, 19, 10, 23 })
  assert_tensor(x:diagonal(-1, 3, 2), { 2, 3 }, { 2, 7, 12, 14, 19, 24 })
  assert_tensor(x:diagonal(9), { 4, 0 }, {})
  equals(x:diagonal():totable(), x:diagonal(0, 1, -2):totable())
  equals(x[1]:diagonal(math.mininteger):shape(), { 0 })
  equals(mnemo.zeros(0, 3):diagonal(2):shape(), { 0 })
  fails("diagonal: needs two dimensions, got 3 twice", x.diagonal, x, 0, 3, -1)
  fails("diagonal: dimension 2 of a tensor of shape [3] (allowed: 1…1)",
    x.diagonal, mnemo.ones(3))
  local m = mnemo.zeros(3, 4)
  m:diagonal(1):fill_(1)
  equals(m:totable(), { { 0, 1, 0, 0 }, { 0, 0, 1, 0 }, { 0, 0, 0, 1 } })
end

function diagonals.test_trace()
  -- Recorded from PyTorch.
  equals(mnemo.arange(12):reshape(3, 4):narrow(2, 1, 3):trace():item(), 18)
  equals(mnemo.zeros(0, 3):trace():item(), 0)
  fails("trace: needs a matrix, got shape [3]", mnemo.ones(3).trace, mnemo.ones(3))
end

function diagonals.test_gradients_from_lua()
  local x = mnemo.arange(9):reshape(3, 3):requires_grad(true)
  local parts = x:tril():flip(1):chunk(3, 2)
  ;(parts[1]:sum() * 2 + parts[3]:sum() + x:trace() * 10):backward()
  equals(x.grad:totable(), { { 12, 0, 0 }, { 2, 10, 0 }, { 2, 0, 11 } })
end

os.exit(luaunit.LuaUnit.new():runSuiteByInstances {
  { "creation", creation }, { "draws", draws }, { "dimensions", dimensions },
  { "repetitions", repetitions }, { "pieces", pieces }, { "moves", moves },
  { "joining", joining }, { "diagonals", diagonals },
})
