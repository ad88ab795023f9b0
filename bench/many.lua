--- What training small models side by side gives: seconds per step of one model, alone and among
-- several.
--
-- A model of width 32 is too small to keep two threads busy with its steps; several, each on a
-- thread of its own, do. Batches, loss, gradients and updates are in it, as in steps.lua.
--
-- usage: mnemo bench/many.lua [--help]
local mnemo = require "mnemo"
local measure = dofile((arg[0]:match(".*/") or "") .. "measure.lua")

local options = require "mnemo.arguments" {
  about = "Small models side by side, a line of JSON for each kind, number of models and threads.",
  { "only", type = "string", nil, "one kind of model", choices = { "simplified", "transformer" } },
  { "models", 4, "how many models", min = 1 },
  { "dim", 32, "width of the models" },
  { "length", 32, "tokens in a sequence" },
  { "batch", 64, "sequences in a batch" },
  { "steps", 100, "steps of a measurement" },
  { "repeats", 7, "measurements; the least counts", min = 1 },
}

local task = mnemo.data.bigram { triggers = 5, seq_len = options.length, seed = 1 }

--- Returns a model of a kind.
local function new_model(kind, seed)
  return mnemo.model[kind] {
    vocab = task.vocab_size, dim = options.dim, max_len = options.length, seed = seed,
  }
end

--- Trains models for the steps of a measurement, between its first record and its last.
-- @treturn number seconds per step of one model
-- @treturn number processor seconds, of all threads together
local function trained(models)
  local first, last, cpu
  mnemo.train {
    model = models, data = task, batch_size = options.batch, loss_on = "all",
    optimizer = mnemo.optim.sgd { lr = 0.01, momentum = 0.9 }, steps = options.steps + 1,
    at = { [1] = function()
      first, cpu = first or mnemo.clock(), cpu or os.clock()
    end },
    eval_every = 2 * options.steps, progress = false,
    on_record = function() last = mnemo.clock() end,
  }
  local count = #models * options.steps
  return (last - first) / count, (os.clock() - cpu) / count
end

for _, kind in ipairs { "simplified", "transformer" } do
  if (options.only or kind) == kind then
    for _, setting in ipairs { { 1, 1 }, { 1, 2 }, { options.models, 1 }, { options.models, 2 } } do
      local count, threads = table.unpack(setting)
      mnemo.threads(threads)
      local times, cpu = {}, math.huge
      for i = 1, options.repeats do
        local models = {}
        for seed = 1, count do models[seed] = new_model(kind, seed) end
        local used
        times[i], used = trained(models)
        cpu = math.min(cpu, used)
      end
      local median, least = measure.median_and_least(times)
      measure.print {
        "bench", "many", "model", kind, "d", options.dim, "T", options.length,
        "B", options.batch, "models", count, "threads", threads, "median_s", median,
        "least_s", least, "cpu_s", cpu, "load", measure.load(),
      }
    end
  end
end
