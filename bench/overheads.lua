--- What a call costs: microseconds of the smallest operations, best of several rounds.
--
-- usage: mnemo bench/overheads.lua [CALLS] [ROUNDS]
--
-- Nothing here computes much, so the time is that of the way from Lua to the engine and back. The
-- loop itself is measured empty and taken off.
local mnemo = require "mnemo"

local calls = math.tointeger(arg and arg[1] or 1000000)
local rounds = math.tointeger(arg and arg[2] or 5)

local t = mnemo.randn(4, 4, { seed = 1 })
local a, b = mnemo.randn(8, { seed = 2 }), mnemo.randn(8, { seed = 3 })
local one = mnemo.ones(1)
local ids = mnemo.int_tensor { 1, 2, 3, 4 }
local leaf = mnemo.ones(8):requires_grad(true)

-- Name, the most it should take in microseconds (where there is a target), and the loop.
local cases = {
  { "t:size(1)", 0.5, function(n) for _ = 1, n do local _ = t:size(1) end end },
  { "t:dim()", 0.5, function(n) for _ = 1, n do local _ = t:dim() end end },
  { "t:item()", 0.5, function(n) for _ = 1, n do local _ = one:item() end end },
  { "t:get(i, j)", 0.5, function(n) for _ = 1, n do local _ = t:get(2, 3) end end },
  { "t[i][j]", 1, function(n) for _ = 1, n do local _ = t[2][3] end end },
  { "ids[i]", 1, function(n) for _ = 1, n do local _ = ids[2] end end },
  { "a + b, 8 elements", 3, function(n) for _ = 1, n do local _ = a + b end end },
  { "a * 2, 8 elements", 3, function(n) for _ = 1, n do local _ = a * 2 end end },
  { "a:exp(), 8 elements", 3, function(n) for _ = 1, n do local _ = a:exp() end end },
  { "a:sum(), 8 elements", 3, function(n) for _ = 1, n do local _ = a:sum() end end },
  { "t:matmul(t), 4 x 4", 3, function(n) for _ = 1, n do local _ = t:matmul(t) end end },
  { "a + b, recorded", 3, function(n) for _ = 1, n do local _ = leaf + b end end },
  { "a:add_(b)", 3, function(n) for _ = 1, n do a:add_(b) end end },
  { "t[i] = v", nil, function(n) for _ = 1, n do t[1] = 0.5 end end },
}

local function seconds(loop, n)
  local start = os.clock()
  loop(n)
  return os.clock() - start
end

local function best(loop)
  local least = math.huge
  for _ = 1, rounds do
    collectgarbage()
    least = math.min(least, seconds(loop, calls))
  end
  return least
end

mnemo.threads(1)
local empty = best(function(n) for _ = 1, n do end end)
print(("%d calls, best of %d rounds, %s"):format(calls, rounds, _VERSION))
print(("%-22s %8s %8s"):format("", "us", "target"))
for _, case in ipairs(cases) do
  local name, target, loop = table.unpack(case, 1, 3)
  local microseconds = (best(loop) - empty) / calls * 1e6
  print(("%-22s %8.3f %8s"):format(name, microseconds, target and "< " .. target or ""))
end
