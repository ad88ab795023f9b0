--- What products cost whose operands are not in the cache: the shapes of a step, in stacks of them
-- that fit into a core's cache and that do not.
--
-- usage: mnemo bench/operands.lua [--help]
local mnemo = require "mnemo"
local measure = dofile((arg[0]:match(".*/") or "") .. "measure.lua")

local options = require "mnemo.arguments" {
  about = "Products of a step's shapes, one line of JSON for each, on one thread.",
  { "seconds", 0.3, "time for each number" },
}

-- C [m, n] = A [m, k] · B [k, n]: feed-forward of a part, the blocks of attention, a small model's.
local shapes = { { 256, 512, 128 }, { 256, 128, 512 }, { 32, 128, 128 }, { 128, 32, 32 } }
-- Megabytes of all operands and results of a stack.
local sizes = { 1, 8, 64 }

--- Returns the GFLOP/s of a stack of products.
local function rate(m, n, k, megabytes)
  local count = math.max(1, megabytes * 2 ^ 20 // (4 * (m * k + k * n + m * n)) | 0)
  local a = mnemo.randn(count, m, k, { seed = 1 })
  local b = mnemo.randn(count, k, n, { seed = 2 })
  local _, least = measure.median_and_least(
    measure.times(options.seconds, function() return a:matmul(b) end))
  return 2 * count * m * n * k / least / 1e9
end

mnemo.threads(1)
for _, shape in ipairs(shapes) do
  local m, n, k = table.unpack(shape)
  local fields = { "bench", "operands", "m", m, "n", n, "k", k }
  local peak = measure.peak()
  for _, megabytes in ipairs(sizes) do
    table.move({ ("gflops_%d_mb"):format(megabytes), rate(m, n, k, megabytes) }, 1, 2,
      #fields + 1, fields)
    peak = math.max(peak, measure.peak())
  end
  table.move({ "peak_gflops", peak, "load", measure.load() }, 1, 4, #fields + 1, fields)
  measure.print(fields)
end
