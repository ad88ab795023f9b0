--- Checks of what functions are given. An error names the first caller's line outside the module:
-- that of the script or the prompt, however deep inside the module the check stands.
local nearest = require "mnemo.text.nearest"

-- The module's folder, which the sources of its files begin with.
local own = debug.getinfo(1, "S").source:match "^(.*)/text/expect%.lua$" .. "/"

local expect = {}

--- Tells whether a function is the module's own: of its Lua files, or between them and Swift.
local function is_own(info)
  return info.what == "C" or info.source == "=(mnemo)" or info.source:sub(1, #own) == own
end

--- Raises an error at the first caller outside the module.
-- @tparam string message as for string.format
-- @tparam any ... what is put into it
function expect.fail(message, ...)
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
function expect.relayed(f, ...)
  local ok, result = pcall(f, ...)
  if ok then return result end
  -- An interrupt is no text, and goes on as it is.
  if type(result) ~= "string" or result:find ":%d+: " then error(result, 0) end
  return expect.fail("%s", result)
end

--- Says what a value is: a class of the engine, such as Tensor, or Lua's type.
-- @tparam any value what was given
-- @treturn string
function expect.kind(value)
  local class = type(value) == "userdata" and getmetatable(value)
  return type(class) == "string" and class or type(value)
end

--- Writes the end of a message about a value of another kind.
local function expected(kinds, value)
  local named = {}
  for _, kind in ipairs(kinds) do
    if kind ~= "nil" then named[#named + 1] = kind end
  end
  return ("%s expected, got %s"):format(table.concat(named, " or "), expect.kind(value))
end

--- Tells whether a value is of one of some kinds; a table may stand for a Task, Model or Run.
local function is_of(value, kinds)
  local given = expect.kind(value)
  for _, kind in ipairs(kinds) do
    local stands = given == "table" and (kind == "Task" or kind == "Model" or kind == "Run")
    if given == kind or stands then return true end
  end
  return false
end

--- Refuses an argument.
-- @tparam integer position which argument, from 1
-- @tparam string where the function's name
-- @tparam string reason what is wrong with it
function expect.refuse(position, where, reason)
  expect.fail("bad argument #%d to '%s' (%s)", position, where, reason)
end

--- Refuses an argument that is of no allowed kind.
-- @tparam integer position which argument, from 1
-- @tparam string where the function's name
-- @tparam any value what was given
-- @tparam string ... the allowed kinds; "nil" if it may be left out
function expect.argument(position, where, value, ...)
  local kinds = { ... }
  if not is_of(value, kinds) then expect.refuse(position, where, expected(kinds, value)) end
end

--- Refuses an argument that is no list of numbers.
-- @tparam integer position which argument, from 1
-- @tparam string where the function's name
-- @tparam any values what was given
function expect.numbers(position, where, values)
  if type(values) ~= "table" then
    expect.refuse(position, where, expected({ "list of number" }, values))
  end
  for i, value in ipairs(values) do
    if type(value) ~= "number" then
      expect.refuse(position, where, ("[%d]: %s"):format(i, expected({ "number" }, value)))
    end
  end
end

--- Refuses an option that is of no allowed kind.
-- @tparam string name the option's name
-- @tparam string where the function's name
-- @tparam any value what was given
-- @tparam string ... the allowed kinds; "nil" if it may be left out
function expect.option(name, where, value, ...)
  local kinds = { ... }
  if not is_of(value, kinds) then
    expect.fail("bad option '%s' to '%s' (%s)", name, where, expected(kinds, value))
  end
end

--- Refuses a table with a key that is not known, and what is no table.
-- @tparam table options what the caller gave
-- @tparam {string,...} known the keys there are
-- @tparam string where the function's name, which opens the message
function expect.keys(options, known, where)
  if type(options) ~= "table" then
    expect.fail("%s: a table of options expected, got %s", where, type(options))
  end
  local is_known, names, unknown = {}, {}, {}
  for _, name in ipairs(known) do
    is_known[name] = true
    if type(name) == "string" then names[#names + 1] = name end
  end
  for key in pairs(options) do
    if not is_known[key] then unknown[#unknown + 1] = tostring(key) end
  end
  if #unknown > 0 then
    table.sort(unknown)
    expect.fail("%s: %s", where, nearest.message(unknown[1], names, "option"))
  end
end

--- Refuses a value that is not among the allowed ones.
-- @tparam any value what was given; nil may be
-- @tparam table allowed the allowed values
-- @tparam string where the function's name
-- @tparam string what the option's name
function expect.choice(value, allowed, where, what)
  if value == nil then return end
  local words = {}
  for i, one in ipairs(allowed) do
    if value == one then return end
    words[i] = tostring(one)
  end
  expect.fail("%s: %s is %s; allowed are %s", where, what,
    type(value) == "string" and "'" .. value .. "'" or "a " .. type(value),
    table.concat(words, ", "))
end

--- Compares a shape with the names of its sizes, and notes sizes that are new.
-- @treturn string|nil the shape that was expected, if this is another
local function misfit(shape, names, sizes)
  local fits, wanted = #shape == #names, {}
  for i, name in ipairs(names) do
    wanted[i] = sizes[name] or name
    sizes[name] = sizes[name] or shape[i]
    fits = fits and sizes[name] == shape[i]
  end
  return not fits and table.concat(wanted, ", ") or nil
end

--- Refuses arguments that are no tensors of shapes that fit each other.
--
-- `expect.shapes("probes.recall", { W, "d_out", "d_in" }, { U, "n", "d_in" })` wants two matrices,
-- the second with as many columns as the first.
-- @tparam string where the function's name
-- @tparam table ... of each argument the value and the names of its sizes; nil of one left out
function expect.shapes(where, ...)
  local sizes = {}
  for position = 1, select("#", ...) do
    local given = (select(position, ...))
    if given then
      local tensor = given[1]
      if expect.kind(tensor) ~= "Tensor" then
        expect.refuse(position, where, expected({ "Tensor" }, tensor))
      end
      local wanted = misfit(tensor:shape(), { table.unpack(given, 2) }, sizes)
      if wanted then
        expect.refuse(position, where, ("shape [%s] expected, got [%s]"):format(wanted,
          table.concat(tensor:shape(), ", ")))
      end
    end
  end
end

return expect
