-- E10  How many pairs a memory holds
--
-- A memory of N pairs, inputs u_z and outputs v_k on the unit sphere of d dimensions, answers
-- argmax_k v_kᵀ F(u_z). Its capacity is the largest N at which 99 of 100 answers are right. Three
-- families, all written down as sums of outer products Σ_z a_z φ_zᵀ, or trained:
--
--   linear      F(u) = W u, W = Σ_z v_f(z) u_zᵀ: with f(z) = z theory says N log N ∝ d²; with
--               two outputs N = d/2.33², 2.33 being the normal distribution's quantile of 0.99
--   low rank    W = W₁ᵀ W₂ with W₁ [m, d] random and W₂ [m, d] written: N ∝ m d
--   MLP         F(u) = W₁ σ(W₂ u) with W₂ [m, d] random and W₁ [d, m] written: N ∝ m d if σ is a
--               Hermite polynomial (of degree near log N / log d, say the slides)
--
-- What should be seen: N = 7, 31, 116, 432, 1728, 6400 at d = 16 … 512, N log N growing as d^2.4,
-- slowly falling to 2; 0.17 d to 0.18 d pairs with two outputs; a slope of 1.3 in the rank m. Of
-- MLPs He₂ holds m d / 51, while ReLU and GELU stop near N = d however wide, because the mean of
-- their features is the same for all inputs. One gradient step takes that mean off, and then they
-- do not. Trained memories hold more: N log N grows as d², two outputs as d, MLPs nearly as m d.
--
-- After Cabannes, Dohmatob, Bietti 2024, "Scaling Laws for Associative Memories", and Nichani,
-- Lee, Bietti 2024, "Understanding Factual Recall in Transformers via Associative Memories".
local mnemo = require "mnemo"
local memory, stats = mnemo.memory, mnemo.stats

local options = require "mnemo.arguments" {
  about = "Measures how many pairs linear memories and MLPs hold (E10).",
  sweep = true,
  quick = { widths = 5, dim = 64, sizes = 3, seeds = 3, steps = 100 },
  full = { widths = 7, sizes = 5, seeds = 10 },
  { "part", "all", "what is measured", choices = { "all", "outer", "features", "trained" } },
  { "widths", 6, "widths d = 16, 32, … of the outer product", min = 1, max = 8 },
  { "dim", 128, "width d of low-rank memories and MLPs", min = 16 },
  { "sizes", 4, "sizes of trained memories, d = 8, 16, …", min = 1, max = 6 },
  { "lr", 1.0, "learning rate of the linear memory; that of MLPs is a twentieth", min = 0 },
  { "steps", 400, "steps of training at most", min = 1 },
  { "seeds", 5, "draws of the embeddings", min = 1 },
  { "seed", 1, "first seed" },
  { "out", "runs/capacity", "folder for results", type = "folder" },
}
local asked = 1000 -- inputs that recall is measured on

local function sphere(n, d, seed)
  return memory.embeddings(n, d, { kind = "sphere", seed = seed })
end

--- Finds the capacity for a seed, beginning near what is expected.
local function capacity(seed, near, tolerance, holds)
  return memory.capacity {
    low = 0, high = 20 * near + 100, near = near, tolerance = tolerance, seeds = { seed },
    holds = function(n) return n == 0 or holds(n) end,
  }.values[1]
end

--- Turns a function of N over, N log N for example: returns the N at which it reaches a value.
local function where_reaches(value)
  local n = 2.0
  while n * math.log(n) < value do n = n * 1.01 end
  return math.floor(n)
end

-- What is measured ---------------------------------------------------------------------------

local widths, ranks, hidden, trained_widths, trained_hidden = {}, {}, {}, {}, {}
for i = 1, options.widths do widths[i] = 8 << i end
for i = 1, 7 do ranks[i] = 2 << i end
for i = 1, 5 do hidden[i] = options.dim << (i - 1) end
for i = 1, options.sizes do trained_widths[i], trained_hidden[i] = 4 << i, 8 << i end

-- The memories asked for by name, and how each is measured: from a seed to the pairs it holds at
-- each of its sizes.
local names, measures = {}, {}

--- Adds a memory, if its part is asked for.
-- @tparam string part
-- @tparam string name
-- @tparam {integer,...} sizes
-- @tparam function find from a size, a seed and the capacity at the size before to the capacity
local function add(part, name, sizes, find)
  if options.part ~= "all" and options.part ~= part then return end
  names[#names + 1] = name
  measures[name] = function(seed)
    local held = {}
    for i, size in ipairs(sizes) do held[i] = find(size, seed, held[i - 1]) end
    return held
  end
end

-- Memories that are sums of outer products ---------------------------------------------------

--- Draws pairs and keeps the memory of those asked last: that of more pairs is that of fewer, and
-- the products of the rest.
local function begun(draw, most, seed)
  local inputs, outputs, candidates, targets = draw(most, seed)
  return {
    inputs = inputs, outputs = outputs, candidates = candidates, targets = targets, held = 0,
    W = mnemo.zeros(outputs:size(2), inputs:size(2)),
  }
end

--- Makes a memory hold its first n pairs.
local function hold(one, n)
  local first, more = math.min(n, one.held) + 1, n - one.held
  if more == 0 then return end
  local part = memory.outer(one.outputs:narrow(1, first, math.abs(more)),
    one.inputs:narrow(1, first, math.abs(more)))
  one.W:add_(more > 0 and part or -part)
  one.held = n
end

--- Returns the memory after one gradient step from W = 0: Σ_z (v_f(z) − v̄) φ_zᵀ, v̄ being the mean
-- of the outputs, which the softmax gives to all inputs.
local function after_one_step(one)
  local n = one.held
  return one.W - memory.outer(one.outputs:narrow(1, 1, n):mean(1, true),
    one.inputs:narrow(1, 1, n):sum(1, true))
end

--- Finds the capacity of a sum of outer products. Recall is that of a thousand inputs, from as many
-- draws as have so many.
-- @tparam integer seed
-- @tparam integer near where it is expected
-- @tparam function draw from a number of pairs and a seed to what a memory reads of the inputs
--   [n, m], what it writes for each [n, m′], and where candidates are not the n outputs, these and
--   the right ones among them
-- @tparam boolean is_step whether it is one gradient step, else the sum alone
local function outer_capacity(seed, near, draw, is_step)
  local draws, most, kept = math.ceil(asked / near), 0, {}
  return capacity(seed, near, 0.02, function(n)
    if n > most then
      most = math.max(n, 3 * near // 2)
      for i = 1, draws do kept[i] = begun(draw, most, 1000 * seed + i) end
    end
    local right, count = 0, math.min(n, asked)
    for _, one in ipairs(kept) do
      hold(one, n)
      right = right + memory.recall(is_step and after_one_step(one) or one.W,
        one.inputs:narrow(1, 1, count), one.candidates or one.outputs:narrow(1, 1, n),
        one.targets and { targets = one.targets:narrow(1, 1, count) })
    end
    return right / draws >= 0.99
  end)
end

add("outer", "f(z) = z", widths, function(d, seed)
  return outer_capacity(seed, where_reaches(d * d / 5), function(n, s)
    return sphere(n, d, 2 * s), sphere(n, d, 2 * s + 1)
  end)
end)
add("outer", "f(z) = z mod 2", widths, function(d, seed)
  return outer_capacity(seed, math.max(2, d // 6), function(n, s)
    local candidates, targets = sphere(2, d, 2 * s + 1), mnemo.int_arange(0, n - 1) % 2 + 1
    return sphere(n, d, 2 * s), candidates[targets], candidates, targets
  end)
end)

add("features", "low rank", ranks, function(m, seed)
  local d = options.dim
  return outer_capacity(seed, math.max(1, math.floor(m ^ 1.15)), function(n, s)
    return sphere(n, d, 3 * s), sphere(n, d, 3 * s + 1):matmul(sphere(m, d, 3 * s + 2):t())
  end, true)
end)

local activations = {
  { "ReLU", function(x) return x:relu() end }, { "GELU", function(x) return x:gelu() end },
  { "He₁", function(x) return x end },
  { "He₂", function(x) return (x:square() - 1) / math.sqrt(2) end },
  { "He₃", function(x) return (x:square() - 3) * x / math.sqrt(6) end },
  { "He₄", function(x) return (x:square():square() - 6 * x:square() + 3) / math.sqrt(24) end },
}

--- Adds an MLP whose first layer is random; m hidden units hold about twice as many as m/2 did.
local function add_mlp(name, activation, is_step)
  local d = options.dim
  add("features", name, hidden, function(m, seed, last)
    return outer_capacity(seed, last and math.max(1, 2 * last) or d // 4, function(n, s)
      local first = mnemo.randn(m, d, { seed = 3 * s + 2 })
      return activation(sphere(n, d, 3 * s):matmul(first:t())) / math.sqrt(m),
        sphere(n, d, 3 * s + 1)
    end, is_step)
  end)
end
for _, one in ipairs(activations) do add_mlp(one[1], one[2]) end
for i = 1, 2 do add_mlp(activations[i][1] .. ", step", activations[i][2], true) end

-- Trained memories ---------------------------------------------------------------------------

local kinds = {}

--- A linear memory of N pairs with M outputs, N without it.
local function linear(n, d, seed, M)
  local U, V = sphere(n, d, 2 * seed), sphere(M or n, d, 2 * seed + 1)
  local W = mnemo.zeros(d, d)
  return { W }, function() return U:matmul(W:t()):matmul(V:t()) end,
    mnemo.int_arange(0, n - 1) % (M or n) + 1, options.lr
end

function kinds.linear(n, d, _, seed) return linear(n, d, seed) end
function kinds.two(n, d, _, seed) return linear(n, d, seed, 2) end

--- An MLP with m hidden units, both layers trained, from inputs to 32 outputs.
local function relu_mlp(U, targets, m, seed)
  local d = U:size(2)
  local first = mnemo.randn(m, d, { seed = 4 * seed + 2 })
  local second = mnemo.randn(d, m, { seed = 4 * seed + 3 }) / math.sqrt(m)
  local V = sphere(32, d, 4 * seed + 1)
  return { first, second }, function()
    return U:matmul(first:t()):relu():matmul(second:t()):matmul(V:t())
  end, targets, options.lr / 20
end

function kinds.mlp(n, d, m, seed)
  return relu_mlp(sphere(n, d, 4 * seed), mnemo.int_arange(0, n - 1) % 32 + 1, m, seed)
end

--- The sum of two embeddings, of the first n pairs of ⌈√n⌉ with each other; answers are random.
function kinds.pairs(n, d, m, seed)
  local side, ids = math.ceil(math.sqrt(n)), mnemo.int_arange(0, n - 1)
  local first, second = sphere(side, d, 4 * seed), sphere(side, d, 4 * seed + 1000000)
  return relu_mlp(first[ids // side + 1] + second[ids % side + 1],
    mnemo.randint(1, 32, n, { seed = 4 * seed }), m, seed)
end

--- Tells whether a memory is trained to hold its pairs, by Adam on all of them at once.
local function is_learned(parameters, scores, targets, lr)
  local optimizer = mnemo.optim.adam { lr = lr }
  for _, weight in ipairs(parameters) do weight:requires_grad(true) end
  for step = 1, options.steps do
    local given = scores()
    -- Asked every tenth time, and at the end.
    if step % 10 == 0 and given:argmax(2):eq(targets):mean():item() >= 0.99 then return true end
    optimizer:zero_grad(parameters)
    given:cross_entropy(targets):backward()
    optimizer:step(parameters)
  end
  return scores():argmax(2):eq(targets):mean():item() >= 0.99
end

local function trained_capacity(seed, near, kind, d, m)
  return capacity(seed, math.floor(near), 0.03, function(n)
    return is_learned(kinds[kind](n, d, m, seed))
  end)
end

add("trained", "trained linear by d", trained_widths, function(d, seed)
  return trained_capacity(seed, where_reaches(0.9 * d * d), "linear", d)
end)
add("trained", "trained two by d", trained_widths, function(d, seed)
  return trained_capacity(seed, 2 * d, "two", d)
end)
for _, kind in ipairs { "mlp", "pairs" } do
  add("trained", "trained " .. kind .. " by d", trained_widths, function(d, seed)
    return trained_capacity(seed, d * 32 / 1.4, kind, d, 32)
  end)
  add("trained", "trained " .. kind .. " by m", trained_hidden, function(m, seed)
    return trained_capacity(seed, 16 * m / 1.4, kind, 16, m)
  end)
end

-- The sweep ----------------------------------------------------------------------------------

local points = mnemo.sweep {
  name = "capacity", store = options.out .. "/sweep.sqlite", options = options,
  stop_on_error = true,
  grid = { memory = names }, seeds = options.seeds, first_seed = options.seed,
  run = function(point) return { held = measures[point.memory](point.seed) } end,
}

--- Returns the capacities of a memory at each size: means over seeds, and the seeds' `values`.
local function capacities(name)
  local found = mnemo.runs.transposed(mnemo.runs.where(points, { memory = name }, "held"))
  for i, values in ipairs(found) do
    found[i] = stats.of(values)
    found[i].values = values
  end
  return found
end

-- Reading the numbers ------------------------------------------------------------------------

--- Fits a power law to each seed's capacities; returns the mean exponent, and its error over seeds.
-- @tparam {number,...} x widths
-- @tparam {table,...} found their capacities
-- @tparam[opt] function of what of N grows as a power; N itself without it
local function slope(x, found, of)
  local slopes, factor = {}, 0
  for s = 1, options.seeds do
    local y = {}
    for i, one in ipairs(found) do
      y[i] = of and of(one.values[s]) or one.values[s]
      if y[i] <= 0 then return { mean = 0 / 0, factor = 0 / 0 } end
    end
    if #y < 2 then return { mean = 0 / 0, factor = 0 / 0 } end
    local fit = memory.slope(x, y)
    slopes[s], factor = fit.mean, factor + math.log(fit.factor) / options.seeds
  end
  local mean = stats.of(slopes)
  mean.factor = math.exp(factor)
  return mean
end

local function n_log_n(n) return n * math.log(n) end

--- Writes a slope with its interval, that of 95 cases in 100.
local function interval(fit)
  if not fit.error then return stats.text(fit, 2) end
  return ("%.2f ± %.2f"):format(fit.mean, stats.t_quantile(fit.freedom) * fit.error)
end

--- Tells whether an exponent is known to be above 0; else nothing can be said of growth.
local function grows(fit) return stats.compare(fit, 0) == "more" end

local verdict, panels, stored = {}, {}, {}
local function say(text, ...) verdict[#verdict + 1] = text:format(...) end

--- Returns the seeds' capacities as a series with a band.
local function series(name, x, found)
  local y = {}
  for s = 1, options.seeds do
    y[s] = {}
    for i, one in ipairs(found) do y[s][i] = math.max(one.values[s], 0.5) end
  end
  return { name = name, x = x, y = y, style = "linespoints" }
end

--- Returns a dashed line.
local function theory(name, x, value)
  local y = {}
  for i, at in ipairs(x) do y[i] = value(at) end
  return { name = name, x = x, y = y, style = "reference" }
end

--- Adds a figure on logarithmic axes.
local function draw(title, xlabel, ylabel, curves)
  panels[#panels + 1] = mnemo.plot.lines {
    title = title, xlabel = xlabel, ylabel = ylabel, series = curves, xscale = "log",
    yscale = "log", legend = "below",
  }
end

--- Adds a curve of bits: those in the answers of N pairs, one of M each, for each parameter that
-- was written or trained.
-- @tparam[opt] integer M all N answers without it
local function store(name, x, parameters_of, found, M)
  local at, bits = {}, {}
  for i, one in ipairs(found) do
    at[i] = parameters_of(x[i])
    bits[i] = math.max(one.mean, 1e-9) * math.log(M or math.max(one.mean, 2), 2) / at[i]
  end
  stored[#stored + 1] = { name = name, x = at, y = bits, style = "linespoints" }
end

--- Prints a table: a row for each x, a column for each list of capacities.
local function tell(head, x, columns)
  local rows = { head }
  for i, at in ipairs(x) do
    rows[i + 1] = { at }
    for j, found in ipairs(columns) do
      rows[i + 1][j + 1] = type(found[i]) == "table" and stats.text(found[i], 1) or found[i]
    end
  end
  print(mnemo.runs.columns(rows) .. "\n")
end

-- Linear memories, by width ------------------------------------------------------------------

local function tell_outer()
  local identity, two, per = capacities "f(z) = z", capacities "f(z) = z mod 2", {}
  for i, d in ipairs(widths) do per[i] = ("%.3f"):format(two[i].mean / d) end
  print(("Pairs held by outer products, over %d seed(s):\n"):format(options.seeds))
  tell({ "d", "f(z) = z", "f(z) = z mod 2", "of them a dimension" }, widths, { identity, two, per })

  local last = math.min(3, #widths)
  local whole = slope(widths, identity, n_log_n)
  local late = slope(table.move(widths, #widths - last + 1, #widths, 1, {}),
    table.move(identity, #identity - last + 1, #identity, 1, {}), n_log_n)
  local apart = stats.compare(late, 2)
  if #widths < 3 or not grows(late) then
    say("Nothing can be said about outer products: %d width(s), %d seed(s).", #widths,
      options.seeds)
  else
    say("Outer products: N log N grows as d^(%s), from d = %d on as d^(%s), %s.", interval(whole),
      widths[#widths - last + 1], interval(late), apart
        and ("%s than theory's 2 by more than the error, and %s"):format(apart,
          stats.compare(whole, late) == "more" and "nearer to it than over all widths"
          or "not told to come nearer")
      or "which is theory's 2 within the error")
    local share = stats.of(two[#two].values)
    share.mean, share.error = share.mean / widths[#widths], share.error / widths[#widths]
    say("Two outputs: %s of d at d = %d; theory's %.3f is %s.", stats.text(share), widths[#widths],
      1 / 2.326 ^ 2, ({ more = "less", less = "more" })[stats.compare(share, 1 / 2.326 ^ 2)]
      or "within the error")
  end
  local d, n = widths[#widths], identity[#identity].mean
  draw("outer products", "width d", "pairs held N", {
    series("f(z) = z", widths, identity), series("f(z) = z mod 2", widths, two),
    theory("N log N ∝ d²", widths, function(x) return where_reaches(n_log_n(n) * (x / d) ^ 2) end),
    theory("d / 2.33²", widths, function(x) return x / 2.326 ^ 2 end),
    theory("one-hot, N = d", widths, function(x) return x end),
    whole.error and theory(("fit, N log N ∝ d^(%s)"):format(interval(whole)), widths, function(x)
      return where_reaches(whole.factor * x ^ whole.mean)
    end),
  })
  store("outer product, f(z) = z", widths, function(x) return x ^ 2 end, identity)
  store("outer product, z mod 2", widths, function(x) return x ^ 2 end, two, 2)
end

--- Says how capacities grow with rank and hidden width, and which activation holds most.
local function say_features(d, fits, last)
  if not grows(fits.low) or not grows(fits.he2) or last.he2.mean < d / 4 then
    say("Nothing can be said about ranks and activations: He₂ holds %s pairs at m = %d, over %d "
      .. "seed(s).", stats.text(last.he2, 1), last.m, options.seeds)
    return
  end
  say("Low rank: N grows as m^(%s); theory's exponent 1 is %s.", interval(fits.low),
    stats.compare(fits.low, 1) and "off by more than the error" or "within the error")
  say("He₂: N grows as m^(%s) from m = d on, and is m d / %.1f at m = %d.", interval(fits.he2),
    last.m * d / last.he2.mean, last.m)
  for i, name in ipairs { "ReLU", "GELU" } do
    say("%s: at m = %d the sum holds %s pairs, %s than d; one gradient step %s, %s.", name, last.m,
      stats.text(last.sums[i], 1), stats.compare(last.sums[i], d) or "not told to be other",
      stats.text(last.steps[i], 1), stats.compare(last.steps[i], last.sums[i])
        or "not told from it")
  end
  say("Of degrees 1 to 4 the one that holds most is %s.", table.concat(last.best, ", "))
end

local function tell_features()
  local d, low, sums, steps = options.dim, capacities "low rank", {}, {}
  for i, one in ipairs(activations) do sums[i] = capacities(one[1]) end
  for i = 1, 2 do steps[i] = capacities(activations[i][1] .. ", step") end

  print(("Pairs held at low rank m, d = %d, after one gradient step:\n"):format(d))
  tell({ "m", "N" }, ranks, { low })
  print(("Pairs held by MLPs with m hidden units, d = %d, by activation; \"step\" is one gradient "
    .. "step,\nthe others are sums of outer products:\n"):format(d))
  local best, leaders, md = {}, {}, {}
  for i, m in ipairs(hidden) do
    best[i] = 1
    for degree = 2, 4 do
      if sums[degree + 2][i].mean > sums[best[i] + 2][i].mean then best[i] = degree end
    end
    leaders[i] = ("%d at m = %d (N = %.0f)"):format(best[i], m, sums[best[i] + 2][i].mean)
    md[i] = ("%.1f"):format(m * d / sums[4][i].mean)
  end
  tell({ "m", "ReLU", "GELU", "ReLU, step", "GELU, step", "He₁", "He₂", "He₃", "He₄",
    "best degree", "m d / N, He₂" }, hidden, { sums[1], sums[2], steps[1], steps[2], sums[3],
    sums[4], sums[5], sums[6], best, md })
  local rank_fit, mean = slope(ranks, low), low[#low].mean
  say_features(d, { low = rank_fit, he2 = slope(hidden, sums[4]) }, {
    m = hidden[#hidden], best = leaders, he2 = sums[4][#hidden],
    sums = { sums[1][#hidden], sums[2][#hidden] }, steps = { steps[1][#hidden], steps[2][#hidden] },
  })
  local curves = { series("low rank", ranks, low) }
  for degree = 1, 4 do
    curves[degree + 1] = series("MLP, " .. activations[degree + 2][1], hidden, sums[degree + 2])
  end
  curves[6] = theory("N ∝ m d", ranks, function(m) return mean * m / ranks[#ranks] end)
  curves[7] = theory("m d / 51", hidden, function(m) return m * d / 51 end)
  if rank_fit.error then
    curves[8] = theory(("fit, low rank: m^(%s)"):format(interval(rank_fit)), ranks, function(m)
      return rank_fit.factor * m ^ rank_fit.mean
    end)
  end
  draw(("low rank, and Hermite polynomials, d = %d"):format(d), "rank or hidden units m",
    "pairs held N", curves)
  draw(("what the mean of the features does, d = %d"):format(d), "hidden units m", "pairs held N", {
    series("ReLU, sum", hidden, sums[1]), series("GELU, sum", hidden, sums[2]),
    series("ReLU, gradient step", hidden, steps[1]),
    series("GELU, gradient step", hidden, steps[2]), series("He₂, sum", hidden, sums[4]),
    theory("N = d", hidden, function() return d end),
    theory("m d / 51", hidden, function(m) return m * d / 51 end),
  })
  local function written(m) return m * d end
  store("low rank", ranks, written, low)
  store("MLP, He₂", hidden, written, sums[4])
end

local function tell_trained()
  local found, fits, by_hidden, by_hidden_fits = {}, {}, {}, {}
  for _, kind in ipairs { "linear", "two", "mlp", "pairs" } do
    found[kind] = capacities("trained " .. kind .. " by d")
    fits[kind] = slope(trained_widths, found[kind], kind == "linear" and n_log_n or nil)
  end
  for _, kind in ipairs { "mlp", "pairs" } do
    by_hidden[kind] = capacities("trained " .. kind .. " by m")
    by_hidden_fits[kind] = slope(trained_hidden, by_hidden[kind])
  end

  print("Pairs held after training, by width d; MLPs have 32 hidden units and 32 outputs:\n")
  tell({ "d", "linear, f(z) = z", "linear, z mod 2", "MLP", "MLP, two inputs" }, trained_widths,
    { found.linear, found.two, found.mlp, found.pairs })
  print("Pairs held by trained MLPs, by hidden units m; d = 16:\n")
  tell({ "m", "MLP", "MLP, two inputs" }, trained_hidden, { by_hidden.mlp, by_hidden.pairs })

  local count = #trained_widths
  local d, most = trained_widths[count], found.linear[count]
  if stats.compare(most, d) ~= "more" or count < 3 or not grows(fits.linear) then
    say("Nothing can be said about trained memories: the linear one holds %s pairs at d = %d, over "
      .. "%d seed(s); exponent %s.", stats.text(most, 1), d, options.seeds, interval(fits.linear))
  else
    say("Trained: N log N of the linear memory grows as d^(%s), %s; two outputs as d^(%s).",
      interval(fits.linear), stats.compare(fits.linear, 2) and "which is not theory's 2"
        or "which is theory's 2 within the error", interval(fits.two))
    say("Trained MLPs: d^(%s) and m^(%s); with two inputs d^(%s) and m^(%s).", interval(fits.mlp),
      interval(by_hidden_fits.mlp), interval(fits.pairs), interval(by_hidden_fits.pairs))
  end
  local function line(name, kind, x, y, fit, of)
    return fit.error and theory(("fit, %s^(%s)"):format(name, interval(fit)), x, function(at)
      local value = fit.factor * at ^ fit.mean
      return of and where_reaches(value) or value
    end) or theory("N = d", x, function(at) return at end), series(kind, x, y)
  end
  local curves, by_m = {}, {}
  for i, one in ipairs { { "linear", "linear, f(z) = z" }, { "two", "linear, z mod 2" },
    { "mlp", "MLP, m = 32" }, { "pairs", "MLP, two inputs" } } do
    local kind, name = one[1], one[2]
    curves[4 + i], curves[i] = line(kind == "linear" and "N log N ∝ d" or kind .. " d", name,
      trained_widths, found[kind], fits[kind], kind == "linear" and where_reaches)
    if by_hidden[kind] then
      by_m[i], by_m[i - 2] = line(kind .. " m", name, trained_hidden, by_hidden[kind],
        by_hidden_fits[kind])
    end
  end
  draw("trained by Adam", "width d", "pairs held N", curves)
  draw("trained MLPs, d = 16", "hidden units m", "pairs held N", by_m)
  store("trained linear", trained_widths, function(x) return x * x end, found.linear)
  store("trained MLP", trained_widths, function(x) return 2 * 32 * x end, found.mlp, 32)
end

-- All of it ----------------------------------------------------------------------------------

local parts = { outer = tell_outer, features = tell_features, trained = tell_trained }
for _, name in ipairs { "outer", "features", "trained" } do
  if options.part == "all" or options.part == name then parts[name]() end
end
stored[#stored + 1] = theory("one-hot, log₂ d / d", { 64, 1024, 16384, 262144 }, function(count)
  return math.log(count, 2) / 2 / math.sqrt(count)
end)
draw("what a parameter holds", "parameters written or trained", "bits a parameter", stored)
mnemo.plot.grid(panels, {
  title = "How many pairs a memory holds", columns = 2, width = 1000,
  height = 480 * ((#panels + 1) // 2),
}):save(options.out .. "/figure.svg"):save(options.out .. "/figure.png")
for _, line in ipairs(verdict) do print(line) end
print("Results are in " .. options.out)
