-- E2  One layer and two
--
-- In each sequence five tokens, drawn with it, are always followed by an output drawn for that
-- sequence; everything else follows the bigrams of the corpus. The usual transformer, with query
-- matrices, several heads, feed-forwards and layer norms, is trained on all tokens, once with one
-- layer and once with two. To answer after a trigger that has stood before, a head must look at
-- the token after it: that token has to know what came before it, and only a layer below can tell
-- it. One layer can but mix what stands in the context.
--
-- What should be seen: two layers come near the best guess that knows the statistics; one layer
-- stays near one half. Of the two layers' heads some in the first look at the previous token, and
-- some in the second at the token after an earlier occurrence of the current one; the one layer
-- has no such head.
--
-- After Bietti et al. 2023, "Birth of a Transformer: A Memory Viewpoint", Figure 2.
local mnemo = require "mnemo"

local options = require "mnemo.arguments" {
  about = "Trains transformers of one layer and of two on answers that stand in the context (E2).",
  quick = { dim = 64, seq_len = 64, batch = 32, lr = 0.005, steps = 400, seeds = 1 },
  full = { dim = 128, lr = 0.001, steps = 1500 },
  { "dim", 64, "width of the model", min = 1 },
  { "heads", 4, "heads of a layer, a number that divides the width", min = 1 },
  { "seq_len", 128, "tokens in a sequence", min = 8 },
  { "batch", 64, "sequences in a step", min = 1 },
  { "lr", 0.003, "learning rate" },
  { "steps", 800, "training steps", min = 1 },
  { "seeds", 3, "how many runs of each", min = 1 },
  { "seed", 1, "the first seed of data and initial weights" },
  { "out", "runs/one_vs_two_layers", "folder for results", type = "folder" },
}

-- The task, and what can be known --------------------------------------------------------------

local corpus = mnemo.corpus.shakespeare()
local vocab = corpus.vocab_size

--- Returns the task with a seed.
local function bigrams(seed)
  return mnemo.data.bigram {
    corpus = corpus, triggers = 5, trigger_kind = "random", seq_len = options.seq_len, seed = seed,
  }
end

--- Returns of each token [N] the share of the sequences it stands in that have it as a trigger.
local function trigger_shares(batch)
  local places = mnemo.one_hot(batch.tokens, vocab)
  local triggers = places * batch.occurrence:ge(1):reshape(-1, options.seq_len, 1)
  -- Laplace's rule, for tokens that hardly occur.
  return (triggers:max(2):sum(1) + 1) / (places:max(2):sum(1) + 2)
end

--- Returns the accuracy on repeated triggers of the best guess from statistics and sequence. After
-- the token k stood o, n times: of probability 1/N if k is a trigger, π_b(o|k)ⁿ if not. By Bayes'
-- rule the guess is o again, or what the corpus has most often after k.
local function best_guess(task)
  local batch = task:held_out(512)
  local asked = batch.occurrence:ge(2)
  local tokens, outputs = batch.tokens:masked_select(asked), batch.targets:masked_select(asked)
  local times = batch.occurrence:masked_select(asked):tensor() - 1
  local share, after = trigger_shares(task:batch(512, 1))[tokens], corpus.bigram[tokens]
  local of_output = after:gather(2, outputs:reshape(-1, 1)):reshape(-1)
  local no_trigger = (1 - share) * (of_output:log() * times):exp()
  return (share / vocab):ge(no_trigger * (after:max(2) - of_output)):mean():item()
end

-- Training -------------------------------------------------------------------------------------

local runs = { {}, {} } -- by number of layers

--- Trains a model of some layers and keeps the run.
local function train(layers, seed)
  local task = bigrams(seed)
  local model = mnemo.model.transformer {
    vocab = vocab, dim = options.dim, layers = layers, heads = options.heads,
    max_len = options.seq_len, seed = seed,
  }
  local metrics = mnemo.probes.batch_metrics(task)
  local run = mnemo.train {
    model = model, data = task, steps = options.steps, batch_size = options.batch, loss_on = "all",
    optimizer = mnemo.optim.adamw { lr = options.lr, betas = { 0.9, 0.99 }, weight_decay = 0.01 },
    eval_every = math.max(1, options.steps // 30), overwrite = options.overwrite,
    dir = ("%s/%d-layers-seed-%d"):format(options.out, layers, seed),
    probes = {
      acc_end = metrics.acc_end_test, loss_head = metrics.loss_head,
      loss_bigram = metrics.loss_bigram,
    },
  }
  local last = run.history[#run.history]
  print(("%6d %6d %9.3f %10.3f %12.3f"):format(layers, seed, last.acc_end, last.loss_head,
    last.loss_bigram))
  table.insert(runs[layers], run)
end

print("layers   seed   acc_end  loss_head  loss_bigram")
for seed = options.seed, options.seed + options.seeds - 1 do
  for layers = 1, 2 do train(layers, seed) end
end

-- The heads of the first seed's models ---------------------------------------------------------

local task = bigrams(options.seed)
local sequences = task:held_out(64)
local best = { {}, {} } -- by number of layers and kind of score, the head with the largest

print("\nMean attention on the previous token, and on tokens after an earlier occurrence:")
print("layers  layer  head  previous  induction")
for layers = 1, 2 do
  for _, head in ipairs(mnemo.probes.head_scores(runs[layers][1].model, sequences.tokens)) do
    print(("%6d %6d %5d %9.3f %10.3f"):format(layers, head.layer, head.head, head.previous,
      head.induction))
    for _, kind in ipairs { "previous", "induction" } do
      local found = best[layers][kind]
      if not found or head[kind] > found[kind] then best[layers][kind] = head end
    end
  end
end

-- The figure -----------------------------------------------------------------------------------

local ceiling = best_guess(task)
local curves = { { name = "one layer" }, { name = "two layers" } }
for layers, curve in ipairs(curves) do
  curve.x, curve.y = runs[layers][1]:series("step"), mnemo.runs.series(runs[layers], "acc_end")
end

-- The start of the sequence in which most triggers come back, but those that are their own output
-- and stay; more tokens would be too small to read.
local shown = math.min(options.seq_len, 24)
local come_back = sequences.occurrence:eq(2) * sequences.targets:ne(sequences.tokens)
local row = come_back:narrow(2, 1, shown):sum(2):argmax(1):item()
local tokens = sequences.tokens:narrow(1, row, 1):narrow(2, 1, shown)

--- Draws where that of two layers' heads looks which has the largest score of a kind.
local function attention_map(kind, name)
  local head = best[2][kind]
  return mnemo.plot.attention {
    title = ("%s: layer %d, head %d"):format(name, head.layer, head.head), corpus = corpus,
    model = runs[2][1].model, tokens = tokens, layer = head.layer, head = head.head,
  }
end

mnemo.plot.grid({
  mnemo.plot.lines {
    title = "accuracy on repeated triggers", series = curves, xlabel = "step", ylabel = "accuracy",
    ylim = { 0, 1.02 }, hlines = { { at = ceiling, name = "best guess" } }, legend = "right",
  },
  mnemo.plot.grid {
    attention_map("previous", "previous token"), attention_map("induction", "induction"),
  },
}, { title = "One layer and two", columns = 1, width = 900, height = 860, heights = { 0.8, 1 } })
  :save(options.out .. "/figure.svg"):save(options.out .. "/figure.png")

-- The verdict, from these runs' numbers --------------------------------------------------------

local mean, text = {}, {}
for layers = 1, 2 do
  local ends = mnemo.runs.last(runs[layers], "acc_end")
  mean[layers], text[layers] = mnemo.runs.summary(ends), mnemo.runs.spread(ends)
end
print(("\nAccuracy on repeated triggers after %d steps: %s with one layer, %s with two,"):format(
  options.steps, text[1], text[2]))
print(("%.3f for the best guess. %s"):format(ceiling,
  mean[2] >= ceiling - 0.05 and mean[1] <= 0.6 and "Two layers come near it, one does not."
  or mean[2] >= mean[1] + 0.2 and "Two layers are ahead, not near it yet."
  or "One layer and two cannot be told apart yet."))

local back, induction = best[2].previous, best[2].induction
local there = back.layer == 1 and induction.layer == 2
for kind, head in pairs { previous = back, induction = induction } do
  there = there and head[kind] >= 2 * best[1][kind][kind]
end
print(("With two, head %d of layer %d looks most at the previous token, head %d of layer %d after")
  :format(back.head, back.layer, induction.head, induction.layer))
print("earlier occurrences: " .. (there and "the two halves of an induction head."
  or "not yet the two halves of an induction head."))
print("Results are in " .. options.out)
