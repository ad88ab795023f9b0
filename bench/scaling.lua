--- How the seconds of a step grow with batch, sequence length, width and threads, and what
-- evaluation costs.
--
-- One of B, T and d is doubled four times while the others stay as in the medium setting (loss on
-- repeats); threads are doubled up to the machine's number. The exponent is the slope of
-- log seconds over log size by least squares; that of processor seconds, beside it, depends less on
-- what else the machine does.
--
-- usage: mnemo bench/scaling.lua [--help]
local mnemo = require "mnemo"
local folder = arg[0]:match(".*/") or ""
local measure = dofile(folder .. "measure.lua")
local workloads = dofile(folder .. "workloads.lua")

local options = require "mnemo.arguments" {
  about = "Scaling of a training step, one line of JSON for each size.",
  { "only", type = "string", nil, "one part",
    choices = { "batch", "seq_len", "dim", "threads", "evaluation" } },
  { "seconds", 1.5, "time for the measured steps of a line" },
  { "least", 5, "steps to measure at the least", min = 1 },
}

--- The medium setting with one size changed.
local function with(name, size)
  local setting = {}
  for key, value in pairs(workloads.settings.medium) do setting[key] = value end
  setting[name] = size
  return setting
end

--- Prints a line for each size and one for the exponent.
-- @tparam function setting_of the setting for a size; it may change the machine's state
local function report(name, sizes, setting_of)
  local seconds, cpu_seconds = {}, {}
  for i, size in ipairs(sizes) do
    local setting = setting_of(size)
    local task = workloads.task(setting)
    local times, cpu = workloads.step_times(setting, task, "repeats", options)
    local median, least = measure.median_and_least(times)
    local gflop = workloads.flops(setting, task, "repeats") / 1e9
    seconds[i], cpu_seconds[i] = least, cpu
    measure.print {
      "bench", "scaling", "of", name, "size", size, "B", setting.batch, "T", setting.seq_len,
      "d", setting.dim, "threads", mnemo.threads(), "median_s", median, "least_s", least,
      "cpu_s", cpu, "gflop", gflop, "gflops", gflop / least,
    }
    collectgarbage()
  end
  measure.print {
    "bench", "exponent", "of", name, "from", sizes[1], "to", sizes[#sizes],
    "exponent", measure.exponent(sizes, seconds),
    "cpu_exponent", measure.exponent(sizes, cpu_seconds),
  }
end

--- Prints what E1's probes cost when they are taken every five steps.
local function evaluation()
  local setting = workloads.settings.medium
  local task = workloads.task(setting)
  local probes = mnemo.probes.induction(task)
  local metrics = mnemo.probes.batch_metrics(task)
  for _, name in ipairs { "acc_tot", "acc_end", "acc_end_test" } do
    probes[name] = metrics[name]
  end
  local function seconds_per_step(every, probes_taken, steps)
    local model, optimizer = workloads.model(setting, task)
    local run = mnemo.train {
      model = model, data = task, batch_size = setting.batch, loss_on = "repeats", steps = 5,
      optimizer = optimizer, eval_every = every, probes = probes_taken, progress = false,
    }
    return measure.seconds(function() run:resume(steps) end) / steps
  end
  local with_probes, without = math.huge, math.huge
  for _ = 1, 3 do
    with_probes = math.min(with_probes, seconds_per_step(5, probes, 40))
    without = math.min(without, seconds_per_step(1000000, {}, 40))
  end
  measure.print {
    "bench", "evaluation", "every", 5, "step_s", without, "step_with_probes_s", with_probes,
    "seconds_per_evaluation", 5 * (with_probes - without), "ratio", with_probes / without,
  }
end

local function wanted(name) return (options.only or name) == name end

for _, name in ipairs { "batch", "seq_len", "dim" } do
  if wanted(name) then
    report(name, { 32, 64, 128, 256, 512 }, function(size) return with(name, size) end)
  end
end

if wanted "threads" then
  local most, sizes = mnemo.threads(), { 1 }
  while 2 * sizes[#sizes] <= most do sizes[#sizes + 1] = 2 * sizes[#sizes] end
  report("threads", sizes, function(size)
    mnemo.threads(size)
    return workloads.settings.medium
  end)
  mnemo.threads(most)
end

if wanted "evaluation" then evaluation() end
