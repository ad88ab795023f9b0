-- E21  What the noise of superposed embeddings costs
--
-- In the simplified transformer tokens, positions and what the first layer writes lie on top of
-- each other in one residual stream, and every matrix reads all of it: it finds what it looks for,
-- plus the overlaps of random vectors with everything else. With `cross_talk = false` each matrix
-- reads only the embeddings meant for it, as in the idealised circuit. Both are trained on the task
-- of E1 at three widths.
--
-- What should be seen: without cross-talk the induction head comes sooner, and is good at every
-- width. With it, accuracy stays lower in narrow models even when training goes on: random vectors
-- in d dimensions overlap by about 1/√d. The poster speaks of about 10 points; here it is 70 at
-- d = 32, 13 at 64, and at the width of E1, 128, too few for three seeds to tell them from none.
-- That one gradient step filters the noise away holds exactly in infinite width only.
--
-- Where a trigger's output is the trigger itself the sequence repeats it to the end, and repeating
-- is enough to be right; the cost is that in accuracy on the other answers. It is told where the
-- models have learned more than chance, and only as far as it is beyond its error.
--
-- After the poster to Bietti et al. 2023, "Birth of a Transformer: A Memory Viewpoint", Lemma 2.
local mnemo = require "mnemo"

local options = require "mnemo.arguments" {
  about = "Trains the circuit with and without cross-talk between embeddings (E21).",
  sweep = true,
  quick = { seeds = 1, steps = 400 },
  full = { dim = 256, seq_len = 256, batch = 512, lr = 0.03, steps = 4000 },
  { "dim", 128, "largest width; half and a quarter of it are trained as well", min = 4 },
  { "seq_len", 64, "tokens in a sequence", min = 2 },
  { "batch", 64, "sequences in a step", min = 1 },
  { "lr", 0.2, "learning rate" },
  { "steps", 1000, "training steps", min = 1 },
  { "seeds", 3, "runs of each model", min = 1 },
  { "seed", 1, "first seed of data and initial weights" },
  { "out", "runs/noise_ablation", "folder for results", type = "folder" },
}

-- Training ---------------------------------------------------------------------------------

local chance = 1 / mnemo.corpus.shakespeare().vocab_size -- outputs are drawn uniformly

--- Tells where a model answers right when a trigger comes again in held-out sequences.
local function answers(model, task)
  return mnemo.probes.answers(model, task, { held_out = 256 })
end

--- Returns the share of right answers where the output is the trigger itself (`own` is 1), so that
-- the sequence repeats it to the end, or where it is another token (0).
local function accuracy(found, own)
  local kept = found.own:eq(own)
  return mnemo.stats.share(found.hits, found.sequences, kept)
end

--- Trains a model with or without cross-talk. Returns its history and its accuracies at the end, on
-- self-loops (`own`) and on the `rest`; then its `answers`.
local function trained(dim, cross_talk, seed)
  local task = mnemo.data.bigram { triggers = 5, seq_len = options.seq_len, seed = seed }
  local probes = mnemo.probes.induction(task)
  probes.accuracy = function(ctx) return accuracy(answers(ctx.model, task), 0).mean end
  local model = mnemo.model.simplified {
    vocab = task.vocab_size, dim = dim, max_len = options.seq_len, cross_talk = cross_talk,
    seed = seed,
  }
  local run = mnemo.train {
    model = model, data = task, steps = options.steps, batch_size = options.batch,
    optimizer = mnemo.optim.sgd { lr = options.lr, momentum = 0.9, weight_decay = 1e-4 },
    loss_on = "repeats", eval_every = 25, probes = probes,
    dir = ("%s/d_%d_%s/seed_%d"):format(options.out, dim, cross_talk and "noisy" or "clean", seed),
  }
  local found = answers(model, task)
  return { history = run.history, own = accuracy(found, 1), rest = accuracy(found, 0) }, found
end

local widths = { options.dim // 4, options.dim // 2, options.dim }

-- A point is both models of a seed: they are asked the same questions, and the cost of cross-talk
-- is measured question by question.
local points = mnemo.sweep {
  name = "noise_ablation", store = options.out .. "/sweep.sqlite", options = options,
  stop_on_error = true,
  grid = { dim = widths }, seeds = options.seeds, first_seed = options.seed,
  run = function(point)
    local noisy, with = trained(point.dim, true, point.seed)
    local clean, without = trained(point.dim, false, point.seed)
    local cost = mnemo.stats.share(
      without.hits - with.hits, without.sequences, without.own:eq(0))
    return { noisy = noisy, clean = clean, cost = cost }
  end,
}

-- For each width, the runs with cross-talk, those without, and the seeds' differences in accuracy.
local noisy, clean, differences = {}, {}, {}
for i, dim in ipairs(widths) do
  noisy[i] = mnemo.runs.where(points, { dim = dim }, "noisy")
  clean[i] = mnemo.runs.where(points, { dim = dim }, "clean")
  differences[i] = mnemo.runs.where(points, { dim = dim }, "cost")
end

-- The table --------------------------------------------------------------------------------

--- Puts the seeds' measurements together; the error is over seeds, of one seed over sequences.
local function over_seeds(measured)
  if #measured == 1 then return measured[1] end
  local means = {}
  for j, one in ipairs(measured) do means[j] = one.mean end
  return mnemo.stats.of(means)
end

--- Writes the accuracy of some runs at the end.
local function accuracy_text(runs, which)
  local shares = {}
  for j, run in ipairs(runs) do shares[j] = run[which] end
  return mnemo.stats.text(over_seeds(shares))
end

--- Writes the step at which half of the answers off the self-loops are right.
local function half_way(runs)
  local steps = {}
  for j, run in ipairs(runs) do
    steps[j] = mnemo.runs.first_step(run, "accuracy", function(value) return value >= 0.5 end)
      or 0 / 0
  end
  return mnemo.stats.text(mnemo.stats.of(steps), 0)
end

local columns = { "wk0_64", "wk1", "wo1" }
local rows = { { "d", "cross-talk", "self-loops", "the rest", "half at step",
  table.unpack(columns) } }
for i, dim in ipairs(widths) do
  for _, one in ipairs { { "yes", noisy[i] }, { "no", clean[i] } } do
    local runs = one[2]
    local row = { dim, one[1], accuracy_text(runs, "own"), accuracy_text(runs, "rest"),
      half_way(runs) }
    for _, name in ipairs(columns) do
      row[#row + 1] = mnemo.stats.text(mnemo.stats.of(mnemo.runs.last(runs, name)))
    end
    rows[#rows + 1] = row
  end
end
print(("After %d steps, over %d seed(s): accuracy on repeated triggers of held-out sequences\n"
  .. "where the output is the trigger itself, and where it is not (chance: %.3f); the step at\n"
  .. "which half of the latter are right; recall.\n"):format(options.steps, options.seeds, chance))
print(mnemo.runs.columns(rows))

-- The figure -------------------------------------------------------------------------------

local panels = {}
for i, dim in ipairs(widths) do
  panels[i] = mnemo.plot.lines {
    title = ("d = %d"):format(dim), x = mnemo.runs.series(noisy[i], "step")[1], xlabel = "step",
    ylabel = "accuracy off self-loops", ylim = { 0, 1.02 }, legend = "below",
    series = {
      { name = "without cross-talk", y = mnemo.runs.series(clean[i], "accuracy") },
      { name = "with cross-talk", y = mnemo.runs.series(noisy[i], "accuracy") },
    },
  }
end

--- Returns the last accuracies of each seed by width, as a curve takes them.
local function over_widths(runs)
  local accuracies = {}
  for i in ipairs(widths) do accuracies[i] = mnemo.runs.last(runs[i], "accuracy") end
  return mnemo.runs.transposed(accuracies)
end

panels[#panels + 1] = mnemo.plot.lines {
  title = ("after %d steps"):format(options.steps), x = widths, xlabel = "width d",
  ylabel = "accuracy off self-loops", xscale = "log", ylim = { 0, 1.02 }, legend = "below",
  series = {
    { name = "without cross-talk", y = over_widths(clean), style = "linespoints" },
    { name = "with cross-talk", y = over_widths(noisy), style = "linespoints" },
  },
}
mnemo.plot.grid(panels, { title = "The cost of cross-talk", width = 900, height = 760 })
  :save(options.out .. "/figure.svg"):save(options.out .. "/figure.png")

-- The verdict, from these runs' numbers ------------------------------------------------------

--- Tells whether every run answers more off the self-loops than chance would. Many models are
-- asked, so one in a thousand may err.
local function have_learned(runs)
  for _, run in ipairs(runs) do
    if mnemo.stats.compare(run.rest, chance, 0.999) ~= "more" then return false end
  end
  return true
end

--- Writes a cost in points.
local function in_points(measured)
  return mnemo.stats.text({
    mean = 100 * measured.mean, error = measured.error and 100 * measured.error,
  }, 1)
end

print()
local known, costs = 0, {}
for i, dim in ipairs(widths) do
  local says = "no cost can be told, as nothing was learned"
  if have_learned(clean[i]) or have_learned(noisy[i]) then
    known, costs[i] = known + 1, over_seeds(differences[i])
    local sign = mnemo.stats.compare(costs[i], 0)
    says = sign == "more" and ("cross-talk costs %s points of accuracy"):format(
        in_points(costs[i]))
      or sign == "less" and "cross-talk costs nothing; accuracy is higher with it"
      or ("no cost of cross-talk beyond the error, %s points"):format(in_points(costs[i]))
  end
  print(("d = %3d: %s."):format(dim, says))
end
local narrow, wide = costs[1], costs[#widths]
if known == 0 then
  print(("Nothing can be said about the cost: at no width do the models, with or without\n"
    .. "cross-talk, all answer more off the self-loops than chance, %.3f, would."):format(chance))
elseif narrow and wide then
  local sign = mnemo.stats.compare(narrow, wide)
  print(("From d = %d to %d the cost %s."):format(widths[1], widths[#widths],
    sign == "more" and "falls" or sign == "less" and "grows"
    or "does not change beyond the error"))
else
  print("How the cost depends on the width cannot be told.")
end
print("Results are in " .. options.out)
