--- What a dataset written in Lua costs: the bigram task redone with data.custom, drawn at the
-- medium size, beside one training step of that size and the built-in task's draw; the best of
-- several.
--
-- usage: mnemo bench/custom_dataset.lua
local mnemo = require "mnemo"
local folder = arg[0]:match(".*/") or ""
local measure = dofile(folder .. "measure.lua")
local workloads = dofile(folder .. "workloads.lua")

local setting = workloads.settings.medium
local B, T, K = setting.batch, setting.seq_len, 5
local corpus = mnemo.corpus.shakespeare()
local n = corpus.vocab_size
local builtin = mnemo.data.bigram { corpus = corpus, triggers = K, seq_len = T, seed = 1 }

-- Rows are taken out once, so that their weights are prepared once.
local unigram, bigram = corpus.unigram, corpus.bigram
local rows = {}
for id = 1, n do rows[id] = bigram[id] end
local triggers = builtin.triggers:totable()

local custom = mnemo.data.custom {
  vocab = n, seq_len = T, seed = 1,
  sample = function(rng)
    local output, seen = {}, {}
    for _, q in ipairs(triggers) do output[q], seen[q] = rng:integer(1, n), 0 end
    local ids, occurrence = {}, {}
    local z = rng:categorical(unigram)
    for t = 1, T do
      ids[t] = z
      local o = output[z]
      if o then
        seen[z] = seen[z] + 1
        occurrence[t] = seen[z]
        z = o
      else
        occurrence[t] = 0
        z = rng:categorical(rows[z])
      end
    end
    ids[T + 1] = z
    return ids, occurrence
  end,
}

--- Returns the least seconds that a batch of a task takes.
local function draw(task)
  local _, least = measure.median_and_least(measure.times(1, function() return task:batch(B) end))
  return least
end

local _, step = measure.median_and_least(
  (workloads.step_times(setting, builtin, "repeats", { seconds = 2, least = 5 })))
local lua = draw(custom)
measure.print {
  "bench", "custom_dataset", "B", B, "T", T, "lua_s", lua, "builtin_s", draw(builtin),
  "step_s", step, "share_of_step", lua / step,
}
