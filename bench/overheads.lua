--- What a call costs: microseconds of the smallest operations, best of several rounds.
--
-- Nothing here computes much, so the time is that of the way from Lua to the engine and back. The
-- loop itself is measured empty and taken off.
--
-- usage: mnemo bench/overheads.lua [--help]
local mnemo = require "mnemo"
local measure = dofile((arg[0]:match(".*/") or "") .. "measure.lua")

local options = require "mnemo.arguments" {
  about = "What small calls cost, one line of JSON for each.",
  { "only", type = "string", nil, "only calls whose name contains this text" },
  { "calls", 1000000, "calls in a round; a tenth of them where a call makes a tensor", min = 10 },
  { "rounds", 3, "rounds, of which the best counts", min = 1 },
}

local t = mnemo.randn(4, 4, { seed = 1 })
local a, b = mnemo.randn(8, { seed = 2 }), mnemo.randn(8, { seed = 3 })
local one = mnemo.ones(1)
local ids = mnemo.int_tensor { 1, 2, 3, 4 }
local leaf = mnemo.ones(8):requires_grad(true)

-- Name, the most it should take in microseconds (NaN where there is no goal), and the loop.
local reads = {
  { "t:item()", 0.5, function(n) for _ = 1, n do local _ = one:item() end end },
  { "t:size(1)", 0.5, function(n) for _ = 1, n do local _ = t:size(1) end end },
  { "t:dim()", 0.5, function(n) for _ = 1, n do local _ = t:dim() end end },
  { "t:get(i, j)", 0.5, function(n) for _ = 1, n do local _ = t:get(2, 3) end end },
  { "ids[i]", 1, function(n) for _ = 1, n do local _ = ids[2] end end },
}
local operations = {
  { "t[i][j]", 1, function(n) for _ = 1, n do local _ = t[2][3] end end },
  { "a + b, 8 elements", 3, function(n) for _ = 1, n do local _ = a + b end end },
  { "a * 2, 8 elements", 3, function(n) for _ = 1, n do local _ = a * 2 end end },
  { "a:exp(), 8 elements", 3, function(n) for _ = 1, n do local _ = a:exp() end end },
  { "a:sum(), 8 elements", 3, function(n) for _ = 1, n do local _ = a:sum() end end },
  { "t:matmul(t), 4 x 4", 3, function(n) for _ = 1, n do local _ = t:matmul(t) end end },
  { "a + b, recorded", 3, function(n) for _ = 1, n do local _ = leaf + b end end },
  { "a:add_(b)", 3, function(n) for _ = 1, n do a:add_(b) end end },
  { "t[i] = v", 0 / 0, function(n) for _ = 1, n do t[1] = 0.5 end end },
}

--- Returns the least seconds that a loop of `n` calls takes.
local function best(loop, n)
  local least = math.huge
  for _ = 1, options.rounds do
    collectgarbage()
    least = math.min(least, measure.seconds(function() loop(n) end))
  end
  return least
end

mnemo.threads(1)

--- Prints the lines of some calls.
local function report(cases, calls)
  local empty = best(function(n) for _ = 1, n do end end, calls)
  for _, case in ipairs(cases) do
    local name, goal, loop = table.unpack(case)
    if name:find(options.only or "", 1, true) then
      measure.print {
        "bench", "overhead", "call", name, "calls", calls,
        "us", (best(loop, calls) - empty) / calls * 1e6, "goal_us", goal,
      }
    end
  end
end

report(reads, options.calls)
report(operations, options.calls // 10)
