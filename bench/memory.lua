--- The most memory that training has resident at once, in a process of its own.
--
-- usage: mnemo bench/memory.lua [--help]
local mnemo = require "mnemo"
local folder = arg[0]:match(".*/") or ""
local measure = dofile(folder .. "measure.lua")
local workloads = dofile(folder .. "workloads.lua")

local options = require "mnemo.arguments" {
  about = "Peak resident memory of a few training steps, one line of JSON.",
  { "setting", "large", "the setting", choices = workloads.names },
  { "loss_on", "repeats", "the loss", choices = { "repeats", "all" } },
  { "steps", 2, "steps to make", min = 1 },
}

local setting = workloads.settings[options.setting]
local at_start = measure.peak_memory()
local task = workloads.task(setting)
local model, optimizer = workloads.model(setting, task)
mnemo.train {
  model = model, data = task, optimizer = optimizer, batch_size = setting.batch,
  loss_on = options.loss_on, steps = options.steps, eval_every = options.steps, progress = false,
}
measure.print {
  "bench", "memory", "setting", options.setting, "loss_on", options.loss_on,
  "steps", options.steps, "peak_mib", measure.peak_memory(), "at_start_mib", at_start,
}
