--- Probes: memories and heads built by hand, whose values are known.
local luaunit = require "luaunit"
local mnemo = require "mnemo"
local probes = require "mnemo.probes"

local tests = {}

--- Asserts that a number is NaN, without a sign.
local function assert_nan(value, what)
  luaunit.assertEquals(("%.3f"):format(value), "nan", what)
end

--- Returns a model of given parameters; `attention` and `logits` are what it always answers.
local function model_of(parameters, attention, logits)
  return {
    parameters = function() return parameters end,
    attention = function(_, _, layer) return attention[layer] end,
    forward = function(_, _, mask)
      if not mask then return logits end
      local kept = {}
      for place, weight in ipairs(mask:reshape(-1):totable()) do
        if weight ~= 0 then kept[#kept + 1] = place end
      end
      return logits:reshape(mask:numel(), -1)[mnemo.int_tensor(kept)]
    end,
  }
end

--- Returns a matrix [rows, columns] that is 1 at the given places {row, column} and 0 elsewhere.
local function matrix_with_ones(rows, columns, places)
  local values = {}
  for i = 1, rows do
    values[i] = {}
    for j = 1, columns do values[i][j] = 0 end
  end
  for _, place in ipairs(places) do values[place[1]][place[2]] = 1 end
  return mnemo.tensor(values)
end

--- Returns logits [B, T, N] whose largest entry is at the given ids.
local function logits_for(ids, vocab)
  return mnemo.one_hot(mnemo.int_tensor(ids), vocab) * 5
end

---- Recall ----

function tests.test_recall_counts_what_comes_back()
  -- Two inputs of dimension 3, three outputs of dimension 2.
  local inputs = mnemo.tensor { { 1, 0, 0 }, { 0, 1, 0 } }
  local outputs = mnemo.tensor { { 1, 0 }, { 0, 1 }, { -1, -1 } }
  local right = mnemo.tensor { { 1, 0, 0 }, { 0, 1, 0 } }
  local half = mnemo.tensor { { 1, 1, 0 }, { 0, 0, 0 } }
  luaunit.assertEquals(probes.recall(right, inputs, outputs), 1)
  luaunit.assertEquals(probes.recall(half, inputs, outputs), 0.5)
  -- The third output wins everywhere: it is a candidate although no input belongs to it.
  luaunit.assertEquals(probes.recall(right * -1, inputs, outputs), 0)
end

function tests.test_recall_with_weights()
  local eye = mnemo.eye(2)
  local half = mnemo.tensor { { 1, 1 }, { 0, 0 } }
  luaunit.assertAlmostEquals(probes.recall(half, eye, eye, mnemo.tensor { 3, 1 }), 0.75, 1e-6)
  luaunit.assertAlmostEquals(probes.recall(half, eye, eye, mnemo.tensor { 0, 1 }), 0, 1e-6)
end

function tests.test_agreement_asks_both_memories()
  local inputs = mnemo.tensor { { 1, 0, 0 }, { 0, 1, 0 } }
  local outputs = mnemo.tensor { { 1, 0 }, { 0, 1 } }
  local right = mnemo.tensor { { 1, 0, 0 }, { 0, 1, 0 } }
  local first = mnemo.tensor { { 1, 1, 0 }, { 0, 0, 9 } }
  luaunit.assertEquals(probes.agreement(right, right * 3, inputs, outputs), 1)
  luaunit.assertEquals(probes.agreement(right, first, inputs, outputs), 0.5)
  luaunit.assertEquals(probes.agreement(right, -right, inputs, outputs), 0)
end

function tests.test_cosine_of_matrices()
  local A = mnemo.tensor { { 3, 0, 0 }, { 0, 4, 0 } }
  local B = mnemo.tensor { { 1, 0, 7 }, { 0, 0, 0 } }
  luaunit.assertAlmostEquals(probes.cosine(A, A * 2), 1, 1e-6)
  luaunit.assertAlmostEquals(probes.cosine(A, -A), -1, 1e-6)
  luaunit.assertAlmostEquals(probes.cosine(A, B), 3 / (5 * math.sqrt(50)), 1e-6)
  assert_nan(probes.cosine(A, A * 0))
end

---- The memories of an induction head, written down ----

function tests.test_memories_say_what_the_probes_recall()
  local task = mnemo.data.bigram { triggers = 4, seq_len = 9, seed = 1 }
  local model = mnemo.model.simplified { vocab = task.vocab_size, dim = 12, max_len = 9, seed = 1 }
  local found = probes.induction_memories(model, task)
  local shapes = {}
  for name, memory in pairs(found) do
    luaunit.assertEquals(memory.inputs:shape(), memory.outputs:shape())
    shapes[name] = memory.inputs:shape()
    -- What is written down as the sum of outer products is stored.
    local W = memory.outputs:t():matmul(memory.inputs)
    model:set(memory.parameter, memory.transposed and W:t() or W)
  end
  luaunit.assertEquals(shapes, { wk0 = { 8, 12 }, wk1 = { 4, 12 }, wo1 = { 65, 12 } })
  local induction = probes.induction(task)
  for name, memory in pairs(probes.induction_memories(model, task)) do
    local recall = probes.recall(memory.matrix, memory.inputs, memory.outputs)
    luaunit.assertEquals(induction[name] { model = model }, recall, name)
    luaunit.assertTrue(recall > probes.recall(found[name].matrix * 0, memory.inputs,
      memory.outputs), name)
  end
  local rotary = mnemo.model.simplified { vocab = 65, dim = 12, max_len = 9, positional = "rope" }
  luaunit.assertNil(probes.induction_memories(rotary, task).wk0)
end

--- Returns parameters in which every memory is exact.
-- Coordinates: 3 tokens, their 3 copies by the first layer, 70 positions.
local function exact_parameters()
  local tokens, places, d = 3, 70, 76
  local embedding, copy, previous, match, position, output = {}, {}, {}, {}, {}, {}
  for k = 1, tokens do
    embedding[k] = { k, k }
    copy[k] = { tokens + k, k }     -- W_O⁰ W_V⁰ maps token k to its copy
    match[k] = { k, tokens + k }    -- E[k]ᵀ W_K¹ (copy of k) = 1
    output[k] = { k, k }
  end
  for t = 1, places do position[t] = { t, 2 * tokens + t } end
  for t = 2, places do             -- P[t]ᵀ W_K⁰ P[t−1] = 1
    previous[t - 1] = { 2 * tokens + t, 2 * tokens + t - 1 }
  end
  return {
    ["tok_embeddings.weight"] = matrix_with_ones(tokens, d, embedding),
    ["pe"] = matrix_with_ones(places, d, position),
    ["layers.0.attention.wk.weight"] = matrix_with_ones(d, d, previous),
    ["layers.0.attention.wv.weight"] = mnemo.eye(d),
    ["layers.0.attention.wo.weight"] = matrix_with_ones(d, d, copy),
    ["layers.1.attention.wk.weight"] = matrix_with_ones(d, d, match),
    ["layers.1.attention.wv.weight"] = mnemo.eye(d),
    ["layers.1.attention.wo.weight"] = mnemo.eye(d),
    ["output.weight"] = matrix_with_ones(tokens, d, output),
  }
end

function tests.test_an_exact_circuit_scores_one()
  for what, triggers in pairs { fixed = { 3, 1 }, random = false } do
    local found = probes.induction { triggers = triggers or nil }
    local ctx = { model = model_of(exact_parameters()) }
    for _, name in ipairs { "wk0", "wk0_64", "wk1", "wo1" } do
      luaunit.assertEquals(found[name](ctx), 1, name .. ", triggers " .. what)
    end
  end
end

function tests.test_other_transformers_are_refused_in_a_sentence()
  local task = mnemo.data.bigram { seq_len = 8, triggers = 2, seed = 1 }
  local model = mnemo.model.transformer {
    vocab = task.vocab_size, dim = 8, heads = 2, max_len = 8, positional = "sincos", seed = 1,
  }
  for what, found in pairs {
    induction = probes.induction(task), feed_forward_kl = probes.feed_forward_kl(task),
  } do
    for name, probe in pairs(found) do
      local done, message = pcall(probe, { model = model })
      luaunit.assertFalse(done, name)
      luaunit.assertStrContains(message, "probes." .. what .. " needs the simplified transformer")
    end
  end
  -- What looks at attention and answers takes any model, and the best of its heads.
  local batch = task:batch(4, 1)
  local ctx = { model = model, batch = batch, logits = model(batch.tokens) }
  for _, found in ipairs { probes.attention_metrics(), probes.batch_metrics(task) } do
    for name, probe in pairs(found) do
      -- So few sequences may have no output that is its own trigger.
      luaunit.assertTrue(probe(ctx) >= 0 or name:find "_own$" ~= nil, name)
    end
  end
end

function tests.test_a_transposed_circuit_scores_less()
  local found = probes.induction { triggers = { 1, 2 } }
  for name, parameter in pairs {
    wk0 = "layers.0.attention.wk.weight", wk0_64 = "layers.0.attention.wk.weight",
    wk1 = "layers.1.attention.wk.weight",
  } do
    local parameters = exact_parameters()
    parameters[parameter] = parameters[parameter]:t()
    luaunit.assertTrue(found[name] { model = model_of(parameters) } < 1, name)
  end
end

function tests.test_wk0_64_sees_the_first_64_positions()
  local parameters = exact_parameters()
  local name = "layers.0.attention.wk.weight"
  -- Forgets every position after the 64th.
  local keep = {}
  for i = 1, 76 do keep[i] = { i <= 6 + 64 and 1 or 0 } end
  parameters[name] = parameters[name] * mnemo.tensor(keep)
  local found = probes.induction {}
  luaunit.assertEquals(found.wk0_64 { model = model_of(parameters) }, 1)
  luaunit.assertAlmostEquals(found.wk0 { model = model_of(parameters) }, 63 / 69, 1e-6)
end

function tests.test_missing_parameters_give_nan()
  local found = probes.induction {}
  local parameters = exact_parameters()
  parameters["pe"] = nil
  assert_nan(found.wk0 { model = model_of(parameters) }, "wk0")
  assert_nan(found.wk0_64 { model = model_of(parameters) }, "wk0_64")
  for name, probe in pairs(found) do assert_nan(probe { model = model_of {} }, name) end
end

function tests.test_tied_models_read_their_embeddings()
  local parameters = exact_parameters()
  parameters["output.weight"] = nil
  luaunit.assertEquals(probes.induction({}).wo1 { model = model_of(parameters) }, 1)
end

function tests.test_ff1_is_zero_where_the_bigrams_are_stored()
  local bigram = mnemo.tensor { { 0.5, 0.5, 0 }, { 0.25, 0.25, 0.5 }, { 0, 1, 0 } }
  local task = { corpus = { bigram = bigram } }
  -- With one-hot embeddings the feed-forward's columns are the logits; e^−60 is as good as 0.
  local logits = (bigram + bigram:eq(0) * 1e-26):log()
  local parameters = {
    ["tok_embeddings.weight"] = mnemo.eye(3), ["output.weight"] = mnemo.eye(3),
    ["layers.1.ff.weight"] = logits:t(),
  }
  local ctx = { model = model_of(parameters) }
  luaunit.assertAlmostEquals(probes.feed_forward_kl(task).ff1(ctx), 0, 1e-5)

  -- A feed-forward of zeros answers uniformly: KL = log 3 − entropy of the row.
  parameters["layers.1.ff.weight"] = mnemo.zeros(3, 3)
  local rows = { math.log(3) - math.log(2), math.log(3) - 1.5 * math.log(2), math.log(3) }
  luaunit.assertAlmostEquals(probes.feed_forward_kl(task).ff1(ctx),
    (rows[1] + rows[2] + rows[3]) / 3, 1e-5)
  task.triggers = { 2 }
  luaunit.assertAlmostEquals(probes.feed_forward_kl(task).ff1(ctx), (rows[1] + rows[3]) / 2, 1e-5)

  -- The same through an MLP: relu removes what the first matrix makes negative.
  parameters["layers.1.ff.weight"] = nil
  parameters["layers.1.ff.w1.weight"] = mnemo.cat({ mnemo.eye(3), mnemo.eye(3) * -1 }, 1)
  parameters["layers.1.ff.w2.weight"] = mnemo.cat({ logits:t(), mnemo.ones(3, 3) }, 2)
  luaunit.assertAlmostEquals(probes.feed_forward_kl(task).ff1(ctx), 0, 1e-5)
  parameters["layers.1.ff.w1.weight"] = nil
  assert_nan(probes.feed_forward_kl(task).ff1(ctx), "no feed-forward")
end

---- Answers ----

--- A batch of two sequences over the tokens 1…4, in which 1 is the trigger.
local batch = {
  tokens = mnemo.int_tensor { { 1, 2, 1, 2, 3 }, { 4, 1, 1, 1, 3 } },
  targets = mnemo.int_tensor { { 2, 1, 2, 3, 4 }, { 1, 1, 1, 3, 3 } },
  occurrence = mnemo.int_tensor { { 1, 0, 2, 0, 0 }, { 0, 1, 2, 3, 0 } },
}
local answers = { { 2, 4, 2, 4, 4 }, { 4, 4, 1, 2, 4 } }

--- Returns a task whose held-out batch is `batch`, and the model of the answers above.
local function task_and_context()
  local task = { held_out = function() return batch end }
  local logits = logits_for(answers, 4)
  return task, { model = model_of({}, {}, logits), batch = batch, logits = logits }
end

function tests.test_accuracies()
  local task, ctx = task_and_context()
  local found = probes.batch_metrics(task, { long = task })
  luaunit.assertAlmostEquals(found.acc_tot(ctx), 3 / 5, 1e-6)
  luaunit.assertAlmostEquals(found.acc_start(ctx), 3 / 5, 1e-6)
  for _, name in ipairs { "acc_end", "acc_end_test", "acc_long" } do
    luaunit.assertAlmostEquals(found[name](ctx), 2 / 3, 1e-6, name)
  end
  luaunit.assertAlmostEquals(found.repeat_frac(ctx), 2 / 5, 1e-6)
  luaunit.assertNil(probes.batch_metrics(task).acc_long)
end

-- The second sequence's first two outputs are their own trigger, and one of them is answered;
-- of the other three outputs, both in the first sequence are.
function tests.test_accuracies_off_the_self_loops()
  local task, ctx = task_and_context()
  local found = probes.batch_metrics(task, { long = task, others = { ood = task } })
  for _, name in ipairs { "acc_tot", "acc_start" } do
    luaunit.assertAlmostEquals(found[name .. "_own"](ctx), 1 / 2, 1e-6, name)
    luaunit.assertAlmostEquals(found[name .. "_rest"](ctx), 2 / 3, 1e-6, name)
  end
  for _, name in ipairs { "acc_end", "acc_end_test", "acc_end_ood", "acc_long" } do
    luaunit.assertAlmostEquals(found[name .. "_own"](ctx), 1, 1e-6, name)
    luaunit.assertAlmostEquals(found[name .. "_rest"](ctx), 1 / 2, 1e-6, name)
  end
end

function tests.test_accuracies_share_their_forward_passes()
  local task, ctx = task_and_context()
  local model, passes = ctx.model, 0
  local counting = {
    forward = function(_, ...)
      passes = passes + 1
      return model:forward(...)
    end,
  }
  local found = probes.batch_metrics(task, { long = task, others = { ood = task } })
  for step = 1, 2 do
    local record = { model = counting, batch = batch, logits = ctx.logits, step = step }
    for _, probe in pairs(found) do probe(record) end
    luaunit.assertEquals(passes, 4 * step)
  end
  -- A ctx made by hand has no step; its model may change between two calls.
  local by_hand = { model = model, batch = batch }
  local before = found.acc_end_test(by_hand)
  by_hand.model = model_of({}, {}, logits_for({ { 4, 4, 4, 4, 4 }, { 4, 4, 4, 4, 4 } }, 4))
  luaunit.assertAlmostEquals(before, 2 / 3, 1e-6)
  luaunit.assertEquals(found.acc_end_test(by_hand), 0)
end

function tests.test_accuracies_of_two_names()
  local task = task_and_context()
  for _, name in ipairs { "test", "own", "rest", "test_own" } do
    luaunit.assertErrorMsgContains("others." .. name .. ": there is an acc_end_" .. name,
      probes.batch_metrics, task, { others = { [name] = task } })
  end
end

function tests.test_held_out_answers()
  local task, ctx = task_and_context()
  local found = probes.answers(ctx.model, task)
  luaunit.assertEquals(found.hits:totable(), { 1, 1, 0 })
  luaunit.assertEquals(found.own:totable(), { 0, 1, 0 })
  luaunit.assertEquals(found.sequences:totable(), { 1, 2, 2 })
  found = probes.answers(ctx.model, task, { at = "outputs" })
  luaunit.assertEquals(found.hits:totable(), { 1, 1, 0, 1, 0 })
  luaunit.assertEquals(found.sequences:totable(), { 1, 1, 2, 2, 2 })
  luaunit.assertErrorMsgContains(
    "at is 'x'; allowed are outputs, repeats", probes.answers, ctx.model, task, { at = "x" })
end

function tests.test_losses()
  local task, ctx = task_and_context()
  local found = probes.batch_metrics(task)
  -- Logits are 5 at the answer and 0 elsewhere.
  local total = math.log(math.exp(5) + 3)
  luaunit.assertAlmostEquals(found.loss_head(ctx), total - 5 * 2 / 3, 1e-5)
  luaunit.assertAlmostEquals(found.loss_bigram(ctx), total - 5 * 1 / 5, 1e-5)
end

function tests.test_start_and_end_of_long_sequences()
  -- 520 positions: a trigger at 5 (first time), 10, 15 and 521 − 500 = 21.
  local tokens, occurrence, wrong = {}, {}, {}
  for t = 1, 520 do tokens[t], occurrence[t], wrong[t] = 1, 0, 2 end
  occurrence[5], occurrence[10], occurrence[15], occurrence[21] = 1, 2, 3, 4
  wrong[5], wrong[15] = 1, 1
  local ctx = {
    batch = {
      tokens = mnemo.int_tensor { tokens }, targets = mnemo.int_tensor { tokens },
      occurrence = mnemo.int_tensor { occurrence },
    },
    model = model_of({}, {}, logits_for({ wrong }, 2)),
  }
  local found = probes.batch_metrics {}
  luaunit.assertAlmostEquals(found.acc_tot(ctx), 2 / 4, 1e-6)
  luaunit.assertAlmostEquals(found.acc_start(ctx), 1 / 2, 1e-6)
  luaunit.assertAlmostEquals(found.acc_end(ctx), 0, 1e-6)
end

function tests.test_held_out_batch_is_drawn_once()
  local calls = {}
  local _, ctx = task_and_context()
  local with = { held_out = function(_, n) calls[#calls + 1] = n return batch end }
  local found = probes.batch_metrics(with, { held_out = 7 })
  local _ = found.acc_end_test(ctx) + found.acc_end_test(ctx)
  luaunit.assertEquals(calls, { 7 })

  local without = { batch = function(_, n, index) calls = { n, index } return batch end }
  probes.batch_metrics(without).acc_end_test(ctx)
  luaunit.assertEquals(calls, { 512, 1000000007 })
end

function tests.test_outputs_out_of_distribution()
  -- Training draws outputs from the first three quarters of the tokens, the other from the rest.
  local function task(first, last)
    return mnemo.data.bigram {
      corpus = mnemo.corpus.uniform(8), triggers = 2, outputs_range = { first, last },
      seq_len = 24, seed = 5,
    }
  end
  local seen, unseen = task(1, 6), task(7, 8)
  for drawn, range in pairs { [seen] = { 1, 6 }, [unseen] = { 7, 8 } } do
    local held_out = drawn:held_out(32)
    local outputs = held_out.occurrence:ge(1)
    local targets = held_out.targets:tensor()
    luaunit.assertTrue(outputs:sum():item() > 0)
    luaunit.assertEquals((targets:lt(range[1]) * outputs):sum():item(), 0)
    luaunit.assertEquals((targets:gt(range[2]) * outputs):sum():item(), 0)
  end
  -- A model that answers 7 after every token: right where 7 is the output, wrong on all others.
  local sevens = mnemo.model.custom {
    vocab = 8, parameters = { scores = mnemo.one_hot(mnemo.int_tensor { 7 }, 8) },
    forward = function(tokens, p)
      return p.scores:expand(tokens:size(1), tokens:size(2), 8)
    end,
  }
  local found = probes.batch_metrics(seen, { held_out = 32, others = { ood = unseen } })
  local ctx = { model = sevens }
  luaunit.assertEquals(found.acc_end_test(ctx), 0)
  local batch_of_unseen = unseen:held_out(32)
  local asked = batch_of_unseen.occurrence:ge(2)
  local hits = (batch_of_unseen.targets:eq(7) * asked):sum():item()
  luaunit.assertAlmostEquals(found.acc_end_ood(ctx), hits / asked:sum():item(), 1e-6)
  luaunit.assertTrue(found.acc_end_ood(ctx) > 0.2)
end

function tests.test_nothing_to_count_gives_nan()
  local task, ctx = task_and_context()
  ctx.batch = {
    tokens = batch.tokens, targets = batch.targets,
    occurrence = mnemo.int_tensor { { 0, 0, 0, 0, 0 }, { 0, 0, 0, 0, 0 } },
  }
  local found = probes.batch_metrics(task)
  for _, name in ipairs { "acc_tot", "acc_start", "acc_end", "loss_head", "repeat_frac" } do
    assert_nan(found[name](ctx), name)
  end
  luaunit.assertErrorMsgContains("did you mean 'held_out'?", probes.batch_metrics, task,
    { heldout = 3 })
end

function tests.test_cosine_of_change()
  local task = mnemo.data.bigram { triggers = 4, seq_len = 9, seed = 1 }
  local function model(seed)
    return mnemo.model.simplified {
      vocab = task.vocab_size, dim = 12, max_len = 9, seed = seed,
    }
  end
  local changed = model(1)
  local found = probes.change_cosines(task, changed)
  for name, probe in pairs(found) do assert_nan(probe { model = changed }, name) end
  -- Twice the ideal sum is added to each, whatever the matrix was before.
  local memories = probes.induction_memories(changed, task)
  for _, memory in pairs(memories) do
    local ideal = memory.outputs:t():matmul(memory.inputs) * 2
    local W = changed:get(memory.parameter)
    changed:set(memory.parameter, W + (memory.transposed and ideal:t() or ideal))
  end
  local names = {}
  for name, probe in pairs(found) do
    names[#names + 1] = name
    luaunit.assertAlmostEquals(probe { model = changed }, 1, 1e-5, name)
  end
  luaunit.assertItemsEquals(names, { "change_wk0", "change_wk1", "change_wo1" })
  -- The sum of two tokens alone, taken away.
  local wo1 = memories.wo1
  local two = mnemo.int_tensor { 1, 3 }
  local one = wo1.outputs[two]:t():matmul(wo1.inputs[two])
  local before = model(1):get(wo1.parameter)
  changed:set(wo1.parameter, before - one)
  luaunit.assertAlmostEquals(found.change_wo1 { model = changed },
    -probes.cosine(one, wo1.outputs:t():matmul(wo1.inputs)), 1e-5)
end

---- Attention ----

--- Returns attention [B, H, T, T] in which each head looks at the given positions only.
-- @tparam table heads for each head, the positions [B][T]
local function attention_at(heads)
  local layers = {}
  for h, positions in ipairs(heads) do
    layers[h] = mnemo.one_hot(mnemo.int_tensor(positions), #positions[1])
  end
  return mnemo.stack(layers, 2)
end

local previous = { { 1, 1, 2, 3, 4 }, { 1, 1, 2, 3, 4 } }
local present = { { 1, 2, 3, 4, 5 }, { 1, 2, 3, 4, 5 } }

--- Returns the probes' values for heads of the first and the second layer.
local function attention_values(first, second, ids)
  local parameters = {
    ["layers.0.attention.wk.weight"] = mnemo.eye(2),
    ["layers.1.attention.wk.weight"] = second and mnemo.eye(2),
  }
  local maps = { attention_at(first), second and attention_at(second) }
  local ctx = {
    model = model_of(parameters, maps), batch = batch, logits = logits_for(ids or answers, 4),
  }
  local values = {}
  for name, probe in pairs(probes.attention_metrics()) do values[name] = probe(ctx) end
  return values
end

function tests.test_a_previous_token_head_scores_one()
  luaunit.assertEquals(attention_values({ previous }).score_acc, 1)
  luaunit.assertEquals(attention_values({ present }).score_acc, 0)
  -- Of several heads the best one counts.
  luaunit.assertEquals(attention_values({ present, previous }).score_acc, 1)
  -- Looks back from three of the five tokens that follow a trigger.
  local some = { { 1, 1, 3, 3, 5 }, { 1, 2, 2, 4, 5 } }
  luaunit.assertAlmostEquals(attention_values({ some }).score_acc, 3 / 5, 1e-6)
end

function tests.test_an_induction_head_scores_one()
  -- Where 1 stands for the second or third time, look at the token after an earlier 1.
  local induction = { { 1, 1, 2, 1, 1 }, { 1, 1, 3, 4, 1 } }
  local copied = { { 2, 1, 2, 3, 4 }, { 1, 1, 1, 1, 3 } }
  local values = attention_values({ previous }, { induction }, copied)
  luaunit.assertEquals(values.score2_acc, 1)
  luaunit.assertEquals(values.pred_attended_acc, 1)
  -- A head that looks at the first token has nothing before it.
  local first = { { 1, 1, 1, 1, 1 }, { 1, 1, 1, 1, 1 } }
  values = attention_values({ previous }, { first }, { { 1, 1, 1, 1, 1 }, { 1, 1, 4, 1, 1 } })
  luaunit.assertEquals(values.score2_acc, 0)
  luaunit.assertAlmostEquals(values.pred_attended_acc, 2 / 3, 1e-6)
end

function tests.test_the_first_layer_at_first_occurrences()
  luaunit.assertEquals(attention_values({ previous }).score_start_acc, 1)
  luaunit.assertEquals(attention_values({ present }).score_start_acc, 0)
  -- The triggers stand first at 1 and at 2: from the next token, one of two is looked at.
  local some = { { 1, 2, 2, 3, 4 }, { 1, 1, 2, 3, 4 } }
  luaunit.assertEquals(attention_values({ some }).score_start_acc, 1 / 2)
end

function tests.test_the_first_layer_where_the_second_looks()
  -- Looks at 2 in the first sequence, and from its repeated triggers at 3 and 4 in the second.
  local second = { { 1, 1, 2, 1, 1 }, { 1, 1, 3, 4, 1 } }
  luaunit.assertEquals(attention_values({ previous }, { second }).score_cond_acc, 1)
  luaunit.assertEquals(attention_values({ present }, { second }).score_cond_acc, 0)
  local some = { { 1, 1, 1, 1, 1 }, { 1, 2, 2, 4, 5 } }
  luaunit.assertAlmostEquals(attention_values({ some }, { second }).score_cond_acc, 2 / 3, 1e-6)
  luaunit.assertEquals(attention_values({ some, previous }, { second }).score_cond_acc, 1)
  -- Nothing stands before the first token: where the second layer looks there, nothing is asked.
  local first = { { 1, 1, 1, 1, 1 }, { 1, 1, 1, 4, 1 } }
  luaunit.assertEquals(attention_values({ some }, { first }).score_cond_acc, 0)
  assert_nan(attention_values({ previous }, { { first[1], first[1] } }).score_cond_acc)
end

function tests.test_the_second_layer_looks_at_the_answer()
  -- The targets at the three repeats are 2, 1 and 3; the tokens looked at are 2, 1 and 1.
  local second = { { 1, 1, 2, 1, 1 }, { 1, 1, 3, 4, 1 } }
  luaunit.assertAlmostEquals(attention_values({ previous }, { second }).score2_next_acc, 2 / 3,
    1e-6)
  luaunit.assertEquals(attention_values({ previous }, { present, second }).score2_next_acc, 2 / 3)
end

function tests.test_a_model_of_one_layer_has_no_second()
  local values = attention_values({ previous })
  for _, name in ipairs { "score2_acc", "score2_next_acc", "score_cond_acc", "pred_attended_acc" }
  do
    assert_nan(values[name], name)
  end
end

---- Heads ----

--- Returns a model of one layer whose heads look where `heads` says, by weights [B][T][T].
local function heads_model(heads)
  local maps = {}
  for h, weights in ipairs(heads) do maps[h] = mnemo.tensor(weights) end
  local parameters = { ["layers.0.attention.wk.weight"] = mnemo.eye(2) }
  return model_of(parameters, { mnemo.stack(maps, 2) })
end

function tests.test_head_scores_by_hand()
  -- Token 1 stands at 1, 3 and 4. After an earlier one stands, for 3, position 2; for 4, positions
  -- 2 and 4.
  local tokens = mnemo.int_tensor { { 1, 2, 1, 1, 3 } }
  local previous_head = {
    { { 1, 0, 0, 0, 0 }, { 1, 0, 0, 0, 0 }, { 0, 1, 0, 0, 0 }, { 0, 0, 1, 0, 0 },
      { 0, 0, 0, 1, 0 } },
  }
  local mixed_head = {
    { { 1, 0, 0, 0, 0 }, { 0.25, 0.75, 0, 0, 0 }, { 0.5, 0.5, 0, 0, 0 }, { 0, 0.25, 0, 0.5, 0.25 },
      { 0.2, 0.2, 0.2, 0.2, 0.2 } },
  }
  local model = heads_model { previous_head, mixed_head }
  local found = probes.head_scores(model, tokens)
  luaunit.assertEquals(#found, 2)
  luaunit.assertEquals({ found[1].layer, found[1].head, found[2].head }, { 1, 1, 2 })
  luaunit.assertEquals(found[1].previous, 1)
  -- From 3 it looks at 2, as an induction head does; from 4 at 3, as none does.
  luaunit.assertAlmostEquals(found[1].induction, 1 / 2, 1e-6)
  luaunit.assertAlmostEquals(found[2].previous, (0.25 + 0.5 + 0 + 0.2) / 4, 1e-6)
  luaunit.assertAlmostEquals(found[2].induction, (0.5 + 0.75) / 2, 1e-6)

  local at_four = probes.head_scores(model, tokens, mnemo.tensor { { 1, 0, 0, 1, 0 } })
  luaunit.assertAlmostEquals(at_four[2].previous, 0, 1e-6)
  luaunit.assertAlmostEquals(at_four[2].induction, 0.75, 1e-6)
end

function tests.test_head_scores_beside_uniform_attention()
  -- As above: of 3 positions one is right for an induction head, of 4 two.
  local tokens = mnemo.int_tensor { { 1, 2, 1, 1, 3 }, { 4, 5, 6, 7, 8 } }
  local alike = {}
  for t = 1, 5 do
    alike[t] = {}
    for u = 1, 5 do alike[t][u] = u <= t and 1 / t or 0 end
  end
  local model = heads_model { { alike, alike } }
  local wanted = { previous = (1 / 2 + 1 / 3 + 1 / 4 + 1 / 5) / 4, induction = (1 / 3 + 1 / 2) / 2 }
  local at_four = { previous = 1 / 4, induction = 1 / 2 }
  for levels, where in pairs {
    [wanted] = false, [at_four] = mnemo.tensor { { 1, 0, 0, 1, 0 }, { 0, 0, 0, 0, 0 } },
  } do
    local found = probes.head_scores(model, tokens, where or nil)[1]
    for name, value in pairs(levels) do
      luaunit.assertAlmostEquals(found[name], value, 1e-6, name)
      luaunit.assertAlmostEquals(found[name .. "_uniform"], value, 1e-6, name)
    end
  end
end

function tests.test_head_scores_of_several_sequences()
  -- The second sequence has no token twice: only the first counts in `induction`.
  local tokens = { { 1, 2, 1 }, { 3, 2, 1 } }
  local looks_back = { { 1, 0, 0 }, { 1, 0, 0 }, { 0, 1, 0 } }
  local looks_first = { { 1, 0, 0 }, { 1, 0, 0 }, { 1, 0, 0 } }
  local found = probes.head_scores(heads_model { { looks_back, looks_first } }, tokens)
  luaunit.assertAlmostEquals(found[1].previous, 3 / 4, 1e-6)
  luaunit.assertAlmostEquals(found[1].induction, 1, 1e-6)
  local none = probes.head_scores(heads_model { { looks_back } }, { { 3, 2, 1 } })
  luaunit.assertEquals(none[1].previous, 1)
  assert_nan(none[1].induction, "no token twice")
  luaunit.assertEquals(probes.head_scores(model_of {}, tokens), {})
end

function tests.test_head_scores_of_real_models()
  local task = mnemo.data.bigram { seq_len = 20, triggers = 2, seed = 1 }
  local tokens = task:held_out(3).tokens
  local model = mnemo.model.transformer {
    vocab = task.vocab_size, dim = 12, layers = 3, heads = 2, max_len = 20, seed = 1,
  }
  local found = probes.head_scores(model, tokens)
  luaunit.assertEquals(#found, 6)
  local ids = tokens:totable()
  for i, score in ipairs(found) do
    luaunit.assertEquals({ score.layer, score.head }, { (i + 1) // 2, (i - 1) % 2 + 1 })
    local maps = model:attention(tokens, score.layer):totable()
    local sums, counts = { 0, 0 }, { 0, 0 }
    for b = 1, 3 do
      for t = 2, 20 do
        local row, after, any = maps[b][score.head][t], 0, false
        for u = 2, t do
          if ids[b][u - 1] == ids[b][t] then after, any = after + row[u], true end
        end
        sums[1], counts[1] = sums[1] + row[t - 1], counts[1] + 1
        if any then sums[2], counts[2] = sums[2] + after, counts[2] + 1 end
      end
    end
    luaunit.assertAlmostEquals(score.previous, sums[1] / counts[1], 1e-5)
    luaunit.assertAlmostEquals(score.induction, sums[2] / counts[2], 1e-5)
  end
  luaunit.assertErrorMsgContains("#3 to 'probes.head_scores' (shape [3, 20] expected, got [3, 19])",
    probes.head_scores, model, tokens, mnemo.ones(3, 19))
  luaunit.assertErrorMsgContains("length", probes.head_scores, model,
    mnemo.data.bigram { seq_len = 21, triggers = 2, seed = 1 }:held_out(1).tokens)
end

---- Norms ----

function tests.test_norms_of_what_is_trained()
  local trained, frozen = mnemo.tensor { { 3, 0 } }, mnemo.tensor { 100 }
  trained:requires_grad(true)
  local ctx = { model = model_of { trained = trained, frozen = frozen } }
  local found = probes.norms()
  luaunit.assertAlmostEquals(found.param_norm(ctx), 3, 1e-6)
  assert_nan(found.grad_norm(ctx), "before the first backward pass")
  local loss = (trained * mnemo.tensor { { 6, 8 } }):sum()
  loss:backward()
  luaunit.assertAlmostEquals(found.grad_norm(ctx), 10, 1e-5)
end

function tests.test_norms_of_each_parameter()
  local a, b, frozen = mnemo.tensor { { 3, 4 } }, mnemo.tensor { 2 }, mnemo.tensor { 100 }
  a:requires_grad(true)
  b:requires_grad(true)
  local model = model_of { a = a, b = b, frozen = frozen }
  local found, names = probes.norms(model), {}
  for name in pairs(found) do names[#names + 1] = name end
  luaunit.assertItemsEquals(names, { "param_norm", "param_norm_a", "param_norm_b", "grad_norm",
    "grad_norm_a", "grad_norm_b" })
  luaunit.assertAlmostEquals(found.param_norm_a { model = model }, 5, 1e-6)
  luaunit.assertAlmostEquals(found.param_norm { model = model }, math.sqrt(29), 1e-6)
  assert_nan(found.grad_norm_b { model = model }, "before the first backward pass")
  local loss = (a * mnemo.tensor { { 5, 12 } }):sum()
  loss:backward()
  luaunit.assertAlmostEquals(found.grad_norm_a { model = model }, 13, 1e-5)
end

---- On the real model and task ----

function tests.test_probes_run_in_training()
  local task = mnemo.data.bigram {
    corpus = mnemo.corpus.uniform(6), triggers = 2, trigger_kind = "fixed", outputs = "uniform",
    seq_len = 12, seed = 1,
  }
  local model = mnemo.model.simplified { vocab = 6, dim = 8, max_len = 12, seed = 1 }
  local all = {}
  for _, group in ipairs {
    probes.induction(task), probes.batch_metrics(task, { held_out = 16 }),
    probes.attention_metrics(), probes.norms(model),
  } do
    for name, probe in pairs(group) do all[name] = probe end
  end
  local run = mnemo.train {
    model = model, data = task, steps = 2, batch_size = 16, loss_on = "repeats", eval_every = 1,
    optimizer = mnemo.optim.sgd { lr = 0.1 }, probes = all, progress = false,
  }
  luaunit.assertEquals(#run.history, 3)
  local last = run.history[3]
  for name in pairs(all) do
    luaunit.assertEquals(type(last[name]), "number", name)
    local bounded = name:find("^acc") or name:find("^w") or name:find("^score")
    luaunit.assertTrue(not bounded or last[name] >= 0 and last[name] <= 1, name)
  end
end

os.exit(luaunit.LuaUnit.new():runSuiteByInstances { { "probes", tests } })
