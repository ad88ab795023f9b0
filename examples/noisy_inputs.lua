-- E7  Noise in the inputs is filtered out
--
-- Inputs x = u_y + n_t carry the answer y beside noise: one of T embeddings that say nothing. For
-- any distribution of inputs the gradient of a linear memory is (Lemma 2)
--
--   ∇L = Σ_k p(k) v_k (μ̂_k − μ_k)ᵀ,   μ_k = E[x | k],   μ̂_k = E[p̂_W(k|x) x] / p(k),
--
-- a sum over answers of mean inputs: the noise is the same in all of them and drops out. One step
-- of size η from W = 0 leaves v_kᵀ W₁ x ≈ (η/N) (1{k = y} − 1/N), as if there were no noise.
--
-- What should be seen, for N = 100 answers and T = 100 noises: recall of noisy inputs near 0.28,
-- 0.87, 1, 1 at d = 32, 64, 128, 256, no less with T = 1000. From n = 100, 300, 1000, 3000 samples
-- at d = 256: 0.47, 0.79, 0.99, 1. In sums of s = 4, 8, 16, 32 tokens, one of which is the answer,
-- the noise is other answers: the token with the best score is in the bag in 1, 1, 0.99, 0.88 of
-- the cases, and of a bag's tokens 1, 0.89, 0.71, 0.58 are among the s with the best scores.
--
-- After Bietti et al. 2023, "Birth of a Transformer: A Memory Viewpoint", Lemma 2.
local mnemo = require "mnemo"
local memory = mnemo.memory

local options = require "mnemo.arguments" {
  about = "Recalls noisy inputs after one gradient step (E7).",
  quick = { seeds = 3, bags = 4096 },
  full = { seeds = 20 },
  { "answers", 100, "answers, N", min = 2 },
  { "noises", 100, "embeddings that are noise, T; ten times as many as well", min = 1 },
  { "bags", 16384, "samples that the step on sums of tokens is made from", min = 1 },
  { "lr", 1.0, "size η of the one step", min = 0 },
  { "seeds", 5, "draws of embeddings and samples", min = 1 },
  { "seed", 1, "first seed" },
  { "out", "runs/noisy_inputs", "folder for results", type = "folder" },
}
local N, T = options.answers, options.noises
local widths, samples = { 16, 32, 64, 128, 256 }, { 100, 300, 1000, 3000, 10000 }
local wide, sizes = widths[#widths], { 4, 8, 16, 32 }

-- What is asked ------------------------------------------------------------------------------

--- Returns inputs, outputs and noise of width d.
local function drawn(d, noises, seed)
  local function embeddings(n, which)
    return memory.embeddings(n, d, { kind = "sphere", seed = 3 * seed + which })
  end
  return embeddings(N, 0), embeddings(N, 1), embeddings(noises, 2)
end

--- Returns samples of answers with noise: x = u_y + n_t [n, d], and the answers y [n].
local function sampled(U, noise, n, seed)
  local answers = mnemo.randint(1, N, n, { seed = 2 * seed })
  return U[answers] + noise[mnemo.randint(1, noise:size(1), n, { seed = 2 * seed + 1 })], answers
end

--- Returns bags of s tokens: which tokens are in each [n, s], and how often each one is [n, N].
local function drawn_bags(n, s, seed)
  local tokens = mnemo.randint(1, N, n, s, { seed = seed })
  return tokens, mnemo.one_hot(tokens, N):sum(2)
end

--- Makes one step from W = 0 on inputs with answers.
local function one_step(x, answers, V)
  local d = V:size(2)
  return memory.noisy_gradient(mnemo.zeros(d, d), x, answers, V) * -options.lr
end

--- Returns the recall of every answer with the last hundred of the noises.
local function recall(W, U, V, noise)
  local all, asked = noise:size(1), math.min(noise:size(1), 100)
  local x = U:reshape(N, 1, -1) + noise:narrow(1, all - asked + 1, asked):reshape(1, asked, -1)
  local answers = mnemo.int_arange(0, N * asked - 1) // asked + 1
  return (memory.recall(W, x:reshape(N * asked, -1), V, { targets = answers }))
end

--- Measures over the seeds; each number that `measure` returns becomes a measurement.
local function over_seeds(measure)
  local values = {}
  for s = 1, options.seeds do values[s] = { measure(options.seed + s - 1) } end
  local measured = mnemo.runs.transposed(values)
  for i, list in ipairs(measured) do
    measured[i] = mnemo.stats.of(list)
    measured[i].values = list
  end
  return table.unpack(measured)
end

-- Differentiation beside the lemma -------------------------------------------------------------

local differences = over_seeds(function(seed)
  local U, V, noise = drawn(64, T, seed)
  local x, answers = sampled(U, noise, 500, seed)
  local W = mnemo.randn(64, 64, { seed = seed }):requires_grad(true)
  x:matmul(W:t()):matmul(V:t()):cross_entropy(answers):backward()
  local closed = memory.noisy_gradient(W, x, answers, V)
  return (W.grad - closed):abs():max():item() / closed:abs():max():item()
end)
local difference = math.max(table.unpack(differences.values))

-- One step, on all inputs and on samples -------------------------------------------------------

-- For T noises and for ten times as many; samples also for T, asked with others than were sampled.
local everything, from_samples = { {}, {} }, { {}, {}, {} }
for i, noises in ipairs { T, 10 * T } do
  for j, d in ipairs(widths) do
    everything[i][j] = over_seeds(function(seed)
      local U, V, noise = drawn(d, noises, seed)
      -- At W = 0 all answers are equally likely whatever the input, so that the means over all
      -- noises are the gradient.
      local W = one_step(U + noise:mean(1, true), mnemo.int_arange(1, N), V)
      return recall(W, U, V, noise)
    end)
  end
  for j, n in ipairs(samples) do
    from_samples[i][j] = over_seeds(function(seed)
      local U, V, noise = drawn(wide, noises, seed)
      local x, answers = sampled(U, noise, n, seed)
      return recall(one_step(x, answers, V), U, V, noise)
    end)
  end
end
for j, n in ipairs(samples) do
  from_samples[3][j] = over_seeds(function(seed)
    local U, V, noise = drawn(wide, T + 100, seed)
    local x, answers = sampled(U, noise:narrow(1, 1, T), n, seed)
    return recall(one_step(x, answers, V), U, V, noise)
  end)
end

--- Asks 2000 bags. Returns how often the best token is in the bag, and the share of a bag's tokens
-- that are among the s best.
local function in_bags(W, U, V, s, seed)
  local _, counts = drawn_bags(2000, s, 2 * seed + 1)
  local scores = counts:matmul(U):matmul(W:t()):matmul(V:t())
  local _, best = scores:topk(math.min(s, N), 2)
  local is_in = counts:gt(0)
  local found = is_in:gather(2, best)
  return found:narrow(2, 1, 1):mean():item(), found:sum():item() / is_in:sum():item()
end

local bags = { best = {}, share = {}, best_of_all = {}, share_of_all = {} } -- for each size
for i, s in ipairs(sizes) do
  local function one_draw(seed)
    local U, V = drawn(wide, 1, seed)
    local tokens, counts = drawn_bags(options.bags, s, 2 * seed)
    local answers = tokens:narrow(2, 1, 1):reshape(options.bags)
    local W = one_step(counts:matmul(U), answers, V)
    local best, share = in_bags(W, U, V, s, seed)
    -- The mean of all bags with one answer: the answer, and s − 1 tokens of any kind.
    W = one_step(U + U:mean(1, true) * (s - 1), mnemo.int_arange(1, N), V)
    return best, share, in_bags(W, U, V, s, seed)
  end
  bags.best[i], bags.share[i], bags.best_of_all[i], bags.share_of_all[i] = over_seeds(one_draw)
end

-- The tables ---------------------------------------------------------------------------------

local text = mnemo.stats.text

local names = { ("T = %d"):format(T), ("T = %d"):format(10 * T), ("T = %d, asked with others")
  :format(T) }

--- Prints recall along widths or samples, a column for each of the names.
local function print_recall(title, along, places, measured)
  local rows = { { along, table.unpack(names, 1, #measured) } }
  for i, place in ipairs(places) do
    rows[i + 1] = { place }
    for column, list in ipairs(measured) do rows[i + 1][column + 1] = text(list[i]) end
  end
  print(title)
  print(mnemo.runs.columns(rows))
end

print_recall(("Recall after one step on all noisy inputs, N = %d, %d seed(s), chance %.3f:\n")
  :format(N, options.seeds, 1 / N), "d", widths, everything)
print_recall(("\nRecall after one step on samples, d = %d:\n"):format(wide), "samples", samples,
  from_samples)

local rows = { { "tokens in a bag", "the best is in it", "share of the bag found",
  "the best, all bags", "share, all bags", "the best by chance" } }
for i, s in ipairs(sizes) do
  rows[i + 1] = { s, text(bags.best[i]), text(bags.share[i]), text(bags.best_of_all[i]),
    text(bags.share_of_all[i]), ("%.3f"):format(1 - (1 - 1 / N) ^ s) }
end
print(("\nOne step on %d sums of tokens, and on all of them, d = %d:\n"):format(options.bags, wide))
print(mnemo.runs.columns(rows))

-- The figure ---------------------------------------------------------------------------------

--- Draws shares along an axis, with bands over the seeds.
local function shares(title, x, xlabel, ylabel, measured, labels)
  local series = {}
  for i, list in ipairs(measured) do
    local values = {}
    for j, one in ipairs(list) do values[j] = one.values end
    series[i] = { name = labels[i], y = mnemo.runs.transposed(values) }
  end
  return mnemo.plot.lines {
    title = title, x = x, xscale = "log", xlabel = xlabel, ylabel = ylabel, ylim = { 0, 1.02 },
    legend = "below", series = series,
  }
end

mnemo.plot.grid({
  shares("one step on all noisy inputs", widths, "width d", "recall", everything, names),
  shares(("on samples, d = %d"):format(wide), samples, "samples", "recall", from_samples, names),
  shares(("sums of tokens, d = %d"):format(wide), sizes, "tokens in a bag", "share",
    { bags.best, bags.share, bags.best_of_all, bags.share_of_all },
    { "the best is in it", "share of the bag found", "the best, all bags", "share, all bags" }),
}, { title = "One gradient step filters noise", columns = 3, width = 1200, height = 420 })
  :save(options.out .. "/figure.svg"):save(options.out .. "/figure.png")

-- The verdict, from these numbers ------------------------------------------------------------

print(("\nLemma 2 is %sthe gradient: over %d seed(s) differentiation is off by %.1e of the largest "
  .. "entry at most."):format(difference < 2e-6 and "" or "not ", options.seeds, difference))

local compare, best, more = mnemo.stats.compare, everything[1][#widths], everything[2][#widths]
if compare(best, 2 / N) ~= "more" then
  print(("Nothing can be said about noise: at d = %d recall over %d seed(s) is %s, by chance %.3f.")
    :format(wide, options.seeds, text(best), 1 / N))
else
  print(("With T = %d recall is %s at d = %d, with ten times the noises %s: %s."):format(T,
    text(best), wide, text(more), compare(more, best) == "less" and "more of them cost recall"
      or "more of them are not seen to cost anything"))
  local few, many = from_samples[1][1], from_samples[1][#samples]
  print(("From %d samples recall is %s, from %d %s: %s."):format(samples[1], text(few),
    samples[#samples], text(many), compare(many, few) == "more"
      and "the noise drops out as the means become good" or "samples make no difference to see"))
  local small, large = bags.best[1], bags.best[#sizes]
  print(("The best token is in the bag in %s of the cases with %d tokens, in %s with %d: %s.")
    :format(text(small), sizes[1], text(large), sizes[#sizes], compare(large, small) == "less"
      and "other answers are noise as well, and they add up" or "no cost of more tokens is seen"))
end
print("Results are in " .. options.out)
