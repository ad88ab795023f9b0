--- Runs gnuplot.
require "mnemo" -- which brings the engine's part
local engine = require "mnemo.plot.engine"
local expect = require "mnemo.text.expect"

local gnuplot = {}

--- Draws a script into a picture, as a whole or not at all.
-- @tparam string script
-- @tparam string format `svg`, `png` or `pdf`
-- @tparam string path where the picture goes
-- @tparam string rest what an error's message ends with
function gnuplot.draw(script, format, path, rest)
  local problem = engine.draw(script, format, path)
  if problem then expect.fail("%s%s", problem, rest) end
end

--- Returns what a script prints.
-- @tparam string script one that draws on its standard output
-- @tparam[opt="show"] string who opens an error's message
-- @tparam[opt=""] string rest ends it
-- @treturn string
function gnuplot.printed(script, who, rest)
  local text, problem = engine.print(script)
  if not text then
    expect.fail("%s%s", (problem:gsub("^show", who or "show")), rest or "")
  end
  return text
end

return gnuplot
