-- E14  Memories beyond a matrix
--
-- N pairs on the unit sphere of d dimensions, and what answers to a query u:
--
--   linear             Σ_z v_z u_zᵀ u: a matrix, N ~ d² / log d
--   nearest neighbour  u_z = v_z: the stored vector that is nearest to u
--   attention          Σ_z v_z softmax_z(β u_zᵀ u) over all pairs
--   threshold          Σ_z v_z relu(u_zᵀ u − b): an MLP with a hidden unit for each pair
--
-- The last three hold a number of pairs that is exponential in d. What should be seen: attention
-- with β = 10 holds N = 13, 160, 608, 1792, 4608, 13312 at d = 6, 8 … 16, 1.74 times as many with
-- each dimension; the threshold b = 0.5 1.45 times. The slides say what that costs: more
-- computation, more sensitivity to noise, and that it is harder to learn. Arithmetic is 2 d² for a
-- matrix and grows with N for the others. With noise of half the query's length, d = 16 and
-- N = 65536, the nearest is right in 0.95, attention with β = 40 in 0.89, and the threshold 0.9 in
-- 0.39, because noisy queries fall below it. Whether gradient descent finds the thresholded MLP is
-- measured: an MLP with a hidden unit for each pair is trained from random weights, and its units
-- are compared with the stored inputs.
--
-- After Cabannes, Dohmatob, Bietti 2024, "Scaling Laws for Associative Memories".
local mnemo = require "mnemo"
local memory, stats = mnemo.memory, mnemo.stats

local options = require "mnemo.arguments" {
  about = "Compares memories that hold exponentially many pairs with a matrix (E14).",
  quick = { count = 8192, seeds = 3, steps = 200 },
  full = { seeds = 10, steps = 2000 },
  { "count", 65536, "most pairs that are stored, N", min = 512 },
  { "asked", 300, "inputs that recall is measured on, of each seed", min = 10 },
  { "lr", 0.03, "learning rate of Adam, where an MLP is trained", min = 0 },
  { "steps", 600, "its steps", min = 1 },
  { "timed", false, "measure microseconds of a query as well, on this machine" },
  { "seeds", 5, "draws of the embeddings", min = 1 },
  { "seed", 1, "first seed" },
  { "out", "runs/beyond_linear", "folder for results", type = "folder" },
}
local widths = { 4, 6, 8, 10, 12, 14, 16 }
local wide = widths[#widths]

local function sphere(n, d, seed)
  return memory.embeddings(n, d, { kind = "sphere", seed = seed })
end

-- The memories: from pairs to what they answer -------------------------------------------------

local function linear(U, V)
  local W = memory.outer(V, U)
  return function(x) return x:matmul(W:t()) end
end

local function attention(beta)
  return function(U, V)
    return function(x) return (x * beta):matmul(U:t()):softmax(2):matmul(V) end
  end
end

local function threshold(b)
  return function(U, V)
    return function(x) return (x:matmul(U:t()) - b):relu():matmul(V) end
  end
end

--- Inputs are the outputs themselves: what is given back is the query.
local function nearest() return nil end

local memories = {
  { name = "linear", make = linear, cost = function(_, d) return 2 * d * d end },
  { name = "nearest neighbour", make = nearest, is_own = true,
    cost = function(n, d) return 2 * n * d end },
  { name = "attention, β = 10", make = attention(10) },
  { name = "attention, β = 40", make = attention(40) },
  { name = "threshold b = 0.5", make = threshold(0.5) },
  { name = "threshold b = 0.9", make = threshold(0.9) },
}

--- Returns how many numbers are multiplied and added for one query, without the choice among
-- candidates.
local function cost(one, n, d)
  return one.cost and one.cost(n, d) or 4 * n * d
end

--- Embeddings of the largest N, drawn once for each width and seed.
local drawn = {}
local function pairs_of(d, seed)
  if drawn.d ~= d then drawn = { d = d } end
  drawn[seed] = drawn[seed]
    or { sphere(options.count, d, 2 * seed), sphere(options.count, d, 2 * seed + 1) }
  return drawn[seed][1], drawn[seed][2]
end

--- Adds noise of some length to inputs, and brings them back to the sphere.
local function noisy(x, noise, seed)
  if noise == 0 then return x end
  x = x + sphere(x:size(1), x:size(2), 1000000 + seed) * noise
  return x / x:norm(2, 2, true)
end

--- Returns the recall of n pairs; of few pairs, that of as many sets as make up the inputs asked.
local function recall(one, n, d, seed, noise)
  local U, V = pairs_of(d, seed)
  local sets, right = math.max(1, math.min(options.asked // n, options.count // n)), 0
  for i = 1, sets do
    local inputs, outputs = U:narrow(1, (i - 1) * n + 1, n), V:narrow(1, (i - 1) * n + 1, n)
    local asked = noisy(inputs:narrow(1, 1, math.min(n, options.asked)), noise, seed + i - 1)
    right = right
      + memory.recall(one.make(inputs, outputs), asked, one.is_own and inputs or outputs)
  end
  return right / sets
end

local function seeds()
  local list = {}
  for s = 1, options.seeds do list[s] = options.seed + s - 1 end
  return list
end

--- Measures something over the seeds.
local function over_seeds(measure)
  local values = {}
  for s, seed in ipairs(seeds()) do values[s] = measure(seed) end
  local found = stats.of(values)
  found.values = values
  return found
end

-- How many pairs each holds, by width ----------------------------------------------------------

--- Finds the capacity at each width, as far as the pairs drawn suffice.
local function capacities(one)
  local found, near = {}, 8
  for i, d in ipairs(widths) do
    found[i] = memory.capacity {
      low = 0, high = options.count + 1, near = near, tolerance = 0.03, seeds = seeds(),
      holds = function(n, seed)
        return n == 0 or n <= options.count and recall(one, n, d, seed, 0) >= 0.99
      end,
    }
    if math.max(table.unpack(found[i].values)) >= 0.95 * options.count then
      found[i] = nil
      return found
    end
    local grown = i > 1 and found[i].mean / math.max(1, found[i - 1].mean) or 2
    near = math.max(1, math.floor(found[i].mean * grown))
  end
  return found
end

--- Fits N ∝ r^d to each seed, over the last five widths at most; returns the mean r, and its error
-- over seeds.
local function growth(found)
  local rates = {}
  for s = 1, options.seeds do
    local x, y = {}, {}
    for i = math.max(1, #found - 4), #found do
      if found[i].values[s] > 0 then
        x[#x + 1], y[#y + 1] = math.exp(widths[i]), found[i].values[s]
      end
    end
    if #x < 3 then return { mean = 0 / 0 } end
    rates[s] = math.exp(memory.slope(x, y).mean)
  end
  return stats.of(rates)
end

local held, rates, rows = {}, {}, { { "memory", table.unpack(widths) } }
rows[1][#widths + 2] = "growth"
for i, one in ipairs(memories) do
  rows[i + 1] = { one.name }
  held[i] = one.is_own and {} or capacities(one)
  for j = 1, #widths do
    rows[i + 1][j + 1] = held[i][j] and stats.text(held[i][j], 0) or one.is_own and "all"
      or ("> %.0f"):format(0.95 * options.count)
  end
  rates[i] = one.is_own and { mean = 0 / 0 } or growth(held[i])
  rows[i + 1][#widths + 2] = one.is_own and "" or stats.text(rates[i], 2)
end
print(("Pairs held by width d, of %d drawn, over %d seed(s); growth is that with each dimension:\n")
  :format(options.count, options.seeds))
print(mnemo.runs.columns(rows))

-- What a query costs -------------------------------------------------------------------------

--- Measures the microseconds of a query, among many, at what a memory holds.
local function microseconds(one, n, d)
  local U, V = pairs_of(d, options.seed)
  local answer = one.make(U:narrow(1, 1, n), V:narrow(1, 1, n))
  local x, start, times = U:narrow(1, 1, 32), mnemo.clock(), 0
  while mnemo.clock() < start + 0.05 do
    times = times + 1
    if answer then answer(x) else x:matmul(U:narrow(1, 1, n):t()) end
  end
  return (mnemo.clock() - start) / times / 32 * 1e6
end

rows = { { "memory", "d", "N", "operations a query", "of them a pair", "microseconds" } }
local arithmetic = {}
for i, one in ipairs(memories) do
  arithmetic[i] = { n = {}, cost = {} }
  local found = one.is_own and { [#widths] = { mean = options.count } } or held[i]
  for j, d in ipairs(widths) do
    local n = found[j] and math.max(1, math.floor(found[j].mean))
    if n then
      table.insert(arithmetic[i].n, n)
      table.insert(arithmetic[i].cost, cost(one, n, d))
      if not found[j + 1] then
        rows[#rows + 1] = { one.name, d, n, cost(one, n, d), ("%.1f"):format(cost(one, n, d) / n),
          options.timed and ("%.2f"):format(microseconds(one, n, d)) or nil }
      end
    end
  end
end
if not options.timed then rows[1][6] = nil end
print("\nArithmetic of a query, at the largest width whose N was found:\n")
print(mnemo.runs.columns(rows))

-- Noise on the query -------------------------------------------------------------------------

local noises, robust = { 0, 0.25, 0.5, 0.75, 1 }, { 2, 4, 6 }
local by_noise = {}
rows = { { "memory", "N", table.unpack(noises) } }
--- Measures one memory at each length of the noise.
local function under_noise(one, n)
  local measured = {}
  for j, noise in ipairs(noises) do
    measured[j] = over_seeds(function(seed) return recall(one, n, wide, seed, noise) end)
  end
  local row = { one.name, n }
  for j, found in ipairs(measured) do row[j + 2] = stats.text(found, 3) end
  rows[#rows + 1] = row
  return measured
end
for j, i in ipairs(robust) do by_noise[j] = under_noise(memories[i], options.count) end
by_noise[4] = under_noise(memories[1], math.max(2, math.floor(held[1][#held[1]].mean)))
print(("\nRecall by the length of the noise on the query, d = %d:\n"):format(wide))
print(mnemo.runs.columns(rows))

-- Whether gradient descent finds the threshold --------------------------------------------------

local small = { d = 8, n = 128 }

--- Returns how near each unit is to its nearest stored input, by the mean cosine.
local function nearness(first, U)
  return (first / first:norm(2, 2, true)):matmul(U:t()):max(2):mean():item()
end

--- Trains an MLP with a hidden unit for each pair from random weights, on all pairs at once.
local function trained(seed)
  local n, d = small.n, small.d
  local U, V = sphere(n, d, 4 * seed), sphere(n, d, 4 * seed + 1)
  local first, second = sphere(n, d, 4 * seed + 2), sphere(n, d, 4 * seed + 3)
  local bias = mnemo.zeros(n)
  local parameters, before = { first, second, bias }, nearness(first, U)
  local optimizer = mnemo.optim.adam { lr = options.lr }
  for _, weight in ipairs(parameters) do weight:requires_grad(true) end
  local function answer(x) return (x:matmul(first:t()) + bias):relu():matmul(second) end
  for _ = 1, options.steps do
    optimizer:zero_grad(parameters)
    answer(U):matmul(V:t()):cross_entropy(mnemo.int_arange(1, n)):backward()
    optimizer:step(parameters)
  end
  return mnemo.no_grad(function()
    local found, written = { before = before, after = nearness(first, U) }, threshold(0.9)(U, V)
    for _, noise in ipairs { 0, 0.25 } do
      local x = noisy(U:repeat_interleave(8, 1), noise, seed)
      local targets = { targets = mnemo.int_arange(1, n):repeat_interleave(8) }
      found[noise] = { (memory.recall(answer, x, V, targets)),
        (memory.recall(written, x, V, targets)) }
    end
    return found
  end)
end

local fits = {}
for s, seed in ipairs(seeds()) do fits[s] = trained(seed) end
local function of_fits(number)
  local values = {}
  for s, found in ipairs(fits) do values[s] = number(found) end
  return stats.of(values)
end
local learned = of_fits(function(found) return found[0][1] end)
local learned_noisy = of_fits(function(found) return found[0.25][1] end)
local written_noisy = of_fits(function(found) return found[0.25][2] end)
local before = of_fits(function(found) return found.before end)
local after = of_fits(function(found) return found.after end)
print(("\nAn MLP with a hidden unit for each of N = %d pairs, d = %d, and the threshold 0.9:\n")
  :format(small.n, small.d))
print(mnemo.runs.columns {
  { "", "recall", "recall, noise 0.25", "cosine of a unit with the nearest input" },
  { "trained", stats.text(learned), stats.text(learned_noisy), stats.text(after) },
  { "before training", "", "", stats.text(before) },
  { "written down", stats.text(of_fits(function(found) return found[0][2] end)),
    stats.text(written_noisy), "1" },
})

-- The figure ---------------------------------------------------------------------------------

--- Returns a series of measurements, with a band over seeds.
local function series(name, x, measured)
  local y = {}
  for s = 1, options.seeds do
    y[s] = {}
    for j, found in ipairs(measured) do y[s][j] = math.max(found.values[s], 1e-3) end
  end
  return { name = name, x = table.move(x, 1, #measured, 1, {}), y = y, style = "linespoints" }
end

local by_width, by_count, curves = {}, {}, {}
for i, one in ipairs(memories) do
  if #held[i] > 0 then by_width[#by_width + 1] = series(one.name, widths, held[i]) end
  if #arithmetic[i].n > 0 then
    by_count[#by_count + 1] = { name = one.name, x = arithmetic[i].n, y = arithmetic[i].cost,
      style = "linespoints" }
  end
end
local top = held[1][#held[1]].mean
local law = {}
for j, d in ipairs(widths) do law[j] = top * d ^ 2 / math.log(d) * math.log(wide) / wide ^ 2 end
by_width[#by_width + 1] = { name = "d² / log d", x = widths, y = law, style = "reference" }
if rates[3].error then
  local fitted, first, middle = {}, math.max(1, #held[3] - 4), 0
  for j = first, #held[3] do
    middle = middle + math.log(held[3][j].mean) / (#held[3] - first + 1)
  end
  local centre = (widths[first] + widths[#held[3]]) / 2
  for j = first, #held[3] do
    fitted[#fitted + 1] = math.exp(middle) * rates[3].mean ^ (widths[j] - centre)
  end
  by_width[#by_width + 1] = { name = ("fit, β = 10: (%s)^d"):format(stats.text(rates[3], 2)),
    x = table.move(widths, first, #held[3], 1, {}), y = fitted, style = "reference" }
end
for j, i in ipairs { 2, 4, 6, 1 } do
  curves[j] = series(("%s, N = %d"):format(memories[i].name, rows[j + 1][2]), noises, by_noise[j])
end
mnemo.plot.grid({
  mnemo.plot.lines {
    title = "pairs held", xlabel = "width d", ylabel = "N", yscale = "log", series = by_width,
    legend = "below",
  },
  mnemo.plot.lines {
    title = "arithmetic", xlabel = "pairs held N", ylabel = "operations a query",
    xscale = "log", yscale = "log", series = by_count, legend = "below",
  },
  mnemo.plot.lines {
    title = ("noise on the query, d = %d"):format(wide), ylabel = "recall", series = curves,
    xlabel = "length of the noise, of the query's", ylim = { 0, 1.02 }, legend = "below",
  },
}, { title = "Memories beyond a matrix", columns = 3, width = 1300, height = 480 })
  :save(options.out .. "/figure.svg"):save(options.out .. "/figure.png")

-- The verdict, from these numbers ------------------------------------------------------------

print()
local compare = stats.compare
local last = math.min(#held[1], #held[3])
if compare(held[3][last], held[1][last]) ~= "more" or not rates[3].error then
  print(("Nothing can be said about what goes beyond a matrix: attention holds %s pairs, over %d "
    .. "seed(s)."):format(stats.text(held[3][last], 0), options.seeds))
else
  print(("At d = %d a matrix holds %s pairs, attention with β = 10 %s, at %.0f times the cost.")
    :format(widths[last], stats.text(held[1][last], 0), stats.text(held[3][last], 0),
      cost(memories[3], held[3][last].mean, widths[last]) / cost(memories[1], 1, widths[last])))
  print(("With each dimension attention holds %s times as many, the threshold 0.5 %s times.")
    :format(stats.text(rates[3], 2), stats.text(rates[5], 2)))
  local at = by_noise[1][3]
  for j, name in ipairs { "attention with β = 40", "the threshold 0.9" } do
    local other = by_noise[j + 1][3]
    print(("Noise of half the query's length: %s is right in %s, the nearest neighbour in %s: %s.")
      :format(name, stats.text(other), stats.text(at), compare(other, at) == "less"
        and "more sensitive" or "not told to be more sensitive"))
  end
end
if compare(learned, 0.9) ~= "more" or not after.error then
  print(("Nothing can be said about what gradient descent finds: it recalls %s after %d steps, "
    .. "over %d seed(s)."):format(stats.text(learned), options.steps, options.seeds))
else
  local is_threshold = compare(after, 0.95) ~= "less"
  print(("Gradient descent from random weights recalls %s: %s."):format(stats.text(learned),
    is_threshold and "its units are stored inputs, as the threshold's"
    or "not by the thresholded MLP, since its units are no nearer to stored inputs than "
      .. (compare(after, before) == "more" and "0.95" or "random ones")))
  print(("With noise of a quarter it is right in %s, the threshold written down in %s: %s."):format(
    stats.text(learned_noisy), stats.text(written_noisy),
    compare(learned_noisy, written_noisy) == "less" and "what it finds is more sensitive"
    or "not told to be more sensitive"))
end
print("Results are in " .. options.out)
