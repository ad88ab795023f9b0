--- What tensor operations cost at sizes that no cache holds, beside what the machine can do.
--
-- Operations that touch each element a few times are held against the memory's bandwidth, measured
-- by copying as many numbers; products against the multiply-add limit. `operations.py` times the
-- same in PyTorch, by the same names.
--
-- usage: mnemo bench/operations.lua [--help]
local mnemo = require "mnemo"
local measure = dofile((arg[0]:match(".*/") or "") .. "measure.lua")

local options = require "mnemo.arguments" {
  about = "What tensor operations cost, one line of JSON for each.",
  { "only", type = "string", nil, "only operations whose name contains this text" },
  { "count", 4194304, "elements, a multiple of 4096", min = 4096 },
  { "threads", 1, "threads", min = 1 },
  { "seconds", 0.3, "time for each line" },
}
mnemo.threads(options.threads)

local n = options.count // 1024
local x, y = mnemo.randn(n, 1024, { seed = 1 }), mnemo.randn(n, 1024, { seed = 2 })
local positive = mnemo.rand(n, 1024, { seed = 3 }) + 0.1
local mask = x:gt(0)
local rows = mnemo.randint(1, n, n, { seed = 4 })
local places = mnemo.randint(1, 1024, n, 1, { seed = 5 })
local square = mnemo.randn(1024, 1024, { seed = 6 })
local heads = mnemo.randn(32, 256, 128, { seed = 7 })
local flat, narrow = x:reshape(-1), x:reshape(-1, 64)

-- A name, how many numbers are read and written for each element, and the operation.
local elementwise = {
  { "x + y", 3, function() return x + y end },
  { "x * 2", 2, function() return x * 2 end },
  { "x / p", 3, function() return x / positive end },
  { "p ^ 1.5", 2, function() return positive ^ 1.5 end },
  { "x ^ 2", 2, function() return x ^ 2 end },
  { "x % 0.75", 2, function() return x % 0.75 end },
  { "minimum", 3, function() return x:minimum(y) end },
  { "x:lt(y)", 3, function() return x:lt(y) end },
  { "clamp", 2, function() return x:clamp(-1, 1) end },
  { "where", 4, function() return mnemo.where(mask, x, y) end },
  { "rand", 1, function() return mnemo.rand(n, 1024, { seed = 1 }) end },
  { "randn", 1, function() return mnemo.randn(n, 1024, { seed = 1 }) end },
  { "sum", 1, function() return x:sum() end },
  { "sum along 1", 1, function() return x:sum(1) end },
  { "sum along 2", 1, function() return x:sum(2) end },
  { "max along 2", 1, function() return x:max(2) end },
  { "argmax along 2", 1, function() return x:argmax(2) end },
  { "var along 2", 1, function() return x:var(2) end },
  { "cumsum along 2", 2, function() return x:cumsum(2) end },
  { "softmax along 1", 2, function() return x:softmax(1) end },
  { "softmax along 2", 2, function() return x:softmax(2) end },
  { "softmax, rows of 64", 2, function() return narrow:softmax(2) end },
  { "log_softmax along 1", 2, function() return x:log_softmax(1) end },
  { "log_softmax along 2", 2, function() return x:log_softmax(2) end },
  { "logsumexp along 1", 1, function() return x:logsumexp(1) end },
  { "logsumexp along 2", 1, function() return x:logsumexp(2) end },
  { "logsumexp, rows of 64", 1, function() return narrow:logsumexp(2) end },
  { "logsumexp", 1, function() return flat:logsumexp() end },
  { "layer_norm", 2, function() return x:layer_norm() end },
  { "topk 10 along 1", 1, function() return x:topk(10, 1) end },
  { "topk 10 along 2", 1, function() return x:topk(10, 2) end },
  { "topk 10", 1, function() return flat:topk(10) end },
  { "sort", 2, function() return x:sort(2) end },
  { "median", 1, function() return x:median(2) end },
  { "transpose, copied", 2, function() return x:t():contiguous() end },
  { "cat", 4, function() return mnemo.cat { x, y } end },
  { "rows by ids", 2, function() return x[rows] end },
  { "gather", 0, function() return x:gather(2, places) end },
  { "index_add", 4, function() return x:index_add(1, rows, y) end },
  { "masked_select", 2, function() return x:masked_select(mask) end },
  { "masked_fill", 3, function() return x:masked_fill(mask, 0) end },
  { "tril", 2, function() return square:tril() end, square:numel() },
}
for _, name in ipairs {
  "exp", "expm1", "sin", "cos", "erf", "tanh", "sigmoid", "relu", "gelu", "silu", "softplus",
  "floor", "round", "sign",
} do
  table.insert(elementwise, { name, 2, function() return x[name](x) end })
end
for _, name in ipairs { "log", "log1p", "log2", "log10", "sqrt", "rsqrt", "reciprocal" } do
  table.insert(elementwise, { name, 2, function() return positive[name](positive) end })
end

-- A name, the multiplications and additions, and the operation.
local products = {
  { "matmul 1024", 2 * 1024 ^ 3, function() return square:matmul(square) end },
  { "einsum ij,kj->ik", 2 * 1024 ^ 3, function()
    return mnemo.einsum("ij,kj->ik", square, square)
  end },
  { "einsum bij,bkj->bik", 2 * 32 * 256 * 256 * 128, function()
    return mnemo.einsum("bij,bkj->bik", heads, heads)
  end },
  { "attention, causal", 2 * 32 * 256 * 256 * 128, function()
    return mnemo.nn.attention {
      queries = heads, keys = heads, values = heads, heads = 4, causal = true,
    }
  end },
  { "attention, whole", 4 * 32 * 256 * 256 * 128, function()
    return mnemo.nn.attention {
      queries = heads, keys = heads, values = heads, heads = 4, causal = false,
    }
  end },
}

--- Returns the median and the least seconds of an operation, and the least of the processors.
local function timed(operation)
  operation()
  local used = math.huge
  local median, least = measure.median_and_least(measure.times(options.seconds, function()
    local start = os.clock()
    operation()
    used = math.min(used, os.clock() - start)
  end))
  return median, least, used
end

local target = mnemo.zeros(n, 1024)
local _, copying = timed(function() target:copy_(x) end)
local bandwidth = 8 * options.count / copying
local peak = measure.peak()

for _, entry in ipairs(elementwise) do
  local name, moved, operation, count = table.unpack(entry)
  if name:find(options.only or "", 1, true) then
    local median, least, used = timed(operation)
    local bytes = 4 * moved * (count or options.count)
    measure.print {
      "bench", "operations", "operation", name, "threads", options.threads, "median_s", median,
      "least_s", least, "cpu_s", used, "gb_per_s", bytes / least / 1e9,
      "copy_gb_per_s", bandwidth / 1e9, "share_of_copy", bytes / least / bandwidth,
    }
  end
end
for _, entry in ipairs(products) do
  local name, flops, operation = table.unpack(entry)
  if name:find(options.only or "", 1, true) then
    local median, least, used = timed(operation)
    measure.print {
      "bench", "operations", "operation", name, "threads", options.threads, "median_s", median,
      "least_s", least, "cpu_s", used, "gflops", flops / least / 1e9, "peak_gflops", peak,
      "share_of_peak", flops / least / 1e9 / peak,
    }
  end
end
