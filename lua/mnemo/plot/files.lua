--- Writes files.
require "mnemo" -- which brings the engine's part
local engine = require "mnemo.plot.engine"
local expect = require "mnemo.text.expect"

local files = {}

--- Writes a file as a whole, or says why not and leaves the one of before.
-- @tparam string path
-- @tparam string text
-- @tparam[opt="save"] string who opens the messages of errors
function files.write(path, text, who)
  local problem = engine.write(text, path)
  if problem then expect.fail("%s", (problem:gsub("^save", who or "save"))) end
end

return files
