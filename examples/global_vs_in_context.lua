-- E5  What holds everywhere is learned before what the context tells
--
-- A sequence mixes two kinds of knowledge: which character follows which in the language (the same
-- in every sequence), and which output follows a trigger (drawn for each sequence). The simplified
-- transformer gets a feed-forward after its second layer, linear or an MLP, and every token counts
-- in the loss. Two controls have no feed-forward, and an MLP with the loss on repeats alone.
--
-- What should be seen: the feed-forward takes up the language's bigrams within some dozen steps:
-- ff1, their divergence from what it predicts, and loss_bigram, the loss where no trigger stands,
-- fall at once. loss_head, the loss on answers that stand in the context, falls when the induction
-- head is born, much later. An MLP, which can hold any table, brings ff1 lower than a linear map.
-- W_O¹, which copies the answer, holds only a part of the tokens. The controls tell what it is that
-- keeps it from more: not the feed-forward, without which it holds less, but the loss on all
-- tokens; with the loss on repeats alone it holds all.
--
-- Where a trigger's output is the trigger itself the sequence repeats it to the end, and repeating
-- is enough to be right: these answers are left out of loss_head, and counted by themselves.
--
-- After Bietti et al. 2023, "Birth of a Transformer: A Memory Viewpoint", §5 and Figure 4.
local mnemo = require "mnemo"

local options = require "mnemo.arguments" {
  about = "Follows how a feed-forward learns bigrams and attention learns the context (E5).",
  sweep = true,
  quick = { seeds = 1, steps = 300 },
  full = { dim = 256, seq_len = 256, batch = 512, lr = 0.03, steps = 2000 },
  { "dim", 128, "width of the model", min = 1 },
  { "seq_len", 64, "tokens in a sequence", min = 2 },
  { "batch", 64, "sequences in a step", min = 1 },
  { "lr", 0.2, "learning rate" },
  { "steps", 400, "training steps", min = 1 },
  { "seeds", 3, "runs of each feed-forward", min = 1 },
  { "seed", 1, "first seed of data and initial weights" },
  { "out", "runs/global_vs_in_context", "folder for results", type = "folder" },
}

-- Training ---------------------------------------------------------------------------------

local corpus = mnemo.corpus.shakespeare()
local chance = 1 / corpus.vocab_size -- of the answers, which are uniform

--- Returns a probe of the loss on a batch where a mask is 1.
local function loss_on(batch, mask)
  return function(ctx) return ctx.model:loss(batch, mask):item() end
end

--- Trains a model whose second layer has a feed-forward of some kind. Returns its history, and how
-- many held-out answers are right where a trigger comes again: `own`, where the output is the
-- trigger itself, so that the sequence repeats it to the end; `rest`, where it is another token.
local function trained(point)
  local task = mnemo.data.bigram {
    corpus = corpus, triggers = 5, seq_len = options.seq_len, seed = point.seed,
  }
  local model = mnemo.model.simplified {
    vocab = task.vocab_size, dim = options.dim, max_len = options.seq_len,
    ffn = { "none", point.ffn }, seed = point.seed,
  }
  local held_out = task:held_out(256)
  local is_other = held_out.targets:eq(held_out.tokens):eq(0)
  local run = mnemo.train {
    model = model, data = task, steps = options.steps, batch_size = options.batch,
    loss_on = point.loss_on, eval_every = 10,
    optimizer = mnemo.optim.sgd { lr = options.lr, momentum = 0.9, weight_decay = 1e-4 },
    probes = {
      ff1 = mnemo.probes.feed_forward_kl(task).ff1, wo1 = mnemo.probes.induction(task).wo1,
      loss_bigram = loss_on(held_out, held_out.occurrence:eq(0)),
      loss_head = loss_on(held_out, held_out.occurrence:ge(2) * is_other),
    },
    dir = ("%s/%s/seed_%d"):format(options.out, point.name, point.seed),
  }
  local found = mnemo.probes.answers(model, task, { held_out = 256 })
  local function accuracy(own)
    local kept = found.own:eq(own)
    return mnemo.stats.share(found.hits, found.sequences, kept)
  end
  return { history = run.history, own = accuracy(1), rest = accuracy(0) }
end

local linear = { name = "linear", ffn = "linear", loss_on = "all" }
local mlp = { name = "mlp", ffn = "mlp", loss_on = "all" }
-- The controls: no feed-forward, and a loss that asks for no bigrams.
local none = { name = "none", ffn = "none", loss_on = "all" }
local repeats = { name = "mlp_repeats", ffn = "mlp", loss_on = "repeats" }
local kinds = { linear, mlp, none, repeats }

local points = mnemo.sweep {
  name = "global_vs_in_context", store = options.out .. "/sweep.sqlite", options = options,
  stop_on_error = true,
  points = kinds, seeds = options.seeds, first_seed = options.seed, run = trained,
}

for _, kind in ipairs(kinds) do
  kind.runs = mnemo.runs.where(points, { name = kind.name })
end

-- When each quantity falls -----------------------------------------------------------------

--- Returns, for each run, the first step at which a column has made a share of its way from its
-- first value to its lowest; NaN if it did not fall.
local function steps_of_fall(runs, column, share)
  local steps = {}
  for i, values in ipairs(mnemo.runs.series(runs, column)) do
    local first, lowest = values[1], math.min(table.unpack(values))
    steps[i] = lowest < first and mnemo.runs.first_step(runs[i], column, function(value)
      return value <= first - share * (first - lowest)
    end) or 0 / 0
  end
  return steps
end

--- Writes the mean of the seeds, with its error if there are several.
local function text(values, digits)
  return mnemo.stats.text(mnemo.stats.of(values), digits)
end

local falls = { "ff1", "loss_bigram", "loss_head" }
local rows = { { "feed-forward", "quantity", "at first", "at last", "half-way at step",
  "90 % at step" } }
for _, kind in ipairs { linear, mlp } do
  kind.fall = {}
  for _, column in ipairs(falls) do
    local first = {}
    for i, values in ipairs(mnemo.runs.series(kind.runs, column)) do first[i] = values[1] end
    kind.fall[column] = steps_of_fall(kind.runs, column, 0.9)
    rows[#rows + 1] = { kind.ffn, column, text(first, 2),
      text(mnemo.runs.last(kind.runs, column), 2),
      text(steps_of_fall(kind.runs, column, 0.5), 0), text(kind.fall[column], 0) }
  end
end
print(("Falls during %d steps, over %d seed(s), in nats on held-out sequences; loss_head is that\n"
  .. "of answers other than the trigger itself:\n"):format(options.steps, options.seeds))
print(mnemo.runs.columns(rows))

-- What W_O¹ holds --------------------------------------------------------------------------

--- Puts the seeds' accuracies together; the error is over seeds, of one seed over sequences.
local function accuracy(kind, which)
  if #kind.runs == 1 then return kind.runs[1][which] end
  local means = {}
  for i, run in ipairs(kind.runs) do means[i] = run[which].mean end
  return mnemo.stats.of(means)
end

rows = { { "feed-forward", "loss on", "self-loops", "the rest", "wo1" } }
for _, kind in ipairs(kinds) do
  rows[#rows + 1] = { kind.ffn, kind.loss_on, mnemo.stats.text(accuracy(kind, "own"), 2),
    mnemo.stats.text(accuracy(kind, "rest"), 2), text(mnemo.runs.last(kind.runs, "wo1"), 2) }
end
print(("\nAccuracy on repeated triggers of held-out sequences, where the output is the trigger\n"
  .. "itself and where it is not (chance: %.3f); what W_O¹ holds:\n"):format(chance))
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
    title = title, x = mnemo.runs.series(linear.runs, "step")[1], series = series,
    xlabel = "step", ylabel = ylabel, ylim = ylim, legend = "below",
  }
end

--- Draws the losses with one kind of feed-forward.
local function losses(kind)
  return panel("held-out losses, feed-forward: " .. kind.ffn, "nats", { 0, 5 }, {
    { kind, "loss_bigram", "global: loss_bigram" }, { kind, "loss_head", "in context: loss_head" },
  })
end

mnemo.plot.grid({
  losses(linear), losses(mlp),
  panel("ff1: the feed-forward's distance from bigrams", "nats", { 0, 2.5 },
    { { linear, "ff1", "linear" }, { mlp, "ff1", "mlp" } }),
  panel("what W_O¹ holds, by feed-forward and loss", "wo1", { 0, 1.02 }, {
    { linear, "wo1", "linear, all" }, { mlp, "wo1", "mlp, all" }, { none, "wo1", "none, all" },
    { repeats, "wo1", "mlp, repeats" },
  }),
}, { title = "What holds everywhere, and what the context tells", width = 900, height = 800 })
  :save(options.out .. "/figure.svg"):save(options.out .. "/figure.png")

-- The verdict, from these runs' numbers ------------------------------------------------------

--- Tells whether the induction head is born in every run: at least half of the answers other than
-- the trigger itself are right, beyond the error.
local function are_born(kind)
  for _, run in ipairs(kind.runs) do
    if mnemo.stats.compare(run.rest, 0.5) ~= "more" then return false end
  end
  return true
end

--- Says how a column of one kind's runs ended, seed by seed beside another's.
local function judged(column, one, other, words)
  local ends, others = mnemo.runs.last(one.runs, column), mnemo.runs.last(other.runs, column)
  for i in ipairs(ends) do ends[i] = ends[i] - others[i] end
  return words[mnemo.stats.compare(mnemo.stats.of(ends), 0) or "same"]
end

local amounts = { more = "more", less = "less", same = "as much, within the error," }

print()
if are_born(linear) and are_born(mlp) then
  for _, kind in ipairs { linear, mlp } do
    local earlier = 0
    for i, step in ipairs(kind.fall.loss_head) do
      if math.max(kind.fall.ff1[i], kind.fall.loss_bigram[i]) < step then earlier = earlier + 1 end
    end
    print(("%s: in %d of %d runs ff1 and loss_bigram fell before loss_head."):format(kind.ffn,
      earlier, options.seeds))
  end
  if options.seeds == 1 then
    print("One seed has no error: linear map and MLP, and what W_O¹ holds, cannot be compared.")
  else
    print(("The MLP came %s to the language's bigrams than the linear map."):format(judged("ff1",
      mlp, linear, { more = "less close", less = "closer", same = "no closer" })))
    print(("W_O¹ holds %s with an MLP beside it than without a feed-forward, and %s if the loss\n"
      .. "counts repeats alone than if it counts all tokens."):format(
      judged("wo1", mlp, none, amounts), judged("wo1", repeats, mlp, amounts)))
  end
else
  print(("Nothing can be said about the order: the induction head is not born in every run; off\n"
    .. "the self-loops accuracy is %s (linear) and %s (mlp), chance %.3f."):format(
    mnemo.stats.text(accuracy(linear, "rest")), mnemo.stats.text(accuracy(mlp, "rest")), chance))
end
print("Results are in " .. options.out)
