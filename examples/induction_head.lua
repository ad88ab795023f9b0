-- E1  The birth of an induction head
--
-- In each sequence five trigger characters are always followed by an output drawn for that
-- sequence. Whoever has seen a trigger once can answer the next time: look back to the token
-- after the trigger's earlier occurrence, and copy it. Two layers of attention can do it, with
-- three associative memories:
--
--   W_K⁰  finds the previous position, so that each token learns what came before it (wk0),
--   W_K¹  finds the token that came after the current one (wk1),
--   W_O¹  writes that token into the prediction (wo1).
--
-- What should be seen: accuracy on repeated triggers (acc_end) leaves its plateau within the
-- first 150 steps and ends near 0.98. The memories fill from the top: wk1 and wo1 are complete
-- early, wk0 comes last, and at small positions first (wk0_64: the first 64). In the figure,
-- the first layer looks at the previous token, the second at the token after the trigger's
-- earlier occurrence.
--
-- After Bietti et al. 2023, "Birth of a Transformer: A Memory Viewpoint", §4.
local mnemo = require "mnemo"

local options = require "mnemo.arguments" {
  about = "Trains the simplified transformer until an induction head is born (E1).",
  quick = { seq_len = 64, batch = 128, steps = 200 },
  full = { dim = 256, seq_len = 256, batch = 512, lr = 0.03 },
  { "dim", 128, "width of the model", min = 1 },
  { "seq_len", 128, "tokens in a sequence", min = 2 },
  { "batch", 256, "sequences in a step", min = 1 },
  { "lr", 0.2, "learning rate" },
  { "steps", 400, "training steps", min = 1 },
  { "seed", 1, "seed of data and initial weights" },
  { "out", "runs/induction_head", "folder for results", type = "folder" },
}

-- The task, the model, and what to follow --------------------------------------------------

local corpus = mnemo.corpus.shakespeare()
local task = mnemo.data.bigram {
  corpus = corpus, triggers = 5, trigger_kind = "fixed", outputs = "uniform",
  seq_len = options.seq_len, seed = options.seed,
}
local model = mnemo.model.simplified {
  vocab = task.vocab_size, dim = options.dim, max_len = options.seq_len, seed = options.seed,
}

local probes = mnemo.probes.induction(task)
local metrics = mnemo.probes.batch_metrics(task)
for _, name in ipairs { "acc_tot", "acc_end", "acc_end_test" } do probes[name] = metrics[name] end

-- Training ---------------------------------------------------------------------------------

local columns = { "loss", "acc_tot", "acc_end", "wk0", "wk0_64", "wk1", "wo1" }

local run = mnemo.train {
  model = model, data = task, steps = options.steps, batch_size = options.batch,
  optimizer = mnemo.optim.sgd { lr = options.lr, momentum = 0.9, weight_decay = 1e-4 },
  loss_on = "repeats", eval_every = 10, probes = probes, dir = options.out,
  overwrite = options.overwrite,
  on_record = function(record)
    if record.step == 0 then
      print("  step" .. ("%9s"):rep(#columns):format(table.unpack(columns)))
    end
    local cells = { ("%6d"):format(record.step) }
    for _, name in ipairs(columns) do
      cells[#cells + 1] = ("%9.3f"):format(record[name])
    end
    print(table.concat(cells))
  end,
}

-- The figure -------------------------------------------------------------------------------

--- Draws columns of the history over the steps.
local function curves(title, ylabel, names)
  local series = {}
  for i, name in ipairs(names) do series[i] = { name = name, y = run:series(name) } end
  return mnemo.plot.lines {
    title = title, x = run:series("step"), series = series, xlabel = "step", ylabel = ylabel,
    ylim = { 0, 1.02 }, legend = "below",
  }
end

-- The start of a sequence that training has not seen; more tokens would be too small to read.
local tokens = task:held_out(1).tokens:narrow(2, 1, math.min(options.seq_len, 24))

--- Draws where one layer looks in that sequence.
local function attention_map(layer)
  return mnemo.plot.attention {
    title = ("attention of layer %d"):format(layer), model = model, tokens = tokens, layer = layer,
    corpus = corpus,
  }
end

local figure = mnemo.plot.grid({
  curves("accuracy on outputs", "accuracy", { "acc_end", "acc_end_test", "acc_tot" }),
  curves("what the memories hold", "recall", { "wk1", "wo1", "wk0_64", "wk0" }),
  attention_map(1), attention_map(2),
}, { title = "The birth of an induction head", width = 900, height = 860, heights = { 0.8, 1 } })

run:save(options.out)
figure:save(options.out .. "/figure.svg"):save(options.out .. "/figure.png")

-- The verdict, from this run's numbers -----------------------------------------------------

--- Returns the first evaluated step at which a column is at least 0.9, or nil.
local function step_reached(name)
  return mnemo.runs.first_step(run, name, function(value) return value >= 0.9 end)
end

local last = run.history[#run.history]
local state = last.acc_end >= 0.9 and "the induction head is there"
  or last.acc_end >= 0.5 and "the induction head is half-grown"
  or "there is no induction head yet"
print(("\nAfter %d steps %s: accuracy is %.3f on repeated triggers, %.3f on held-out sequences.")
  :format(last.step, state, last.acc_end, last.acc_end_test))

for _, name in ipairs { "wk1", "wo1", "wk0_64", "acc_end" } do
  local step = step_reached(name)
  print(("  %-8s %s"):format(name, step and ("reached 0.9 at step %d"):format(step)
    or ("did not reach 0.9; it ended at %.3f"):format(last[name])))
end

local wk1, wo1, wk0 = step_reached("wk1"), step_reached("wo1"), step_reached("wk0_64")
if not (wk1 and wo1) then
  print("The order of learning cannot be told: wk1 and wo1 have not both been learned.")
elseif math.max(wk1, wo1) < (wk0 or math.huge) then
  print("The memories were learned in the expected order: wk1 and wo1 first, wk0 last.")
else
  print("The memories were not learned in the expected order: wk0 did not come last.")
end
print("Results are in " .. options.out)
