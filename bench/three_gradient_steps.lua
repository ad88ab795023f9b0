--- Processor seconds of three gradient steps to an induction head, as in
-- examples/three_gradient_steps.lua, and of the recall and accuracy after them.
--
-- usage: mnemo bench/three_gradient_steps.lua [--help]
local mnemo = require "mnemo"
local measure = dofile((arg[0]:match(".*/") or "") .. "measure.lua")

local options = require "mnemo.arguments" {
  about = "Three large gradient steps, one line of JSON with and one without cross-talk.",
  { "sequences", 8192, "sequences in a step", min = 1 },
  { "threads", 1, "threads", min = 1 },
  { "runs", 5, "runs, of which the fastest counts", min = 1 },
}
local vocab, length = 32, 64

--- Returns a model with orthonormal embeddings and nothing learned.
local function begun(cross_talk)
  local all = vocab + length
  local copied = cross_talk and all or vocab
  local unit = mnemo.eye(all + copied + vocab)
  local dim = unit:size(1)
  local model = mnemo.model.simplified {
    vocab = vocab, dim = dim, max_len = length, cross_talk = cross_talk, score_scale = "none",
  }
  local copies = { unit:narrow(1, 1, all) * 0, unit:narrow(1, 1, copied),
    unit:narrow(1, 1, vocab) * 0 }
  for name, weight in pairs {
    ["tok_embeddings.weight"] = unit:narrow(1, 1, vocab), pe = unit:narrow(1, vocab + 1, length),
    ["output.weight"] = unit:narrow(1, all + copied + 1, vocab),
    ["layers.0.attention.wv.weight"] = mnemo.cat(copies, 1),
    ["layers.0.attention.wo.weight"] = unit, ["layers.1.attention.wv.weight"] = unit,
    ["layers.0.attention.wk.weight"] = unit * 0, ["layers.1.attention.wk.weight"] = unit * 0,
    ["layers.1.attention.wo.weight"] = unit * 0,
  } do
    model:set(name, weight)
  end
  model:freeze "*"
  return model
end

--- Takes the three steps, and returns what is then recalled, and the accuracy.
local function head(cross_talk, sizes)
  local task = mnemo.data.bigram {
    corpus = mnemo.corpus.uniform(vocab), trigger_kind = "random", seq_len = length, seed = 1,
  }
  local model = begun(cross_talk)
  for i, name in ipairs { "layers.1.attention.wo.weight", "layers.1.attention.wk.weight",
    "layers.0.attention.wk.weight" } do
    local batch = task:batch(options.sequences, i)
    model:unfreeze(name)
    model:loss(batch, batch.occurrence:eq(2)):backward()
    local weight = model:get(name)
    model:set(name, weight:detach() - sizes[i] * weight.grad)
    model:freeze(name)
  end
  local found = {}
  for name, memory in pairs(mnemo.probes.induction_memories(model, task)) do
    found[name] = mnemo.memory.recall(memory.matrix, memory.inputs, memory.outputs)
  end
  return found, mnemo.probes.answers(model, task).hits:mean():item()
end

mnemo.threads(options.threads)
for _, circuit in ipairs { { true, { 320, 2e4, 200 } }, { false, { 320, 4e5, 2e6 } } } do
  local least, found, accuracy = math.huge, nil, nil
  for _ = 1, options.runs do
    collectgarbage()
    local start = os.clock()
    found, accuracy = head(circuit[1], circuit[2])
    least = math.min(least, os.clock() - start)
  end
  measure.print {
    "bench", "three_gradient_steps", "cross_talk", circuit[1], "sequences", options.sequences,
    "threads", options.threads, "cpu_s", least, "wo1", found.wo1, "wk1", found.wk1,
    "wk0", found.wk0, "accuracy", accuracy, "load", measure.load(),
  }
end
