--- What an experiment costs without its figures: processor seconds of a script of examples/.
--
--     .build/release/mnemo --threads 1 bench/experiment.lua scaling_laws [--quick …]
--
-- The script runs as it is, with its options; only what it would draw is left out. Prints the
-- script's own output, then one line of JSON.
local folder = arg[0]:match ".*/" or ""
local measure = dofile(folder .. "measure.lua")
local mnemo = require "mnemo"

local name = table.remove(arg, 1)
local path = ("%s../examples/%s.lua"):format(folder, name or "")
if not name or not loadfile(path) then
  io.stderr:write("experiment.lua: the name of a script in examples/ is expected first\n")
  os.exit(1)
end

-- A figure that takes everything and draws nothing.
local blank = {}
function blank:save() return self end
for _, kind in ipairs { "lines", "scatter", "heatmap", "attention", "contour", "grid" } do
  mnemo.plot[kind] = function() return blank end
end

-- Points that a sweep has measured before would take no time.
os.remove(("runs/%s/sweep.sqlite"):format(name))

local start, began = os.clock(), mnemo.clock()
dofile(path)
measure.print { "bench", "experiment", "name", name, "threads", mnemo.threads(),
  "cpu_s", os.clock() - start, "s", mnemo.clock() - began, "load", measure.load() }
