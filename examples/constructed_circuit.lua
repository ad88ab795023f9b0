-- E22  The induction head, written down instead of trained
--
-- If the memories of E1 are sums of outer products, they can be written down. On random frozen
-- embeddings e, positions p and outputs v, with ẽ = W_O⁰ W_V⁰ e a token as layer 1 copies it:
--
--   W_K⁰ ∝ Σ_t p_t p_{t−1}ᵀ       each position looks at the one before,
--   W_K¹ ∝ Σ_k e_k ẽ_kᵀ           a trigger looks at the token that came after it,
--   W_O¹ ∝ Σ_k v_k (W_V¹ e_k)ᵀ    and that token becomes the prediction.
--
-- Each sum is scaled so that a right pair scores c: in the attention scores (nats) and in the
-- logits. The model is compared with the one that E1 trains on the same embeddings.
--
-- What should be seen: accuracy on repeats grows with c until attention is sharp, and then depends
-- on the width: near 0.7 at d = 128, over 0.9 at 256, 0.98 at 512. The trained model does better at
-- the same width, 0.98 at 128. Both attention maps show the same circuit; each trained matrix has a
-- part along the one written down (cosine), and stores many of the same pairs (recall). Replacing
-- one of the trained matrices by what is written down costs a lot for W_K¹ and next to nothing for
-- the others: it is there that training does better.
--
-- After Bietti et al. 2023, "Birth of a Transformer: A Memory Viewpoint", §4.
local mnemo = require "mnemo"

local options = require "mnemo.arguments" {
  about = "Writes the induction head down, and compares it with the trained one (E22).",
  quick = { seq_len = 64, batch = 64, steps = 250, seeds = 1 },
  full = { dim = 256, seq_len = 256, batch = 512, lr = 0.03, steps = 1000 },
  { "dim", 128, "width of the trained model; half to four times it are written down", min = 2 },
  { "seq_len", 128, "tokens in a sequence", min = 2 },
  { "batch", 128, "sequences in a step", min = 1 },
  { "lr", 0.2, "learning rate" },
  { "steps", 400, "training steps", min = 1 },
  { "seeds", 3, "models of each kind", min = 1 },
  { "seed", 1, "first seed of data and initial weights" },
  { "out", "runs/constructed_circuit", "folder for results", type = "folder" },
}
local widths = { options.dim // 2, options.dim, 2 * options.dim, 4 * options.dim }
local scales = { 1, 2, 4, 8, 16, 32, 64, 128 }
local sharp = 32 -- the scale at which matrices and maps are compared with the trained ones

-- The construction -------------------------------------------------------------------------

--- Returns Σ v uᵀ over the pairs of a memory, scaled so that vᵀ W u is about `size` for each.
local function outer_sum(memory, size)
  local U, V = memory.inputs, memory.outputs
  return V:t():matmul(U) * (size / (V:square():sum(2) * U:square():sum(2)):mean():item())
end

--- Returns the three matrices at scale c, by name; scores are divided by √d before the softmax.
local function constructed(model, task, c)
  local weights = {}
  for name, memory in pairs(mnemo.probes.induction_memories(model, task)) do
    local W = outer_sum(memory, name == "wo1" and c or c * math.sqrt(memory.inputs:size(2)))
    weights[memory.parameter] = memory.transposed and W:t() or W
  end
  return weights
end

--- Returns the accuracy on repeated triggers of held-out sequences.
local function accuracy(model, task)
  return mnemo.probes.batch_metrics(task, { held_out = 256 }).acc_end_test { model = model }
end

--- Returns a task and an untrained model.
local function begun(dim, seed)
  local task = mnemo.data.bigram { triggers = 5, seq_len = options.seq_len, seed = seed }
  return task, mnemo.model.simplified {
    vocab = task.vocab_size, dim = dim, max_len = options.seq_len, seed = seed,
  }
end

-- Accuracy against scale and width; accuracies[i][j][n] of width i, seed j and scale n.
local accuracies = {}
for i, dim in ipairs(widths) do
  accuracies[i] = {}
  for j = 1, options.seeds do
    local task, model = begun(dim, options.seed + j - 1)
    accuracies[i][j] = {}
    for n, c in ipairs(scales) do
      accuracies[i][j][n] = model:with(constructed(model, task, c), function()
        return accuracy(model, task)
      end)
    end
  end
end

-- Beside the trained model -----------------------------------------------------------------

local matrices = { { "wk0", "W_K⁰" }, { "wk1", "W_K¹" }, { "wo1", "W_O¹" } }
local measures = { "cosine", "cosine of change", "pairs, written", "pairs, trained", "same answer",
  "accuracy if replaced" }

--- Compares a trained model's memory with the one written down and with its own beginning.
local function comparison(model, before, weights, memory, own_task)
  local name = memory.parameter
  local W, C = model:get(name), weights[name]
  local values = {
    ["cosine"] = mnemo.probes.cosine(W, C),
    ["cosine of change"] = mnemo.probes.cosine(W - before:get(name), C),
    ["accuracy if replaced"] = model:with({ [name] = C }, function()
      return accuracy(model, own_task)
    end),
  }
  if memory.transposed then C = C:t() end
  local U, V = memory.inputs, memory.outputs
  values["pairs, written"] = mnemo.probes.recall(C, U, V)
  values["pairs, trained"] = mnemo.probes.recall(memory.matrix, U, V)
  values["same answer"] = mnemo.probes.agreement(memory.matrix, C, U, V)
  return values
end

local found, trained_accuracies = { wk0 = {}, wk1 = {}, wo1 = {} }, {}
local task, trained, written -- of the first seed, for the maps
for j = 1, options.seeds do
  local seed = options.seed + j - 1
  local own_task, model = begun(options.dim, seed)
  local before = model:clone()
  mnemo.train {
    model = model, data = own_task, steps = options.steps, batch_size = options.batch,
    optimizer = mnemo.optim.sgd { lr = options.lr, momentum = 0.9, weight_decay = 1e-4 },
    loss_on = "repeats", dir = ("%s/trained/seed_%d"):format(options.out, seed),
    overwrite = options.overwrite,
  }
  trained_accuracies[j] = accuracy(model, own_task)
  local weights = constructed(model, own_task, sharp)
  for name, memory in pairs(mnemo.probes.induction_memories(model, own_task)) do
    found[name][j] = comparison(model, before, weights, memory, own_task)
  end
  if j == 1 then
    task, trained, written = own_task, model, model:clone()
    for name, W in pairs(weights) do written:set(name, W) end
  end
end

--- Returns one measure of a matrix for each seed.
local function measured(name, measure)
  local values = {}
  for j, of in ipairs(found[name]) do values[j] = of[measure] end
  return values
end

-- The tables -------------------------------------------------------------------------------

local rows = { { "d \\ c", table.unpack(scales) } }
for i, dim in ipairs(widths) do
  local row = { dim }
  for n, values in ipairs(mnemo.runs.transposed(accuracies[i])) do
    row[n + 1] = mnemo.runs.spread(values, 2)
  end
  rows[#rows + 1] = row
end
print(("Accuracy on repeats of the circuit written down, by width d and scale c, %d seed(s):\n")
  :format(options.seeds))
print(mnemo.runs.columns(rows))

rows = { { "matrix", table.unpack(measures) } }
for _, matrix in ipairs(matrices) do
  local row = { matrix[2] }
  for _, measure in ipairs(measures) do
    row[#row + 1] = mnemo.runs.spread(measured(matrix[1], measure), 2)
  end
  rows[#rows + 1] = row
end
print(("\nTrained for %d steps at d = %d, accuracy %s; its matrices beside those written down:\n")
  :format(options.steps, options.dim, mnemo.runs.spread(trained_accuracies)))
print(mnemo.runs.columns(rows))

-- The figure -------------------------------------------------------------------------------

local level = {
  at = mnemo.runs.summary(trained_accuracies), name = ("trained, d = %d"):format(options.dim),
}
local by_scale, sharpest = {}, {}
for i, dim in ipairs(widths) do
  by_scale[i] = { name = ("d = %d"):format(dim), y = accuracies[i], style = "linespoints" }
  sharpest[i] = mnemo.runs.transposed(accuracies[i])[#scales]
end

-- The start of a sequence that training has not seen.
local tokens = task:held_out(1).tokens:narrow(2, 1, math.min(options.seq_len, 24))

--- Draws where one layer of a model looks in that sequence.
local function attention_map(which, model, layer)
  return mnemo.plot.attention {
    title = ("%s, layer %d"):format(which, layer), model = model, tokens = tokens, layer = layer,
    corpus = task.corpus,
  }
end

--- Draws accuracies of the circuit written down, and a line for the trained model.
local function panel(title, xlabel, x, series)
  return mnemo.plot.lines {
    title = title, x = x, xlabel = xlabel, ylabel = "accuracy on repeats", xscale = "log",
    ylim = { 0, 1.02 }, series = series, hlines = { level }, legend = "below",
  }
end

mnemo.plot.grid({
  panel("written down: accuracy by scale", "scale c", scales, by_scale),
  panel(("written down: accuracy by width, c = %d"):format(scales[#scales]), "width d", widths,
    { { name = "written down", y = mnemo.runs.transposed(sharpest), style = "linespoints" } }),
  attention_map("written down", written, 1), attention_map("trained", trained, 1),
  attention_map("written down", written, 2), attention_map("trained", trained, 2),
}, { title = "The circuit written down, and the trained one", width = 900, height = 1260,
  heights = { 0.8, 1, 1 } })
  :save(options.out .. "/figure.svg"):save(options.out .. "/figure.png")

-- The verdict, from these runs' numbers ------------------------------------------------------

print()
for i, dim in ipairs(widths) do
  local mean = mnemo.runs.summary(sharpest[i])
  print(("d = %4d: written down with c = %d, accuracy is %.2f: the trained model at d = %d is %s.")
    :format(dim, scales[#scales], mean, options.dim, level.at > mean + 0.01 and "better"
      or level.at < mean - 0.01 and "worse" or "as good"))
end
for _, matrix in ipairs(matrices) do
  print(("%s: training stored %.0f %% of the pairs; the sum in its place adds %+.2f to accuracy.")
    :format(matrix[2], 100 * mnemo.runs.summary(measured(matrix[1], "pairs, trained")),
    mnemo.runs.summary(measured(matrix[1], "accuracy if replaced")) - level.at))
end
print("Results are in " .. options.out)
