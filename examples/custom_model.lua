-- A model of one's own: one layer of linear attention, as a memory that is written while reading.
--
-- Without the softmax, attention is a matrix: after t tokens the layer holds
--     M_t = sum over u <= t of  e(z_u) k(z_{u-1})^T,
-- the associative memory of "what followed what", and answers the current token z_t with
-- M_t k(z_t). Since each key comes from the token before, one layer does what an induction head
-- needs two for.
--
-- What should be seen: on repeated random sequences (examples/custom_dataset.lua) accuracy on the
-- second half passes 0.9 within a few dozen steps.
local mnemo = require "mnemo"

local options = require "mnemo.arguments" {
  about = "Trains a linear-attention model, written in Lua, on repeated random sequences.",
  quick = { steps = 60 },
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
  model = model, data = task, steps = options.steps, batch_size = 64, loss_on = "repeats",
  optimizer = mnemo.optim.adamw { lr = 0.02 }, eval_every = 20,
  probes = { acc_end = mnemo.probes.batch_metrics(task).acc_end },
}

print(run:table())
local last = run.history[#run.history]
print(("\nAfter %d steps: accuracy %.3f on the second half."):format(last.step, last.acc_end))

-- Like any model it can be traced: the weight it gives to the answer, and to the rest.
local batch = task:held_out(1)
local weights = model:trace(batch.tokens, "weights").weights[1] -- [T, T]
local at = task.seq_len
print(("At the last position the answer's weight is %.2f, the largest other one %.2f."):format(
  weights:get(at, at - half + 1),
  mnemo.cat({ weights[at]:narrow(1, 1, at - half), weights[at]:narrow(1, at - half + 2, half - 1) },
    1):max():item()))
