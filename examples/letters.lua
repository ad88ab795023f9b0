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
-- simplified transformer, and all four are asked on the same new sequences, whose output is "p".
--
-- What should be seen: after an "a" that is not the first, the transformer puts most of its
-- probability on "p" in either world. The bigram model does so in the fixed world; in the other it
-- has only the average over sequences, about 1/26.
--
-- The bigram task of Bietti et al. 2023, "Birth of a Transformer: A Memory Viewpoint", §3, with
-- one trigger and bigram statistics that equal the unigram's: each letter is drawn independently.
local mnemo = require "mnemo"

local options = require "mnemo.arguments" {
  about = "Trains a bigram model and a transformer on letters in which \"a\" has one successor.",
  quick = { steps = 200 },
  { "dim", 128, "width of the transformer", min = 1 },
  { "seq_len", 64, "letters in a sequence", min = 2 },
  { "batch", 128, "sequences in a step", min = 1 },
  { "steps", 400, "training steps", min = 1 },
  { "lr", 0.1, "learning rate of the transformer" },
  { "seed", 1, "seed of data and initial weights" },
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
local function letters(first, last)
  return mnemo.data.bigram {
    corpus = corpus, triggers = 1, trigger_offset = math.tointeger(more_frequent),
    outputs_range = { first, last }, seq_len = options.seq_len, seed = options.seed,
  }
end

local worlds = {
  { name = "fixed", task = letters(output, output) },
  { name = "context", task = letters(1, vocab) },
}

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

for _, world in ipairs(worlds) do
  print(("%s: sequences of this world, triggers in brackets"):format(world.name))
  local sample = world.task:batch(3, 1)
  for row = 1, 3 do print("  " .. marked(sample, row)) end
end

-- Training ---------------------------------------------------------------------------------

-- New sequences whose output is "p", for every model.
local asked = worlds[1].task:held_out(512)
local later = asked.occurrence:ge(2)

--- Returns the share of a model's probability on "p" after an "a" that is not the first.
local function share(model)
  return mnemo.no_grad(function()
    local on_output = model(asked.tokens):softmax(3):select(3, output)
    return ((on_output * later):sum() / later:sum()):item()
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
local function transformer()
  return mnemo.model.simplified {
    vocab = vocab, dim = options.dim, max_len = options.seq_len, seed = options.seed,
  }
end

--- Trains a model in a world and returns the run; its probe `share` is followed.
local function trained(world, model, optimizer)
  return mnemo.train {
    model = model, data = world.task, steps = options.steps, batch_size = options.batch,
    optimizer = optimizer, loss_on = "repeats", eval_every = 10,
    probes = { share = function(ctx) return share(ctx.model) end },
  }
end

for _, world in ipairs(worlds) do
  world.bigrams = trained(world, bigrams(), mnemo.optim.adamw { lr = 0.1 })
  world.transformer = trained(world, transformer(),
    mnemo.optim.sgd { lr = options.lr, momentum = 0.9, weight_decay = 1e-4 })
end

-- The verdict, from these runs' numbers ------------------------------------------------------

--- Returns the last value of a run's probe.
local function last(run)
  return run.history[#run.history].share
end

print(("\nShare of the probability on \"p\" after an \"a\" that is not the first, %d steps:")
  :format(options.steps))
print(("  %-10s %12s %12s"):format("world", "bigrams", "transformer"))
for _, world in ipairs(worlds) do
  print(("  %-10s %12.3f %12.3f"):format(world.name, last(world.bigrams), last(world.transformer)))
end

-- What the average over sequences is, counted.
local counted = worlds[2].task:batch(512, 1)
local after = counted.occurrence:ge(1)
local average = (counted.targets:eq(output) * after):sum():item() / after:sum():item()

local fixed, context = worlds[1], worlds[2]
--- Says whether a share is nearly everything.
local function known(value)
  return ("%s (%.3f)"):format(value >= 0.9 and "knows it" or "does not know it yet", value)
end

print(("\nWhere \"a\" always goes to \"p\", the bigram model %s, the transformer %s.")
  :format(known(last(fixed.bigrams)), known(last(fixed.transformer))))

local gain = last(context.transformer) / last(context.bigrams)
print(("Where each sequence has an output of its own, \"p\" follows %.3f of all \"a\"s. The bigram "
  .. "model\ngives it %.3f, the transformer %.3f, %.0f times as much: it %s."):format(average,
  last(context.bigrams), last(context.transformer), gain,
  last(context.transformer) >= 0.5 and gain >= 5 and "looks the output up in the context"
    or "does not look the output up in the context yet"))

-- The figure -------------------------------------------------------------------------------

local series = {}
for _, world in ipairs(worlds) do
  for _, kind in ipairs { "bigrams", "transformer" } do
    series[#series + 1] = { name = kind .. ", " .. world.name, y = world[kind]:series("share") }
  end
end
local figure = mnemo.plot.lines {
  title = "probability on \"p\" after a later \"a\"", xlabel = "step", ylabel = "share",
  x = context.transformer:series("step"), series = series, ylim = { 0, 1.02 },
}
context.transformer:save(options.out, { overwrite = options.overwrite })
figure:save(options.out .. "/figure.svg"):save(options.out .. "/figure.png")
print("Results are in " .. options.out)
