--- Training from a script: what callbacks see, and what survives their errors.
local exit = os.exit  -- luaunit puts its own in this place
local luaunit = require "luaunit"
local mnemo = require "mnemo"

local tests = {}

local task = mnemo.data.bigram { seq_len = 16, seed = 1 }

--- Makes a small model.
local function new_model()
  return mnemo.model.simplified { vocab = 65, dim = 8, max_len = 16, seed = 1 }
end

--- Trains a model for some steps; `more` adds to the options, and takes away what is false.
local function train(model, more)
  local options = {
    model = model, data = task, steps = 4, batch_size = 4, eval_every = 2, progress = false,
    optimizer = mnemo.optim.sgd { lr = 0.1, momentum = 0.9 },
  }
  for name, value in pairs(more or {}) do options[name] = value or nil end
  return mnemo.train(options)
end

--- Returns a model's loss on a fixed batch.
local function loss_of(model)
  return model:loss(task:batch(4, 1)):item()
end

--- Asserts that a model is in working order: it has a loss, and training changes it.
local function assert_alive(model)
  local before = loss_of(model)
  luaunit.assertTrue(before > 0 and before < math.huge)
  local run = train(model)
  luaunit.assertEquals(run.status, "finished")
  luaunit.assertNotEquals(loss_of(model), before)
end

-- A batch that by chance has no place that counts is a step without a loss, in which nothing
-- changes; settings under which none has are an error at once.
function tests.test_a_batch_without_places()
  local short, long, calls = new_model(), new_model(), 0
  train(short, { steps = 1, loss_on = function() return mnemo.ones(4, 16) end })
  local run = train(long, {
    steps = 2, eval_every = 1, loss_on = function()
      calls = calls + 1
      return calls == 2 and mnemo.zeros(4, 16) or mnemo.ones(4, 16)
    end,
  })
  luaunit.assertEquals(run.status, "finished")
  luaunit.assertNaN(run.history[2].loss)
  luaunit.assertEquals(run.history[3].step, 2)
  for name, weight in pairs(short:parameters()) do
    luaunit.assertEquals(long:get(name):totable(), weight:totable(), name)
  end
  luaunit.assertErrorMsgContains("the loss mask keeps no position", train, new_model(),
    { loss_on = function() return mnemo.zeros(4, 16) end })
end

--- The ways into a script's code during training, each with its name in messages.
local function callbacks(f)
  return {
    ["probe 'mine'"] = { probes = { mine = f } },
    ["at[2]"] = { at = { [2] = f } },
    ["on_record"] = { on_record = f },
    ["stop"] = { stop = f },
    ["loss_on"] = { loss_on = f },
    ["loss"] = { loss = f },
    ["batch"] = { data = { batch = f } },
    ["optimizer"] = { optimizer = { step = f } },
    ["lr"] = { optimizer = mnemo.optim.sgd { lr = f } },
    ["no_grad"] = { probes = { mine = function() return mnemo.no_grad(f) end } },
  }
end

function tests.test_records()
  local seen = {}
  local run = train(new_model(), {
    steps = 5, probes = { twice = function(ctx) return 2 * ctx.step end },
    on_record = function(record, of)
      luaunit.assertEquals(of.history[#of.history], record)
      seen[#seen + 1] = record
    end,
  })
  luaunit.assertEquals(run:series "step", { 0, 2, 4, 5 })
  luaunit.assertEquals(run:series "twice", { 0, 4, 8, 10 })
  luaunit.assertEquals(seen, run.history)
  luaunit.assertEquals(run.step, 5)
  luaunit.assertErrorMsgContains("(there are step, loss, twice); did you mean 'loss'?",
    run.series, run, "los")
end

function tests.test_the_context_of_a_probe()
  local model = new_model()
  local kept
  train(model, { steps = 0, probes = { look = function(ctx)
    kept = ctx
    luaunit.assertEquals(ctx.model, model)
    luaunit.assertEquals(ctx.step, 0)
    luaunit.assertEquals(ctx.logits:shape(), { 4, 16, 65 })
    for _, name in ipairs { "tokens", "targets", "occurrence" } do
      luaunit.assertEquals(ctx.batch[name]:shape(), { 4, 16 })
    end
    luaunit.assertEquals(ctx.batch.tokens:totable(), task:batch(4, 1).tokens:totable())
    luaunit.assertEquals(#ctx.run.history, 0)
    return 1
  end } })
  luaunit.assertEquals(kept.step, 0)
end

function tests.test_a_context_outlives_a_failed_run()
  local kept
  pcall(train, new_model(), { probes = { p = function(ctx) kept = ctx error "over" end } })
  collectgarbage()
  luaunit.assertNil(kept.run)
  luaunit.assertEquals(kept.logits:size(3), 65)
end

function tests.test_errors_in_callbacks_name_them()
  for label, options in pairs(callbacks(function() error "mine" end)) do
    local model = new_model()
    local ok, message = pcall(train, model, options)
    luaunit.assertFalse(ok, label)
    luaunit.assertStrContains(message, "train_test.lua:")
    luaunit.assertStrContains(message, "mine")
    -- What is called by the optimizer, and by the script itself, has no name of its own.
    if label ~= "lr" and label ~= "no_grad" then
      luaunit.assertEquals(message:sub(1, #label + 2), label .. ": ")
    end
    assert_alive(model)
  end
end

function tests.test_thrown_tables_arrive_as_they_were()
  for label, options in pairs(callbacks(function() error { "thrown" } end)) do
    local thrown = { label }
    for _, changed in pairs(callbacks(function() error(thrown) end)) do
      luaunit.assertIs(select(2, pcall(train, new_model(), changed)), thrown, label)
    end
    local ok, message = pcall(train, new_model(), options)
    luaunit.assertFalse(ok)
    luaunit.assertEquals(message, { "thrown" })
  end
end

function tests.test_probes_return_numbers()
  local function refused(message, ...)
    local model, values = new_model(), table.pack(...)
    luaunit.assertErrorMsgContains("probe 'p': " .. message, train, model,
      { probes = { p = function() return table.unpack(values, 1, values.n) end } })
    assert_alive(model)
  end
  local wanted = "must return a number, a 0-dimensional Tensor or a table of them, got "
  refused(wanted .. "string", "3")
  refused(wanted .. "boolean", true)
  refused(wanted .. "Tensor of shape [1]", mnemo.ones(1))
  refused(wanted .. "nothing")
  refused("returned an empty table", {})
  refused("[\"a\"] must be a number or a 0-dimensional Tensor, got string", { a = "3" })
  refused("[1] must be a number or a 0-dimensional Tensor, got table", { { 1 } })
  refused("names expected as keys of its table, got true", { [true] = 1 })
end

function tests.test_probes_return_tensors_and_tables()
  local run = train(new_model(), { probes = {
    scalar = function(ctx) return mnemo.tensor { ctx.step, 2 }:sum() end,
    several = function(ctx) return { b = 1, a = mnemo.ones(2):sum(), [2] = ctx.step } end,
    -- A column may come later than others.
    late = function(ctx) return ctx.step < 2 and { x = 1 } or { x = 2, y = 3 } end,
  } })
  luaunit.assertEquals(run.history[2], { step = 2, loss = run.history[2].loss, scalar = 4,
    ["several.a"] = 2, ["several.b"] = 1, ["several.2"] = 2, ["late.x"] = 2, ["late.y"] = 3 })
  luaunit.assertEquals(run:series "several.2", { 0, 2, 4 })
  local late = run:series "late.y"
  luaunit.assertNotEquals(late[1], late[1])
  luaunit.assertEquals({ late[2], late[3] }, { 3, 3 })
  luaunit.assertStrContains(run:table(), "several.a")
  luaunit.assertErrorMsgContains("did you mean 'late.x'?", run.series, run, "late.z")
  luaunit.assertErrorMsgContains("train: two probes give a column 'a.b'", train, new_model(),
    { probes = { a = function() return { b = 1 } end, ["a.b"] = function() return 1 end } })
end

function tests.test_probes_share_what_is_made_once()
  local calls = 0
  local hidden = mnemo.probes.once(function(ctx)
    calls = calls + 1
    return ctx.model(ctx.batch.tokens)
  end)
  local function probe(ctx) return hidden(ctx):max() - ctx.logits:max() end
  local run = train(new_model(), { probes = { a = probe, b = probe, c = probe } })
  luaunit.assertEquals(calls, #run.history)
  luaunit.assertEquals(run:series "c", { 0, 0, 0 })
  luaunit.assertErrorMsgContains("bad argument #1 to 'probes.once' (function expected, got nil)",
    mnemo.probes.once)
end

---- Data, losses and ends of one's own ----

--- A table that gives the task's batches, and counts.
local function loader()
  return { drawn = {}, batch = function(self, size, index)
    self.drawn[#self.drawn + 1] = { size, index }
    return task:batch(size, index)
  end }
end

function tests.test_data_are_any_table_with_batches()
  local expected = train(new_model()).history
  local data = loader()
  local run = train(new_model(), { data = data })
  luaunit.assertEquals(run.history, expected)
  luaunit.assertEquals(data.drawn, { { 4, 1 }, { 4, 2 }, { 4, 3 }, { 4, 4 }, { 4, 5 } })
  -- An object of a class.
  local class = loader()
  class.__index = class
  luaunit.assertEquals(
    train(new_model(), { data = setmetatable({}, class), loss_on = "all" }).history, expected)
  -- One for each model, or one for all.
  local models = { new_model(), new_model() }
  local runs = train(models, { data = { loader(), task } })
  luaunit.assertEquals({ runs[1].history, runs[2].history }, { expected, expected })
  runs = train({ new_model(), new_model() }, { data = loader() })
  luaunit.assertEquals({ runs[1].history, runs[2].history }, { expected, expected })
end

function tests.test_weights_that_data_give()
  local weights = mnemo.rand(4, 16, { seed = 1 })
  local data = { batch = function(_, ...)
    local batch = task:batch(...)
    batch.weights = weights
    return batch
  end }
  local run = train(new_model(),
    { data = data, loss_on = function(batch) return batch.weights end })
  luaunit.assertEquals(run.history,
    train(new_model(), { loss_on = function() return weights end }).history)
end

function tests.test_one_batch_for_all_steps()
  local batch = task:batch(4, 1)
  local seen
  local run = train(new_model(), {
    data = batch, batch_size = false, steps = 40, probes = { p = function(ctx)
      seen = ctx.batch
      return ctx.logits:size(1)
    end },
  })
  luaunit.assertIs(seen, batch)
  luaunit.assertTrue(run.history[#run.history].loss < run.history[1].loss)
  local model = new_model()
  luaunit.assertEquals(run.history[1].loss, model:loss(batch):item())
  luaunit.assertErrorMsgContains(
    "bad option 'batch_size' to 'train' (data is one batch, of the size that it has)", train,
    new_model(), { data = batch })
end

function tests.test_data_that_are_none()
  local function refused(message, data, more)
    local options = { data = data, batch_size = false }
    for name, value in pairs(more or {}) do options[name] = value end
    local model = new_model()
    luaunit.assertErrorMsgContains(message, train, model, options)
    assert_alive(model)
  end
  local other = " a table with tokens and targets, IntTensors of shape [B, T]; give loss to train "
    .. "on other batches"
  refused("train: data must be a Task, have a function batch, or be" .. other, {})
  refused("train: data must be a Task, have a function batch, or be" .. other,
    { tokens = mnemo.ones(2, 3), targets = mnemo.ones(2, 3) })
  refused("(Task or table expected, got number)", 3)
  local function giving(value) return { batch = function() return value end } end
  refused("train: data: batch must return" .. other, giving {})
  refused("train: data: batch must return" .. other, giving(mnemo.ones(2)))
  refused("train: data: batch must return a batch, got nil", giving(nil))
  refused("train: data: batch must return a batch, got nil", giving(nil),
    { loss = function() return mnemo.ones(1) end })
  local ids = mnemo.int_tensor { { 66, 1 } }
  refused("token 66 is outside 1…65", giving { tokens = ids, targets = ids })
  refused("need one shape", giving { tokens = ids, targets = mnemo.int_tensor { { 1 } } })
end

--- Least squares on numbers, in a model whose forward pass is never asked.
local function line_model()
  return mnemo.model.custom {
    vocab = 2, parameters = { a = mnemo.zeros(1), b = mnemo.zeros(1) },
    forward = function() error "not asked" end,
  }
end

local function squared_error(model, batch)
  local p = model:parameters()
  return (batch.x * p.a + p.b - batch.y):square():mean()
end

function tests.test_a_loss_of_ones_own()
  local model = line_model()
  local x = mnemo.linspace(-1, 1, 9)
  local run = train(model, {
    data = { x = x, y = x * 3 - 1 }, loss = squared_error, steps = 200, batch_size = false,
    optimizer = mnemo.optim.adam { lr = 0.05 }, probes = {
      slope = function(ctx) return ctx.model:get "a":sum() end,
      points = function(ctx) return ctx.batch.x:numel() end,
    },
  })
  luaunit.assertAlmostEquals(model:get "a":item(), 3, 0.02)
  luaunit.assertAlmostEquals(model:get "b":item(), -1, 0.02)
  luaunit.assertEquals(run:series "points"[1], 9)
  luaunit.assertTrue(run.history[#run.history].loss < 1e-3)
  -- A loss may be below 0, and grow without bound.
  local far = train(line_model(), {
    data = { x = x }, steps = 50, batch_size = false,
    loss = function(given) return given:get "a":sum() * -1000 end,
  })
  luaunit.assertEquals(far.status, "finished")
  luaunit.assertTrue(far.history[#far.history].loss < -1000)
end

function tests.test_a_loss_of_ones_own_on_a_task()
  local run = train(new_model(), { loss = function(model, batch) return model:loss(batch) end })
  luaunit.assertEquals(run.history, train(new_model()).history)
  local runs = train({ new_model(), new_model() },
    { loss = function(model, batch) return model:loss(batch) end })
  luaunit.assertEquals(runs[2].history, run.history)
end

function tests.test_losses_that_are_none()
  local function refused(message, loss, more)
    local model = new_model()
    local options = { loss = loss }
    for name, value in pairs(more or {}) do options[name] = value end
    luaunit.assertErrorMsgContains(message, train, model, options)
    assert_alive(model)
  end
  local wanted = "train: loss must return a 0-dimensional Tensor, got "
  refused(wanted .. "number", function() return 3 end)
  refused(wanted .. "nothing", function() end)
  refused(wanted .. "one of shape [65]",
    function(model) return model:get "output.weight":sum(2) end)
  refused("train: loss must return a Tensor that requires gradients; no trained parameter is in it",
    function() return mnemo.ones(2):sum() end)
  refused("the loss is nan at step 0, before any update", function(model)
    return model:loss(task:batch(2, 1)) * (0 / 0)
  end)
  refused("bad option 'loss_on' to 'train' (loss takes its place; give one of them)",
    function() end, { loss_on = "all" })
  refused("bad option 'loss' to 'train' (function expected, got number)", 3)
  local run = train(line_model(), { data = { x = mnemo.ones(1) }, batch_size = false,
    loss = function(model) return model:get "a":sum() end, steps = 1 })
  luaunit.assertEquals(run.status, "finished")
  luaunit.assertErrorMsgContains("probe: the batch has no tokens and targets for the model", train,
    line_model(), { data = { x = mnemo.ones(1) }, batch_size = false,
      loss = function(model) return model:get "a":sum() end,
      probes = { p = function(ctx) return ctx.logits:max() end } })
end

function tests.test_early_ends()
  local options = { steps = 10, eval_every = 2 }
  local function ending(more)
    local all = {}
    for name, value in pairs(options) do all[name] = value end
    for name, value in pairs(more) do all[name] = value end
    return train(new_model(), all)
  end
  local run = ending { stop = function(record, of)
    luaunit.assertEquals(of.history[#of.history], record)
    return record.step >= 4
  end }
  luaunit.assertEquals({ run.status, run.step, #run.history }, { "stopped", 4, 3 })
  luaunit.assertEquals(tostring(run):match "^Run %l+ at step 4", "Run stopped at step 4")
  -- The model is the one that was measured.
  luaunit.assertEquals(loss_of(run.model), loss_of(train(new_model(), { steps = 4 }).model))
  luaunit.assertEquals(run:resume(2).step, 6)
  luaunit.assertEquals(loss_of(run.model), loss_of(train(new_model(), { steps = 6 }).model))
  run = ending { on_record = function(record) if record.step == 6 then return false end end }
  luaunit.assertEquals({ run.status, run.step }, { "stopped", 6 })
  -- Only false ends it, and stop is not asked any more.
  run = ending { on_record = function() return nil end, stop = function() return nil end }
  luaunit.assertEquals({ run.status, run.step }, { "finished", 10 })
  local asked = 0
  run = ending { on_record = function() return false end, stop = function() asked = asked + 1 end }
  luaunit.assertEquals({ run.status, run.step, asked }, { "stopped", 0, 0 })
  -- After the last record there is nothing to stop.
  run = ending { stop = function(record) return record.step == 10 end }
  luaunit.assertEquals(run.status, "finished")
  -- Of a list each ends by itself.
  local runs = train({ new_model(), new_model() }, { steps = 6, stop = function(record, of)
    return of.model ~= nil and record.step == 2 and #of.history == 2 and record.loss > 0
  end, probes = { { p = function() return 1 end }, { p = function() return 2 end } } })
  luaunit.assertEquals({ runs[1].step, runs[2].step }, { 2, 2 })
  local first
  runs = train({ new_model(), new_model() }, { steps = 6, stop = function(_, of)
    first = first or of
    return of == first
  end })
  luaunit.assertEquals({ runs[1].status, runs[1].step }, { "stopped", 0 })
  luaunit.assertEquals({ runs[2].status, runs[2].step }, { "finished", 6 })
end

---- Optimizers in Lua ----

--- Plain descent in Lua.
local function descent(rate)
  return { seen = {}, step = function(self, parameters, step)
    self.seen[#self.seen + 1] = step
    for _, tensor in pairs(parameters) do tensor:add_(tensor.grad * -rate) end
  end }
end

function tests.test_an_optimizer_in_lua()
  local by_hand, built_in = new_model(), new_model()
  local optimizer = descent(0.125)
  local run = train(by_hand, { optimizer = optimizer })
  luaunit.assertEquals(run.history,
    train(built_in, { optimizer = mnemo.optim.sgd { lr = 0.125 } }).history)
  luaunit.assertEquals(optimizer.seen, { 0, 1, 2, 3 })
  run:resume(1)
  luaunit.assertEquals(optimizer.seen, { 0, 1, 2, 3, 4 })
  -- It gets what is trained, and may hand it on; several models take turns with it.
  local names
  local muon, adamw = mnemo.optim.muon(), mnemo.optim.adamw()
  local class = { step = function(self, parameters)
    names = {}
    for name in pairs(parameters) do names[#names + 1] = name end
    table.sort(names)
    self.muon:step(parameters)
    adamw:step(parameters)
  end }
  class.__index = class
  train(new_model(), { optimizer = setmetatable({ muon = muon }, class) })
  luaunit.assertEquals(names, new_model():trainable())
  luaunit.assertEquals({ muon.steps, adamw.steps }, { 4, 4 })
  local runs = train({ new_model(), new_model() }, { optimizer = descent(0.125) })
  luaunit.assertEquals(runs[2].history,
    train(new_model(), { optimizer = mnemo.optim.sgd { lr = 0.125 } }).history)
end

function tests.test_optimizers_that_are_none()
  local function refused(message, optimizer)
    local model = new_model()
    luaunit.assertErrorMsgContains(message, train, model, { optimizer = optimizer })
    assert_alive(model)
  end
  refused("an optimizer is made by mnemo.optim, or a table with a function step", {})
  refused("got one with step = 3", { step = 3 })
  refused("(Optimizer or table expected, got number)", 3)
  refused("(Optimizer or table expected, got Tensor)", mnemo.ones(1))
end

function tests.test_collected_runs()
  -- A loss, data and an optimizer that mention their run keep nothing alive.
  local alive = setmetatable({}, { __mode = "v" })
  do
    local box = {}
    box.run = train(new_model(), {
      data = { box = box, batch = function(self, ...) return self.box and task:batch(...) end },
      loss = function(model, batch) return box and model:loss(batch) end,
      optimizer = { box = box, step = function() end },
      stop = function() return box == nil end,
    })
    alive[1] = box.run
  end
  collectgarbage()
  collectgarbage()
  luaunit.assertNil(alive[1])
end

function tests.test_exit_inside_a_callback_is_an_error()
  for label, options in pairs(callbacks(function() exit(3) end)) do
    local model = new_model()
    local ok, message = pcall(train, model, options)
    luaunit.assertFalse(ok)
    luaunit.assertStrContains(message, "os.exit inside " .. label .. ": the run would be lost")
    assert_alive(model)
  end
end

function tests.test_a_loss_that_is_no_number()
  local model = new_model()
  local ok, message = pcall(train, model,
    { steps = 50, optimizer = mnemo.optim.sgd { lr = 1e30 } })
  luaunit.assertFalse(ok)
  -- Whether the loss is no number or too large a one is up to the processor.
  luaunit.assertStrMatches(message,
    ".*the loss is .+ at step 1.*; training stopped, and the model is back at step 0, .*")
  luaunit.assertEquals(loss_of(model), loss_of(new_model()))
  -- Every weight is a number.
  for name, tensor in pairs(model:parameters()) do
    luaunit.assertEquals((tensor - tensor):abs():sum():item(), 0, name)
  end
end

function tests.test_a_loss_beyond_all_bounds()
  local model = new_model()
  local run
  local ok, message = pcall(train, model, {
    steps = 4, eval_every = 1, optimizer = mnemo.optim.sgd { lr = 0 },
    probes = { run = function(ctx) run = ctx.run return 1 end },
    at = { [3] = function(changed) changed:get("output.weight"):mul_(1e4) end },
  })
  luaunit.assertFalse(ok)
  luaunit.assertStrMatches(message, ".*the loss is %d+%.%d+ at step 3, 100 times what it was at "
    .. "first or more; training stopped, and the model is back at step [012], .*")
  luaunit.assertEquals(run.status, "failed")
  luaunit.assertEquals(run:series "step", { 0, 1, 2 })
  luaunit.assertEquals(loss_of(model), loss_of(new_model()))
end

function tests.test_a_loss_that_is_no_number_from_the_start()
  local model = new_model()
  model:set("layers.0.attention.wk.weight", mnemo.full(8, 8, 0 / 0))
  luaunit.assertErrorMsgContains("at step 0, before any update", train, model)
end

function tests.test_resume()
  local whole, parts = new_model(), new_model()
  train(whole, { steps = 7 })
  local run = train(parts, { steps = 4 })
  luaunit.assertEquals(run:resume(3), run)
  luaunit.assertEquals(run.step, 7)
  luaunit.assertEquals(loss_of(parts), loss_of(whole))
  luaunit.assertErrorMsgContains("steps = -1", run.resume, run, -1)
  luaunit.assertErrorMsgContains("steps = 9223372036854775807", run.resume, run, math.maxinteger)
end

function tests.test_a_run_cannot_resume_inside_itself()
  local model = new_model()
  luaunit.assertErrorMsgContains("a run cannot resume inside itself", train, model,
    { probes = { p = function(ctx) ctx.run:resume(1) return 1 end } })
  assert_alive(model)
end

function tests.test_runs_inside_probes()
  -- Another model may be trained to measure this one.
  local run = train(new_model(), { probes = { inner = function()
    return train(new_model(), { steps = 2 }).history[1].loss
  end } })
  local values = run:series "inner"
  luaunit.assertEquals(values[1], values[#values])
end

function tests.test_probes_leave_the_training_as_it_is()
  local plain, watched = new_model(), new_model()
  train(plain)
  train(watched, { eval_every = 1, probes = { p = function(ctx)
    collectgarbage()
    return ctx.model:forward(ctx.batch.tokens):mean():item()
  end } })
  luaunit.assertEquals(loss_of(watched), loss_of(plain))
end

function tests.test_training_in_a_coroutine()
  local alone, wrapped = new_model(), new_model()
  train(alone)
  coroutine.wrap(function() train(wrapped, { probes = { p = function() return 1 end } }) end)()
  luaunit.assertEquals(loss_of(wrapped), loss_of(alone))
  luaunit.assertErrorMsgContains("yield across a C-call boundary",
    coroutine.wrap(function()
      train(new_model(), { probes = { p = function() coroutine.yield() end } })
    end))
end

function tests.test_freezing_on_schedule()
  local model = new_model()
  local name = "layers.1.attention.wo.weight"
  local at_freeze, seen
  train(model, { steps = 6, at = {
    [0] = function(given) seen = given end,
    [3] = function(given)
      given:freeze(name)
      at_freeze = given:get(name):totable()
    end,
  } })
  luaunit.assertEquals(seen, model)
  luaunit.assertEquals(model:get(name):totable(), at_freeze)
  luaunit.assertNotEquals(new_model():get(name):totable(), at_freeze)
  luaunit.assertErrorMsgContains("no parameter matches 'nothing*'", model.freeze, model, "nothing*")
end

---- Several models ----

--- Makes models that differ in their seeds, of both kinds.
local function new_models(count)
  local models = {}
  for seed = 1, count do
    local kind = seed % 2 == 0 and "transformer" or "simplified"
    models[seed] = mnemo.model[kind] { vocab = 65, dim = 8, max_len = 16, seed = seed }
  end
  return models
end

--- Asserts that models trained together give what each gives alone, with fresh options for each.
local function assert_as_alone(options)
  for threads = 1, 2 do
    local before = mnemo.threads()
    mnemo.threads(threads)
    local runs = train(new_models(3), options())
    luaunit.assertEquals(#runs, 3)
    for i, model in ipairs(new_models(3)) do
      local run = train(model, options())
      luaunit.assertEquals(runs[i].history, run.history)
      luaunit.assertEquals(runs[i].status, "finished")
      for name, tensor in pairs(model:parameters()) do
        luaunit.assertEquals(runs[i].model:get(name):totable(), tensor:totable(), name)
      end
    end
    mnemo.threads(before)
  end
end

function tests.test_models_of_a_list_do_what_they_do_alone()
  for label, options in pairs(callbacks(function() return 0.1 end)) do
    if label == "lr" or label:find "probe" or label:find "at%[" or label == "on_record"
      or label == "no_grad" then
      assert_as_alone(function() return options end)
    end
  end
  assert_as_alone(function()
    return {
      steps = 7, clip_norm = 0.5, eval_every = 3,
      at = { [4] = function(model) model:freeze("*wk*") end },
      optimizer = mnemo.optim.adamw { lr = function(step) return 0.1 / (step + 1) end },
      loss_on = function(batch) return batch.occurrence:ge(1) end,
      probes = { norm = function(ctx) return ctx.logits:norm():item() end },
    }
  end)
end

function tests.test_tasks_and_models_in_lua_side_by_side()
  local function bigrams(seed)
    return mnemo.model.custom {
      vocab = 16, parameters = { table = mnemo.randn(16, 16, { seed = seed }) },
      forward = function(tokens, p) return p.table[tokens] end,
    }
  end
  local function copying(seed)
    return mnemo.data.custom { vocab = 16, seq_len = 7, seed = seed, sample = function(rng)
      local ids = {}
      for t = 1, 8 do ids[t] = t > 4 and ids[t - 4] or rng:integer(1, 16) end
      return ids
    end }
  end
  local runs = train({ bigrams(1), bigrams(2) }, { data = { copying(1), copying(2) } })
  for seed, run in ipairs(runs) do
    luaunit.assertEquals(run.history, train(bigrams(seed), { data = copying(seed) }).history)
  end
end

function tests.test_callbacks_know_their_model()
  local models, seen = new_models(3), {}
  local runs = train(models, {
    probes = { mine = function(ctx)
      luaunit.assertEquals(ctx.model, ctx.run.model)
      return 1
    end },
    on_record = function(_, run) seen[#seen + 1] = run end,
  })
  luaunit.assertEquals(#seen, 9)
  for i, run in ipairs(seen) do luaunit.assertIs(run.model, models[(i - 1) % 3 + 1]) end
  luaunit.assertEquals(runs, { seen[1], seen[2], seen[3] })
  -- A list of one is a list.
  luaunit.assertEquals(#train({ new_model() }), 1)
end

function tests.test_probes_of_each_model()
  local function of(value) return { p = function() return value end } end
  local runs = train(new_models(2), { probes = { of(3), of(4) } })
  luaunit.assertEquals(runs[1]:series "p", { 3, 3, 3 })
  luaunit.assertEquals(runs[2]:series "p", { 4, 4, 4 })
  luaunit.assertEquals(runs[2]:resume(1):series "p", { 4, 4, 4, 4 })
end

function tests.test_results_of_each_model()
  local folder = os.tmpname()
  os.remove(folder)
  local function steps(path)
    local count = 0
    for _ in io.lines(path .. "/history.jsonl") do count = count + 1 end
    os.remove(path .. "/history.jsonl")
    os.remove(path .. "/model.safetensors")
    os.remove(path .. "/run.json")
    return count
  end
  local runs = train(new_models(2), { dir = folder })
  luaunit.assertEquals(steps(folder .. "/1"), 3)
  luaunit.assertEquals(steps(folder .. "/2"), 3)
  runs[2]:save()
  luaunit.assertEquals(steps(folder .. "/2"), 3)
  train(new_models(2), { dir = { folder .. "/a", folder .. "/b" }, steps = 2 })
  luaunit.assertEquals(steps(folder .. "/a"), 2)
  luaunit.assertEquals(steps(folder .. "/b"), 2)
  for _, name in ipairs { "/1", "/2", "/a", "/b", "" } do os.remove(folder .. name) end
end

function tests.test_folders_that_hold_runs()
  local folder = os.tmpname()
  os.remove(folder)
  local holds = ("results folder: '%s' holds a run of 3 records up to step 4 and a model; "
    .. "overwrite = true replaces it"):format(folder)
  local first = train(new_model(), { dir = folder })
  luaunit.assertErrorMsgContains(holds, train, new_model(), { dir = folder })
  local other = train(new_model(), { steps = 3 })
  luaunit.assertErrorMsgContains(holds, other.save, other, folder)
  luaunit.assertErrorMsgContains("unknown option 'overwrites'; did you mean 'overwrite'?",
    other.save, other, folder, { overwrites = true })
  -- The run itself may go on and be saved again, into that folder and others.
  first:resume(1):save():save(folder):save(folder .. "/copy"):save(folder .. "/copy")
  other:save(folder, { overwrite = true })
  luaunit.assertErrorMsgContains(("'%s' was taken by another run meanwhile and holds a run of 3 "
    .. "records up to step 3 and a model; run:save with overwrite = true replaces it")
    :format(folder), first.resume, first, 1)
  luaunit.assertErrorMsgContains("was taken by another run", first.save, first)
  luaunit.assertEquals(first:save(nil, { overwrite = true }):resume(1).step, 6)
  local replacing = train(new_model(), { dir = folder, overwrite = true, steps = 2 })
  local lines = {}
  for line in io.lines(folder .. "/history.jsonl") do lines[#lines + 1] = line end
  luaunit.assertEquals(#lines, #replacing.history)
  luaunit.assertErrorMsgContains("overwrite needs dir, the folder whose run is replaced",
    train, new_model(), { overwrite = true })
  -- Of a list none begins where one is refused, and all are let go of.
  local lists = { folder .. "/new", folder }
  for _ = 1, 2 do
    luaunit.assertErrorMsgContains("model 2: results folder: '" .. folder .. "' holds a run of",
      train, new_models(2), { dir = lists })
    luaunit.assertNil(io.open(folder .. "/new/history.jsonl"))
  end
  luaunit.assertErrorMsgContains("/./' is in use by another run of this process",
    train, new_models(2), { dir = { folder .. "/new", folder .. "/new/./" } })
  luaunit.assertEquals(#train(new_models(2), { dir = lists, overwrite = true }), 2)
  for _, name in ipairs { "/copy", "/new", "" } do
    os.remove(folder .. name .. "/history.jsonl")
    os.remove(folder .. name .. "/model.safetensors")
    os.remove(folder .. name .. "/run.json")
    luaunit.assertTrue(os.remove(folder .. name), "nothing else is in it")
  end
end

function tests.test_errors_name_the_model()
  for label, options in pairs(callbacks(function() error "mine" end)) do
    local models = new_models(2)
    local ok, message = pcall(train, models, options)
    luaunit.assertFalse(ok, label)
    luaunit.assertStrContains(message, "model 1: ")
    luaunit.assertStrContains(message, "mine")
    for _, model in ipairs(models) do assert_alive(model) end
  end
  local thrown = {}
  local ok, message = pcall(train, new_models(2),
    { on_record = function() error(thrown) end })
  luaunit.assertFalse(ok)
  luaunit.assertIs(message, thrown)
  local models = new_models(3)
  models[2]:set("output.weight", mnemo.full(65, 8, 0 / 0))
  luaunit.assertErrorMsgContains(
    "model 2: train: the loss is nan at step 0, before any update", train, models)
  models[3] = mnemo.model.simplified { vocab = 64, dim = 8, max_len = 16 }
  luaunit.assertErrorMsgContains(
    "model 3: train: the data has 65 tokens, the model a vocab of 64", train, models)
end

function tests.test_lists_that_do_not_fit()
  local models = new_models(2)
  local function refused(message, model, options)
    luaunit.assertErrorMsgContains(message, train, model, options)
  end
  refused("bad option 'model' to 'train' (Model or list of models expected, got an empty list)", {})
  refused("bad option 'model' to 'train' ([2]: Model expected, got Tensor)",
    { models[1], mnemo.ones(1) })
  refused("bad option 'model' to 'train' (Model or list of Model expected, got number)", 3)
  refused("train: models 1 and 3 are the same one; train a clone() of it",
    { models[1], models[2], models[1] })
  refused("bad option 'data' to 'train' (a list needs a list of models, too)", models[1],
    { data = { task } })
  refused("bad option 'data' to 'train' (got 3 for 2 models; give one to each)", models,
    { data = { task, task, task } })
  refused("bad option 'dir' to 'train' (got 1 for 2 models; give one to each)", models,
    { dir = { "one" } })
  refused("bad option 'dir' to 'train' ([2]: 'out' is also [1]; give each run its own)", models,
    { dir = { "out", "out" } })
  refused("bad option 'probes' to 'train' (got 1 for 2 models; give one to each)", models,
    { probes = { {} } })
  refused("bad option 'probes' to 'train' ([2]: table expected, got number)", models,
    { probes = { {}, 3 } })
  refused("names expected as keys, got a number", models[1], { probes = { {} } })
end

function tests.test_one_optimizer_for_all_goes_on()
  local function two() return { new_models(3)[1], new_models(3)[3] } end
  local shared = mnemo.optim.adamw { lr = 0.01 }
  local models = two()
  for _ = 1, 2 do train(models, { optimizer = shared }) end
  for i, model in ipairs(two()) do
    local own = mnemo.optim.adamw { lr = 0.01 }
    for _ = 1, 2 do train(model, { optimizer = own }) end
    luaunit.assertEquals(loss_of(models[i]), loss_of(model))
  end
end

exit(luaunit.LuaUnit.new():runSuiteByInstances { { "train", tests } })
