--- How the model answers.
local common = require "mnemo.probes.common"
local expect = require "mnemo.text.expect"
local mnemo = require "mnemo"

local probes = {}

local nan = common.nan

--- Draws a batch that training never sees, the same at every call.
local function held_out(task, count)
  -- A built-in task is no table; asking it for a method it lacks may be an error.
  local found, method = pcall(function() return task.held_out end)
  if found and method then return task:held_out(count) end
  return task:batch(count, 1000000007)
end

--- Returns a 0/1 mask [B, T] of where a trigger occurs at least for the `least`-th time, in the
-- positions first…last.
local function occurrences(batch, least, first, last)
  local places = mnemo.arange(1, batch.tokens:size(2))
  return batch.occurrence:ge(least) * places:ge(first) * places:le(last)
end

--- Returns the mask of answers that stand in the context: occurrence ≥ 2, in the last 500
-- positions.
local function repeats_at_end(batch)
  local length = batch.tokens:size(2)
  return occurrences(batch, 2, length - 499, length)
end

--- Returns a 0/1 vector: whether the model is right at each position that a mask keeps; `targets`
-- are those of these positions. Logits of others are not computed.
local function hits_where(model, tokens, mask, targets)
  if targets:numel() == 0 then return mnemo.zeros(0) end
  return model:forward(tokens, mask):argmax(2):eq(targets)
end

--- Returns a model's logits for the targets of a batch: at every position, [B, T, N], or where
-- there is a target for each sequence, at the last, [B, N].
local function logits_for(batch, logits)
  local per_sequence = batch.targets:dim() == 1
  if per_sequence and logits:dim() == 3 then return logits:select(2, logits:size(2)) end
  if not per_sequence and logits:dim() == 2 then
    error("probes.accuracy: the model answers at the last position alone, the task asks at every "
      .. "position", 0)
  end
  return logits
end

--- Refuses a task with a target for each sequence.
local function check_positions(position, where, task)
  if expect.kind(task) == "Task" and task.positions == "last" then
    expect.refuse(position, where,
      "a task with a target at every position expected; probes.accuracy takes others", 2)
  end
end

--- Returns the mean of a vector; NaN if it is empty.
local function mean(values)
  return values:numel() > 0 and values:mean():item() or nan
end

-- An accuracy's three probes by the ending of their names: from the answers to the hits counted.
local parts = {
  [""] = function(answers) return answers.hits end,
  _own = function(answers) return answers.hits:masked_select(answers.own) end,
  _rest = function(answers) return answers.hits:masked_select(answers.own:eq(0)) end,
}

--- Adds an accuracy to a table of probes: over all answers, over those equal to their trigger, and
-- over the rest.
-- @tparam function answered from a ctx to `hits` and `own`, 0/1 vectors
local function add_accuracy(metrics, name, answered)
  local answers = common.once(answered)
  for ending, hits in pairs(parts) do
    metrics[name .. ending] = function(ctx) return mean(hits(answers(ctx))) end
  end
end

--- Returns a function from a ctx to the answers at the end of a task's fixed batch, which is
-- drawn when first needed.
local function fixed_batch(task, count)
  local tokens, mask, targets, own
  return function(ctx)
    if not tokens then
      local batch = held_out(task, count)
      tokens, mask = batch.tokens, repeats_at_end(batch)
      targets = batch.targets:masked_select(mask)
      own = targets:eq(tokens:masked_select(mask))
    end
    return { hits = hits_where(ctx.model, tokens, mask, targets), own = own }
  end
end

--- Returns the mean cross-entropy where a mask is 1, in nats; NaN where it is 0 everywhere.
local function loss_where(ctx, mask)
  if mask:sum():item() == 0 then return nan end
  return ctx.logits:cross_entropy(ctx.batch.targets, { mask = mask }):item()
end

--- Probes of how often the model is right, over all targets of any task: at every position, or one
-- for each sequence.
--
-- `acc`: on the current batch; `acc_test`: on a fixed batch that training never sees, and
-- `loss_test`: the loss there, in nats.
-- @tparam Task task the task
-- @tparam[opt=512] integer options.held_out sequences in the fixed batch
-- @treturn table the probes by name
-- @usage
-- local task = mnemo.data.custom { -- which of two halves of the alphabet is the first id from?
--   vocab = 8, seq_len = 3, classes = 2, seed = 1,
--   sample = function(rng)
--     local ids = { rng:integer(1, 8), rng:integer(1, 8), rng:integer(1, 8) }
--     return ids, ids[1] > 4 and 2 or 1
--   end,
-- }
-- local model = mnemo.model.custom {
--   vocab = 8, outputs = 2, positions = "last", parameters = { w = mnemo.randn(3, 8, 2) },
--   forward = function(tokens, p)
--     local logits = p.w[1][tokens:select(2, 1)]
--     for t = 2, tokens:size(2) do logits = logits + p.w[t][tokens:select(2, t)] end
--     return logits
--   end,
-- }
-- local run = mnemo.train {
--   model = model, data = task, steps = 20, optimizer = mnemo.optim.adamw { lr = 0.1 },
--   probes = mnemo.probes.accuracy(task, { held_out = 64 }),
-- }
-- print(run:table())
function probes.accuracy(task, options)
  expect.argument(1, "probes.accuracy", task, "Task")
  options = options or {}
  expect.keys(options, { "held_out" }, "probes.accuracy")
  expect.option("held_out", "probes.accuracy", options.held_out, "number", "nil")
  --- Measures the answers to a batch.
  local function measured(batch, logits)
    logits = logits_for(batch, logits)
    return {
      accuracy = logits:argmax(logits:dim()):eq(batch.targets):mean():item(),
      loss = logits:cross_entropy(batch.targets):item(),
    }
  end
  local fixed
  local test = common.once(function(ctx)
    fixed = fixed or held_out(task, options.held_out or 512)
    return measured(fixed, ctx.model(fixed.tokens))
  end)
  return common.finished {
    acc = function(ctx) return measured(ctx.batch, ctx.logits).accuracy end,
    acc_test = function(ctx) return test(ctx).accuracy end,
    loss_test = function(ctx) return test(ctx).loss end,
  }
end

--- Tells where a model answers right on held-out sequences.
--
-- An output may be its own trigger: the sequence then repeats it to the end, and whoever has seen
-- that once is right by repeating. `own` tells these places from the rest.
-- @tparam Model model the model
-- @tparam Task task the task; of one with `held_out`, training never sees these sequences
-- @tparam[opt=512] integer options.held_out number of sequences
-- @tparam[opt="repeats"] string options.at "outputs": at every output; "repeats": at those whose
--   trigger has occurred before
-- @treturn table `hits`, 0 or 1, [R]; `own`, whether the output equals its trigger, [R];
--   `sequences`, which sequence each place belongs to, from 1, [R]
-- @usage
-- local task = mnemo.data.bigram { seq_len = 16, seed = 1 }
-- local model = mnemo.model.simplified { vocab = task.vocab_size, dim = 16, max_len = 16 }
-- local answers = mnemo.probes.answers(model, task, { held_out = 8 })
-- local rest = answers.own:eq(0)
-- print(mnemo.stats.text(mnemo.stats.share(
--   answers.hits:masked_select(rest), answers.sequences:masked_select(rest))))
function probes.answers(model, task, options)
  expect.argument(1, "probes.answers", model, "Model")
  expect.argument(2, "probes.answers", task, "Task")
  check_positions(2, "probes.answers", task)
  options = options or {}
  expect.keys(options, { "held_out", "at" }, "probes.answers")
  expect.choice(options.at, { "outputs", "repeats" }, "probes.answers", "at")
  expect.option("held_out", "probes.answers", options.held_out, "number", "nil")
  return mnemo.no_grad(function()
    local batch = held_out(task, options.held_out or 512)
    local mask = batch.occurrence:ge(options.at == "outputs" and 1 or 2)
    local count, length = batch.tokens:size(1), batch.tokens:size(2)
    local rows = mnemo.arange(1, count):reshape(count, 1):expand(count, length)
    local targets = batch.targets:masked_select(mask)
    return {
      hits = hits_where(model, batch.tokens, mask, targets),
      own = targets:eq(batch.tokens:masked_select(mask)),
      sequences = rows:masked_select(mask),
    }
  end)
end

--- Probes of the answers on the current batch and on a held-out one, for bigram tasks.
--
-- `acc_tot`: accuracy where occurrence ≥ 1; `acc_start`: the same in the first 10 positions;
-- `acc_end`: where occurrence ≥ 2, in the last 500 positions; `acc_end_test`: the same on a
-- fixed batch that training never sees; `acc_long`: the same on another task with longer
-- sequences, if one is given; `acc_end_NAME`: the same on the task of that name in `others`, for
-- example one with outputs out of training's distribution. `loss_bigram`: cross-entropy where
-- occurrence = 0; `loss_head`: where occurrence ≥ 2. `repeat_frac`: share of outputs equal to their
-- trigger.
--
-- Where an output is its own trigger, the sequence repeats it to the end, and repeating the token
-- is right. So each accuracy comes in two parts as well: `acc_end_own` over the answers that equal
-- their trigger, `acc_end_rest` over all others, and so on for all names that begin with acc. The
-- model runs once for all of the current batch, and once for each fixed one.
-- @tparam Task task the task
-- @tparam[opt=512] integer options.held_out sequences in each fixed batch
-- @tparam[opt] Task options.long a task with longer sequences, which the model's max_len must
--   allow
-- @tparam[opt] table options.others from a name to another task
-- @treturn table the probes by name
-- @usage
-- -- Train on outputs from the first three quarters of the tokens, test on the rest as well.
-- local function task(first, last)
--   return mnemo.data.bigram { outputs_range = { first, last }, seq_len = 32, seed = 1 }
-- end
-- local seen, unseen = task(1, 48), task(49, 65)
-- local probes = mnemo.probes.batch_metrics(seen, { held_out = 16, others = { ood = unseen } })
-- local model = mnemo.model.simplified { vocab = 65, dim = 16, max_len = 32, seed = 1 }
-- local run = mnemo.train {
--   model = model, data = seen, steps = 2, batch_size = 4, probes = probes,
--   optimizer = mnemo.optim.sgd { lr = 0.1 },
-- }
-- print(run:table { "acc_end_test", "acc_end_ood" })
function probes.batch_metrics(task, options)
  expect.argument(1, "probes.batch_metrics", task, "Task")
  check_positions(1, "probes.batch_metrics", task)
  options = options or {}
  expect.keys(options, { "held_out", "long", "others" }, "probes.batch_metrics")
  expect.option("held_out", "probes.batch_metrics", options.held_out, "number", "nil")
  expect.option("long", "probes.batch_metrics", options.long, "Task", "nil")
  expect.option("others", "probes.batch_metrics", options.others, "table", "nil")
  local count = options.held_out or 512
  local metrics = {
    loss_bigram = function(ctx) return loss_where(ctx, ctx.batch.occurrence:eq(0)) end,
    loss_head = function(ctx) return loss_where(ctx, ctx.batch.occurrence:ge(2)) end,
    repeat_frac = function(ctx)
      return common.mean_where(ctx.batch.targets:eq(ctx.batch.tokens), ctx.batch.occurrence:ge(1))
    end,
  }
  -- The accuracies on the current batch are all of outputs.
  local outputs = function(batch) return batch.occurrence:ge(1) end
  local current = common.once(function(ctx)
    local batch, mask = ctx.batch, outputs(ctx.batch)
    local targets = batch.targets:masked_select(mask)
    return {
      hits = hits_where(ctx.model, batch.tokens, mask, targets),
      own = targets:eq(batch.tokens:masked_select(mask)),
    }
  end)
  --- Keeps of the current answers those at the places of a mask.
  local function at(places)
    return function(ctx)
      local answers, kept = current(ctx), places(ctx.batch):masked_select(outputs(ctx.batch))
      return { hits = answers.hits:masked_select(kept), own = answers.own:masked_select(kept) }
    end
  end
  add_accuracy(metrics, "acc_tot", current)
  add_accuracy(metrics, "acc_start", at(function(batch) return occurrences(batch, 1, 1, 10) end))
  add_accuracy(metrics, "acc_end", at(repeats_at_end))
  add_accuracy(metrics, "acc_end_test", fixed_batch(task, count))
  if options.long then add_accuracy(metrics, "acc_long", fixed_batch(options.long, count)) end
  for name, other in pairs(options.others or {}) do
    expect.option("others." .. name, "probes.batch_metrics", other, "Task")
    if metrics["acc_end_" .. name] then
      expect.fail("probes.batch_metrics: others.%s: there is an acc_end_%s already", name, name)
    end
    add_accuracy(metrics, "acc_end_" .. name, fixed_batch(other, count))
  end
  return common.finished(metrics)
end

return probes
