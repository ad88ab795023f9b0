--- Making tensors, drawing them, and rearranging their elements, as a script does it.
--
-- Values marked so were recorded from PyTorch 2.15.
local luaunit = require "luaunit"
local mnemo = require "mnemo"

local equals, close = luaunit.assertEquals, luaunit.assertAlmostEquals

local creation, dimensions = {}, {}

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

-- Dimensions

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

os.exit(luaunit.LuaUnit.new():runSuiteByInstances {
  { "creation", creation }, { "dimensions", dimensions },
})
