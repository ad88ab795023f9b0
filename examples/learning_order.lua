-- E3  The order in which an induction head can be learned
--
-- An induction head needs three memories (E1): W_O¹ writes the token looked at into the
-- prediction, W_K¹ finds the token after the current one's earlier occurrence, W_K⁰ finds the
-- previous position. Here they are trained together, or one after another in each of the six
-- orders: the first alone for a third of the steps, then the second as well, then the third.
--
-- (These names, the paper's, count layers from 0: W_K⁰ is in the first layer.)
--
-- What should be seen: together is fastest. From the top down, W_O¹ → W_K¹ → W_K⁰, works as soon
-- as the last one may learn: W_O¹ learns under attention that looks everywhere, W_K¹ learns once
-- W_O¹ makes looking at an output worth while, W_K⁰ once W_K¹ asks for the previous token. Before
-- W_O¹ the keys store nothing. Yet they change, and where both have done so W_O¹ seems to learn
-- later than from keys as they were drawn; the seeds differ too much for three of them to tell.
--
-- Accuracy is that of held-out answers where the output is not its own trigger (acc_rest): of those
-- that are, the sequence is a repetition to the end, and whoever repeats what it reads is right.
--
-- After Bietti et al. 2023, "Birth of a Transformer: A Memory Viewpoint", Figure 3.
local mnemo = require "mnemo"

local options = require "mnemo.arguments" {
  about = "Trains the memories of an induction head together and one after another (E3).",
  sweep = true,
  quick = { steps = 180, seeds = 2 },
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

local vocab = mnemo.corpus.shakespeare().vocab_size
local chance = 1 / vocab -- outputs are drawn uniformly

-- Training -------------------------------------------------------------------------------------

local stage = options.steps // 3
local over_seeds = mnemo.stats.over_seeds

--- Returns the accuracy on held-out answers of a model, with its error over sequences: on
-- self-loops, where the output is its own trigger, or on the rest.
local function accuracy(model, task, is_own)
  local answers = mnemo.probes.answers(model, task)
  local where = answers.own:eq(is_own and 1 or 0)
  return mnemo.stats.share(answers.hits, answers.sequences, where)
end

--- Trains a model whose memories may learn in an order. Returns its history, and the accuracies at
-- the end on self-loops (`own`) and on the `rest`.
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
  probes.acc_rest = function(ctx) return accuracy(ctx.model, task).mean end
  local run = mnemo.train {
    model = model, data = task, steps = options.steps, batch_size = options.batch, at = at,
    optimizer = mnemo.optim.sgd { lr = options.lr, momentum = 0.9, weight_decay = 1e-4 },
    loss_on = "repeats", eval_every = math.max(1, stage // 12), probes = probes, dir = dir,
  }
  return {
    history = run.history, own = accuracy(model, task, true), rest = accuracy(model, task),
  }
end

local points = mnemo.sweep {
  name = "learning_order", store = options.out .. "/sweep.sqlite", options = options,
  stop_on_error = true,
  grid = { order = { 1, 2, 3, 4, 5, 6, 7 } }, seeds = options.seeds, first_seed = options.seed,
  run = function(point)
    local dir = ("%s/order-%d-seed-%d"):format(options.out, point.order, point.seed)
    return trained(orders[point.order], point.seed, dir)
  end,
}

for i, order in ipairs(orders) do
  order.runs = mnemo.runs.where(points, { order = i })
  order.own = mnemo.runs.where(points, { order = i }, "own")
  order.rest = mnemo.runs.where(points, { order = i }, "rest")
end

-- What was measured ------------------------------------------------------------------------------

local columns = { "acc_rest", "wo1", "wk1", "wk0_64" }

--- Returns a column of an order's runs at the last record up to a step, one number for each seed.
local function at(order, name, step)
  local values = {}
  for i, run in ipairs(order.runs) do
    for _, record in ipairs(run.history) do
      if record.step <= step then values[i] = record[name] end
    end
  end
  return values
end

--- Returns the first steps at which an order's runs had an accuracy of 0.9, one for each seed; nil
-- if one never had.
local function steps_to_learn(order)
  local steps = {}
  for i, run in ipairs(order.runs) do
    steps[i] = mnemo.runs.first_step(run, "acc_rest", function(rest) return rest >= 0.9 end)
    if not steps[i] then return nil end
  end
  return steps
end

--- Prints accuracy and recall of all orders at a step, after other columns of a name and a function
-- each.
local function print_table(step, others)
  local rows = { { "order" } }
  for _, other in ipairs(others) do table.insert(rows[1], other.name) end
  for _, name in ipairs(columns) do table.insert(rows[1], name) end
  for i, order in ipairs(orders) do
    rows[i + 1] = { order.name }
    for _, other in ipairs(others) do table.insert(rows[i + 1], other.cell(order)) end
    for _, name in ipairs(columns) do
      table.insert(rows[i + 1], mnemo.stats.text(mnemo.stats.of(at(order, name, step))))
    end
  end
  print(mnemo.runs.columns(rows) .. "\n")
end

print(options.seeds == 1 and "One seed, so without errors."
  or ("Means with standard errors over %d seeds."):format(options.seeds))
print(("After %d steps, when only the first memory of each order has learned:\n"):format(stage))
print_table(stage, {})
print(("After %d steps, when only the first two have:\n"):format(2 * stage))
print_table(2 * stage, {})
print(("After %d steps, and the first step with an accuracy of 0.9:\n"):format(options.steps))
print_table(options.steps, {
  { name = "0.9 at step", cell = function(order)
    local steps = steps_to_learn(order)
    return steps and mnemo.stats.text(mnemo.stats.of(steps), 0) or "not by all seeds"
  end },
  {
    name = "self-loops",
    cell = function(order) return mnemo.stats.text(over_seeds(order.own)) end,
  },
})

-- The figure -----------------------------------------------------------------------------------

local steps = mnemo.runs.series(orders[1].runs, "step")[1]

--- Returns a column of an order's histories as a curve.
local function curve(label, order, name)
  return { name = label, y = mnemo.runs.series(order.runs, name) }
end

--- Draws accuracy and recall in an order.
local function panel(order, legend)
  local series = {}
  for j, name in ipairs(columns) do series[j] = curve(name, order, name) end
  return mnemo.plot.lines {
    title = order.name, x = steps, series = series, xlim = { 0, options.steps },
    ylim = { 0, 1.02 }, legend = legend, xlabel = "step", ylabel = "accuracy, recall",
    vlines = order.together and {} or { stage, 2 * stage },
  }
end

--- Draws the accuracies of some orders beside that of all memories together.
local function comparison(title, numbers)
  local series = { curve(orders[1].name, orders[1], "acc_rest") }
  for i, number in ipairs(numbers) do
    series[i + 1] = curve(orders[number].name, orders[number], "acc_rest")
  end
  return mnemo.plot.lines {
    title = title, x = steps, series = series, xlim = { 0, options.steps }, ylim = { 0, 1.02 },
    legend = "below", xlabel = "step", ylabel = "accuracy", vlines = { stage, 2 * stage },
  }
end

--- Draws the panels of some orders in a row.
local function row(numbers)
  local panels = {}
  for i, number in ipairs(numbers) do panels[i] = panel(orders[number], "none") end
  return mnemo.plot.grid(panels, { columns = #numbers })
end

-- Orders that begin alike run alike until the second memory joins; so they stand side by side.
mnemo.plot.grid({
  mnemo.plot.grid {
    comparison("accuracy, W_K¹ before W_K⁰", { 2, 4, 5 }),
    comparison("accuracy, W_K⁰ before W_K¹", { 3, 6, 7 }),
  },
  panel(orders[1], "right"), row { 2, 4, 5 }, row { 3, 6, 7 },
}, {
  title = "Three memories, together and in turn", columns = 1, width = 900, height = 1300,
  heights = { 1.2, 0.8, 1, 1 },
}):save(options.out .. "/figure.svg"):save(options.out .. "/figure.png")

-- The verdict, from these runs' numbers --------------------------------------------------------

--- Compares two lists of numbers of the same seeds: "more", "less", or nil where that cannot be
-- told.
local function compare(first, second)
  local differences = {}
  for i in ipairs(first) do differences[i] = first[i] - second[i] end
  return mnemo.stats.compare(mnemo.stats.of(differences), 0)
end

--- Tells how fast together is beside the orders: by the steps to an accuracy of 0.9, which those
-- that never get there have not.
local function speed()
  local together, told = steps_to_learn(orders[1]), { less = {}, more = {}, equal = {} }
  if options.seeds == 1 then
    return "Nothing can be said about which order is faster: one seed has no error."
  elseif not together then
    return "Nothing can be said about which order is faster: together, not all seeds have learned."
  end
  for i = 2, #orders do
    local reached = steps_to_learn(orders[i])
    local found = not reached and "less" or compare(together, reached) or "equal"
    table.insert(told[found], orders[i].name)
  end
  if #told.less == #orders - 1 then return "Together is faster than each of the six orders." end
  if #told.more > 0 then return table.concat(told.more, ", ") .. ": faster than together." end
  return "Together is not told apart from " .. table.concat(told.equal, ", ") .. "."
end

--- Tells whether keys that have learned before W_O¹ are of use to it: after a third of the steps
-- with all three, beside together, which had as many.
local function head_start(order)
  local found = compare(at(order, "acc_rest", options.steps), at(orders[1], "acc_rest", stage))
  return ("%s: %d steps after W_O¹ joined accuracy is %s that of drawn keys, together."):format(
    order.name, options.steps - 2 * stage, found == "less" and "below"
    or found == "more" and "above" or "not told apart from")
end

local together, top_down = orders[1], orders[2]
local joint, down = over_seeds(together.rest), over_seeds(top_down.rest)
-- Drawn weights may happen to be somewhat better than chance.
local untrained = mnemo.stats.of(at(together, "acc_rest", 0)).mean
if mnemo.stats.compare(joint, math.max(chance, untrained)) ~= "more" then
  print(("Nothing can be said about orders: trained together, accuracy off the self-loops is %s;\n"
    .. "before training it was %.3f, and chance is %.3f."):format(mnemo.stats.text(joint),
    untrained, chance))
else
  print(speed())
  print(("%s, from the top down, ends at %s, together at %s; chance is %.3f."):format(
    top_down.name, mnemo.stats.text(down), mnemo.stats.text(joint), chance))
  if options.seeds > 1 then
    for _, order in ipairs { orders[5], orders[7] } do print(head_start(order)) end
  end
end
print("Results are in " .. options.out)
