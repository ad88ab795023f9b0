--- Probes: what a model has stored and how it answers, as numbers followed over training.
--
-- A probe is a function `probe(ctx)` that returns a number, a 0-dimensional tensor, or a table of
-- them by key, where `ctx` is `{ model, batch, logits, step, run }`; `mnemo.train` calls each of
-- the table it is given at every evaluated step. `ctx.logits` is computed once for all probes of a
-- step, and so is what `once` makes. The functions here return tables of probes, to be merged with
-- one's own:
--
--     local probes = mnemo.probes.induction(task)
--     probes.largest_logit = function(ctx) return ctx.logits:max():item() end
--
-- A probe gives NaN where it has nothing to count: no such position in the batch, or no such
-- parameter in the model (no `pe` under rotary positions, no feed-forward).
--
-- Shapes: B batch, T seq_len, N vocab, d dim, H heads. Names of parameters count layers from
-- 0, as the files do; everything else counts from 1.
local common = require "mnemo.probes.common"
local expect = require "mnemo.text.expect"

local probes = {}

--- Makes a function of a probe's context that computes its value once for each record, whichever
-- probe asks first: a forward pass that several probes share.
-- @tparam function compute from the context to a value; nil counts as none
-- @treturn function from the context to that value
-- @usage
-- local task = mnemo.data.bigram { seq_len = 16, seed = 1 }
-- local model = mnemo.model.simplified { vocab = task.vocab_size, dim = 16, max_len = 16 }
-- local tokens = task:held_out(8).tokens
-- local logits = mnemo.probes.once(function(ctx) return ctx.model(tokens) end)
-- mnemo.train {
--   model = model, data = task, steps = 2, optimizer = mnemo.optim.sgd { lr = 0.1 },
--   probes = {
--     largest = function(ctx) return logits(ctx):max() end,
--     mean = function(ctx) return logits(ctx):mean() end,
--   },
-- }
function probes.once(compute)
  expect.argument(1, "probes.once", compute, "function")
  return common.once(compute)
end

local parts = { "recall", "decomposition", "memories", "answers", "attention", "norms", "factual" }
for _, part in ipairs(parts) do
  for name, probe in pairs(require("mnemo.probes." .. part)) do probes[name] = probe end
end

return probes
