--- Errors of what reads models, which name the line of the script that asked.
local own = debug.getinfo(1, "S").source:match "^(.*)/reading/fail%.lua$" .. "/"

--- Tells whether a function is the module's own: of its Lua files, or between them and Swift.
local function is_own(info)
  return info.what == "C" or info.source == "=(mnemo)" or info.source:sub(1, #own) == own
end

local fail = {}

--- Raises an error at the first caller outside the module.
-- @tparam string message as for string.format
-- @tparam any ... what is put into it
function fail.with(message, ...)
  local level = 2
  local info = debug.getinfo(level, "S")
  while info and is_own(info) do
    level = level + 1
    info = debug.getinfo(level, "S")
  end
  error(message:format(...), info and level or 0)
end

--- Calls a function of the module; its errors are told at the first caller outside the module,
-- those of a script's own functions where they were made.
-- @tparam function f the function
-- @tparam any ... its arguments
-- @treturn any what it returns first
function fail.elsewhere(f, ...)
  local ok, result = pcall(f, ...)
  if ok then return result end
  -- An interrupt is no text, and goes on as it is.
  if type(result) ~= "string" or result:find ":%d+: " then error(result, 0) end
  return fail.with("%s", result)
end

return fail
