-- A sweep for a cluster: how low the loss of a small model gets by its width and learning rate.
--
--   mnemo examples/cluster/sweep.lua --workers 2            on this machine
--   sbatch --array=1-4 examples/cluster/array.sh            on four
--   mnemo runs merge --store runs/rates.sqlite runs/rates.task*.sqlite
--   mnemo examples/cluster/sweep.lua                        the table
--
-- docs/cluster.md goes through it.
local options = require "mnemo.arguments" {
  about = "The loss of a small model by its width and learning rate.",
  sweep = true,
  quick = { steps = 20 },
  { "steps", 400, "training steps", min = 1 },
  { "store", "runs/rates.sqlite", "file of results" },
}

local task = mnemo.data.bigram { seq_len = 64, seed = 1 }

local points = mnemo.sweep {
  name = "rates", store = options.store,
  grid = { dim = { 16, 32 }, lr = { 0.03, 0.1, 0.3 } }, seeds = 2,
  options = options,
  run = function(point)
    local run = mnemo.train {
      model = mnemo.model.simplified {
        vocab = task.vocab_size, dim = point.dim, max_len = 64, seed = point.seed,
      },
      data = task, steps = options.steps, batch_size = 16,
      optimizer = mnemo.optim.sgd { lr = point.lr, momentum = 0.9 },
    }
    return { loss = run.history[#run.history].loss }
  end,
}

local rows = { { "dim", "lr", "loss" } }
for i = 1, #points, 2 do
  local point = points[i]
  rows[#rows + 1] = {
    point.dim, point.lr, mnemo.runs.spread { point.loss or 0 / 0, points[i + 1].loss or 0 / 0 },
  }
end
print(mnemo.runs.columns(rows))
