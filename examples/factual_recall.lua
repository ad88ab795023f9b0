-- E15  Factual recall at the capacity, and below it
--
-- A sequence of 32 tokens names a subject and a relation at random places among noise, and ends
-- with EOS. The answer is one of the relation's eight, drawn once for each pair: a fact. The model
-- has one layer and no residual connection: heads of the last token read the sequence, an MLP makes
-- of it an answer; embeddings are random and frozen. Whatever it knows it has in values and MLP.
--
-- S = R = 32 are 1024 facts, about what this size can hold; S = R = 24 are 576. The loss is that of
-- finding one of the relation's answers, and the rest: finding which, what takes the subject.
--
-- What should be seen: with 1024 facts accuracy is about 0.9 at step 600, rises slowly and stays
-- below 1; with 576 most runs reach 0.99 within some hundred steps. The relation is learned first,
-- and what is left of the loss is the rest. Errors are not scattered over the facts: a run misses
-- some subjects as a whole.
--
-- After Nichani, Lee, Bietti 2024, "Understanding Factual Recall in Transformers via Associative
-- Memories".
local mnemo = require "mnemo"
local stats = mnemo.stats

local options = require "mnemo.arguments" {
  about = "Trains a layer of attention and an MLP on facts, at the capacity and below it (E15).",
  sweep = true,
  quick = { steps = 600, seeds = 5 },
  full = { steps = 16384 },
  { "subjects", 32, "subjects, and relations, of the larger task", min = 2 },
  { "fewer", 24, "subjects, and relations, of the smaller task", min = 2 },
  { "dim", 32, "width of the model", min = 1 },
  { "heads", 8, "its heads, of size 8", min = 1 },
  { "mlp_width", 64, "hidden units of its MLP", min = 1 },
  { "batch", 1024, "sequences in a step", min = 1 },
  { "lr", 0.01, "learning rate" },
  { "steps", 1500, "training steps", min = 1 },
  { "seeds", 8, "runs of each task", min = 1 },
  { "seed", 1, "first seed of facts, data and initial weights" },
  { "out", "runs/factual_recall", "folder for results", type = "folder" },
}
local answers = 8
local chance = 1 / answers -- accuracy of who knows the relation alone

-- Least and greatest accuracy after a step, at the sizes that are the defaults here: of the
-- published code over three seeds, and of a trial of ours over eight.
local known = {
  { name = "published code", seeds = 3, [600] = { 0.82, 0.88 }, [1000] = { 0.86, 0.94 } },
  { name = "our trial", seeds = 8, [600] = { 0.85, 0.96 }, [1000] = { 0.89, 0.98 } },
}
local is_known = options.steps >= 600
for name, value in pairs {
  subjects = 32, dim = 32, heads = 8, mlp_width = 64, batch = 1024, lr = 0.01,
} do
  is_known = is_known and options[name] == value
end

-- Training ---------------------------------------------------------------------------------

--- Counts the subjects of which a model answers less than half, errors on them, and all errors.
local function errors_by_subject(model, task)
  local batch = task:held_out(8192)
  local subjects = mnemo.one_hot(batch.subjects, task.options.subjects)
  local wrong = mnemo.no_grad(function()
    return model(batch.tokens):argmax(2):ne(batch.targets):reshape(1, -1):matmul(subjects)
  end):reshape(-1)
  local is_missed = wrong:gt(subjects:sum(1) / 2)
  return {
    subjects = is_missed:sum():item(), on_them = (wrong * is_missed):sum():item(),
    all = wrong:sum():item(),
  }
end

--- Trains a model on as many relations as subjects; a fact is a pair of them.
local function train(point)
  local task = mnemo.data.factual {
    subjects = point.subjects, relations = point.subjects, answers = answers, seed = point.seed,
  }
  local probes = mnemo.probes.factual(task, { held_out = 2048 })
  local model = mnemo.model.factual {
    vocab = task.vocab_size, answers = task.classes, dim = options.dim, heads = options.heads,
    mlp_width = options.mlp_width, seed = point.seed,
  }
  local run = mnemo.train {
    model = model, data = task, steps = options.steps, batch_size = options.batch,
    eval_every = 20,
    optimizer = mnemo.optim.adamw { lr = options.lr, weight_decay = 0 },
    dir = ("%s/%d_subjects/seed_%d"):format(options.out, point.subjects, point.seed),
    probes = {
      accuracy = probes.acc_test, of_relation = probes.loss_relation_test,
      of_rest = function(ctx) return probes.loss_test(ctx) - probes.loss_relation_test(ctx) end,
    },
  }
  return { history = run.history, errors = errors_by_subject(model, task) }
end

local counts = { options.fewer, options.subjects }
local points = mnemo.sweep {
  name = "factual_recall", store = options.out .. "/sweep.sqlite", options = options,
  stop_on_error = true,
  grid = { subjects = counts }, seeds = options.seeds, first_seed = options.seed, run = train,
}
local runs = { {}, {} }
for _, point in ipairs(points) do
  table.insert(runs[point.subjects == options.fewer and 1 or 2], point)
end

-- The table --------------------------------------------------------------------------------

--- Returns what each of some runs measured after a step.
local function values(list, name, step)
  local found = {}
  for j, run in ipairs(list) do
    for _, record in ipairs(run.history) do
      if record.step == step then found[j] = record[name] end
    end
  end
  return found
end

local function of(list, name, step) return stats.of(values(list, name, step)) end

local marks = {}
for _, step in ipairs { 200, 600, 1000 } do
  if step < options.steps then marks[#marks + 1] = step end
end
marks[#marks + 1] = options.steps

local rows = {
  { "S = R", "facts", "step", "accuracy", "from", "to", "loss: relation", "the rest" },
}
for i, count in ipairs(counts) do
  for _, step in ipairs(marks) do
    local found = values(runs[i], "accuracy", step)
    rows[#rows + 1] = {
      count, count * count, step, stats.text(stats.of(found)),
      ("%.3f"):format(math.min(table.unpack(found))),
      ("%.3f"):format(math.max(table.unpack(found))),
      stats.text(of(runs[i], "of_relation", step)), stats.text(of(runs[i], "of_rest", step)),
    }
  end
end
print(("Facts of %d answers a relation, d = %d, %d heads, m = %d, %d seed(s); losses in nats:\n")
  :format(answers, options.dim, options.heads, options.mlp_width, options.seeds))
print(mnemo.runs.columns(rows))

-- The figure -------------------------------------------------------------------------------

local steps = mnemo.runs.series(points, "step")[1]

--- Draws accuracy of one task, with the known ranges over their two steps.
local function accuracy_panel(title, list, ranges)
  local series = { { name = "accuracy", x = steps, y = mnemo.runs.series(list, "accuracy") } }
  for _, range in ipairs(ranges) do
    local first, last = range[600], range[1000]
    series[#series + 1] = {
      name = ("%s, %d seeds"):format(range.name, range.seeds), x = { 600, 1000 },
      style = "linespoints",
      y = { (first[1] + first[2]) / 2, (last[1] + last[2]) / 2 },
      low = { first[1], last[1] }, high = { first[2], last[2] },
    }
  end
  return mnemo.plot.lines {
    title = title, series = series, xlabel = "step", ylabel = "accuracy", ylim = { 0, 1.02 },
    legend = "below", hlines = { 0.99, { at = chance, name = "relation alone" } },
  }
end

--- Returns the mean of a loss over the runs, with a band from the least to the greatest; what is
-- below 1e-4 is drawn there, for a logarithmic axis.
local function extent(label, list, name)
  local curve = { name = label, y = {}, low = {}, high = {} }
  for i, seeds in ipairs(mnemo.runs.transposed(mnemo.runs.series(list, name))) do
    curve.y[i] = math.max(stats.of(seeds).mean, 1e-4)
    curve.low[i] = math.max(math.min(table.unpack(seeds)), 1e-4)
    curve.high[i] = math.max(math.max(table.unpack(seeds)), 1e-4)
  end
  return curve
end

--- Draws the two parts of the loss of one task.
local function loss_panel(title, list)
  return mnemo.plot.lines {
    title = title, x = steps, xlabel = "step", ylabel = "loss, nats", yscale = "log",
    legend = "below", series = {
      extent("relation only", list, "of_relation"), extent("the rest", list, "of_rest"),
    },
  }
end

local function title(i) return ("S = R = %d, %d facts"):format(counts[i], counts[i] ^ 2) end

mnemo.plot.grid({
  accuracy_panel(title(2), runs[2], is_known and options.steps >= 1000 and known or {}),
  accuracy_panel(title(1), runs[1], {}),
  loss_panel("loss, " .. title(2), runs[2]), loss_panel("loss, " .. title(1), runs[1]),
}, { title = "Factual recall", columns = 2, width = 900, height = 860 })
  :save(options.out .. "/figure.svg"):save(options.out .. "/figure.png")

-- The verdict, from these runs' numbers ------------------------------------------------------

--- Says in how many runs accuracy reaches 0.99, when, and where it ends.
local function say_reached(i)
  local found, ends = {}, of(runs[i], "accuracy", options.steps)
  for _, run in ipairs(runs[i]) do
    found[#found + 1] = mnemo.runs.first_step(run, "accuracy", function(a) return a >= 0.99 end)
  end
  local where = #found == 0 and "" or ("at step %d to %d, "):format(
    math.min(table.unpack(found)), math.max(table.unpack(found)))
  local verdict = stats.compare(ends, 0.99)
  print(("%s: accuracy reaches 0.99 in %d of %d runs, %sand ends at\n%s, %s."):format(title(i),
    #found, #runs[i], where, stats.text(ends),
    verdict == "more" and "above it" or verdict == "less" and "below it"
      or "not told apart from it"))
end

--- Says how many subjects a run misses, and whether errors are on them.
local function say_missed(i)
  local missed, on_them, all = {}, 0, 0
  for j, run in ipairs(runs[i]) do
    local found = run.errors
    missed[j], on_them, all = found.subjects, on_them + found.on_them, all + found.all
  end
  print(("%s: a run answers less than half of %s subjects of %d; on them are %.2f of\nits errors.")
    :format(title(i), stats.text(stats.of(missed), 1), counts[i], on_them / math.max(all, 1)))
end

--- Says how accuracy after a step lies to what is known of it.
local function say_known(range, step)
  local found, inside = values(runs[2], "accuracy", step), 0
  local low, high = range[step][1], range[step][2]
  for _, value in ipairs(found) do
    inside = inside + (value >= low and value <= high and 1 or 0)
  end
  local mean = stats.of(found)
  print(("Step %d: %s, %s %.2f to %.2f (%s), %d of %d runs in it."):format(step,
    stats.text(mean), stats.compare(mean, low) == "less" and "below"
      or stats.compare(mean, high) == "more" and "above" or "not told to be outside",
    low, high, range.name, inside, #found))
end

print()
local last = of(runs[2], "accuracy", options.steps)
if stats.compare(last, chance) == "more" then
  for i in ipairs(counts) do
    say_reached(i)
    say_missed(i)
  end
  for _, step in ipairs { 600, 1000 } do
    for _, range in ipairs(is_known and options.steps >= step and known or {}) do
      say_known(range, step)
    end
  end
  local relation = of(runs[2], "of_relation", options.steps)
  local rest = of(runs[2], "of_rest", options.steps)
  print(("Left of the loss with %d facts: %s of the relation, %s of the rest, %s."):format(
    counts[2] ^ 2, stats.text(relation), stats.text(rest),
    stats.compare(rest, relation) or "not told apart"))
else
  print(("Nothing can be said about facts: accuracy is %s, with the relation alone %.3f."):format(
    stats.text(last), chance))
end
print("Results are in " .. options.out)
