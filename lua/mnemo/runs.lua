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
local expect = require "mnemo.text.expect"
local nearest = require "mnemo.text.nearest"
local number = require "mnemo.text.number"
local stored = require "mnemo.runs.stored"

local runs = {}

--- Says what keeps a run from giving a column.
-- @treturn integer|nil which argument is wrong: the run or the name
-- @treturn string what is wrong with it
local function fault(run, name)
  local kind = expect.kind(run)
  if not (kind == "Run" or kind == "table" and type(run.history) == "table") then
    return 1, ("Run expected, got %s"):format(kind)
  elseif #run.history == 0 then
    return 1, "the run has measured nothing"
  end
  for _, record in ipairs(run.history) do
    if record[name] ~= nil then return nil end
  end
  local known = {}
  for column in pairs(run.history[1]) do known[#known + 1] = column end
  table.sort(known)
  local meant = nearest.name(tostring(name), known)
  return 2, ("no column '%s'; there are %s%s"):format(name, table.concat(known, ", "),
    meant and ("; did you mean '%s'?"):format(meant) or "")
end

--- Refuses what is no list of runs with a column.
local function check_column(where, list, name)
  local kind = expect.kind(list)
  if kind ~= "table" or list.history then
    expect.refuse(1, where, ("list of Run expected, got %s"):format(
      kind == "table" and "one run" or kind))
  end
  for i, run in ipairs(list) do
    local position, reason = fault(run, name)
    if position then expect.refuse(position, where, ("run %d: %s"):format(i, reason)) end
  end
end

--- Loads a run from its folder: the history, number for number, the model and settings, and
-- `resume`, which goes on in this process if all that the run was made of is built in. One that has
-- functions of a script goes on there, by `mnemo.train { resume = dir, … }`.
-- @tparam string dir the folder that was given to `mnemo.train` as `dir`
-- @treturn Run|table the run; of models that were trained side by side the list of their runs
-- @usage
-- local task = mnemo.data.bigram { seq_len = 16, seed = 1 }
-- mnemo.train {
--   model = mnemo.model.simplified { vocab = task.vocab_size, dim = 16, max_len = 16, seed = 1 },
--   data = task, steps = 3, batch_size = 4, dir = "short", optimizer = mnemo.optim.sgd { lr = 1 },
-- }
-- local run = mnemo.runs.load "short"
-- print(run.settings.optimizer.lr, run:resume(2).step)
function runs.load(dir)
  expect.argument(1, "runs.load", dir, "string")
  local loaded, reason = stored.load(dir)
  if not loaded then expect.fail("%s", reason) end
  return loaded
end

--- Returns one column of each run's history, as `mnemo.plot.lines` takes it for a mean with a
-- band.
-- @tparam {Run,...} list the runs
-- @tparam string name the column: "step", "loss" or a probe's name
-- @treturn {table,...} a list of numbers for each run
-- @usage
-- local one = { history = { { step = 0, loss = 2 }, { step = 10, loss = 1 } } }
-- print(mnemo.runs.series({ one }, "loss")[1][2])
function runs.series(list, name)
  check_column("runs.series", list, name)
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
  check_column("runs.last", list, name)
  local all = {}
  for i, run in ipairs(list) do all[i] = run.history[#run.history][name] end
  return all
end

--- Tells whether a point has all of some fields.
local function has(point, fields)
  for name, value in pairs(fields) do
    if point[name] ~= value then return false end
  end
  return true
end

--- Picks points of a sweep by their fields, in their order; or what they have in one field.
-- @tparam {table,...} points those of `mnemo.sweep`, or other tables
-- @tparam table fields the values by name, all of which a point must have
-- @tparam[opt] string name a field: its values are returned in place of the points
-- @treturn {any,...} the points or the values; nothing if no point has the fields
-- @usage
-- local points = { { dim = 8, seed = 1, loss = 3 }, { dim = 8, seed = 2, loss = 4 } }
-- print(mnemo.runs.spread(mnemo.runs.where(points, { dim = 8 }, "loss")))
function runs.where(points, fields, name)
  expect.argument(1, "runs.where", points, "table")
  expect.argument(2, "runs.where", fields, "table")
  expect.argument(3, "runs.where", name, "string", "nil")
  local found = {}
  for i, point in ipairs(points) do
    if type(point) ~= "table" then
      expect.refuse(1, "runs.where", ("point %d: table expected, got %s"):format(i,
        expect.kind(point)))
    elseif has(point, fields) then
      local value = point
      if name then value = point[name] end
      if value == nil then
        expect.refuse(3, "runs.where", ("point %d has no field '%s'"):format(i, name))
      end
      found[#found + 1] = value
    end
  end
  return found
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
  local position, reason = fault(run, name)
  if position then expect.refuse(position, "runs.first_step", reason) end
  expect.argument(3, "runs.first_step", condition, "function")
  for _, record in ipairs(run.history) do
    if condition(record[name]) then return record.step end
  end
  return nil
end

--- Tells whether a column of a run has stopped getting better: the last `patience` records, or
-- more, have not improved on the best one before them by more than `min_delta`. As `stop` of
-- `mnemo.train` it ends a run early.
-- @tparam Run run the run
-- @tparam string name the column; what is no number (NaN) improves on nothing
-- @tparam[opt=10] integer options.patience records without an improvement, 1 or more
-- @tparam[opt=0] number options.min_delta an improvement is more than this, 0 or more
-- @tparam[opt="max"] "max"|"min" options.mode whether more is better, or less
-- @treturn boolean
-- @usage
-- local task = mnemo.data.factual { subjects = 4, relations = 4, answers = 4, seed = 1 }
-- local run = mnemo.train {
--   model = mnemo.model.factual { vocab = task.vocab_size, answers = task.classes, seed = 1 },
--   data = task, steps = 200, batch_size = 32, probes = mnemo.probes.factual(task),
--   optimizer = mnemo.optim.adamw { lr = 0.01 },
--   stop = function(_, run)
--     return mnemo.runs.on_plateau(run, "acc", { patience = 5, min_delta = 0.01 })
--   end,
-- }
-- print(run.step)
function runs.on_plateau(run, name, options)
  local where = "runs.on_plateau"
  local position, reason = fault(run, name)
  if position then expect.refuse(position, where, reason) end
  options = options or {}
  expect.keys(options, { "patience", "min_delta", "mode" }, where)
  expect.choice(options.mode, { "max", "min" }, where, "mode")
  local patience, least = options.patience or 10, options.min_delta or 0
  if math.type(patience) ~= "integer" or patience < 1 then
    expect.fail("%s: patience is %s (allowed: an integer of 1 or more)", where, tostring(patience))
  end
  local is_allowed = type(least) == "number" and least >= 0 -- a NaN is not
  if not is_allowed then
    expect.fail("%s: min_delta is %s (allowed: 0 or more)", where, tostring(least))
  end
  local sign, best, since = options.mode == "min" and -1 or 1, nil, 0
  for _, record in ipairs(run.history) do
    local value = type(record[name]) == "number" and sign * record[name]
    if value and value == value and (not best or value > best + least) then
      best, since = value, 0
    else
      since = since + 1
    end
  end
  return since >= patience
end

--- Returns mean and standard deviation (with n − 1) of a list of numbers.
-- @tparam {number,...} values numbers
-- @treturn number the mean; NaN of none
-- @treturn number|nil the standard deviation; nil for a single number
-- @usage print(mnemo.runs.summary { 1, 2, 3 })
function runs.summary(values)
  expect.numbers(1, "runs.summary", values)
  local sum, squares = 0, 0
  for _, value in ipairs(values) do sum = sum + value end
  local mean = #values > 0 and sum / #values or math.abs(0 / 0)
  if #values < 2 then return mean, nil end
  for _, value in ipairs(values) do squares = squares + (value - mean) ^ 2 end
  return mean, math.sqrt(squares / (#values - 1))
end

--- Writes mean and standard deviation as "0.981 ± 0.002", a single number as "0.981", and none as
-- "nan".
-- @tparam {number,...} values numbers
-- @tparam[opt=3] integer digits after the point
-- @treturn string
-- @usage print(mnemo.runs.spread { 0.98, 0.99, 0.97 })
function runs.spread(values, digits)
  expect.numbers(1, "runs.spread", values)
  expect.argument(2, "runs.spread", digits, "number", "nil")
  local mean, deviation = runs.summary(values)
  local text = number(mean, digits or 3)
  return deviation and text .. " ± " .. number(deviation, digits or 3) or text
end

--- Returns the columns of a list of rows, as rows: numbers of each seed by setting become numbers
-- of each setting by seed, and back.
-- @tparam {table,...} rows lists of one length
-- @treturn {table,...} its column i is the i-th list
-- @usage print(mnemo.runs.transposed({ { 1, 2, 3 }, { 4, 5, 6 } })[3][2])
function runs.transposed(rows)
  expect.argument(1, "runs.transposed", rows, "table")
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
  expect.argument(1, "runs.columns", rows, "table")
  local lines = columns(rows, function(i) return i > 1 end)
  for i, line in ipairs(lines) do lines[i] = "  " .. line end
  return table.concat(lines, "\n")
end

for name, made in pairs(require "mnemo.runs.collect") do runs[name] = made end

return runs
