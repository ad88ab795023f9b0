--- The training settings that are measured, and the arithmetic that one step of each needs.
--
-- Loaded by the scripts beside it. Symbols: B batch, T seq_len, d dim, N vocab, L layers;
-- R the positions of a batch that carry loss, P the pairs (t, u ≤ t) of all its positions,
-- P_R those of the R positions only.
local mnemo = require "mnemo"

local workloads = {}

--- The settings by name, and in the order in which they are measured.
workloads.settings = {
  large = { model = "simplified", dim = 256, seq_len = 256, batch = 512, lr = 0.03 },
  medium = { model = "simplified", dim = 128, seq_len = 128, batch = 256, lr = 0.2 },
  m2 = { model = "transformer", dim = 128, seq_len = 256, batch = 64, layers = 2, heads = 4,
    lr = 1e-3 },
  small = { model = "simplified", dim = 32, seq_len = 32, batch = 64, lr = 0.2 },
  factual = { model = "factual", facts = { 32, 32, 8 }, dim = 32, seq_len = 32, batch = 1024,
    heads = 8, head_dim = 8, mlp_width = 64, lr = 1e-2 },
  hallucination = { model = "factual", attention = "linear", facts = { 16, 4, 8 }, noise = 20,
    structured = true, seq_len = 32, batch = 1024, lr = 0.1 },
}
workloads.names = { "large", "medium", "m2", "small", "factual", "hallucination" }

--- Returns the task of a setting: the bigram task with five fixed triggers and uniform outputs, or
-- factual recall.
function workloads.task(setting)
  if setting.facts then
    local subjects, relations, answers = table.unpack(setting.facts)
    return mnemo.data.factual {
      subjects = subjects, relations = relations, answers = answers, noise = setting.noise,
      structured = setting.structured, seq_len = setting.seq_len, seed = 1,
    }
  end
  return mnemo.data.bigram {
    triggers = 5, trigger_kind = "fixed", outputs = "uniform", seq_len = setting.seq_len, seed = 1,
  }
end

--- Returns the model of a setting and the optimizer that its experiment uses: SGD as in E1 for
-- the simplified transformer, plain as in E17 for linear attention; AdamW for the others.
function workloads.model(setting, task)
  if setting.model == "simplified" then
    return mnemo.model.simplified {
      vocab = task.vocab_size, dim = setting.dim, max_len = setting.seq_len, seed = 1,
    }, mnemo.optim.sgd { lr = setting.lr, momentum = 0.9, weight_decay = 1e-4 }
  end
  if setting.model == "factual" then
    local optimizer = setting.attention == "linear" and mnemo.optim.sgd or mnemo.optim.adamw
    return mnemo.model.factual {
      vocab = task.vocab_size, answers = task.classes, dim = setting.dim, heads = setting.heads,
      head_dim = setting.head_dim, mlp_width = setting.mlp_width, attention = setting.attention,
      seed = 1,
    }, optimizer { lr = setting.lr }
  end
  return mnemo.model[setting.model] {
    vocab = task.vocab_size, dim = setting.dim, max_len = setting.seq_len, seed = 1,
    layers = setting.layers, heads = setting.heads, ffn = "mlp",
  }, mnemo.optim.adamw { lr = setting.lr }
end

--- Counts R, P and P_R of a batch.
local function counted(batch, loss_on)
  local length = batch.occurrence:size(2)
  local keys = mnemo.zeros(length)
  for t = 1, length do keys[t] = t end
  local least = ({ all = 0, outputs = 1, repeats = 2 })[loss_on]
  -- Sums over the batch are exact in Float32: no column has more than 2²⁴ rows.
  local rows = batch.occurrence:ge(least):sum(1)
  local all = batch.occurrence:size(1) * length * (length + 1) // 2
  return rows:sum():item(), all, (rows * keys):sum():item()
end

--- Returns the floating-point operations of one step in the cheapest order that is known, a
-- multiplication and an addition counted as two; products only, no softmax, no sums.
--
-- simplified (M1), frozen as by default:
--   layer 0   weighted sum of the N + T rows of W_O W_V Z and its adjoint:   2 · 2 d P
--             (scores are sums of entries of Z W_K Zᵀ, which are too few to count)
--   layer 1   queries x W_K, their gradient, that of W_K:                    3 · 2 d² R
--             scores and weighted sum, and two gradients of each:            6 · 2 d P_R
--             W_O W_V of the sums, its gradient, that of W_O:                3 · 2 d² R
--   logits    W_U x and its gradient (W_U is frozen):                        2 · 2 N d R
-- transformer (M2), everything trained, every product forward and two backward:
--   layer     W_Q, W_K, W_V, W_O and an MLP of width 4d:                     3 · 2 · 12 d² B T
--             scores and weighted sum, and two gradients of each:            6 · 2 d P
--             (R rows instead of B T, and P_R pairs, in the last layer, but for W_K and W_V)
--   logits                                                                   3 · 2 N d R
-- factual (M3), w = H d_h, A answers; every product forward and two backward, but that of frozen U:
--   attention the sum of T rows of w + H numbers for each sequence, and its adjoint:  2 T (w + H) B
--             (scores and values are tables over N tokens, too few to count)
--   O         w × d                                                          3 · 2 w d B
--   MLP       d × m, twice                                                   3 · 2 · 2 d m B
--   logits                                                                   2 · 2 A d B
-- its linear form: counts of N tokens times one matrix, and the gradient of that: 2 · 2 N A B
function workloads.flops(setting, task, loss_on)
  local d, n = setting.dim, task.vocab_size
  if setting.model == "factual" then
    local batch, answers = setting.batch, task.classes
    if setting.attention == "linear" then return 4 * n * answers * batch end
    local width = setting.heads * setting.head_dim
    return batch * (2 * setting.seq_len * (width + setting.heads) + 6 * width * d
      + 12 * d * setting.mlp_width + 4 * answers * d)
  end
  local rows, pairs_all, pairs_rows = counted(task:batch(setting.batch, 1), loss_on)
  if setting.model == "simplified" then
    return 4 * d * pairs_all + 12 * d * pairs_rows + 12 * d * d * rows + 4 * n * d * rows
  end
  local every = setting.batch * setting.seq_len
  local inner = (setting.layers - 1) * (72 * d * d * every + 12 * d * pairs_all)
  local last = 12 * d * d * every + 60 * d * d * rows + 12 * d * pairs_rows
  return inner + last + 6 * n * d * rows
end

--- Trains for some steps after a warm-up and times each: the batch's draw, loss, gradients and
-- update.
-- @tparam table setting one of `settings`, or one like them
-- @tparam Task task its task
-- @tparam string loss_on "all", "outputs" or "repeats"
-- @tparam table options `seconds` to spend on measured steps, and the `least` number of them
-- @treturn {number,...} seconds of each step
-- @treturn number processor seconds of a step, of all threads together, on average
function workloads.step_times(setting, task, loss_on, options)
  local model, optimizer = workloads.model(setting, task)
  local times, last, cpu = {}, nil, nil
  -- A record, made between gradients and update, is a mark on the clock that costs nothing.
  local function mark()
    local now = mnemo.clock()
    if last then times[#times + 1] = now - last end
    last, cpu = now, cpu or os.clock()
  end
  -- From the second step on, memory has been used before.
  local run = mnemo.train {
    model = model, data = task, batch_size = setting.batch, loss_on = loss_on, steps = 2,
    optimizer = optimizer, eval_every = 1, on_record = mark, progress = false,
  }
  local steps = math.max(options.least, math.min(math.ceil(options.seconds / times[2]), 200))
  times, last, cpu = {}, nil, nil
  run:resume(steps + 1)
  return times, (os.clock() - cpu) / #times
end

return workloads
