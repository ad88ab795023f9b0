-- Activation patching: which part of the circuit does the induction head need?
--
-- The second layer finds the token after an earlier occurrence only because the first layer has
-- written into each position which token came before it. If so, taking the first layer's attention
-- output away, or putting in that of other sequences, must destroy the answers in context, and
-- restoring it must bring them back.
--
-- What should be seen: accuracy on repeated triggers stays when an output is replaced by itself,
-- falls to a fraction when the first layer's is replaced by anything else, and to that of guessing
-- without the second's.
local mnemo = require "mnemo"

local options = require "mnemo.arguments" {
  about = "Trains an induction head, then replaces activations to see what it needs.",
  quick = { steps = 150 },
  { "steps", 250, "training steps", min = 1 },
  { "seed", 1, "seed of data and initial weights" },
}

local length = 64
local task = mnemo.data.bigram { triggers = 5, seq_len = length, seed = options.seed }
local model = mnemo.model.simplified {
  vocab = task.vocab_size, dim = 128, max_len = length, seed = options.seed,
}
mnemo.train {
  model = model, data = task, steps = options.steps, batch_size = 128, loss_on = "repeats",
  optimizer = mnemo.optim.sgd { lr = 0.2, momentum = 0.9, weight_decay = 1e-4 },
}

-- Names of activations count layers from 0, as those of parameters do.
local first, second = "layers.0.attention_output", "layers.1.attention_output"
local batch = task:held_out(128)
local other = task:held_out(128, 2)
local counts = batch.occurrence:ge(2)

--- Returns the accuracy on repeated triggers of logits [B, T, N].
local function accuracy(logits)
  return ((logits:argmax(3):eq(batch.targets)) * counts):sum():item() / counts:sum():item()
end

local own = model:trace(batch.tokens, { first, second })
local foreign = model:trace(other.tokens, { first, second })

--- Returns the accuracy when the named activation is what `replace` makes of it.
local function patched(name, replace)
  return accuracy(model:patch(batch.tokens, { [name] = replace }))
end

local rows = { { "nothing", accuracy(model(batch.tokens)) } }
for layer, name in ipairs { first, second } do
  local label = ("attention output of layer %d: "):format(layer)
  rows[#rows + 1] = { label .. "itself", patched(name, function() return own[name] end) }
  rows[#rows + 1] = { label .. "zeros", patched(name, function(t) return t * 0 end) }
  rows[#rows + 1] = { label .. "its mean", patched(name, function(t)
    return t:mean(1, true):mean(2, true):expand(t:shape())
  end) }
  rows[#rows + 1] = { label .. "that of other sequences",
    patched(name, function() return foreign[name] end) }
end

print(("%-55s %s"):format("replaced", "accuracy on repeats"))
for _, row in ipairs(rows) do print(("%-55s %.3f"):format(row[1], row[2])) end

local intact, without = rows[1][2], rows[3][2]
print(("\nWithout the first layer's output accuracy changes by %+.3f: the second layer %s it.")
  :format(without - intact, without < 0.5 * intact and "needs" or "does not need"))
