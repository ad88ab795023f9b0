--- Describes columns of a run's history: the options of curves.
local expect = require "mnemo.text.expect"
local nearest = require "mnemo.text.nearest"

local line_keys = {
  "title", "xlabel", "ylabel", "xlim", "ylim", "xscale", "yscale", "from_zero", "hlines", "vlines",
  "vspans", "legend", "width", "height",
}

--- Returns a run's columns but for the step, loss first.
local function columns_of(run, where)
  local is_run, records = pcall(function() return run.history end)
  if not is_run or type(records) ~= "table" then
    expect.fail("%s: run is %s; a Run is expected", where,
      run == nil and "missing" or "a " .. expect.kind(run))
  end
  local columns, is_known = {}, { step = true }
  for _, record in ipairs(records) do
    for name in pairs(record) do
      if not is_known[name] then
        is_known[name] = true
        columns[#columns + 1] = name
      end
    end
  end
  table.sort(columns, function(a, b)
    if a == "loss" or b == "loss" then return a == "loss" and b ~= "loss" end
    return a < b
  end)
  return columns
end

--- Reads the arguments of `plot.history`.
-- @treturn table the options of `plot.lines`
return function(run, names)
  local where = "plot.history"
  local columns = columns_of(run, where)
  names = names or {}
  if type(names) ~= "table" then
    expect.fail("%s: a list of columns such as { \"loss\" } is expected, got %s", where,
      expect.kind(names))
  end
  local allowed = table.move(line_keys, 1, #line_keys, #names + 1, {})
  for i in ipairs(names) do allowed[i] = i end
  expect.keys(names, allowed, where)
  local options = { x = run:series "step", xlabel = "step", series = {} }
  for _, key in ipairs(line_keys) do
    if names[key] ~= nil then options[key] = names[key] end
  end
  local known = {}
  for _, column in ipairs(columns) do known[column] = true end
  for i, name in ipairs(#names > 0 and names or columns) do
    if not known[name] then
      expect.fail("%s: %s", where, nearest.message(tostring(name), columns, "column"))
    end
    options.series[i] = { name = name, y = run:series(name) }
  end
  return options
end
