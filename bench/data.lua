--- Seconds to draw a batch of the bigram task, without training on it.
--
-- usage: mnemo bench/data.lua [--help]
local mnemo = require "mnemo"
local folder = arg[0]:match(".*/") or ""
local measure = dofile(folder .. "measure.lua")
local workloads = dofile(folder .. "workloads.lua")

local options = require "mnemo.arguments" {
  about = "Batch drawing, one line of JSON for each setting and number of threads.",
  { "only", type = "string", nil, "one setting", choices = workloads.names },
  { "threads", type = "integer", nil, "only this number of threads", min = 1 },
  { "seconds", 0.5, "time for each line" },
}

for _, name in ipairs(workloads.names) do
  if (options.only or name) == name then
    local setting = workloads.settings[name]
    local task = workloads.task(setting)
    for _, threads in ipairs(options.threads and { options.threads } or { 2, 1 }) do
      mnemo.threads(threads)
      local index = 0
      local median, least = measure.median_and_least(measure.times(options.seconds, function()
        index = index + 1
        return task:batch(setting.batch, index)
      end))
      measure.print {
        "bench", "data", "setting", name, "threads", threads, "median_s", median,
        "least_s", least, "tokens_per_s", setting.batch * setting.seq_len / least,
      }
    end
  end
end
