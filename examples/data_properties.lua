-- E4  What the data make the memories learn
--
-- The task of E1 leaves open which tokens are triggers and where their outputs come from. An
-- induction head needs a memory that finds any trigger (wk1) and one that copies any output (wo1);
-- but data that show few triggers or outputs give no reason to learn the others. Six kinds of data
-- train the same model (the second layer has a linear feed-forward, all tokens count in the loss),
-- which is then asked about data that it has not seen.
--
-- What should be seen: one most frequent trigger is learned soonest, then five frequent ones. Rare
-- triggers are not learned at all: half of their answers are right, but these are the self-loops,
-- where the output is the trigger itself, so that the sequence repeats it to the end and repeating
-- is enough to be right. On the rest, of which all accuracies here are, they are at chance.
-- Trained on fixed triggers, W_K¹ knows those and little else; on random ones it becomes more
-- general (wk1 over all tokens), and what the model can do, it can do with any trigger. Uniform
-- outputs make W_O¹ copy most tokens and serve for bigram outputs too; trained on bigram outputs,
-- accuracy falls where outputs are uniform, and outputs that training never showed are not copied.
--
-- After Bietti et al. 2023, "Birth of a Transformer: A Memory Viewpoint", Figure 4.
local mnemo = require "mnemo"

local options = require "mnemo.arguments" {
  about = "Trains on data with few and many triggers and outputs, and asks about others (E4).",
  sweep = true,
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

-- Answers ----------------------------------------------------------------------------------

--- Returns the shares of right answers when a trigger comes again in held-out sequences: `own`,
-- where the output is the trigger itself, so that the sequence repeats it to the end; `rest`,
-- where it is another token; and the share of the former, `frequency`.
local function accuracies(model, asked, count)
  local found = mnemo.probes.answers(model, asked, { held_out = count })
  local function share(own)
    local kept = found.own:eq(own)
    return mnemo.stats.share(found.hits, found.sequences, kept)
  end
  return {
    own = share(1), rest = share(0), frequency = mnemo.stats.share(found.own, found.sequences),
  }
end

--- Returns a probe of the loss on a batch where a mask is 1.
local function loss_on(batch, mask)
  return function(ctx) return ctx.model:loss(batch, mask):item() end
end

-- Training ---------------------------------------------------------------------------------

--- Trains a model on some data, and follows what it can do with that and other data. Returns its
-- history, and the `accuracies` of the end by question.
local function trained(point)
  local asked = { own = task(point.data, {}, point.seed) }
  for name, changes in pairs(questions) do asked[name] = task(point.data, changes, point.seed) end
  local held_out = asked.own:held_out(128)
  local is_other = held_out.targets:eq(held_out.tokens):eq(0)
  -- Where triggers are random, wk1 is asked about all tokens.
  local general = mnemo.probes.induction(asked.random)
  local probes = {
    wk1 = mnemo.probes.induction(asked.own).wk1, wk1_all = general.wk1, wo1 = general.wo1,
    loss_bigram = loss_on(held_out, held_out.occurrence:eq(0)),
    loss_head = loss_on(held_out, held_out.occurrence:ge(2) * is_other),
  }
  for name, question in pairs(asked) do
    probes[name] = function(ctx) return accuracies(ctx.model, question, 128).rest.mean end
  end
  local model = mnemo.model.simplified {
    vocab = corpus.vocab_size, dim = options.dim, max_len = options.seq_len,
    ffn = { "none", "linear" }, seed = point.seed,
  }
  local run = mnemo.train {
    model = model, data = asked.own, steps = options.steps, batch_size = options.batch,
    optimizer = mnemo.optim.sgd { lr = options.lr, momentum = 0.9, weight_decay = 1e-4 },
    loss_on = "all", eval_every = 25, probes = probes,
    dir = ("%s/%s/seed_%d"):format(options.out, (point.name:gsub(" ", "_")), point.seed),
  }
  local ended = { history = run.history, accuracies = {} }
  for name, question in pairs(asked) do
    ended.accuracies[name] = accuracies(model, question, 512)
  end
  return ended
end

local points = mnemo.sweep {
  name = "data_properties", store = options.out .. "/sweep.sqlite", options = options,
  stop_on_error = true,
  points = kinds, seeds = options.seeds, first_seed = options.seed, run = trained,
}

for _, kind in ipairs(kinds) do
  kind.runs = mnemo.runs.where(points, { name = kind.name })
end

-- The tables -------------------------------------------------------------------------------

--- Returns an accuracy of some kind's models; the error is over seeds, of one seed over sequences.
local function accuracy(kind, question, which)
  local first = kind.runs[1].accuracies[question][which or "rest"]
  if #kind.runs == 1 then return first end
  local means = {}
  for i, run in ipairs(kind.runs) do means[i] = run.accuracies[question][which or "rest"].mean end
  return mnemo.stats.of(means)
end

--- Returns what a probe of some kind's models measured last; of one seed there is no error.
local function last(kind, name)
  return mnemo.stats.of(mnemo.runs.last(kind.runs, name))
end

local rows = { { "trained on", "self-loops", "right", "own", "random tr.", "uniform out.",
  "bigram out.", "unseen out." } }
for _, kind in ipairs(kinds) do
  local row = { kind.name, mnemo.stats.text(accuracy(kind, "own", "frequency"), 2),
    mnemo.stats.text(accuracy(kind, "own", "own"), 2) }
  for _, question in ipairs { "own", "random", "uniform", "bigram", "unseen" } do
    row[#row + 1] = mnemo.stats.text(accuracy(kind, question), 2)
  end
  rows[#rows + 1] = row
end
local chance = 1 / corpus.vocab_size
print(("After %d steps, over %d seed(s), on repeated triggers of held-out sequences: how many\n"
  .. "outputs are the trigger itself and how many of these are right; then the accuracy on the\n"
  .. "rest, asked about its own data and with other triggers or outputs (chance, where outputs\n"
  .. "are uniform: %.3f).\n"):format(options.steps, options.seeds, chance))
print(mnemo.runs.columns(rows))

rows = { { "trained on", "loss_head", "loss_bigram", "wk1", "wk1_all", "wo1" } }
for _, kind in ipairs(kinds) do
  local row = { kind.name }
  for i = 2, #rows[1] do row[i] = mnemo.stats.text(last(kind, rows[1][i]), 2) end
  rows[#rows + 1] = row
end
print("\nHeld-out losses in nats, on the answers other than the trigger itself and on all that\n"
  .. "follows no trigger; recall for its own triggers and for all tokens.\n")
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

-- Both losses have one scale; curves at 0 and 1 are kept off the frame.
local nats, shares = { 0, 5.5 }, { -0.03, 1.03 }
mnemo.plot.grid({
  by_triggers("loss on answers in the context", "nats", nats, "loss_head"),
  by_triggers("loss on all that follows no trigger", "nats", nats, "loss_bigram"),
  by_triggers("accuracy, asked with random triggers", "accuracy", shares, "random"),
  panel("accuracy by outputs: trained on → asked about", "accuracy", shares, {
    { five, "uniform", "uniform → uniform" }, { five, "bigram", "uniform → bigram" },
    { bigram, "uniform", "bigram → uniform" }, { bigram, "bigram", "bigram → bigram" },
    { part, "unseen", "3/4 → the rest" },
  }),
  by_triggers("wk1 over all tokens", "recall", shares, "wk1_all"),
  panel("wo1 over all tokens", "recall", shares,
    { { five, "wo1", "uniform outputs" }, { bigram, "wo1" }, { part, "wo1", part.name } }),
}, { title = "What the data make the memories learn", width = 900, height = 1180 })
  :save(options.out .. "/figure.svg"):save(options.out .. "/figure.png")

-- The verdict, from these runs' numbers ------------------------------------------------------

--- Tells whether all models of a kind, asked about uniform outputs, answer more of those that are
-- not the trigger itself than chance would. Many models are asked, so one in a thousand may err.
local function has_learned(kind)
  for _, run in ipairs(kind.runs) do
    local rest = run.accuracies.uniform.rest
    if mnemo.stats.compare(rest, chance, 0.999) ~= "more" then return false end
  end
  return true
end

--- Writes two measurements, what each is about, and which is larger, if that can be told.
local function compared(a, about_a, b, about_b)
  local sign = mnemo.stats.compare(a, b)
  local relation = sign and sign .. " than"
    or a.error and b.error and "not to be told from" or "beside"
  return ("%s %s, %s %s %s"):format(mnemo.stats.text(a, 2), about_a, relation,
    mnemo.stats.text(b, 2), about_b)
end

--- Says how diverse triggers differ from frequent ones.
local function triggers_verdict()
  if not (has_learned(one) and has_learned(random)) then
    return "nothing was learned with one trigger, or nothing with random ones."
  end
  return ("asked with random ones, accuracy is\n%s;\n%s.\nwk1 over all tokens is %s."):format(
    compared(accuracy(one, "random"), "after one", accuracy(five, "random"), "after five"),
    compared(accuracy(random, "random"), "after random ones",
      accuracy(five, "random"), "after five"),
    compared(last(random, "wk1_all"), "after random ones", last(five, "wk1_all"), "after five"))
end

--- Says whether rare triggers are learned.
local function rare_verdict()
  return ("%s; accuracy is %s, chance %.3f. The answers cost\n"
    .. "%s; %.2f nats by guessing."):format(
    has_learned(rare) and "learned" or "not learned",
    mnemo.stats.text(accuracy(rare, "own"), 3), chance,
    compared(last(rare, "loss_head"), "after rare triggers",
      last(five, "loss_head"), "after frequent ones"), -math.log(chance))
end

--- Says what outputs make of W_O¹.
local function outputs_verdict()
  if not has_learned(bigram) then return "nothing was learned with bigram ones." end
  local uniform_ones, bigram_ones = "after uniform ones", "after bigram ones"
  return ("wo1 is %s.\nAsked about uniform outputs, accuracy is\n%s."):format(
    compared(last(five, "wo1"), uniform_ones, last(bigram, "wo1"), bigram_ones),
    compared(accuracy(five, "uniform"), uniform_ones, accuracy(bigram, "uniform"), bigram_ones))
end

--- Says whether what was never an output is copied.
local function unseen_verdict()
  if not has_learned(part) then return "nothing was learned of the others." end
  return ("accuracy is\n%s."):format(
    compared(accuracy(part, "unseen"), "after three quarters were shown",
      accuracy(five, "unseen"), "after all were"))
end

print()
if has_learned(five) then
  print("Triggers: " .. triggers_verdict())
  print("Rare triggers: " .. rare_verdict())
  print("Outputs: " .. outputs_verdict())
  print("Outputs that training never showed: " .. unseen_verdict())
else
  print(("Nothing can be said about diversity: even with five frequent triggers not every model\n"
    .. "answers more than chance, %.3f, where the output is not the trigger itself; accuracy is\n"
    .. "%s."):format(chance, mnemo.stats.text(accuracy(five, "uniform"))))
end
print("Results are in " .. options.out)
