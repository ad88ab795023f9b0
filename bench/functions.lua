--- What operations on 4 million numbers cost on one thread; bench/functions.py takes the same of
-- PyTorch.
--
-- usage: mnemo bench/functions.lua [--help]
local mnemo = require "mnemo"

local options = require "mnemo.arguments" {
  about = "Operations on 2000 x 2000 numbers: least processor milliseconds, on one thread.",
  { "repeats", 9, "trials of each" },
}

mnemo.threads(1)
local x = mnemo.randn(2000, 2000, { seed = 1 })
local positive = x:abs() + 0.1
local flat, narrow = x:reshape(-1), x:reshape(-1, 64)

--- Prints the least processor time of `f` in milliseconds.
local function measure(name, f)
  local least = math.huge
  for _ = 0, options.repeats do
    collectgarbage()
    local start = os.clock()
    f()
    least = math.min(least, os.clock() - start)
  end
  print(("%-22s %8.2f"):format(name, least * 1000))
end

for _, name in ipairs {
  "exp", "expm1", "tanh", "sigmoid", "sin", "cos", "erf", "gelu", "silu", "softplus", "floor",
  "round", "sign",
} do
  measure(name, function() return x[name](x) end)
end
for _, name in ipairs { "log", "log1p", "log2", "log10", "sqrt", "rsqrt", "reciprocal" } do
  measure(name, function() return positive[name](positive) end)
end
measure("minimum", function() return x:minimum(positive) end)
measure("pow 2", function() return x ^ 2 end)
measure("remainder", function() return x % 0.75 end)
measure("logsumexp, all", function() return flat:logsumexp() end)
measure("logsumexp, rows", function() return x:logsumexp(2) end)
measure("logsumexp, columns", function() return x:logsumexp(1) end)
measure("logsumexp, rows of 64", function() return narrow:logsumexp(2) end)
measure("softmax, rows", function() return x:softmax(2) end)
measure("softmax, columns", function() return x:softmax(1) end)
measure("softmax, rows of 64", function() return narrow:softmax(2) end)
measure("log_softmax, rows", function() return x:log_softmax(2) end)
measure("log_softmax, columns", function() return x:log_softmax(1) end)
measure("topk 10, rows", function() return x:topk(10) end)
measure("topk 10, columns", function() return x:topk(10, 1) end)
measure("topk 10, all", function() return flat:topk(10) end)
measure("rand", function() return mnemo.rand(2000, 2000) end)
measure("randn", function() return mnemo.randn(2000, 2000) end)
