-- Activation patching: which part of the circuit does the induction head need?
--
-- The second layer finds the token after an earlier occurrence only because the first layer has
-- written into each position which token came before it. If so, taking the first layer's attention
-- output away, or putting in that of other sequences, must destroy the answers in context, and
-- restoring it must bring them back.
--
-- What should be seen: accuracy stays when an output is replaced by itself, falls to a fraction
-- when the first layer's is replaced by anything else, and to chance without the second's. Where an
-- output is its own trigger the sequence repeats it to the end; such self-loops need no induction
-- head, and what is concluded is concluded from the rest.
local mnemo = require "mnemo"

local options = require "mnemo.arguments" {
  about = "Trains an induction head, then replaces activations to see what it needs.",
  quick = { steps = 150 },
  { "batch", 128, "sequences in a step", min = 1 },
  { "lr", 0.2, "learning rate" },
  { "steps", 250, "training steps", min = 1 },
  { "seed", 1, "seed of data and initial weights" },
}

local length = 64
local task = mnemo.data.bigram { triggers = 5, seq_len = length, seed = options.seed }
local model = mnemo.model.simplified {
  vocab = task.vocab_size, dim = 128, max_len = length, seed = options.seed,
}
mnemo.train {
  model = model, data = task, steps = options.steps, batch_size = options.batch,
  loss_on = "repeats",
  optimizer = mnemo.optim.sgd { lr = options.lr, momentum = 0.9, weight_decay = 1e-4 },
}

-- Names of activations count layers from 0, as those of parameters do.
local first, second = "layers.0.attention_output", "layers.1.attention_output"
local count = 256
local batch, other = task:held_out(count), task:held_out(count, 2)
local asked = batch.occurrence:ge(2)
local is_own = batch.targets:masked_select(asked):eq(batch.tokens:masked_select(asked))
local sequences = mnemo.arange(1, count):reshape(count, 1):expand(count, length)
  :masked_select(asked)

--- Returns the accuracies of logits [B, T, N] on repeated triggers, with errors over sequences:
-- where the output is its own trigger, and on the rest.
local function accuracies(logits)
  local hits = logits:argmax(3):eq(batch.targets):masked_select(asked)
  local function share(where)
    return mnemo.stats.share(hits, sequences, where)
  end
  return { own = share(is_own), rest = share(is_own:eq(0)) }
end

local own = model:trace(batch.tokens, { first, second })
local foreign = model:trace(other.tokens, { first, second })

--- Returns the accuracies when the named activation is what `replace` makes of it.
local function patched(name, replace)
  return accuracies(model:patch(batch.tokens, { [name] = replace }))
end

local intact, without = accuracies(model(batch.tokens)), {}
local rows = { { "replaced", "self-loops", "the rest" } }

--- Adds a line to the table.
local function report(label, found)
  table.insert(rows, { label, mnemo.stats.text(found.own), mnemo.stats.text(found.rest) })
end

report("nothing", intact)
for layer, name in ipairs { first, second } do
  local label = ("attention output of layer %d: "):format(layer)
  without[layer] = patched(name, function(t) return t * 0 end)
  report(label .. "itself", patched(name, function() return own[name] end))
  report(label .. "zeros", without[layer])
  report(label .. "its mean", patched(name, function(t)
    return t:mean(1, true):mean(2, true):expand(t:shape())
  end))
  report(label .. "that of other sequences", patched(name, function() return foreign[name] end))
end
print("Accuracy on repeated triggers of held-out sequences:\n")
print(mnemo.runs.columns(rows))

local chance = 1 / task.vocab_size -- outputs are drawn uniformly
if mnemo.stats.compare(intact.rest, chance) ~= "more" then
  print(("\nNothing can be said about what is needed: off the self-loops the intact model is not "
    .. "above\nchance, %.3f."):format(chance))
else
  print()
  for layer, found in ipairs(without) do
    local left, above = found.rest, mnemo.stats.compare(found.rest, chance) == "more"
    print(("Without layer %d's output accuracy off the self-loops changes by %+.3f: %s."):format(
      layer, left.mean - intact.rest.mean,
      mnemo.stats.compare(left, intact.rest) ~= "less" and "the answers do not need it"
      or above and "the answers need it, though some are right without"
      or "the answers need it"))
    print(("  %.3f is left, %s (%.3f)."):format(left.mean,
      above and "above chance" or "not above chance", chance))
  end
end
