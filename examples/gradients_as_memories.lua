-- E6  Gradients are sums of outer products
--
-- For a linear memory W between inputs u_z and outputs v_k, trained with the cross-entropy loss,
-- the gradient is (Lemma 1)
--
--   ∇L = Σ_z Σ_k (p(z) p̂_W(k|z) − p(z, k)) v_k u_zᵀ,
--
-- so one step of size η from W = 0, with N inputs that are equally likely and y = f(z), stores
-- v_kᵀ W₁ u_z ≈ (η/N) (1{k = f(z)} − 1/N): the associations themselves. The same holds for every
-- matrix W of a deep model, between its input x and its output x̄ = W x: ∇_W L = E[∇_x̄ ℓ · xᵀ].
--
-- What should be seen: differentiation and the closed forms agree to 2e-6. Embeddings of width d
-- are nearly orthonormal only, so that the root-mean-square error of a wrong score is
-- √(2/d + N/d²) of the right one; what one step stores comes back where it is wide enough: recall
-- near 0.16, 0.6, 0.99, 1 for N = 100 at d = 16, 32, 64, 128, and 0.98 for N = 500 at d = 128.
--
-- After Bietti et al. 2023, "Birth of a Transformer: A Memory Viewpoint", Lemma 1.
local mnemo = require "mnemo"
local memory = mnemo.memory

local options = require "mnemo.arguments" {
  about = "Compares gradients with sums of outer products, and recalls what one step stores (E6).",
  quick = { seeds = 3 },
  full = { seeds = 40 },
  { "count", 100, "associations, N; 5 N and 20 N as well", min = 4 },
  { "lr", 1.0, "size η of the one step", min = 0 },
  { "seeds", 10, "draws of the embeddings", min = 1 },
  { "seed", 1, "first seed" },
  { "out", "runs/gradients_as_memories", "folder for results", type = "folder" },
}
local widths = { 8, 16, 32, 64, 128, 256 }
local counts = { options.count, 5 * options.count, 20 * options.count }

-- Differentiation beside the closed form -----------------------------------------------------

--- Returns the largest difference of two tensors, relative to the largest entry of the second.
local function difference(a, b)
  return (a - b):abs():max():item() / b:abs():max():item()
end

--- Returns embeddings of inputs and of outputs.
local function drawn(n, d, seed)
  return memory.embeddings(n, d, { kind = "sphere", seed = 2 * seed }),
    memory.embeddings(n, d, { kind = "sphere", seed = 2 * seed + 1 })
end

--- Compares both gradients of a memory with N associations, at W = 0 and at a random W.
local function of_memory(n, d, seed)
  local U, V = drawn(n, d, seed)
  local targets, largest = mnemo.randint(1, n, n, { seed = seed }), 0
  local p = mnemo.rand(n, { seed = seed })
  p = p / p:sum()
  for _, start in ipairs { mnemo.zeros(d, d), mnemo.randn(d, d, { seed = seed }) } do
    local W = start:requires_grad(true)
    U:matmul(W:t()):matmul(V:t()):cross_entropy(targets, { mask = p }):backward()
    local closed = memory.population_gradient(W, U, V, { targets = targets, weights = p })
    largest = math.max(largest, difference(W.grad, closed))
  end
  return largest
end

--- Returns what each matrix reads, x, and the traced tensor that it makes of it, x̄; by name.
local function ends_of(kept, batch)
  local stream, ends = kept.embeddings, {}
  for layer = 0, 1 do
    local at = ("layers.%d."):format(layer)
    -- Without a norm before it, a block reads the stream itself.
    local read = kept[at .. "attention_input"] or stream
    for kind, output in pairs { wq = "queries", wk = "keys", wv = "values" } do
      ends[at .. "attention." .. kind] = { read, kept[at .. output] }
    end
    ends[at .. "attention.wo"] = { kept[at .. "heads"], kept[at .. "attention_output"] }
    local hidden = kept[at .. "ff_hidden"]
    read = kept[at .. "ff_input"] or stream + kept[at .. "attention_output"]
    ends[at .. "ff.w1"] = { read, hidden }
    ends[at .. "ff.w2"] = { hidden:relu(), kept[at .. "ff_output"] }
    stream = kept[at .. "residual"]
  end
  ends.output = { kept.norm or stream, kept.logits }
  ends.tok_embeddings = { mnemo.one_hot(batch.tokens, kept.logits:size(3)), kept.embeddings }
  return ends
end

--- Returns a tensor as rows, one for each position.
local function rows(tensor)
  return tensor:reshape(tensor:size(1) * tensor:size(2), -1)
end

--- Compares the gradients with which a model is trained, by its fused operations, with the sums
-- Σ ∇_x̄ ℓ · xᵀ of what plain formulas show. Returns how many matrices there are, and the largest
-- difference.
local function of_model(model, batch)
  model:unfreeze "*"
  local kept = model:trace(batch.tokens, "*", function(logits)
    return logits:cross_entropy(batch.targets)
  end)
  local parameters, count, worst = model:parameters(), 0, 0
  for _, weight in pairs(parameters) do weight.grad = nil end
  model:loss(batch):backward()
  for name, vectors in pairs(ends_of(kept, batch)) do
    local weight = parameters[name .. ".weight"]
    if weight then
      local sum = rows(vectors[2].grad):t():matmul(rows(vectors[1]))
      if name == "tok_embeddings" then sum = sum:t() end -- stored with its inputs as rows
      count, worst = count + 1, math.max(worst, difference(sum, weight.grad))
    end
  end
  return count, worst
end

local shallow = 0
for s = 1, options.seeds do
  shallow = math.max(shallow, of_memory(options.count, 64, options.seed + s - 1))
end
print(("Gradients of a linear memory, N = %d, d = 64, %d seed(s): differentiation and Lemma 1 "
  .. "differ by %.1e of the largest entry at most."):format(options.count, options.seeds, shallow))

local task = mnemo.data.bigram { seq_len = 32, seed = options.seed }
local batch = task:held_out(16)
local vocab = task.vocab_size
local models = {
  ["simplified transformer"] = mnemo.model.simplified {
    vocab = vocab, dim = 32, max_len = 32, ffn = { "mlp", "mlp" }, seed = options.seed },
  transformer = mnemo.model.transformer {
    vocab = vocab, dim = 32, heads = 4, max_len = 32, seed = options.seed },
}
local deep = 0
for _, name in ipairs { "simplified transformer", "transformer" } do
  local count, worst = of_model(models[name], batch)
  deep = math.max(deep, worst)
  print(("Gradients of the %d matrices of the %s differ from Σ ∇_x̄ ℓ · xᵀ by %.1e at most.")
    :format(count, name, worst))
end

-- What one step stores -----------------------------------------------------------------------

--- Makes one step from W = 0. Returns the recall, the size of the errors of wrong scores over that
-- of the right ones, and the scores [n, n].
local function one_step(n, d, seed)
  local U, V = drawn(n, d, seed)
  local W = memory.population_gradient(mnemo.zeros(d, d), U, V) * -options.lr
  local scores, is_right = U:matmul(W:t()):matmul(V:t()), mnemo.eye(n)
  local right = (scores * is_right):sum():item() / n
  local off = (scores + options.lr / n ^ 2) * (1 - is_right)
  local error = math.sqrt(off:square():sum():item() / (n * (n - 1)))
  return memory.recall(W, U, V), error / right, scores
end

--- Returns the error that theory predicts for a wrong score, in units of the right one.
local function predicted(n, d) return math.sqrt(2 / d + n / d ^ 2) end

local recall, errors = {}, {} -- [count][width], measurements with their values over seeds
local rows_of_table = { { "N", "d", "recall", "error of a wrong score", "predicted" } }
for i, n in ipairs(counts) do
  recall[i], errors[i] = {}, {}
  for j, d in ipairs(widths) do
    local shares, sizes = {}, {}
    for s = 1, options.seeds do
      shares[s], sizes[s] = one_step(n, d, options.seed + s - 1)
    end
    recall[i][j], errors[i][j] = mnemo.stats.of(shares), mnemo.stats.of(sizes)
    recall[i][j].values, errors[i][j].values = shares, sizes
    table.insert(rows_of_table, { n, d, mnemo.stats.text(recall[i][j]),
      mnemo.stats.text(errors[i][j]), ("%.3f"):format(predicted(n, d)) })
  end
end
print(("\nOne step of size %g from W = 0, over %d seed(s); chance is 1/N:\n"):format(options.lr,
  options.seeds))
print(mnemo.runs.columns(rows_of_table))

-- The figure ---------------------------------------------------------------------------------

--- Returns the values along the widths, of each seed.
local function by_seed(measured)
  local values = {}
  for j, one in ipairs(measured) do values[j] = one.values end
  return mnemo.runs.transposed(values)
end

local recalled, erring = {}, {}
for i, n in ipairs(counts) do
  local theory = {}
  for j, d in ipairs(widths) do theory[j] = predicted(n, d) end
  recalled[i] = { name = ("N = %d"):format(n), y = by_seed(recall[i]) }
  erring[i] = { name = ("N = %d"):format(n), y = by_seed(errors[i]), style = "points" }
  erring[#counts + i] = { name = ("√(2/d + %d/d²)"):format(n), y = theory, style = "reference" }
end
local shown = math.min(options.count, 24)
local _, _, scores = one_step(options.count, 128, options.seed)
local in_units = scores * (options.lr == 0 and 0 or options.count / options.lr)
mnemo.plot.grid({
  mnemo.plot.lines {
    title = "recall after one step", x = widths, series = recalled, xlabel = "width d",
    ylabel = "recall", xscale = "log", ylim = { 0, 1.02 }, legend = "below",
  },
  mnemo.plot.lines {
    title = "error of a wrong score", x = widths, series = erring, xlabel = "width d",
    ylabel = "in units of the right score", xscale = "log", yscale = "log", legend = "below",
  },
  mnemo.plot.heatmap {
    title = ("v_kᵀ W₁ u_z, %d of N = %d, d = 128"):format(shown, options.count),
    matrix = in_units:narrow(1, 1, shown):narrow(2, 1, shown), palette = "diverging",
    xlabel = "output k", ylabel = "input z", zlabel = "in units of η/N",
  },
}, { title = "What one gradient step stores", columns = 3, width = 1200, height = 460 })
  :save(options.out .. "/figure.svg"):save(options.out .. "/figure.png")

-- The verdict, from these numbers ------------------------------------------------------------

local precise, off = 2e-6, math.max(shallow, deep)
print(("\nGradients are %ssums of outer products: the largest difference is %.1e."):format(
  off < precise and "" or "not ", off))

local narrow, wide = recall[1][1], recall[1][#widths]
if mnemo.stats.compare(wide, 2 / counts[1]) ~= "more" then
  print(("Nothing can be said about what one step stores: at the largest width recall over %d "
    .. "seed(s) is %s, by chance %.3f."):format(options.seeds, mnemo.stats.text(wide),
    1 / counts[1]))
else
  print(("With N = %d recall is %s at d = %d and %s at d = %d: one step %s."):format(counts[1],
    mnemo.stats.text(narrow), widths[1], mnemo.stats.text(wide), widths[#widths],
    mnemo.stats.compare(wide, narrow) == "more" and "stores the associations where there is width"
      or "is not seen to gain by width"))
  local farthest = 0
  for i, n in ipairs(counts) do
    for j, d in ipairs(widths) do
      farthest = math.max(farthest, math.abs(errors[i][j].mean / predicted(n, d) - 1))
    end
  end
  print(("Errors of wrong scores are within %.0f %% of √(2/d + N/d²)."):format(
    math.ceil(100 * farthest)))
end
print("Results are in " .. options.out)
