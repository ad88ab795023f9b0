-- E12  What an optimiser stores: which q(z) it builds
--
-- A memory W = Σ_z q(z) v_f(z) u_zᵀ holds the pair of z as strongly as q(z) says; how well it
-- answers in d dimensions is decided by q, and training chooses one. Here tokens z come with
-- p(z) ∝ z⁻², the answer is f(z) = z mod M, W starts at 0 and embeddings are orthonormal, so that
--
--   q(z) = v_f(z)ᵀ W u_z − the mean of v_kᵀ W u_z over the other answers k
--
-- can be read off. With the softmax loss and plain gradient steps tokens do not touch each other: a
-- step of size η that weighs z by w, p(z) of the population or 1 of a token that was drawn, adds
--
--   η w M/(M − 1) (1 − 1/(1 + (M − 1) e⁻ᵠ))
--
-- to q: so much for each time z is seen at first, a logarithm of that later.
--
-- What should be seen: the slope of log q on log p is 1 after one large-batch step. Of 10⁴ steps
-- with batches of one it is 0, .01, .31, .63 at learning rates 100, 10, 1, .1; .39 after 1000 steps
-- on the population at 10; near .45 and .15 after 10 and 1000 steps of Adam, which are 0 with
-- embeddings along the axes; 0 where outputs are normalised and SGD trains. Where d is less than N
-- and embeddings overlap, smaller steps late help after large ones, if they are not too small.
--
-- After Cabannes, Dohmatob and Bietti 2024, "Scaling Laws for Associative Memories", §4.
local mnemo = require "mnemo"

local options = require "mnemo.arguments" {
  about = "Shows how strongly each optimiser stores frequent and rare tokens (E12).",
  quick = { steps = 2000, late_seeds = 8 },
  full = { steps = 100000, seeds = 10, late_seeds = 64 },
  { "tokens", 100, "N, how many tokens there are", min = 3 },
  { "answers", 5, "M, how many answers there are", min = 2 },
  { "alpha", 2.0, "p(z) ∝ z^−alpha", min = 0 },
  { "kind", "orthonormal", "the embeddings, turned at random or along the axes",
    choices = { "orthonormal", "one_hot" } },
  { "dim", 128, "width, at least as many as tokens and answers", min = 3 },
  { "narrow", 16, "width at which small steps are tried late, less than tokens", min = 1 },
  { "steps", 10000, "steps with batches of one", min = 2 },
  { "late", 0.5, "the share of these that is small when small steps are tried late", min = 0,
    max = 1 },
  { "lr", 1.0, "factor of all learning rates", min = 0 },
  { "seeds", 5, "runs of each optimiser", min = 1 },
  { "late_seeds", 16, "runs with small steps late", min = 1 },
  { "seed", 1, "first seed of embeddings and samples" },
  { "out", "runs/memory_schemes", "folder for results", type = "folder" },
}
local N, M = options.tokens, options.answers
local p = mnemo.corpus.zipf(N, options.alpha).unigram
local answers = mnemo.int_arange(1, N) % M + 1

-- Memories of several seeds at once ----------------------------------------------------------

--- Draws embeddings for each seed: `U` [S, N, d], `V` [S, M, d].
local function drawn(seeds, d, kind)
  local U, V = {}, {}
  for s = 1, seeds do
    local seed = 3 * (options.seed + s)
    U[s] = mnemo.memory.embeddings(N, d, { kind = kind, seed = seed })
    V[s] = mnemo.memory.embeddings(M, d, { kind = kind, seed = seed + 1 })
  end
  return { U = mnemo.stack(U, 1), V = mnemo.stack(V, 1), seeds = seeds, d = d }
end

--- Draws tokens for each seed, [S, n].
local function samples(seeds, n)
  local z = {}
  for s = 1, seeds do
    z[s] = mnemo.multinomial(p, n, true, { seed = 3 * (options.seed + s) + 2 })
  end
  return mnemo.stack(z, 1)
end

--- Returns the scores of inputs X [S, n, d] for all answers, [S, n, M]; outputs may be normalised.
local function scores(W, X, V, is_normed)
  local output = X:matmul(W:transpose(2, 3))
  if is_normed then output = output / (output:square():sum(3, true) + 1e-6):sqrt() end
  return output:matmul(V:transpose(2, 3))
end

--- Returns zeros to begin with, [S, d, d].
local function begun(memory)
  return mnemo.zeros(memory.seeds, memory.d, memory.d):requires_grad(true)
end

--- Trains on all tokens at once, weighed by P [S, N].
local function on_all(memory, P, optimizer, steps, is_normed)
  local W, rows = begun(memory), {}
  for s = 1, memory.seeds do rows[s] = answers end
  local targets = mnemo.stack(rows, 1)
  for _ = 1, steps do
    optimizer:zero_grad { W }
    scores(W, memory.U, memory.V, is_normed)
      :cross_entropy(targets, { mask = P, reduction = "sum" }):backward()
    optimizer:step { W }
  end
  return W:detach()
end

--- Trains on tokens z [S, n], one a step.
local function on_each(memory, z, optimizer, W)
  W = W and W:clone():requires_grad(true) or begun(memory)
  local S, n = z:size(1), z:size(2)
  local places = (z + (mnemo.int_arange(0, S - 1) * N):reshape(S, 1)):t():reshape(n * S)
  local X = memory.U:reshape(S * N, memory.d)[places]:reshape(n, S, 1, memory.d)
  local targets = answers[z:t():reshape(n * S)]:reshape(n, S, 1)
  for step = 1, n do
    optimizer:zero_grad { W }
    scores(W, X:select(1, step), memory.V)
      :cross_entropy(targets:select(1, step), { reduction = "sum" }):backward()
    optimizer:step { W }
  end
  return W:detach()
end

--- Returns q(z) for each seed, [S, N].
local function strengths(W, memory, is_normed)
  local all = scores(W, memory.U, memory.V, is_normed)
  local right = (all * mnemo.one_hot(answers, M)):sum(3)
  return right - (all:sum(3) - right) / (M - 1)
end

--- Counts how often each token was drawn, [S, N].
local function counts(z)
  local found = {}
  for s = 1, z:size(1) do
    local row = {}
    for token = 1, N do row[token] = 0 end
    for _, token in ipairs(z:select(1, s):totable()) do row[token] = row[token] + 1 end
    found[s] = row
  end
  return mnemo.tensor(found)
end

-- The optimisers ---------------------------------------------------------------------------

local lr = options.lr
local population = mnemo.stack({ p }, 1):expand(options.seeds, N):contiguous()
local one_each = samples(options.seeds, options.steps)
local large, drawn_one_each = counts(samples(options.seeds, 100000)), counts(one_each)

-- Each is { name, optimizer, learning rate, steps, … }; `P` is what each token weighs in a step,
-- none where it is drawn alone; `seen` how often it was drawn.
local schemes = {
  { "one step, population", "sgd", 1, 1, P = population },
  { "one step, 10⁵ samples", "sgd", 1, 1, P = large / 100000, seen = large },
  { "SGD, lr %g, %d steps", "sgd", 10, 1000, P = population },
  { "Adam, lr %g, %d steps", "adam", 0.1, 10, P = population },
  { "Adam, lr %g, %d steps", "adam", 0.1, 1000, P = population },
  { "SGD, normed, lr %g, %d steps", "sgd", 1, 1000, P = population, is_normed = true },
  { "Adam, normed, lr %g, %d steps", "adam", 0.1, 1000, P = population, is_normed = true },
}
local batches_of_one = {}
for i, rate in ipairs { 100, 10, 1, 0.1 } do
  batches_of_one[i] =
    { "batch one, lr %g, %d steps", "sgd", rate, options.steps, seen = drawn_one_each }
  schemes[#schemes + 1] = batches_of_one[i]
end

--- Returns what plain gradient steps make of tokens: `rate` is η w [S, N], taken as often as
-- `steps` says of each, [S, N] or a number.
local function predicted(rate, steps)
  local q, most = mnemo.zeros(options.seeds, N), steps
  if type(steps) ~= "number" then most = math.tointeger(steps:max():item()) end
  for step = 1, most do
    local slope = 1 - 1 / (1 + (-q):exp() * (M - 1))
    local taken = type(steps) == "number" and rate or steps:ge(step) * rate
    q = q + slope * taken * (M / (M - 1))
  end
  return q
end

--- Fits log q on log p for each seed, over the tokens that were seen and are held.
local function fit(scheme)
  scheme.slopes, scheme.held = {}, {}
  for s = 1, options.seeds do
    local q, x, y = scheme.q[s]:totable(), {}, {}
    local seen = scheme.seen and scheme.seen[s]:totable()
    for token, frequency in ipairs(p:totable()) do
      if q[token] > 0 and not (seen and seen[token] == 0) then
        x[#x + 1], y[#y + 1] = frequency, q[token]
      end
    end
    scheme.held[s] = #x
    scheme.slopes[s] = #x >= 3 and x[1] > x[#x] and mnemo.memory.slope(x, y).mean
      or math.abs(0 / 0)
  end
  scheme.slope = mnemo.stats.of(scheme.slopes)
end

local wide = drawn(options.seeds, options.dim, options.kind)
for _, scheme in ipairs(schemes) do
  local kind, rate, steps, P = scheme[2], scheme[3] * lr, scheme[4], scheme.P
  local optimizer = mnemo.optim[kind] { lr = rate }
  local W = P and on_all(wide, P, optimizer, steps, scheme.is_normed)
    or on_each(wide, one_each, optimizer)
  scheme.name, scheme.rate = scheme[1]:format(rate, steps), rate
  scheme.q = strengths(W, wide, scheme.is_normed)
  if kind == "sgd" and not scheme.is_normed then
    scheme.theory = P and predicted(P * rate, steps) or predicted(rate, scheme.seen)
  end
  fit(scheme)
end

-- Small steps late ---------------------------------------------------------------------------

local factors = { 1, 0.3, 0.1, 0.03, 0.01 }
local narrow = drawn(options.late_seeds, options.narrow, "sphere")
local small = math.max(1, math.floor(options.late * options.steps))
local before = math.max(1, options.steps - small)
local late = samples(options.late_seeds, before + small)

--- Returns each seed's error, P(f̂ ≠ f).
local function errors(W)
  local wrong = scores(W, narrow.U, narrow.V):argmax(3):ne(answers)
  return (wrong * p):sum(2):totable()
end

local fallen = {} -- of each learning rate: the errors before, and after by factor; of each seed
for i, rate in ipairs { 10, 3, 1 } do
  local W = on_each(narrow, late:narrow(2, 1, before), mnemo.optim.sgd { lr = rate * lr })
  fallen[i] = { rate = rate * lr, before = errors(W) }
  for j, factor in ipairs(factors) do
    fallen[i][j] = errors(on_each(narrow, late:narrow(2, before + 1, small),
      mnemo.optim.sgd { lr = rate * lr * factor }, W))
  end
end

--- Returns by how much the second errors are above the first, over seeds.
local function change(first, second)
  local differences = {}
  for s, value in ipairs(second) do differences[s] = value - first[s] end
  return mnemo.stats.of(differences)
end

-- The tables -------------------------------------------------------------------------------

local of, text, compare = mnemo.stats.of, mnemo.stats.text, mnemo.stats.compare

local rows = { { "optimiser", "slope of log q on log p", "tokens held", "q, first", "q, last",
  "off the theory" } }
for _, scheme in ipairs(schemes) do
  local q, theory = scheme.q, scheme.theory
  rows[#rows + 1] = {
    scheme.name, text(scheme.slope), text(of(scheme.held), 1),
    ("%.3g"):format(q:select(2, 1):mean():item()), ("%.2g"):format(q:select(2, N):mean():item()),
    theory and ("%.0e"):format((q - theory):abs():max():item()) or "",
  }
end
print(("N = %d tokens, p ∝ z^−%g, M = %d answers, %s, d = %d, %d seed(s):\n"):format(N,
  options.alpha, M, options.kind, options.dim, options.seeds))
print(mnemo.runs.columns(rows))

rows = { { "lr", "error before", "late lr", "error", "change by smaller steps" } }
for _, rate in ipairs(fallen) do
  for j, factor in ipairs(factors) do
    rows[#rows + 1] = {
      ("%g"):format(rate.rate), text(of(rate.before), 4), ("%g"):format(rate.rate * factor),
      text(of(rate[j]), 4), j > 1 and text(change(rate[1], rate[j]), 4) or "",
    }
  end
end
print(("\nSmall steps late, d = %d, %d + %d steps with batches of one, %d seed(s):\n"):format(
  options.narrow, before, small, options.late_seeds))
print(mnemo.runs.columns(rows))

-- The figure -------------------------------------------------------------------------------

--- Puts a slope behind a curve's name; zero has no sign.
local function named(name, scheme)
  return (("%s: %.2f"):format(name, scheme.slope.mean):gsub("%-(0%.00)", "%1"))
end

--- Describes q against p as means of log q over the seeds that hold a token, with a band.
local function curve(scheme, name)
  local series = { name = named(name, scheme), x = {}, y = {}, low = {}, high = {} }
  local frequencies = p:totable()
  for token, values in ipairs(scheme.q:t():totable()) do
    local logs = {}
    for _, q in ipairs(values) do
      if q > 0 then logs[#logs + 1] = math.log(q) end
    end
    if #logs > 0 then
      local i, mean, deviation = #series.x + 1, mnemo.runs.summary(logs)
      series.x[i], series.y[i] = frequencies[token], math.exp(mean)
      series.low[i] = math.exp(mean - (deviation or 0))
      series.high[i] = math.exp(mean + (deviation or 0))
    end
  end
  return series
end

--- Describes the first seed's numbers q of tokens against x, in the order of x.
local function points(x, q, series)
  local pairs_of = {}
  for token, at in ipairs(x:totable()) do
    local value = q[token]:item()
    if at > 0 and value > 0 then pairs_of[#pairs_of + 1] = { at, value } end
  end
  table.sort(pairs_of, function(a, b) return a[1] < b[1] end)
  series.x, series.y = {}, {}
  for i, pair in ipairs(pairs_of) do series.x[i], series.y[i] = pair[1], pair[2] end
  return series
end

--- Draws q, on logarithmic axes; curves of nothing are left out.
local function panel(title, xlabel, series)
  local kept = {}
  for _, one in ipairs(series) do
    if #one.x > 0 then kept[#kept + 1] = one end
  end
  if #kept == 0 then kept[1] = { name = "nothing is held", x = { 1 }, y = { 1 } } end
  return mnemo.plot.lines {
    title = title, xlabel = xlabel, ylabel = "q(z)", xscale = "log", yscale = "log",
    legend = "below", series = kept,
  }
end

local by_count, rates, slopes, by_rate, late_rates = {}, {}, {}, {}, {}
for i, scheme in ipairs(batches_of_one) do
  local seen = scheme.seen[1]
  table.insert(by_count, i, points(seen, scheme.q[1],
    { name = named(("lr %g"):format(scheme.rate), scheme), style = "points" }))
  table.insert(by_count, points(seen, scheme.theory[1],
    { name = i == 1 and "theory" or nil, style = "reference" }))
  rates[i], slopes[i] = scheme.rate, scheme.slopes
end
for j, factor in ipairs(factors) do late_rates[j] = factor end
for i, rate in ipairs(fallen) do
  local errors_of = {}
  for j in ipairs(factors) do errors_of[j] = rate[j] end
  by_rate[i] = { name = ("lr %g before"):format(rate.rate), y = mnemo.runs.transposed(errors_of),
    style = "linespoints" }
end
local first, sgd, adam, long = schemes[1], schemes[3], schemes[4], schemes[5]
local levels = {}
for _, level in ipairs { { "one step", first }, { "SGD, 1000 steps", sgd } } do
  local at = level[2].slope.mean
  if at == at then levels[#levels + 1] = { at = at, name = level[1] } end
end
mnemo.plot.grid({
  panel("on the population: q and its slope", "p(z)", {
    curve(first, "one step"), curve(sgd, "SGD, 1000 steps"), curve(adam, "Adam, 10 steps"),
    curve(long, "Adam, 1000 steps"),
    points(p, sgd.theory[1], { name = "theory", style = "reference" }),
  }),
  panel("batches of one: q of the first seed, and slopes", "how often z was drawn", by_count),
  mnemo.plot.lines {
    title = "batches of one: the slope by the learning rate", xlabel = "learning rate",
    ylabel = "slope of log q on log p", xscale = "log", x = rates, legend = "below",
    series = { { name = "batches of one", y = mnemo.runs.transposed(slopes),
      style = "linespoints" } },
    hlines = levels,
  },
  mnemo.plot.lines {
    title = ("small steps late, d = %d"):format(options.narrow), x = late_rates,
    xlabel = "late learning rate, as a part of that before", ylabel = "error P(f̂ ≠ f)",
    xscale = "log", legend = "below", series = by_rate,
  },
}, { title = "What an optimiser stores", width = 900, height = 800 })
  :save(options.out .. "/figure.svg"):save(options.out .. "/figure.png")

-- The verdict, from these runs' numbers ------------------------------------------------------

--- Tells whether each slope is more than the next by the error over seeds.
local function is_falling(list)
  for i = 2, #list do
    if compare(list[i - 1].slope, list[i].slope) ~= "more" then return false end
  end
  return true
end

--- Says how the slopes of batches of one, and of Adam, go with learning rate and steps.
local function say_slopes()
  print(("One step on the population stores %s p(z): its slope is %.3f."):format(
    math.abs(first.slope.mean - 1) < 0.01 and "in proportion to" or "not in proportion to",
    first.slope.mean))
  local turned = {}
  for i, scheme in ipairs(batches_of_one) do turned[#batches_of_one + 1 - i] = scheme end
  print(("With batches of one the slope %s."):format(is_falling(turned)
    and "falls as the learning rate grows: large steps store what was seen once as well as what "
      .. "is frequent" or "is not told to fall as the learning rate grows"))
  print(("After 1000 steps of Adam the slope is %s, %s that after 10, %s."):format(
    text(long.slope), compare(long.slope, adam.slope) == "less" and "less than"
      or "not told to be less than", text(adam.slope)))
  local off = 0
  for _, scheme in ipairs(schemes) do
    if scheme.theory then
      off = math.max(off, ((scheme.q - scheme.theory):abs():max() / scheme.q:max()):item())
    end
  end
  print(("Of plain gradient steps theory gives every q to %.0e of the largest."):format(off))
end

--- Returns the errors of the best of the constant or of the falling rates, and its name.
local function best(is_constant)
  local least, name
  for _, rate in ipairs(fallen) do
    for j, factor in ipairs(factors) do
      if (j == 1) == is_constant and not (least and of(rate[j]).mean >= of(least).mean) then
        least, name = rate[j], is_constant and ("%g"):format(rate.rate)
          or ("%g, then %g"):format(rate.rate, rate.rate * factor)
      end
    end
  end
  return least, name
end

--- Says what small steps late do to the error.
local function say_late()
  for _, rate in ipairs(fallen) do
    local least = 2
    for j = 3, #factors do
      if of(rate[j]).mean < of(rate[least]).mean then least = j end
    end
    local by = change(rate[1], rate[least])
    print(("From lr %g the best late factor, %g, changes the error by %s: %s."):format(rate.rate,
      factors[least], text(by, 4), ({ more = "small steps cost", less = "small steps help" })
      [compare(by, 0)] or "not told from none"))
  end
  local constant, at = best(true)
  local falling, from = best(false)
  local by = change(constant, falling)
  print(("The best that falls, lr %s, is %s off the best that stays, lr %s: %s."):format(from,
    text(by, 4), at, ({ more = "no gain", less = "a gain" })[compare(by, 0)]
      or "not told from none"))
end

print()
local last = batches_of_one[#batches_of_one].slope
if first.slope.mean == first.slope.mean and last.mean == last.mean and last.error then
  say_slopes()
else
  print("Nothing can be said about what optimisers store: it takes two seeds or more, and three "
    .. "tokens that are held.")
end
local guess = 1 - (mnemo.one_hot(answers, M) * p:reshape(N, 1)):sum(1):max():item()
if compare(of(fallen[#fallen].before), guess) == "less" then
  say_late()
else
  print("Nothing can be said about small steps: before them the error is not told to be below "
    .. ("that of one answer to all, %.3f."):format(guess))
end
print("Results are in " .. options.out)
