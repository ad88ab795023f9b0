--- Learning rates that change over training: functions of the step, counted from 0, for the `lr` of
-- an optimizer or of a group.
--
--     local lr = mnemo.schedules.cosine { lr = 1e-3, steps = 1000, warmup = 100 }
--     local optimizer = mnemo.optim.adamw { lr = lr }
--
-- Any function from a step to a number will do; these are the usual ones. All but `step` begin with
-- `warmup` steps, in which the rate grows in equal parts: lr/warmup at step 0, lr at step
-- warmup − 1.
local expect = require "mnemo.text.expect"

local schedules = {}

-- The least that each option may be, and what it is if it is not given.
local least = { lr = 0, final = 0, factor = 0, steps = 1, every = 1, warmup = 0 }
local defaults = { warmup = 0, final = 0, factor = 0.1 }

--- Returns the options of a schedule, checked.
local function read(where, options, names)
  expect.keys(options, names, where)
  local all = {}
  for _, name in ipairs(names) do
    local value = options[name]
    if value == nil then value = defaults[name] end
    if type(value) ~= "number" then
      expect.fail("bad option '%s' to '%s' (number expected, got %s)", name, where,
        expect.kind(value))
    end
    -- NaN is not at least anything.
    if not (value >= least[name] and value < math.huge) then
      expect.fail("bad option '%s' to '%s' (%s or more expected, got %s)", name, where,
        least[name], value)
    end
    all[name] = value
  end
  if all.steps and all.warmup > all.steps then
    expect.fail("bad option 'warmup' to '%s' (at most steps = %s expected, got %s)", where,
      all.steps, all.warmup)
  end
  return all
end

--- Returns a schedule that warms up, then follows `after`, a function from the share of the other
-- steps that are made, 0 to 1, to the rate.
local function over(all, after)
  local rest = math.max(all.steps - all.warmup, 1)
  return function(step)
    if step < all.warmup then return all.lr * (step + 1) / all.warmup end
    return after(math.min((step - all.warmup) / rest, 1))
  end
end

--- Returns a schedule that goes from `lr` to `final` along half a cosine, and stays there.
-- @tparam number options.lr the largest rate
-- @tparam integer options.steps after how many steps `final` is reached, warm-up included
-- @tparam[opt=0] integer options.warmup steps in which the rate grows
-- @tparam[opt=0] number options.final the last rate
-- @treturn function from the step, counted from 0, to the rate
-- @usage
-- local lr = mnemo.schedules.cosine { lr = 0.1, steps = 100, warmup = 10, final = 0.01 }
-- print(lr(0), lr(10), lr(55), lr(100))
function schedules.cosine(options)
  local all = read("schedules.cosine", options, { "lr", "steps", "warmup", "final" })
  return over(all, function(share)
    return all.final + (all.lr - all.final) * (1 + math.cos(math.pi * share)) / 2
  end)
end

--- Returns a schedule that goes from `lr` to `final` in equal parts, and stays there.
-- @tparam number options.lr the largest rate
-- @tparam integer options.steps after how many steps `final` is reached, warm-up included
-- @tparam[opt=0] integer options.warmup steps in which the rate grows
-- @tparam[opt=0] number options.final the last rate
-- @treturn function from the step, counted from 0, to the rate
-- @usage
-- local lr = mnemo.schedules.linear { lr = 0.1, steps = 100 }
-- print(lr(0), lr(50), lr(100))
function schedules.linear(options)
  local all = read("schedules.linear", options, { "lr", "steps", "warmup", "final" })
  return over(all, function(share) return all.lr + (all.final - all.lr) * share end)
end

--- Returns a schedule that grows to `lr` in equal parts, and stays there.
-- @tparam number options.lr the largest rate
-- @tparam[opt=0] integer options.warmup steps in which the rate grows
-- @treturn function from the step, counted from 0, to the rate
-- @usage
-- local lr = mnemo.schedules.warmup { lr = 0.1, warmup = 10 }
-- print(lr(0), lr(9), lr(1000))
function schedules.warmup(options)
  local all = read("schedules.warmup", options, { "lr", "warmup" })
  return function(step)
    return step < all.warmup and all.lr * (step + 1) / all.warmup or all.lr
  end
end

--- Returns a schedule that multiplies the rate by `factor` after every so many steps.
-- @tparam number options.lr the first rate
-- @tparam integer options.every how many steps have one rate
-- @tparam[opt=0.1] number options.factor what the rate is multiplied by
-- @treturn function from the step, counted from 0, to the rate
-- @usage
-- local lr = mnemo.schedules.step { lr = 0.1, every = 100, factor = 0.5 }
-- print(lr(99), lr(100), lr(200))
function schedules.step(options)
  local all = read("schedules.step", options, { "lr", "every", "factor" })
  return function(step) return all.lr * all.factor ^ (step // all.every) end
end

return schedules
