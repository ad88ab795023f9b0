-- E26  Beyond the theory: finite data, learned embeddings, more layers, one layer
--
-- The theory has frozen embeddings, two layers, and new sequences at every step. Here the induction
-- head of E1 is trained
--
--   on a finite set of n sequences, over and over: how many does it take until what is learned
--   holds for others, and which of the three memories suffers when they are few?
--   with learned embeddings of tokens, positions and outputs, beside frozen ones;
--   as the usual transformer with 2, 3 and 4 layers, on all tokens;
--   and with random triggers as one layer, wider and with more heads, beside two small ones.
--
-- The last has a theorem. One layer finds the token after an earlier occurrence only if what its
-- heads write, H · d/H = d numbers of p bits, is in the order of the number of tokens that may be
-- asked for: whatever comes before the question reaches the answer through them alone. Two layers
-- need but the logarithm. Heads that share the width change nothing of it.
--
-- What should be seen: with few sequences accuracy on those is higher than on others, and the gap
-- closes as n grows. Learned embeddings help at this width; more layers do not. One layer gains
-- less with each doubling of its width, and nothing by its heads; two with half its parameters
-- leave it behind.
--
-- Where a trigger's output is the trigger itself the sequence repeats it to the end, and repeating
-- is enough to be right; accuracy is that on the other answers.
--
-- After the open questions at the end of the slides to Bietti et al. 2023, "Birth of a Transformer:
-- A Memory Viewpoint", and Sanford, Hsu, Telgarsky 2024, "One-layer transformers fail to solve the
-- induction heads task".
local mnemo = require "mnemo"

local options = require "mnemo.arguments" {
  about = "Trains induction heads on few sequences, learned embeddings, more layers, one (E26).",
  sweep = true,
  quick = { seq_len = 32, steps = 150, layer_lr = 0.01, layer_batch = 64, layer_steps = 60,
    bound_lr = 0.015, bound_steps = 200, bound_widths = 2, seeds = 2 },
  full = { dim = 128, seq_len = 128, batch = 256, steps = 1000,
    layer_batch = 128, layer_steps = 1500, bound_steps = 3000, bound_lr = 0.003,
    bound_widths = 4 },
  { "dim", 64, "width of the models", min = 4 },
  { "seq_len", 64, "tokens in a sequence", min = 4 },
  { "batch", 64, "sequences in a step", min = 1, max = 256 },
  { "lr", 0.2, "learning rate of the simplified transformer" },
  { "steps", 300, "its training steps", min = 1 },
  { "layer_lr", 0.005, "learning rate of the usual transformer" },
  { "layer_batch", 32, "sequences in a step of it", min = 1 },
  { "layer_steps", 200, "its training steps", min = 1 },
  { "bound_lr", 0.01, "learning rate of one layer and two, with random triggers" },
  { "bound_steps", 600, "their training steps", min = 1 },
  { "bound_widths", 3, "widths d = 16, 32, … of one layer; two have 16 and 32", min = 2, max = 6 },
  { "seeds", 5, "runs of each kind", min = 1 },
  { "seed", 1, "first seed of data and initial weights" },
  { "out", "runs/beyond_the_theory", "folder for results", type = "folder" },
}
local sizes = { 256, 1024, 4096, 16384, 65536 }
local depths = { 2, 3, 4 }
local head_counts, widths = { 1, 4 }, {}
for i = 1, options.bound_widths do widths[i] = 8 << i end

-- Training ---------------------------------------------------------------------------------

--- Returns the share of right answers to repeated triggers whose output is another token.
local function accuracy(model, batch)
  local asked = batch.occurrence:ge(2) * (1 - batch.tokens:eq(batch.targets))
  if asked:sum():item() == 0 then return 0 end
  return mnemo.no_grad(function()
    local answers = model:forward(batch.tokens, asked):argmax(2)
    return answers:eq(batch.targets:masked_select(asked)):mean():item()
  end)
end

--- Returns some sequences of a batch.
local function part(batch, first, count)
  local found = {}
  for _, field in ipairs { "tokens", "targets", "occurrence" } do
    found[field] = batch[field]:narrow(1, first, count)
  end
  return found
end

--- Returns a source of batches that goes round n sequences of a task, and the first of them.
local function finite(task, n)
  local all = task:batch(n, 1)
  local rounds = n // options.batch
  return {
    batch = function(_, size, index) return part(all, (index - 1) % rounds * size + 1, size) end,
  }, part(all, 1, math.min(n, 512))
end

--- Trains a model and returns its accuracy on held-out sequences over the steps.
local function train(point, task, given)
  local others = task:held_out(512)
  given.eval_every = math.max(25, given.steps // 20)
  given.dir = ("%s/%s/seed_%d"):format(options.out, point.kind, point.seed)
  given.probes = { accuracy = function(ctx) return accuracy(ctx.model, others) end }
  local run, parameters = mnemo.train(given), 0
  for _, matrix in pairs(given.model:parameters()) do parameters = parameters + matrix:numel() end
  return {
    history = run.history, others = run.history[#run.history].accuracy, parameters = parameters,
  }
end

--- Trains the simplified transformer on a point's sequences, or on new ones if it has none.
local function simplified(point)
  local task = mnemo.data.bigram { triggers = 5, seq_len = options.seq_len, seed = point.seed }
  local is_learned = point.kind == "learned"
  local model = mnemo.model.simplified {
    vocab = task.vocab_size, dim = options.dim, max_len = options.seq_len, seed = point.seed,
    freeze_embeddings = not is_learned, freeze_output = not is_learned,
  }
  if is_learned then model:unfreeze "pe" end
  local data, own = task, nil
  if point.sequences then data, own = finite(task, point.sequences) end
  local found = train(point, task, {
    model = model, data = data, steps = options.steps, batch_size = options.batch,
    loss_on = "repeats",
    optimizer = mnemo.optim.sgd { lr = options.lr, momentum = 0.9, weight_decay = 1e-4 },
  })
  for name, memory in pairs(mnemo.probes.induction_memories(model, task)) do
    found[name] = mnemo.memory.recall(memory.matrix, memory.inputs, memory.outputs)
  end
  found.own = own and accuracy(model, own) or found.others
  found.gap = found.own - found.others
  return found
end

--- Trains the usual transformer with a point's layers, heads, width and kind of triggers.
local function usual(point)
  local task = mnemo.data.bigram {
    triggers = 5, trigger_kind = point.triggers, seq_len = options.seq_len, seed = point.seed,
  }
  return train(point, task, {
    data = task, steps = point.steps, batch_size = options.layer_batch, loss_on = "all",
    model = mnemo.model.transformer {
      vocab = task.vocab_size, dim = point.dim, layers = point.layers, heads = point.heads,
      max_len = options.seq_len, seed = point.seed,
    },
    optimizer = mnemo.optim.adamw { lr = point.lr },
  })
end

-- The kinds of runs ------------------------------------------------------------------------

local kinds, runs = {}, {}

--- Adds a kind of runs and returns the list that they come into, one for each seed.
local function add(kind, settings)
  settings.kind = kind
  kinds[#kinds + 1], runs[kind] = settings, {}
  return runs[kind]
end

local by_size, by_depth, embeddings = {}, {}, {}
for i, n in ipairs(sizes) do by_size[i] = add("n_" .. n, { sequences = n }) end
for i, name in ipairs { "frozen", "learned" } do embeddings[i] = add(name, {}) end
for i, layers in ipairs(depths) do
  by_depth[i] = add(("%d_layers"):format(layers), {
    layers = layers, heads = 2, dim = options.dim, triggers = "fixed",
    steps = options.layer_steps, lr = options.layer_lr,
  })
end

--- Adds the usual transformer with random triggers.
local function bound(layers, heads, dim)
  return add(("random_%d_layers_%d_heads_%d_wide"):format(layers, heads, dim), {
    layers = layers, heads = heads, dim = dim, triggers = "random",
    steps = options.bound_steps, lr = options.bound_lr,
  })
end

local one, two = { {}, {} }, {} -- one layer by heads and width, two layers of the smallest widths
for i, dim in ipairs(widths) do
  for j, heads in ipairs(head_counts) do one[j][i] = bound(1, heads, dim) end
  if i <= 2 then two[i] = bound(2, 1, dim) end
end

local points = mnemo.sweep {
  name = "beyond_the_theory", store = options.out .. "/sweep.sqlite", options = options,
  stop_on_error = true, points = kinds, seeds = options.seeds, first_seed = options.seed,
  run = function(point) return point.layers and usual(point) or simplified(point) end,
}
for _, point in ipairs(points) do table.insert(runs[point.kind], point) end

-- The tables -------------------------------------------------------------------------------

local function values(seeds, name)
  local list = {}
  for j, found in ipairs(seeds) do list[j] = found[name] end
  return list
end

local compare, text = mnemo.stats.compare, mnemo.stats.text

local function of(seeds, name) return mnemo.stats.of(values(seeds, name)) end

local columns = { "own", "others", "gap", "wo1", "wk1", "wk0" }

--- Returns a row of numbers.
local function row(seeds, names, ...)
  local cells = { ... }
  for _, name in ipairs(names) do cells[#cells + 1] = text(of(seeds, name), 2) end
  return cells
end

local rows = { { "sequences", "on these", "on others", "gap", "W_O¹", "W_K¹", "W_K⁰" } }
for i, n in ipairs(sizes) do rows[#rows + 1] = row(by_size[i], columns, n) end
print(("%d steps of %d sequences, d = %d, T = %d, %d seed(s): accuracy on the n sequences of\n"
  .. "training and on others, and recall of the memories:\n"):format(options.steps, options.batch,
  options.dim, options.seq_len, options.seeds))
print(mnemo.runs.columns(rows))

rows = { { "embeddings", "accuracy", "W_O¹", "W_K¹", "W_K⁰" } }
local after = { "others", "wo1", "wk1", "wk0" }
for i, name in ipairs { "frozen", "learned" } do
  rows[#rows + 1] = row(embeddings[i], after, name)
end
print "\nNew sequences at every step:\n"
print(mnemo.runs.columns(rows))

rows = { { "layers", "accuracy" } }
for i, layers in ipairs(depths) do rows[#rows + 1] = row(by_depth[i], { "others" }, layers) end
print(("\nThe usual transformer, %d steps on all tokens:\n"):format(options.layer_steps))
print(mnemo.runs.columns(rows))

rows = { { "d", "parameters", "1 head", "4 heads", "two layers: parameters", "1 head" } }
for i, dim in ipairs(widths) do
  rows[i + 1] = row(one[1][i], { "others" }, dim, one[1][i][1].parameters)
  table.insert(rows[i + 1], text(of(one[2][i], "others"), 2))
  table.insert(rows[i + 1], two[i] and two[i][1].parameters or "")
  table.insert(rows[i + 1], two[i] and text(of(two[i], "others"), 2) or "")
end
print(("\nOne layer and two with random triggers, %d steps on all tokens, accuracy by width:\n")
  :format(options.bound_steps))
print(mnemo.runs.columns(rows))

-- The figure -------------------------------------------------------------------------------

--- Returns a curve over what a list of runs differs in, the numbers of sequences without one.
local function curve(label, name, list)
  local y = {}
  for i, seeds in ipairs(list or by_size) do y[i] = values(seeds, name) end
  return { name = label, y = mnemo.runs.transposed(y), style = "linespoints" }
end

--- Draws accuracy on held-out sequences over the steps of some kinds of runs.
local function over_steps(title, lists, names)
  local steps, series = {}, {}
  for i, record in ipairs(lists[1][1].history) do steps[i] = record.step end
  for i, seeds in ipairs(lists) do
    series[i] = { name = names[i], y = mnemo.runs.series(seeds, "accuracy") }
  end
  return mnemo.plot.lines {
    title = title, x = steps, series = series, xlabel = "step", ylabel = "accuracy",
    ylim = { 0, 1.02 }, legend = "below",
  }
end

--- Draws curves over the numbers of sequences.
local function over_sizes(title, ylabel, series)
  return mnemo.plot.lines {
    title = title, x = sizes, xscale = "log", series = series, xlabel = "training sequences",
    ylabel = ylabel, ylim = { 0, 1.02 }, legend = "below",
  }
end

--- Draws accuracy of one layer and two, with random triggers, over the width.
local function over_widths()
  local curves = {
    curve("1 layer, 1 head", "others", one[1]), curve("1 layer, 4 heads", "others", one[2]),
    curve("2 layers, 1 head", "others", two),
  }
  for i, one_curve in ipairs(curves) do
    one_curve.x = table.move(widths, 1, i < 3 and #widths or #two, 1, {})
  end
  return mnemo.plot.lines {
    title = "one layer and two, random triggers", xscale = "log", series = curves,
    xlabel = "width d", ylabel = "accuracy", ylim = { 0, 1.02 }, legend = "below",
  }
end

mnemo.plot.grid({
  over_sizes("finite data: accuracy", "accuracy", {
    curve("on these", "own"), curve("on others", "others"), curve("gap", "gap"),
  }),
  over_sizes("finite data: memories", "recall", {
    curve("W_O¹", "wo1"), curve("W_K¹", "wk1"), curve("W_K⁰", "wk0"),
  }),
  over_steps("embeddings", embeddings, { "frozen", "learned" }),
  over_steps("layers", by_depth, { "2 layers", "3 layers", "4 layers" }),
  over_widths(),
  over_steps("one layer and two, over steps", { one[2][#widths], two[1], two[#two] }, {
    ("1 layer, d = %d"):format(widths[#widths]), ("2 layers, d = %d"):format(widths[1]),
    ("2 layers, d = %d"):format(widths[#two]),
  }),
}, { title = "Beyond the theory", columns = 2, width = 900, height = 1290 })
  :save(options.out .. "/figure.svg"):save(options.out .. "/figure.png")

-- The verdict, from these runs' numbers ------------------------------------------------------

local chance = 1 / mnemo.corpus.shakespeare().vocab_size

--- Tells whether runs answer more than a tenth of what is asked, far more than guessing.
local function has_learned(seeds) return compare(of(seeds, "others"), 0.1) == "more" end

--- Says how the accuracy of one kind of runs compares with another's.
local function say(name, seeds, than, others)
  local verdict = compare(of(seeds, "others"), of(others, "others"))
  print(("%s: accuracy is %s, %s %s."):format(name, text(of(seeds, "others"), 2),
    verdict == "more" and "more than" or verdict == "less" and "less than"
      or "not told apart from that", than))
end

print()
if has_learned(by_size[#sizes]) then
  for i, n in ipairs(sizes) do
    print(("n = %5d: the gap is %s, %s; W_K⁰ holds %s."):format(n, text(of(by_size[i], "gap"), 2),
      compare(of(by_size[i], "gap"), 0) == "more" and "more than its error"
        or "not told apart from none", text(of(by_size[i], "wk0"), 2)))
  end
else
  print(("Nothing can be said about the gap: with %d sequences accuracy is %s, guessing %.2f.")
    :format(sizes[#sizes], text(of(by_size[#sizes], "others"), 2), chance))
end
if has_learned(embeddings[1]) then
  say("learned embeddings", embeddings[2], "with frozen ones", embeddings[1])
else
  print(("Nothing can be said about learned embeddings: with frozen ones accuracy is %s.")
    :format(text(of(embeddings[1], "others"), 2)))
end
if has_learned(by_depth[1]) then
  for i = 2, #depths do
    say(("%d layers"):format(depths[i]), by_depth[i], "with 2", by_depth[1])
  end
else
  print(("Nothing can be said about more layers: with two accuracy is %s."):format(
    text(of(by_depth[1], "others"), 2)))
end

--- Says what width and heads do for one layer, and the smallest two layers that answer more than
-- all of them.
local function say_bound()
  local narrow, wide = one[1][1], one[1][#widths]
  say(("one layer, d = %d"):format(widths[#widths]), wide,
    ("with d = %d"):format(widths[1]), narrow)
  say(("one layer, d = %d, 4 heads"):format(widths[#widths]), one[2][#widths], "with 1", wide)
  local best = one[1][1]
  for _, list in ipairs(one) do
    for _, seeds in ipairs(list) do
      if of(seeds, "others").mean > of(best, "others").mean then best = seeds end
    end
  end
  for i, seeds in ipairs(two) do
    if has_learned(seeds) and compare(of(seeds, "others"), of(best, "others")) == "more" then
      print(("Two layers of d = %d, %d parameters, answer more than every one layer here: %s,\n"
        .. "beside %s with %d at best."):format(widths[i], seeds[1].parameters,
        text(of(seeds, "others"), 2), text(of(best, "others"), 2), best[1].parameters))
      return
    end
  end
  print(("Two layers, up to d = %d, do not answer more than one layer."):format(widths[#two]))
end

if has_learned(two[#two]) then
  say_bound()
else
  print(("Nothing can be said about one layer's bound: with two accuracy is %s."):format(
    text(of(two[#two], "others"), 2)))
end
print("Results are in " .. options.out)
