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

-- A name, how many numbers are read and written for each element, and the operation.
local elementwise = {
  { "x + y", 3, function() return x + y end },
  { "x * 2", 2, function() return x * 2 end },
  { "x / p", 3, function() return x / positive end },
  { "p ^ 1.5", 2, function() return positive ^ 1.5 end },
  { "x:lt(y)", 3, function() return x:lt(y) end },
  { "exp", 2, function() return x:exp() end },
  { "log", 2, function() return positive:log() end },
  { "sqrt", 2, function() return positive:sqrt() end },
  { "sin", 2, function() return x:sin() end },
  { "erf", 2, function() return x:erf() end },
  { "tanh", 2, function() return x:tanh() end },
  { "sigmoid", 2, function() return x:sigmoid() end },
  { "relu", 2, function() return x:relu() end },
  { "gelu", 2, function() return x:gelu() end },
  { "silu", 2, function() return x:silu() end },
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
  { "softmax", 2, function() return x:softmax(2) end },
  { "log_softmax", 2, function() return x:log_softmax(2) end },
  { "logsumexp", 1, function() return x:logsumexp(2) end },
  { "layer_norm", 2, function() return x:layer_norm() end },
  { "topk 10", 1, function() return x:topk(10, 2) end },
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

--- Returns the median and the least seconds of an operation.
local function timed(operation)
  operation()
  return measure.median_and_least(measure.times(options.seconds, operation))
end

local target = mnemo.zeros(n, 1024)
local _, copying = timed(function() target:copy_(x) end)
local bandwidth = 8 * options.count / copying
local peak = measure.peak()

for _, entry in ipairs(elementwise) do
  local name, moved, operation, count = table.unpack(entry)
  if name:find(options.only or "", 1, true) then
    local median, least = timed(operation)
    local bytes = 4 * moved * (count or options.count)
    measure.print {
      "bench", "operations", "operation", name, "threads", options.threads, "median_s", median,
      "least_s", least, "gb_per_s", bytes / least / 1e9, "copy_gb_per_s", bandwidth / 1e9,
      "share_of_copy", bytes / least / bandwidth,
    }
  end
end
for _, entry in ipairs(products) do
  local name, flops, operation = table.unpack(entry)
  if name:find(options.only or "", 1, true) then
    local median, least = timed(operation)
    measure.print {
      "bench", "operations", "operation", name, "threads", options.threads, "median_s", median,
      "least_s", least, "gflops", flops / least / 1e9, "peak_gflops", peak,
      "share_of_peak", flops / least / 1e9 / peak,
    }
  end
end
