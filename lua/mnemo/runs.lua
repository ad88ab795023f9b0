--- Several runs of one experiment, which differ in their seeds: what they have in common, and
-- by how much they differ.
--
--     local runs = mnemo.train { model = { first, second, third }, data = task, … }
--     local reached = mnemo.runs.last(runs, "acc_end")
--     print(mnemo.runs.spread(reached))                  -- 0.981 ± 0.002
--     mnemo.plot.lines { y = mnemo.runs.series(runs, "acc_end") }
--
-- A run is what `mnemo.train` returns, or any table with its `history`.
local columns = require "mnemo.text.columns"

local runs = {}

--- Returns one column of each run's history, as `mnemo.plot.lines` takes it for a mean with a
-- band.
-- @tparam {Run,...} list the runs
-- @tparam string name the column: "step", "loss" or a probe's name
-- @treturn {table,...} a list of numbers for each run
-- @usage
-- local one = { history = { { step = 0, loss = 2 }, { step = 10, loss = 1 } } }
-- print(mnemo.runs.series({ one }, "loss")[1][2])
function runs.series(list, name)
  local all = {}
  for i, run in ipairs(list) do
    all[i] = {}
    for j, record in ipairs(run.history) do all[i][j] = record[name] end
  end
  return all
end

--- Returns what each run measured last.
-- @tparam {Run,...} list the runs
-- @tparam string name the column
-- @treturn {number,...} one number for each run
-- @usage
-- local one = { history = { { step = 0, loss = 2 }, { step = 10, loss = 1 } } }
-- print(mnemo.runs.last({ one }, "loss")[1])
function runs.last(list, name)
  local all = {}
  for i, run in ipairs(list) do all[i] = run.history[#run.history][name] end
  return all
end

--- Returns the first measured step of a run at which a column fulfils a condition.
-- @tparam Run run the run
-- @tparam string name the column
-- @tparam function condition from the column's value to whether it is fulfilled
-- @treturn integer|nil the step; nil if there is none
-- @usage
-- local one = { history = { { step = 0, loss = 2 }, { step = 10, loss = 1 } } }
-- print(mnemo.runs.first_step(one, "loss", function(loss) return loss < 1.5 end))
function runs.first_step(run, name, condition)
  for _, record in ipairs(run.history) do
    if condition(record[name]) then return record.step end
  end
  return nil
end

--- Returns mean and standard deviation (with n − 1) of a list of numbers.
-- @tparam {number,...} values at least one
-- @treturn number the mean
-- @treturn number|nil the standard deviation; nil for a single number
-- @usage print(mnemo.runs.summary { 1, 2, 3 })
function runs.summary(values)
  local sum, squares = 0, 0
  for _, value in ipairs(values) do sum = sum + value end
  local mean = sum / #values
  if #values < 2 then return mean, nil end
  for _, value in ipairs(values) do squares = squares + (value - mean) ^ 2 end
  return mean, math.sqrt(squares / (#values - 1))
end

--- Writes mean and standard deviation as "0.981 ± 0.002", a single number as "0.981".
-- @tparam {number,...} values at least one
-- @tparam[opt=3] integer digits after the point
-- @treturn string
-- @usage print(mnemo.runs.spread { 0.98, 0.99, 0.97 })
function runs.spread(values, digits)
  local number = ("%%.%df"):format(digits or 3)
  local mean, deviation = runs.summary(values)
  if not deviation then return number:format(mean) end
  return number:format(mean) .. " ± " .. number:format(deviation)
end

--- Returns the columns of a list of rows, as rows: numbers of each seed by setting become numbers
-- of each setting by seed, and back.
-- @tparam {table,...} rows lists of one length
-- @treturn {table,...} its column i is the i-th list
-- @usage print(mnemo.runs.transposed({ { 1, 2, 3 }, { 4, 5, 6 } })[3][2])
function runs.transposed(rows)
  local turned = {}
  for i in ipairs(rows[1] or {}) do
    turned[i] = {}
    for j, row in ipairs(rows) do turned[i][j] = row[i] end
  end
  return turned
end

--- Writes rows of cells as columns of text, the first to the left and the others to the right.
-- @tparam {table,...} rows lists of texts or numbers; the first row is the head
-- @treturn string one line for each row
-- @usage print(mnemo.runs.columns { { "seed", "accuracy" }, { 1, "0.98" }, { 2, "0.97" } })
function runs.columns(rows)
  local lines = columns(rows, function(i) return i > 1 end)
  for i, line in ipairs(lines) do lines[i] = "  " .. line end
  return table.concat(lines, "\n")
end

return runs
