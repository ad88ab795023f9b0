--- mnemo.nn and mnemo.init: layers, losses and first values, against PyTorch's.
local luaunit = require "luaunit"
local mnemo = require "mnemo"

local equals, close = luaunit.assertEquals, luaunit.assertAlmostEquals

local attention, layers, losses, init = {}, {}, {}, {}

--- Asserts shape and elements of a tensor, up to 2e-6 of the largest.
local function assert_tensor(tensor, shape, elements)
  equals(tensor:shape(), shape)
  local flat, largest = tensor:reshape(-1):totable(), 1
  equals(#flat, #elements)
  for _, element in ipairs(elements) do largest = math.max(largest, math.abs(element)) end
  for i, element in ipairs(elements) do close(flat[i], element, 2e-6 * largest, "element " .. i) end
end

--- Asserts that a call fails with exactly this message, the script's position aside.
local function fails(message, fn, ...)
  local ok, found = pcall(fn, ...)
  luaunit.assertFalse(ok, message)
  equals((tostring(found):gsub("^[^\n]-%.lua:%d+: ", "")), message)
end

--- The numbers sin(k), sin(2k), … in a shape, as PyTorch was given them.
local function wave(k, ...)
  local numbers, count = {}, 1
  for _, size in ipairs { ... } do count = count * size end
  for i = 1, count do numbers[i] = math.sin(k * i) end
  return mnemo.tensor(numbers):reshape(...)
end

-- Attention

-- torch.nn.functional.scaled_dot_product_attention in double precision, torch 2.15: output, and
-- the gradients of the sum of output times wave(5). B 2, H 2, E 1, F 2, three keys.
local recorded = {
  causal = {
    count = 3, options = { causal = true },
    output = {
      0.14112001, -0.2794155, 0.41211849, -0.53657292, 0.37440048, -0.49547094, 0.50151287,
      -0.61427404, 0.73908193, -0.81027975, 0.73054772, -0.79284407, 0.96379539, -0.91652155,
      0.85090352, -0.76825466, 0.86753793, -0.7992246, 0.70895951, -0.60964131, 0.55639934,
      -0.4433026, 0.31528953, -0.1969586,
    },
    queries = {
      0, 0, -0.11760766, -0.13257227, -0.12472794, -0.047017296, 0, 0, -0.14258579,
      -0.14004302, 0.0076366453, 0.053880583,
    },
    keys = {
      0.062237784, -0.083738372, 0.047453753, 0.062274576, -0.10969154, 0.021463796,
      0.005997099, -0.095566379, 0.097546368, 0.058456466, -0.10354347, 0.037109914,
    },
    values = {
      -0.92630701, -1.1115461, -0.079144219, 1.3818251, 0.26554232, -0.55325416, -0.330454,
      0.083636275, 0.42039219, -0.12962732, -0.36805178, -0.11221356, 0.60549143, 1.3700596,
      0.38563956, -1.1279728, -0.64545825, 0.26634073, 0.40395096, -0.068838169, -0.27981541,
      -0.012755624, 0.45132489, 0.27716785,
    },
  },
  everything = {
    count = 2, options = {  },
    output = {
      0.39816519, -0.50925587, 0.80501854, -0.86851462, 0.55260976, -0.64630013, 0.70115386,
      -0.7654891, 0.55613804, -0.4433075, 0.35350224, -0.23577841, 0.68807183, -0.60327084,
      0.46015349, -0.3380322,
    },
    queries = {
      0.099734598, -0.01539123, -0.16067559, -0.061953293, -0.0035228556, -0.09885074,
      -0.010390008, 0.0060178263,
    },
    keys = {
      0.045142992, -0.099330644, -0.016469481, 0.0072189724, -0.028673511, 0.092111672,
      -0.055803827, 0.088862742, -0.070506859, -0.011720542, 0.12631069, -0.077142199,
    },
    values = {
      -0.62667216, -0.6987213, -0.11121948, 0.48091737, -0.25424966, -0.43443536, 0.39317234,
      0.72190456, -0.2103542, -0.39889607, -0.059847693, 0.45523648, 0.54547213, 0.39184874,
      -0.42474194, -0.31103811, 0.65011112, -0.022099465, -0.50994609, -0.75106266, 0.48214896,
      0.14176655, -0.45284878, -0.23659851,
    },
  },
  scaled = {
    count = 2, options = { scale = 0.3 },
    output = {
      0.52821577, -0.6247059, 0.76825499, -0.83001689, 0.57373092, -0.66497849, 0.73404507,
      -0.79619709, 0.57563337, -0.47047413, 0.38020699, -0.26258545, 0.62305035, -0.52743707,
      0.42269439, -0.30431539,
    },
    queries = {
      0.031679249, -0.0055718216, -0.046858068, -0.023063331, 0.024107484, -0.027012871,
      -0.0032155049, 0.015636946,
    },
    keys = {
      0.014279047, -0.02596858, -0.0026735852, 0.0043703767, -0.011605462, 0.021598203,
      -0.033812746, 0.035826804, -0.011540537, 0.00048887624, 0.045353283, -0.036315681,
    },
    values = {
      -0.43980337, -0.56527295, 0.013906311, 0.53258626, -0.3354087, -0.49054971, 0.17536886,
      0.59134165, -0.31606395, -0.47623008, 0.032830003, 0.5341305, 0.54033154, 0.2399417,
      -0.45698018, -0.40787603, 0.58433154, 0.10825179, -0.47553307, -0.5285277, 0.55306912,
      0.16332234, -0.45502355, -0.36229554,
    },
  },
  masked = {
    count = 2, options = { mask = mnemo.tensor { { 1, 0, 1 }, { 0, 1, 1 } } },
    output = {
      0.32652718, -0.44057043, 0.73534425, -0.78688926, 0.8004748, -0.86729682, 0.96079432,
      -0.97112451, 0.38812688, -0.27324883, 0.32649592, -0.21322519, 0.35868165, -0.22904925,
      0.35795638, -0.22551143,
    },
    queries = {
      0.10118663, -0.0018175081, -0.0128088, 0.03729138, 0.18246822, -0.10022801,
      -0.00068157339, 0.075657857,
    },
    keys = {
      0.058587025, 0.0075042394, -0.0068312154, -0.018495074, -0.05175581, 0.010990834,
      -0.17506797, 0.045339795, 0.00060337273, 0.041161261, 0.1744646, -0.086501057,
    },
    values = {
      -0.74084375, -0.42029872, 0.29269656, 0.41091948, -0.067411273, -0.5032383, -0.1025961,
      0.17853525, -0.283021, -0.60851572, 0.032004702, 1.0686037, 0.23586843, -0.072729685,
      -0.45684791, -0.1392862, 0.31457969, 0.29443862, -0.33273527, -0.8528042, 1.1272841,
      0.28980689, -0.59795363, -0.30660887,
    },
  },
}

for name, case in pairs(recorded) do
  attention["test_of_pytorch_" .. name] = function()
    local q = wave(1, 2, case.count, 2):requires_grad(true)
    local k, v = wave(2, 2, 3, 2):requires_grad(true), wave(3, 2, 3, 4):requires_grad(true)
    local options = { queries = q, keys = k, values = v, heads = 2 }
    for option, value in pairs(case.options) do options[option] = value end
    local output = mnemo.nn.attention(options)
    assert_tensor(output, { 2, case.count, 4 }, case.output)
    ;(output * wave(5, 2, case.count, 4)):sum():backward()
    assert_tensor(q.grad, { 2, case.count, 2 }, case.queries)
    assert_tensor(k.grad, { 2, 3, 2 }, case.keys)
    assert_tensor(v.grad, { 2, 3, 4 }, case.values)
  end
end

-- Without the batch's dimension, one sequence gives what it gives in a batch of one.
function attention.test_of_one_sequence()
  local q, k, v = wave(1, 3, 4), wave(2, 3, 4), wave(3, 3, 2)
  local function run(options)
    local one, batch = { queries = q, keys = k, values = v }, {}
    for name, tensor in pairs(one) do batch[name] = tensor:reshape(1, 3, -1) end
    for name, value in pairs(options) do one[name], batch[name] = value, value end
    local output = mnemo.nn.attention(one)
    equals(output:shape(), { 3, 2 })
    equals(output:totable(), mnemo.nn.attention(batch)[1]:totable())
  end
  run {}
  run { causal = true, heads = 2 }
  run { mask = mnemo.ones(3, 3) }
end

function attention.test_a_query_that_sees_nothing_gets_zeros()
  local x = wave(1, 1, 2, 2):requires_grad(true)
  local output = mnemo.nn.attention {
    queries = x, keys = x, values = x, mask = mnemo.tensor { { 0, 0 }, { 0, 1 } },
  }
  equals(output[1][1]:totable(), { 0, 0 })
  equals(output[1][2]:totable(), x[1][2]:totable())
  output:sum():backward()
  equals(x.grad:totable(), { { { 0, 0 }, { 1, 1 } } })
  equals(mnemo.nn.attention {
    queries = x, keys = mnemo.zeros(1, 0, 2), values = mnemo.zeros(1, 0, 1),
  }:totable(), { { { 0 }, { 0 } } })
end

-- The mask of a causal attention takes away what causality leaves.
function attention.test_causal_with_a_mask()
  local x, mask = wave(1, 2, 3, 4), mnemo.tensor { { 1, 1, 1 }, { 0, 1, 1 }, { 1, 0, 1 } }
  local both = mnemo.nn.attention {
    queries = x, keys = x, values = x, causal = true, mask = mask,
  }
  local lower = mnemo.tensor { { 1, 0, 0 }, { 0, 1, 0 }, { 1, 0, 1 } }
  equals(both:totable(),
    mnemo.nn.attention { queries = x, keys = x, values = x, mask = lower }:totable())
end

function attention.test_reads_views_and_numbers_of_16_bits()
  local q = wave(1, 4, 3, 2):transpose(1, 2) -- [3, 4, 2]
  local k, v = wave(2, 3, 4, 2):half(), wave(3, 1, 4, 2):expand(3, 4, 2)
  local function run(mask)
    local views = mnemo.nn.attention { queries = q, keys = k, values = v, mask = mask }
    local plain = mnemo.nn.attention {
      queries = q:clone(), keys = k:float(), values = v:clone(), mask = mask,
    }
    equals(views:totable(), plain:totable())
  end
  run()
  run(mnemo.eye(4))
end

function attention.test_errors()
  local x = mnemo.ones(2, 3, 4)
  local function refuses(message, options)
    fails(message, mnemo.nn.attention, options)
  end
  refuses("nn.attention: missing option 'values' (Tensor expected)", { queries = x, keys = x })
  refuses("nn.attention: unknown option 'head'; did you mean 'heads'?",
    { queries = x, keys = x, values = x, head = 2 })
  refuses("bad option 'causal' to 'nn.attention' (boolean expected, got number)",
    { queries = x, keys = x, values = x, causal = 1 })
  refuses("attention: 3 heads do not divide widths 4 and 4",
    { queries = x, keys = x, values = x, heads = 3 })
  refuses("attention: a mask of shape [3, 3] or [2, 3, 3] expected, got [3]",
    { queries = x, keys = x, values = x, mask = mnemo.ones(3) })
  refuses("attention: causal attention needs as many queries as keys, got 2 and 3; a mask says "
    .. "which keys each query sees",
    { queries = x:narrow(2, 1, 2), keys = x, values = x, causal = true })
  refuses("attention: queries [2, 3, 4], keys [2, 3, 4] and values [2, 2, 4] do not fit: "
    .. "[B, Tq, H·E], [B, Tk, H·E] and [B, Tk, H·F] expected, or all three without B",
    { queries = x, keys = x, values = x:narrow(2, 1, 2) })
end

-- Layers

local x_values = { { 0.5, -1.2, 2.0 }, { 0.1, 0.3, -0.4 } }
local weight = { { 1, 2, -0.5 }, { 0.3, -0.1, 0.2 } }

--- A tensor of numbers that requires gradients.
local function trained(numbers) return mnemo.tensor(numbers):requires_grad(true) end

function layers.test_linear()
  local x, w, b = trained(x_values), trained(weight), trained { 0.5, -1 }
  local y = mnemo.nn.linear(x, w, b)
  assert_tensor(y, { 2, 2 }, { -2.4, -0.33, 1.4, -1.08 })
  ;(y * wave(5, 2, 2)):sum():backward()
  assert_tensor(x.grad, { 2, 3 },
    { -1.1221306, -1.8634464, 0.37065792, 0.92417142, 1.2092812, -0.14255487 })
  assert_tensor(w.grad, { 2, 3 },
    { -0.41443335, 1.3457955, -2.1779637, -0.18071603, 0.92670891, -1.4532203 })
  assert_tensor(b.grad, { 2 }, { -0.30863643, 0.36892414 })
  assert_tensor(mnemo.nn.linear(x[1], w), { 2 }, { -2.9, 0.67 })
  fails("linear: x [..., in] and weight [out, in] do not fit, got [2, 3] and [3, 2]",
    mnemo.nn.linear, x, w:t())
  fails("bad argument #3 to 'nn.linear' (Tensor expected, got number)", mnemo.nn.linear, x, w, 1)
end

function layers.test_embedding()
  local t = trained { { 1, 2 }, { 3, 4 }, { 5, 6 } }
  local rows = mnemo.nn.embedding(mnemo.int_tensor { 3, 1, 3 }, t)
  assert_tensor(rows, { 3, 2 }, { 5, 6, 1, 2, 5, 6 })
  ;(rows * wave(5, 3, 2)):sum():backward()
  assert_tensor(t.grad, { 3, 2 }, { 0.65028784, 0.91294525, 0, 0, -1.091276, -1.5320527 })
  equals(mnemo.nn.embedding({ { 1, 2 }, { 2, 2 } }, t):shape(), { 2, 2, 2 })
  fails("index: row 4 is outside 1…3", mnemo.nn.embedding, { 4 }, t)
  fails("bad argument #2 to 'nn.embedding' (Tensor expected, got table)",
    mnemo.nn.embedding, { 1 }, { 1 })
end

function layers.test_rms_norm()
  local x, w = trained(x_values), trained { 1, 2, -0.5 }
  local y = mnemo.nn.rms_norm(x, w)
  assert_tensor(y, { 2, 3 },
    { 0.36305672, -1.7426723, -0.72611345, 0.33968288, 2.0380973, 0.67936575 })
  ;(y * wave(5, 2, 3)):sum():backward()
  assert_tensor(x.grad, { 2, 3 },
    { -0.70751135, -0.7631056, -0.28098552, 3.3437602, -0.17122802, 0.7075212 })
  assert_tensor(w.grad, { 3 }, { -0.038032037, 0.33915238, 2.2868352 })
  assert_tensor(mnemo.nn.rms_norm(mnemo.tensor { 1, 1 }, nil, 3), { 2 }, { 0.5, 0.5 })
  fails("rms_norm: rows of 3 elements need a weight of shape [3], got [2]",
    mnemo.nn.rms_norm, x, mnemo.ones(2))
  fails("rms_norm: eps must not be negative, got -1.0", mnemo.nn.rms_norm, x, w, -1)
end

function layers.test_dropout()
  local x = trained { 1, 2, 3, 4, 5, 6, 7, 8 }
  mnemo.seed(4)
  local first, second = mnemo.nn.dropout(x, 0.75), mnemo.nn.dropout(x, 0.75)
  mnemo.seed(4)
  equals(mnemo.nn.dropout(x, 0.75):totable(), first:totable())
  equals(mnemo.nn.dropout(x, 0.75):totable(), second:totable())
  luaunit.assertNotEquals(first:totable(), second:totable())
  local y = mnemo.nn.dropout(x, 0.5, { seed = 1 })
  equals(y:totable(), mnemo.nn.dropout(x, 0.5, { seed = 1 }):totable())
  y:sum():backward()
  equals((x.grad * x):totable(), y:totable())
  for _, factor in ipairs(x.grad:totable()) do
    luaunit.assertTrue(factor == 0 or factor == 2, factor)
  end
  equals(mnemo.nn.dropout(x, 0):totable(), x:totable())
  for _, p in ipairs { 1, -0.1, 1.5, 0 / 0 } do
    fails(("bad argument #2 to 'nn.dropout' (a probability of at least 0 and below 1 expected, got "
      .. "%s)"):format(p ~= p and tostring(p) or p + 0.0), mnemo.nn.dropout, x, p)
  end
  fails("nn.dropout: unknown option 'sed'; did you mean 'seed'?",
    mnemo.nn.dropout, x, 0.5, { sed = 1 })
end

-- Losses

local reductions = { "mean", "sum", "none" }

--- Checks a loss of an input and a target against PyTorch's losses of elements, and the gradients
-- of their sum; nil where there are none to be checked.
local function check_loss(loss, x, target, expected, for_x, for_target)
  local total = 0
  for _, one in ipairs(expected) do total = total + one end
  for _, reduction in ipairs(reductions) do
    local input, goal = trained(x), trained(target)
    local value = loss(input, goal, { reduction = reduction })
    if reduction == "none" then
      assert_tensor(value, input:shape(), expected)
    else
      assert_tensor(value, {}, { reduction == "sum" and total or total / #expected })
    end
    value:sum():backward()
    local scale = reduction == "mean" and #expected or 1
    assert_tensor(input.grad * scale, input:shape(), for_x)
    if for_target then assert_tensor(goal.grad * scale, input:shape(), for_target) end
  end
  equals(loss(trained(x), trained(target)):item(),
    loss(trained(x), trained(target), { reduction = "mean" }):item())
end

function losses.test_mse_loss()
  check_loss(mnemo.nn.mse_loss, x_values, { { 1, 0, 1.5 }, { 0.2, -0.3, 0.4 } },
    { 0.25, 1.44, 0.25, 0.01, 0.36, 0.64 }, { -1, -2.4, 1, -0.2, 1.2, -1.6 },
    { 1, 2.4, -1, 0.2, -1.2, 1.6 })
  fails("mse_loss: the input has shape [2], the target [1, 2]; they must be equal",
    mnemo.nn.mse_loss, mnemo.ones(2), mnemo.ones(1, 2))
  fails("bad argument #2 to 'nn.mse_loss' (Tensor expected, got number)",
    mnemo.nn.mse_loss, mnemo.ones(2), 1)
end

function losses.test_kl_div()
  local function of_logits(x, target, options)
    return mnemo.nn.kl_div(x:log_softmax(2), target, options)
  end
  local target = { { 0.7, 0.3, 0 }, { 0.2, 0.5, 0.3 } }
  check_loss(of_logits, x_values, target,
    { 0.96426484, 0.669067, 0, -0.11397834, 0.073199512, 0.10067202 },
    { -0.52345794, -0.26774867, 0.79120662, 0.15361511, -0.068093524, -0.085521591 })
  local x = trained(x_values)
  local loss = of_logits(x, mnemo.tensor(target), { reduction = "batchmean" })
  close(loss:item(), 0.84661251, 1e-6)
  loss:backward()
  assert_tensor(x.grad, { 2, 3 },
    { -0.26172897, -0.13387434, 0.39560331, 0.076807557, -0.034046762, -0.042760796 })
  -- What has no probability costs nothing, however impossible the model finds it.
  local impossible = mnemo.tensor { { 0, -1 / 0 } }
  equals(mnemo.nn.kl_div(impossible, mnemo.tensor { { 1, 0 } }):item(), 0)
  equals(mnemo.nn.kl_div(impossible, mnemo.tensor { { 0.5, 0.5 } }):item(), 1 / 0)
  luaunit.assertNaN(mnemo.nn.kl_div(mnemo.zeros(1), mnemo.tensor { -0.5 }):item())
  fails("bad argument #1 to 'nn.kl_div' (\"batchmean\" needs a first dimension, got shape [])",
    mnemo.nn.kl_div, mnemo.tensor(0), mnemo.tensor(1), { reduction = "batchmean" })
  fails("bad option 'reduction' to 'nn.kl_div' (\"mean\", \"sum\", \"none\" or \"batchmean\" "
    .. 'expected, got "avg")', mnemo.nn.kl_div, x, x, { reduction = "avg" })
end

function losses.test_binary_cross_entropy()
  check_loss(mnemo.nn.binary_cross_entropy, { { 0.9, 0.2, 0.5 }, { 1, 0, 0.35 } },
    { { 1, 0, 0.25 }, { 1, 1, 0.5 } },
    { 0.10536052, 0.22314355, 0.69314718, 0, 100, 0.74030252 },
    { -1.1111111, 1.25, 1, 0, -1e12, -0.65934066 })
  fails("binary_cross_entropy: probabilities lie in 0…1, got 1.5; logits are for "
    .. "binary_cross_entropy_with_logits",
    mnemo.nn.binary_cross_entropy, mnemo.tensor { 0.5, 1.5 }, mnemo.ones(2))
end

function losses.test_binary_cross_entropy_with_logits()
  check_loss(mnemo.nn.binary_cross_entropy_with_logits,
    { { 0.5, -120, 200 }, { 0, 30, -0.4 } }, { { 1, 0, 1 }, { 1, 0, 0.25 } },
    { 0.47407698, 0, 0, 0.69314718, 30, 0.61301525 },
    { -0.37754067, 0, 0, -0.5, 1, 0.15131234 }, { -0.5, 120, -200, 0, -30, 0.4 })
end

function losses.test_nll_loss()
  for _, targets in ipairs { mnemo.int_tensor { 3, 1 }, { 3, 1 } } do
    for i, expected in ipairs { { 0.63687117 }, { 1.2737423 }, { 0.23419614, 1.0395462 } } do
      local x = trained(x_values)
      local loss = mnemo.nn.nll_loss(x:log_softmax(2), targets, { reduction = reductions[i] })
      assert_tensor(loss, #expected == 1 and {} or { 2 }, expected)
      loss:sum():backward()
      assert_tensor(x.grad * (i == 1 and 2 or 1), { 2, 3 },
        { 0.17654206, 0.032251325, -0.20879338, -0.64638489, 0.43190648, 0.21447841 })
    end
  end
  fails("nll_loss: log-probabilities of shape [2, 3] need targets of shape [2], got [3]",
    mnemo.nn.nll_loss, mnemo.zeros(2, 3), { 1, 2, 3 })
  fails("nll_loss: target 0 is outside 1…3", mnemo.nn.nll_loss, mnemo.zeros(1, 3), { 0 })
end

function losses.test_cross_entropy()
  local plain = { 0.17654206, 0.032251325, -0.20879338, -0.64638489, 0.43190648, 0.21447841 }
  local smooth = { 0.14320873, -0.0010820079, -0.14212672, -0.57971822, 0.39857314, 0.18114508 }
  for _, case in ipairs {
    { "mean", 0, { 0.63687117 }, plain }, { "mean", 0.1, { 0.7202045 }, smooth },
    { "sum", 0, { 1.2737423 }, plain }, { "sum", 0.1, { 1.440409 }, smooth },
    { "none", 0, { 0.23419614, 1.0395462 }, plain },
    { "none", 0.1, { 0.3908628, 1.0495462 }, smooth },
  } do
    local reduction, smoothing, expected, gradient = table.unpack(case)
    local x = trained(x_values)
    local loss = x:cross_entropy({ 3, 1 }, { reduction = reduction, label_smoothing = smoothing })
    assert_tensor(loss, reduction == "none" and { 2 } or {}, expected)
    loss:sum():backward()
    assert_tensor(x.grad * (reduction == "mean" and 2 or 1), { 2, 3 }, gradient)
  end
  local x = mnemo.tensor(x_values)
  local mask = mnemo.tensor { 1, 0 }
  equals(x:cross_entropy({ 3, 1 }, { mask = mask, reduction = "none" }):totable()[2], 0)
  close(x:cross_entropy({ 3, 1 }, { mask = mask, label_smoothing = 0.1 }):item(), 0.3908628, 1e-6)
  fails("cross_entropy: label smoothing lies in 0…1, got 2.0",
    x.cross_entropy, x, { 3, 1 }, { label_smoothing = 2 })
  fails('bad option \'reduction\' to \'cross_entropy\' ("mean", "sum" or "none" expected, got '
    .. '"batchmean")', x.cross_entropy, x, { 3, 1 }, { reduction = "batchmean" })
  fails("bad argument #3 to 'cross_entropy' (table expected, got Tensor)",
    x.cross_entropy, x, { 3, 1 }, mask)
end

-- First values

--- Returns mean, standard deviation and largest absolute value of many numbers.
local function statistics(t)
  return t:mean():item(), t:std():item(), t:abs():max():item()
end

function init.test_constants()
  local x = mnemo.randn(2, 3)
  equals(mnemo.init.zeros(x), x)
  equals(x:totable(), { { 0, 0, 0 }, { 0, 0, 0 } })
  mnemo.init.ones(x:t()[2])
  equals(x:totable(), { { 0, 1, 0 }, { 0, 1, 0 } })
end

-- fan_in 60 and fan_out 90, as torch.nn.init counts them for [30, 20, 3].
function init.test_deviations()
  local large = mnemo.zeros(30 * 100, 20 * 100, 1)
  for _, case in ipairs {
    { "xavier_uniform", {}, math.sqrt(6 / 5000), true },
    { "xavier_uniform", { gain = 2 }, 2 * math.sqrt(6 / 5000), true },
    { "xavier_normal", {}, math.sqrt(2 / 5000) },
    { "kaiming_uniform", {}, math.sqrt(6 / 2000), true },
    { "kaiming_uniform", { mode = "fan_out", gain = 1 }, math.sqrt(3 / 3000), true },
    { "kaiming_normal", {}, math.sqrt(2 / 2000) },
    { "kaiming_normal", { mode = "fan_out" }, math.sqrt(2 / 3000) },
    { "normal", { mean = 3, std = 0.5 }, 0.5, false, 3 },
    { "uniform", { low = -0.25, high = 0.25 }, 0.25, true },
  } do
    local name, options, size, is_uniform, center = table.unpack(case, 1, 5)
    options.seed = 1
    local mean, deviation, largest = statistics(mnemo.init[name](large, options))
    local expected = is_uniform and size / math.sqrt(3) or size
    -- Of six million numbers: four standard errors.
    close(mean, center or 0, 4 * expected / math.sqrt(6e6), name)
    close(deviation, expected, 4 * expected / math.sqrt(12e6), name)
    if is_uniform then
      luaunit.assertTrue(largest <= size * (1 + 1e-6) and largest > size * 0.999, name)
    end
  end
end

function init.test_further_dimensions_multiply_both_fans()
  local x = mnemo.init.xavier_uniform(mnemo.zeros(30, 20, 3), { seed = 2 })
  local _, _, largest = statistics(x)
  luaunit.assertTrue(largest <= 0.2 and largest > 0.199, largest)
  local _, _, most = statistics(mnemo.init.kaiming_uniform(x, { gain = 1, seed = 2 }))
  luaunit.assertTrue(most <= math.sqrt(3 / 60) and most > 0.995 * math.sqrt(3 / 60), most)
end

function init.test_orthogonal()
  for _, shape in ipairs { { 3, 5 }, { 5, 3 }, { 4, 4 }, { 2, 2, 3 } } do
    local x = mnemo.init.orthogonal(mnemo.zeros(shape), { gain = 2, seed = 3 })
    equals(x:shape(), shape)
    local rows = x:reshape(shape[1], -1)
    if rows:size(1) > rows:size(2) then rows = rows:t() end
    assert_tensor(rows:matmul(rows:t()), { rows:size(1), rows:size(1) },
      (mnemo.eye(rows:size(1)) * 4):reshape(-1):totable())
  end
  equals(mnemo.init.orthogonal(mnemo.zeros(0, 3)):shape(), { 0, 3 })
end

function init.test_follows_the_seed()
  local names = {
    "normal", "uniform", "xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal",
    "orthogonal",
  }
  for _, name in ipairs(names) do
    local function draw(options) return mnemo.init[name](mnemo.zeros(4, 3), options):totable() end
    mnemo.seed(5)
    local first, second = draw(), draw()
    luaunit.assertNotEquals(first, second, name)
    mnemo.seed(5)
    equals(draw(), first, name)
    equals(draw(), second, name)
    equals(draw { seed = 1 }, draw { seed = 1 }, name)
  end
  equals(mnemo.init.normal(mnemo.zeros(2, 3), { seed = 6 }):totable(),
    mnemo.randn(2, 3, { seed = 6 }):totable())
end

-- Parameters that are trained get their values outside the graph, and keep their flag.
function init.test_of_parameters()
  local w = mnemo.zeros(2, 2):requires_grad(true)
  equals(mnemo.init.xavier_normal(w, { seed = 1 }), w)
  luaunit.assertTrue(w:requires_grad())
  w:sum():backward()
  equals(w.grad:totable(), { { 1, 1 }, { 1, 1 } })
end

function init.test_errors()
  local w = mnemo.zeros(2, 3)
  for _, name in ipairs { "xavier_uniform", "kaiming_normal", "orthogonal" } do
    fails("init: needs a weight [out, in] of at least 2 dimensions, got [3]",
      mnemo.init[name], mnemo.zeros(3))
    fails(("bad option 'gain' to 'init.%s' (0 or more expected, got -1.0)"):format(name),
      mnemo.init[name], w, { gain = -1 })
  end
  fails('bad option \'mode\' to \'init.kaiming_uniform\' ("fan_in" or "fan_out" expected, got '
    .. '"fan")', mnemo.init.kaiming_uniform, w, { mode = "fan" })
  fails("bad option 'std' to 'init.normal' (0 or more expected, got -1.0)",
    mnemo.init.normal, w, { std = -1 })
  fails("bad option 'low' to 'init.uniform' (1.0, the option 'high', or less expected, got 2.0)",
    mnemo.init.uniform, w, { low = 2 })
  fails("bad argument #1 to 'init.zeros' (Tensor expected, got table)", mnemo.init.zeros, {})
  fails("copy_: this view repeats its elements (expand); change a clone() of it",
    mnemo.init.ones, mnemo.zeros(1, 3):expand(2, 3))
end

os.exit(luaunit.LuaUnit.new():runSuiteByInstances {
  { "attention", attention }, { "layers", layers }, { "losses", losses }, { "init", init },
})
