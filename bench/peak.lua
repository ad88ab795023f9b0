--- The machine's own peak, GFLOP/s of multiplications and additions in registers, and what Float32
-- products of several sizes reach.
--
-- usage: mnemo bench/peak.lua [--help]
local mnemo = require "mnemo"
local measure = dofile((arg[0]:match(".*/") or "") .. "measure.lua")

local options = require "mnemo.arguments" {
  about = "The machine's peak and that of products, one line of JSON for each number of threads.",
  { "threads", type = "integer", nil, "only this number of threads", min = 1 },
}

-- 32 blocks of 64³ that stay in a core's cache, and two larger ones, of which each thread takes its
-- own.
local products = {
  { size = 64, left = { 2048, 64 }, right = { 64, 64 } },
  { size = 256, left = { 2, 256, 256 }, right = { 2, 256, 256 } },
  { size = 1024, left = { 2, 1024, 1024 }, right = { 2, 1024, 1024 } },
}

--- Returns the GFLOP/s of products of square blocks, the best of a second.
local function rate(product)
  local a = mnemo.randn(product.left, { seed = 1 })
  local b = mnemo.randn(product.right, { seed = 2 })
  local _, least = measure.median_and_least(measure.times(1, function() return a:matmul(b) end))
  return 2 * a:numel() * product.size / least / 1e9
end

for _, threads in ipairs(options.threads and { options.threads } or { 1, 2 }) do
  mnemo.threads(threads)
  local fields = { "bench", "peak", "threads", threads }
  local peak = measure.peak()
  for _, product in ipairs(products) do
    table.move({ "gflops_" .. product.size, rate(product) }, 1, 2, #fields + 1, fields)
    peak = math.max(peak, measure.peak())
  end
  table.move({ "peak_gflops", peak, "load", measure.load() }, 1, 4, #fields + 1, fields)
  measure.print(fields)
end
