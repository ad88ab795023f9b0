-- A model of one's own: one layer of linear attention, as a memory that is written while reading.
--
-- Without the softmax, attention is a matrix: after t tokens the layer holds
--     M_t = sum over u <= t of  e(z_u) k(z_{u-1})^T,
-- the associative memory of "what followed what", and answers the current token z_t with
-- M_t k(z_t). Since each key comes from the token before, one layer does what an induction head
-- needs two for.
--
-- What should be seen: on repeated random sequences (examples/custom_dataset.lua) accuracy on the
-- second half passes 0.9 within a few dozen steps; the weight given to the answer is then far above
-- that given to any other token.
local mnemo = require "mnemo"

local options = require "mnemo.arguments" {
  about = "Trains a linear-attention model, written in Lua, on repeated random sequences.",
  quick = { steps = 60 },
  { "batch", 64, "sequences in a step", min = 1 },
  { "lr", 0.02, "learning rate" },
  { "steps", 200, "training steps", min = 1 },
  { "dim", 64, "width of embeddings and keys", min = 1 },
  { "seed", 1, "seed of data and initial weights" },
}

local vocab, half, dim = 64, 16, options.dim
mnemo.seed(options.seed)

local task = mnemo.data.custom {
  vocab = vocab, seq_len = 2 * half - 1, seed = options.seed,
  sample = function(rng)
    local ids, occurrence = {}, {}
    for t = 1, vocab do ids[t] = t end
    rng:shuffle(ids)
    for t = 1, 2 * half do
      if t > half then ids[t] = ids[t - half] end
      if t < 2 * half then occurrence[t] = t > half and 2 or 1 end
    end
    return { table.unpack(ids, 1, 2 * half) }, occurrence
  end,
}

-- 1 where position u may be read at position t, [T, T].
local positions = mnemo.arange(1, task.seq_len)
local causal = positions:reshape(task.seq_len, 1):ge(positions)

local model = mnemo.model.custom {
  vocab = vocab, max_len = task.seq_len,
  parameters = {
    embedding = mnemo.randn(vocab, dim), -- what is stored
    key = mnemo.randn(vocab, dim) / math.sqrt(dim), -- where it is stored
    output = mnemo.randn(vocab, dim) / math.sqrt(dim),
  },
  -- tokens [B, T] to logits [B, T, vocab]; p holds the parameters, visit shows tensors to trace.
  forward = function(tokens, p, visit)
    local batch, length = tokens:size(1), tokens:size(2)
    local query = p.key[tokens] -- [B, T, d]
    -- The key of position u is that of the token before it; the first has none.
    local before = mnemo.cat({ mnemo.zeros(batch, 1, dim), query:narrow(2, 1, length - 1) }, 2)
    local scores = query:matmul(before:transpose(2, 3)) -- [B, T, T]
    local weights = visit("weights", scores * causal:narrow(1, 1, length):narrow(2, 1, length))
    return weights:matmul(p.embedding[tokens]):matmul(p.output:t())
  end,
}

local run = mnemo.train {
  model = model, data = task, steps = options.steps, batch_size = options.batch,
  loss_on = "repeats", optimizer = mnemo.optim.adamw { lr = options.lr }, eval_every = 20,
  probes = { acc_end = mnemo.probes.batch_metrics(task).acc_end },
}

print(run:table())

-- The verdict, from sequences that training has not seen. Who knows no more than that the answer
-- stands in the context may guess one of its tokens.
local chance = 1 / half
local answers = mnemo.probes.answers(model, task)
local accuracy = mnemo.stats.share(answers.hits, answers.sequences)

-- Like any model this one can be traced: at the last position, the weight that it gives to the
-- answer, and the largest that it gives to another token. Training comes to no batch so late.
local at = task.seq_len
local tokens = task:batch(64, 1000000007).tokens
local weights = model:trace(tokens, "weights").weights:select(2, at) -- [64, T]
local answer = mnemo.stats.of(weights:select(2, at - half + 1):totable())
local other = mnemo.stats.of((weights * positions:ne(at - half + 1)):max(2):totable())

if mnemo.stats.compare(accuracy, chance) ~= "more" then
  print(("Nothing can be said about finding answers: accuracy is %s, guessing %.3f."):format(
    mnemo.stats.text(accuracy), chance))
else
  print(("After %d steps: accuracy %s on the second half (guessing: %.3f).\n"
    .. "At the last position the answer's weight is %s, the largest other one %s:\n%s."):format(
    options.steps, mnemo.stats.text(accuracy), chance, mnemo.stats.text(answer, 2),
    mnemo.stats.text(other, 2), mnemo.stats.compare(answer, other) == "more"
    and "the answer stands out" or "the answer does not stand out"))
end
