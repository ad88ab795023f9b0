--- Writes files.
local check = require "mnemo.plot.check"
require "mnemo" -- which brings the engine's part
local engine = require "mnemo.plot.engine"

local files = {}

--- Writes a file as a whole, or says why not and leaves the one of before.
function files.write(path, text)
  local problem = engine.write(text, path)
  if problem then check.fail("%s", problem) end
end

return files
