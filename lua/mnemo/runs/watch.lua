-- A metric's curve in the terminal, as it grows.
local engine = require "mnemo.sweep.engine"
local mnemo = require "mnemo"

--- Returns the steps and values of a metric.
local function series(store, id, name)
  local rows = store:sql(
    "SELECT step, value FROM metrics WHERE run = ? AND name = ? ORDER BY step", { id, name })
  local steps, values = {}, {}
  for _, row in ipairs(rows) do
    if row.value then steps[#steps + 1], values[#values + 1] = row.step, row.value end
  end
  return steps, values
end

--- Shows a metric until its run has ended: a curve on a terminal, otherwise a line each time.
-- @tparam Store store where the run is
-- @tparam integer id its number
-- @tparam string name the metric
return function(store, id, name)
  local is_terminal, shown = engine.is_terminal(), nil
  while true do
    local run = store:runs { id = id }[1]
    local steps, values = series(store, id, name)
    local last = steps[#steps]
    if last and last ~= shown then
      if is_terminal then
        io.write "\27[H\27[2J"
        mnemo.plot.lines {
          x = steps, y = values, xlabel = "step", ylabel = name, title = ("run %d"):format(id),
        }:show()
      end
      print(("%s at step %d: %.6g"):format(name, last, values[#values]))
      io.flush()
      shown = last
    end
    if run.state ~= "running" then
      return print(("run %d: %s"):format(id, last and run.state
        or run.state .. ", and has no metric '" .. name .. "'"))
    end
    engine.sleep()
  end
end
