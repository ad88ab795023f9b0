--- Ranges, masks and ids as indices, what is put and added there, and the gradients of writing.
local luaunit = require "luaunit"
local mnemo = require "mnemo"

local equals, close = luaunit.assertEquals, luaunit.assertAlmostEquals

local ranges, masks, rows, scattering, writing, refused, copies = {}, {}, {}, {}, {}, {}, {}

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

local int = mnemo.int_tensor
local numbers = { { 1, 2, 3, 4 }, { 5, 6, 7, 8 }, { 9, 10, 11, 12 } }
local m, ids = mnemo.tensor(numbers), int(numbers)

--- What every test of values does with a Tensor and an IntTensor.
local function both(body)
  body(m, mnemo.tensor)
  body(ids, int)
end

-- Ranges

function ranges.test_reading()
  both(function(t)
    assert_tensor(t[{ { 1, 2 }, { 2, 3 } }], { 2, 2 }, { 2, 3, 6, 7 })
    assert_tensor(t[{ 2 }], { 4 }, { 5, 6, 7, 8 })
    assert_tensor(t[{ {}, 2 }], { 3 }, { 2, 6, 10 })
    assert_tensor(t[{ -1, { -2, -1 } }], { 2 }, { 11, 12 })
    assert_tensor(t[{ { 2, 2 } }], { 1, 4 }, { 5, 6, 7, 8 })
    assert_tensor(t[{ { 1, 3, 2 }, { 1, 4, 3 } }], { 2, 2 }, { 1, 4, 9, 12 })
    assert_tensor(t[{ { 1, 2, 5 }, 1 }], { 1 }, { 1 })
    assert_tensor(t[{ { 1, 3, math.maxinteger }, 1 }], { 1 }, { 1 })
    assert_tensor(t[{}], { 3, 4 }, t:reshape(-1):totable())
    equals(t[{ 2, 3 }]:item(), 7)
    equals(t[{ 2.0, -1 }]:item(), 8)
    -- Of views, as well.
    assert_tensor(t:t()[{ { 2, 3 }, { 1, 3, 2 } }], { 2, 2 }, { 2, 10, 3, 11 })
    assert_tensor(t[{ { 2, 3 } }][{ {}, { 1, 4, 2 } }][{ {}, 2 }], { 2 }, { 7, 11 })
  end)
end

function ranges.test_empty_ones()
  both(function(t)
    equals(t[{ { 1, 0 } }]:shape(), { 0, 4 })
    equals(t[{ { 4, 3 } }]:shape(), { 0, 4 })
    equals(t[{ {}, { 3, 2 } }]:shape(), { 3, 0 })
    equals(t[{ {}, { 5, -1 } }]:shape(), { 3, 0 })
    equals(t[{ { 1, 0, 7 } }]:shape(), { 0, 4 })
    t = t:clone()
    t[{ { 1, 0 } }] = 5
    equals(t:totable(), numbers)
  end)
  equals(mnemo.zeros(0, 3)[{ { 1, -1 }, 2 }]:shape(), { 0 })
end

function ranges.test_they_are_views()
  both(function(t, make)
    t = t:clone()
    local part = t[{ { 1, 3, 2 }, { 2, 3 } }]
    part[1] = 0
    part[{ 2, 2 }] = -1
    assert_tensor(t, { 3, 4 }, { 1, 0, 0, 4, 5, 6, 7, 8, 9, 10, -1, 12 })
    t[{ {}, { 1, 2 } }] = make { 1, 2 }
    t[{ {}, 4 }] = 7
    t[{ 1, { 3, 4 } }] = make { 8, 9 }
    assert_tensor(t, { 3, 4 }, { 1, 2, 8, 9, 1, 2, 7, 7, 1, 2, -1, 7 })
    -- Its own elements, read before they are overwritten.
    t[{ {}, { 2, 4 } }] = t[{ {}, { 1, 3 } }]
    assert_tensor(t, { 3, 4 }, { 1, 1, 2, 8, 1, 1, 2, 7, 1, 1, 2, -1 })
  end)
end

function ranges.test_bad_ones()
  both(function(t, make)
    for message, key in pairs {
      ["3 entries for a tensor of shape [3, 4]"] = { 1, 2, 3 },
      ["[1]: index 4 is outside 1…3"] = { 4 },
      ["[2]: index -5 is outside 1…4"] = { 1, -5 },
      ["[1]: indices count from 1, got 0"] = { 0 },
      ["[1]: number has no integer representation"] = { 1.5 },
      ["[1]: integer, {first, last} or {} expected, got string"] = { "1" },
      ["[2]: integer, {first, last} or {} expected, got IntTensor"] = { 1, int { 1 } },
      ["[1]: {first, last}, {first, last, step} or {} expected"] = { { 2 } },
      ["[2]: {first, last}, {first, last, step} or {} expected"] = { 1, { 1, 2, 1, 1 } },
      ["[1]: range {1, 4} leaves 1…3"] = { { 1, 4 } },
      ["[1]: range {5, 4} leaves 1…3"] = { { 5, 4 } },
      ["[1]: range {-4, 2} leaves 1…3"] = { { -4, 2 } },
      ["[1]: range {3, 1} runs backwards (an empty one is {3, 2})"] = { { 3, 1 } },
      ["[2]: range {-1, -3} runs backwards (an empty one is {4, 3})"] = { {}, { -1, -3 } },
      ["[1][1]: indices count from 1, got 0"] = { { 0, 2 } },
      ["[1][2]: number expected, got string"] = { { 1, "3" } },
      ["[1][3]: steps are 1 or more, got 0"] = { { 1, 3, 0 } },
      ["[1][3]: steps are 1 or more, got -1"] = { { 1, 3, -1 } },
    } do
      fails("bad index (" .. message .. ")", function() return t[key] end)
      fails("bad index (" .. message .. ")", function() t[key] = 1 end)
    end
    for _, key in ipairs { { from = 1 }, { 1, to = 2 }, { nil, 2 } } do
      fails("bad index (a list expected, one entry for each dimension ({} keeps all of it))",
        function() return t[key] end)
    end
    fails("bad index ([1]: {first, last}, {first, last, step} or {} expected)",
      function() return t[{ { from = 1 } }] end)
    fails("bad index (integer, list of ranges, IntTensor of ids or Tensor of 0 and 1 expected, "
      .. "got boolean)", function() return t[true] end)
    fails("bad index (integer, list of ranges, IntTensor of ids or Tensor of 0 and 1 expected, "
      .. "got boolean)", function() t[true] = 1 end)
    fails("t[{…}] = v: shape [3] does not broadcast to [3, 2]",
      function() t[{ {}, { 1, 2 } }] = make { 1, 2, 3 } end)
    equals(t:totable(), numbers)
  end)
  fails("bad index (1 entries for a tensor of shape [])",
    function() return mnemo.tensor(1)[{ 1 }] end)
end

-- Masks

function masks.test_reading()
  both(function(t)
    assert_tensor(t[t:gt(9)], { 3 }, { 10, 11, 12 })
    assert_tensor(t[mnemo.tensor { 1, 0, 1 }], { 2, 4 }, { 1, 2, 3, 4, 9, 10, 11, 12 })
    assert_tensor(t:t()[t:t():gt(9)], { 3 }, { 10, 11, 12 })
    equals(t[mnemo.zeros(3)]:shape(), { 0, 4 })
    equals(t[mnemo.zeros(3, 4)]:shape(), { 0 })
  end)
end

function masks.test_writing()
  both(function(t, make)
    t = t:clone()
    t[t:gt(10)] = 0
    t[t:eq(2)] = make { 20 }
    assert_tensor(t, { 3, 4 }, { 1, 20, 3, 4, 5, 6, 7, 8, 9, 10, 0, 0 })
    t[mnemo.tensor { 1, 0, 1 }] = make { { 1, 2, 3, 4 }, { 5, 6, 7, 8 } }
    t[mnemo.tensor { 0, 1, 0 }] = make { 9, 8, 7, 6 }
    assert_tensor(t, { 3, 4 }, { 1, 2, 3, 4, 9, 8, 7, 6, 5, 6, 7, 8 })
    t[mnemo.zeros(3)] = 100
    -- Through a view that does not lie side by side, and with elements of its own.
    t:t()[t:t():gt(7)] = make { -1, -2, -3 }
    assert_tensor(t, { 3, 4 }, { 1, 2, 3, 4, -1, -2, 7, 6, 5, 6, 7, -3 })
    t:t()[mnemo.tensor { 0, 1, 1, 0 }] = t:t()[mnemo.tensor { 1, 1, 0, 0 }]
    assert_tensor(t, { 3, 4 }, { 1, 1, 2, 4, -1, -1, -2, 6, 5, 5, 6, -3 })
  end)
end

function masks.test_bad_ones()
  both(function(t, make)
    local message = "t[mask]: the mask has shape [4], the tensor has [3, 4] "
      .. "(allowed: its shape, or that of its first dimensions)"
    fails(message, function() return t[mnemo.ones(4)] end)
    fails(message, function() t[mnemo.ones(4)] = 1 end)
    luaunit.assertErrorMsgContains("the mask has shape [3, 4, 1], the tensor has [3, 4]",
      function() return t[mnemo.ones(3, 4, 1)] end)
    fails("t[mask]: a mask holds 0 and 1, this one 2.0; ids are an IntTensor",
      function() return t[mnemo.tensor { 1, 2, 3 }] end)
    fails("t[mask]: a mask holds 0 and 1, this one nan; ids are an IntTensor",
      function() t[mnemo.full(3, 0 / 0)] = 1 end)
    fails("t[mask] = v: shape [2] does not broadcast to [3]",
      function() t[t:gt(9)] = make { 1, 2 } end)
    equals(t:totable(), numbers)
  end)
  local repeated = mnemo.zeros(1):expand(3)
  fails("t[mask] = v: this view repeats its elements (expand); change a clone() of it",
    function() repeated[mnemo.ones(3)] = 1 end)
  fails("t[ids] = v: this view repeats its elements (expand); change a clone() of it",
    function() int { 0 }:expand(3)[int { 1 }] = 1 end)
end

-- Rows

function rows.test_writing()
  both(function(t, make)
    t = t:clone()
    t[int { 3, 1 }] = make { { 1, 2, 3, 4 }, { 0, 0, 0, 0 } }
    t[int { 2 }] = make { 7, 7, 7, 6 }
    assert_tensor(t, { 3, 4 }, { 0, 0, 0, 0, 7, 7, 7, 6, 1, 2, 3, 4 })
    -- Of those for one row, the last counts.
    t[int { 1, 1 }] = make { { 1, 1, 1, 1 }, { 2, 2, 2, 2 } }
    t:t()[int { 4, 4 }] = make { { 1, 2, 3 }, { 4, 5, 6 } }
    assert_tensor(t, { 3, 4 }, { 2, 2, 2, 4, 7, 7, 7, 5, 1, 2, 3, 6 })
    t[int { 1, 2 }] = t[int { 2, 3 }]
    assert_tensor(t, { 3, 4 }, { 7, 7, 7, 5, 1, 2, 3, 6, 1, 2, 3, 6 })
    t[int { { 1, 2 }, { 2, 3 } }] = 0
    equals(t:sum():item(), 0)
    fails("t[ids] = v: row 4 is outside 1…3", function() t[int { 4 }] = 1 end)
    fails("t[ids] = v: row 0 is outside 1…3", function() t[int { 0 }] = 1 end)
    fails("t[ids] = v: shape [2] does not broadcast to [1, 4]",
      function() t[int { 1 }] = make { 1, 2 } end)
    fails("t[ids] = v: a 0-dimensional tensor has no rows", function() make(1)[int { 1 }] = 1 end)
  end)
end

-- What is put and added at indices: values recorded from PyTorch

function scattering.test_index_select()
  both(function(t)
    assert_tensor(t:index_select(1, int { 3, 1, 3 }), { 3, 4 },
      { 9, 10, 11, 12, 1, 2, 3, 4, 9, 10, 11, 12 })
    assert_tensor(t:index_select(-1, { 4, 1 }), { 3, 2 }, { 4, 1, 8, 5, 12, 9 })
    assert_tensor(t:t():index_select(2, { 2 }), { 4, 1 }, { 5, 6, 7, 8 })
    equals(t:index_select(2, {}):shape(), { 3, 0 })
    local cube = t:reshape(3, 2, 2)
    assert_tensor(cube:index_select(2, { 2 }), { 3, 1, 2 }, { 3, 4, 7, 8, 11, 12 })
    fails("index_select: index 5 is outside 1…4", t.index_select, t, 2, { 5 })
    fails("index_select: needs a vector of indices, got shape [1, 1]",
      t.index_select, t, 1, int { { 1 } })
    fails("index_select: dimension 3 of a tensor of shape [3, 4] (allowed: 1…2)",
      t.index_select, t, 3, { 1 })
  end)
end

function scattering.test_index_add()
  both(function(t, make)
    assert_tensor(t:index_add(1, { 2, 2 }, make { { 1, 1, 1, 1 }, { 1, 2, 3, 4 } }), { 3, 4 },
      { 1, 2, 3, 4, 7, 9, 11, 13, 9, 10, 11, 12 })
    assert_tensor(t:index_add(2, { 4, 1 }, make { { 1, 2 }, { 3, 4 }, { 5, 6 } }), { 3, 4 },
      { 3, 2, 3, 5, 9, 6, 7, 11, 15, 10, 11, 17 })
    equals(t:totable(), numbers)
    fails("index_add: needs a source of shape [1, 4], got [4]",
      t.index_add, t, 1, { 1 }, make { 1, 2, 3, 4 })
    fails("index_add: index 4 is outside 1…3", t.index_add, t, 1, { 4 }, make { { 1, 2, 3, 4 } })
  end)
  fails("index_add: 12 and 2147483647 leave the range of 32 bits",
    ids.index_add, ids, 1, { 3 }, int { { 0, 0, 0, 2147483647 } })
end

function scattering.test_scatter()
  both(function(t, make)
    assert_tensor(t:scatter(2, int { { 2 }, { 1 }, { 4 } }, make { { 20 }, { 30 }, { 40 } }),
      { 3, 4 }, { 1, 20, 3, 4, 30, 6, 7, 8, 9, 10, 11, 40 })
    assert_tensor(t:scatter(1, { { 3, 1, 1, 3 } }, 0), { 3, 4 },
      { 1, 0, 0, 4, 5, 6, 7, 8, 0, 10, 11, 0 })
    -- Of those for one place, the last counts.
    assert_tensor(t:scatter(2, { { 1, 1 }, { 2, 2 }, { 3, 3 } },
      make { { 1, 2 }, { 3, 4 }, { 5, 6 } }), { 3, 4 }, { 2, 2, 3, 4, 5, 4, 7, 8, 9, 10, 6, 12 })
    assert_tensor(t:t():scatter(1, { { 4, 3, 2 } }, 0), { 4, 3 },
      { 1, 5, 9, 2, 6, 0, 3, 0, 11, 0, 8, 12 })
    fails("scatter: indices of shape [2] do not fit a tensor of shape [3, 4] "
      .. "(only dimension 2 may differ)", t.scatter, t, 2, { 1, 2 }, 0)
    fails("scatter: index 5 is outside 1…4", t.scatter, t, 2, { { 5 }, { 1 }, { 1 } }, 0)
    fails("scatter: needs a source of the indices' shape [3, 1], got [3]",
      t.scatter, t, 2, { { 1 }, { 1 }, { 1 } }, make { 1, 2, 3 })
  end)
end

function scattering.test_scatter_add()
  both(function(t, make)
    assert_tensor(t:scatter_add(2, { { 1, 1 }, { 2, 2 }, { 3, 3 } },
      make { { 1, 2 }, { 3, 4 }, { 5, 6 } }), { 3, 4 }, { 4, 2, 3, 4, 5, 13, 7, 8, 9, 10, 22, 12 })
    assert_tensor(t:scatter_add(1, { { 3, 1, 1, 3 } }, 100), { 3, 4 },
      { 1, 102, 103, 4, 5, 6, 7, 8, 109, 10, 11, 112 })
    fails("scatter_add: index 0 is outside 1…4",
      t.scatter_add, t, 2, { { 0 }, { 1 }, { 1 } }, 1)
    fails("scatter_add: needs a source of the indices' shape [3, 1], got [1, 3]",
      t.scatter_add, t, 2, { { 1 }, { 1 }, { 1 } }, make { { 1, 2, 3 } })
  end)
  fails("scatter_add: 1 and 2147483647 leave the range of 32 bits",
    ids.scatter_add, ids, 1, { { 1, 1, 1, 2 } }, 2147483647)
end

function scattering.test_masked_fill()
  both(function(t, make)
    assert_tensor(t:masked_fill(t:gt(6), 0), { 3, 4 }, { 1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 0, 0 })
    assert_tensor(t:masked_fill(mnemo.tensor { 1, 0, 0, 1 }, make { { 7 }, { 8 }, { 9 } }),
      { 3, 4 }, { 7, 2, 3, 7, 8, 6, 7, 8, 9, 10, 11, 9 })
    fails("masked_fill: shape [3] does not broadcast to [3, 4]",
      t.masked_fill, t, mnemo.ones(3), 0)
    fails("masked_fill: shape [2, 3, 4] does not broadcast to [3, 4]",
      t.masked_fill, t, mnemo.ones(2, 3, 4), 0)
    fails("masked_fill: shape [2] does not broadcast to [3, 4]",
      t.masked_fill, t, mnemo.ones(4), make { 1, 2 })
  end)
end

function scattering.test_nonzero()
  both(function(_, make)
    assert_tensor(make { { 0, 3 }, { 0, 0 }, { 1, 2 } }:nonzero(), { 3, 2 }, { 1, 2, 3, 1, 3, 2 })
    assert_tensor(make { { 0, 3 }, { 0, 0 }, { 1, 2 } }:t():nonzero(), { 3, 2 },
      { 1, 3, 2, 1, 2, 3 })
    equals(make { 0, 0 }:nonzero():shape(), { 0, 1 })
    equals(make(5):nonzero():shape(), { 1, 0 })
  end)
  assert_tensor(mnemo.tensor { 0, 0 / 0 }:nonzero(), { 1, 1 }, { 2 })
end

--- Asserts the gradient of f at a vector against central differences.
local function assert_gradient(name, f, values)
  local x = mnemo.tensor(values):requires_grad(true)
  f(x):backward()
  luaunit.assertNotNil(x.grad, name)
  local step = 1 / 256
  for i in ipairs(values) do
    local function moved(by)
      local copy = { table.unpack(values) }
      copy[i] = copy[i] + by
      return f(mnemo.tensor(copy)):item()
    end
    close(x.grad:get(i), (moved(step) - moved(-step)) / (2 * step), 5e-3, name .. " " .. i)
  end
end

local values = { 0.5, -1.25, 2, 0.75, 1.5, -0.25 }
local weights = mnemo.tensor { { 1, -2, 3 }, { 0.5, 4, -1 } }
local function weighed(y) return (y:reshape(2, 3) * y:reshape(2, 3) * weights):sum() end

function scattering.test_gradients()
  for name, f in pairs {
    slice = function(x) return x:reshape(2, 3)[{ {}, { 1, 3, 2 } }]:square():sum() end,
    mask = function(x)
      return x:reshape(2, 3)[mnemo.tensor { { 1, 0, 1 }, { 0, 1, 1 } }]:square():sum()
    end,
    index_select = function(x)
      return weighed(x:reshape(2, 3):index_select(2, { 3, 1, 3 }))
    end,
    index_add = function(x)
      local t = x:reshape(2, 3)
      return weighed(t:index_add(2, { 2, 2 }, t[{ {}, { 1, 2 } }] * 3))
    end,
    scatter = function(x)
      local t = x:reshape(2, 3)
      return weighed(t:scatter(2, { { 2, 2 }, { 3, 1 } }, t[{ {}, { 2, 3 } }] * 3))
    end,
    scatter_number = function(x)
      return weighed(x:reshape(2, 3):scatter(2, { { 2, 2 }, { 3, 1 } }, 3))
    end,
    scatter_scalar = function(x)
      return weighed(mnemo.ones(2, 3):scatter(2, { { 2, 2 }, { 3, 1 } }, x[1]))
        + x:square():sum()
    end,
    scatter_add = function(x)
      local t = x:reshape(2, 3)
      return weighed(t:scatter_add(2, { { 2, 2 }, { 3, 1 } }, t[{ {}, { 2, 3 } }] * 3))
    end,
    masked_fill = function(x)
      return weighed(x:reshape(2, 3):masked_fill(mnemo.tensor { 1, 0, 1 }, x[4]))
    end,
  } do
    assert_gradient(name, f, values)
  end
end

-- Writing, as the graph sees it

local function learned(list) return mnemo.tensor(list):requires_grad(true) end

function writing.test_what_was_lost()
  local w = learned { 1, 2, 3 }
  local y = mnemo.zeros(2, 3)
  y[1] = w * 2
  luaunit.assertTrue(y:requires_grad())
  y:sum():backward()
  assert_tensor(w.grad, { 3 }, { 2, 2, 2 })
end

function writing.test_rows_in_a_loop()
  local w = learned { 1, 2, 3 }
  local y = mnemo.zeros(4, 3)
  for i = 1, 4 do y[i] = w * i end
  (y * y):sum():backward()
  -- Σ 2 i² w
  assert_tensor(w.grad, { 3 }, { 60, 120, 180 })
end

function writing.test_single_elements_in_a_loop()
  local w = learned { 1, 2, 3 }
  local y = mnemo.zeros(2, 3)
  for i = 1, 2 do
    for j = 1, 3 do y[i][j] = w[j] * i end
  end
  (y * weights):sum():backward()
  assert_tensor(w.grad, { 3 }, { 2, 6, 1 })
end

function writing.test_the_states_of_a_recurrence()
  local w = learned { 0.5 }
  local y, h = mnemo.zeros(4), mnemo.ones(1)
  for t = 1, 4 do
    h = h * w
    y[t] = h[1]
  end
  y:sum():backward()
  close(w.grad:item(), 1 + 2 * 0.5 + 3 * 0.25 + 4 * 0.125, 1e-6)
  -- Read back from what was written, through a clone.
  w.grad = nil
  local z = mnemo.ones(5, 1)
  for t = 2, 5 do z[t] = z[t - 1]:clone() * w end
  z:sum():backward()
  close(w.grad:item(), 1 + 2 * 0.5 + 3 * 0.25 + 4 * 0.125, 1e-6)
end

function writing.test_the_last_of_two_writes_counts()
  local a, b = learned { 1, 2 }, learned { 3, 4 }
  local y = mnemo.zeros(2, 2)
  y[1] = a
  y[1] = b * 5
  y[{ 1, 2 }] = 7;
  (y:sum() + a:sum() * 0):backward()
  assert_tensor(a.grad, { 2 }, { 0, 0 })
  assert_tensor(b.grad, { 2 }, { 5, 0 })
end

function writing.test_views_of_views()
  local w = learned { 1, 2 }
  local y = mnemo.zeros(3, 4)
  -- Taken before the write, and read after it.
  local row, turned, element, far = y[2], y:t(), y[{ 2, 3 }], y[1]
  y[{ { 2, 3 } }][{ {}, { 2, 4, 2 } }][1] = w * 3;
  for _, view in ipairs { row, turned, element, far } do
    luaunit.assertTrue(view:requires_grad())
  end
  row:sum():backward()
  assert_tensor(w.grad, { 2 }, { 3, 3 })

  w.grad = nil
  y = mnemo.zeros(3, 4)
  turned, element, far = y:t(), y[{ 2, 3 }], y[1]
  turned[{ { 2, 3 }, 2 }] = w * w;
  ((element + turned:sum() + far:sum()) * 10):backward()
  assert_tensor(w.grad, { 2 }, { 20, 80 })

  -- A view that repeats elements sums their gradients.
  w.grad = nil
  local narrow = mnemo.zeros(2)
  local wide = narrow:expand(3, 2)
  narrow:copy_(w)
  wide:sum():backward()
  assert_tensor(w.grad, { 2 }, { 3, 3 })
end

function writing.test_into_what_was_computed()
  local w, v = learned { 1, 2, 3 }, learned { 10 }
  local y = w * 4
  y[2] = 0
  y[{ { 3, 3 } }] = v * 2
  y:sum():backward()
  assert_tensor(w.grad, { 3 }, { 4, 0, 0 })
  equals(v.grad:item(), 2)
  -- A part of a clone is set to 0; what was cloned stays.
  w.grad = nil
  local h = w * 1
  local without = h:clone()
  without[{ { 1, 2 } }] = 0;
  (without:sum() + (h * h):sum()):backward()
  assert_tensor(w.grad, { 3 }, { 2, 4, 7 })
  assert_tensor(without, { 3 }, { 0, 0, 3 })
  -- Through a view of it.
  w.grad = nil
  y = (w:reshape(1, 3) * mnemo.ones(2, 1))
  y:t()[1] = w[{ { 1, 2 } }] * 7;
  (y * weights):sum():backward()
  assert_tensor(w.grad, { 3 }, { 7, 5.5, 2 })
end

function writing.test_whole_tensors_begin_anew()
  local w = learned { 1, 2 }
  local buffer = mnemo.zeros(2)
  for step = 1, 3 do
    w.grad = nil
    buffer:copy_(w * step)
    buffer:square():sum():backward()
    assert_tensor(w.grad, { 2 }, { 2 * step * step, 4 * step * step })
  end
  -- A part of a tensor of which the graph was used still belongs to it.
  buffer[1] = 0
  fails("backward: the graph was already used by an earlier backward() or grad(); compute the "
      .. "result again, or call that one with {retain = true}",
    function() buffer:sum():backward() end)
  buffer:fill_(1)
  luaunit.assertFalse(buffer:requires_grad())
  w.grad = nil
  buffer[2] = w[2] * 3
  buffer:sum():backward()
  assert_tensor(w.grad, { 2 }, { 0, 3 })
  -- One that holds constants again can be a leaf.
  buffer:fill_(2)
  buffer:requires_grad(true)
  buffer:square():sum():backward()
  assert_tensor(buffer.grad, { 2 }, { 4, 4 })
end

function writing.test_methods()
  local w = learned { 1, 2 }
  local y = mnemo.ones(2)
  luaunit.assertTrue(y:add_(w) == y)
  y:mul_(w):mul_(y):add_(3)
  -- ((1 + w) w)²  + 3
  assert_tensor(y, { 2 }, { 7, 39 })
  y:sum():backward()
  assert_tensor(w.grad, { 2 }, { 2 * 2 * 3, 2 * 6 * 5 })
  w.grad = nil
  y = mnemo.zeros(3, 2)
  y:copy_(w)
  y[{ { 1, 2 } }]:mul_(w[1] * 3);
  y:sum():backward()
  -- 2 · 3 w₁ (w₁ + w₂) + w₁ + w₂
  assert_tensor(w.grad, { 2 }, { 6 * 2 + 6 * 2 - 12 + 6 * 3 - 6 + 1, 7 })
end

function writing.test_masks_and_rows()
  local w = learned { 1, 2, 3 }
  local y = mnemo.zeros(2, 3)
  y[mnemo.tensor { { 1, 0, 1 }, { 0, 1, 0 } }] = w * 2;
  (y * weights):sum():backward()
  assert_tensor(y, { 2, 3 }, { 2, 0, 4, 0, 6, 0 })
  assert_tensor(w.grad, { 3 }, { 2, 6, 8 })
  w.grad = nil
  y = w * mnemo.ones(3, 1)
  y[mnemo.tensor { 0, 1, 0 }] = 0
  y[int { 3, 3 }] = mnemo.stack({ w * 10, w * 100 }, 1)
  y:sum():backward()
  assert_tensor(w.grad, { 3 }, { 101, 101, 101 })
  w.grad = nil
  y = mnemo.zeros(3, 2)
  y:t()[int { 2 }] = w * 2
  y[{ {}, 2 }][mnemo.tensor { 1, 0, 1 }] = w[3];
  y:sum():backward()
  assert_tensor(w.grad, { 3 }, { 0, 2, 2 })
end

function writing.test_against_differences()
  local mask = mnemo.tensor { { 1, 0, 1 }, { 0, 1, 1 } }
  for name, f in pairs {
    rows = function(x)
      local y = mnemo.zeros(2, 3)
      for i = 1, 2 do y[i] = x[{ { 3 * i - 2, 3 * i } }] * x[7 - i] end
      return weighed(y)
    end,
    parts = function(x)
      local y = x:reshape(2, 3) * 2
      y[{ {}, { 1, 3, 2 } }] = x[{ { 3, 4 } }] * x[1]
      y[{ 2, 1 }] = x[5]
      return weighed(y)
    end,
    mask = function(x)
      local y = x:reshape(2, 3) * 2
      y[mask] = x[{ { 2, 5 } }] * x[1]
      return weighed(y)
    end,
    rows_by_ids = function(x)
      local y = x:reshape(3, 2) * 2
      y[int { 3, 1, 3 }] = x:reshape(3, 2) * x[1]
      return weighed(y)
    end,
    updates = function(x)
      local y = x:reshape(2, 3) * 2
      y[2]:add_(x[1]):mul_(x[{ { 1, 3 } }])
      y:t()[3]:mul_(y:t()[3])
      return weighed(y)
    end,
    own_rows = function(x)
      local y = x:reshape(2, 3) * 1
      y[1] = y[2]
      y[2] = y[1]:clone() * x[1]
      return weighed(y)
    end,
    copies = function(x)
      local y = mnemo.zeros(2, 3)
      y:copy_(x:reshape(2, 3))
      local z = y:clone()
      y:fill_(0)
      return weighed(z) + y:sum()
    end,
    written_from_one_another = function(x)
      local y, z = mnemo.zeros(2, 3), mnemo.zeros(3)
      y[{ 1, 1 }] = x[1] * x[2]
      z:copy_(y[1])
      y[2] = z * 2 + x[3]
      return weighed(y)
    end,
    from_written = function(x)
      local y, z = mnemo.zeros(2, 3), mnemo.zeros(3)
      z[1] = x[1] * x[2]
      y[1] = z
      z[2] = x[3]
      y[2] = z
      return weighed(y)
    end,
  } do
    assert_gradient(name, f, values)
  end
end

--- A generator of numbers from 1 to n, the same for one seed.
local function numbers_from(seed)
  local state = seed * 7919 + 13
  return function(n)
    for _ = 1, 2 do state = (state * 1103515245 + 12345) % 2147483648 end
    return (state >> 8) % n + 1
  end
end

--- Numbers of t, or their sum, to be broadcast to a shape.
local function fitting(t, shape, draw)
  local count = 1
  for _, size in ipairs(shape) do count = count * size end
  if draw(2) == 1 or count > t:numel() then return t:sum() * 0.1 end
  return t:reshape(-1)[{ { 1, count } }]:reshape(shape)
end

--- A loss of x [12] that comes of some writes, by any key and method, through any views.
local function random_loss(seed, x)
  local draw = numbers_from(seed)
  local pool, views = { x:reshape(3, 4) * 1, mnemo.linspace(-1, 1, 12):reshape(3, 4) }, {}
  local function any()
    if #views > 0 and draw(2) == 1 then return views[draw(#views)] end
    return pool[draw(#pool)]
  end
  local function set(t, key) t[key] = fitting(any():clone(), t[key]:shape(), draw) end
  local actions = {
    function(t) views[#views + 1] = t:dim() == 2 and t[draw(#t)] or t end,
    function(t) views[#views + 1] = t:dim() == 2 and t:t() or t end,
    function(t) views[#views + 1] = t[{ { 1, #t, 2 } }] end,
    function(t) pool[#pool + 1] = t:clone() end,
    function(t) pool[#pool + 1] = t * fitting(any(), t:shape(), draw) end,
    function(t) set(t, draw(#t)) end,
    function(t) set(t, { { 1, #t, 2 } }) end,
    function(t) set(t, int { draw(#t), draw(#t) }) end,
    function(t) set(t, mnemo.arange(1, #t):gt(draw(#t) - 1)) end,
    function(t) t:add_(fitting(any():clone(), t:shape(), draw)) end,
    function(t) t:mul_(fitting(any(), t:shape(), draw)) end,
    function(t) t:copy_(fitting(any(), t:shape(), draw)) end,
  }
  for _ = 1, 3 + draw(8) do actions[draw(#actions)](any()) end
  local loss = x:sum()
  for i, t in ipairs(pool) do loss = loss + t:square():mean() * i end
  for i, t in ipairs(views) do loss = loss + (t * t * t):mean() * (0.1 * i) end
  return loss
end

--- Whatever is written where: a gradient is right, or the write or backward is refused.
function writing.test_random_programs()
  local right = 0
  for seed = 1, 1000 do
    local draw, start, direction = numbers_from(-seed), {}, {}
    for i = 1, 12 do start[i], direction[i] = draw(200) / 100 - 1, draw(200) / 100 - 1 end
    local x, along = learned(start), mnemo.tensor(direction)
    local loss
    local ok, message = pcall(function()
      loss = random_loss(seed, x)
      loss:backward()
    end)
    if not ok then
      luaunit.assertTrue(message:find("changed in place", 1, true) ~= nil
        or message:find("the value was computed from the tensor", 1, true) ~= nil, message)
    elseif math.abs(loss:item()) < 100 then
      local function slope(step)
        local ends = {}
        for i, sign in ipairs { 1, -1 } do
          ends[i] = random_loss(seed, x:detach() + along * (step * sign)):item()
        end
        return (ends[1] - ends[2]) / (2 * step)
      end
      local near, far, own = slope(1 / 256), slope(1 / 128), x.grad:dot(along):item()
      local size = math.max(1, math.abs(own), math.abs(near))
      -- Where differences can tell.
      if math.abs(near - far) < 0.005 * size then
        close(own, near, 0.01 * size, "seed " .. seed)
        right = right + 1
      end
    end
  end
  luaunit.assertTrue(right > 300, "only " .. right .. " programs were told")
end

function writing.test_a_detached_source()
  local w = learned { 1, 2 }
  local y = mnemo.zeros(2, 2)
  y[1] = (w * 2):detach()
  luaunit.assertFalse(y:requires_grad())
  mnemo.no_grad(function() y[2] = w * 3 end)
  luaunit.assertFalse(y:requires_grad())
  assert_tensor(y, { 2, 2 }, { 2, 4, 3, 6 })
end

function writing.test_two_backward_passes()
  local w = learned { 1, 2 }
  local y = mnemo.zeros(2, 2)
  y[1] = w
  y:sum():backward()
  fails("backward: the graph was already used by an earlier backward() or grad(); compute the "
      .. "result again, or call that one with {retain = true}",
    function() y:sum():backward() end)
  assert_tensor(w.grad, { 2 }, { 1, 1 })
end

function writing.test_long_loops_end()
  local w = learned { 1 }
  local y, h = mnemo.zeros(3000), mnemo.ones(1)
  for t = 1, 3000 do
    h = h * w
    y[t] = h[1]
  end
  y:sum():backward()
  equals(w.grad:item(), 3000 * 3001 / 2)
  -- Tensors that were written from one another, and let go unused.
  local x = w * 1
  for _ = 1, 30000 do
    local next = mnemo.zeros(2)
    next[1] = x[1]
    x = next
  end
  luaunit.assertTrue(x:requires_grad())
end

-- What would lose a gradient

function refused.test_leaves()
  local message = "t[%s] = v: a tensor that requires gradients is not changed in place; "
    .. "do it inside no_grad"
  local x = learned { 1, 2, 3 }
  fails(message:format "i", function() x[1] = 1 end)
  fails(message:format "i", function() x[{ 1 }] = 1 end)
  fails(message:format "i", function() x[mnemo.ones(3)] = 1 end)
  fails(message:format "i", function() x:reshape(3, 1)[1][1] = 1 end)
  fails(message:format "i", function() x:detach():requires_grad(true)[1] = 1 end)
  local view = x:reshape(3, 1)
  fails(message:format "{…}", function() view[{ {}, 1 }] = 1 end)
  fails(message:format "mask", function() view[mnemo.ones(3, 1)] = 1 end)
  fails(message:format "ids", function() view[int { 1 }] = 1 end)
  -- A view that was taken before.
  local y = mnemo.zeros(2, 2)
  local row = y[1]
  y:requires_grad(true)
  fails(message:format "i", function() row[1] = x[1] end)
  row[1] = 5
  equals(y:get(1, 1), 5)
  y:requires_grad(false)
  row[1] = x[1]
  luaunit.assertTrue(y:requires_grad())
  equals(x:totable(), { 1, 2, 3 })
end

function refused.test_detached_tensors()
  local w = learned { 1, 2 }
  local message = "t[i] = v: a detached tensor shares its elements with another, which would not "
    .. "know of the gradient; write into a clone() of it, or write a detach() of the value"
  local y = mnemo.zeros(2)
  fails(message, function() y:detach()[1] = w[1] end)
  local computed = w * 2
  local view = mnemo.no_grad(function() return computed:reshape(1, 2) end)
  fails(message, function() view[1] = w end)
  -- They do not become part of what others write.
  local cut = y:detach()
  y[1] = w[1]
  luaunit.assertFalse(cut:requires_grad())
  luaunit.assertFalse(cut[1]:requires_grad())
  luaunit.assertFalse(y:detach():requires_grad())
  equals(cut:totable(), { 1, 0 })
end

function refused.test_values_computed_from_the_tensor()
  local w = learned { 2 }
  local message = "t[i] = v: the value was computed from the tensor that it would change; compute "
    .. "it from a clone(), or collect the parts in a list and join them with stack"
  local y = mnemo.ones(4)
  y[1] = w[1]
  fails(message, function() y[2] = y[1] * 2 end)
  fails(message, function() y[{ {} }][2] = ((y + 1) * w)[1] end)
  local fresh = mnemo.ones(4)
  fails(message, function() fresh[2] = fresh[1] * w[1] end)
  luaunit.assertErrorMsgContains("add_: the value was computed from the tensor",
    function() y:add_(y * 2) end)
  -- Through another tensor that it was written into.
  local z = mnemo.ones(4)
  z[1] = (y * 1)[1]
  fails(message, function() y[2] = (z * 2)[1] end)
  assert_tensor(y, { 4 }, { 2, 1, 1, 1 })
  -- Nothing of this matters where nothing is recorded.
  mnemo.no_grad(function() fresh[2] = fresh[1] * w[1] end)
  assert_tensor(fresh, { 4 }, { 1, 2, 1, 1 })
end

function refused.test_results_that_their_operation_needs()
  local w = learned { 1, 2 }
  for _, name in ipairs { "exp", "relu", "sigmoid", "sqrt" } do
    local y = w[name](w)
    local before = y:totable()
    fails("t[i] = v: " .. name .. " needs its result for its gradient; change a clone() of it",
      function() y[1] = 0 end)
    equals(y:totable(), before)
    local copy = y:clone()
    copy[1] = 0
    copy:sum():backward()
    equals(w.grad:get(1), 0)
    w.grad = nil
  end
end

function refused.test_changes_without_record()
  local w = learned { 1, 2 }
  local message = "t[i] = v: the tensor was changed inside no_grad, or through detach(), after its "
    .. "gradient was recorded; write into a clone() of it made before"
  local y = mnemo.zeros(2)
  y[1] = w[1]
  mnemo.no_grad(function() y:mul_(2) end)
  fails(message, function() y[2] = w[2] end)
  fails("backward: the result of t[i] = v, of shape [2], was changed in place",
    function() y:sum():backward() end)
  y = w * 2
  y:detach()[1] = 5
  fails("t[i] = v: the result of mul, of shape [2], was changed inside no_grad, or through "
    .. "detach(); write into a clone() of it made before", function() y[2] = w[2] end)
  luaunit.assertNil(w.grad)
end

function refused.test_uses_before_the_write()
  local w = learned { 1, 2 }
  local y = mnemo.zeros(2)
  local used = y * w
  y[1] = w[1]
  fails("backward: an input of mul, of shape [2], was changed in place after its use",
    function() used:sum():backward() end)
  y = w * 2
  used = y:sum()
  y[1] = 0
  fails("backward: an input of sum, of shape [2], was changed in place after its use",
    function() (used + y:sum()):backward() end)
  -- A source that is changed after it was written.
  y = mnemo.zeros(2, 2)
  local source = w * 3
  y[1] = source
  source[1] = 0
  fails("backward: an input of t[i] = v, of shape [2], was changed in place after its use",
    function() y:sum():backward() end)
  luaunit.assertNil(w.grad)
end

function refused.test_numbers_of_a_file()
  local path = os.tmpname() .. ".safetensors"
  mnemo.safetensors.save(path, { t = mnemo.zeros(2, 2) })
  local t = mnemo.safetensors.open(path).t
  os.remove(path)
  fails("t[i] = v: a tensor read from a file records no gradient; write into a clone() of it",
    function() t[1] = learned { 1, 2 } end)
  fails("t[i] = v: a tensor of float16, here of shape [2], is only read; use x:float(), a copy in "
    .. "float32", function() mnemo.ones(2):half()[1] = 1 end)
end

-- Copies

function copies.test_clone_records()
  local w = learned { 1, 2 }
  local copy = w:clone()
  luaunit.assertTrue(copy:requires_grad())
  luaunit.assertFalse(w:detach():clone():requires_grad())
  luaunit.assertFalse(mnemo.no_grad(function() return w:clone() end):requires_grad())
  luaunit.assertFalse(mnemo.ones(2):clone():requires_grad());
  (copy * copy):sum():backward()
  assert_tensor(w.grad, { 2 }, { 2, 4 })
  luaunit.assertFalse(ids == ids:clone())
end

os.exit(luaunit.LuaUnit.new():runSuiteByInstances {
  { "ranges", ranges }, { "masks", masks }, { "rows", rows }, { "scattering", scattering },
  { "writing", writing }, { "refused", refused }, { "copies", copies },
})
