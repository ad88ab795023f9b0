-- A probe of one's own: how far back does the first layer look?
--
-- The induction head needs a first layer that attends to the token before (wk0). Does it pass
-- through a stage in which it looks two tokens back? A probe is a function of the training context
-- that returns a number, so two of them, made by one function, will tell.
--
-- What should be seen: attention one token back rises to most of the weight, attention two tokens
-- back stays near that of any other token.
local mnemo = require "mnemo"

local options = require "mnemo.arguments" {
  about = "Follows how much the first layer attends one and two tokens back.",
  quick = { steps = 80 },
  { "steps", 150, "training steps", min = 1 },
  { "seed", 1, "seed of data and initial weights" },
}

local length = 64
local task = mnemo.data.bigram { triggers = 5, seq_len = length, seed = options.seed }
local model = mnemo.model.simplified {
  vocab = task.vocab_size, dim = 128, max_len = length, seed = options.seed,
}

--- Makes a probe: the mean attention of layer 1 from each token to the one `distance` before it.
local function looks_back(distance)
  -- 1 where the column is `distance` left of the diagonal, [T, T].
  local positions = mnemo.arange(1, length)
  local wanted = positions:reshape(length, 1):eq(positions + distance)
  return function(ctx)
    local tokens = ctx.batch.tokens:narrow(1, 1, 16) -- 16 sequences are enough for a mean
    local attention = ctx.model:attention(tokens, 1):select(2, 1) -- [16, T, T]
    return (attention * wanted):sum():item() / (16 * (length - distance))
  end
end

local run = mnemo.train {
  model = model, data = task, steps = options.steps, batch_size = 128, loss_on = "repeats",
  optimizer = mnemo.optim.sgd { lr = 0.2, momentum = 0.9, weight_decay = 1e-4 },
  eval_every = 10, probes = { one_back = looks_back(1), two_back = looks_back(2) },
}

print(run:table())
local last = run.history[#run.history]
print(("\nAfter %d steps the first layer puts %.1f %% of its attention one token back, "
  .. "%.1f %% two back."):format(last.step, 100 * last.one_back, 100 * last.two_back))
