--- Loops of one's own: optimizers step by step, against PyTorch's and against mnemo.train, their
-- state, groups and schedules, and the bar of a loop.
local lu = require "luaunit"
local mnemo = require "mnemo"

local here = arg[0]:match("^(.*)/[^/]*$") or "."
local golden = mnemo.safetensors.load(here .. "/../Fixtures/optimizer_steps.safetensors")

local tests = {}

local cosine = mnemo.schedules.cosine { lr = 0.1, steps = 50, warmup = 5, final = 0.01 }

--- The cases of the golden file: its options, as record_optimizers.py gave them to PyTorch.
local cases = {
  ["sgd"] = function()
    return mnemo.optim.sgd { lr = 0.05, momentum = 0.9, weight_decay = 0.1, nesterov = true }
  end,
  ["sgd-cosine"] = function() return mnemo.optim.sgd { lr = cosine, momentum = 0.5 } end,
  ["adamw"] = function() return mnemo.optim.adamw { lr = 0.01, weight_decay = 0.1 } end,
  ["adamw-groups"] = function()
    return mnemo.optim.adamw {
      lr = 0.01, weight_decay = 0.1,
      groups = { { match = "b*", lr = 0.03, weight_decay = 0 }, { match = "tall", lr = 0.002 } },
    }
  end,
  ["adam"] = function()
    return mnemo.optim.adam { lr = 0.02, betas = { 0.8, 0.95 }, eps = 1e-6 }
  end,
  ["adam-decay"] = function() return mnemo.optim.adam { lr = cosine, weight_decay = 0.2 } end,
  ["muon"] = function() return mnemo.optim.muon { lr = 0.02 } end,
  ["muon-plain"] = function()
    return mnemo.optim.muon { lr = 0.05, momentum = 0.8, weight_decay = 0, nesterov = false }
  end,
}

--- Returns the golden parameters of a case at the beginning.
local function fresh(case)
  local parameters = {}
  for _, name in ipairs { "tall", "wide", "bias" } do
    if golden[case .. "." .. name] then
      parameters[name] = golden[name]:clone():requires_grad(true)
    end
  end
  return parameters
end

--- Makes some golden steps, counted from 1.
local function make_steps(optimizer, parameters, first, last, after)
  for step = first, last do
    for name, tensor in pairs(parameters) do tensor.grad = golden["grad." .. name][step]:clone() end
    optimizer:step(parameters)
    if after then after(step) end
  end
end

--- Asserts that parameters are those of PyTorch after a step.
local function assert_golden(case, parameters, step)
  for name, tensor in pairs(parameters) do
    local expected = golden[case .. "." .. name][step]
    local off = (tensor:detach() - expected):abs():max():item()
    local most = 1e-6 * expected:abs():max():item()
    lu.assertTrue(off <= most, ("%s: %s after %d: %g > %g"):format(case, name, step, off, most))
  end
end

function tests.test_fifty_steps_are_those_of_pytorch()
  for case, optimizer in pairs(cases) do
    local parameters, made = fresh(case), optimizer()
    make_steps(made, parameters, 1, 50, function(step) assert_golden(case, parameters, step) end)
    lu.assertEquals(made.steps, 50)
  end
end

function tests.test_states_are_read_and_restored()
  for case, optimizer in pairs(cases) do
    local first = optimizer()
    local parameters = fresh(case)
    make_steps(first, parameters, 1, 20)
    local state = first:state(parameters)
    lu.assertEquals(state.steps, 20)
    lu.assertEquals(state.parameters.wide.steps, 20)
    -- What is read is a copy.
    local kept = {}
    for name, tensor in pairs(parameters) do kept[name] = tensor:detach():clone() end
    make_steps(first, parameters, 21, 25)
    lu.assertEquals(state.parameters.wide.steps, 20)
    -- Another optimizer goes on from there, with other tensors, and what it was given stays.
    for _, tensor in pairs(kept) do tensor:requires_grad(true) end
    local second = optimizer():load_state(kept, state)
    make_steps(second, kept, 21, 50, function(step) assert_golden(case, kept, step) end)
    lu.assertEquals(state.parameters.wide.steps, 20)
    make_steps(first, parameters, 26, 50)
    assert_golden(case, parameters, 50)
  end
end

function tests.test_names_of_states()
  local function buffers(optimizer)
    local w = mnemo.ones(2, 2):requires_grad(true)
    w.grad = mnemo.ones(2, 2)
    optimizer:step { w }
    local names = {}
    for name in pairs(optimizer:state { w }.parameters[1]) do names[#names + 1] = name end
    table.sort(names)
    return names
  end
  lu.assertEquals(buffers(mnemo.optim.sgd { lr = 1 }), { "steps" })
  lu.assertEquals(buffers(mnemo.optim.sgd { lr = 1, momentum = 0.5 }),
    { "momentum_buffer", "steps" })
  lu.assertEquals(buffers(mnemo.optim.adam()), { "exp_avg", "exp_avg_sq", "steps" })
  lu.assertEquals(buffers(mnemo.optim.adamw()), { "exp_avg", "exp_avg_sq", "steps" })
  lu.assertEquals(buffers(mnemo.optim.sign_sgd()), { "steps" })
  lu.assertEquals(buffers(mnemo.optim.muon()), { "momentum_buffer", "steps" })
  lu.assertEquals(mnemo.optim.adamw():state({}).parameters, {})
end

function tests.test_states_that_do_not_fit()
  local w, v = mnemo.ones(2):requires_grad(true), mnemo.ones(3):requires_grad(true)
  w.grad = mnemo.ones(2)
  local optimizer = mnemo.optim.sgd { lr = 1, momentum = 0.5 }
  optimizer:step { w = w }
  local before = w:totable()
  local function refused(message, state, parameters)
    lu.assertErrorMsgContains(message, function()
      optimizer:load_state(parameters or { w = w }, state)
    end)
    lu.assertEquals(optimizer.steps, 1)
    lu.assertEquals(optimizer:state { w = w }.parameters.w.steps, 1)
  end
  local buffer = mnemo.ones(2)
  refused("bad argument #2 to 'load_state' (.steps: number expected, got nil)", {})
  refused("(.steps: 0 to 9007199254740992 expected, got -1)", { steps = -1, parameters = {} })
  refused("(.steps: 0 to 9007199254740992 expected, got 9223372036854775807)",
    { steps = math.maxinteger, parameters = {} })
  refused("(.parameters: table expected, got nil)", { steps = 1 })
  refused("(.more: there is no such part; there are steps, parameters)",
    { steps = 1, parameters = {}, more = 1 })
  refused("the state has \"v\", which is none of the parameters given",
    { steps = 1, parameters = { v = {} } })
  refused("(.parameters.w.momentum_buffer: Tensor expected, got nil)",
    { steps = 1, parameters = { w = { steps = 1 } } })
  refused("(.parameters.w.exp_avg: there is no such part; there are steps, momentum_buffer)",
    { steps = 1, parameters = { w = { steps = 1, exp_avg = buffer } } })
  refused("(.parameters.v.momentum_buffer: shape [3] expected, as the parameter's, got [2])",
    { steps = 1, parameters = { v = { steps = 1, momentum_buffer = buffer } } }, { v = v })
  refused("bad argument #2 to 'load_state' (table expected, got nil)", nil)
  lu.assertEquals(w:totable(), before)
end

function tests.test_parameters_are_given_in_any_table()
  local optimizer = mnemo.optim.sgd { lr = 1 }
  local a, b = mnemo.ones(2):requires_grad(true), mnemo.ones(2):requires_grad(true)
  local function gradients() a.grad, b.grad = mnemo.ones(2), mnemo.ones(2) end
  for _, parameters in ipairs { { a, b }, { a = a, b = b }, { a, named = b } } do
    gradients()
    lu.assertIs(optimizer:step(parameters), optimizer)
    lu.assertIs(optimizer:zero_grad(parameters), optimizer)
    lu.assertNil(a.grad)
    lu.assertNil(b.grad)
  end
  lu.assertEquals(a:totable(), { -2, -2 })
  lu.assertEquals(b:totable(), { -2, -2 })
  -- One without a gradient, or frozen, stays.
  gradients()
  a.grad = nil
  b:requires_grad(false)
  local c = mnemo.ones(1):requires_grad(true)
  c.grad = mnemo.ones(1)
  optimizer:step { a, b, c }
  lu.assertEquals({ a:totable(), b:totable(), c:totable() }, { { -2, -2 }, { -2, -2 }, { 0 } })
  lu.assertEquals(optimizer.steps, 4)
end

function tests.test_steps_that_cannot_be_made()
  local optimizer = mnemo.optim.adamw { lr = 1 }
  local w = mnemo.ones(2):requires_grad(true)
  local function refused(message, parameters)
    lu.assertErrorMsgContains(message, function() optimizer:step(parameters) end)
    lu.assertEquals(w:totable(), { 1, 1 })
    lu.assertEquals(optimizer.steps, 0)
  end
  refused("step: no parameter has a gradient; call backward() on the loss before each step", { w })
  refused("step: no parameter requires gradients; make them with requires_grad(true)",
    { mnemo.ones(2) })
  refused("step: there are no parameters", {})
  refused("(table of Tensors or Model expected, got Tensor)", w)
  refused("(table of Tensors or Model expected, got nil)", nil)
  refused("([2]: Tensor expected, got number)", { w, 3 })
  refused("(.ids: Tensor expected, got IntTensor)", { ids = mnemo.int_tensor { 1 } })
  refused("(names expected as keys, got true)", { [true] = w })
  refused("step: '1' and '2' are the same tensor; give it once", { w, w })
  refused("step: 'twice' was computed from others; give the tensors that it was made from",
    { twice = w * 2 })
  w.grad = mnemo.ones(2)
  local column = mnemo.ones(3, 2)
  local view = column:t():requires_grad(true)
  view.grad = mnemo.ones(2, 3)
  lu.assertErrorMsgContains("does not lie side by side; use clone() first", function()
    optimizer:step { view }
  end)
  lu.assertErrorMsgContains(
    "optim.muon: 'bias' has shape [2], and only matrices are updated; give other parameters to "
      .. "another optimizer, or freeze them",
    function() mnemo.optim.muon():step { bias = w } end)
  lu.assertEquals(w:totable(), { 1, 1 })
end

function tests.test_sign_sgd()
  -- By hand: every number moves by lr against the sign of its gradient.
  local w = mnemo.tensor { 1, 2, 3 }:requires_grad(true)
  w.grad = mnemo.tensor { 5, -0.001, 0 }
  mnemo.optim.sign_sgd { lr = 0.5 }:step { w }
  lu.assertEquals(w:totable(), { 0.5, 2.5, 3 })
  -- With momentum the sign is that of the mean: 0.9·(0.1·5) − 0.1·1 is above 0.
  local m = mnemo.tensor { 0 }:requires_grad(true)
  local optimizer = mnemo.optim.sign_sgd { lr = 1, momentum = 0.9, weight_decay = 0.5 }
  m.grad = mnemo.tensor { 5 }
  optimizer:step { m }
  lu.assertEquals(m:totable(), { -1 })
  m.grad = mnemo.tensor { -1 }
  optimizer:step { m }
  -- p·(1 − lr·weight_decay) − lr.
  lu.assertEquals(m:totable(), { -1.5 })
end

function tests.test_muon_makes_momentum_orthogonal()
  local w = mnemo.zeros(8, 5):requires_grad(true)
  w.grad = mnemo.randn(8, 5, { seed = 1 })
  mnemo.optim.muon { lr = 1, weight_decay = 0, momentum = 0, nesterov = false }:step { w }
  -- All singular values are near √(8/5).
  local _, values = mnemo.linalg.svd(w:detach())
  for _, value in ipairs(values:totable()) do
    lu.assertTrue(value > 0.65 * math.sqrt(1.6) and value < 1.25 * math.sqrt(1.6), value)
  end
  -- A gradient of zeros changes nothing, not even to NaN, and an empty one neither.
  for _, shape in ipairs { { 3, 4 }, { 0, 4 }, { 4, 0 } } do
    local p = mnemo.ones(table.unpack(shape)):requires_grad(true)
    p.grad = mnemo.zeros(table.unpack(shape))
    mnemo.optim.muon { weight_decay = 0 }:step { p }
    lu.assertEquals(p:sum():item(), p:numel())
  end
end

function tests.test_groups()
  local function after(groups)
    local w = { ["a.w"] = mnemo.ones(1), ["a.b"] = mnemo.ones(1), c = mnemo.ones(1) }
    for _, tensor in pairs(w) do
      tensor:requires_grad(true)
      tensor.grad = mnemo.ones(1)
    end
    local optimizer = mnemo.optim.sgd { lr = 0.5, groups = groups }
    optimizer:step(w)
    return { w["a.w"]:item(), w["a.b"]:item(), w.c:item() }, optimizer
  end
  lu.assertEquals(after {}, { 0.5, 0.5, 0.5 })
  lu.assertEquals(after { { match = "a.*", lr = 0.25 } }, { 0.75, 0.75, 0.5 })
  -- The first that matches counts, and what it does not say holds as for all.
  lu.assertEquals(after { { match = "*.w", weight_decay = 1 }, { match = "a.?", lr = 0 } },
    { 0, 1, 0.5 })
  lu.assertEquals(after { { match = "[bc]", lr = function(step) return 1 - step end } },
    { 0.5, 0.5, 0 })
  local _, optimizer = after { { match = "c", lr = 0.25, weight_decay = 0 } }
  lu.assertEquals(optimizer.config.groups, { "c lr=0.25 weight_decay=0.0" })
  lu.assertErrorMsgContains("optimizer: groups[2]: no parameter matches 'a.v'; there are a.b, a.w",
    after, { { match = "c", lr = 1 }, { match = "a.v", lr = 1 } })
  local function refused(message, groups)
    lu.assertErrorMsgContains(message, mnemo.optim.adamw, { groups = groups })
  end
  refused("bad option 'groups' to 'optim.adamw' (table expected, got number)", 3)
  refused("(a list of tables expected, such as {{match = \"*.wk.weight\", lr = 0.1}})",
    { match = "a", lr = 1 })
  refused("([1]: table expected, got string)", { "a" })
  refused("([1].match: string expected, got nil)", { { lr = 1 } })
  refused("([1]: lr or weight_decay expected beside match)", { { match = "a" } })
  refused("([1].lrr: unknown; did you mean 'lr'?)", { { match = "a", lrr = 1 } })
  refused("([1].lr: function expected, got string)", { { match = "a", lr = "1" } })
  refused("groups[1].lr = -1.0 (allowed: 0 or more)", { { match = "a", lr = -1 } })
  refused("groups[2].weight_decay = -1.0 (allowed: 0 or more)",
    { { match = "a", lr = 1 }, { match = "a", weight_decay = -1 } })
end

function tests.test_groups_in_a_training()
  local task = mnemo.data.bigram { seq_len = 16, seed = 1 }
  local function model()
    return mnemo.model.simplified { vocab = 65, dim = 8, max_len = 16, seed = 1 }
  end
  local function train(groups)
    local trained = model()
    mnemo.train {
      model = trained, data = task, steps = 3, batch_size = 4, progress = false,
      optimizer = mnemo.optim.sgd { lr = 0.1, groups = groups },
    }
    return trained
  end
  local name = "layers.1.attention.wk.weight"
  local trained = train { { match = "layers.*.wk.weight", lr = 0 } }
  lu.assertEquals(trained:get(name):totable(), model():get(name):totable())
  lu.assertNotEquals(trained:get("layers.1.attention.wo.weight"):totable(),
    model():get("layers.1.attention.wo.weight"):totable())
  lu.assertErrorMsgContains("optimizer: groups[1]: no parameter matches 'layer.*.wk'; there are "
    .. "layers.0.attention.wk.weight, layers.1.attention.wk.weight", train,
    { { match = "layer.*.wk", lr = 0 } })
end

function tests.test_schedules_count_the_steps_of_their_optimizer()
  local asked, w = {}, mnemo.ones(1):requires_grad(true)
  local optimizer = mnemo.optim.sgd { lr = function(step)
    asked[#asked + 1] = step
    return 0.25
  end }
  for _ = 1, 3 do
    w.grad = mnemo.ones(1)
    optimizer:step { w }
  end
  lu.assertEquals(asked, { 0, 1, 2 })
  lu.assertEquals(w:item(), 0.25)
  -- What can be called like a function will do.
  local callable = setmetatable({}, { __call = function() return 0.5 end })
  mnemo.optim.sgd { lr = callable }:step { w }
  lu.assertEquals(w:item(), -0.25)
  for _, bad in ipairs { -1, 0 / 0, math.huge } do
    lu.assertErrorMsgContains("optimizer: the learning rate at step 0 is ", function()
      mnemo.optim.sgd { lr = function() return bad end }:step { w }
    end)
  end
  lu.assertErrorMsgContains("optimizer: lr(0) must return a number, got string", function()
    mnemo.optim.sgd { lr = function() return "1" end }:step { w }
  end)
  lu.assertEquals(w:item(), -0.25)
end

function tests.test_schedules()
  local schedules = mnemo.schedules
  local function values(schedule, ...)
    local found = {}
    for i, step in ipairs { ... } do found[i] = schedule(step) end
    return found
  end
  local function close(found, expected)
    for i, value in ipairs(expected) do lu.assertAlmostEquals(found[i], value, 1e-12) end
  end
  close(values(schedules.cosine { lr = 1, steps = 14, warmup = 4, final = 0.2 },
    0, 1, 3, 4, 9, 14, 1000), { 0.25, 0.5, 1, 1, 0.6, 0.2, 0.2 })
  close(values(schedules.linear { lr = 1, steps = 10 }, 0, 5, 10, 11), { 1, 0.5, 0, 0 })
  close(values(schedules.warmup { lr = 2, warmup = 4 }, 0, 3, 4), { 0.5, 2, 2 })
  close(values(schedules.warmup { lr = 2 }, 0, 3), { 2, 2 })
  close(values(schedules.step { lr = 1, every = 10, factor = 0.5 }, 0, 9, 10, 25),
    { 1, 1, 0.5, 0.25 })
  -- As many steps to warm up as there are.
  close(values(schedules.cosine { lr = 1, steps = 2, warmup = 2 }, 0, 1, 2, 3), { 0.5, 1, 1, 0 })
  for message, call in pairs {
    ["bad option 'steps' to 'schedules.cosine' (number expected, got nil)"] =
      function() local _ = schedules.cosine { lr = 1 } end,
    ["bad option 'steps' to 'schedules.linear' (1 or more expected, got 0)"] =
      function() local _ = schedules.linear { lr = 1, steps = 0 } end,
    ["bad option 'lr' to 'schedules.warmup' (0 or more expected, got -1)"] =
      function() local _ = schedules.warmup { lr = -1 } end,
    ["bad option 'warmup' to 'schedules.cosine' (at most steps = 3 expected, got 4)"] =
      function() local _ = schedules.cosine { lr = 1, steps = 3, warmup = 4 } end,
    ["schedules.step: unknown option 'evry'; did you mean 'every'?"] =
      function() local _ = schedules.step { lr = 1, evry = 3 } end,
    ["schedules.step: a table of options expected, got number"] =
      function() local _ = schedules.step(3) end,
  } do
    local ok, found = pcall(call)
    lu.assertFalse(ok)
    lu.assertStrMatches(found, "^[^:]*own_loops_test%.lua:%d+: .*")
    lu.assertStrContains(found, message)
  end
end

function tests.test_clip_grad_norm()
  local a, b = mnemo.zeros(2):requires_grad(true), mnemo.zeros(1):requires_grad(true)
  a.grad, b.grad = mnemo.tensor { 2, 4 }, mnemo.tensor { 4 }
  lu.assertEquals(mnemo.optim.clip_grad_norm({ a, b, mnemo.ones(1) }, 10), 6)
  lu.assertEquals(a.grad:totable(), { 2, 4 })
  lu.assertEquals(mnemo.optim.clip_grad_norm({ a = a, b = b }, 3), 6)
  lu.assertAlmostEquals(a.grad:get(2), 2, 1e-5)
  lu.assertAlmostEquals(b.grad:item(), 2, 1e-5)
  lu.assertEquals(mnemo.optim.clip_grad_norm({}, 1), 0)
  for _, limit in ipairs { 0, -1, 0 / 0 } do
    lu.assertErrorMsgContains("above 0 expected, got", mnemo.optim.clip_grad_norm, { a }, limit)
  end
end

---- A loop against mnemo.train ----

--- Trains by hand as mnemo.train does: batch s + 1 at step s, counted from 0.
local function loop(model, task, optimizer, options)
  local parameters = model:parameters()
  local losses = {}
  for step = 1, options.steps do
    local loss = model:loss(task:batch(options.batch_size, step), options.loss_on)
    losses[step] = loss:item()
    optimizer:zero_grad(parameters)
    loss:backward()
    if options.clip_norm then mnemo.optim.clip_grad_norm(parameters, options.clip_norm) end
    optimizer:step(parameters)
  end
  return losses
end

function tests.test_a_loop_gives_the_bits_of_train()
  local task = mnemo.data.bigram { seq_len = 16, seed = 1 }
  local models = {
    function() return mnemo.model.simplified { vocab = 65, dim = 8, max_len = 16, seed = 1 } end,
    function()
      return mnemo.model.transformer { vocab = 65, dim = 8, max_len = 16, heads = 2, seed = 1 }
    end,
  }
  local optimizers = {
    function() return mnemo.optim.adamw { lr = cosine } end,
    function() return mnemo.optim.sgd { lr = 0.1, momentum = 0.9, weight_decay = 1e-3 } end,
    function() return mnemo.optim.adam { weight_decay = 0.1, groups = {
      { match = "layers.0.*", lr = 0.01 } } } end,
    function() return mnemo.optim.sign_sgd { momentum = 0.9 } end,
  }
  local options = { steps = 8, batch_size = 4, loss_on = "repeats" }
  for i, new_model in ipairs(models) do
    for j, new_optimizer in ipairs(optimizers) do
      options.clip_norm = j == 1 and 0.05 or nil
      local trained, looped = new_model(), new_model()
      local run = mnemo.train {
        model = trained, data = task, optimizer = new_optimizer(), eval_every = 1,
        steps = options.steps, batch_size = options.batch_size, loss_on = options.loss_on,
        clip_norm = options.clip_norm, progress = false,
      }
      local losses = loop(looped, task, new_optimizer(), options)
      losses[#losses + 1] =
        looped:loss(task:batch(4, options.steps + 1), options.loss_on):item()
      lu.assertEquals(run:series "loss", losses, i .. " " .. j)
      for name, tensor in pairs(trained:parameters()) do
        lu.assertEquals(looped:get(name):totable(), tensor:totable(), name)
      end
    end
  end
end

function tests.test_batches_drawn_ahead_are_the_same()
  local function new_task() return mnemo.data.bigram { seq_len = 16, seed = 1 } end
  local tasks = { new_task(), new_task() }
  -- In a row, and with all that may come between: another size, task or index, and the same again.
  for _, draw in ipairs { { 1, 4, 1 }, { 1, 4, 2 }, { 1, 4, 3 }, { 1, 5, 4 }, { 1, 5, 5 },
    { 1, 4, 6 }, { 2, 4, 7 }, { 2, 4, 8 }, { 1, 4, 9 }, { 1, 4, 10 }, { 1, 4, 10 }, { 1, 4, 3 },
    { 1, 4, 4 } } do
    local which, size, index = table.unpack(draw)
    local batch, alone = tasks[which]:batch(size, index), new_task():batch(size, index)
    for name, ids in pairs(alone) do lu.assertEquals(batch[name]:totable(), ids:totable()) end
  end
  -- At the last index there is none ahead.
  local last = 1 << 40
  for index = last - 2, last do lu.assertEquals(tasks[1]:batch(2, index).tokens:size(1), 2) end
  lu.assertErrorMsgContains("index must not exceed", tasks[1].batch, tasks[1], 2, last + 1)
end

function tests.test_train_and_step_share_a_state()
  local task = mnemo.data.bigram { seq_len = 16, seed = 1 }
  local function model()
    return mnemo.model.simplified { vocab = 65, dim = 8, max_len = 16, seed = 1 }
  end
  local function optimizer() return mnemo.optim.adamw { lr = 0.01 } end
  local whole, parts = model(), model()
  loop(whole, task, optimizer(), { steps = 8, batch_size = 4 })
  local shared = optimizer()
  local run = mnemo.train {
    model = parts, data = task, steps = 5, batch_size = 4, optimizer = shared, progress = false,
  }
  lu.assertEquals(shared:state(parts).parameters["layers.1.attention.wo.weight"].steps, 5)
  lu.assertEquals(shared.steps, 0)
  for step = 6, 8 do
    local loss = parts:loss(task:batch(4, step))
    shared:zero_grad(parts)
    loss:backward()
    shared:step(parts)
  end
  lu.assertEquals(run.step, 5)
  for name, tensor in pairs(whole:parameters()) do
    lu.assertEquals(parts:get(name):totable(), tensor:totable(), name)
  end
end

function tests.test_the_chapter_runs()
  local file = assert(io.open(here .. "/../../docs/training.md"))
  local blocks = {}
  for block in file:read "a":gmatch "```lua\n(.-)```" do blocks[#blocks + 1] = block end
  file:close()
  lu.assertTrue(#blocks > 8)
  local environment = setmetatable({ print = function() end }, { __index = _G })
  -- The bar on standard error is not what is tested.
  local code = table.concat(blocks):gsub("mnemo%.train {", "mnemo.train { progress = false,")
  local folder = os.tmpname()
  os.remove(folder)
  code = code:gsub('"long"', ("%q"):format(folder))
  local ending = "return run, fitted, stopped, w, halves"
  local run, fitted, stopped, w, halves =
    assert(load(code .. ending, "=training.md", "t", environment))()
  os.execute("rm -rf '" .. folder .. "'")
  lu.assertEquals({ halves.step, halves:series "step" }, { 24, { 0, 5, 10, 15, 20, 24 } })
  lu.assertEquals({ run.status, fitted.status, stopped.status },
    { "finished", "stopped", "stopped" })
  lu.assertTrue((w:detach() - mnemo.tensor { 1, 2, 3 }):abs():max():item() < 0.05)
end

---- The bar ----

function tests.test_progress_counts()
  local seen = {}
  for i in mnemo.progress(4, "counting") do seen[#seen + 1] = i end
  lu.assertEquals(seen, { 1, 2, 3, 4 })
  for _ in mnemo.progress(0) do lu.fail("no round") end
  for i in mnemo.progress(math.maxinteger) do
    if i == 3 then break end
  end
  lu.assertErrorMsgContains("bad argument #1 to 'progress' (0 or more expected, got -1)",
    mnemo.progress, -1)
  lu.assertErrorMsgContains("(number has no integer representation)", mnemo.progress, 1.5)
  lu.assertErrorMsgContains("bad argument #2 to 'progress' (string expected, got number)",
    mnemo.progress, 1, 2)
  lu.assertErrorMsgContains("mine", function()
    for _ in mnemo.progress(3) do error "mine" end
  end)
end

--- Runs a script in a process of its own: a second interrupt ends a script, and this process may
-- ignore interrupts. (os.execute would ignore one while it waits.)
-- @treturn string what it printed, standard error too
-- @treturn integer its exit status
local function run(script)
  local pipe = assert(io.popen("readlink /proc/$PPID/exe"))
  local command = pipe:read "l"
  pipe:close()
  local name = os.tmpname()
  local file = assert(io.open(name, "w"))
  file:write("local function interrupt() io.popen('kill -INT $PPID'):close() end\n", script)
  file:close()
  pipe = assert(io.popen(("timeout 60 env --default-signal=INT '%s' '%s' 2>&1"):format(command,
    name)))
  local output = pipe:read "a"
  local _, _, status = pipe:close()
  os.remove(name)
  return output, status
end

function tests.test_ctrl_c_ends_the_loop_after_its_round()
  local output, status = run [[
    for i in mnemo.progress(10) do
      print("begun", i)
      if i == 3 then
        interrupt()
        -- Longer than a training would wait.
        local start = mnemo.clock()
        while mnemo.clock() - start < 0.2 do local _ = mnemo.ones(8):sum() end
      end
      if i > 1 then print("ended", i) end
    end
  ]]
  lu.assertEquals(output, "begun\t1\nbegun\t2\nended\t2\nbegun\t3\nended\t3\n")
  lu.assertEquals(status, 0)
end

function tests.test_ctrl_c_that_a_training_hears_ends_the_loop_around_it()
  local output, status = run [[
    local task = mnemo.data.bigram { seq_len = 16, seed = 1 }
    local model = mnemo.model.simplified { vocab = 65, dim = 8, max_len = 16, seed = 1 }
    for i in mnemo.progress(5) do
      local run = mnemo.train {
        model = model, data = task, steps = i == 2 and 1000000000 or 3, batch_size = 4,
        optimizer = mnemo.optim.sgd { lr = 0.01 }, eval_every = 5, progress = false,
        on_record = function(record) if record.step == 10 then interrupt() end end,
      }
      print(i, run.status)
    end
    print "behind"
  ]]
  lu.assertEquals({ output, status }, { "1\tfinished\n2\tinterrupted\nbehind\n", 0 })
end

function tests.test_a_second_ctrl_c_ends_the_script()
  local output, status = run [[
    for _ in mnemo.progress(3) do
      interrupt()
      interrupt()
      while true do end
    end
  ]]
  lu.assertEquals(status, 130)
  lu.assertStrContains(output, "interrupted")
end

function tests.test_ctrl_c_behind_a_loop_is_as_ever()
  local output, status = run [[
    for i in mnemo.progress(3) do if i == 2 then break end end
    pcall(function() for _ in mnemo.progress(3) do error "over" end end)
    coroutine.wrap(function() for _ in mnemo.progress(3) do end end)()
    interrupt()
    while true do end
  ]]
  lu.assertEquals(status, 130)
  lu.assertStrContains(output, "interrupted")
end

os.exit(lu.LuaUnit.new():runSuiteByInstances { { "own_loops", tests } })
