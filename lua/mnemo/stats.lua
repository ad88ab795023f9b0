--- Numbers with their errors, and whether two of them differ by more.
--
-- A measurement is a table `{ mean =, error =, count = }`: a mean, its standard error, and how
-- many values it was made of. Where there is no error to be known, of one value alone, `error` is
-- nil; a mean of nothing is NaN.
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
      type(value) == "table" and "a table without mean" or expect.kind(value)), 2)
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
  return { mean = mean, error = error, count = #values }
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
  return { mean = #ids > 0 and share or nan, error = error, count = #ids }
end

--- Returns the mean of what several seeds measured. Its error is that over the seeds, but no less
-- than what the choice of sequences makes, which is all that is known of a single seed.
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
  return mean
end

--- Tells whether two measurements differ by more than their errors.
--
-- They do if the difference is more than `errors` times its standard error, √(e_a² + e_b²).
-- Nothing is told where an error is not known, a mean is NaN, or both errors are 0 and the means
-- are one number.
-- @tparam table a a measurement, or a number that has no error
-- @tparam table b the same
-- @tparam[opt=2] number errors how many standard errors are needed
-- @treturn string|nil "more" if a is larger, "less" if it is smaller, nil if that cannot be told
-- @usage print(mnemo.stats.compare({ mean = 0.9, error = 0.01 }, { mean = 0.5, error = 0.02 }))
function stats.compare(a, b, errors)
  a, b = measurement(1, "stats.compare", a), measurement(2, "stats.compare", b)
  expect.argument(3, "stats.compare", errors, "number", "nil")
  if not (a.error and b.error) then return nil end
  local difference, least = a.mean - b.mean, (errors or 2) * math.sqrt(a.error ^ 2 + b.error ^ 2)
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
