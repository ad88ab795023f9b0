-- E3  The order in which an induction head can be learned
--
-- An induction head needs three memories (E1): W_O¹ writes the token looked at into the
-- prediction, W_K¹ finds the token after the current one's earlier occurrence, W_K⁰ finds the
-- previous position. Here they are trained together, or one after another in each of the six
-- orders: the first alone for a third of the steps, then the second as well, then the third.
--
-- What should be seen: together is fastest. From the top down, W_O¹ → W_K¹ → W_K⁰, works as soon
-- as the last one may learn: W_O¹ learns under attention that looks everywhere, W_K¹ learns once
-- W_O¹ makes looking at an output worth while, W_K⁰ once W_K¹ asks for the previous token. Before
-- W_O¹ the other two learn little, and what they do with their head start is wait.
--
-- After Bietti et al. 2023, "Birth of a Transformer: A Memory Viewpoint", Figure 3.
local mnemo = require "mnemo"

local options = require "mnemo.arguments" {
  about = "Trains the memories of an induction head together and one after another (E3).",
  quick = { steps = 180, seeds = 1 },
  full = { dim = 256, seq_len = 256, batch = 512, lr = 0.03, steps = 900 },
  { "dim", 128, "width of the model", min = 1 },
  { "seq_len", 64, "tokens in a sequence", min = 2 },
  { "batch", 128, "sequences in a step", min = 1 },
  { "lr", 0.2, "learning rate" },
  { "steps", 360, "training steps; after each third another memory may learn", min = 3 },
  { "seeds", 3, "how many runs of each order", min = 1 },
  { "seed", 1, "the first seed of data and initial weights" },
  { "out", "runs/learning_order", "folder for results", type = "folder" },
}

local O1 = { name = "W_O¹", parameter = "layers.1.attention.wo.weight" }
local K1 = { name = "W_K¹", parameter = "layers.1.attention.wk.weight" }
local K0 = { name = "W_K⁰", parameter = "layers.0.attention.wk.weight" }

local orders = {
  { name = "together", O1, K1, K0, together = true },
  { O1, K1, K0 }, { O1, K0, K1 }, { K1, O1, K0 }, { K1, K0, O1 }, { K0, O1, K1 }, { K0, K1, O1 },
}
for i = 2, #orders do
  local names = {}
  for j, memory in ipairs(orders[i]) do names[j] = memory.name end
  orders[i].name = table.concat(names, " → ")
end

-- Training -------------------------------------------------------------------------------------

local stage = options.steps // 3

--- Trains a model whose memories may learn in an order and returns the run.
local function trained(order, seed, dir)
  local task = mnemo.data.bigram { triggers = 5, seq_len = options.seq_len, seed = seed }
  local model = mnemo.model.simplified {
    vocab = task.vocab_size, dim = options.dim, max_len = options.seq_len, seed = seed,
  }
  local at = {}
  model:freeze("*")
  for i, memory in ipairs(order) do
    local function unfreeze(of) of:unfreeze(memory.parameter) end
    if order.together or i == 1 then unfreeze(model) else at[(i - 1) * stage] = unfreeze end
  end
  local probes = mnemo.probes.induction(task)
  probes.acc_end = mnemo.probes.batch_metrics(task).acc_end_test
  return mnemo.train {
    model = model, data = task, steps = options.steps, batch_size = options.batch, at = at,
    optimizer = mnemo.optim.sgd { lr = options.lr, momentum = 0.9, weight_decay = 1e-4 },
    loss_on = "repeats", eval_every = math.max(1, options.steps // 36), probes = probes, dir = dir,
    overwrite = options.overwrite,
  }
end

local columns = { "acc_end", "wo1", "wk1", "wk0_64" }
local rows = { { "order", "acc_end ≥ 0.9 at step", table.unpack(columns) } }
for i, order in ipairs(orders) do
  order.runs = {}
  local steps, reached = {}, true
  for s = 1, options.seeds do
    local seed = options.seed + s - 1
    local run = trained(order, seed, ("%s/order-%d-seed-%d"):format(options.out, i, seed))
    order.runs[s] = run
    steps[s] = mnemo.runs.first_step(run, "acc_end", function(accuracy) return accuracy >= 0.9 end)
    reached = reached and steps[s] ~= nil
  end
  order.step = reached and mnemo.runs.summary(steps) or math.huge
  order.accuracy = mnemo.runs.summary(mnemo.runs.last(order.runs, "acc_end"))
  rows[i + 1] = { order.name, reached and mnemo.runs.spread(steps, 0) or "not in all runs" }
  for _, name in ipairs(columns) do
    table.insert(rows[i + 1], mnemo.runs.spread(mnemo.runs.last(order.runs, name)))
  end
end
print(("First step with an accuracy of 0.9, and accuracy and recall after %d steps:\n"):format(
  options.steps))
print(mnemo.runs.columns(rows))

-- The figure -----------------------------------------------------------------------------------

local steps = orders[1].runs[1]:series("step")

--- Returns a column of an order's histories as a curve.
local function curve(label, order, name)
  return { name = label, y = mnemo.runs.series(order.runs, name) }
end

local panels, accuracies = {}, {}
for i, order in ipairs(orders) do
  local series = {}
  for j, name in ipairs(columns) do series[j] = curve(name, order, name) end
  panels[i] = mnemo.plot.lines {
    title = order.name, x = steps, series = series, xlim = { 0, options.steps },
    ylim = { 0, 1.02 }, legend = "below", xlabel = "step", ylabel = "accuracy, recall",
    vlines = order.together and {} or { stage, 2 * stage },
  }
  accuracies[i] = curve(order.name, order, "acc_end")
end
panels[#panels + 1] = mnemo.plot.lines {
  title = "accuracy (acc_end) of all", x = steps, series = accuracies,
  xlim = { 0, options.steps }, ylim = { 0, 1.02 }, legend = "below", xlabel = "step",
  ylabel = "accuracy",
}
local title = "Three memories, together and in turn"
mnemo.plot.grid(panels, { title = title, width = 900, height = 1300 })
  :save(options.out .. "/figure.svg"):save(options.out .. "/figure.png")

-- The verdict, from these runs' numbers --------------------------------------------------------

local together, top_down = orders[1], orders[2]
local first = together
for _, order in ipairs(orders) do
  if order.step < first.step then first = order end
end
print("\n" .. (together.step == math.huge
  and "Trained together the memories do not reach an accuracy of 0.9 in so few steps."
  or first ~= together and first.name .. " is faster than all together."
  or ("Together is fastest: accuracy 0.9 at step %.0f."):format(together.step)))
print(("%s, from the top down, %s: its accuracy ends at %.3f, together at %.3f."):format(
  top_down.name, top_down.accuracy >= 0.9 and "works"
  or top_down.accuracy >= 0.5 and "gets half-way" or "does not work yet",
  top_down.accuracy, together.accuracy))
print("Results are in " .. options.out)
