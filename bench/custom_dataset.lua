-- What a dataset written in Lua costs: the bigram task redone with data.custom, drawn at the medium
-- size (B = 256, T = 128), beside one training step of that size and the built-in task's draw.
-- Prints one JSON line with seconds, the best of several; see README.md here.
local mnemo = require "mnemo"

local B, T, K = 256, 128, 5
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

--- Returns the seconds that `fn` takes, the best of `times` calls.
local function best(times, fn)
  local least = math.huge
  for _ = 1, times do
    local start = mnemo.clock()
    fn()
    least = math.min(least, mnemo.clock() - start)
  end
  return least
end

local model = mnemo.model.simplified { vocab = n, dim = 128, max_len = T, seed = 1 }
local run = mnemo.train {
  model = model, data = builtin, steps = 1, batch_size = B, loss_on = "repeats", progress = false,
  optimizer = mnemo.optim.sgd { lr = 0.2, momentum = 0.9, weight_decay = 1e-4 }, eval_every = 1000,
}
-- A resumed run makes one more measurement at its end, so a step is the difference of two lengths.
local few, many = best(3, function() run:resume(2) end), best(3, function() run:resume(6) end)
local step = (many - few) / 4
local lua, swift = best(5, function() custom:batch(B) end), best(5, function() builtin:batch(B) end)
print(('{"bench":"custom_dataset","B":%d,"T":%d,"lua_s":%.5f,"builtin_s":%.5f,"step_s":%.5f,'
  .. '"share_of_step":%.3f}'):format(B, T, lua, swift, step, lua / step))
