-- A probe of one's own: how far back does the first layer look?
--
-- The induction head needs a first layer that attends to the token before (wk0). Does it pass
-- through a stage in which it looks two tokens back? A probe is a function of the training context
-- that returns a number, so two of them, made by one function, will tell.
--
-- What should be seen: attention one token back rises to most of the weight, attention two tokens
-- back does not rise above its level before training.
local mnemo = require "mnemo"

local options = require "mnemo.arguments" {
  about = "Follows how much the first layer attends one and two tokens back.",
  quick = { steps = 80 },
  { "batch", 128, "sequences in a step", min = 1 },
  { "lr", 0.2, "learning rate" },
  { "steps", 150, "training steps", min = 1 },
  { "seed", 1, "seed of data and initial weights" },
}

local length = 64
local task = mnemo.data.bigram { triggers = 5, seq_len = length, seed = options.seed }
local model = mnemo.model.simplified {
  vocab = task.vocab_size, dim = 128, max_len = length, seed = options.seed,
}

--- Returns the mean attention of layer 1 from each token to the one `distance` before it, of each
-- sequence [B].
local function attention_back(of, tokens, distance)
  -- 1 where the column is `distance` left of the diagonal, [T, T].
  local positions = mnemo.arange(1, length)
  local wanted = positions:reshape(length, 1):eq(positions + distance)
  local attention = of:attention(tokens, 1):select(2, 1) -- [B, T, T]
  return (attention * wanted):sum(3):sum(2) / (length - distance)
end

--- Makes a probe of it.
local function looks_back(distance)
  return function(ctx)
    -- 16 sequences are enough for a mean.
    local tokens = ctx.batch.tokens:narrow(1, 1, math.min(16, options.batch))
    return attention_back(ctx.model, tokens, distance):mean():item()
  end
end

local tokens = task:held_out(64).tokens

--- Returns the same on sequences that training does not see, with errors, for both distances.
local function measured()
  local means = {}
  for distance = 1, 2 do
    means[distance] = mnemo.stats.of(attention_back(model, tokens, distance):totable())
  end
  return means
end
local before = measured()

local run = mnemo.train {
  model = model, data = task, steps = options.steps, batch_size = options.batch,
  optimizer = mnemo.optim.sgd { lr = options.lr, momentum = 0.9, weight_decay = 1e-4 },
  loss_on = "repeats", eval_every = 10,
  probes = { one_back = looks_back(1), two_back = looks_back(2) },
}

print(run:table())

-- The verdict. Where an output is its own trigger the sequence repeats it to the end, and repeating
-- what is read is right; so whether anything was learned is asked of the rest of the answers.
local after, chance = measured(), 1 / task.vocab_size
local answers = mnemo.probes.answers(model, task)
local rest = answers.own:eq(0)
local accuracy = mnemo.stats.share(answers.hits, answers.sequences, rest)
if mnemo.stats.compare(accuracy, chance, 0.999) ~= "more" then
  print(("\nNothing can be said about a stage of learning: accuracy is %s, chance %.3f."):format(
    mnemo.stats.text(accuracy), chance))
else
  print(("\nAfter %d steps accuracy is %s. Attention of the first layer:"):format(options.steps,
    mnemo.stats.text(accuracy)))
  for distance, name in ipairs { "one token back", "two tokens back" } do
    local change = mnemo.stats.compare(after[distance], before[distance])
    print(("  %-16s %s (before training %s): %s"):format(name, mnemo.stats.text(after[distance]),
      mnemo.stats.text(before[distance]), change == "more" and "it rose"
      or change == "less" and "it fell" or "no change can be told"))
  end
end
