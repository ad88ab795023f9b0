--- An outer-product memory: seconds to store N associations in a d×d matrix and to recall all.
--
-- W = Σ_i v_i u_iᵀ; recalled is the share of i for which argmax_j v_jᵀ W u_i = i.
--
-- usage: mnemo bench/recall.lua [--help]
local mnemo = require "mnemo"
local measure = dofile((arg[0]:match(".*/") or "") .. "measure.lua")

local options = require "mnemo.arguments" {
  about = "Outer-product recall, one line of JSON for each number of threads.",
  { "count", 4096, "associations, N", min = 1 },
  { "dim", 256, "width, d", min = 1 },
  { "threads", type = "integer", nil, "only this number of threads", min = 1 },
  { "seconds", 2.0, "time for each line" },
}

local n, d = options.count, options.dim
local inputs = mnemo.randn(n, d, { seed = 1 }) / math.sqrt(d)
local outputs = mnemo.randn(n, d, { seed = 2 }) / math.sqrt(d)

-- W: 2 N d²; W u_i: 2 N d²; scores of all outputs: 2 N² d.
local flops = 4 * n * d * d + 2 * n * n * d

for _, threads in ipairs(options.threads and { options.threads } or { 2, 1 }) do
  mnemo.threads(threads)
  local recalled
  local median, least = measure.median_and_least(measure.times(options.seconds, function()
    local memory = outputs:t():matmul(inputs)
    recalled = mnemo.probes.recall(memory, inputs, outputs)
  end))
  local peak = measure.peak()
  measure.print {
    "bench", "recall", "N", n, "d", d, "threads", threads, "median_s", median, "least_s", least,
    "gflop", flops / 1e9, "gflops", flops / least / 1e9, "peak_gflops", peak,
    "share_of_peak", flops / least / 1e9 / peak, "recall", recalled,
  }
end
