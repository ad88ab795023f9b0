--- What the matrices of an induction head and of a feed-forward have stored.
local common = require "mnemo.probes.common"
local expect = require "mnemo.text.expect"
local mnemo = require "mnemo"
local recalled = require "mnemo.probes.recall"

local probes = {}

local nan = common.nan
local recall, cosine = recalled.recall, recalled.cosine

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
    expect.fail("%s needs the simplified transformer: with query matrices and norms its formulas "
      .. "do not hold", what)
  end
  return parameters
end

--- Returns a task's fixed triggers as an IntTensor, or nil when they are random.
local function fixed_triggers(task)
  local triggers = task.triggers
  if triggers == nil then return nil end
  return type(triggers) == "table" and mnemo.int_tensor(triggers) or triggers
end

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
  expect.argument(1, "probes.induction_memories", model, "Model")
  expect.argument(2, "probes.induction_memories", task, "Task")
  simplified_parameters(model, "probes.induction_memories")
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
  expect.argument(1, "probes.induction", task, "Task")
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
      return recall(memory.matrix, inputs, outputs)
    end
  end
  return common.finished {
    wk0 = recall_of "wk0", wk0_64 = recall_of("wk0", 63), wk1 = recall_of "wk1",
    wo1 = recall_of "wo1",
  }
end

--- Probes of how much of each memory's change is what it should learn.
--
-- `change_wk0`, `change_wk1`, `change_wo1`: the cosine of the angle between W − W₀, where W₀ is the
-- matrix when this is called, and the ideal sum Σ v uᵀ over the pairs of `induction_memories`. NaN
-- before the first update. Recall tells when the right answer is the largest, of a few triggers for
-- wk1 and of all tokens for wo1; the cosine has one unit for all three, and so shows the order in
-- which they are learned.
-- @tparam Task task its `triggers` say which tokens wk1 is about
-- @tparam Model model a simplified transformer, before training
-- @treturn table the probes by name
-- @usage
-- local task = mnemo.data.bigram { seq_len = 32, seed = 1 }
-- local model = mnemo.model.simplified { vocab = task.vocab_size, dim = 16, max_len = 32 }
-- local run = mnemo.train {
--   model = model, data = task, steps = 2, batch_size = 4, loss_on = "repeats",
--   optimizer = mnemo.optim.sgd { lr = 0.1 }, probes = mnemo.probes.change_cosines(task, model),
-- }
-- print(run:table())
function probes.change_cosines(task, model)
  expect.argument(1, "probes.change_cosines", task, "Task")
  expect.argument(2, "probes.change_cosines", model, "Model")
  simplified_parameters(model, "probes.change_cosines")
  local triggers, found = fixed_triggers(task), {}
  for name, memory in pairs(probes.induction_memories(model, task)) do
    local before = memory.matrix:detach():clone()
    found["change_" .. name] = function(ctx)
      local now = memory_of(ctx.model, triggers, name)
      return cosine(now.matrix - before, now.outputs:t():matmul(now.inputs))
    end
  end
  return common.finished(found)
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
  expect.argument(1, "probes.feed_forward_kl", task, "Task")
  if not task.corpus then
    expect.refuse(1, "probes.feed_forward_kl", "a task with a corpus expected")
  end
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
  return common.finished {
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

return probes
