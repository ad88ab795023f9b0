--- Numbers with their errors, and whether two of them differ by more.
--
-- A measurement is a table `{ mean =, error =, count =, freedom = }`: a mean, its standard error,
-- how many values it was made of, and the error's degrees of freedom, one less than the seeds or
-- sequences that it was taken over; an error without them counts as known exactly. Where there is
-- no error to be known, of one value alone, `error` is nil; a mean of nothing is NaN.
--
--     local right = mnemo.probes.answers(model, task)
--     local rest = mnemo.stats.share(right.hits, right.sequences)
--     print(mnemo.stats.text(rest))                         -- 0.361 ± 0.006
local expect = require "mnemo.text.expect"
local number = require "mnemo.text.number"
local runs = require "mnemo.runs"

local stats = {}

-- The mean of nothing. 0/0 may have a sign, and print as "-nan".
local nan = math.abs(0 / 0)

--- Returns a measurement that may be given as a number, which has no error.
local function measurement(position, where, value)
  if type(value) == "number" then return { mean = value, error = 0 } end
  if type(value) ~= "table" or type(value.mean) ~= "number" then
    expect.refuse(position, where, ("measurement or number expected, got %s"):format(
      type(value) == "table" and "a table without mean" or expect.kind(value)))
  end
  return value
end

--- Returns mean and standard error of a list of numbers, of several seeds for example.
-- @tparam {number,...} values numbers that do not depend on each other
-- @treturn table the measurement
-- @usage print(mnemo.stats.of({ 0.98, 0.99, 0.97 }).error)
function stats.of(values)
  expect.numbers(1, "stats.of", values)
  local mean, deviation = runs.summary(values)
  local error = deviation and deviation / math.sqrt(#values)
  return { mean = mean, error = error, count = #values, freedom = error and #values - 1 }
end

--- Returns the share of places where a 0/1 vector is 1, with the standard error over sequences:
-- places in one sequence depend on each other, so that the sequences are what is counted.
--
-- With y_i ones among the n_i places of sequence i and r = Σy / Σn, the error is
-- √(G / (G − 1) · Σ (y_i − r·n_i)²) / Σn for G sequences: that of a ratio of sums. It is at least
-- 1/G: where all are alike, G sequences have shown no more.
-- @tparam Tensor hits 0 or 1, [R]
-- @tparam IntTensor|Tensor sequences which sequence each place belongs to, [R]
-- @tparam[opt] Tensor where a 0/1 vector of the places that count, [R]; all without it
-- @treturn table the measurement; `count` is the number of places
-- @usage
-- local hits, sequences = mnemo.tensor { 1, 0, 1 }, mnemo.int_tensor { 1, 1, 2 }
-- print(mnemo.stats.share(hits, sequences).mean)
function stats.share(hits, sequences, where)
  expect.argument(1, "stats.share", hits, "Tensor")
  expect.argument(2, "stats.share", sequences, "IntTensor", "Tensor")
  if hits:numel() ~= sequences:numel() then
    expect.refuse(2, "stats.share", ("shape [%d] expected, got [%s]"):format(hits:numel(),
      table.concat(sequences:shape(), ", ")))
  end
  if where then
    expect.argument(3, "stats.share", where, "Tensor")
    hits, sequences = hits:masked_select(where), sequences:masked_select(where)
  end
  local ones, places, total = {}, {}, 0
  local ids = sequences:totable()
  for i, hit in ipairs(hits:totable()) do
    local id = ids[i]
    ones[id], places[id] = (ones[id] or 0) + hit, (places[id] or 0) + 1
    total = total + hit
  end
  local share, squares, groups = total / #ids, 0, 0
  for id, count in pairs(places) do
    squares, groups = squares + (ones[id] - share * count) ^ 2, groups + 1
  end
  local error = groups > 1
    and math.max(1 / groups, math.sqrt(groups / (groups - 1) * squares) / #ids) or nil
  return {
    mean = #ids > 0 and share or nan, error = error, count = #ids,
    freedom = error and groups - 1,
  }
end

--- Returns the mean of what several seeds measured. Its error is that over the seeds, but no less
-- than what the choice of sequences makes, which is all that is known of a single seed. The degrees
-- of freedom are those over the seeds, if there are several.
-- @tparam {table,...} measured one measurement for each seed
-- @treturn table the measurement
-- @usage
-- local seeds = { { mean = 0.9, error = 0.01 }, { mean = 0.8, error = 0.01 } }
-- print(mnemo.stats.text(mnemo.stats.over_seeds(seeds)))
function stats.over_seeds(measured)
  local means, squares = {}, 0
  for i, one in ipairs(measured) do
    means[i], squares = one.mean, squares + (one.error or 0) ^ 2
  end
  local mean = stats.of(means)
  mean.error = math.max(mean.error or 0, math.sqrt(squares) / #means)
  mean.freedom = mean.freedom or measured[1] and measured[1].freedom
  return mean
end

--- Returns the probability that a quantile is asked for, 0.975 if none is.
local function probability_of(position, where, value)
  expect.argument(position, where, value, "number", "nil")
  if value and not (value >= 0.5 and value <= 0.9999) then
    expect.refuse(position, where,
      ("probability from 0.5 to 0.9999 expected, got %g"):format(value))
  end
  return value or 0.975
end

--- Returns the quantile of Student's t distribution: with the default, the number of standard
-- errors that a mean is off by no more, either way, in 95 of 100 cases.
-- @tparam number freedom degrees of freedom, at least 1; math.huge gives the normal distribution's
-- @tparam[opt=0.975] number probability of a value below it, from 0.5 to 0.9999
-- @treturn number
-- @usage print(mnemo.stats.t_quantile(2), mnemo.stats.t_quantile(math.huge))
function stats.t_quantile(freedom, probability)
  expect.argument(1, "stats.t_quantile", freedom, "number")
  local is_allowed = freedom >= 1 -- a NaN is not
  if not is_allowed then
    expect.refuse(1, "stats.t_quantile", ("at least 1 expected, got %g"):format(freedom))
  end
  probability = probability_of(2, "stats.t_quantile", probability)
  -- Of t = √ν tan θ the angle has a density proportional to cos^(ν − 1) θ. That from 0 to π/2 is
  -- summed up to the wanted share; beyond 10⁵ degrees of freedom t is the normal one's to 5 digits.
  freedom = math.min(freedom, 1e5)
  local count = 20000
  local step, densities, total = math.pi / 2 / count, {}, 0
  for i = 1, count do
    densities[i] = math.cos((i - 0.5) * step) ^ (freedom - 1)
    total = total + densities[i]
  end
  local left, passed = (2 * probability - 1) * total, 0
  while left > densities[passed + 1] do
    passed = passed + 1
    left = left - densities[passed]
  end
  return math.sqrt(freedom) * math.tan((passed + left / densities[passed + 1]) * step)
end

--- Returns the degrees of freedom of a difference's error, by Welch and Satterthwaite:
-- 1 / (s_a² / ν_a + s_b² / ν_b), where s is each one's share in e_a² + e_b².
local function welch(a, b)
  local total, spread = a.error ^ 2 + b.error ^ 2, 0
  for _, one in ipairs { a, b } do
    spread = spread + (one.error ^ 2 / total) ^ 2 / (one.freedom or math.huge)
  end
  -- Rounding may take it below 1; without an error there is nothing to divide.
  return spread > 0 and math.max(1, 1 / spread) or math.huge
end

--- Tells whether two measurements differ by more than their errors, by Welch's test.
--
-- They do if the difference is more than t times its standard error, √(e_a² + e_b²), where t is
-- the quantile of Student's distribution with the degrees of freedom of that error: 4.30 for a
-- mean over three seeds beside a number, 2.78 for two such means with like errors, 1.96 for errors
-- over very many sequences. So of pairs that are alike one in twenty is told to differ.
--
-- Nothing is told where an error is not known, a mean is NaN, or both errors are 0 and the means
-- are one number.
-- @tparam table a a measurement, or a number that has no error
-- @tparam table b the same
-- @tparam[opt=0.975] number probability of the quantile; at 0.999 it is 3.09 of many sequences
-- @treturn string|nil "more" if a is larger, "less" if it is smaller, nil if that cannot be told
-- @usage
-- local high, low = mnemo.stats.of { 0.9, 0.93, 0.91 }, mnemo.stats.of { 0.6, 0.5, 0.6 }
-- print(mnemo.stats.compare(high, low), mnemo.stats.compare(high, 0.9))
function stats.compare(a, b, probability)
  a, b = measurement(1, "stats.compare", a), measurement(2, "stats.compare", b)
  probability = probability_of(3, "stats.compare", probability)
  if not (a.error and b.error) then return nil end
  local difference = a.mean - b.mean
  local least = stats.t_quantile(welch(a, b), probability) * math.sqrt(a.error ^ 2 + b.error ^ 2)
  if difference > least then return "more" end
  if difference < -least then return "less" end
  return nil
end

--- Writes a measurement as "0.361 ± 0.006", without an error where none is known, and "none" where
-- there was nothing to measure.
-- @tparam table measured the measurement
-- @tparam[opt=3] integer digits after the point
-- @treturn string
-- @usage print(mnemo.stats.text { mean = 0.361, error = 0.006 })
function stats.text(measured, digits)
  expect.argument(1, "stats.text", measured, "table")
  measured = measurement(1, "stats.text", measured)
  if measured.mean ~= measured.mean then return "none" end
  local text = number(measured.mean, digits or 3)
  return measured.error and text .. " ± " .. number(measured.error, digits or 3) or text
end

return stats
