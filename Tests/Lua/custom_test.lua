-- Models and tasks written in Lua stand beside the built-in ones.
local lu = require "luaunit"
local mnemo = require "mnemo"

local function difference(a, b) return (a - b):abs():max():item() end
local function message(f, ...) return select(2, pcall(f, ...)) end

--- Writes M1 down in tensor operations, with copies of a built-in model's parameters.
local function rewritten(built)
  local config, parameters = built.config, {}
  for name, tensor in pairs(built:parameters()) do parameters[name] = tensor:detach():clone() end
  local d = config.dim
  local function attend(p, layer, x)
    local prefix = "layers." .. layer .. ".attention."
    local n = x:size(2)
    local positions = mnemo.arange(1, n)
    local hidden = positions:reshape(n, 1):lt(positions) * -1e30
    local scores = x:matmul(x:matmul(p[prefix .. "wk.weight"]:t()):transpose(2, 3)) / math.sqrt(d)
    return (scores + hidden):softmax(3):matmul(x)
      :matmul(p[prefix .. "wv.weight"]:t()):matmul(p[prefix .. "wo.weight"]:t())
  end
  local model = mnemo.model.custom {
    vocab = config.vocab, max_len = config.max_len, parameters = parameters,
    forward = function(tokens, p, visit)
      local x = p["tok_embeddings.weight"][tokens] + p.pe:narrow(1, 1, tokens:size(2))
      x = x + visit("first", attend(p, 0, x))
      x = x + visit("second", attend(p, 1, x))
      return x:matmul(p["output.weight"]:t())
    end,
  }
  for _, glob in ipairs { "tok_embeddings.*", "pe", "output.*", "*.wv.*", "layers.0.*.wo.*" } do
    model:freeze(glob)
  end
  return model
end

--- Trains a parameter of 3 × 4 for a step, by which its row 1 learns that column 2 comes next.
local function trained(w)
  local model = mnemo.model.custom {
    vocab = 4, parameters = { w = w }, forward = function(tokens, p) return p.w[tokens] end,
  }
  mnemo.train {
    model = model, steps = 1, batch_size = 1, progress = false,
    optimizer = mnemo.optim.sgd { lr = 1 },
    data = mnemo.data.custom {
      vocab = 4, seq_len = 1, seed = 1, sample = function() return { 1, 2 } end,
    },
  }
  return model:get "w"
end

local task = mnemo.data.bigram { seq_len = 24, triggers = 3, seed = 1 }

local function pair()
  local built = mnemo.model.simplified {
    vocab = task.vocab_size, dim = 32, max_len = 24, seed = 2,
  }
  return built, rewritten(built)
end

local tests = {}

function tests.test_views_are_trained_in_their_own_elements()
  local expected = trained(mnemo.zeros(3, 4)):totable()
  lu.assertTrue(expected[1][2] > 0.7 and expected[2][1] == 0)
  local wide, tall = mnemo.zeros(5, 8), mnemo.zeros(10, 4)
  for label, view in pairs {
    transposed = mnemo.zeros(4, 3):t(), expanded = mnemo.zeros(1, 1):expand(3, 4),
    columns = wide:narrow(2, 3, 4):narrow(1, 1, 3), rows = tall:narrow(1, 2, 3),
  } do
    lu.assertEquals(trained(view):totable(), expected, label)
  end
  -- What lies side by side is trained itself; of what does not, a copy.
  lu.assertEquals(wide:abs():sum():item(), 0)
  lu.assertEquals(tall:narrow(1, 2, 3):totable(), expected)
  lu.assertEquals(tall:abs():sum():item(), mnemo.tensor(expected):abs():sum():item())
end

function tests.test_parameters_that_share_elements_are_refused()
  local w = mnemo.zeros(4, 4)
  for _, other in ipairs { w, w:narrow(1, 2, 1), w:reshape(2, 8) } do
    local options = { vocab = 4, parameters = { a = w, b = other }, forward = print }
    lu.assertStrContains(message(mnemo.model.custom, options),
      "parameters 'a' and 'b' share elements")
  end
end

function tests.test_names_are_their_bytes()
  -- One character, and two that look like it.
  local composed, combined = "\u{e9}", "e\u{301}"
  local model = mnemo.model.custom {
    vocab = 2, parameters = { [composed] = mnemo.zeros(2, 2), [combined] = mnemo.ones(2, 2) },
    forward = function(tokens, p) return (p[composed] + p[combined])[tokens] end,
  }
  lu.assertEquals(model:get(composed):sum():item(), 0)
  lu.assertEquals(model:get(combined):sum():item(), 4)
  model:load_state { [composed] = mnemo.full(2, 2, 2), [combined] = mnemo.full(2, 2, 3) }
  lu.assertEquals(model:get(composed):sum():item(), 8)
  lu.assertEquals(model:get(combined):sum():item(), 12)
  local run = mnemo.train {
    model = model, steps = 0, batch_size = 1, optimizer = mnemo.optim.sgd { lr = 1 },
    progress = false,
    data = mnemo.data.custom {
      vocab = 2, seq_len = 1, seed = 1, sample = function() return { 1, 2 } end,
    },
    probes = { [composed] = function() return 1 end, [combined] = function() return 2 end },
  }
  lu.assertEquals(run:series(composed), { 1 })
  lu.assertEquals(run:series(combined), { 2 })
end

function tests.test_one_optimizer_for_models_of_different_width()
  for _, make in ipairs {
    function() return mnemo.optim.adamw { lr = 0.01 } end,
    function() return mnemo.optim.sgd { lr = 0.1, momentum = 0.9 } end,
  } do
    local function losses(optimizer_of)
      local result = {}
      for _, dim in ipairs { 16, 64, 8 } do
        local model = mnemo.model.simplified { vocab = 65, dim = dim, max_len = 8, seed = 1 }
        local run = mnemo.train {
          model = model, data = mnemo.data.bigram { seq_len = 8, seed = 1 }, steps = 4,
          batch_size = 2, eval_every = 1, optimizer = optimizer_of(), progress = false,
        }
        result[#result + 1] = run:series "loss"
      end
      return result
    end
    local shared = make()
    lu.assertEquals(losses(function() return shared end), losses(make))
  end
end

function tests.test_m1_in_lua_gives_the_same_logits_loss_and_gradients()
  local built, model = pair()
  local batch = task:batch(8, 1)
  local logits = built(batch.tokens)
  lu.assertTrue(difference(model(batch.tokens), logits) <= 1e-5 * logits:abs():max():item())
  for _, mask in ipairs { "all", "outputs", "repeats" } do
    local a, b = built:loss(batch, mask), model:loss(batch, mask)
    lu.assertAlmostEquals(b:item(), a:item(), 1e-5 * math.abs(a:item()))
    a:backward()
    b:backward()
  end
  lu.assertEquals(#model:trainable(), 3)
  for _, name in ipairs(built:trainable()) do
    local expected = built:get(name).grad
    lu.assertTrue(difference(model:get(name).grad, expected)
      <= 1e-5 * expected:abs():max():item(), name)
  end
end

function tests.test_calls_compute_where_the_mask_says()
  local tokens = task:batch(2).tokens
  local mask = tokens:ge(20)
  for _, model in ipairs { pair() } do
    local wanted = model(tokens, mask)
    lu.assertEquals(wanted:shape(), { mask:sum():item(), task.vocab_size })
    lu.assertEquals(difference(wanted, model:forward(tokens, mask)), 0)
    lu.assertEquals(difference(model(tokens), model:forward(tokens)), 0)
    lu.assertStrContains(message(model, tokens, 3),
      "bad argument #2 to '__call' (Tensor expected, got number)")
  end
end

function tests.test_m1_in_lua_trains_to_the_same_history()
  local built, model = pair()
  local function losses(which)
    return mnemo.train {
      model = which, data = task, steps = 50, batch_size = 16, loss_on = "repeats",
      optimizer = mnemo.optim.sgd { lr = 0.1, momentum = 0.9 }, eval_every = 5, progress = false,
    }:series("loss")
  end
  local a, b = losses(built), losses(model)
  lu.assertEquals(#a, 11)
  lu.assertTrue(a[1] ~= a[11])
  for i = 1, 11 do lu.assertAlmostEquals(b[i], a[i], 1e-3) end
end

function tests.test_probes_freezing_cloning_and_saving()
  local _, model = pair()
  local before = model(task:held_out(2).tokens)
  local copy = model:clone()
  mnemo.train {
    model = model, data = task, steps = 3, batch_size = 4, progress = false,
    optimizer = mnemo.optim.sgd { lr = 0.1 }, probes = mnemo.probes.induction(task),
  }
  lu.assertEquals(difference(copy(task:held_out(2).tokens), before), 0)
  lu.assertTrue(difference(model(task:held_out(2).tokens), before) > 0)
  local path = os.tmpname()
  model:save(path)
  local tensors, metadata = mnemo.safetensors.load(path)
  lu.assertEquals(metadata.kind, "custom")
  copy:load_state(tensors)
  lu.assertEquals(difference(copy(task:held_out(2).tokens), model(task:held_out(2).tokens)), 0)
  copy = model:clone()
  copy:get("pe"):fill_(0)
  lu.assertIs(copy:load_state(path), copy)
  lu.assertEquals(copy:get("pe"):totable(), model:get("pe"):totable())
  local hint = message(mnemo.model.load, path)
  lu.assertStrContains(hint, "holds a custom model, whose forward pass is in no file")
  lu.assertStrContains(hint, ('"vocab":%d'):format(task.vocab_size))
  lu.assertStrContains(hint, "pe [24, 32], tok_embeddings.weight [65, 32]")
  lu.assertStrContains(hint, ('model:load_state("%s")'):format(path))
  os.remove(path)
  lu.assertStrContains(message(model.load_state, model, path), path)
  model:freeze("*")
  lu.assertEquals(model:trainable(), {})
end

function tests.test_visited_tensors_are_traced_and_patched()
  local built, model = pair()
  local tokens = task:held_out(2).tokens
  local kept = model:trace(tokens, { "first", "second" })
  lu.assertTrue(difference(kept.first,
    built:trace(tokens, "layers.0.attention_output")["layers.0.attention_output"]) < 1e-4)
  local ablated = model:patch(tokens, { second = function(t) return t * 0 end })
  local expected = built:patch(tokens, {
    ["layers.1.attention_output"] = function(t) return t * 0 end,
  })
  lu.assertTrue(difference(ablated, expected) < 1e-3)
end

--- A model of two layers of uniform attention that shows what the built-in ones do.
local function showing()
  return mnemo.model.custom {
    vocab = 5, parameters = { e = mnemo.randn(5, 3, { seed = 1 }) },
    forward = function(tokens, p, visit)
      local length = tokens:size(2)
      local places = mnemo.arange(1, length)
      local before = places:reshape(length, 1):ge(places)
      local x = visit("embeddings", p.e[tokens])
      for layer = 0, 1 do
        local weights = (before / before:sum(2, true)):expand(tokens:size(1), 1, length, length)
        local attention = visit(("layers.%d.attention"):format(layer), weights)
        x = visit(("layers.%d.residual"):format(layer), x + attention:select(2, 1):matmul(x))
      end
      return x:matmul(p.e:t())
    end,
  }
end

function tests.test_a_custom_model_that_names_its_layers_is_looked_into()
  local model, tokens = showing(), mnemo.int_tensor { { 1, 2, 1, 2 }, { 3, 5, 4, 1 } }
  lu.assertEquals(model.layers, 2)
  local kept = model:trace(tokens)
  lu.assertEquals(difference(model:residual(tokens, 0), kept.embeddings), 0)
  lu.assertEquals(difference(model:residual(tokens, 2), kept["layers.1.residual"]), 0)
  lu.assertEquals(model:attention(tokens, 1)[2][1][3]:totable()[4], 0)
  lu.assertAlmostEquals(model:attention(tokens, 1)[2][1][3][2]:item(), 1 / 3, 1e-6)
  local scores = mnemo.probes.head_scores(model, tokens)
  lu.assertEquals(#scores, 2)
  for layer, score in ipairs(scores) do
    lu.assertEquals({ score.layer, score.head }, { layer, 1 })
    lu.assertAlmostEquals(score.previous, (1 / 2 + 1 / 3 + 1 / 4) / 3, 1e-6)
    -- Tokens 1 and 2 of the first sequence have each one place after an earlier occurrence.
    lu.assertAlmostEquals(score.induction, (1 / 3 + 1 / 4) / 2, 1e-6)
  end
  -- Of equal weights the first counts as the largest: the token after a trigger looks at place 1.
  local occurrence = mnemo.tensor { { 1, 0, 0, 0 }, { 0, 1, 0, 0 } }
  local ctx = { model = model, batch = { tokens = tokens, occurrence = occurrence } }
  lu.assertEquals(mnemo.probes.attention_metrics().score_acc(ctx), 1 / 2)
end

function tests.test_what_a_custom_model_does_not_show_is_told()
  local model, tokens = showing(), mnemo.int_tensor { { 1, 2 } }
  lu.assertStrContains(message(model.attention, model, tokens, 3),
    "the forward pass shows no 'layers.2.attention'; it shows embeddings, layers.0.attention")
  lu.assertStrContains(message(model.attention, model, tokens, 0), "layer 0 (allowed: 1 or more)")
  local _, silent = pair()
  lu.assertEquals(mnemo.probes.head_scores(silent, tokens), {})
  lu.assertEquals(silent.layers, 0)
end

---- Classes ----

--- A task that asks for the last token of four, as a class: 1 for ids up to 3, 2 for the others;
-- or at every position.
local function halves(options)
  options = options or {}
  options.vocab, options.seq_len, options.classes, options.seed = 6, 4, 2, 1
  local every = options.positions == "all"
  options.sample = function(rng)
    local ids, classes = {}, {}
    for t = 1, 4 do
      ids[t] = rng:integer(1, 6)
      classes[t] = ids[t] > 3 and 2 or 1
    end
    return ids, every and classes or classes[4]
  end
  return mnemo.data.custom(options)
end

--- A model that knows the task's answers by its table w [6, 2].
local function reader(positions, options)
  options = options or {}
  options.vocab, options.outputs, options.positions = 6, options.outputs or 2, positions
  options.parameters = options.parameters or { w = mnemo.zeros(6, options.outputs) }
  options.forward = options.forward or function(tokens, p)
    local logits = p.w[tokens]
    return positions == "last" and logits:select(2, logits:size(2)) or logits
  end
  return mnemo.model.custom(options)
end

function tests.test_a_model_says_what_it_answers_and_where()
  local w = mnemo.randn(6, 2, { seed = 1 })
  local last = reader("last", { parameters = { w = w } })
  local all = reader("all", { parameters = { w = w:detach():clone() } })
  local tokens = mnemo.int_tensor { { 1, 5, 2 }, { 6, 6, 4 }, { 2, 1, 3 } }
  lu.assertEquals(all(tokens):shape(), { 3, 3, 2 })
  lu.assertEquals(last(tokens):shape(), { 3, 2 })
  lu.assertEquals(difference(last(tokens), all(tokens):select(2, 3)), 0)
  lu.assertEquals(difference(last:trace(tokens, "logits").logits, last(tokens)), 0)
  local chosen = last(tokens, mnemo.tensor { 0, 1, 1 })
  lu.assertEquals(chosen:totable(), last(tokens):narrow(1, 2, 2):totable())
  lu.assertStrContains(message(last, tokens, mnemo.ones(3, 3)),
    "the mask has shape [3, 3]; of a model that answers at the last position it has one entry a "
    .. "sequence, [3]")
  lu.assertEquals({ last.config.outputs, last.config.positions }, { 2, "last" })
  lu.assertEquals({ all.config.outputs, all.config.positions }, { 2, "all" })
  local copy = last:clone()
  lu.assertEquals(copy(tokens):totable(), last(tokens):totable())
  lu.assertStrContains(message(last.generate, last, { 1 }),
    "the model reads 6 tokens but gives 2 outputs")
  local wrong = reader("last", { forward = function(ids, p) return p.w[ids] end })
  lu.assertStrContains(message(wrong, tokens),
    "must return logits of shape [3, 2] = [B, outputs], got [3, 3, 2]")
  lu.assertStrContains(message(reader, "all", { outputs = 1 }), "outputs = 1 (allowed: 2 or more)")
  lu.assertStrContains(message(reader, "some"), '"all" or "last" expected, got "some"')
end

function tests.test_a_model_that_answers_by_tokens_at_the_last_position_generates()
  -- After each token comes the one above it.
  local model = mnemo.model.custom {
    vocab = 3, positions = "last",
    parameters = { w = mnemo.tensor { { 0, 9, 0 }, { 0, 0, 9 }, { 9, 0, 0 } } },
    forward = function(tokens, p) return p.w[tokens:select(2, tokens:size(2))] end,
  }
  lu.assertEquals(model:generate({ 1 }, { length = 4, temperature = 0 }):totable(),
    { 1, 2, 3, 1, 2 })
end

function tests.test_a_task_asks_for_classes()
  local last, every = halves():batch(5, 1), halves({ positions = "all" }):batch(5, 1)
  lu.assertEquals(last.tokens:totable(), every.tokens:totable())
  lu.assertEquals(last.tokens:shape(), { 5, 4 })
  lu.assertEquals(every.targets:totable(), (every.tokens:ge(4) + 1):totable())
  lu.assertEquals(last.targets:totable(), every.targets:select(2, 4):totable())
  local made = halves()
  lu.assertEquals({ made.classes, made.positions }, { 2, "last" })
  lu.assertEquals({ made.options.classes, made.options.positions }, { 2, "last" })
  lu.assertNil(task.classes)
end

function tests.test_the_loss_of_classes()
  local w = mnemo.randn(6, 2, { seed = 3 })
  local batch = halves():batch(7, 1)
  local logits = w[batch.tokens:select(2, 4)]
  local expected = logits:cross_entropy(batch.targets):item()
  local weights = mnemo.tensor { 0, 1, 0, 2, 0, 0, 1 }
  local weighed = logits:cross_entropy(batch.targets, { mask = weights }):item()
  for _, positions in ipairs { "last", "all" } do
    local model = reader(positions, { parameters = { w = w:clone() } })
    lu.assertAlmostEquals(model:loss(batch):item(), expected, 1e-6)
    lu.assertAlmostEquals(model:loss(batch, weights):item(), weighed, 1e-6)
  end
  -- A built-in model answers at the last position, too.
  local model = mnemo.model.simplified { vocab = 6, dim = 8, max_len = 4, seed = 1 }
  local answers = model(batch.tokens):select(2, 4)
  lu.assertAlmostEquals(model:loss(batch):item(), answers:cross_entropy(batch.targets):item(), 1e-5)
  lu.assertStrContains(message(model.loss, model, batch, mnemo.ones(7, 4)),
    "targets [7] and mask [7, 4] need one entry for each sequence of tokens [7, 4]")
end

function tests.test_classes_are_learned()
  for positions, asked in pairs { last = halves(), all = halves { positions = "all" } } do
    local model = reader(positions)
    local run = mnemo.train {
      model = model, data = asked, steps = 60, batch_size = 16, progress = false,
      optimizer = mnemo.optim.adamw { lr = 0.1 },
      probes = mnemo.probes.accuracy(asked, { held_out = 32 }),
      loss_on = positions == "last" and function(batch) return batch.targets:ge(1) end or "all",
    }
    local first, last = run.history[1], run.history[#run.history]
    lu.assertAlmostEquals(first.loss, math.log(2), 1e-6)
    lu.assertEquals({ last.acc, last.acc_test }, { 1, 1 })
    lu.assertTrue(last.loss < 0.1 and last.loss_test < 0.1)
    -- Of two equal logits the first counts.
    local held_out = asked:held_out(32)
    lu.assertAlmostEquals(first.acc_test, held_out.targets:eq(1):mean():item(), 1e-6)
  end
end

function tests.test_models_and_tasks_that_do_not_fit()
  local function train(model, asked, options)
    options = options or {}
    options.model, options.data, options.steps, options.progress = model, asked, 1, false
    options.optimizer = mnemo.optim.sgd { lr = 0.1 }
    return message(mnemo.train, options)
  end
  local three = mnemo.data.custom {
    vocab = 6, seq_len = 1, classes = 3, sample = function() return { 1 }, 3 end,
  }
  lu.assertStrContains(train(reader "last", three),
    "the data has targets of 3 classes, the model 2 outputs")
  lu.assertStrContains(train(reader "all", task), "the data has 65 tokens, the model a vocab of 6")
  lu.assertStrContains(message(function() return reader("last"):loss(three:batch(2)) end),
    "target 3 is outside 1…2")
  lu.assertStrContains(
    train(reader "last", halves(), { loss_on = function(batch) return batch.tokens:ge(1) end }),
    "loss_on gave a mask of shape [64, 4] (allowed: [64], as targets)")
  local asked = halves()
  lu.assertStrContains(message(mnemo.probes.batch_metrics, asked),
    "a task with a target at every position expected; probes.accuracy takes others")
  lu.assertStrContains(message(mnemo.probes.answers, reader "last", asked), "bad argument #2")
  lu.assertStrContains(
    message(mnemo.probes.accuracy(asked).acc, {
      model = reader "last", logits = mnemo.zeros(2, 2), batch = task:batch(2),
    }), "the model answers at the last position alone")
  local named = reader("last", {
    parameters = { ["tok_embeddings.weight"] = mnemo.zeros(6, 3) },
    forward = function(tokens) return mnemo.zeros(tokens:size(1), 2) end,
  })
  lu.assertStrContains(message(mnemo.attribution, named, mnemo.int_tensor { { 1 } }, 1),
    "attribution: the model answers at the last position alone")
end

function tests.test_wrong_forward_functions()
  local tokens = mnemo.int_tensor { { 1, 2, 3 } }
  local function forward(f)
    local model = mnemo.model.custom {
      vocab = 5, parameters = { e = mnemo.ones(5, 5) }, forward = f,
    }
    return message(model.forward, model, tokens)
  end
  lu.assertStrContains(forward(function() end),
    "forward: must return the logits, a Tensor of shape [1, 3, 5], got nothing")
  lu.assertStrContains(forward(function() return 3 end), "got number")
  lu.assertStrContains(forward(function() return mnemo.zeros(1, 3, 4) end),
    "forward: must return logits of shape [1, 3, 5] = [B, T, vocab], got [1, 3, 4]")
  lu.assertStrContains(forward(function() error("mine") end), "forward: ")
  lu.assertStrContains(forward(function() error("mine") end), "custom_test.lua")
  local thrown = {}
  lu.assertIs(forward(function() error(thrown) end), thrown)
  lu.assertStrContains(forward(function() coroutine.yield() end), "yield")
  local function make(parameters)
    return message(mnemo.model.custom, { vocab = 5, forward = print, parameters = parameters })
  end
  lu.assertStrContains(make { 1 }, "names expected as keys")
  lu.assertStrContains(make { a = 1 }, "Tensor expected, got number")
end

--- Makes a task that draws with every method of rng.
local function sampler_task(seed)
  local weights = mnemo.tensor { 0, 1, 3 }
  return mnemo.data.custom {
    vocab = 20, seq_len = 6, seed = seed,
    sample = function(rng)
      local holes = { 1, 2, 3, 4, 5, [9] = 1 }
      for i = 3, 62 do holes[1 << i] = 1 end
      lu.assertErrorMsgContains("[6]: value expected, got nil", rng.shuffle, rng, holes)
      local list = rng:shuffle { 4, 5, 6 }
      return {
        rng:integer(1, 3), rng:choice(list), 6 + rng:categorical(weights),
        9 + rng:categorical { 1, 1 }, 12 + math.floor(4 * rng:uniform()),
        16 + math.floor(rng:uniform(0, 2)), rng:normal() > 0 and 19 or 20,
      }, { 0, 1, 0, 2, 0, 3 }
    end,
  }
end

function tests.test_tokens_have_the_text_that_the_task_gives_them()
  local function make(options)
    options.vocab, options.seq_len, options.seed = 3, 4, 1
    options.sample = function() return { 3, 1, 2, 2, 1 } end
    return mnemo.data.custom(options)
  end
  local ids = make({}):batch(1, 1).tokens[1]
  lu.assertEquals(make({ symbols = { "a", "é", "字" } }):decode(ids), "字aéé")
  lu.assertEquals(make({ symbols = { "the", "a", "b" } }):decode { 1, 2, 3 }, "the a b")
  local function spell(list) return table.concat(list, "-") end
  lu.assertEquals(make({ decode = spell }):decode(ids), "3-1-2-2")
  local function fails(text, made) lu.assertErrorMsgContains(text, made.decode, made, ids) end
  fails("decode: the task's tokens are numbers; give data.custom symbols or a decode function",
    make {})
  fails("decode: must return a string, got nil", make { decode = function() end })
  fails("mine", make { decode = function() error "mine" end })
  lu.assertErrorMsgContains("data.custom: 2 symbols for a vocabulary of 3", make,
    { symbols = { "a", "b" } })
  lu.assertErrorMsgContains("symbols and decode exclude each other", make,
    { symbols = { "a", "b", "c" }, decode = spell })
end

function tests.test_a_sampler_is_reproducible_by_index()
  local a, b = sampler_task(1), sampler_task(1)
  lu.assertEquals(a:batch(5, 3).tokens:totable(), b:batch(5, 3).tokens:totable())
  -- The sequences of a smaller batch are those of a larger one.
  lu.assertEquals(a:batch(2, 3).tokens:totable(), b:batch(5, 3).tokens:narrow(1, 1, 2):totable())
  lu.assertNotEquals(a:batch(5, 3).tokens:totable(), a:batch(5, 4).tokens:totable())
  lu.assertNotEquals(a:batch(5, 1).tokens:totable(), a:held_out(5, 1).tokens:totable())
  lu.assertNotEquals(a:batch(5, 1).tokens:totable(), sampler_task(2):batch(5, 1).tokens:totable())
  local batch = a:batch(5, 1)
  lu.assertEquals(batch.tokens:narrow(2, 2, 5):totable(), batch.targets:narrow(2, 1, 5):totable())
  lu.assertEquals(batch.occurrence[2]:totable(), { 0, 1, 0, 2, 0, 3 })
end

function tests.test_what_the_sampler_draws_is_distributed_as_said()
  local counts = {}
  local tokens = sampler_task(7):batch(4000).tokens
  for _, row in ipairs(tokens:totable()) do
    for _, id in ipairs(row) do counts[id] = (counts[id] or 0) + 1 end
  end
  -- Five standard deviations around the expected count of a binomial.
  local function expect(id, p)
    local bound = 5 * math.sqrt(4000 * p * (1 - p))
    lu.assertAlmostEquals(counts[id] or 0, 4000 * p, bound, "id " .. id)
  end
  for id = 1, 6 do expect(id, 1 / 3) end
  lu.assertNil(counts[7])
  expect(8, 1 / 4)
  expect(9, 3 / 4)
  expect(10, 1 / 2)
  for id = 12, 15 do expect(id, 1 / 4) end
  expect(16, 1 / 2)
end

function tests.test_wrong_samplers()
  local function draw(sample)
    local made = mnemo.data.custom { vocab = 4, seq_len = 2, sample = sample }
    return message(made.batch, made, 1)
  end
  lu.assertStrContains(draw(function() return { 1, 2 } end),
    "sample: must return 3 ids (seq_len + 1), got 2")
  lu.assertStrContains(draw(function() return { 1, 2, 5 } end), "sample: id 5 is outside 1…4")
  lu.assertStrContains(draw(function() return { 1, 0, 2 } end), "sample: id 0 is outside 1…4")
  lu.assertStrContains(draw(function() return { 1, 1.5, 2 } end), "integer expected, got 1.5")
  lu.assertStrContains(draw(function() end), "must return ids as a list or an IntTensor, got nil")
  lu.assertStrContains(draw(function() return { 1, 2, 3 }, { 1 } end),
    "must return 2 occurrence")
  lu.assertStrContains(draw(function(rng) return rng:integer(3, 1) end), "from 3 to 1")
  lu.assertStrContains(draw(function(rng) return rng:categorical { 0, 0 } end), "not all zero")
  lu.assertStrContains(draw(function(rng) return rng:choice {} end), "the list is empty")
  lu.assertStrContains(draw(function() error("mine") end), "custom_test.lua")
  lu.assertStrContains(draw(function() coroutine.yield() end), "yield")
end

function tests.test_wrong_classes()
  local function draw(sample, options)
    options = options or {}
    options.vocab, options.seq_len, options.classes, options.sample = 4, 2, 3, sample
    local made = mnemo.data.custom(options)
    return message(made.batch, made, 1)
  end
  lu.assertStrContains(draw(function() return { 1, 2, 3 }, 1 end),
    "sample: must return 2 ids (seq_len), got 3")
  lu.assertStrContains(draw(function() return { 1, 2 } end),
    "sample: must return a target after the ids, an id up to 3")
  lu.assertStrContains(draw(function() return { 1, 2 }, 4 end), "sample: target 4 is outside 1…3")
  lu.assertStrContains(draw(function() return { 1, 2 }, 1 << 40 end), "integers have 32 bits here")
  local every = { positions = "all" }
  lu.assertStrContains(draw(function() return { 1, 2 }, { 1 } end, every),
    "sample: must return 2 targets (seq_len), got 1")
  lu.assertStrContains(draw(function() return { 1, 2 }, { 1, 0 } end, every),
    "sample: targets 0 is outside 1…3")
  local function make(options)
    options.vocab, options.seq_len = 4, 2
    return message(mnemo.data.custom, options)
  end
  lu.assertStrContains(make { classes = 1, sample = print }, "classes = 1 (allowed: 2 or more)")
  lu.assertStrContains(make { positions = "last", sample = print }, "goes with classes only")
  lu.assertStrContains(make {}, "needs either sample or sample_batch, got neither")
  lu.assertStrContains(make { sample = print, sample_batch = print }, "got both")
end

---- Batches at once ----

function tests.test_a_batch_is_drawn_in_one_call()
  local sizes = {}
  local function make(seed)
    return mnemo.data.custom {
      vocab = 9, seq_len = 5, seed = seed,
      sample_batch = function(rng, n)
        sizes[#sizes + 1] = n
        return rng:integer(1, 9, n, 6), rng:integer(0, 2, { n, 5 })
      end,
    }
  end
  local a = make(1)
  local batch = a:batch(4, 3)
  lu.assertEquals(sizes, { 4 })
  lu.assertEquals({ batch.tokens:shape(), batch.targets:shape() }, { { 4, 5 }, { 4, 5 } })
  lu.assertEquals(batch.tokens:narrow(2, 2, 4):totable(), batch.targets:narrow(2, 1, 4):totable())
  lu.assertTrue(batch.occurrence:max():item() == 2 and batch.occurrence:min():item() == 0)
  lu.assertEquals(make(1):batch(4, 3).targets:totable(), batch.targets:totable())
  lu.assertNotEquals(make(2):batch(4, 3).targets:totable(), batch.targets:totable())
  lu.assertNotEquals(a:batch(4, 4).targets:totable(), batch.targets:totable())
  lu.assertNotEquals(a:held_out(4, 3).targets:totable(), batch.targets:totable())
  local model = mnemo.model.simplified { vocab = 9, dim = 4, max_len = 5, seed = 1 }
  local run = mnemo.train {
    model = model, data = a, steps = 2, batch_size = 8, progress = false,
    optimizer = mnemo.optim.sgd { lr = 0.1 },
  }
  lu.assertEquals(run.step, 2)
  lu.assertEquals({ sizes[#sizes - 1], sizes[#sizes] }, { 8, 8 })
end

function tests.test_batches_at_once_are_drawn_ahead()
  local threads = mnemo.threads()
  local drawn = 0
  local function train(model, fails_at)
    drawn = 0
    local run
    local data = mnemo.data.custom {
      vocab = 9, seq_len = 5, seed = 1,
      sample_batch = function(rng, n)
        drawn = drawn + 1
        if drawn >= (fails_at or math.huge) then error "mine" end
        return rng:integer(1, 9, n, 6)
      end,
    }
    local counts = {}
    local done, failure = pcall(function()
      run = mnemo.train {
        model = model, data = data, steps = 4, batch_size = 3, eval_every = 1, progress = false,
        optimizer = mnemo.optim.sgd { lr = 0.1 },
        on_record = function(_, made)
          run = made
          counts[#counts + 1] = drawn
        end,
      }
    end)
    return counts, run:series "loss", not done and failure or nil
  end
  local function built() return mnemo.model.simplified { vocab = 9, dim = 4, seed = 1 } end
  local losses = {}
  for n, expected in pairs { [1] = { 1, 2, 3, 4, 5 }, [2] = { 2, 3, 4, 5, 5 } } do
    mnemo.threads(n)
    local counts, found = train(built())
    lu.assertEquals(counts, expected)
    losses[n] = found
    -- A batch that fails does so at its own step.
    local seen, before, failure = train(built(), 3)
    lu.assertEquals({ #seen, #before }, { 2, 2 })
    lu.assertStrContains(failure, "sample_batch: ")
  end
  lu.assertEquals(losses[1], losses[2])
  -- What is written in Lua runs on one thread.
  local own = mnemo.model.custom {
    vocab = 9, parameters = { w = mnemo.zeros(9, 9) },
    forward = function(tokens, p) return p.w[tokens] end,
  }
  lu.assertEquals((train(own)), { 1, 2, 3, 4, 5 })
  mnemo.threads(threads)
end

function tests.test_a_batch_of_lists_is_that_of_its_rows()
  local rows = { { 1, 2, 3 }, { 4, 3, 2 } }
  local occurrence, place = { { 0, 1 }, { 2, 0 } }, 0
  local function draw(options)
    options.vocab, options.seq_len = 4, 2
    return mnemo.data.custom(options):batch(2, 1)
  end
  local one = draw { sample = function()
    place = place + 1
    return rows[place], occurrence[place]
  end }
  for label, values in pairs {
    lists = { rows, occurrence },
    tensors = { mnemo.int_tensor(rows), mnemo.int_tensor(occurrence) },
    views = { mnemo.int_tensor({ { 1, 4 }, { 2, 3 }, { 3, 2 } }):t(), occurrence },
  } do
    local batch = draw { sample_batch = function() return table.unpack(values) end }
    for _, field in ipairs { "tokens", "targets", "occurrence" } do
      lu.assertEquals(batch[field]:totable(), one[field]:totable(), label)
    end
  end
  local answers = draw {
    classes = 3, sample_batch = function() return { { 1, 2 }, { 4, 3 } }, { 3, 1 } end,
  }
  lu.assertEquals(answers.targets:totable(), { 3, 1 })
  answers = draw {
    classes = 3, positions = "all",
    sample_batch = function() return { { 1, 2 }, { 4, 3 } }, { { 3, 1 }, { 2, 2 } } end,
  }
  lu.assertEquals(answers.targets:totable(), { { 3, 1 }, { 2, 2 } })
end

function tests.test_wrong_batches()
  local function draw(sample_batch, options)
    options = options or {}
    options.vocab, options.seq_len, options.sample_batch = 4, 2, sample_batch
    local made = mnemo.data.custom(options)
    return message(made.batch, made, 2)
  end
  local function give(...)
    local values = table.pack(...)
    return function() return table.unpack(values, 1, values.n) end
  end
  local rows = { { 1, 2, 3 }, { 4, 3, 2 } }
  for _, wrong in ipairs { { 1, 2, 3 }, { { 1, 2, 3 } }, { { 1, 2 }, { 1, 2 } }, {} } do
    lu.assertStrContains(draw(give(wrong)),
      "sample_batch: must return ids of shape [2, 3] = [n, seq_len + 1], got [")
  end
  lu.assertStrContains(draw(give { { 1, 2, 3 }, { 1, 5, 3 } }), "sample_batch: id 5 is outside 1…4")
  lu.assertStrContains(draw(give { { 1, 2, 3 }, { 1, 2 } }), "rows must have one shape")
  lu.assertStrContains(draw(give { { 1, 2, 3 }, { 1, 2, 0.5 } }),
    "sample_batch: ids: bad table ([2][3]: number has no integer representation)")
  lu.assertStrContains(draw(give()), "must return ids as a list or an IntTensor, got nil")
  lu.assertStrContains(draw(give(mnemo.zeros(2, 3))), "got Tensor")
  lu.assertStrContains(draw(give(rows, { 1, 2 })), "must return occurrence of shape [2, 2]")
  lu.assertStrContains(draw(give({ { 1, 2 }, { 3, 4 } }, { 1, 2, 3 }), { classes = 3 }),
    "must return targets of shape [2] = [n], got [3]")
  lu.assertStrContains(draw(give({ { 1, 2 }, { 3, 4 } }, { 1, 4 }), { classes = 3 }),
    "target 4 is outside 1…3")
  lu.assertStrContains(draw(function() error "mine" end), "sample_batch: ")
end

--- Draws with the rng of a batch.
local function with_rng(draw, seed)
  local drawn
  mnemo.data.custom {
    vocab = 2, seq_len = 1, seed = seed or 1,
    sample_batch = function(rng, n)
      drawn = table.pack(draw(rng))
      return mnemo.int_tensor { { 1, 1 } }:expand(n, 2)
    end,
  }:batch(1, 1)
  return table.unpack(drawn, 1, drawn.n)
end

function tests.test_an_rng_draws_tensors()
  local one, many = with_rng(function(rng) return rng:integer(-3, 3) end),
    with_rng(function(rng) return rng:integer(-3, 3, 500, 2) end)
  lu.assertEquals(many:shape(), { 500, 2 })
  lu.assertEquals(many[1][1]:item(), one)
  lu.assertEquals({ many:min():item(), many:max():item() }, { -3, 3 })
  lu.assertTrue(math.abs(many:tensor():mean():item()) < 5 * 2 / math.sqrt(1000))

  local weights = mnemo.tensor { { 0, 1, 0 }, { 1, 0, 3 } }
  local rows = mnemo.int_tensor { { 1, 2 }, { 2, 1 } }
  local picked = with_rng(function(rng) return rng:categorical(weights, rows) end)
  lu.assertEquals({ picked[1][1]:item(), picked[2][2]:item() }, { 2, 2 })
  lu.assertTrue(picked[1][2]:item() ~= 2 and picked[2][1]:item() ~= 2)
  local seconds = mnemo.int_tensor({ { 2 } }):expand(4000, 1)
  local counted = with_rng(function(rng) return rng:categorical(weights, seconds):eq(3) end)
  lu.assertAlmostEquals(counted:mean():item(), 3 / 4, 5 * math.sqrt(3 / 16 / 4000))
  local first, second = with_rng(function(rng)
    return rng:categorical(weights[2], 30), rng:categorical({ 1, 0, 3 }, 30)
  end)
  lu.assertEquals(first:shape(), { 30 })
  lu.assertEquals(second:eq(2):sum():item(), 0)

  local seed = function(rng) return rng:seed() end
  lu.assertEquals(with_rng(seed), with_rng(seed))
  lu.assertNotEquals(with_rng(seed), with_rng(seed, 2))

  local function fails(text, draw)
    lu.assertStrContains(message(with_rng, draw), text)
  end
  fails("needs a vector of weights, got shape [2, 3]", function(rng) rng:categorical(weights) end)
  fails("rows need a matrix of weights, got shape [3]",
    function(rng) rng:categorical(weights[1], rows) end)
  fails("row 3 is outside 1…2", function(rng) rng:categorical(weights, rows + 1) end)
  fails("not all zero", function(rng) rng:categorical(mnemo.zeros(2, 2), rows) end)
  fails("integers have 32 bits here", function(rng) rng:integer(1, 1 << 31, 2) end)
end

function tests.test_cycles_through_closures_are_collected()
  local gone = setmetatable({}, { __mode = "v" })
  do
    local model, data, run
    model = mnemo.model.custom {
      vocab = 4, parameters = { e = mnemo.randn(4, 4) },
      forward = function(tokens, p) return model and p.e[tokens] end,
    }
    data = mnemo.data.custom {
      vocab = 4, seq_len = 4, sample = function() return data and { 1, 2, 3, 4, 1 } end,
    }
    local optimizer
    optimizer = mnemo.optim.sgd { lr = function() return optimizer and 0.1 end }
    run = mnemo.train {
      model = model, data = data, steps = 2, optimizer = optimizer, progress = false,
      probes = { one = function() return run and 1 or 0 end },
    }
    run:resume(1)
    lu.assertEquals(run.step, 3)
    gone[1], gone[2], gone[3], gone[4] = model, data, optimizer, run
  end
  collectgarbage()
  collectgarbage()
  lu.assertEquals(#gone, 0)
end

function tests.test_a_run_keeps_what_it_needs()
  local run = mnemo.train {
    model = mnemo.model.custom {
      vocab = 4, parameters = { e = mnemo.randn(4, 4) },
      forward = function(tokens, p) return p.e[tokens] end,
    },
    data = mnemo.data.custom {
      vocab = 4, seq_len = 3, sample = function() return { 1, 2, 3, 4 } end,
    },
    optimizer = mnemo.optim.adamw { lr = function(step) return 0.1 / (step + 1) end },
    steps = 1, progress = false, probes = { seven = function() return 7 end },
  }
  collectgarbage()
  collectgarbage()
  run:resume(2)
  lu.assertEquals(run.history[#run.history].seven, 7)
  lu.assertEquals(run.model, run.model)
  lu.assertTrue(rawequal(run.model, run.model))
end

os.exit(lu.LuaUnit.new():runSuiteByInstances { { "custom", tests } })
