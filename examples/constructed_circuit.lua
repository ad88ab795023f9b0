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
-- on the width: near 0.7 at d = 128, over 0.9 at 256, 0.98 at 512. It is cross-talk that narrow
-- models suffer from: with `cross_talk = false`, where each matrix reads only what it is meant for,
-- the same sums are right in 0.99 at d = 128. The trained model does better at the same width, 0.97
-- at 128, with cross-talk. Both attention maps show the same circuit; each trained matrix has a
-- part along the one written down (cosine), and stores many of the same pairs (recall). Replacing
-- one of the trained matrices by what is written down costs a lot for W_K¹ and little for the
-- others: it is there that training does better. (Layers of matrices count from 0, those of figures
-- from 1.)
--
-- Where a trigger's output is the trigger itself the sequence repeats it to the end, and repeating
-- is enough to be right; accuracy is that on the other answers, beside chance.
--
-- After Bietti et al. 2023, "Birth of a Transformer: A Memory Viewpoint", §4.
local mnemo = require "mnemo"

local options = require "mnemo.arguments" {
  about = "Writes the induction head down, and compares it with the trained one (E22).",
  sweep = true,
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
local scales = { 1, 2, 4, 8, 16, 32, 128 }
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

--- Tells where a model answers right when a trigger comes again in held-out sequences.
local function answers(model, task)
  return mnemo.probes.answers(model, task, { held_out = 256 })
end

--- Returns the task of a seed.
local function bigrams(seed)
  return mnemo.data.bigram { triggers = 5, seq_len = options.seq_len, seed = seed }
end

--- Returns an untrained model for a task.
local function begun(task, dim, cross_talk, seed)
  return mnemo.model.simplified {
    vocab = task.vocab_size, dim = dim, max_len = options.seq_len, cross_talk = cross_talk,
    seed = seed,
  }
end

--- Returns the answers of the circuit written down at a width and scale.
local function written_answers(task, dim, c, cross_talk, seed)
  local model = begun(task, dim, cross_talk, seed)
  return model:with(constructed(model, task, c), function() return answers(model, task) end)
end

-- Accuracies: of self-loops, where a trigger's output is itself, and of the rest ------------

--- Returns the share of right answers: of self-loops if `own` is 1, else of the rest.
local function accuracy(found, own)
  return mnemo.stats.share(found.hits, found.sequences, found.own:eq(own))
end

--- Returns by how much of the rest the first answers are right more often.
local function advantage(found, others)
  return mnemo.stats.share(found.hits - others.hits, found.sequences, found.own:eq(0))
end

-- The circuit written down -----------------------------------------------------------------

--- Measures the circuit at a width, with cross-talk and without: by scale, and at the largest.
local function measured_circuit(dim, seed)
  local task, noisy, clean = bigrams(seed), nil, nil
  local found = { noisy = {}, clean = {} }
  for n, c in ipairs(scales) do
    noisy = written_answers(task, dim, c, true, seed)
    clean = written_answers(task, dim, c, false, seed)
    found.noisy[n], found.clean[n] = accuracy(noisy, 0), accuracy(clean, 0)
  end
  found.noisy_loops, found.clean_loops = accuracy(noisy, 1), accuracy(clean, 1)
  found.gain = advantage(clean, noisy)
  return found
end

-- Beside the trained model -----------------------------------------------------------------

local matrices = { { "wk0", "W_K⁰" }, { "wk1", "W_K¹" }, { "wo1", "W_O¹" } }
local measures = { "cosine", "cosine of change", "pairs, written", "pairs, trained", "same answer" }

-- The start of a sequence that training has not seen, of the first seed's task.
local sequence = bigrams(options.seed):held_out(1)
local shown = sequence.tokens:narrow(2, 1, math.min(options.seq_len, 24))

--- Returns where both layers of a model look in that sequence.
local function attention(model)
  local maps = {}
  for layer = 1, 2 do maps[layer] = model:attention(shown, layer)[1][1]:totable() end
  return maps
end

--- Compares a trained model's memory with the one written down and with its own beginning.
local function comparison(model, before, weights, memory, task, trained_answers)
  local name = memory.parameter
  local W, C = model:get(name), weights[name]
  local replaced = model:with({ [name] = C }, function() return answers(model, task) end)
  local found = {
    ["cosine"] = mnemo.probes.cosine(W, C),
    ["cosine of change"] = mnemo.probes.cosine(W - before:get(name), C),
    ["chance"] = 1 / memory.outputs:size(1),
    replaced = accuracy(replaced, 0), gain = advantage(replaced, trained_answers),
  }
  if memory.transposed then C = C:t() end
  local U, V = memory.inputs, memory.outputs
  found["pairs, written"] = mnemo.probes.recall(C, U, V)
  found["pairs, trained"] = mnemo.probes.recall(memory.matrix, U, V)
  found["same answer"] = mnemo.probes.agreement(memory.matrix, C, U, V)
  return found
end

--- Trains a model and compares it with what is written down.
local function measured_training(seed)
  local task = bigrams(seed)
  local model = begun(task, options.dim, true, seed)
  local before = model:clone()
  mnemo.train {
    model = model, data = task, steps = options.steps, batch_size = options.batch,
    optimizer = mnemo.optim.sgd { lr = options.lr, momentum = 0.9, weight_decay = 1e-4 },
    loss_on = "repeats", dir = ("%s/trained/seed_%d"):format(options.out, seed),
  }
  local own, weights = answers(model, task), constructed(model, task, sharp)
  local found = {
    loops = accuracy(own, 1), rest = accuracy(own, 0), gains = {}, trained_map = attention(model),
    written_map = model:with(weights, function() return attention(model) end),
  }
  for i, dim in ipairs(widths) do
    found.gains[i] = advantage(own, written_answers(task, dim, scales[#scales], true, seed))
  end
  for name, memory in pairs(mnemo.probes.induction_memories(model, task)) do
    found[name] = comparison(model, before, weights, memory, task, own)
  end
  return found
end

-- The runs ---------------------------------------------------------------------------------

local kinds = { { kind = "trained" } }
for _, dim in ipairs(widths) do table.insert(kinds, { kind = "written", dim = dim }) end

local points = mnemo.sweep {
  name = "constructed_circuit", store = options.out .. "/sweep.sqlite", options = options,
  stop_on_error = true, points = kinds, seeds = options.seeds, first_seed = options.seed,
  run = function(point)
    if point.kind == "trained" then return measured_training(point.seed) end
    return measured_circuit(point.dim, point.seed)
  end,
}

local trained, written = mnemo.runs.where(points, { kind = "trained" }), {}
for i, dim in ipairs(widths) do
  written[i] = mnemo.runs.where(points, { kind = "written", dim = dim })
end

--- Returns what lies at the end of a path in each seed's point, such as "noisy", 3.
local function values(seeds, ...)
  local list = {}
  for j, value in ipairs(seeds) do
    for _, key in ipairs { ... } do value = value[key] end
    list[j] = value
  end
  return list
end

--- Lists the means of measurements.
local function means(measured)
  return values(measured, "mean")
end

--- Puts the seeds' measurements together; the error is over seeds, of one seed over sequences.
local function over_seeds(measured)
  return #measured == 1 and measured[1] or mnemo.stats.of(means(measured))
end

--- Writes the seeds' measurements as one.
local function text(measured, digits)
  return mnemo.stats.text(over_seeds(measured), digits)
end

-- The tables -------------------------------------------------------------------------------

local rows = { { "d \\ c", "cross-talk", table.unpack(scales) } }
rows[1][#rows[1] + 1] = "self-loops"
for i, dim in ipairs(widths) do
  for _, kind in ipairs { "noisy", "clean" } do
    local row = { dim, kind == "noisy" and "yes" or "no" }
    for n = 1, #scales do row[#row + 1] = text(values(written[i], kind, n), 2) end
    row[#row + 1] = text(values(written[i], kind .. "_loops"), 2)
    rows[#rows + 1] = row
  end
end
local chance = 1 / mnemo.corpus.shakespeare().vocab_size
print(("Accuracy on repeated triggers of the circuit written down, by width d and scale c, over\n"
  .. "%d seed(s), where the output is not the trigger itself (chance: %.3f); in the last column,\n"
  .. "with c = %d, where it is:\n"):format(options.seeds, chance, scales[#scales]))
print(mnemo.runs.columns(rows))

rows = { { "matrix", table.unpack(measures) } }
table.move({ "chance", "accuracy if replaced" }, 1, 2, #measures + 2, rows[1])
for _, matrix in ipairs(matrices) do
  local row = { matrix[2] }
  for _, measure in ipairs(measures) do
    local cell = mnemo.stats.text(mnemo.stats.of(values(trained, matrix[1], measure)), 2)
    row[#row + 1] = cell:gsub("^%-(0%.00)", "%1") -- zero has no sign
  end
  row[#row + 1] = ("%.2f"):format(trained[1][matrix[1]].chance)
  row[#row + 1] = text(values(trained, matrix[1], "replaced"), 2)
  rows[#rows + 1] = row
end
print(("\nTrained for %d steps at d = %d, accuracy is %s on self-loops, %s on the\n"
  .. "rest; the matrices beside those written down with c = %d:\n"):format(options.steps,
  options.dim, text(values(trained, "loops")), text(values(trained, "rest")), sharp))
print(mnemo.runs.columns(rows))

-- The figure -------------------------------------------------------------------------------

local level = {
  at = over_seeds(values(trained, "rest")).mean,
  name = ("trained, d = %d"):format(options.dim),
}

--- Returns a curve of the accuracies of some settings, each a list of seeds.
local function curve(name, settings)
  local y = {}
  for i, measured in ipairs(settings) do y[i] = means(measured) end
  return { name = name, y = mnemo.runs.transposed(y), style = "linespoints" }
end

local by_scale, sharpest = {}, { noisy = {}, clean = {} }
for i, dim in ipairs(widths) do
  local noisy = {}
  for n = 1, #scales do noisy[n] = values(written[i], "noisy", n) end
  by_scale[i] = curve(("d = %d"):format(dim), noisy)
  sharpest.noisy[i], sharpest.clean[i] = noisy[#scales], values(written[i], "clean", #scales)
end

--- Draws where one layer of the first seed's model looks in that sequence.
local function attention_map(which, maps, layer)
  return mnemo.plot.attention {
    title = ("%s, layer %d"):format(which, layer), weights = maps[layer], tokens = shown,
    corpus = mnemo.corpus.shakespeare(), occurrence = sequence.occurrence,
  }
end

--- Draws accuracies of the circuit written down, and a line for the trained model.
local function panel(title, xlabel, x, series)
  return mnemo.plot.lines {
    title = title, x = x, xlabel = xlabel, ylabel = "accuracy off self-loops", xscale = "log",
    ylim = { 0, 1.02 }, series = series, hlines = { level }, legend = "below",
  }
end

mnemo.plot.grid({
  panel("written down, with cross-talk: accuracy by scale", "scale c", scales, by_scale),
  panel(("written down: accuracy by width, c = %d"):format(scales[#scales]), "width d", widths,
    { curve("without cross-talk", sharpest.clean), curve("with cross-talk", sharpest.noisy) }),
  attention_map("written down", trained[1].written_map, 1),
  attention_map("trained", trained[1].trained_map, 1),
  attention_map("written down", trained[1].written_map, 2),
  attention_map("trained", trained[1].trained_map, 2),
}, { title = "The circuit written down, and the trained one", width = 900, height = 1260,
  heights = { 0.8, 1, 1 } })
  :save(options.out .. "/figure.svg"):save(options.out .. "/figure.png")

-- The verdict, from these runs' numbers ------------------------------------------------------

--- Says how answers compare with others to the same questions, by their advantage.
local function judged(gains, words)
  return words[mnemo.stats.compare(over_seeds(gains), 0) or "same"]
end

print()
for i, dim in ipairs(widths) do
  print(("d = %4d: written down, accuracy is %s; without cross-talk it is %s, %s."):format(dim,
    text(sharpest.noisy[i]), text(sharpest.clean[i]),
    judged(values(written[i], "gain"),
      { more = "which is more", less = "which is less", same = "not told apart by the error" })))
end

--- Tells whether every seed's model answers more of the rest than chance, each erring once in a
-- thousand.
local function have_learned()
  for _, run in ipairs(trained) do
    if mnemo.stats.compare(run.rest, chance, 0.999) ~= "more" then return false end
  end
  return true
end

if have_learned() then
  for i, dim in ipairs(widths) do
    print(("Trained at d = %d, it %s written down at d = %d."):format(options.dim,
      judged(values(trained, "gains", i), { more = "answers more than",
        less = "answers less than", same = "cannot be told from what is" }), dim))
  end
  for _, matrix in ipairs(matrices) do
    local name = matrix[1]
    print(("%s: training stored %.0f %% of the pairs (chance: %.0f %%); with the sum in its place\n"
      .. "accuracy is %s, %s."):format(matrix[2],
      100 * mnemo.stats.of(values(trained, name, "pairs, trained")).mean,
      100 * trained[1][name].chance, text(values(trained, name, "replaced")),
      judged(values(trained, name, "gain"),
        { more = "more", less = "less", same = "not told apart by the error" })))
  end
else
  print(("Nothing can be said about what training stores: off the self-loops not every trained\n"
    .. "model answers more than chance, %.3f, would; accuracy is %s."):format(chance,
    text(values(trained, "rest"))))
end
print("Results are in " .. options.out)
