--- What a model has learned of facts.
local common = require "mnemo.probes.common"
local expect = require "mnemo.text.expect"

local probes = {}

--- Measures the answers to a batch from its logits [B, A].
local function measured(task, batch, logits)
  local relations, answers = task.options.relations, task.options.answers
  local count = batch.targets:size(1)
  local all = logits:logsumexp(2)
  local shaped = logits:narrow(2, 1, relations * answers):reshape(count, relations, answers)
  --- Returns the log of the probability mass on one part of a sum over a dimension, [B].
  local function log_mass(summed, part)
    return shaped:logsumexp(summed):gather(2, part:reshape(count, 1)):reshape(count) - all
  end
  local of_relation = log_mass(3, batch.relations)
  local of_subject = log_mass(2, (batch.targets - 1) % answers + 1)
  return {
    acc = logits:argmax(2):eq(batch.targets):mean():item(),
    loss = logits:cross_entropy(batch.targets):item(),
    loss_relation = -of_relation:mean():item(),
    loss_subject = -of_subject:mean():item(),
    mass_relation = of_relation:exp():mean():item(),
  }
end

--- Refuses logits that are no answers to a factual-recall task.
local function checked(task, logits)
  local classes = task.options.relations * task.options.answers
  if logits:dim() ~= 2 or logits:size(2) < classes then
    expect.fail("probes.factual: the model's logits have shape [%s] (needed: [B, %d], one for each "
      .. "answer at the last position)", table.concat(logits:shape(), ", "), classes)
  end
  return logits
end

--- Probes of what a model has learned of facts: the answers, or only what goes with a relation.
--
-- On the current batch `acc`: how often the most likely answer is right; `loss_relation`: −log of
-- the probability mass on the answers of the sequence's relation, in nats, which is 0 where the
-- model knows the relation, whatever it makes of the subject; `loss_subject`: the same on the
-- answers of all relations that have the right number within theirs; `mass_relation`: the mass on
-- the relation's answers itself, that a model with p(a|r) has without knowing a fact. With
-- `held_out`, the same on a fixed batch that training never sees, as `acc_test` and so on, and
-- `loss_test`. The model runs once for each of the two.
-- @tparam Task task a task of `data.factual`
-- @tparam[opt] integer options.held_out sequences in the fixed batch
-- @treturn table the probes by name
-- @usage
-- local task = mnemo.data.factual { subjects = 8, relations = 4, answers = 4, seed = 1 }
-- local model = mnemo.model.factual { vocab = task.vocab_size, answers = task.classes, seed = 1 }
-- local run = mnemo.train {
--   model = model, data = task, steps = 20, batch_size = 64, eval_every = 10,
--   optimizer = mnemo.optim.adamw { lr = 0.01 },
--   probes = mnemo.probes.factual(task, { held_out = 64 }),
-- }
-- print(run:table { "acc_test", "loss_test", "loss_relation_test" })
function probes.factual(task, options)
  expect.argument(1, "probes.factual", task, "Task")
  if not task.facts then
    expect.refuse(1, "probes.factual", "a task of data.factual expected")
  end
  options = options or {}
  expect.keys(options, { "held_out" }, "probes.factual")
  expect.option("held_out", "probes.factual", options.held_out, "number", "nil")
  local metrics = {}
  --- Adds probes of what `answered` gives for a context, under names with an ending.
  local function add(names, ending, answered)
    local once = common.once(answered)
    for _, name in ipairs(names) do
      metrics[name .. ending] = function(ctx) return once(ctx)[name] end
    end
  end
  local names = { "acc", "loss_relation", "loss_subject", "mass_relation" }
  add(names, "", function(ctx) return measured(task, ctx.batch, checked(task, ctx.logits)) end)
  if options.held_out then
    local fixed
    names[#names + 1] = "loss"
    add(names, "_test", function(ctx)
      fixed = fixed or task:held_out(options.held_out)
      return measured(task, fixed, checked(task, ctx.model(fixed.tokens)))
    end)
  end
  return common.finished(metrics)
end

return probes
