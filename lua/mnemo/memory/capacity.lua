--- How many pairs fit, and how that grows.
local expect = require "mnemo.text.expect"
local mnemo = require "mnemo"

local memory = {}

--- Returns a list of seeds: 1 … n for a number, a list as it is.
local function seeds_of(seeds, where)
  if type(seeds) == "table" then
    expect.numbers(1, where, seeds)
    return seeds
  end
  if math.type(seeds) ~= "integer" or seeds < 1 then
    expect.fail("%s: seeds is %s (allowed: 1 or more, or a list)", where, tostring(seeds))
  end
  local list = {}
  for i = 1, seeds do list[i] = i end
  return list
end

--- Finds the largest number that holds, between one that does and one that does not.
local function bisect(holds, low, high, seed, tolerance)
  while high - low > math.max(1, tolerance * low) do
    local middle = (low + high) // 2
    if holds(middle, seed) then low = middle else high = middle end
  end
  return low
end

--- Moves away from where the end is expected, by steps that double, until the bracket holds.
-- @treturn integer a number that is held, and is `low` where none above it was found
-- @treturn integer a number that is not, or `high`
local function widened(holds, low, high, seed, near, tolerance)
  local at = math.min(math.max(near, low), high)
  local is_held, step = holds(at, seed), math.max(1, math.ceil(at * math.max(tolerance, 0.02)))
  while at > low and at < high do
    local next = is_held and math.min(high, at + step) or math.max(low, at - step)
    if holds(next, seed) ~= is_held then
      if is_held then return at, next end
      return next, at
    end
    at, step = next, 2 * step
  end
  return low, high
end

--- Refuses a bracket one end of which is not what it should be.
local function check_bracket(holds, low, high, seed, where)
  if not holds(low, seed) then
    expect.fail("%s: the bracket does not hold: seed %d does not hold even low = %d; give a "
      .. "smaller low", where, seed, low)
  end
  if holds(high, seed) then
    expect.fail("%s: the bracket does not hold: seed %d holds even high = %d; give a larger "
      .. "high", where, seed, high)
  end
end

--- Finds the largest n that a memory holds, by bisection for each seed.
--
-- `holds(n, seed)` tells whether n pairs are held, as by `recall(…) >= 0.99`. It should hold at
-- `low` and not at `high`; where it does not so, there is nothing to find in between, and that is
-- an error. The same seed should draw the same embeddings for every n, so that fewer pairs are
-- part of more.
-- @tparam function options.holds `holds(n, seed)` → boolean
-- @tparam[opt=1] integer options.low a number that is held
-- @tparam integer options.high a number that is not
-- @tparam[opt=5] integer|table options.seeds how many seeds, 1 … n, or a list of them
-- @tparam[opt] integer options.near where the end is expected, from theory say: the search begins
--   there, and at the mean of those found for every further seed, and asks far fewer n
-- @tparam[opt=0] number options.tolerance ends when the bracket is less than this share of its
--   lower end; 0 finds the number itself
-- @treturn table the measurement over seeds, as of `mnemo.stats`: `mean`, `error`, `count`; and
--   `values`, one for each seed
-- @usage
-- local d = 16
-- local found = mnemo.memory.capacity {
--   low = 1, high = 200, seeds = 3,
--   holds = function(n, seed)
--     local U = mnemo.memory.embeddings(200, d, { kind = "sphere", seed = 2 * seed })
--     local V = mnemo.memory.embeddings(200, d, { kind = "sphere", seed = 2 * seed + 1 })
--     U, V = U:narrow(1, 1, n), V:narrow(1, 1, n)
--     return mnemo.memory.recall(mnemo.memory.outer(V, U), U, V) >= 0.99
--   end,
-- }
-- print(mnemo.stats.text(found))
function memory.capacity(options)
  local where = "memory.capacity"
  expect.keys(options, { "holds", "low", "high", "seeds", "tolerance", "near" }, where)
  local holds, low, high = options.holds, options.low or 1, options.high
  expect.option("holds", where, holds, "function")
  for name, bound in pairs { low = low, high = high or false } do
    if math.type(bound) ~= "integer" or bound < 0 then
      expect.fail("%s: %s is %s (allowed: an integer of 0 or more)", where, name,
        tostring(options[name]))
    end
  end
  if low >= high then
    expect.fail("%s: low is %d, high %d (allowed: low below high)", where, low, high)
  end
  local near, tolerance = options.near, options.tolerance or 0
  if near ~= nil and math.type(near) ~= "integer" then
    expect.fail("%s: near is %s (allowed: an integer)", where, tostring(near))
  end
  local values, sum = {}, 0
  for i, seed in ipairs(seeds_of(options.seeds or 5, where)) do
    local first, last = low, high
    if near then first, last = widened(holds, low, high, seed, near, tolerance) end
    if first == low and last == high then check_bracket(holds, low, high, seed, where) end
    values[i] = bisect(holds, first, last, seed, tolerance)
    sum = sum + values[i]
    near = near and (sum + i // 2) // i
  end
  local measured = mnemo.stats.of(values)
  measured.values = values
  return measured
end

--- Fits a power law y = c·x^slope: a straight line through log x and log y by least squares.
-- @tparam {number,...} x positive numbers, two or more different ones
-- @tparam {number,...} y positive numbers, as many
-- @treturn table the measurement of the slope, as of `mnemo.stats`: `mean`, `error` (its standard
--   error; nil with two points), `count`; and `factor`, c
-- @usage
-- local fit = mnemo.memory.slope({ 16, 32, 64 }, { 31, 116, 432 })
-- print(mnemo.stats.text(fit, 2), fit.factor)
function memory.slope(x, y)
  local where = "memory.slope"
  expect.numbers(1, where, x)
  expect.numbers(2, where, y)
  if #x ~= #y then expect.refuse(2, where, ("%d numbers expected, got %d"):format(#x, #y)) end
  local count, mean_x, mean_y = #x, 0, 0
  local logs_x, logs_y = {}, {}
  for i = 1, count do
    for position, value in ipairs { x[i], y[i] } do
      if not (value > 0 and value < math.huge) then
        expect.refuse(position, where, ("[%d]: a positive number expected, got %s"):format(i,
          value))
      end
    end
    logs_x[i], logs_y[i] = math.log(x[i]), math.log(y[i])
    mean_x, mean_y = mean_x + logs_x[i] / count, mean_y + logs_y[i] / count
  end
  local squares, products = 0, 0
  for i = 1, count do
    squares = squares + (logs_x[i] - mean_x) ^ 2
    products = products + (logs_x[i] - mean_x) * (logs_y[i] - mean_y)
  end
  if count < 2 or squares == 0 then
    expect.refuse(1, where, "two different numbers or more expected")
  end
  local slope, rest = products / squares, 0
  for i = 1, count do
    rest = rest + (logs_y[i] - mean_y - slope * (logs_x[i] - mean_x)) ^ 2
  end
  return {
    mean = slope, count = count, factor = math.exp(mean_y - slope * mean_x),
    error = count > 2 and math.sqrt(rest / (count - 2) / squares) or nil,
    freedom = count > 2 and count - 2 or nil,
  }
end

return memory
