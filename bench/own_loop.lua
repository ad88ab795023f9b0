--- Seconds per training step of mnemo.train and of the same loop written in Lua, in turn.
--
-- Both train the same model with the same seeds; at the end their parameters have the same bits, or
-- the script fails. Steps come in blocks, the two kinds alternately, so that other work on the
-- machine disturbs both alike. A ratio is that of the loop to mnemo.train.
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

--- Returns a function that makes a block of steps by mnemo.train and adds the seconds of each to
-- `times`, and the model.
local function trained(task, times)
  local model, optimizer = workloads.model(setting, task)
  local run, last
  -- A record, made between gradients and update, is a mark on the clock that costs nothing.
  local function mark()
    local now = mnemo.clock()
    if last then times[#times + 1] = now - last end
    last = now
  end
  return function(steps)
    last = nil
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
  return function(steps)
    for _ = 1, steps do
      times[#times + 1] = measure.seconds(function()
        step = step + 1
        local loss = model:loss(task:batch(setting.batch, step), options.loss_on)
        optimizer:zero_grad(parameters)
        loss:backward()
        optimizer:step(parameters)
      end)
    end
  end, model
end

--- Prints the line of one number of threads.
local function report(threads)
  mnemo.threads(threads)
  local task = workloads.task(setting)
  local times = { train = {}, loop = {} }
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
  local train_median, train_least = measure.median_and_least(times.train)
  local loop_median, loop_least = measure.median_and_least(times.loop)
  measure.print {
    "bench", "own_loop", "setting", options.setting, "loss_on", options.loss_on,
    "threads", threads, "train_median_s", train_median, "loop_median_s", loop_median,
    "median_ratio", loop_median / train_median, "train_least_s", train_least,
    "loop_least_s", loop_least, "least_ratio", loop_least / train_least, "load", measure.load(),
  }
end

for _, threads in ipairs(options.threads and { options.threads } or { 2, 1 }) do report(threads) end
