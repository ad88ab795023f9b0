-- Letters: what stands in the context, and what holds everywhere
--
-- Letters drawn one by one with the frequencies of English, except that every "a" is followed by
-- the sequence's output, on the poster "p". Two worlds differ in one thing:
--
--   fixed    the output is "p" in every sequence: a fact about the world, which a table of
--            bigrams can hold;
--   context  each sequence draws an output of its own: after its first "a" the sequence shows it,
--            and nothing but the context can tell.
--
-- Both worlds are learned by a bigram model (a table of logits, no attention) and by the
-- simplified transformer, with the loss after each "a" that is not the first; and the fixed one
-- once more with the loss on all letters. All are asked on the same new sequences, whose output is
-- "p".
--
-- What should be seen: after an "a" that is not the first, the transformer puts most of its
-- probability on "p" in either world. The bigram model does so in the fixed world; in the other it
-- has only the average over sequences, about 1/26. In the fixed world that alone is no knowledge:
-- asked after "a" only, the transformer says "p" after other letters as well. Asked everywhere,
-- both models say it after "a" and hardly elsewhere.
--
-- The bigram task of Bietti et al. 2023, "Birth of a Transformer: A Memory Viewpoint", §3, with
-- one trigger and bigram statistics that equal the unigram's: each letter is drawn independently.
local mnemo = require "mnemo"

local options = require "mnemo.arguments" {
  about = "Trains a bigram model and a transformer on letters in which \"a\" has one successor.",
  sweep = true,
  quick = { steps = 200 },
  { "dim", 128, "width of the transformer", min = 1 },
  { "seq_len", 64, "letters in a sequence", min = 2 },
  { "batch", 128, "sequences in a step", min = 1 },
  { "steps", 400, "training steps", min = 1 },
  { "lr", 0.1, "learning rate of the transformer" },
  { "seeds", 1, "how many runs; curves get a band if there are several", min = 1 },
  { "seed", 1, "the first seed of data and initial weights" },
  { "out", "runs/letters", "folder for results", type = "folder" },
}

-- The worlds -------------------------------------------------------------------------------

local corpus = mnemo.corpus.letters()
local vocab = corpus.vocab_size
local ids = corpus:encode("ap"):totable()
local trigger, output = ids[1], ids[2]

-- Fixed triggers are the most frequent letters; those before "a" are left out.
local more_frequent = corpus.unigram:gt(corpus.unigram[trigger]):sum():item()

--- Returns a task in which "a" is followed by a letter of first…last, one for each sequence.
local function letters(first, last, seed)
  return mnemo.data.bigram {
    corpus = corpus, triggers = 1, trigger_offset = math.tointeger(more_frequent),
    outputs_range = { first, last }, seq_len = options.seq_len, seed = seed,
  }
end

local settings = {
  { name = "fixed", loss = "repeats", asked = "later \"a\"s", outputs = { output, output } },
  { name = "fixed", loss = "all", asked = "all letters", outputs = { output, output } },
  { name = "context", loss = "repeats", asked = "later \"a\"s", outputs = { 1, vocab } },
}
local repeats, everywhere, context = table.unpack(settings)

--- Returns the task of a setting with a seed.
local function task_of(setting, seed)
  return letters(setting.outputs[1], setting.outputs[2], seed)
end

--- Returns a sequence as text, the triggers in brackets.
local function marked(batch, row)
  local pieces = {}
  local occurrence = batch.occurrence[row]:totable()
  for t, letter in ipairs(batch.tokens[row]:totable()) do
    local symbol = corpus.symbols[letter]
    pieces[t] = occurrence[t] > 0 and "[" .. symbol .. "]" or symbol
  end
  return table.concat(pieces)
end

for _, setting in ipairs { repeats, context } do
  print(("%s: sequences of this world, triggers in brackets"):format(setting.name))
  local sample = task_of(setting, options.seed):batch(3, 1)
  for row = 1, 3 do print("  " .. marked(sample, row)) end
end

-- Training ---------------------------------------------------------------------------------

-- New sequences whose output is "p", for every model.
local asked = letters(output, output, options.seed):held_out(512)
local places = {
  share = asked.occurrence:ge(2), -- after an "a" that is not the first
  elsewhere = asked.occurrence:eq(0), -- after another letter
}
local rows = mnemo.arange(1, 512):reshape(512, 1):expand(512, options.seq_len)

--- Returns a model's mean probability of "p" at places, with the error over sequences.
local function share(model, name)
  return mnemo.no_grad(function()
    local on_output = model(asked.tokens):softmax(3):select(3, output)
    return mnemo.stats.share(on_output, rows, places[name])
  end)
end

--- Returns a model of no more than "what follows what".
local function bigrams()
  return mnemo.model.custom {
    vocab = vocab, parameters = { table = mnemo.zeros(vocab, vocab) },
    forward = function(tokens, p) return p.table[tokens] end,
  }
end

--- Returns the two-layer model in which an induction head can grow.
local function transformer(seed)
  return mnemo.model.simplified {
    vocab = vocab, dim = options.dim, max_len = options.seq_len, seed = seed,
  }
end

--- Returns a model's accuracy in its own world, whose outputs may be any letter. Where one is "a"
-- the sequence repeats it to the end, and repeating what is read is enough: those are left out.
local function accuracy(model, task)
  local answers = mnemo.probes.answers(model, task)
  return mnemo.stats.share(answers.hits, answers.sequences, answers.own:eq(0))
end

--- Trains a model in a setting; what it gives "p" is followed, and measured at the end.
local function train(kind, setting, seed)
  local task, probes = task_of(setting, seed), {}
  local model, optimizer = bigrams(), mnemo.optim.adamw { lr = 0.1 }
  if kind == "transformer" then
    model = transformer(seed)
    optimizer = mnemo.optim.sgd { lr = options.lr, momentum = 0.9, weight_decay = 1e-4 }
  end
  for name in pairs(places) do
    probes[name] = function(ctx) return share(ctx.model, name).mean end
  end
  local run = mnemo.train {
    model = model, data = task, steps = options.steps, batch_size = options.batch,
    optimizer = optimizer, loss_on = setting.loss, eval_every = 10, probes = probes,
  }
  local found = {
    history = run.history, after = share(model, "share"), elsewhere = share(model, "elsewhere"),
  }
  if kind == "transformer" and setting == context then
    found.right = accuracy(model, task)
    if seed == options.seed then run:save(options.out, { overwrite = true }) end
  end
  return found
end

local points = mnemo.sweep {
  name = "letters", store = options.out .. "/sweep.sqlite", options = options,
  stop_on_error = true,
  grid = { kind = { "bigrams", "transformer" }, setting = { 1, 2, 3 } },
  seeds = options.seeds, first_seed = options.seed,
  run = function(point) return train(point.kind, settings[point.setting], point.seed) end,
}
for _, setting in ipairs(settings) do setting.bigrams, setting.transformer = {}, {} end
for _, point in ipairs(points) do table.insert(settings[point.setting][point.kind], point) end

-- The verdict, from these runs' numbers ------------------------------------------------------

--- Returns the mean of what is measured of each run.
local function measured(runs, name)
  local values = {}
  for s, run in ipairs(runs) do values[s] = run[name] end
  return mnemo.stats.over_seeds(values)
end

print(("\nProbability of \"p\" after an \"a\" that is not the first, and after other letters, "
  .. "%d steps:"):format(options.steps))
local lines = { { "world", "loss on", "model", "after \"a\"", "elsewhere" } }
for _, setting in ipairs(settings) do
  setting.after, setting.elsewhere = {}, {}
  for _, kind in ipairs { "bigrams", "transformer" } do
    setting.after[kind] = measured(setting[kind], "after")
    setting.elsewhere[kind] = measured(setting[kind], "elsewhere")
    table.insert(lines, {
      setting.name, setting.asked, kind, mnemo.stats.text(setting.after[kind]),
      mnemo.stats.text(setting.elsewhere[kind]),
    })
  end
end
print(mnemo.runs.columns(lines))

--- Tells whether a kind of model says "p" after "a" and hardly elsewhere.
local function knows(setting, kind)
  return setting.after[kind].mean >= 0.9 and setting.elsewhere[kind].mean < 0.1
end

--- Says what a kind of model does with "p".
local function habit(setting, kind)
  return knows(setting, kind) and "says \"p\" after \"a\" and hardly elsewhere"
    or setting.after[kind].mean >= 0.9 and "says \"p\" after other letters as well"
    or "does not say \"p\" after \"a\" yet"
end

--- Says what both kinds do.
local function habits(setting)
  return ("the bigram model %s;\nthe transformer %s"):format(habit(setting, "bigrams"),
    habit(setting, "transformer"))
end

print("\nWhere \"a\" always goes to \"p\" and only later \"a\"s are asked, "
  .. habits(repeats) .. ".")
if knows(everywhere, "transformer") then
  print("Where all letters are asked, " .. habits(everywhere) .. ": it knows what follows \"a\".")
else
  print("Nothing can be said about what the transformer knows of \"a\": where all letters are "
    .. "asked, it\n" .. habit(everywhere, "transformer") .. ".")
end

-- What the average over sequences is, counted.
local counted = task_of(context, options.seed):batch(512, 1)
local after = counted.occurrence:ge(1)
local average = (counted.targets:eq(output) * after):sum():item() / after:sum():item()

-- Whether the transformer finds the outputs of its own world.
local chance = 1 / vocab
local right = measured(context.transformer, "right")
local found, guessed = context.after.transformer, context.after.bigrams
if mnemo.stats.compare(right, chance) ~= "more" then
  print(("Nothing can be said about the context: where each sequence has an output of its own,\n"
    .. "the transformer's accuracy is %s, and chance is %.3f."):format(mnemo.stats.text(right),
    chance))
else
  local looks = found.mean >= 0.5 and mnemo.stats.compare(found, guessed) == "more"
  print(("Where each sequence has an output of its own, \"p\" follows %.3f of all \"a\"s. The "
    .. "bigram\nmodel gives it %.3f, the transformer %.3f, %.0f times as much: it %s."):format(
    average, guessed.mean, found.mean, found.mean / guessed.mean,
    (looks and "looks" or "does not look") .. " the output up in the context"
      .. (looks and "" or " yet")))
end

-- The figure -------------------------------------------------------------------------------

--- Draws the probability of "p" at places over the steps.
local function panel(title, name)
  local series = {}
  for _, setting in ipairs(settings) do
    for _, kind in ipairs { "bigrams", "transformer" } do
      series[#series + 1] = {
        name = ("%s, %s, %s"):format(kind, setting.name, setting.asked),
        y = mnemo.runs.series(setting[kind], name),
      }
    end
  end
  return mnemo.plot.lines {
    title = title, xlabel = "step", ylabel = "probability of \"p\"", series = series,
    x = mnemo.runs.series(context.transformer, "step")[1], ylim = { 0, 1.02 }, legend = "right",
  }
end

local figure = mnemo.plot.grid({
  panel("after a later \"a\"", "share"), panel("after other letters", "elsewhere"),
}, {
  title = "Probability of \"p\""
    .. (options.seeds == 1 and " (one seed, so without a band)" or ""),
  columns = 1, width = 700, height = 700,
})
figure:save(options.out .. "/figure.svg"):save(options.out .. "/figure.png")
print("Results are in " .. options.out)
