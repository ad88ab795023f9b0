-- E2  One layer and two
--
-- In each sequence five tokens, drawn with it, are always followed by an output drawn for that
-- sequence; everything else follows the bigrams of the corpus. The usual transformer, with query
-- matrices, several heads, feed-forwards and layer norms, is trained on all tokens, once with one
-- layer and once with two. To answer after a trigger that has stood before, a head must look at
-- the token after it: that token has to know what came before it, and only a layer below can tell
-- it. One layer can but mix what stands in the context.
--
-- Where an output is its own trigger the sequence repeats it to the end, and whoever repeats what
-- it reads is right there. What is concluded is concluded from the rest of the answers.
--
-- What should be seen: two layers come near the best guess that knows the statistics; one layer
-- stays far below, at what mixing the context gives. Of the two layers' heads some in the first
-- look at the previous token, and some in the second at the token after an earlier occurrence of
-- the current one; the one layer has no such head.
--
-- After Bietti et al. 2023, "Birth of a Transformer: A Memory Viewpoint", Figure 2.
local mnemo = require "mnemo"

local options = require "mnemo.arguments" {
  about = "Trains transformers of one layer and of two on answers that stand in the context (E2).",
  sweep = true,
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
local chance = 1 / vocab -- outputs are drawn uniformly

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

--- Returns 0/1 hits of the best guess from statistics and sequence, as `mnemo.probes.answers` does
-- those of a model. After the token k stood o, n times: of probability 1/N if k is a trigger,
-- π_b(o|k)ⁿ if not. By Bayes' rule the guess is o again, or what the corpus has most often after k.
local function best_guess(task)
  local batch = task:held_out(512)
  local asked = batch.occurrence:ge(2)
  local tokens, outputs = batch.tokens:masked_select(asked), batch.targets:masked_select(asked)
  local times = batch.occurrence:masked_select(asked):tensor() - 1
  local share, after = trigger_shares(task:batch(512, 1))[tokens], corpus.bigram[tokens]
  local of_output = after:gather(2, outputs:reshape(-1, 1)):reshape(-1)
  local no_trigger = (1 - share) * (of_output:log() * times):exp()
  return {
    hits = (share / vocab):ge(no_trigger * (after:max(2) - of_output)),
    own = outputs:eq(tokens),
    sequences = mnemo.arange(1, 512):reshape(512, 1):expand(512, options.seq_len)
      :masked_select(asked),
  }
end

--- Returns the accuracy of hits on self-loops, where the output is its own trigger, on the rest of
-- the answers, and on all, each with its error over the sequences.
local function split(answers)
  local function share(where)
    return mnemo.stats.share(answers.hits, answers.sequences, where)
  end
  local own = answers.own
  return { own = share(own), rest = share(own:eq(0)), all = share(own:ge(0)) }
end

-- Training -------------------------------------------------------------------------------------

-- Sequences for the first seed's heads. Shown is the start of the one in which most triggers come
-- back, but those that are their own output and stay; more tokens would be too small to read.
local sequences = bigrams(options.seed):held_out(64)
local length = math.min(options.seq_len, 24)
local come_back = sequences.occurrence:eq(2) * sequences.targets:ne(sequences.tokens)
local row = come_back:narrow(2, 1, length):sum(2):argmax(1):item()
local shown = sequences.tokens:narrow(1, row, 1):narrow(2, 1, length)

--- Returns where a model's heads look in the sequence that is shown: [layer][head][t][u].
local function attention(model)
  local maps = {}
  for layer = 1, model.layers do maps[layer] = model:attention(shown, layer)[1]:totable() end
  return maps
end

--- Trains a model and returns what is to be known of it.
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
    eval_every = math.max(1, options.steps // 30),
    dir = ("%s/%d-layers-seed-%d"):format(options.out, layers, seed),
    probes = {
      acc_rest = function(ctx) return split(mnemo.probes.answers(ctx.model, task)).rest.mean end,
      acc_end = metrics.acc_end_test, loss_head = metrics.loss_head,
      loss_bigram = metrics.loss_bigram,
    },
  }
  local found = split(mnemo.probes.answers(model, task))
  found.history = run.history
  if seed == options.seed then
    found.heads = mnemo.probes.head_scores(model, sequences.tokens)
    found.attention = attention(model)
  end
  return found
end

local points = mnemo.sweep {
  name = "one_vs_two_layers", store = options.out .. "/sweep.sqlite", options = options,
  stop_on_error = true,
  grid = { layers = { 1, 2 } }, seeds = options.seeds, first_seed = options.seed,
  run = function(point) return train(point.layers, point.seed) end,
}
local runs = { {}, {} } -- by number of layers
for _, point in ipairs(points) do table.insert(runs[point.layers], point) end

print("layers   seed  self-loops  the rest    all  loss_head  loss_bigram")
for i = 1, options.seeds do
  for layers = 1, 2 do
    local run = runs[layers][i]
    local last = run.history[#run.history]
    print(("%6d %6d %11.3f %9.3f %6.3f %10.3f %12.3f"):format(layers, run.seed, run.own.mean,
      run.rest.mean, run.all.mean, last.loss_head, last.loss_bigram))
  end
end

-- The heads of the first seed's models ---------------------------------------------------------

local best = { {}, {} } -- by number of layers and kind of score, the head with the largest

print("\nMean attention on the previous token, and on tokens after an earlier occurrence:")
print("layers  layer  head  previous  induction")
local level -- what attention that looks at all tokens so far alike has there
for layers = 1, 2 do
  for _, head in ipairs(runs[layers][1].heads) do
    print(("%6d %6d %5d %9.3f %10.3f"):format(layers, head.layer, head.head, head.previous,
      head.induction))
    for _, kind in ipairs { "previous", "induction" } do
      local found = best[layers][kind]
      if not found or head[kind] > found[kind] then best[layers][kind] = head end
    end
    level = head
  end
end
print(("%-19s %9.3f %10.3f"):format("uniform attention", level.previous_uniform,
  level.induction_uniform))

-- The figure -----------------------------------------------------------------------------------

local ceiling = split(best_guess(bigrams(options.seed)))
local curves = { { name = "one layer" }, { name = "two layers" } }
for layers, curve in ipairs(curves) do
  curve.x = mnemo.runs.series(runs[layers], "step")[1]
  curve.y = mnemo.runs.series(runs[layers], "acc_rest")
end

--- Draws where that of two layers' heads looks which has the largest score of a kind.
local function attention_map(kind, name)
  local head = best[2][kind]
  return mnemo.plot.attention {
    title = ("%s: layer %d, head %d"):format(name, head.layer, head.head),
    weights = runs[2][1].attention[head.layer][head.head], tokens = shown, corpus = corpus,
    occurrence = sequences.occurrence[row],
  }
end

mnemo.plot.grid({
  mnemo.plot.lines {
    title = "accuracy on repeated triggers, self-loops apart", series = curves, xlabel = "step",
    ylabel = "accuracy", ylim = { 0, 1.02 }, legend = "right",
    hlines = { { at = ceiling.rest.mean, name = "best guess" }, { at = chance, name = "chance" } },
  },
  mnemo.plot.grid {
    attention_map("previous", "previous token"), attention_map("induction", "induction"),
  },
}, { title = "One layer and two", columns = 1, width = 900, height = 860, heights = { 0.8, 1 } })
  :save(options.out .. "/figure.svg"):save(options.out .. "/figure.png")

-- The verdict, from these runs' numbers --------------------------------------------------------

--- Returns the mean of a number over runs.
local function measured(of, name)
  local values = {}
  for i, found in ipairs(of) do values[i] = found[name] end
  return mnemo.stats.over_seeds(values)
end

local rows = { { "accuracy on repeated triggers", "self-loops", "the rest", "all" } }
for i, name in ipairs { "one layer", "two layers", "best guess" } do
  rows[i + 1] = { name }
  for _, kind in ipairs { "own", "rest", "all" } do
    table.insert(rows[i + 1], mnemo.stats.text(measured(runs[i] or { ceiling }, kind)))
  end
end
print(("\nAfter %d steps, with standard errors over %s:"):format(options.steps,
  options.seeds > 1 and options.seeds .. " seeds" or "the sequences of one seed"))
print(mnemo.runs.columns(rows))

--- Tells whether models with a number of layers have learned, off the self-loops: whether they are
-- above chance, and above what they had as they were drawn, which may happen to be better.
local function has_learned(layers)
  local before = {}
  for i, run in ipairs(runs[layers]) do before[i] = run.history[1].acc_rest end
  return mnemo.stats.compare(measured(runs[layers], "rest"),
    math.max(chance, mnemo.stats.of(before).mean)) == "more"
end

local one, two = measured(runs[1], "rest"), measured(runs[2], "rest")
local learned = has_learned(2)
if not learned and not has_learned(1) then
  print(("\nNothing can be said about one layer and two: off the self-loops neither is above "
    .. "chance, %.3f,\nand what it was before training."):format(chance))
else
  local order = mnemo.stats.compare(two, one)
  print(("\nOff the self-loops %s; chance is %.3f. Two layers %s the best guess."):format(
    order == "more" and ("two layers are ahead by %.3f"):format(two.mean - one.mean)
    or order == "less" and ("one layer is ahead by %.3f"):format(one.mean - two.mean)
    or "the two differ by no more than their errors",
    chance, mnemo.stats.compare(two, ceiling.rest) == "less"
    and ("are still %.3f behind"):format(ceiling.rest.mean - two.mean) or "are as good as"))
end

local back, induction = best[2].previous, best[2].induction
if not learned then
  print("Nothing can be said about the parts of an induction head: there is none.")
else
  local there = back.layer == 1 and induction.layer == 2
  for kind, head in pairs { previous = back, induction = induction } do
    there = there and head[kind] >= 2 * best[1][kind][kind]
  end
  print(("With two, head %d of layer %d looks most at the previous token, head %d of layer %d "
    .. "after\nearlier occurrences: %s of an induction head."):format(back.head, back.layer,
    induction.head, induction.layer, there and "the two halves" or "not yet the two halves"))
end
print("Results are in " .. options.out)
