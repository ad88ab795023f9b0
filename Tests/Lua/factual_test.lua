-- Factual recall: the task, the model and the probes.
local lu = require "luaunit"
local mnemo = require "mnemo"

local function difference(a, b) return (a - b):abs():max():item() end
local function message(f, ...) return select(2, pcall(f, ...)) end

local function small(options)
  options = options or {}
  return mnemo.data.factual {
    subjects = 5, relations = 3, answers = 4, seq_len = 7, seed = options.seed or 1,
    eos = options.eos, structured = options.structured,
  }
end

local function model_for(task, options)
  options = options or {}
  return mnemo.model.factual {
    vocab = task.vocab_size, answers = task.classes, dim = 8, heads = 2, head_dim = 4,
    mlp_width = options.mlp_width or 16, seed = options.seed or 1,
  }
end

local tests = {}

function tests.test_batches()
  local task = small()
  lu.assertEquals(task.vocab_size, 5 + 3 + 8 + 1)
  lu.assertEquals(task.classes, 12)
  lu.assertEquals(task.positions, "last")
  lu.assertEquals(task.facts:shape(), { 5, 3 })
  local batch = task:batch(6, 1)
  lu.assertEquals(batch.tokens:shape(), { 6, 7 })
  lu.assertEquals(batch.targets:totable(), batch.answers:totable())
  local subjects, relations = batch.subjects:totable(), batch.relations:totable()
  local targets, facts = batch.targets:totable(), task.facts:totable()
  for i, named in ipairs(task:explain(batch.tokens)) do
    lu.assertEquals(named[7], "EOS")
    local text = " " .. table.concat(named, ", ") .. ","
    lu.assertStrContains(text, (" subject %d,"):format(subjects[i]))
    lu.assertStrContains(text, (" relation %d,"):format(relations[i]))
    lu.assertEquals(select(2, text:gsub("noise", "")), 4)
    lu.assertEquals(facts[subjects[i]][relations[i]], targets[i])
    lu.assertEquals((targets[i] - 1) // 4 + 1, relations[i])
  end
  lu.assertEquals(task:explain { 5, 8, 9, 17 }, { "subject 5", "relation 3", "noise 1", "EOS" })
  lu.assertEquals(task:decode { 5, 8 }, "subject 5, relation 3")
  lu.assertEquals(task:batch(6, 1).tokens:totable(), batch.tokens:totable())
  lu.assertEquals(small().facts:totable(), task.facts:totable())
  lu.assertNotEquals(small { seed = 2 }.facts:totable(), task.facts:totable())
  lu.assertEquals(small { structured = true }.facts[5]:totable(), { 4, 8, 12 })
  lu.assertNil(mnemo.data.bigram { seed = 1 }.facts)
end

function tests.test_a_batch_of_a_script_is_the_tasks()
  local task = small()
  local model, batch = model_for(task), task:batch(9, 1)
  local expected = model(batch.tokens):cross_entropy(batch.targets):item()
  lu.assertAlmostEquals(model:loss(batch):item(), expected, 1e-5)
  lu.assertAlmostEquals(
    model:loss { tokens = batch.tokens, targets = batch.targets }:item(), expected, 1e-5)
end

function tests.test_training_learns_the_facts_and_is_reproducible()
  local task = small()
  local function train(seed, steps)
    local run = mnemo.train {
      model = model_for(task, { seed = seed }), data = task, steps = steps, batch_size = 64,
      eval_every = steps, optimizer = mnemo.optim.adamw { lr = 0.02 }, progress = false,
      probes = mnemo.probes.factual(task, { held_out = 128 }),
    }
    return run.history[#run.history]
  end
  local last = train(1, 300)
  lu.assertTrue(last.acc_test > 0.95, last.acc_test)
  lu.assertTrue(last.loss_relation_test < 0.1, last.loss_relation_test)
  lu.assertTrue(last.mass_relation_test > 0.9, last.mass_relation_test)
  for seed = 1, 16 do lu.assertEquals(train(seed, 5), train(seed, 5)) end
end

function tests.test_probes_are_their_definition()
  local task = small { eos = false }
  local model = model_for(task, { mlp_width = 0 })
  local probes = mnemo.probes.factual(task, { held_out = 32 })
  local ran = 0
  local counted = setmetatable({}, { __call = function(_, tokens)
    ran = ran + 1
    return model(tokens)
  end })
  local batch = task:batch(16, 1)
  local ctx = { model = counted, batch = batch, logits = model(batch.tokens), step = 1 }
  local function expected(given)
    local p = model(given.tokens):softmax(2)
    local sums = { acc = 0, loss = 0, loss_relation = 0, loss_subject = 0, mass_relation = 0 }
    local count = given.targets:size(1)
    for i, row in ipairs(p:totable()) do
      local target, relation, subject, best = given.targets[i]:item(), 0, 0, 1
      for a, mass in ipairs(row) do
        if (a - 1) // 4 == (target - 1) // 4 then relation = relation + mass end
        if a % 4 == target % 4 then subject = subject + mass end
        if mass > row[best] then best = a end
      end
      sums.acc = sums.acc + (best == target and 1 or 0) / count
      sums.loss = sums.loss - math.log(row[target]) / count
      sums.loss_relation = sums.loss_relation - math.log(relation) / count
      sums.loss_subject = sums.loss_subject - math.log(subject) / count
      sums.mass_relation = sums.mass_relation + relation / count
    end
    return sums
  end
  for ending, given in pairs { [""] = batch, _test = task:held_out(32) } do
    for name, value in pairs(expected(given)) do
      local probe = probes[name .. ending]
      if name .. ending ~= "loss" then
        lu.assertAlmostEquals(probe(ctx), value, 1e-5, name .. ending)
      end
    end
  end
  lu.assertEquals(ran, 1)
  lu.assertNil(mnemo.probes.factual(task).acc_test)
end

function tests.test_trace_and_patch()
  local task = small()
  local model, tokens = model_for(task), task:batch(4, 1).tokens
  local logits = model(tokens)
  lu.assertEquals(model:attention(tokens, 1):shape(), { 4, 2, 7 })
  lu.assertAlmostEquals(model:attention(tokens, 1):sum(3):mean():item(), 1, 1e-5)
  local seen = model:trace(tokens, { "layers.0.attention_output", "logits" })
  lu.assertEquals(seen["layers.0.attention_output"]:shape(), { 4, 8 })
  lu.assertTrue(difference(seen.logits, logits) < 1e-5)
  local patched = model:patch(tokens, {
    ["layers.0.attention"] = function(p) return mnemo.ones(p:size(1), 2, 7) / 7 end,
  })
  lu.assertTrue(difference(patched, logits) > 1e-3)
end

function tests.test_saving_and_loading()
  local task = small()
  local tokens, path = task:batch(4, 1).tokens, os.tmpname()
  for _, model in ipairs {
    model_for(task), model_for(task, { mlp_width = 0 }),
    mnemo.model.factual { vocab = 17, answers = 12, attention = "linear" },
  } do
    model:save(path)
    local loaded = mnemo.model.load(path)
    lu.assertEquals(loaded.kind, "factual")
    lu.assertEquals(loaded.config, model.config)
    lu.assertEquals(loaded(tokens):totable(), model(tokens):totable())
    lu.assertEquals(model:clone()(tokens):totable(), model(tokens):totable())
  end
  os.remove(path)
end

function tests.test_the_linear_model_begins_knowing_nothing()
  local task = mnemo.data.factual {
    subjects = 16, relations = 4, answers = 8, noise = 20, structured = true, seed = 1,
  }
  local model = mnemo.model.factual {
    vocab = task.vocab_size, answers = task.classes, attention = "linear",
  }
  local batch = task:batch(64, 1)
  local probes = mnemo.probes.factual(task)
  local ctx = { model = model, batch = batch, logits = model(batch.tokens) }
  lu.assertAlmostEquals(model:loss(batch):item(), math.log(32), 1e-5)
  lu.assertAlmostEquals(probes.loss_relation(ctx), math.log(4), 1e-5)
  lu.assertAlmostEquals(probes.loss_subject(ctx), math.log(8), 1e-5)
end

function tests.test_what_is_refused()
  local task = small()
  local function train(model)
    return message(mnemo.train, {
      model = model, data = task, steps = 1, optimizer = mnemo.optim.sgd { lr = 0.1 },
    })
  end
  lu.assertStrContains(
    train(mnemo.model.factual { vocab = 16, answers = 12 }),
    "the data has 17 tokens, the model a vocab of 16")
  lu.assertStrContains(
    train(mnemo.model.factual { vocab = 17, answers = 11 }),
    "the data has targets of 12 classes, the model 11 outputs")
  lu.assertStrContains(
    message(mnemo.data.factual, { seq_len = 2 }), "seq_len = 2 (allowed: 3…1073741824;")
  lu.assertStrContains(
    message(mnemo.data.factual, { subjects = 0 }), "subjects = 0 (allowed: 1…16777216)")
  lu.assertStrContains(message(mnemo.data.factual, { subject = 1 }), "subjects")
  lu.assertStrContains(
    message(mnemo.data.factual, { seq_len = 1, eos = false }),
    "seq_len = 1 (allowed: 2…1073741824; a subject and a relation need a place)")
  lu.assertStrContains(
    message(mnemo.data.factual, { subjects = 1, relations = 65536, answers = 65536 }),
    "relations × answers are 4294967296, too many (allowed: up to 16777216)")
  lu.assertStrContains(
    message(mnemo.data.factual, { subjects = 10000000, relations = 10000000 }),
    "subjects × relations are 100000000000000, too many (allowed: up to 16777216)")
  lu.assertStrContains(
    message(mnemo.data.factual, { relation_exponent = 90 }), "too rare to be drawn")
  local batch = task:batch(4, 1)
  lu.assertStrContains(
    message(mnemo.model.factual { vocab = 10, answers = 12 }, batch.tokens), "is outside 1…10")
  lu.assertStrContains(message(function()
    mnemo.model.factual { vocab = 17, answers = 2 }:loss(batch)
  end), "is outside 1…2")
  lu.assertStrContains(
    message(mnemo.model.factual, { vocab = 5 }), "answers")
  lu.assertStrContains(
    message(mnemo.model.factual, { vocab = 5, answers = 4, attention = "linear", dim = 8 }),
    'dim goes with attention = "softmax" only, got 8')
  lu.assertStrContains(
    message(task.explain, task, { 18 }), "token 18 is outside 1…17")
  lu.assertStrContains(
    message(task.explain, mnemo.data.bigram { seed = 1 }, { 1 }),
    "goes with tasks of data.factual only")
  lu.assertStrContains(
    message(mnemo.probes.factual, mnemo.data.bigram { seed = 1 }),
    "bad argument #1 to 'probes.factual' (a task of data.factual expected)")
  lu.assertStrContains(message(mnemo.probes.factual, task, { heldout = 3 }), "held_out")
  local probe = mnemo.probes.factual(task).acc
  lu.assertStrContains(
    message(probe, { batch = task:batch(2, 1), logits = mnemo.zeros(2, 11) }),
    "logits have shape [2, 11] (needed: [B, 12]")
end

os.exit(lu.LuaUnit.new():runSuiteByInstances { { "factual", tests } })
