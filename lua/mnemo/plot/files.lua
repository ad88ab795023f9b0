--- Writes files.
local check = require "mnemo.plot.check"

local files = {}

--- Writes a file, or says why not.
function files.write(path, text, where)
  local file, message = io.open(path, "w")
  local done = file
  if file then
    done, message = file:write(text)
    local closed, close_message = file:close()
    done, message = done and closed, message or close_message
  end
  if not done then check.fail("%s: cannot write %s", where, message or path) end
end

return files
