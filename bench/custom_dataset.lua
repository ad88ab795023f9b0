--- What a dataset written in Lua costs, sequence by sequence and a whole batch in one call: the
-- bigram task redone with data.custom, and random tokens that are repeated; drawn at the medium
-- size, beside one training step of that size and the built-in task's draw; the best of several.
--
-- A chain of tokens takes operations on B numbers for each of its T steps; tokens that do not
-- depend on each other are all drawn by one.
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

local function task(options)
  options.vocab, options.seq_len, options.seed = n, T, 1
  return mnemo.data.custom(options)
end

local bigrams = task {
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

-- Row z has a 1 at the place of token z among the triggers.
local places = {}
for id = 1, n do
  places[id] = {}
  for k, q in ipairs(triggers) do places[id][k] = q == id and 1 or 0 end
end
places = mnemo.int_tensor(places)

local bigrams_at_once = task {
  sample_batch = function(rng, count)
    local outputs, seen = rng:integer(1, n, count, K), rng:integer(0, 0, count, K)
    local ids, occurrence = rng:integer(0, 0, T + 1, count), rng:integer(0, 0, T, count)
    local z = rng:categorical(unigram, count)
    for t = 1, T do
      local place = places[z]
      seen = seen + place
      ids[t], occurrence[t] = z, (seen * place):sum(2)
      z = (outputs * place):sum(2) + (1 - place:sum(2)) * rng:categorical(bigram, z)
    end
    ids[T + 1] = z
    return ids:t(), occurrence:t()
  end,
}

local half = T // 2
local copies = task {
  sample = function(rng)
    local ids = {}
    for t = 1, T + 1 do ids[t] = t > half and ids[t - half] or rng:integer(1, n) end
    return ids
  end,
}

local order = {}
for t = 1, T + 1 do order[t] = (t - 1) % half + 1 end
order = mnemo.int_tensor(order)

local copies_at_once = task {
  sample_batch = function(rng, count) return rng:integer(1, n, half, count)[order]:t() end,
}

--- Returns the least seconds that a batch of a task takes.
local function draw(drawn)
  local _, least = measure.median_and_least(measure.times(1, function() return drawn:batch(B) end))
  return least
end

local _, step = measure.median_and_least(
  (workloads.step_times(setting, builtin, "repeats", { seconds = 2, least = 5 })))
local lua = draw(bigrams)
measure.print {
  "bench", "custom_dataset", "B", B, "T", T, "lua_s", lua, "batch_s", draw(bigrams_at_once),
  "builtin_s", draw(builtin), "copies_lua_s", draw(copies),
  "copies_batch_s", draw(copies_at_once), "step_s", step, "share_of_step", lua / step,
}
