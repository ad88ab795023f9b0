-- E5  What holds everywhere is learned before what the context tells
--
-- A sequence mixes two kinds of knowledge: which character follows which in the language (the same
-- in every sequence), and which output follows a trigger (drawn for each sequence). The simplified
-- transformer gets a feed-forward after its second layer, linear or an MLP, and every token counts
-- in the loss.
--
-- What should be seen: the feed-forward takes up the language's bigrams within some dozen steps:
-- ff1, their divergence from what it predicts, and loss_bigram, the loss where no trigger stands,
-- fall at once. loss_head, the loss on answers that stand in the context, stays on a plateau and
-- falls when the induction head is born, much later. An MLP, which can hold any table, brings ff1
-- lower than a linear map.
--
-- After Bietti et al. 2023, "Birth of a Transformer: A Memory Viewpoint", §5 and Figure 4.
local mnemo = require "mnemo"

local options = require "mnemo.arguments" {
  about = "Follows how a feed-forward learns bigrams and attention learns the context (E5).",
  quick = { seeds = 1, batch = 64, steps = 300 },
  full = { dim = 256, seq_len = 256, batch = 512, lr = 0.03, steps = 2000 },
  { "dim", 128, "width of the model", min = 1 },
  { "seq_len", 64, "tokens in a sequence", min = 2 },
  { "batch", 128, "sequences in a step", min = 1 },
  { "lr", 0.2, "learning rate" },
  { "steps", 400, "training steps", min = 1 },
  { "seeds", 3, "runs of each feed-forward", min = 1 },
  { "seed", 1, "first seed of data and initial weights" },
  { "out", "runs/global_vs_in_context", "folder for results", type = "folder" },
}

-- Training ---------------------------------------------------------------------------------

--- Trains a model whose second layer has a feed-forward of some kind.
local function trained(kind, seed)
  local task = mnemo.data.bigram { triggers = 5, seq_len = options.seq_len, seed = seed }
  local probes = mnemo.probes.induction(task)
  local metrics = mnemo.probes.batch_metrics(task, { held_out = 256 })
  for _, name in ipairs { "loss_bigram", "loss_head", "acc_end_test" } do
    probes[name] = metrics[name]
  end
  probes.ff1 = mnemo.probes.feed_forward_kl(task).ff1
  return mnemo.train {
    model = mnemo.model.simplified {
      vocab = task.vocab_size, dim = options.dim, max_len = options.seq_len, ffn = { "none", kind },
      seed = seed,
    },
    data = task, steps = options.steps, batch_size = options.batch, loss_on = "all",
    optimizer = mnemo.optim.sgd { lr = options.lr, momentum = 0.9, weight_decay = 1e-4 },
    eval_every = 10, probes = probes, dir = ("%s/%s/seed_%d"):format(options.out, kind, seed),
    overwrite = options.overwrite,
  }
end

local kinds = { { name = "linear" }, { name = "mlp" } }
for _, kind in ipairs(kinds) do
  kind.runs = {}
  for i = 1, options.seeds do kind.runs[i] = trained(kind.name, options.seed + i - 1) end
end

-- When each quantity falls -----------------------------------------------------------------

--- Returns, for each run, the first step at which a column has made a share of its way from its
-- first value to its lowest; NaN if it cannot be told.
local function steps_of_fall(runs, column, share)
  local steps = {}
  for i, values in ipairs(mnemo.runs.series(runs, column)) do
    local first, lowest = values[1], math.min(table.unpack(values))
    steps[i] = mnemo.runs.first_step(runs[i], column, function(value)
      return value <= first - share * (first - lowest)
    end) or 0 / 0
  end
  return steps
end

local falls = { "ff1", "loss_bigram", "loss_head" }
local rows = { { "feed-forward", "quantity", "at first", "at last", "half-way at step",
  "90 % at step" } }
for _, kind in ipairs(kinds) do
  kind.fall = {}
  for _, column in ipairs(falls) do
    local series = mnemo.runs.series(kind.runs, column)
    local first = {}
    for i, values in ipairs(series) do first[i] = values[1] end
    kind.fall[column] = steps_of_fall(kind.runs, column, 0.9)
    rows[#rows + 1] = { kind.name, column, mnemo.runs.spread(first, 2),
      mnemo.runs.spread(mnemo.runs.last(kind.runs, column), 2),
      mnemo.runs.spread(steps_of_fall(kind.runs, column, 0.5), 0),
      mnemo.runs.spread(kind.fall[column], 0) }
  end
end
print(("Falls during %d steps, over %d seed(s), in nats:\n"):format(options.steps, options.seeds))
print(mnemo.runs.columns(rows))

-- The figure -------------------------------------------------------------------------------

--- Draws curves over the steps; each is { kind, column, name }.
local function panel(title, ylabel, ylim, curves)
  local series = {}
  for i, curve in ipairs(curves) do
    local kind, column, name = table.unpack(curve)
    series[i] = { name = name, y = mnemo.runs.series(kind.runs, column) }
  end
  return mnemo.plot.lines {
    title = title, x = mnemo.runs.series(kinds[1].runs, "step")[1], series = series,
    xlabel = "step", ylabel = ylabel, ylim = ylim, legend = "below",
  }
end

--- Draws the losses with one kind of feed-forward.
local function losses(kind)
  return panel("losses, feed-forward: " .. kind.name, "nats", { 0, 5 }, {
    { kind, "loss_bigram", "global: loss_bigram" }, { kind, "loss_head", "in context: loss_head" },
  })
end

local linear, mlp = table.unpack(kinds)
mnemo.plot.grid({
  losses(linear), losses(mlp),
  panel("ff1: the feed-forward's distance from bigrams", "nats", nil,
    { { linear, "ff1", "linear" }, { mlp, "ff1", "mlp" } }),
  panel("the induction head", "accuracy, recall", { 0, 1.02 }, {
    { linear, "acc_end_test", "acc_end, linear" }, { mlp, "acc_end_test", "acc_end, mlp" },
    { linear, "wo1", "wo1, linear" }, { mlp, "wo1", "wo1, mlp" },
  }),
}, { title = "What holds everywhere, and what the context tells", width = 900, height = 800 })
  :save(options.out .. "/figure.svg"):save(options.out .. "/figure.png")

-- The verdict, from these runs' numbers ------------------------------------------------------

print()
for _, kind in ipairs(kinds) do
  local earlier = 0
  for i, step in ipairs(kind.fall.loss_head) do
    if math.max(kind.fall.ff1[i], kind.fall.loss_bigram[i]) < step then earlier = earlier + 1 end
  end
  local head = mnemo.runs.summary(mnemo.runs.last(kind.runs, "acc_end_test"))
  print(("%s: in %d of %d runs ff1 and loss_bigram fell before loss_head; the induction head %s "
    .. "(accuracy %.2f)."):format(kind.name, earlier, options.seeds,
    head >= 0.9 and "is there" or head >= 0.5 and "is half-grown" or "is not there yet", head))
end
local lower = mnemo.runs.summary(mnemo.runs.last(mlp.runs, "ff1"))
  < mnemo.runs.summary(mnemo.runs.last(linear.runs, "ff1"))
print(("The MLP came %s to the language's bigrams than the linear map.")
  :format(lower and "closer" or "no closer"))
print("Results are in " .. options.out)
