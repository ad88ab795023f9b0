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
local mnemo = require "mnemo"
local nearest = require "mnemo.text.nearest"

local probes = {}

local nan = 0 / 0

---- Helpers ----

--- Lets a probe run without recording anything for gradients.
local function without_gradients(probe)
  return function(ctx)
    return mnemo.no_grad(function() return probe(ctx) end)
  end
end

--- Wraps each probe of a table in `without_gradients`.
local function finished(table_of_probes)
  for name, probe in pairs(table_of_probes) do
    table_of_probes[name] = without_gradients(probe)
  end
  return table_of_probes
end

--- Returns the ids first…last as an IntTensor.
local function range(first, last)
  local ids = {}
  for id = first, last do ids[#ids + 1] = id end
  return mnemo.int_tensor(ids)
end

--- Returns the unembedding W_U [N, d] of a model's parameters; tied models use E.
local function output_of(parameters)
  return parameters["output.weight"] or parameters["tok_embeddings.weight"]
end

--- Tells whether all the named parameters are there.
local function has(parameters, ...)
  for _, name in ipairs { ... } do
    if not parameters[name] then return false end
  end
  return true
end

--- Returns a model's parameters for a probe that knows what the simplified transformer's say.
-- In a transformer with query matrices the same names mean something else.
local function simplified_parameters(model, what)
  local parameters = model:parameters()
  if parameters["layers.0.attention.wq.weight"] then
    error(what .. " needs the simplified transformer: with query matrices and norms its formulas "
      .. "do not hold", 0)
  end
  return parameters
end

--- Returns a task's fixed triggers as an IntTensor, or nil when they are random.
local function fixed_triggers(task)
  local triggers = task.triggers
  if triggers == nil then return nil end
  return type(triggers) == "table" and mnemo.int_tensor(triggers) or triggers
end

--- Draws a batch that training never sees, the same at every call.
local function held_out(task, count)
  -- A built-in task is no table; asking it for a method it lacks may be an error.
  local found, method = pcall(function() return task.held_out end)
  if found and method then return task:held_out(count) end
  return task:batch(count, 1000000007)
end

--- Averages a 0/1 tensor over the places where a mask is 1; NaN where it is 0 everywhere.
local function mean_where(hits, mask)
  local count = mask:sum():item()
  if count == 0 then return nan end
  return (hits * mask):sum():item() / count
end

--- Keeps the positions first…last of a [B, T] tensor.
local function positions(tensor, first, last)
  return tensor:narrow(2, first, last - first + 1)
end

--- Returns a function of a ctx that computes its value once for each ctx.
local function once(compute)
  local values = setmetatable({}, { __mode = "k" })
  return function(ctx)
    local value = values[ctx]
    if value == nil then
      value = compute(ctx)
      values[ctx] = value
    end
    return value
  end
end

---- Recall ----

--- Tells how much of an associative memory comes back: the share of i with
-- argmax_j v_jᵀ W u_i = i.
-- @tparam Tensor W the memory [d_out, d_in]
-- @tparam Tensor U inputs u_i, one a row [n, d_in]
-- @tparam Tensor V outputs v_j, one a row [m, d_out]; all of them are candidates
-- @tparam[opt] Tensor weights p(i), how much each i counts [n]; equal without it
-- @treturn number from 0 to 1
-- @usage
-- local U, V = mnemo.randn(5, 64), mnemo.randn(5, 64)
-- print(mnemo.probes.recall(V:t():matmul(U), U, V))
function probes.recall(W, U, V, weights)
  return mnemo.no_grad(function()
    local answers = U:matmul(W:t()):matmul(V:t()):argmax(2)
    local hits = answers:eq(range(1, U:size(1)))
    if not weights then return hits:mean():item() end
    return (hits * weights):sum():item() / weights:sum():item()
  end)
end

--- Tells how alike two memories are: the share of inputs to which both give the same answer.
-- @tparam Tensor A one memory [d_out, d_in]
-- @tparam Tensor B the other [d_out, d_in]
-- @tparam Tensor U inputs, one a row [n, d_in]
-- @tparam Tensor V outputs, one a row [m, d_out]; the answer to u is argmax_j v_jᵀ W u
-- @treturn number from 0 to 1
-- @usage
-- local U, V = mnemo.randn(5, 64), mnemo.randn(5, 64)
-- local W = V:t():matmul(U)
-- print(mnemo.probes.agreement(W, W + mnemo.randn(64, 64), U, V))
function probes.agreement(A, B, U, V)
  return mnemo.no_grad(function()
    local function answers(W) return U:matmul(W:t()):matmul(V:t()):argmax(2) end
    return answers(A):eq(answers(B)):mean():item()
  end)
end

--- Returns the cosine of the angle between two matrices, ⟨A, B⟩ / (‖A‖ ‖B‖).
-- @tparam Tensor A a tensor
-- @tparam Tensor B one of the same shape
-- @treturn number from −1 to 1; NaN if one of them is 0
-- @usage print(mnemo.probes.cosine(mnemo.eye(3), mnemo.ones(3, 3)))
function probes.cosine(A, B)
  return mnemo.no_grad(function()
    return (A * B):sum():item() / (A:norm():item() * B:norm():item())
  end)
end

---- What the matrices of the induction head have stored ----

-- What each of the three memories should hold, from the parameters and the task's fixed triggers.
-- Queries stand on the left of W_K, so asking with them takes its transpose.
local memories = {}

function memories.wk0(p)
  if not has(p, "layers.0.attention.wk.weight", "pe") then return nil end
  local last = p.pe:size(1) - 1
  if last < 1 then return nil end
  return {
    parameter = "layers.0.attention.wk.weight", transposed = true,
    inputs = p.pe:narrow(1, 2, last), outputs = p.pe:narrow(1, 1, last),
  }
end

function memories.wk1(p, triggers)
  if not has(p, "tok_embeddings.weight", "layers.0.attention.wv.weight",
    "layers.0.attention.wo.weight", "layers.1.attention.wk.weight") then
    return nil
  end
  local embeddings = p["tok_embeddings.weight"]
  if triggers then embeddings = embeddings[triggers] end
  local copy = p["layers.0.attention.wo.weight"]:matmul(p["layers.0.attention.wv.weight"])
  return {
    parameter = "layers.1.attention.wk.weight", transposed = true,
    inputs = embeddings, outputs = embeddings:matmul(copy:t()),
  }
end

function memories.wo1(p)
  if not has(p, "tok_embeddings.weight", "layers.1.attention.wv.weight",
    "layers.1.attention.wo.weight") then
    return nil
  end
  return {
    parameter = "layers.1.attention.wo.weight", transposed = false,
    inputs = p["tok_embeddings.weight"]:matmul(p["layers.1.attention.wv.weight"]:t()),
    outputs = output_of(p),
  }
end

--- Returns a memory of a model and the matrix that should hold it, turned so that it takes inputs
-- to outputs.
local function memory_of(model, triggers, name)
  local parameters = simplified_parameters(model, "probes.induction")
  local memory = memories[name](parameters, triggers)
  if not memory then return nil end
  local weight = parameters[memory.parameter]
  memory.matrix = memory.transposed and weight:t() or weight
  return memory
end

--- Returns what the three memories of an induction head should hold in a simplified transformer,
-- and the matrices that hold it; the probes of `induction` are their recall.
--
-- `wk0`: from a position P[t] to the one before; `wk1`: from a trigger E[k] (any token if triggers
-- are random) to its copy W_O⁰ W_V⁰ E[k]; `wo1`: from a value W_V¹ E[k] to its output row.
-- Each is a table with `matrix` [d, d], which should take `inputs` [n, d] to `outputs` [n, d], row
-- by row; `parameter`, the matrix's name, and `transposed`, whether `matrix` is that parameter's
-- transpose, as in W_K, which queries stand to the left of. A memory that the model has no
-- parameters for is left out.
-- @tparam Model model a simplified transformer
-- @tparam Task task its `triggers` say which tokens wk1 is about
-- @treturn table the memories by name
-- @usage
-- local task = mnemo.data.bigram { seq_len = 32, seed = 1 }
-- local model = mnemo.model.simplified { vocab = task.vocab_size, dim = 16, max_len = 32 }
-- local memory = mnemo.probes.induction_memories(model, task).wk1
-- print(memory.parameter, mnemo.probes.recall(memory.matrix, memory.inputs, memory.outputs))
function probes.induction_memories(model, task)
  return mnemo.no_grad(function()
    local triggers, found = fixed_triggers(task), {}
    for name in pairs(memories) do found[name] = memory_of(model, triggers, name) end
    return found
  end)
end

--- Probes of the three memories that make an induction head in the simplified transformer.
--
-- `wk0`: W_K⁰ finds the previous position, over all of them; `wk0_64`: over the first 64.
-- `wk1`: W_K¹ finds, for each trigger, its copy as the first layer wrote it (queries E[k],
-- keys W_K¹ W_O⁰ W_V⁰ E[k]; over the whole vocabulary if triggers are random).
-- `wo1`: W_O¹ W_V¹ maps each token's embedding to its output row.
-- A transformer with query matrices is an error: its W_K alone does not say what is compared.
-- @tparam Task task its `triggers` say which tokens wk1 looks at
-- @treturn table the probes by name
-- @usage
-- local task = mnemo.data.bigram { seq_len = 32, seed = 1 }
-- local model = mnemo.model.simplified { vocab = task.vocab_size, dim = 16, max_len = 32 }
-- local run = mnemo.train {
--   model = model, data = task, steps = 2, batch_size = 4,
--   optimizer = mnemo.optim.sgd { lr = 0.1 }, probes = mnemo.probes.induction(task),
-- }
-- print(run:table())
function probes.induction(task)
  local triggers = fixed_triggers(task)
  --- Returns a probe of one memory, or of its first `count` pairs.
  local function recall_of(name, count)
    return function(ctx)
      local memory = memory_of(ctx.model, triggers, name)
      if not memory then return nan end
      local inputs, outputs = memory.inputs, memory.outputs
      if count and count < inputs:size(1) then
        inputs, outputs = inputs:narrow(1, 1, count), outputs:narrow(1, 1, count)
      end
      return probes.recall(memory.matrix, inputs, outputs)
    end
  end
  return finished {
    wk0 = recall_of "wk0", wk0_64 = recall_of("wk0", 63), wk1 = recall_of "wk1",
    wo1 = recall_of "wo1",
  }
end

--- Probe of the global statistics in the second feed-forward.
--
-- `ff1`: mean over the tokens k that are no fixed trigger of
-- KL(π_b(·|k) ‖ softmax(W_U F¹(E[k]))), in nats. For the simplified transformer only.
-- @tparam Task task a task with a corpus
-- @treturn table the probe ff1
-- @usage
-- local task = mnemo.data.bigram { seq_len = 32, seed = 1 }
-- local probes = mnemo.probes.feed_forward_kl(task)
function probes.feed_forward_kl(task)
  local bigram = task.corpus.bigram
  local is_trigger = {}
  local triggers = fixed_triggers(task)
  for _, id in ipairs(triggers and triggers:totable() or {}) do is_trigger[id] = true end
  local others = {}
  for id = 1, bigram:size(1) do
    if not is_trigger[id] then others[#others + 1] = id end
  end
  local tokens = mnemo.int_tensor(others)
  local wanted = bigram[tokens]
  -- 0 log 0 = 0: zeros become ones under the logarithm.
  local entropy = (wanted * (wanted + wanted:eq(0)):log()):sum(2)
  return finished {
    ff1 = function(ctx)
      local p = simplified_parameters(ctx.model, "probes.feed_forward_kl")
      local x = p["tok_embeddings.weight"][tokens]
      if p["layers.1.ff.weight"] then
        x = x:matmul(p["layers.1.ff.weight"]:t())
      elseif has(p, "layers.1.ff.w1.weight", "layers.1.ff.w2.weight") then
        x = x:matmul(p["layers.1.ff.w1.weight"]:t()):relu()
          :matmul(p["layers.1.ff.w2.weight"]:t())
      else
        return nan
      end
      local found = x:matmul(output_of(p):t()):log_softmax(2)
      return (entropy - (wanted * found):sum(2)):mean():item()
    end,
  }
end

---- How the model answers ----

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

--- Returns the mean of a vector; NaN if it is empty.
local function mean(values)
  return values:numel() > 0 and values:mean():item() or nan
end

--- Returns a probe of `accuracy_at_end` on a fixed batch of a task, drawn when first needed.
local function fixed_batch_accuracy(task, count)
  local tokens, mask, targets
  return function(ctx)
    if not tokens then
      local batch = held_out(task, count)
      tokens, mask = batch.tokens, repeats_at_end(batch)
      targets = batch.targets:masked_select(mask)
    end
    return mean(hits_where(ctx.model, tokens, mask, targets))
  end
end

--- Returns the mean cross-entropy where a mask is 1, in nats; NaN where it is 0 everywhere.
local function loss_where(ctx, mask)
  if mask:sum():item() == 0 then return nan end
  return ctx.logits:cross_entropy(ctx.batch.targets, mask):item()
end

--- Probes of the answers on the current batch and on a held-out one, for bigram tasks.
--
-- `acc_tot`: accuracy where occurrence ≥ 1; `acc_start`: the same in the first 10 positions;
-- `acc_end`: where occurrence ≥ 2, in the last 500 positions; `acc_end_test`: the same on a
-- fixed batch that training never sees; `acc_long`: the same on another task with longer
-- sequences, if one is given; `acc_end_NAME`: the same on the task of that name in `others`, for
-- example one with outputs out of training's distribution. `loss_bigram`: cross-entropy where
-- occurrence = 0;
-- `loss_head`: where occurrence ≥ 2. `repeat_frac`: share of outputs equal to their trigger.
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
  options = options or {}
  nearest.check_keys(options, { "held_out", "long", "others" }, "probes.batch_metrics", 2)
  local count = options.held_out or 512
  -- The accuracies on the current batch are all of outputs.
  local outputs = function(batch) return batch.occurrence:ge(1) end
  local hits = once(function(ctx)
    local batch, mask = ctx.batch, outputs(ctx.batch)
    return hits_where(ctx.model, batch.tokens, mask, batch.targets:masked_select(mask))
  end)
  local function accuracy(ctx, mask)
    return mean(hits(ctx):masked_select(mask:masked_select(outputs(ctx.batch))))
  end
  local metrics = {
    acc_tot = function(ctx) return mean(hits(ctx)) end,
    acc_start = function(ctx) return accuracy(ctx, occurrences(ctx.batch, 1, 1, 10)) end,
    acc_end = function(ctx) return accuracy(ctx, repeats_at_end(ctx.batch)) end,
    acc_end_test = fixed_batch_accuracy(task, count),
    loss_bigram = function(ctx) return loss_where(ctx, ctx.batch.occurrence:eq(0)) end,
    loss_head = function(ctx) return loss_where(ctx, ctx.batch.occurrence:ge(2)) end,
    repeat_frac = function(ctx)
      return mean_where(ctx.batch.targets:eq(ctx.batch.tokens), ctx.batch.occurrence:ge(1))
    end,
  }
  for name, other in pairs(options.others or {}) do
    metrics["acc_end_" .. name] = fixed_batch_accuracy(other, count)
  end
  if options.long then metrics.acc_long = fixed_batch_accuracy(options.long, count) end
  return finished(metrics)
end

---- Where the model looks ----

--- For each layer, a function from a ctx to the positions each token attends to most, [B, T]
-- for each head; an empty table when the model has no such layer.
local attended = {}
for layer = 1, 2 do
  attended[layer] = once(function(ctx)
    local name = ("layers.%d.attention.wk.weight"):format(layer - 1)
    if not ctx.model:parameters()[name] then return {} end
    local weights = ctx.model:attention(ctx.batch.tokens, layer)
    local heads = {}
    for head = 1, weights:size(2) do
      heads[head] = weights:select(2, head):argmax(3)
    end
    return heads
  end)
end

--- Returns the largest of a measure over the heads of a layer, or NaN.
local function best_head(ctx, layer, measure)
  local best = nan
  for _, where in ipairs(attended[layer](ctx)) do
    local value = measure(where)
    if best ~= best or value > best then best = value end
  end
  return best
end

--- Probes of attention on the current batch; of several heads, the best one counts.
--
-- `score_acc`: how often the first layer looks from the token after a trigger most at the
-- trigger. `score2_acc`: where occurrence ≥ 2, how often the token before the one that the
-- second layer looks at most equals the current token. `pred_attended_acc`: there, how often
-- the token looked at is the prediction.
-- @treturn table the probes by name
-- @usage local probes = mnemo.probes.attention_metrics()
function probes.attention_metrics()
  return finished {
    score_acc = function(ctx)
      local batch = ctx.batch
      local length = batch.tokens:size(2)
      if length < 2 then return nan end
      local mask = positions(batch.occurrence, 1, length - 1):ge(1)
      return best_head(ctx, 1, function(where)
        return mean_where(positions(where, 2, length):eq(range(1, length - 1)), mask)
      end)
    end,
    score2_acc = function(ctx)
      local tokens = ctx.batch.tokens:tensor()
      local count, length = tokens:size(1), tokens:size(2)
      if length < 2 then return nan end
      -- Before the first token stands 0, which is no id.
      local before = mnemo.cat({ mnemo.zeros(count, 1), positions(tokens, 1, length - 1) }, 2)
      local mask = ctx.batch.occurrence:ge(2)
      return best_head(ctx, 2, function(where)
        return mean_where(before:gather(2, where):eq(tokens), mask)
      end)
    end,
    pred_attended_acc = function(ctx)
      local mask = ctx.batch.occurrence:ge(2)
      local answers = ctx.logits:argmax(3)
      return best_head(ctx, 2, function(where)
        return mean_where(ctx.batch.tokens:gather(2, where):eq(answers), mask)
      end)
    end,
  }
end

--- Tells of every head how much it is a previous-token head and an induction head.
--
-- `previous`: its attention on the token before the current one, on average over positions 2…T.
-- `induction`: its attention on all tokens that stand right after an earlier occurrence of the
-- current token, together, on average over the positions of which there is such an occurrence.
-- Both are shares of the attention, from 0 to 1; NaN where there is nothing to average.
-- @tparam Model model one whose parameters are named as those of the built-in transformers
-- @tparam IntTensor tokens ids [B, T]
-- @tparam[opt] Tensor where a 0/1 mask [B, T] of the positions to average over; all without it
-- @treturn {table,...} `{ layer=, head=, previous=, induction= }` of every head, layer by layer;
--   none if the model has no attention
-- @usage
-- local task = mnemo.data.bigram { seq_len = 16, seed = 1 }
-- local model = mnemo.model.transformer { vocab = task.vocab_size, dim = 16, heads = 2, seed = 1 }
-- for _, score in ipairs(mnemo.probes.head_scores(model, task:held_out(8).tokens)) do
--   print(score.layer, score.head, score.previous, score.induction)
-- end
function probes.head_scores(model, tokens, where)
  local parameters, scores = model:parameters(), {}
  tokens = type(tokens) == "table" and mnemo.int_tensor(tokens) or tokens
  local function layer_scores(layer)
    local attention = model:attention(tokens, layer)
    local count, length = tokens:size(1), tokens:size(2)
    local mask = (where or mnemo.ones(1, 1)):expand(count, length)
    local places = mnemo.arange(1, length)
    -- [T, T] and [B, T, T]: the positions u that the current one, t, should look at.
    local before = places:reshape(length, 1):eq(places + 1)
    local ids = mnemo.cat({ mnemo.zeros(count, 1), tokens:tensor() }, 2):narrow(2, 1, length)
    local after = tokens:tensor():reshape(count, length, 1):eq(ids:reshape(count, 1, length))
      * places:reshape(length, 1):ge(places)
    local has_before, has_after = mask * places:ge(2), mask * after:max(3)
    for head = 1, attention:size(2) do
      local looked = attention:select(2, head)
      scores[#scores + 1] = {
        layer = layer, head = head,
        previous = mean_where((looked * before):sum(3), has_before),
        induction = mean_where((looked * after):sum(3), has_after),
      }
    end
  end
  local layer = 1
  while parameters[("layers.%d.attention.wk.weight"):format(layer - 1)] do
    mnemo.no_grad(function() layer_scores(layer) end)
    layer = layer + 1
  end
  return scores
end

---- Sizes ----

--- Returns the Euclidean norm of all tensors that `pick` returns for the trained parameters.
local function total_norm(model, pick)
  local total, any = 0, false
  for _, parameter in pairs(model:parameters()) do
    local tensor = parameter:requires_grad() and pick(parameter)
    if tensor then
      total, any = total + (tensor * tensor):sum():item(), true
    end
  end
  return any and math.sqrt(total) or nan
end

--- Probes of size, over all trained parameters together.
--
-- `param_norm`: Euclidean norm of the parameters; `grad_norm`: of their gradients as the
-- last backward pass left them (NaN before the first).
-- @treturn table the probes by name
-- @usage
-- local probes = mnemo.probes.norms()
-- function probes.largest_logit(ctx) return ctx.logits:max():item() end
function probes.norms()
  return finished {
    param_norm = function(ctx)
      return total_norm(ctx.model, function(parameter) return parameter end)
    end,
    grad_norm = function(ctx)
      return total_norm(ctx.model, function(parameter) return parameter.grad end)
    end,
  }
end

return probes
