-- E19  How many samples a feed-forward needs, and how many attention
--
-- A trigger q is followed by an output o, drawn for each sequence out of N − 2, or with probability
-- α by a noise token τ, always the same. Where q comes again, τ or o is the target. Two linear maps
-- read the sequence: a feed-forward W_F its last token, q; a value matrix W_V what attention
-- brings, the token after the first q or, if attention is still uniform, the mean of all T tokens.
-- Both make one gradient step from 0 on m samples, with one-hot embeddings: it stores how often
-- each target y came with each input x, W = (η/m) Σ (e_y − 1/N) xᵀ.
--
-- What should be seen: the feed-forward holds the global association q → τ after some samples, 8 in
-- nearly all draws, whatever N is. The values hold k → k once a sample had output k both times, so
-- that recall among outputs follows 1 − exp(−m (1 − α)²/(N − 2)), within .02 from m = 64 on: .893
-- at N = 32, m = 256 and .867 at N = 128, m = 1024; they need O(N) samples. Uniform attention over
-- 32 tokens brings other outputs as well, and needs 4k to 16k samples. Margins over their spread
-- grow as √m: as √(m α/(1 − α)) in the feed-forward, as √(m (1 − α)²/(N − 2)) in the values.
--
-- A toy after Chen, Bruna, Bietti 2024, "Distributional Associations vs In-Context Reasoning".
local mnemo = require "mnemo"
local memory, stats = mnemo.memory, mnemo.stats

local options = require "mnemo.arguments" {
  about = "Counts the samples that feed-forward and values need in one gradient step (E19).",
  sweep = true,
  quick = { seeds = 5, samples = 4096 },
  full = { seeds = 200 },
  { "noise", 0.5, "probability α of τ", min = 0.01, max = 0.99 },
  { "tokens", 32, "tokens T that uniform attention reads", min = 3 },
  { "samples", 16384, "samples at most, m = 1, 2, 4, …", min = 64, max = 1 << 20 },
  { "lr", 1.0, "size η of the one step", min = 0 },
  { "seeds", 40, "draws of the samples", min = 1 },
  { "seed", 1, "first seed" },
  { "out", "runs/attention_vs_ff_samples", "folder for results", type = "folder" },
}
local alpha, length = options.noise, options.tokens
local sizes, samples = { 32, 64, 128, 256 }, { 1 }
while 2 * samples[#samples] <= options.samples do samples[#samples + 1] = 2 * samples[#samples] end

-- The samples --------------------------------------------------------------------------------

--- Draws m samples over N tokens, of which 1 is the trigger and N is τ: the target [m], the token
-- after the trigger [m], and the other tokens of the sequence, two of which are the trigger.
local function drawn(n, m, seed)
  local stream = 4 * (1024 * seed + n) -- four of each N and seed
  local output = mnemo.randint(2, n - 1, m, { seed = stream })
  local function noisy(which)
    local is_noise = mnemo.rand(m, { seed = stream + which }):lt(alpha)
    return mnemo.where(is_noise, n, output):int()
  end
  return noisy(1), noisy(2), mnemo.randint(2, n - 1, m, length - 3, { seed = stream + 3 })
end

--- Counts how often each target came with each token: [n, n], from targets [m] and tokens [m, t].
local function counted(targets, tokens, n)
  local pairs_ = ((targets:reshape(-1, 1) - 1) * n + tokens:reshape(targets:numel(), -1))
  return pairs_:reshape(-1):bincount(n * n):float():reshape(n, n)
end

--- Makes the step from W = 0 whose inputs are counts of tokens: p̂ = 1/N everywhere.
local function one_step(counts, m)
  return (counts - counts:sum(1, true) / counts:size(1)) * (options.lr / m)
end

--- Returns the margins of outputs k → k among the outputs.
local function margins_of(W, n)
  local eye = mnemo.eye(n - 2)
  return memory.margins(W:narrow(1, 2, n - 2):narrow(2, 2, n - 2), eye, eye)
end

-- Differentiation beside these sums ------------------------------------------------------------

local function difference()
  local n, m = sizes[1], 300
  local targets, after = drawn(n, m, options.seed)
  local W = mnemo.zeros(n, n):requires_grad(true)
  mnemo.one_hot(after, n):matmul(W:t()):cross_entropy(targets):backward()
  local step = one_step(counted(targets, after, n), m)
  return (W.grad * -options.lr - step):abs():max():item()
end

-- Recall and margins ---------------------------------------------------------------------------

--- Returns the shares of margins that are positive by more than rounding, their number, sum and sum
-- of squares; the smallest margin is `unit`.
local function summed(margins, unit)
  return {
    recall = margins:gt(unit / 2):mean():item(), count = margins:numel(),
    sum = margins:sum():item(), squares = margins:square():sum():item(),
  }
end

--- Makes the steps on 1, 2, 4, … samples of one draw; for each what the three maps hold.
local function steps_of(n, seed)
  local targets, after, others = drawn(n, samples[#samples], seed)
  local read, everything, seen, results = mnemo.zeros(n, n), mnemo.zeros(n, n), 0, {}
  for i, m in ipairs(samples) do
    local function new(tensor) return tensor:narrow(1, seen + 1, m - seen) end
    read:add_(counted(new(targets), new(after), n))
    everything:add_(counted(new(targets), new(others), n))
    seen = m
    local unit = options.lr / m
    -- Every sample ends in the trigger, the only input that the feed-forward has.
    local column = one_step(read:sum(2, true), m)
    local of_trigger = memory.margins(column, mnemo.eye(1), mnemo.eye(n), {
      targets = mnemo.int_tensor { n } })
    results[i] = {
      ff = summed(of_trigger, unit),
      values = summed(margins_of(one_step(read, m), n), unit),
      uniform = summed(margins_of(one_step((read + everything) / length, m), n), unit / length),
    }
  end
  return results
end

local points = mnemo.sweep {
  name = "attention_vs_ff_samples", store = options.out .. "/sweep.sqlite", options = options,
  stop_on_error = true,
  grid = { n = sizes }, seeds = options.seeds, first_seed = options.seed,
  run = function(point) return { steps = steps_of(point.n, point.seed) } end,
}

--- Returns what a map holds after the j-th step, for each draw over N tokens.
local function held(n, j, map)
  local list = {}
  for i, steps in ipairs(mnemo.runs.where(points, { n = n }, "steps")) do
    list[i] = steps[j][map]
  end
  return list
end

--- Returns the recall of a map for each draw.
local function recalls(n, j, map)
  local list = {}
  for s, one in ipairs(held(n, j, map)) do list[s] = one.recall end
  return list
end

--- Returns the mean margin of all draws over its standard deviation; NaN if that is 0.
local function signal_to_noise(n, j, map)
  local count, sum, squares = 0, 0, 0
  for _, one in ipairs(held(n, j, map)) do
    count, sum, squares = count + one.count, sum + one.sum, squares + one.squares
  end
  local mean = sum / count
  local variance = squares / count - mean ^ 2
  local is_spread = variance > 1e-9 * squares / count
  return is_spread and mean / math.sqrt(variance) or math.abs(0 / 0)
end

local function rate(n) return (1 - alpha) ^ 2 / (n - 2) end
local function predicted(n, m) return 1 - math.exp(-m * rate(n)) end

-- The tables -----------------------------------------------------------------------------------

local function number(value) return stats.text({ mean = value }, 2) end

local rows = { { "N", "m", "feed-forward", "values", "predicted", "uniform" } }
local ratios = { { "N", "m", "feed-forward", "√(mα/(1−α))", "values", "√(m(1−α)²/(N−2))",
  "uniform" } }
for i, n in ipairs(sizes) do
  for j, m in ipairs(samples) do
    if j % 2 == 1 and m >= 4 then
      rows[#rows + 1] = { n, m, stats.text(stats.of(recalls(n, j, "ff")), 2),
        stats.text(stats.of(recalls(n, j, "values"))), ("%.3f"):format(predicted(n, m)),
        stats.text(stats.of(recalls(n, j, "uniform"))) }
      if i == 1 or i == #sizes then
        ratios[#ratios + 1] = { n, m, number(signal_to_noise(n, j, "ff")),
          number(math.sqrt(m * alpha / (1 - alpha))), number(signal_to_noise(n, j, "values")),
          number(math.sqrt(m * rate(n))), number(signal_to_noise(n, j, "uniform")) }
      end
    end
  end
end
print(("One step on m samples, α = %g, over %d seed(s): how often the feed-forward says τ, and\n"
  .. "which share of outputs the values hold, reading the token after the trigger (predicted:\n"
  .. "1 − exp(−m(1−α)²/(N−2))) or %d tokens alike:\n"):format(alpha, options.seeds, length))
print(mnemo.runs.columns(rows))
print("\nMean margin over its standard deviation, where there is one:\n")
print(mnemo.runs.columns(ratios))

-- The figure -----------------------------------------------------------------------------------

--- Draws a map's recall over the samples, a curve for each N. What is right or wrong in each draw
-- has no band.
local function recall_panel(title, map, theory)
  local series = {}
  for i, n in ipairs(sizes) do
    local by_samples, line = {}, {}
    for j, m in ipairs(samples) do
      local list = recalls(n, j, map)
      by_samples[j] = map == "ff" and stats.of(list).mean or list
      line[j] = predicted(n, m)
    end
    series[i] = {
      name = ("N = %d"):format(n), y = map == "ff" and by_samples
        or mnemo.runs.transposed(by_samples),
    }
    if theory then
      local name = i == #sizes and "theory" or nil
      series[#sizes + i] = { name = name, y = line, style = "reference" }
    end
  end
  return mnemo.plot.lines {
    title = title, x = samples, xscale = "log", series = series, xlabel = "samples m",
    ylabel = "recall", ylim = { 0, 1.02 }, legend = "below",
  }
end

--- Draws margins over their spread, where there is one and they are positive, and theory.
local function ratio_panel(n)
  local series = {}
  local function add(name, style, ratio)
    local x, y = {}, {}
    for j, m in ipairs(samples) do
      local value = ratio(j, m)
      if value > 0 and value < math.huge then x[#x + 1], y[#y + 1] = m, value end
    end
    if #x > 0 then series[#series + 1] = { name = name, x = x, y = y, style = style } end
  end
  add("feed-forward", "lines", function(j) return signal_to_noise(n, j, "ff") end)
  add("values", "lines", function(j) return signal_to_noise(n, j, "values") end)
  add("√(mα/(1−α))", "reference", function(_, m) return math.sqrt(m * alpha / (1 - alpha)) end)
  add("√(m(1−α)²/(N−2))", "reference", function(_, m) return math.sqrt(m * rate(n)) end)
  return mnemo.plot.lines {
    title = ("margin over its spread, N = %d"):format(n), xscale = "log", yscale = "log",
    series = series, xlabel = "samples m", ylabel = "mean / standard deviation", legend = "below",
  }
end

mnemo.plot.grid({
  recall_panel("feed-forward: q → τ", "ff"),
  recall_panel("values of the token after q: k → k", "values", true),
  recall_panel(("values of %d tokens alike: k → k"):format(length), "uniform"),
  ratio_panel(sizes[#sizes]),
}, { title = "What one gradient step stores of m samples", width = 900, height = 800 })
  :save(options.out .. "/figure.svg"):save(options.out .. "/figure.png")

-- The verdict, from these numbers --------------------------------------------------------------

--- Returns at how many samples a map's mean recall passes one half, or nil.
local function half(n, map)
  local before = 0
  for j, m in ipairs(samples) do
    local now = stats.of(recalls(n, j, map)).mean
    if now >= 0.5 then return j == 1 and 1 or m * 2 ^ -((now - 0.5) / (now - before)) end
    before = now
  end
end

--- Says how the number of samples for half of the recall grows with N.
local function growth(name, map)
  local x, y = {}, {}
  for _, n in ipairs(sizes) do
    local m = half(n, map)
    if m then x[#x + 1], y[#y + 1] = n, m end
  end
  if #x < 3 then return ("%s:\nhalf is held at %d of %d sizes."):format(name, #x, #sizes) end
  local fit = memory.slope(x, y)
  return ("%s:\nhalf is held from m = %.0f at N = %d and from %.0f at N = %d, as N^(%s)."):format(
    name, y[1], x[1], y[#y], x[#x], stats.text(fit, 2))
end

print(("\nDifferentiation and the sums differ by %.1e at most."):format(difference()))
local best = stats.of(recalls(sizes[1], #samples, "values"))
if stats.compare(best, 0.5) ~= "more" then
  print(("Nothing can be said about samples: at N = %d values hold %s from m = %d over %d seed(s).")
    :format(sizes[1], stats.text(best), samples[#samples], options.seeds))
else
  local farthest, always = 0, {}
  for i, n in ipairs(sizes) do
    for j, m in ipairs(samples) do
      if m >= 64 then
        farthest = math.max(farthest,
          math.abs(stats.of(recalls(n, j, "values")).mean - predicted(n, m)))
      end
      if stats.of(recalls(n, j, "ff")).mean < 1 then always[i] = nil
      else always[i] = always[i] or m end
    end
    always[i] = tostring(always[i] or "none")
  end
  print(("Feed-forward: right in every draw from m = %s on, at N = %s."):format(
    table.concat(always, ", "), table.concat(sizes, ", ")))
  print(growth("Values of the token after the trigger", "values"))
  print(("Their recall is within %.3f of 1 − exp(−m(1−α)²/(N−2)) from m = 64 on."):format(farthest))
  print(growth(("Values of %d tokens alike"):format(length), "uniform"))
end
print("Results are in " .. options.out)
