--- Seconds per training step of mnemo.train and of the same loop written in Lua, in turn.
--
-- Both train the same model with the same seeds; at the end their parameters have the same bits, or
-- the script fails. Steps come in blocks, the two kinds alternately, so that other work on the
-- machine disturbs both alike. Seconds are medians over all steps; `wall` are those of the clock,
-- `cpu` those of all threads together. A ratio is that of the loop to mnemo.train.
--
-- usage: mnemo bench/own_loop.lua [--help]
local mnemo = require "mnemo"
local folder = arg[0]:match(".*/") or ""
local measure = dofile(folder .. "measure.lua")
local workloads = dofile(folder .. "workloads.lua")

local options = require "mnemo.arguments" {
  about = "A loop of one's own against mnemo.train, one line of JSON for each number of threads.",
  { "setting", "medium", "the setting", choices = workloads.names },
  { "loss_on", "repeats", "the loss", choices = { "repeats", "all" } },
  { "threads", type = "integer", nil, "only this number of threads", min = 1 },
  { "steps", 10, "steps in a block", min = 2 },
  { "blocks", 10, "blocks of each kind", min = 1 },
}

local setting = workloads.settings[options.setting]

--- Returns a function that adds the seconds since its last call to `times.wall`, and those of all
-- processors to `times.cpu`, and one that begins anew.
local function stopwatch(times)
  local wall, cpu
  local function mark()
    local now, worked = mnemo.clock(), os.clock()
    if wall then
      times.wall[#times.wall + 1], times.cpu[#times.cpu + 1] = now - wall, worked - cpu
    end
    wall, cpu = now, worked
  end
  return mark, function() wall = nil end
end

--- Returns a function that makes a block of steps by mnemo.train and adds the seconds of each to
-- `times`, and the model.
local function trained(task, times)
  local model, optimizer = workloads.model(setting, task)
  -- A record, made between gradients and update, is a mark on the clock that costs nothing.
  local mark, begin = stopwatch(times)
  local run
  return function(steps)
    begin()
    if run then return run:resume(steps) end
    run = mnemo.train {
      model = model, data = task, batch_size = setting.batch, loss_on = options.loss_on,
      steps = steps, optimizer = optimizer, eval_every = 1, on_record = mark, progress = false,
    }
  end, model
end

--- The same by a loop.
local function looped(task, times)
  local model, optimizer = workloads.model(setting, task)
  local parameters, step = model:parameters(), 0
  local mark, begin = stopwatch(times)
  return function(steps)
    begin()
    for _ = 1, steps do
      step = step + 1
      local loss = model:loss(task:batch(setting.batch, step), options.loss_on)
      optimizer:zero_grad(parameters)
      loss:backward()
      mark()
      optimizer:step(parameters)
    end
  end, model
end

--- Prints the line of one number of threads.
local function report(threads)
  mnemo.threads(threads)
  local task = workloads.task(setting)
  local times = { train = { wall = {}, cpu = {} }, loop = { wall = {}, cpu = {} } }
  local train, model = trained(task, times.train)
  local loop, own = looped(task, times.loop)
  for block = 1, options.blocks do
    -- Each goes first as often as the other.
    local first, second = train, loop
    if block % 2 == 0 then first, second = loop, train end
    first(options.steps)
    second(options.steps)
  end
  for name, tensor in pairs(model:parameters()) do
    assert((tensor - own:get(name)):abs():max():item() == 0, name .. " differs")
  end
  local fields = {
    "bench", "own_loop", "setting", options.setting, "loss_on", options.loss_on,
    "threads", threads,
  }
  for _, clock in ipairs { "wall", "cpu" } do
    local train_s = measure.median_and_least(times.train[clock])
    local loop_s = measure.median_and_least(times.loop[clock])
    for _, field in ipairs {
      "train_" .. clock .. "_s", train_s, "loop_" .. clock .. "_s", loop_s,
      clock .. "_ratio", loop_s / train_s,
    } do
      fields[#fields + 1] = field
    end
  end
  table.move({ "load", measure.load() }, 1, 2, #fields + 1, fields)
  measure.print(fields)
end

for _, threads in ipairs(options.threads and { options.threads } or { 2, 1 }) do report(threads) end
