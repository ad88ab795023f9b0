-- E4  What the data make the memories learn
--
-- The task of E1 leaves open which tokens are triggers and where their outputs come from. An
-- induction head needs a memory that finds any trigger (wk1) and one that copies any output (wo1);
-- but data that show few triggers or outputs give no reason to learn the others. Six kinds of data
-- train the same model (the second layer has a linear feed-forward, all tokens count in the loss),
-- which is then asked about data that it has not seen.
--
-- What should be seen: frequent fixed triggers are learned soonest, rare ones late, for want of
-- examples. Trained on fixed triggers, W_K¹ knows those and little else; on random ones it becomes
-- more general (wk1 over all tokens), and what the model can do, it can do with any trigger.
-- Uniform outputs make W_O¹ copy most tokens and serve for bigram outputs too; trained on bigram
-- outputs, accuracy falls where outputs are uniform, and outputs that training never showed are not
-- copied.
--
-- After Bietti et al. 2023, "Birth of a Transformer: A Memory Viewpoint", Figure 4.
local mnemo = require "mnemo"

local options = require "mnemo.arguments" {
  about = "Trains on data with few and many triggers and outputs, and asks about others (E4).",
  quick = { seeds = 1, steps = 250 },
  full = { dim = 256, seq_len = 256, batch = 512, lr = 0.03, steps = 2000 },
  { "dim", 128, "width of the model", min = 1 },
  { "seq_len", 64, "tokens in a sequence", min = 2 },
  { "batch", 64, "sequences in a step", min = 1 },
  { "lr", 0.2, "learning rate" },
  { "steps", 400, "training steps", min = 1 },
  { "seeds", 3, "runs of each kind of data", min = 1 },
  { "seed", 1, "first seed of data and initial weights" },
  { "out", "runs/data_properties", "folder for results", type = "folder" },
}

-- Kinds of data ----------------------------------------------------------------------------

local corpus = mnemo.corpus.shakespeare()
local last_seen = 3 * corpus.vocab_size // 4 -- outputs up to here are shown, the others kept back

local kinds = {
  { name = "1 frequent trigger", data = { triggers = 1 } },
  { name = "5 frequent triggers", data = {} },
  { name = "5 rare triggers", data = { trigger_offset = 20 } },
  { name = "5 random triggers", data = { trigger_kind = "random" } },
  { name = "bigram outputs", data = { outputs = "bigram" } },
  { name = "three quarters", data = { outputs_range = { 1, last_seen } } },
}
local one, five, rare, random, bigram, part = table.unpack(kinds)

-- What a model is asked about: the data that it was trained on, changed in one property.
local questions = {
  random = { triggers = 5, trigger_kind = "random", trigger_offset = 0 },
  uniform = { outputs = "uniform", outputs_range = { 1, corpus.vocab_size } },
  bigram = { outputs = "bigram", outputs_range = { 1, corpus.vocab_size } },
  unseen = { outputs = "uniform", outputs_range = { last_seen + 1, corpus.vocab_size } },
}

--- Returns the task of some data, changed by what `changes` says.
local function task(data, changes, seed)
  local all = { corpus = corpus, triggers = 5, seq_len = options.seq_len, seed = seed }
  for _, given in ipairs { data, changes } do
    for name, value in pairs(given) do all[name] = value end
  end
  return mnemo.data.bigram(all)
end

-- Training ---------------------------------------------------------------------------------

--- Trains a model on some data, and follows what it can do with that and other data.
local function trained(kind, seed)
  local own, others = task(kind.data, {}, seed), {}
  for name, changes in pairs(questions) do others[name] = task(kind.data, changes, seed) end
  local probes = { wk1 = mnemo.probes.induction(own).wk1 }
  -- Where triggers are random, wk1 is asked about all tokens.
  local general = mnemo.probes.induction(others.random)
  probes.wk1_all, probes.wo1 = general.wk1, general.wo1
  local metrics = mnemo.probes.batch_metrics(own, { held_out = 128, others = others })
  for _, name in ipairs { "loss_bigram", "loss_head", "acc_end_test", "acc_end_random",
    "acc_end_uniform", "acc_end_bigram", "acc_end_unseen" } do
    probes[name] = metrics[name]
  end
  return mnemo.train {
    model = mnemo.model.simplified {
      vocab = corpus.vocab_size, dim = options.dim, max_len = options.seq_len,
      ffn = { "none", "linear" }, seed = seed,
    },
    data = own, steps = options.steps, batch_size = options.batch, loss_on = "all",
    optimizer = mnemo.optim.sgd { lr = options.lr, momentum = 0.9, weight_decay = 1e-4 },
    eval_every = 25, probes = probes, overwrite = options.overwrite,
    dir = ("%s/%s/seed_%d"):format(options.out, (kind.name:gsub(" ", "_")), seed),
  }
end

for _, kind in ipairs(kinds) do
  kind.runs = {}
  for i = 1, options.seeds do kind.runs[i] = trained(kind, options.seed + i - 1) end
end

-- The table --------------------------------------------------------------------------------

local columns = { "acc_end_test", "acc_end_random", "acc_end_uniform", "acc_end_bigram",
  "acc_end_unseen", "wk1", "wk1_all", "wo1" }
local rows = { { "trained on", "own", "random tr.", "uniform out.", "bigram out.", "unseen out.",
  "wk1", "wk1_all", "wo1" } }
for _, kind in ipairs(kinds) do
  local row = { kind.name }
  for _, name in ipairs(columns) do
    row[#row + 1] = mnemo.runs.spread(mnemo.runs.last(kind.runs, name), 2)
  end
  rows[#rows + 1] = row
end
print(("After %d steps, over %d seed(s): accuracy on repeated triggers, asked about its own data\n"
  .. "and with other triggers or outputs; recall for its own triggers and for all tokens.\n")
  :format(options.steps, options.seeds))
print(mnemo.runs.columns(rows))

-- The figure -------------------------------------------------------------------------------

--- Draws a column of several kinds of data; each curve is { kind, column, name }.
local function panel(title, ylabel, ylim, curves)
  local series = {}
  for i, curve in ipairs(curves) do
    local kind, column, name = table.unpack(curve)
    series[i] = { name = name or kind.name, y = mnemo.runs.series(kind.runs, column) }
  end
  return mnemo.plot.lines {
    title = title, x = mnemo.runs.series(five.runs, "step")[1], series = series, xlabel = "step",
    ylabel = ylabel, ylim = ylim, legend = "below",
  }
end

--- Draws a column for each kind of triggers.
local function by_triggers(title, ylabel, ylim, column)
  return panel(title, ylabel, ylim,
    { { one, column }, { five, column }, { rare, column }, { random, column } })
end

local shares = { 0, 1.02 }
mnemo.plot.grid({
  by_triggers("loss on answers in the context", "nats", { 0, 5.5 }, "loss_head"),
  by_triggers("loss on all that follows no trigger", "nats", { 2, 5 }, "loss_bigram"),
  by_triggers("accuracy, asked with random triggers", "acc_end", shares, "acc_end_random"),
  panel("accuracy by outputs: trained on → asked about", "acc_end", shares, {
    { five, "acc_end_uniform", "uniform → uniform" },
    { five, "acc_end_bigram", "uniform → bigram" },
    { bigram, "acc_end_uniform", "bigram → uniform" },
    { bigram, "acc_end_bigram", "bigram → bigram" }, { part, "acc_end_unseen", "3/4 → the rest" },
  }),
  by_triggers("wk1 over all tokens", "recall", shares, "wk1_all"),
  panel("wo1 over all tokens", "recall", shares,
    { { five, "wo1", "uniform outputs" }, { bigram, "wo1" }, { part, "wo1", part.name } }),
}, { title = "What the data make the memories learn", width = 900, height = 1180 })
  :save(options.out .. "/figure.svg"):save(options.out .. "/figure.png")

-- The verdict, from these runs' numbers ------------------------------------------------------

--- Returns the mean over seeds of what a kind of data ended at.
local function mean(kind, name)
  return (mnemo.runs.summary(mnemo.runs.last(kind.runs, name)))
end

--- Says which of two numbers is larger, if they differ by more than a hundredth.
local function compared(a, b)
  return a > b + 0.01 and "more than" or a < b - 0.01 and "less than" or "as much as"
end

print(("\nTriggers: wk1 over all tokens is %.2f after one, %.2f after five, %.2f after random:\n"
  .. "the most diverse triggers made a memory that holds %s that of one trigger."):format(
  mean(one, "wk1_all"), mean(five, "wk1_all"), mean(random, "wk1_all"),
  compared(mean(random, "wk1_all"), mean(one, "wk1_all"))))
print(("Rare triggers: the answers in the context cost %.2f nats, those of frequent ones %.2f.")
  :format(mean(rare, "loss_head"), mean(five, "loss_head")))
print(("Outputs: wo1 is %.2f after uniform ones, %.2f after bigram ones: %s.\n"
  .. "Asked about uniform outputs, the first model reaches %.2f and the second %.2f."):format(
  mean(five, "wo1"), mean(bigram, "wo1"),
  "the first " .. compared(mean(five, "wo1"), mean(bigram, "wo1")) .. " the second",
  mean(five, "acc_end_uniform"), mean(bigram, "acc_end_uniform")))
print(("Outputs that training never showed: accuracy %.2f; of the model that was shown all: %.2f.")
  :format(mean(part, "acc_end_unseen"), mean(five, "acc_end_unseen")))
print("Results are in " .. options.out)
