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

--- Trains a model for some steps; `more` adds to the options.
local function train(model, more)
  local options = {
    model = model, data = task, steps = 4, batch_size = 4, eval_every = 2, progress = false,
    optimizer = mnemo.optim.sgd { lr = 0.1, momentum = 0.9 },
  }
  for name, value in pairs(more or {}) do options[name] = value end
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

--- The ways into a script's code during training, each with its name in messages.
local function callbacks(f)
  return {
    ["probe 'mine'"] = { probes = { mine = f } },
    ["at[2]"] = { at = { [2] = f } },
    ["on_record"] = { on_record = f },
    ["loss_on"] = { loss_on = f },
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
  for what, value in pairs { string = "3", boolean = true, table = {}, Tensor = mnemo.ones(1) } do
    local model = new_model()
    luaunit.assertErrorMsgContains("probe 'p': must return a number, got " .. what, train, model,
      { probes = { p = function() return value end } })
    assert_alive(model)
  end
  luaunit.assertErrorMsgContains("probe 'p': must return a number, got nothing", train,
    new_model(), { probes = { p = function() end } })
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

exit(luaunit.LuaUnit.new():runSuiteByInstances { { "train", tests } })
