--- Checks of what functions are given, in the words of the engine's own functions. Errors name the
-- line that called the function which checks.
local expect = {}

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
-- @tparam[opt=1] integer level as for `error`, counted from the caller of this function
function expect.refuse(position, where, reason, level)
  error(("bad argument #%d to '%s' (%s)"):format(position, where, reason), (level or 1) + 2)
end

--- Refuses an argument that is of no allowed kind.
-- @tparam integer position which argument, from 1
-- @tparam string where the function's name
-- @tparam any value what was given
-- @tparam string ... the allowed kinds; "nil" if it may be left out
function expect.argument(position, where, value, ...)
  local kinds = { ... }
  if not is_of(value, kinds) then expect.refuse(position, where, expected(kinds, value), 2) end
end

--- Refuses an argument that is no list of numbers.
-- @tparam integer position which argument, from 1
-- @tparam string where the function's name
-- @tparam any values what was given
function expect.numbers(position, where, values)
  if type(values) ~= "table" then
    expect.refuse(position, where, expected({ "list of number" }, values), 2)
  end
  for i, value in ipairs(values) do
    if type(value) ~= "number" then
      expect.refuse(position, where, ("[%d]: %s"):format(i, expected({ "number" }, value)), 2)
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
    error(("bad option '%s' to '%s' (%s)"):format(name, where, expected(kinds, value)), 3)
  end
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
        expect.refuse(position, where, expected({ "Tensor" }, tensor), 2)
      end
      local wanted = misfit(tensor:shape(), { table.unpack(given, 2) }, sizes)
      if wanted then
        expect.refuse(position, where, ("shape [%s] expected, got [%s]"):format(wanted,
          table.concat(tensor:shape(), ", ")), 2)
      end
    end
  end
end

return expect
