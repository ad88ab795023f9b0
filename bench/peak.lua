--- The machine's own matrix peak: GFLOP/s of plain Float32 products, the best of several sizes.
--
-- usage: mnemo bench/peak.lua [--help]
local mnemo = require "mnemo"
local measure = dofile((arg[0]:match(".*/") or "") .. "measure.lua")

local options = require "mnemo.arguments" {
  about = "The machine's matrix peak, one line of JSON for each number of threads.",
  { "threads", type = "integer", nil, "only this number of threads", min = 1 },
}

for _, threads in ipairs(options.threads and { options.threads } or { 1, 2 }) do
  mnemo.threads(threads)
  local best, by_size = measure.matrix_peak(1)
  measure.print {
    "bench", "peak", "threads", threads, "gflops", best, "gflops_64", by_size[64],
    "gflops_256", by_size[256], "gflops_1024", by_size[1024], "load", measure.load(),
  }
end
