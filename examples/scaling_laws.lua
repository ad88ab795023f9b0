-- E11  Scaling laws of an associative memory
--
-- N inputs z have probabilities p(z) ∝ z^−2, each belongs to one of five classes, f(z) = z mod 5.
-- A memory of width d holds them with random embeddings u_z ~ N(0, 1/d) and outputs v_k of norm 1:
--
--   W = Σ_z q(z) v_f(z) u_zᵀ,   answer to z: argmax_k v_kᵀ W u_z,   error: P(answer ≠ f(z))
--
-- What q should be decides how the error falls with d. Of the population: q = p, q = 1, or
-- q = 1{z ≤ d/8}, the most frequent only. Of a sample of n draws: how often z was seen, whether it
-- was, whether it was seen s times, or is among the d/8 seen most.
--
-- What should be seen: with q = p the error falls as d^(−1/4), because frequent inputs drown rare
-- ones; the d/8 most frequent alone give 1/d, which is the probability of those left out. In n the
-- error falls as n^(−1/2), the probability of what was never seen, until d is the limit: q = counts
-- meets it soon. q = 1 stores all alike and fails unless d is far above N, where it is best: its
-- error then falls faster than any power. Thresholds s are each right for a width of their own.
--
-- W is never formed. With c_k = Σ_{f(z) = k} q(z) u_z the scores are Σ_j (v_k·v_j)(c_j·u_z), for
-- all schemes q in one product. Smaller widths use the first coordinates of the same embeddings;
-- only the outputs' length matters to answers, and is 1 at every width.
--
-- After Cabannes, Dohmatob, Bietti 2024, "Scaling Laws for Associative Memories", figures 2 and 3.
local mnemo = require "mnemo"

local options = require "mnemo.arguments" {
  about = "Measures the error of a memory against its width and the sample (E11).",
  sweep = true,
  quick = { trials = 100 },
  full = { trials = 4000 },
  { "trials", 400, "draws of embeddings and samples", min = 1 },
  { "per_class", 200, "inputs of each of the five classes; a tenth of it for d above N",
    min = 20 },
  { "dim", 1000, "the largest width", min = 10 },
  { "samples", 10000, "largest sample", min = 1024 },
  { "seed", 1, "decides all draws" },
  { "out", "runs/scaling_laws", "folder for results", type = "folder" },
}
local classes, thresholds = 5, { 2, 8, 32 }
local widths, sizes = {}, {}
for _, d in ipairs { 10, 16, 26, 33, 54, 88, 112, 183, 233, 379, 483, 784, 1000 } do
  if d <= options.dim then widths[#widths + 1] = d end -- of the published figures' twenty
end
local dim = widths[#widths]
for i = 0, 5 do sizes[i + 1] = math.floor(options.samples / 4 ^ (5 - i) + 0.5) end
local all = sizes[#sizes]

-- The schemes: first those that are the same for every d, then those that keep the first d/8
local names = { "q = 1", "q = p" }
for _, n in ipairs(sizes) do
  table.insert(names, "counts, n = " .. n)
  table.insert(names, "seen, n = " .. n)
end
for _, s in ipairs(thresholds) do table.insert(names, "seen ≥ " .. s) end
table.insert(names, "z ≤ d/8")
for _, n in ipairs(sizes) do table.insert(names, "most seen, n = " .. n) end

-- The scan ---------------------------------------------------------------------------------

--- Returns p(z) ∝ z^−2 of n inputs.
local function zipf(n)
  local weights = mnemo.arange(1, n) ^ -2
  return weights / weights:sum()
end

--- Draws a sample. Returns the schemes that are the same for every d, [scheme, z]; and of the rest
-- the rank of each input, with one that is never kept at the end, [scheme, z].
local function draw_schemes(p)
  local n_inputs = p:size(1)
  local ids = mnemo.multinomial(p, all, true)
  local fixed, ranks, counts = { mnemo.ones(n_inputs), p }, { mnemo.arange(1, n_inputs) }, nil
  for i, n in ipairs(sizes) do
    counts = ids:narrow(1, 1, n):bincount(n_inputs):tensor()
    local seen = counts:gt(0)
    fixed[2 * i + 1], fixed[2 * i + 2] = counts, seen
    -- Of those seen equally often, chance decides.
    local order = (counts + mnemo.rand(n_inputs)):argsort(1, true)
    ranks[i + 1] = mnemo.where(seen, order:argsort(1):tensor(), math.huge)
  end
  for _, s in ipairs(thresholds) do table.insert(fixed, counts:ge(s)) end
  return mnemo.stack(fixed, 1), mnemo.stack(ranks, 1)
end

--- Returns the errors of one trial, [width, scheme].
local function trial(p)
  local n_inputs = p:size(1)
  local E, V = mnemo.randn(n_inputs, dim), mnemo.randn(classes, dim)
  local fixed, ranks = draw_schemes(p)
  local q, n_fixed, n_ranked = { fixed }, fixed:size(1), ranks:size(1)
  for i, d in ipairs(widths) do q[i + 1] = ranks:le(d / 8) end
  -- c_k of every scheme, [class, scheme, dim]: first the fixed ones, then the ranked at each width.
  local by_class = E:reshape(n_inputs // classes, classes, dim):permute(2, 1, 3)
  local c = mnemo.cat(q, 1):reshape(n_fixed + #widths * n_ranked, n_inputs // classes, classes)
    :permute(3, 1, 2):matmul(by_class)
  -- As numbers, which compare faster than ids.
  local targets, errors = mnemo.arange(0, n_inputs - 1) % classes + 1, {}
  for i, d in ipairs(widths) do
    local ranked = c:narrow(2, n_fixed + (i - 1) * n_ranked + 1, n_ranked)
    local sums = mnemo.cat({ c:narrow(2, 1, n_fixed):narrow(3, 1, d), ranked:narrow(3, 1, d) }, 2)
    local outputs = V:narrow(2, 1, d)
    local G = outputs:matmul(outputs:t())
    local lengths = outputs:norm(2, 2)
    local mixed = (G / lengths:outer(lengths)):matmul(sums:reshape(classes, #names * d))
    local scores = mixed:reshape(classes * #names, d):matmul(E:narrow(2, 1, d):t())
    local answers = scores:reshape(classes, #names, n_inputs):argmax(1)
    errors[i] = 1 - answers:tensor():eq(targets):matmul(p)
  end
  return mnemo.stack(errors, 1)
end

local n_inputs = classes * options.per_class
local n_few = classes * (options.per_class // 10)

-- Trials come in blocks, each with a seed of its own.
local blocks, block_size = {}, 50
for i, inputs in ipairs { n_inputs, n_few } do
  for first = 1, options.trials, block_size do
    blocks[#blocks + 1] = {
      inputs = inputs, trials = math.min(block_size, options.trials - first + 1),
      seed = 1000000 * options.seed + 2 * first + i,
    }
  end
end

local points = mnemo.sweep {
  name = "scaling_laws", store = options.out .. "/sweep.sqlite", options = options,
  stop_on_error = true, points = blocks,
  run = function(point)
    mnemo.seed(point.seed)
    local p, errors = zipf(point.inputs), {}
    for t = 1, point.trials do errors[t] = trial(p):totable() end
    return { errors = errors }
  end,
}

--- Returns the errors of all trials by scheme, each [trial, width].
local function errors_by_scheme(inputs)
  local trials, errors = {}, {}
  for _, block in ipairs(mnemo.runs.where(points, { inputs = inputs }, "errors")) do
    table.move(block, 1, #block, #trials + 1, trials)
  end
  local together = mnemo.tensor(trials)
  for i, name in ipairs(names) do errors[name] = together:select(3, i) end
  return errors
end

local errors, few = errors_by_scheme(n_inputs), errors_by_scheme(n_few)

--- Returns the mean error of a scheme at a width, given by its number.
local function mean(name, i)
  return errors[name]:select(2, i):mean():item()
end

-- The tables -------------------------------------------------------------------------------

--- Writes a mean over trials with its error, to three digits of the mean.
local function text(found, i)
  local measured = mnemo.stats.of(found:select(2, i):totable())
  local digits = math.max(3, 2 - math.floor(math.log(math.max(measured.mean, 1e-6), 10)))
  return mnemo.stats.text(measured, math.min(digits, 5))
end

local shown = { "q = 1", "q = p", "z ≤ d/8", "counts, n = " .. all, "seen, n = " .. all,
  "most seen, n = " .. all }
for _, s in ipairs(thresholds) do table.insert(shown, "seen ≥ " .. s) end
local rows = { { "d", table.unpack(shown) } }
for i, d in ipairs(widths) do
  rows[i + 1] = { d }
  for j, name in ipairs(shown) do rows[i + 1][j + 1] = text(errors[name], i) end
end
print(("Error by width, N = %d, means over %d trial(s):\n"):format(n_inputs, options.trials))
print(mnemo.runs.columns(rows))

rows = { { "n", "counts", "seen", "most seen", "never seen" } }
local p, unseen = zipf(n_inputs), {}
for i, n in ipairs(sizes) do
  -- An input that was not seen is right by chance.
  unseen[i] = (1 - 1 / classes) * p:dot((1 - p) ^ n):item()
  rows[i + 1] = { n }
  for _, kind in ipairs { "counts", "seen", "most seen" } do
    table.insert(rows[i + 1], text(errors[kind .. ", n = " .. n], #widths))
  end
  table.insert(rows[i + 1], ("%.4f"):format(unseen[i]))
end
print(("\nError by sample at d = %d; the last column is %g P(never seen), exactly:\n"):format(
  dim, 1 - 1 / classes))
print(mnemo.runs.columns(rows))

rows = { { "d", "q = 1", "q = p", "z ≤ d/8", "seen, n = " .. all } }
for i, d in ipairs(widths) do
  if i % 2 == 1 then
    rows[#rows + 1] = { d }
    for j = 2, 5 do table.insert(rows[#rows], text(few[rows[1][j]], i)) end
  end
end
print(("\nThe same with N = %d:\n"):format(n_inputs // 10))
print(mnemo.runs.columns(rows))

-- Slopes -----------------------------------------------------------------------------------

--- Fits a power law to errors; nil where they are too few, or not more than 0.
local function fit(x, y)
  for _, value in ipairs(y) do
    if value <= 0 then return nil end
  end
  return options.trials > 1 and #x >= 4 and mnemo.memory.slope(x, y) or nil
end

--- Fits the error over the widths from N/30 to N/2, where neither end bends it.
local function slope_in_d(name)
  local x, y = {}, {}
  for i, d in ipairs(widths) do
    if d >= n_inputs / 31 and d <= n_inputs / 2 then
      x[#x + 1], y[#y + 1] = d, mean(name, i)
    end
  end
  return fit(x, y)
end

--- Lists the mean errors of a kind of scheme over the samples, at the largest width.
local function over_samples(kind)
  local values = {}
  for i, n in ipairs(sizes) do values[i] = mean(("%s, n = %d"):format(kind, n), #widths) end
  return values
end

local alpha = 2
local slopes = {
  { what = "q = p", over = "d", fit = slope_in_d("q = p"), theory = -(alpha - 1) / (2 * alpha) },
  { what = "z ≤ d/8", over = "d", fit = slope_in_d("z ≤ d/8"), theory = -(alpha - 1) },
  { what = "seen", over = "n", fit = fit(sizes, over_samples("seen")),
    theory = -(alpha - 1) / alpha },
  { what = "most seen", over = "n", fit = fit(sizes, over_samples("most seen")),
    theory = -(alpha - 1) / alpha },
  { what = "never seen", over = "n", fit = fit(sizes, unseen), theory = -(alpha - 1) / alpha },
  { what = "counts", over = "n", fit = fit(sizes, over_samples("counts")) },
}

-- The figure -------------------------------------------------------------------------------

--- Makes a curve of errors [trial, point]: means, and a band of two standard errors. Where no trial
-- has an error a logarithmic axis has no place, and the curve ends.
local function curve(name, x, found)
  local series = { name = name, x = {}, y = {}, low = {}, high = {} }
  for i, value in ipairs(x) do
    local measured = mnemo.stats.of(found:select(2, i):totable())
    if measured.mean > 0 then
      local around = 2 * (measured.error or 0)
      for key, number in pairs { x = value, y = measured.mean, low = measured.mean - around,
        high = measured.mean + around } do
        table.insert(series[key], number)
      end
    end
  end
  return series
end

--- Lists the errors of schemes over the widths as curves.
local function curves(found, schemes)
  local series = {}
  for i, name in ipairs(schemes) do series[i] = curve(name, widths, found[name]) end
  return series
end

--- Adds a fitted power law to curves, over the whole axis.
local function with_fit(series, slope, x)
  local y = {}
  for i, value in ipairs(x) do
    y[i] = slope.fit and slope.fit.factor * value ^ slope.fit.mean
  end
  if slope.fit then
    series[#series + 1] = { y = y, style = "reference", name = ("fit to %s: slope %s"):format(
      slope.what, mnemo.stats.text(slope.fit)) }
  end
  return series
end

--- Draws errors, both axes logarithmic.
local function panel(title, x, series, xlabel)
  return mnemo.plot.lines {
    title = title, x = x, series = series, xlabel = xlabel or "width d", ylabel = "error",
    xscale = "log", yscale = "log", ylim = { 1e-3, 1 }, legend = "below",
  }
end

local population = curves(errors, { "q = 1", "q = p", "z ≤ d/8" })
local left_out, by_sample, levels = {}, {}, {}
for i, d in ipairs(widths) do
  left_out[i] = (1 - 1 / classes) * p:dot(mnemo.arange(1, n_inputs):gt(d / 8)):item()
end
table.insert(population, { name = ("%g P(z > d/8)"):format(1 - 1 / classes), y = left_out,
  style = "reference" })
with_fit(with_fit(population, slopes[1], widths), slopes[2], widths)
for i, kind in ipairs { "counts", "seen", "most seen" } do
  local of_sizes = {}
  for j, n in ipairs(sizes) do
    of_sizes[j] = errors[("%s, n = %d"):format(kind, n)]:select(2, #widths)
  end
  by_sample[i] = curve(kind, sizes, mnemo.stack(of_sizes, 2))
end
table.insert(by_sample, { name = ("%g P(never seen)"):format(1 - 1 / classes), y = unseen,
  style = "reference" })
for j, n in ipairs(sizes) do
  levels[j] = errors["seen, n = " .. n]:mean(1)
end

mnemo.plot.grid({
  panel("population", widths, population),
  panel(("a sample of %d"):format(all), widths,
    curves(errors, { "counts, n = " .. all, "seen, n = " .. all, "most seen, n = " .. all })),
  panel(("thresholds, a sample of %d"):format(all), widths,
    curves(errors, { "seen, n = " .. all, "seen ≥ 2", "seen ≥ 8", "seen ≥ 32",
      "most seen, n = " .. all })),
  panel(("samples, d = %d"):format(dim), sizes,
    with_fit(by_sample, slopes[3], sizes), "sample n"),
  panel(("N = %d, population and a sample of %d"):format(n_inputs // 10, all), widths,
    curves(few, { "q = 1", "q = p", "z ≤ d/8", "seen, n = " .. all })),
  mnemo.plot.contour {
    title = "error with q = seen, by width and sample", x = widths, y = sizes,
    z = mnemo.stack(levels, 1), levels = { 0.01, 0.02, 0.05, 0.1, 0.2, 0.4 }, palette = "greys",
    xscale = "log", yscale = "log", xlabel = "width d", ylabel = "sample n",
  },
}, { title = "Scaling laws of an associative memory", width = 900, height = 1260 })
  :save(options.out .. "/figure.svg"):save(options.out .. "/figure.png")

-- The verdict, from these runs' numbers ------------------------------------------------------

--- Says what a slope is beside theory.
local function say_slope(one)
  local against = one.theory and mnemo.stats.compare(one.fit, one.theory)
  print(("%s: the error falls with %s as %s^(%s)%s"):format(one.what, one.over, one.over,
    mnemo.stats.text(one.fit), not one.theory and "." or (", in theory %g: %s."):format(one.theory,
      against and ("they differ by %.3f"):format(math.abs(one.fit.mean - one.theory))
        or "they are not told apart")))
end

--- Says which of some schemes has the least error at a width, if that is told.
local function say_best(found, schemes, i, n)
  local measured, best = {}, 1
  for j, name in ipairs(schemes) do
    measured[j] = mnemo.stats.of(found[name]:select(2, i):totable())
    if measured[j].mean < measured[best].mean then best = j end
  end
  for j in ipairs(schemes) do
    if j ~= best then
      local gaps = mnemo.stats.of((found[schemes[j]] - found[schemes[best]]):select(2, i):totable())
      if mnemo.stats.compare(gaps, 0) ~= "more" then return end
    end
  end
  print(("N = %d, d = %d: of %s the best is %s, error %s."):format(n, widths[i],
    table.concat(schemes, ", "), schemes[best], text(found[schemes[best]], i)))
end

print()
if slopes[1].fit and slopes[2].fit then
  for _, one in ipairs(slopes) do
    if one.fit then say_slope(one) end
  end
  for _, i in ipairs { 4, 7, 11, #widths } do
    say_best(errors, { "seen, n = " .. all, "seen ≥ 2", "seen ≥ 8", "seen ≥ 32" }, i, n_inputs)
  end
  say_best(errors, { "q = 1", "q = p", "z ≤ d/8" }, #widths, n_inputs)
  say_best(few, { "q = 1", "q = p", "z ≤ d/8" }, #widths, n_inputs // 10)
else
  print("Nothing can be said about scaling laws: that takes several trials, and four widths from "
    .. "N/30 to N/2.")
end
print("Results are in " .. options.out)
