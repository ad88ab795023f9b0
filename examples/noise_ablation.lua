-- E21  What the noise of superposed embeddings costs
--
-- In the simplified transformer tokens, positions and what the first layer writes lie on top of
-- each other in one residual stream, and every matrix reads all of it: it finds what it looks for,
-- plus the overlaps of random vectors with everything else. With `cross_talk = false` each matrix
-- reads only the embeddings meant for it, as in the idealised circuit. Both are trained on the task
-- of E1 at three widths.
--
-- What should be seen: without cross-talk the induction head comes sooner, and is good at every
-- width. With it, acc_end stays lower in narrow models even when training goes on: random vectors
-- in d dimensions overlap by about 1/√d. The poster speaks of about 10 points; here that is the
-- cost at d = 64, while at the width of E1, 128, it is about one. That one gradient step filters
-- the noise away holds exactly in infinite width only.
--
-- After the poster to Bietti et al. 2023, "Birth of a Transformer: A Memory Viewpoint", Lemma 2.
local mnemo = require "mnemo"

local options = require "mnemo.arguments" {
  about = "Trains the circuit with and without cross-talk between embeddings (E21).",
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

--- Trains a model with or without cross-talk.
local function trained(dim, cross_talk, seed)
  local task = mnemo.data.bigram { triggers = 5, seq_len = options.seq_len, seed = seed }
  local probes = mnemo.probes.induction(task)
  local metrics = mnemo.probes.batch_metrics(task)
  probes.acc_end, probes.acc_end_test = metrics.acc_end, metrics.acc_end_test
  return mnemo.train {
    model = mnemo.model.simplified {
      vocab = task.vocab_size, dim = dim, max_len = options.seq_len, cross_talk = cross_talk,
      seed = seed,
    },
    data = task, steps = options.steps, batch_size = options.batch, loss_on = "repeats",
    optimizer = mnemo.optim.sgd { lr = options.lr, momentum = 0.9, weight_decay = 1e-4 },
    eval_every = 25, probes = probes, overwrite = options.overwrite,
    dir = ("%s/d_%d_%s/seed_%d"):format(options.out, dim, cross_talk and "noisy" or "clean", seed),
  }
end

-- For each width, the runs with cross-talk and those without.
local widths = { options.dim // 4, options.dim // 2, options.dim }
local noisy, clean = {}, {}
for i, dim in ipairs(widths) do
  noisy[i], clean[i] = {}, {}
  for j = 1, options.seeds do
    noisy[i][j] = trained(dim, true, options.seed + j - 1)
    clean[i][j] = trained(dim, false, options.seed + j - 1)
  end
end

-- The table --------------------------------------------------------------------------------

--- Returns, for each seed, how many points of held-out accuracy cross-talk costs at the end.
local function costs(i)
  local with = mnemo.runs.last(noisy[i], "acc_end_test")
  local without = mnemo.runs.last(clean[i], "acc_end_test")
  local points = {}
  for j = 1, options.seeds do points[j] = 100 * (without[j] - with[j]) end
  return points
end

local columns = { "acc_end", "acc_end_test", "wk0_64", "wk1", "wo1" }
local rows = { { "d", "cross-talk", table.unpack(columns) } }
for i, dim in ipairs(widths) do
  for _, one in ipairs { { "yes", noisy[i] }, { "no", clean[i] } } do
    local row = { dim, one[1] }
    for _, name in ipairs(columns) do
      row[#row + 1] = mnemo.runs.spread(mnemo.runs.last(one[2], name))
    end
    rows[#rows + 1] = row
  end
end
print(("After %d steps, over %d seed(s):\n"):format(options.steps, options.seeds))
print(mnemo.runs.columns(rows))

-- The figure -------------------------------------------------------------------------------

local panels = {}
for i, dim in ipairs(widths) do
  panels[i] = mnemo.plot.lines {
    title = ("d = %d"):format(dim), x = mnemo.runs.series(noisy[i], "step")[1], xlabel = "step",
    ylabel = "acc_end", ylim = { 0, 1.02 }, legend = "below",
    series = {
      { name = "without cross-talk", y = mnemo.runs.series(clean[i], "acc_end") },
      { name = "with cross-talk", y = mnemo.runs.series(noisy[i], "acc_end") },
    },
  }
end

--- Returns the last held-out accuracies of each seed by width, as a curve takes them.
local function over_widths(runs)
  local accuracies = {}
  for i in ipairs(widths) do accuracies[i] = mnemo.runs.last(runs[i], "acc_end_test") end
  return mnemo.runs.transposed(accuracies)
end

panels[#panels + 1] = mnemo.plot.lines {
  title = ("held-out accuracy after %d steps"):format(options.steps), x = widths,
  xlabel = "width d", ylabel = "acc_end", xscale = "log", ylim = { 0, 1.02 }, legend = "below",
  series = {
    { name = "without cross-talk", y = over_widths(clean), style = "linespoints" },
    { name = "with cross-talk", y = over_widths(noisy), style = "linespoints" },
  },
}
mnemo.plot.grid(panels, { title = "The cost of cross-talk", width = 900, height = 760 })
  :save(options.out .. "/figure.svg"):save(options.out .. "/figure.png")

-- The verdict, from these runs' numbers ------------------------------------------------------

print()
for i, dim in ipairs(widths) do
  print(("d = %3d: cross-talk costs %s points of held-out accuracy."):format(dim,
    mnemo.runs.spread(costs(i), 1)))
end
local narrow, wide = mnemo.runs.summary(costs(1)), mnemo.runs.summary(costs(#widths))
print(("The cost %s with the width."):format(narrow > wide + 1 and "falls"
  or wide > narrow + 1 and "grows" or "does not change by more than a point"))
print("Results are in " .. options.out)
