--- Seconds per training step, the GFLOP/s of the arithmetic it needs, and the share of the peak.
--
-- Everything a step costs is in it: the batch's draw, loss, gradients, update. The peak is measured
-- right before and right after; the better one counts.
--
-- usage: mnemo bench/steps.lua [--help]
local mnemo = require "mnemo"
local folder = arg[0]:match(".*/") or ""
local measure = dofile(folder .. "measure.lua")
local workloads = dofile(folder .. "workloads.lua")

local options = require "mnemo.arguments" {
  about = "Training steps, one line of JSON for each setting, loss and number of threads.",
  { "only", type = "string", nil, "one setting", choices = workloads.names },
  { "loss_on", type = "string", nil, "one loss", choices = { "repeats", "all" } },
  { "threads", type = "integer", nil, "only this number of threads", min = 1 },
  { "seconds", 5.0, "time for the measured steps of a line" },
  { "least", 3, "steps to measure at the least", min = 1 },
}

--- Prints the line of one setting.
local function report(name, loss_on, threads)
  local setting = workloads.settings[name]
  local task = workloads.task(setting)
  local flops = workloads.flops(setting, task, loss_on)
  mnemo.threads(threads)
  local before = measure.peak()
  local times, cpu = workloads.step_times(setting, task, loss_on, options)
  collectgarbage()
  local peak = math.max(before, measure.peak())
  local median, least = measure.median_and_least(times)
  measure.print {
    "bench", "step", "setting", name, "loss_on", loss_on, "threads", threads,
    "median_s", median, "least_s", least, "cpu_s", cpu, "steps", #times,
    "gflop", flops / 1e9, "gflops", flops / least / 1e9, "peak_gflops", peak,
    "share_of_peak", flops / least / 1e9 / peak,
    "cpu_share", flops / cpu / 1e9 / (peak / threads), "load", measure.load(),
  }
end

for _, name in ipairs(workloads.names) do
  local setting = workloads.settings[name]
  if (options.only or name) == name then
    for _, loss_on in ipairs(setting.model == "simplified" and { "repeats", "all" } or { "all" }) do
      for _, threads in ipairs(options.threads and { options.threads } or { 2, 1 }) do
        if (options.loss_on or loss_on) == loss_on then report(name, loss_on, threads) end
      end
    end
  end
end
