--- Probes: what a model has stored and how it answers, as numbers followed over training.
--
-- A probe is a function `probe(ctx)` that returns a number, where `ctx` is
-- `{ model, batch, logits, step, run }`; `mnemo.train` calls each of the table it is given
-- at every evaluated step. The functions here return such tables, to be merged with one's own:
--
--     local probes = mnemo.probes.induction(task)
--     probes.largest_logit = function(ctx) return ctx.logits:max():item() end
--
-- A probe gives NaN where it has nothing to count: no such position in the batch, or no such
-- parameter in the model (no `pe` under rotary positions, no feed-forward).
--
-- Shapes: B batch, T seq_len, N vocab, d dim, H heads. Names of parameters count layers from
-- 0, as the files do; everything else counts from 1.
local probes = {}

local parts = { "recall", "decomposition", "memories", "answers", "attention", "norms" }
for _, part in ipairs(parts) do
  for name, probe in pairs(require("mnemo.probes." .. part)) do probes[name] = probe end
end

return probes
