-- E24  What a trained matrix is made of
--
-- A gradient step adds to a matrix outer products of what should come out and what went in.
-- Momentum adds them up, and weight decay shrinks all that was there by one factor. So after
-- training
--
--   W = α₀ W₀ + Σ_ij α_ij v_j u_iᵀ + rest
--
-- where α₀ follows from learning rate, momentum and weight decay alone. What u and v are:
--
--   W_O¹  u_i = W_V¹ e_i, a token as attention brings it;  v_j, a token's row of the unembedding
--   W_K¹  u_i = e_i, a trigger that asks;  v_j = ẽ_j, a token as layer 1 copied it one further
--   W_K⁰  u_i = p_{i+1}, a position that asks;  v_j = p_j, one that is looked at
--
-- Layers count from 0 in these names, as in the published code. W_K's queries stand on its left, so
-- that its transpose takes u to v. Gradients of W_O¹ are in the span of the v_j whatever goes in:
-- outside of it W_O¹ must be α₀ W₀ exactly. What the keys see is everything in the residual stream,
-- of which these vectors are a part.
--
-- What should be seen: outside of the span W_O¹ is α₀ W₀ to a few millionths, with the α₀
-- predicted. Tokens' outer products hold nearly all of what W_O¹ learned, and a part of what the
-- keys did. The maps of α get a diagonal, of the pairs that the circuit needs. The cosine between
-- each change and the sum over these pairs shows the order of learning: W_O¹, then W_K¹, then W_K⁰.
--
-- After the lemmas on gradients of Bietti et al. 2023, "Birth of a Transformer: A Memory
-- Viewpoint".
local mnemo = require "mnemo"

local options = require "mnemo.arguments" {
  about = "Takes the matrices of an induction head apart into outer products (E24).",
  sweep = true,
  quick = { batch = 128, steps = 200, seeds = 2 },
  full = { dim = 256, seq_len = 128, batch = 512, lr = 0.03, steps = 1000 },
  { "dim", 128, "width of the model", min = 2 },
  { "seq_len", 64, "tokens in a sequence; fewer than the width, or positions span everything",
    min = 4 },
  { "batch", 256, "sequences in a step", min = 1 },
  { "lr", 0.2, "learning rate" },
  { "momentum", 0.9, "momentum" },
  { "decay", 1e-4, "weight decay" },
  { "steps", 400, "training steps", min = 1 },
  { "seeds", 3, "runs", min = 1 },
  { "seed", 1, "first seed of data and initial weights" },
  { "out", "runs/trained_matrix", "folder for results", type = "folder" },
}
local matrices = { "wo1", "wk1", "wk0" }
local label = { wo1 = "W_O¹", wk1 = "W_K¹", wk0 = "W_K⁰" }

-- Taking apart -----------------------------------------------------------------------------

--- Returns what SGD leaves of a weight that has no gradient.
local function kept(steps)
  local weight, velocity = 1, 0
  for _ = 1, steps do
    velocity = options.momentum * velocity + options.decay * weight
    weight = weight - options.lr * velocity
  end
  return weight
end

--- Returns the memories of a model, that of W_K¹ with the copies of all tokens as outputs, and of
-- each which output belongs to an input.
local function memories_of(model, task)
  local found = mnemo.probes.induction_memories(model, task)
  found.wk1.outputs = mnemo.probes.induction_memories(model, {}).wk1.outputs
  for _, memory in pairs(found) do memory.own = mnemo.arange(1, memory.inputs:size(1)) end
  found.wk1.own = task.triggers:tensor()
  return found
end

--- Takes a memory apart, with α₀ measured if it is not given. `own` and `others` are the mean α of
-- the pairs that belong together and of all others; `largest` is how often an input's α is largest
-- with the output that belongs to it.
local function take_apart(memory, before, alpha0)
  local W0 = before:get(memory.parameter)
  local parts = mnemo.probes.decompose(memory.matrix, memory.transposed and W0:t() or W0,
    memory.inputs, memory.outputs, alpha0)
  local n, m = parts.alpha:size(1), parts.alpha:size(2)
  local is_own = mnemo.arange(1, m):eq(memory.own:reshape(n, 1))
  local own, total = (parts.alpha * is_own):sum():item(), parts.alpha:sum():item()
  parts.own, parts.others = own / n, (total - own) / (n * m - n)
  parts.largest = parts.alpha:argmax(2):eq(memory.own):mean():item()
  return parts
end

-- Training ---------------------------------------------------------------------------------

--- Returns which of a run's records, beside the last, is shown as a map.
local function early_record(count)
  return math.max(2, count // 10 + 1)
end

--- Trains a model; returns history, accuracy, parts[name][record], measured[name]. Of α, the first
-- seed's parts have what is shown.
local function train(seed)
  local task = mnemo.data.bigram { triggers = 5, seq_len = options.seq_len, seed = seed }
  local model = mnemo.model.simplified {
    vocab = task.vocab_size, dim = options.dim, max_len = options.seq_len, seed = seed,
  }
  local before, parts = model:clone(), { wo1 = {}, wk1 = {}, wk0 = {} }
  local run = mnemo.train {
    model = model, data = task, steps = options.steps, batch_size = options.batch,
    optimizer = mnemo.optim.sgd {
      lr = options.lr, momentum = options.momentum, weight_decay = options.decay,
    },
    loss_on = "repeats", eval_every = 10, probes = mnemo.probes.change_cosines(task, model),
    dir = ("%s/seed_%d"):format(options.out, seed),
    on_record = function(record)
      for name, memory in pairs(memories_of(model, task)) do
        table.insert(parts[name], take_apart(memory, before, kept(record.step)))
      end
    end,
  }
  local answers, measured = mnemo.probes.answers(model, task), {}
  local rest = answers.own:eq(0)
  for name, memory in pairs(memories_of(model, task)) do
    local last = take_apart(memory, before)
    measured[name] = { alpha0 = last.alpha0, outside = last.outside }
    for i, part in ipairs(parts[name]) do
      local is_shown = seed == options.seed
        and (i == early_record(#parts[name]) or i == #parts[name])
      part.alpha = is_shown and part.alpha:totable() or nil
    end
  end
  return {
    triggers = task.triggers:totable(), history = run.history, parts = parts, measured = measured,
    accuracy = mnemo.stats.share(answers.hits, answers.sequences, rest),
  }
end

local runs = mnemo.sweep {
  name = "trained_matrix", store = options.out .. "/sweep.sqlite", options = options,
  stop_on_error = true,
  seeds = options.seeds, first_seed = options.seed,
  run = function(point) return train(point.seed) end,
}

--- Returns one number for each seed.
local function by_seed(number)
  local values = {}
  for s, run in ipairs(runs) do values[s] = number(run) end
  return values
end

--- Returns a number of a matrix's last record for each seed.
local function last(name, what)
  return by_seed(function(run) return run.parts[name][#run.history][what] end)
end

-- The tables -------------------------------------------------------------------------------

--- Writes mean and spread; "none" where nothing has changed.
local function spread(values, digits)
  local mean = mnemo.runs.summary(values)
  return mean == mean and mnemo.runs.spread(values, digits) or "none"
end

local rows = { { "matrix", "α₀ measured", "α₀ predicted", "left outside", "share of change",
  "by chance", "α, own pairs", "α, others", "own largest" } }
for _, name in ipairs(matrices) do
  local measured = by_seed(function(run) return run.measured[name].alpha0 end)
  local outside = by_seed(function(run) return run.measured[name].outside end)
  rows[#rows + 1] = {
    label[name], ("%.7f"):format(mnemo.runs.summary(measured)),
    ("%.7f"):format(kept(options.steps)), ("%.2g"):format(mnemo.runs.summary(outside)),
    spread(last(name, "share")), ("%.3f"):format(last(name, "chance")[1]),
    mnemo.runs.spread(last(name, "own"), 4), mnemo.runs.spread(last(name, "others"), 4),
    mnemo.runs.spread(last(name, "largest"), 2),
  }
end
print(("After %d steps, %d seed(s), accuracy on repeats off the self-loops %s:\n"):format(
  options.steps, options.seeds,
  mnemo.runs.spread(by_seed(function(run) return run.accuracy.mean end))))
print(mnemo.runs.columns(rows))

--- Returns a column of each seed's history.
local function change(name)
  return mnemo.runs.series(runs, "change_" .. name)
end

rows = { { "step" } }
for _, name in ipairs(matrices) do
  table.insert(rows[1], "cosine, " .. label[name])
end
for i, record in ipairs(runs[1].history) do
  if i > 1 and (i <= 7 or i == #runs[1].history) then
    local row = { record.step }
    for _, name in ipairs(matrices) do
      table.insert(row, spread(mnemo.runs.transposed(change(name))[i], 2))
    end
    rows[#rows + 1] = row
  end
end
print("\nCosine between a matrix's change and the sum over its own pairs:\n")
print(mnemo.runs.columns(rows))

-- The figure -------------------------------------------------------------------------------

--- Draws a number of each matrix over the steps, from the first record after the start.
-- @tparam function number from a run, a matrix and a record
-- @tparam table names how the matrices are called
local function curves(title, ylabel, names, number)
  local steps, series = {}, {}
  for i, record in ipairs(runs[1].history) do steps[i - 1] = record.step end
  for i, name in ipairs(matrices) do
    series[i] = { name = names[name], y = by_seed(function(run)
      local values = {}
      for record = 2, #run.history do values[record - 1] = number(run, name, record) end
      return values
    end) }
  end
  return mnemo.plot.lines {
    title = title, x = steps, series = series, xlabel = "step", ylabel = ylabel,
    ylim = { 0, 1.02 }, legend = "below",
  }
end

local with_chance, triggers = {}, {}
for name, text in pairs(label) do
  with_chance[name] = ("%s (%.2f)"):format(text, last(name, "chance")[1])
end
for i, id in ipairs(runs[1].triggers) do triggers[i] = ("%d"):format(id) end

--- Draws α of a matrix as the first seed has it in a record.
local function map(name, record, xlabel, ylabel, ylabels)
  return mnemo.plot.heatmap {
    title = ("α of %s, step %d"):format(label[name], runs[1].history[record].step),
    matrix = runs[1].parts[name][record].alpha, palette = "diverging", xlabel = xlabel,
    ylabel = ylabel, ylabels = ylabels, aspect = "auto",
  }
end

local latest = #runs[1].history
local early = early_record(latest)
mnemo.plot.grid({
  curves("cosine of change with the sum over own pairs", "cosine", label,
    function(run, name, record) return run.history[record]["change_" .. name] end),
  curves("share of the squared change (and by chance)", "held by outer products", with_chance,
    function(run, name, record) return run.parts[name][record].share end),
  map("wo1", early, "output token j", "token i"), map("wo1", latest, "output token j", "token i"),
  map("wk1", early, "copy of token j", "trigger i", triggers),
  map("wk1", latest, "copy of token j", "trigger i", triggers),
  map("wk0", early, "position j", "i (position i + 1 asks)"),
  map("wk0", latest, "position j", "i (position i + 1 asks)"),
}, { title = "What trained matrices are made of", width = 900, height = 1500,
  heights = { 0.9, 1, 0.55, 1 } })
  :save(options.out .. "/figure.svg"):save(options.out .. "/figure.png")

-- The verdict, from these runs' numbers ------------------------------------------------------

print()
local compare, of = mnemo.stats.compare, mnemo.stats.of

--- Tells whether each seed's head answers more than half of the repeats off the self-loops.
local function is_learned()
  for _, run in ipairs(runs) do
    if compare(run.accuracy, 0.5) ~= "more" then return false end
  end
  return true
end

--- Says whether what training leaves outside of W_O¹'s outputs is W₀, shrunk as predicted.
local function say_alpha0()
  local predicted, off, outside = kept(options.steps), 0, 0
  for _, run in ipairs(runs) do
    local measured = run.measured.wo1
    if measured.alpha0 ~= measured.alpha0 then
      print("W_O¹: α₀ cannot be measured, because the outputs span everything.")
      return
    end
    off = math.max(off, math.abs(measured.alpha0 - predicted))
    outside = math.max(outside, measured.outside)
  end
  print(("Outside of the span of its outputs W_O¹ is %sα₀ W₀: %.1g of it is not, and α₀ is %.1g "
    .. "off the %.7f predicted."):format(outside < 1e-3 and off < 1e-3 and "" or "not ", outside,
    off, predicted))
end

--- Says whether a matrix's outer products hold more than they would of a random matrix, and
-- whether its own pairs stand out.
local function say_share(name)
  local share, chance = of(last(name, "share")), last(name, "chance")[1]
  local stand_out = compare(of(last(name, "own")), of(last(name, "others"))) == "more"
  print(("%s: outer products hold %.1f %% of the squared change, %s; the own pairs' α %s."):format(
    label[name], 100 * share.mean,
    compare(share, chance) == "more" and ("%.1f times as much as of a random matrix"):format(
      share.mean / chance) or ("more than by chance or not, %d seed(s) do not tell"):format(#runs),
    stand_out and ("is larger than others', and the largest of its row for %.0f %% of them")
      :format(100 * mnemo.runs.summary(last(name, "largest")))
      or "cannot be told from others'"))
end

--- Says in which order the changes turn towards their sums, at the first record after the start.
local function say_order()
  local first = {}
  for i, name in ipairs(matrices) do
    first[i] = of(mnemo.runs.transposed(change(name))[2])
  end
  local is_told = compare(first[1], first[2]) == "more" and compare(first[2], first[3]) == "more"
  print(("At step %d the cosines of W_O¹, W_K¹, W_K⁰ are %s, %s, %s: %s."):format(
    runs[1].history[2].step, mnemo.stats.text(first[1], 2), mnemo.stats.text(first[2], 2),
    mnemo.stats.text(first[3], 2), is_told and "they turn to their sums in this order"
      or ("that they do so in this order, %d seed(s) do not tell"):format(#runs)))
end

if is_learned() then
  say_alpha0()
  for _, name in ipairs(matrices) do say_share(name) end
  say_order()
else
  print("Nothing can be said about what training stores: not every run answers more than half of "
    .. "the repeats.")
end
print("Results are in " .. options.out)
