-- A task of one's own: random sequences that are repeated.
--
-- Each sequence is a random string of tokens, and then the same string again. Nothing can be
-- predicted in the first half; in the second, everything can, by whoever finds the earlier
-- occurrence of the current token and copies what followed it: an induction head again, with every
-- token a trigger.
--
-- What should be seen: on new sequences, accuracy on the second half passes 0.9, and the loss falls
-- far below log 64 = 4.16 nats, that of guessing.
local mnemo = require "mnemo"

local options = require "mnemo.arguments" {
  about = "Trains the simplified transformer on repeated random sequences.",
  quick = { steps = 60 },
  { "batch", 128, "sequences in a step", min = 1 },
  { "lr", 0.2, "learning rate" },
  { "steps", 300, "training steps", min = 1 },
  { "seed", 1, "seed of data and initial weights" },
}

local vocab, half = 64, 16

-- sample returns seq_len + 1 ids (the last is only a target) and, for each of the first seq_len, an
-- occurrence count: 2 or more marks the positions whose answer stands in the context.
local task = mnemo.data.custom {
  vocab = vocab, seq_len = 2 * half - 1, seed = options.seed,
  sample = function(rng)
    local ids, occurrence = {}, {}
    for t = 1, vocab do ids[t] = t end
    rng:shuffle(ids) -- no token twice in the first half, so that the answer is never in doubt
    for t = 1, 2 * half do
      if t > half then ids[t] = ids[t - half] end
      if t < 2 * half then occurrence[t] = t > half and 2 or 1 end
    end
    return { table.unpack(ids, 1, 2 * half) }, occurrence
  end,
}

local model = mnemo.model.simplified {
  vocab = vocab, dim = 128, max_len = 2 * half, seed = options.seed,
}
local run = mnemo.train {
  model = model, data = task, steps = options.steps, batch_size = options.batch,
  optimizer = mnemo.optim.sgd { lr = options.lr, momentum = 0.9, weight_decay = 1e-4 },
  loss_on = "repeats", eval_every = 20,
  probes = { acc_end = mnemo.probes.batch_metrics(task).acc_end },
}

print(run:table())

-- The verdict, from sequences that training has not seen. Who knows no more than that the answer
-- stands in the context may guess one of its tokens.
local chance = 1 / half
local answers = mnemo.probes.answers(model, task)
local accuracy = mnemo.stats.share(answers.hits, answers.sequences)
if mnemo.stats.compare(accuracy, chance) ~= "more" then
  print(("Nothing can be said about finding answers: accuracy is %s, guessing %.3f."):format(
    mnemo.stats.text(accuracy), chance))
else
  local batch = task:batch(512, 1000000007) -- training comes to no batch so late
  local loss = mnemo.no_grad(function()
    return model(batch.tokens):cross_entropy(batch.targets, { mask = batch.occurrence:ge(2) })
      :item()
  end)
  print(("After %d steps accuracy on the second half is %s (guessing: %.3f), the loss\n"
    .. "%.3f (guessing among all tokens: %.3f): %s."):format(options.steps,
    mnemo.stats.text(accuracy), chance, loss, math.log(vocab),
    mnemo.stats.compare(accuracy, 0.9) == "more" and "answers are found in the context"
    or "not all answers are found yet"))
end
