--- Finds gnuplot and runs it.
local check = require "mnemo.plot.check"
local files = require "mnemo.plot.files"

local gnuplot = {}

--- Runs gnuplot on a script.
-- @tparam string text the script
-- @tparam string where the function's name, which opens an error's message
-- @tparam[opt=""] string rest what an error's message ends with
-- @treturn string what it printed
function gnuplot.run(text, where, rest)
  rest = rest or ""
  local path = os.tmpname()
  files.write(path, text, where)
  -- `-d`: the user's own start-up file must not change figures. `os.tmpname` gives a plain
  -- name, so there is nothing in it that the shell would expand.
  local pipe = assert(io.popen(("gnuplot -d '%s' 2>&1"):format(path)))
  local output = pipe:read("a")
  local done, how, code = pipe:close()
  os.remove(path)
  if done then return output end
  if how == "exit" and code == 127 then
    check.fail("%s: gnuplot is not installed; on Debian it is the package gnuplot-nox%s", where,
      rest)
  end
  local message = output:gsub("^%s+", ""):gsub("%s+$", ""):gsub(path, "script", 1)
  check.fail("%s: gnuplot failed (%s %d): %s%s", where, how, code,
    message == "" and "it said nothing" or message, rest)
end

return gnuplot
